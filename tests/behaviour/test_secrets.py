"""No key, secret header or body shows in a log, a printed object, an exception or a pickle, whatever happens."""

from __future__ import annotations

import contextlib
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from anyopenai import APIConnectionError, APIError, APIStatusError, OpenAI, OpenAIError
from anyopenai.testing.faults import Receive, Reset, fault_server
from behaviour.answers import MODEL, PROMPT, chat, delta, file
from behaviour.clients import KEY, client_for
from behaviour.server import Cut, Reply, Server, error, events, head, json, whole

ADMIN = "sk-admin-71b2c9e8d04f"
HEADER = "hidden-header-5d6e7f"
COOKIE = "hidden-cookie-0a1b2c"
OWN = "hidden-argument-3f4e5d"
BODY = "private-text-9c8d7e"
SECRETS = (KEY, ADMIN, HEADER, COOKIE, OWN)

SECRET_HEADERS = {"X-Api-Key": HEADER, "Cookie": f"session={COOKIE}"}
PRIVATE_PROMPT = {**PROMPT, "messages": [{"role": "user", "content": BODY}]}


def secretive(server: Server, **options: Any) -> OpenAI:
    return client_for(server, **{"admin_api_key": ADMIN, "default_headers": SECRET_HEADERS, **options})


async def ask(client: OpenAI) -> object:
    return await client.chat.completions.create(**PRIVATE_PROMPT, extra_headers={"X-Secret": OWN})


async def stream(client: OpenAI) -> object:
    found = await client.chat.completions.create(**PRIVATE_PROMPT, stream=True)
    return [found, repr(found), [event async for event in found]]


async def upload(client: OpenAI) -> object:
    return await client.files.create(file=("a.txt", BODY.encode()), purpose="assistants")


async def raw(client: OpenAI) -> object:
    found = await client.chat.completions.with_raw_response.create(**PRIVATE_PROMPT)
    return [found, found.http_request, found.http_request.headers, dict(found.http_request.headers), found.headers]


async def impatient(client: OpenAI) -> object:
    return await client.models.retrieve("m", timeout=0.01)


async def foreign(client: OpenAI) -> object:
    return await client.get("/x", cast_to=object, options={"headers": {"Authorization": f"Bearer {OWN}"}})


Scenario = tuple[Callable[[OpenAI], Awaitable[object]], Reply | None]

SCENARIOS: dict[str, Scenario] = {
    "an answer": (ask, json(chat())),
    "a raw answer": (raw, json(chat())),
    "a stream": (stream, events(delta("a", "stop"))),
    "an upload": (upload, json(file())),
    "a refused key that is quoted": (ask, error(401, f"Incorrect API key provided: {KEY}.")),
    "a server error": (ask, error(500)),
    "an error page": (ask, whole(b"<html>" + b"x" * 5000, 502, {"content-type": "text/html"})),
    "a cookie from the server": (ask, json(chat(), headers={"set-cookie": f"id={COOKIE}"})),
    "a lost connection": (ask, Reply(Cut.RESET)),
    "no http": (ask, Reply(b"garbage\r\n\r\n", keep=False)),
    "broken json": (ask, whole(b"{", headers={"content-type": "application/json"})),
    "a truncated stream": (stream, events(delta("a"), done=False)),
    "a broken event": (stream, events("{")),
    "an error in a stream": (stream, events({"error": {"message": "Stop."}})),
    "a timeout": (impatient, None),
    "a redirect loop": (ask, whole(b"", 307, {"location": "/again"})),
    "a redirect to nowhere": (ask, whole(b"", 307, {"location": "http://127.0.0.1:9/x"})),
    "an undocumented endpoint": (foreign, error(404)),
    "an upload that is refused": (upload, error(413)),
    "half an answer": (ask, Reply(head(200, {"content-length": "99"}) + b"{", Cut.CLOSE)),
}


def texts_of(value: object, depth: int = 0) -> Iterator[str]:
    """Everything that printing an object, its parts and its pickle would show."""
    yield repr(value)
    yield str(value)
    # What cannot travel says so; then nothing of it does.
    with contextlib.suppress(TypeError, AttributeError, OpenAIError, pickle.PicklingError):
        yield pickle.dumps(value).decode("latin-1")
    if depth < 3:
        parts = value if isinstance(value, list | tuple) else vars(value).values() if hasattr(value, "__dict__") else ()
        for part in parts:
            yield from texts_of(part, depth + 1)


