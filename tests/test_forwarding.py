"""`EventStreamResponse`: the server's bytes to the browser, and the browser's leaving to the server."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import (
    APIConnectionError,
    EventStreamResponse,
    Forwarded,
    OpenAIError,
    RateLimitError,
    UsageLedger,
)
from anyopenai.errors import APITimeoutError, MalformedEvent, StreamTruncated
from anyopenai.testing import Answer
from anyopenai.transport.base import TransportFailure
from engine.recordings import PROMPT, RECORDINGS, Recording, events, opened
from engine.support import STREAM, chunk, client_over

SSE = {"content-type": "text/event-stream"}
HTTP: dict[str, Any] = {"type": "http", "method": "POST", "path": "/"}
ERROR = b"event: error\ndata: "
LOST = TransportFailure("reset by peer", kind="lost", phase="body", sent="all")


class Browser:
    """An ASGI server in memory: what was sent, and when the browser leaves."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.leave = anyio.Event()
        self.got = anyio.Event()

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def ended(self) -> bool:
        return not self.messages[-1].get("more_body", True)

    async def receive(self) -> dict[str, Any]:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await anyio.lowlevel.checkpoint()
        self.messages.append(message)
        if message.get("body"):
            self.got.set()


async def forward(*pieces: Any, **options: Any) -> tuple[Browser, Forwarded, Any]:
    """Forward a chat whose answer is these pieces."""
    browser = Browser()
    ends: list[Forwarded] = []
    client, transport = client_over(Answer(pieces=pieces, headers=SSE), max_retries=0)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    try:
        await EventStreamResponse(stream, on_end=ends.append, **options)(HTTP, browser.receive, browser.send)
    finally:
        assert transport.open_responses == 0
        assert len(ends) == 1
    return browser, ends[0], transport


CHAT = events(*STREAM[:-1], b"data: [DONE]\n\n")


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
@pytest.mark.parametrize("size", [7, 100_000])
async def test_a_stream_of_every_kind_arrives_byte_for_byte(recording: Recording, size: int) -> None:
    ends: list[Forwarded] = []
    browser = Browser()
    wire = recording.wire
    pieces = [wire[i : i + size] for i in range(0, len(wire), size)]
    client, transport = client_over(Answer(pieces=pieces, headers=SSE))
    async with opened(recording, client) as stream:
        await EventStreamResponse(stream, on_end=ends.append)(HTTP, browser.receive, browser.send)
    head = browser.messages[0]
    assert head["status"] == 200
    assert dict(head["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert dict(head["headers"])[b"x-accel-buffering"] == b"no"
    assert browser.ended
    # What follows the end marker of its kind is no part of the answer.
    assert wire.startswith(browser.body)
    assert len(browser.body) >= recording.whole_from
    (end,) = ends
    assert (end.complete, end.left, end.error, end.sent) == (True, False, None, len(browser.body))
    assert (None if end.usage is None else end.usage.total_tokens) == recording.usage
    assert transport.responses[0].complete


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, len(CHAT)), max_size=8),
    end=st.integers(0, len(CHAT)),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_a_stream_cut_anywhere_is_whole_or_ends_with_an_error_event(cuts: list[int], end: int, line_end: bytes) -> None:
    async def run() -> None:
        wire = CHAT[:end].replace(b"\n", line_end)
        places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
        pieces = [wire[a:b] for a, b in pairwise(places)]
        browser, outcome, _ = await forward(*pieces)
        assert browser.ended
        if outcome.complete:
            assert browser.body == wire
        else:
            body, mark, _ = browser.body.partition(ERROR)
            assert mark
            # The error event stands between two events, whatever had arrived of the next one.
            assert body == b"" or body.endswith(line_end * 2)
            assert wire.startswith(body)
            assert isinstance(outcome.error, StreamTruncated)

    anyio.run(run)


