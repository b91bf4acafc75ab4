"""A client's `usage=` and `include_usage=`: each call is counted once, whatever becomes of it."""

from __future__ import annotations

import pickle
from typing import Any

import anyio
import pytest

from anyopenai import OpenAI, StreamTruncated, Usage, UsageLedger
from anyopenai.testing import Answer
from engine.recordings import CHAT_TOKENS, RECORDINGS, Recording, opened
from engine.support import CHAT, KEY, MODEL, PROMPT, STREAM, chunk, client_over, ok, without_waiting

COSTLY = {**CHAT, "usage": CHAT_TOKENS}
USAGE_CHUNK = {**chunk(), "choices": [], "usage": CHAT_TOKENS}
NINE = Usage(calls=1, input_tokens=5, output_tokens=4, total_tokens=9)
KEPT: list[Usage] = []


def keep(usage: Usage) -> None:
    """A counter that other processes can import."""
    KEPT.append(usage)


async def test_plain_raw_and_streaming_answers_are_counted_once_each() -> None:
    ledger = UsageLedger()
    client, _ = client_over(*[ok(COSTLY)] * 3, usage=ledger)
    await client.chat.completions.create(**PROMPT)
    raw = await client.chat.completions.with_raw_response.create(**PROMPT)
    raw.parse()
    raw.parse()
    async with client.chat.completions.with_streaming_response.create(**PROMPT) as response:
        await response.parse()
        await response.parse(to=dict)
    assert ledger.total == NINE + NINE + NINE


async def test_views_count_for_their_tags() -> None:
    ledger = UsageLedger()
    client, _ = client_over(*[ok(COSTLY)] * 4, usage=ledger)
    search = client.with_options(usage=ledger.tag("search"))
    for view in (client, search, search, client.with_options(usage=None)):
        await view.chat.completions.create(**PROMPT)
    assert ledger[None] == NINE
    assert ledger["search"] == NINE + NINE


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
async def test_a_stream_of_every_kind_is_counted(recording: Recording) -> None:
    ledger = UsageLedger()
    client, transport = client_over(
        Answer(pieces=[recording.wire], headers={"content-type": "text/event-stream"}), usage=ledger
    )
    async with opened(recording, client) as stream:
        async for _ in stream:
            pass
    (request,) = transport.requests
    if request.method == "GET":
        assert ledger.total == Usage()
    else:
        assert (ledger.total.calls, ledger.total.total_tokens) == (1, recording.usage or 0)
        assert ledger.total.unreported == (recording.usage is None)


async def test_streams_that_are_left_cut_or_cancelled_count_as_unreported() -> None:
    ledger = UsageLedger()
    never = anyio.Event()
    client, _ = client_over(
        Answer(events=STREAM),
        Answer(events=[chunk("Hel")]),
        Answer(events=[chunk("Hel"), never, chunk("late")]),
        usage=ledger,
    )
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        await anext(stream)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    with pytest.raises(StreamTruncated):
        await anext(stream)
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        await anext(stream)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(stream)
    assert ledger.total == Usage(calls=3, unreported=3)


async def test_attempts_that_fail_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    ledger = UsageLedger()
    client, _ = client_over(Answer.error(500), Answer.error(503), ok(COSTLY), ok(MODEL), usage=ledger)
    await client.chat.completions.create(**PROMPT)
    await client.models.retrieve("m")
    assert ledger.total == NINE


async def test_a_stream_is_asked_for_its_usage_where_somebody_counts() -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Answer:
        asked.append(request.json().get("stream_options"))
        return Answer(events=[chunk("Hi"), chunk(finish="stop"), USAGE_CHUNK, "[DONE]"])

    client, _ = client_over(*[answer] * 8)
    counting = client.with_options(usage=UsageLedger())

    async def read(view: OpenAI, **options: Any) -> None:
        async with await view.chat.completions.create(**PROMPT, stream=True, **options) as stream:
            async for _ in stream:
                pass
            assert stream.usage == NINE

    await read(client)
    await read(client.with_options(include_usage=True))
    await read(counting)
    await read(counting, stream_options={"include_obfuscation": False})
    await read(counting, stream_options={"include_usage": False})
    await read(counting.with_options(include_usage=False))
    yes = {"include_usage": True}
    assert asked == [None, yes, yes, {"include_obfuscation": False, **yes}, {"include_usage": False}, None]
    plain, transport = client_over(ok(COSTLY), usage=UsageLedger())
    await plain.chat.completions.create(**PROMPT)
    assert b"stream_options" not in transport.requests[0].body


async def test_a_counter_that_fails_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(usage: Usage) -> None:
        raise RuntimeError("full")

    client, _ = client_over(ok(COSTLY), usage=fail)
    assert (await client.chat.completions.create(**PROMPT)).id == "chatcmpl-1"
    assert "the usage counter raised" in caplog.text


def test_a_counter_travels_if_it_can_be_imported() -> None:
    client: OpenAI = pickle.loads(pickle.dumps(_env_client(usage=keep, max_event_bytes=1000)))
    assert client._settings.usage is keep
    assert (client._settings.include_usage, client._settings.max_event_bytes) == (True, 1000)
    with pytest.raises(Exception, match="usage= with"):
        pickle.dumps(_env_client(usage=UsageLedger()))


def _env_client(**options: Any) -> OpenAI:
    return OpenAI(api_key=_key, **options)


async def _key() -> str:
    return KEY
