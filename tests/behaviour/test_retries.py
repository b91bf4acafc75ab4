"""Which failures are tried again, how often, after which wait, and with what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path

import anyio
import pytest

from anyopenai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    OpenAI,
    RateLimitError,
    Timeout,
)
from behaviour.answers import MODEL, PROMPT, batch_list, chat, delta, file
from behaviour.clients import Waits, client_for
from behaviour.server import Cut, Reply, Server, chunk, error, events, head, json

# Which statuses, and how often.


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529, 599])
async def test_a_passing_failure_is_tried_again(server: Server, client: OpenAI, status: int) -> None:
    server.script(error(status), json(chat()))
    assert (await client.chat.completions.create(**PROMPT)).choices[0].message.content == "Hello!"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 418, 422])
async def test_a_lasting_failure_is_not_tried_again(server: Server, client: OpenAI, status: int) -> None:
    server.script(error(status))
    with pytest.raises(APIStatusError):
        await client.chat.completions.create(**PROMPT)
    assert len(server.requests) == 1


async def test_a_used_up_quota_is_not_tried_again(server: Server, client: OpenAI) -> None:
    server.script(error(429, code="insufficient_quota"))
    with pytest.raises(RateLimitError) as caught:
        await client.chat.completions.create(**PROMPT)
    assert caught.value.code == "insufficient_quota"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("options", "attempts"),
    [({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 4}, 5)],
    ids=["default", "none", "four"],
)
async def test_the_budget_of_retries_ends_in_the_last_error(
    server: Server, options: Mapping[str, int], attempts: int
) -> None:
    server.script(*(error(500, f"Failure {number}.") for number in range(9)))
    async with client_for(server, **options) as client:
        with pytest.raises(InternalServerError, match=f"Failure {attempts - 1}"):
            await client.models.retrieve("m")
    assert len(server.requests) == attempts


async def test_with_options_changes_the_budget_of_that_view_only(server: Server, client: OpenAI) -> None:
    server.script(error(500))
    for view, attempts in ((client.with_options(max_retries=0), 1), (client, 3)):
        del server.requests[:]
        with pytest.raises(InternalServerError):
            await view.models.retrieve("m")
        assert len(server.requests) == attempts


async def test_a_budget_of_none_is_refused(server: Server) -> None:
    with pytest.raises(TypeError, match="max_retries"):
        client_for(server, max_retries=None)


@pytest.mark.parametrize(("status", "word", "attempts"), [(400, "true", 2), (500, "false", 1), (404, "maybe", 1)])
async def test_the_servers_word_decides_about_a_retry(
    server: Server, client: OpenAI, status: int, word: str, attempts: int
) -> None:
    server.script(error(status, headers={"x-should-retry": word}), json(MODEL))
    if attempts == 1:
        with pytest.raises(APIStatusError):
            await client.models.retrieve("m")
    else:
        await client.models.retrieve("m")
    assert len(server.requests) == attempts


@pytest.mark.parametrize(
    "call",
    [lambda c: c.models.retrieve("m"), lambda c: c.models.delete("m"), lambda c: c.batches.list()],
    ids=["GET", "DELETE", "list"],
)
async def test_other_verbs_are_tried_again_like_post(
    server: Server, client: OpenAI, call: Callable[[OpenAI], object]
) -> None:
    server.script(error(503), json({**MODEL, "deleted": True, **batch_list(has_more=False)}))
    await call(client)
    assert len({request.method for request in server.requests}) == 1
    assert len(server.requests) == 2


# How long the wait is.


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("fields", "least", "most"),
    [
        ({"retry-after-ms": "1234"}, 1.234, 1.234),
        ({"retry-after-ms": "0.5"}, 0.0005, 0.0005),
        ({"retry-after": "7"}, 7.0, 7.0),
        ({"retry-after": "1.25"}, 1.25, 1.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, 1.5),
        # A date has whole seconds and the test takes time: the lower end is generous. It counts from the test's own run.
        ({"retry-after": "in 110 s"}, 30, 110),
        ({"retry-after": "120"}, 120, 120),
        *(
            ({"retry-after": value}, 0.0, 1.0)
            for value in (
                "-5",
                "0",
                "nan",
                "inf",
                "-inf",
                "soon",
                "",
                "1e999",
                "Fri, 29 Sep 1989 16:26:57 GMT",
                "99:99",
            )
        ),
        ({}, 0.25, 1.0),
    ],
    ids=repr,
)
async def test_the_wait_is_what_the_server_asks_or_the_ordinary_one(
    server: Server, client: OpenAI, waits: Waits, fields: Mapping[str, str], least: float, most: float
) -> None:
    if fields.get("retry-after") == "in 110 s":
        fields = {"retry-after": http_date(110)}
    server.script(error(429, headers=fields), json(MODEL))
    await client.models.retrieve("m")
    (wait,) = waits
    assert least <= wait <= most


@pytest.mark.parametrize("value", ["121", "3600", http_date(86_400)], ids=["121 s", "an hour", "tomorrow"])
async def test_a_wait_above_two_minutes_surfaces_the_error_at_once(
    server: Server, client: OpenAI, waits: Waits, value: str
) -> None:
    server.script(error(429, headers={"retry-after": value}))
    with pytest.raises(RateLimitError):
        await client.models.retrieve("m")
    assert len(server.requests) == 1
    assert waits == []


async def test_the_ordinary_wait_grows_and_is_capped(server: Server, waits: Waits) -> None:
    server.script(error(500))
    async with client_for(server, max_retries=8) as client:
        with pytest.raises(InternalServerError):
            await client.models.retrieve("m")
    # Jitter takes a quarter at most, so every doubling shows.
    assert waits[:4] == sorted(set(waits[:4]))
    assert len(waits) == 8
    assert max(waits) <= 8.0


async def test_cancelling_the_wait_sends_no_more(server: Server, client: OpenAI, waits: Waits) -> None:
    waits.endless = True
    server.script(error(500), json(MODEL))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.models.retrieve, "m")
        await waits.begun.wait()
        tasks.cancel_scope.cancel()
    assert len(server.requests) == 1
    assert (await client.models.retrieve("m")).id == "m"


# Failures without an answer.


@pytest.mark.parametrize(
    "broken",
    [
        Reply(Cut.CLOSE),
        Reply(Cut.RESET),
        Reply(b"HTTP/1.1 200 OK\r\ncontent-le", Cut.CLOSE),
        Reply(head(200, {"content-length": "100"}) + b'{"id":', Cut.CLOSE),
        Reply(head(200, {"transfer-encoding": "chunked"}) + chunk(b'{"id":'), Cut.RESET),
    ],
    ids=["closed", "reset", "half a head", "half a body", "half a chunked body"],
)
async def test_a_connection_that_breaks_is_tried_again(server: Server, client: OpenAI, broken: Reply) -> None:
    server.script(broken, json(MODEL))
    assert (await client.models.retrieve("m")).id == "m"
    assert len(server.requests) == 2


async def test_a_connection_that_always_breaks_raises_with_its_cause(server: Server, client: OpenAI) -> None:
    server.script(Reply(Cut.CLOSE))
    with pytest.raises(APIConnectionError) as caught:
        await client.models.retrieve("m")
    assert not isinstance(caught.value, APITimeoutError)
    assert caught.value.__cause__ is not None
    assert len(server.requests) == 3


async def test_timeouts_are_tried_again_then_raised(server: Server, waits: Waits) -> None:
    server.script(Reply(anyio.Event()))
    async with client_for(server, timeout=Timeout(30, read=0.005)) as client:
        with pytest.raises(APITimeoutError):
            await client.models.retrieve("m")
    assert len(waits) == 2


async def test_a_pooled_connection_that_the_server_closed_meanwhile_is_no_error(server: Server) -> None:
    one = json(MODEL)
    server.script(Reply(*one.parts, keep=False))
    async with client_for(server, max_retries=0) as client:
        for _ in range(4):
            assert (await client.models.retrieve("m")).id == "m"
            assert await client.chat.completions.create(**PROMPT)


async def test_a_stream_is_tried_again_while_no_answer_has_begun(server: Server, client: OpenAI) -> None:
    server.script(error(500), Reply(Cut.RESET), events(delta("a", "stop")))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert len([chunk async for chunk in stream]) == 1
    assert len(server.requests) == 3


# What every attempt carries.


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_responses_tell_how_many_retries_were_taken(server: Server, client: OpenAI, failures: int) -> None:
    for view in ("raw", "streaming"):
        server.script(*(error(500) for _ in range(failures)), json(MODEL))
        if view == "raw":
            assert (await client.models.with_raw_response.retrieve("m")).retries_taken == failures
        else:
            async with client.models.with_streaming_response.retrieve("m") as response:
                assert response.retries_taken == failures


async def test_a_repeated_json_request_has_the_same_bytes(server: Server, client: OpenAI) -> None:
    server.script(error(500), Reply(Cut.CLOSE), json(chat()))
    await client.chat.completions.create(**PROMPT, metadata={"a": "é"}, temperature=0.1)
    assert len({request.body for request in server.requests}) == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize("kind", ["bytes", "open file", "path", "BytesIO", "BytesIO just written", "tuple"])
async def test_a_repeated_upload_carries_the_whole_file(
    server: Server, client: OpenAI, tmp_path: Path, kind: str
) -> None:
    content = bytes(range(256)) * 64
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    server.script(error(500), Reply(Cut.RESET), json(file()))
    with path.open("rb") as opened:
        written = BytesIO()
        written.write(content)
        given = {
            "bytes": content,
            "open file": opened,
            "path": path,
            "BytesIO": BytesIO(content),
            # Whoever has just written it stands at its end, and means the whole.
            "BytesIO just written": written,
            "tuple": ("name.bin", content),
        }[kind]
        await client.files.create(file=given, purpose="assistants")
    assert len(server.requests) == 3
    assert all(content in request.body for request in server.requests)


async def test_the_callers_idempotency_key_is_on_every_attempt(server: Server, client: OpenAI) -> None:
    server.script(error(500), error(500), json(chat()))
    await client.chat.completions.create(**PROMPT, extra_headers={"Idempotency-Key": "mine"})
    assert [request["idempotency-key"] for request in server.requests] == ["mine"] * 3


async def test_our_own_idempotency_key_lasts_for_one_call(server: Server, client: OpenAI) -> None:
    for _ in range(2):
        server.script(error(500), error(500), json(chat()))
        await client.chat.completions.create(**PROMPT)
    keys = [request.all("idempotency-key") for request in server.requests]
    assert keys[0] == keys[1] == keys[2]
    assert keys[3] == keys[4] == keys[5]
    assert keys[0] == [] or keys[0] != keys[3]


async def test_a_key_function_is_asked_again_for_a_retry(server: Server) -> None:
    keys = iter(["first", "second", "third"])

    async def key() -> str:
        return next(keys)

    server.script(error(500), error(401, headers={"x-should-retry": "true"}), json(MODEL))
    async with client_for(server, api_key=key) as client:
        await client.models.retrieve("m")
    assert [request["authorization"] for request in server.requests] == [
        "Bearer first",
        "Bearer second",
        "Bearer third",
    ]


async def test_retries_reuse_the_connection(server: Server, client: OpenAI) -> None:
    server.script(error(500, "x" * 10_000), error(429), json(chat()))
    await client.chat.completions.create(**PROMPT)
    assert len(server.requests) == 3
    assert len(server.connections) == 1


async def test_no_telemetry_header_is_sent(server: Server, client: OpenAI) -> None:
    server.script(error(500), json(chat()))
    await client.chat.completions.create(**PROMPT)
    assert not [name for request in server.requests for name, _ in request.headers if "stainless" in name.lower()]


async def test_a_header_of_the_callers_own_is_on_every_attempt(server: Server, client: OpenAI) -> None:
    server.script(error(500), json(chat()))
    await client.chat.completions.create(**PROMPT, extra_headers={"x-stainless-retry-count": "7"})
    assert [request["x-stainless-retry-count"] for request in server.requests] == ["7", "7"]