def texts_of_error(problem: BaseException) -> Iterator[str]:
    """The same for an exception, with its causes; local variables too, as reporting services collect them."""
    yield from texts_of(problem)
    yield "".join(traceback.format_exception(problem))
    trace: traceback.TracebackException | None = traceback.TracebackException.from_exception(
        problem, capture_locals=True
    )
    while trace is not None:
        # The arguments of a call are its caller's to show.
        yield from (repr(frame.locals).replace(OWN, "") for frame in trace.stack if "/behaviour/" not in frame.filename)
        trace = trace.__cause__ or trace.__context__


@pytest.mark.parametrize("name", SCENARIOS)
async def test_no_secret_shows_whatever_happens(server: Server, caplog: pytest.LogCaptureFixture, name: str) -> None:
    call, reply = SCENARIOS[name]
    server.script(reply or Reply(anyio.Event()))
    seen: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with secretive(server, max_retries=1) as client:
            try:
                seen += texts_of(await call(client))
            except APIError as problem:
                seen += texts_of_error(problem)
                if isinstance(problem, APIStatusError):
                    seen += texts_of([problem.response, problem.response.headers, problem.request])
            seen += texts_of([client, client.chat, client.chat.completions, client.models.with_raw_response])
            seen += [repr(client._caller), repr(client.with_options(timeout=1))]
    logged = [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    quoted = KEY if "quoted" in name else ""
    for secret in SECRETS:
        # A server that quotes the key in its message says so itself; the log has no messages of servers.
        assert not [text for text in logged if secret in text]
        assert secret == quoted or not [text for text in seen if secret in text]
    assert not [text for text in logged if BODY in text]


async def test_the_log_says_what_happened(server: Server, client: OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    server.script(error(500), json(MODEL, headers={"x-request-id": "req_log"}))
    with caplog.at_level(logging.DEBUG, logger="anyopenai"):
        await client.models.retrieve("m")
    assert {record.name.partition(".")[0] for record in caplog.records if record.name.startswith("anyopenai")}
    for fact in ("GET", "/v1/models/m", "200", "req_log", "retry"):
        assert fact in caplog.text


async def test_query_values_that_may_be_secrets_are_not_printed(server: Server, client: OpenAI) -> None:
    server.script(error(404))
    with pytest.raises(APIStatusError) as caught:
        await client.models.retrieve("m", extra_query={"api_key": HEADER, "limit": 3})
    assert HEADER not in repr(caught.value.request)
    assert HEADER not in str(caught.value.request.url)
    assert "limit=3" in str(caught.value.request.url)


async def test_the_key_in_a_base_url_is_not_printed(server: Server) -> None:
    with contextlib.suppress(OpenAIError, ValueError):
        url = server.url.replace("http://", f"http://user:{HEADER}@")
        client = OpenAI(api_key="k", base_url=url)
        assert HEADER not in repr(client)


async def test_middleware_and_observers_see_no_secret(server: Server) -> None:
    seen: list[str] = []

    async def middleware(request: Any, call_next: Any) -> Any:
        seen.append(repr(request.headers))
        response = await call_next(request)
        seen.append(repr(request.headers))
        return response

    def trace(name: str, info: object) -> None:
        seen.append(f"{name} {info!r}")

    server.script(error(500), json(chat()))
    async with secretive(server, middleware=[middleware], trace=trace) as client:
        await ask(client)
    assert server.last["authorization"] == f"Bearer {KEY}"
    assert server.last["x-api-key"] == HEADER
    assert len(seen) > 4
    assert not [text for text in seen if any(secret in text for secret in SECRETS)]


@pytest.mark.parametrize("source", ["bytes", "file"])
async def test_an_upload_that_breaks_off_shows_no_secret(source: str, tmp_path: Path) -> None:
    content = b"x" * 20_000_000
    path = tmp_path / "large.bin"
    await anyio.Path(path).write_bytes(content)
    async with (
        fault_server([Receive(body=False), Reset()]) as server,
        OpenAI(api_key=KEY, base_url=server.url, max_retries=0, default_headers=SECRET_HEADERS) as client,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await client.files.create(file=content if source == "bytes" else path, purpose="assistants")
    assert not [text for text in texts_of_error(caught.value) if any(secret in text for secret in SECRETS)]