USUAL = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n'
ODD = [
    b'data: {"error":{"message":"boom"}}\n\n',
    b"event: error\ndata: boom\n\n",
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"\\"finish_reason\\":null"},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n',
    b"data: [DONE]\n\n",
    b": comment\n\n",
    b'data: {"half\n\n',
]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_how_many_events_one_read_brings_makes_no_difference(data: st.DataObject) -> None:
    frames = [USUAL] * data.draw(st.integers(0, 30))
    for _ in range(data.draw(st.integers(0, 3))):
        frames.insert(data.draw(st.integers(0, len(frames))), data.draw(st.sampled_from(ODD)))
    wire = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=3)))
    pieces = [wire[start:end] for start, end in pairwise([0, *cuts, len(wire)]) if start < end]

    # Not the bytes: what came behind the end, with the same read, passes too.
    async def told(pieces: list[bytes]) -> tuple[object, ...]:
        _, outcome, _ = await forward(*pieces)
        error = outcome.error
        return outcome.complete, outcome.usage, type(error), str(error), getattr(error, "events_received", None)

    async def compare() -> None:
        assert await told(pieces) == await told(frames)

    anyio.run(compare)


async def test_headers_are_added_and_replaced() -> None:
    browser, _, _ = await forward(CHAT, headers={"X-Id": "7", "Cache-Control": "no-store"})
    fields = dict(browser.messages[0]["headers"])
    assert (fields[b"x-id"], fields[b"cache-control"]) == (b"7", b"no-store")


async def test_an_error_in_the_stream_passes_as_it_is_and_is_the_outcome() -> None:
    wire = events(chunk("Hel"), {"error": {"message": "slow", "code": 429}}, chunk("lo"))
    browser, outcome, _ = await forward(wire)
    assert browser.body == wire
    assert browser.ended
    assert isinstance(outcome.error, RateLimitError)
    assert not outcome.complete


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (LOST, StreamTruncated),
        (TransportFailure("silence", kind="timeout", phase="body", sent="all"), APITimeoutError),
        (TransportFailure("bad gzip", kind="decode", phase="body", sent="all"), APIConnectionError),
    ],
    ids=["lost", "timeout", "decode"],
)
async def test_a_stream_that_breaks_off_ends_with_an_event_that_says_no_more_than_that(
    last: TransportFailure, kind: type[OpenAIError]
) -> None:
    browser, outcome, _ = await forward(events(chunk("Hel")), b'data: {"ha', last)
    assert browser.body.startswith(events(chunk("Hel")) + ERROR)
    assert browser.ended
    assert isinstance(outcome.error, kind)
    assert b"reset by peer" not in browser.body


async def test_a_stream_that_breaks_off_in_a_large_event_breaks_the_answer_off_too() -> None:
    """Its end would look like an event's; only a broken connection tells the browser."""
    wire = b"data: " + b"x" * 40_000
    browser = Browser()
    client, transport = client_over(Answer(pieces=[wire, LOST], headers=SSE), max_retries=0)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    with pytest.raises(StreamTruncated):
        await EventStreamResponse(stream)(HTTP, browser.receive, browser.send)
    assert browser.body == wire
    assert not browser.ended
    assert transport.open_responses == 0


async def test_a_large_event_passes_in_parts_and_nothing_is_held_for_long() -> None:
    gate = anyio.Event()
    big = events(chunk("x" * 100_000))
    browser = Browser()
    client, _ = client_over(Answer(pieces=[big[:50_000], gate, big[50_000:], CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    async with anyio.create_task_group() as group:
        group.start_soon(EventStreamResponse(stream), HTTP, browser.receive, browser.send)
        await browser.got.wait()
        assert browser.body == big[:50_000]
        gate.set()
    assert browser.body == big + CHAT


async def test_an_event_above_the_limit_is_an_error() -> None:
    client, _ = client_over(
        Answer(pieces=[events(chunk("Hel")), b"data: " + b"x" * 999], headers=SSE), max_event_bytes=500
    )
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    browser = Browser()
    ends: list[Forwarded] = []
    await EventStreamResponse(stream, on_end=ends.append)(HTTP, browser.receive, browser.send)
    assert isinstance(ends[0].error, MalformedEvent)
    assert browser.body.count(ERROR) == 1


async def test_when_the_browser_leaves_the_stream_is_closed() -> None:
    never = anyio.Event()
    browser = Browser()
    ends: list[Forwarded] = []
    ledger = UsageLedger()
    client, transport = client_over(Answer(pieces=[events(chunk("Hel")), never, CHAT], headers=SSE), usage=ledger)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    async with anyio.create_task_group() as group:
        group.start_soon(EventStreamResponse(stream, on_end=ends.append), HTTP, browser.receive, browser.send)
        await browser.got.wait()
        assert transport.open_responses == 1
        browser.leave.set()
    assert transport.open_responses == 0
    assert not browser.ended
    assert (ends[0].left, ends[0].complete, ends[0].error) == (True, False, None)
    assert ledger.total.unreported == 1


async def test_the_stream_is_closed_before_any_time_passes_once_the_browser_leaves() -> None:
    """Whoever waits for a clock counts as blocked, so a close that came after a pause would be seen as none."""
    never = anyio.Event()
    browser = Browser()
    client, transport = client_over(Answer(pieces=[events(chunk("Hel")), never, CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    async with anyio.create_task_group() as group:
        response = EventStreamResponse(stream, keep_alive=60)
        group.start_soon(response, HTTP, browser.receive, browser.send)
        await browser.got.wait()
        browser.leave.set()
        await anyio.wait_all_tasks_blocked()
        assert transport.open_responses == 0


async def test_a_server_that_cannot_send_any_more_says_that_the_browser_left() -> None:
    browser = Browser()
    ends: list[Forwarded] = []
    client, transport = client_over(Answer(pieces=[CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)

    async def send(message: Any) -> None:
        await browser.send(message)
        if message.get("body"):
            raise OSError("gone")

    await EventStreamResponse(stream, on_end=ends.append)(HTTP, browser.receive, send)
    assert ends[0].left
    assert transport.open_responses == 0


async def test_a_defect_of_the_server_is_not_hidden() -> None:
    client, transport = client_over(Answer(pieces=[CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)

    async def send(message: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await EventStreamResponse(stream)(HTTP, Browser().receive, send)
    assert transport.open_responses == 0


async def test_a_browser_that_does_not_read_holds_the_server_back() -> None:
    pieces = [events(chunk(str(i))) for i in range(50)]
    room = anyio.Event()
    browser = Browser()
    client, transport = client_over(Answer(pieces=[*pieces, CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)

    async def send(message: Any) -> None:
        await browser.send(message)
        if message["type"] == "http.response.body":
            await room.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(EventStreamResponse(stream), HTTP, browser.receive, send)
        await anyio.wait_all_tasks_blocked()
        assert transport.responses[0].received == len(pieces[0])
        room.set()
    assert browser.body == b"".join(pieces) + CHAT


async def test_a_silence_is_broken_by_comments_between_events() -> None:
    gate = anyio.Event()
    browser = Browser()
    client, _ = client_over(Answer(pieces=[events(chunk("Hel")), gate, CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)

    async def send(message: Any) -> None:
        await browser.send(message)
        if message.get("body") == b": keep-alive\n\n":
            gate.set()

    await EventStreamResponse(stream, keep_alive=0.001)(HTTP, browser.receive, send)
    assert browser.body.replace(b": keep-alive\n\n", b"") == events(chunk("Hel")) + CHAT
    assert b": keep-alive\n\n" in browser.body
    assert browser.ended


async def test_an_observer_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(outcome: Forwarded) -> None:
        raise RuntimeError("full")

    client, _ = client_over(Answer(pieces=[CHAT], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    browser = Browser()
    await EventStreamResponse(stream, on_end=fail)(HTTP, browser.receive, browser.send)
    assert "on_end of a forwarded stream raised" in caplog.text


async def test_what_cannot_be_forwarded_is_refused() -> None:
    client, _ = client_over(*[Answer(pieces=[CHAT], headers=SSE)] * 2)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="keep_alive"):
            EventStreamResponse(stream, keep_alive=wrong)
    with pytest.raises(ValueError, match="line break"):
        EventStreamResponse(stream, headers={"x-a": "b\r\nc: d"})
    response = EventStreamResponse(stream)
    assert "EventStreamResponse of <Stream" in repr(response)
    browser = Browser()
    with pytest.raises(OpenAIError, match="over HTTP only"):
        await response({"type": "websocket"}, browser.receive, browser.send)
    await response(HTTP, browser.receive, browser.send)
    with pytest.raises(OpenAIError, match="has been sent"):
        await response(HTTP, browser.receive, browser.send)
    with pytest.raises(OpenAIError, match="has been read or closed"):
        EventStreamResponse(stream)
    other = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(other)
    with pytest.raises(OpenAIError, match="has been read or closed"):
        EventStreamResponse(other)
    await other.close()
