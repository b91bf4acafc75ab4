"""A recorded stream of a run, cut at every byte, over memory, HTTP/1.1 and HTTP/2: the whole, or an error with what came."""

from __future__ import annotations

from typing import Any, Final, cast

import pytest

from anyopenai import AsyncAssistantEventHandler, OpenAI, StreamTruncated
from anyopenai.streaming import RunSoFar
from anyopenai.testing import Answer, FakeTransport
from anyopenai.testing.faults import Peer, fault_server
from anyopenai.testing.http2 import Data, Head, Http2, Request, ResetStream
from streaming.runs import ASK, CASES, SAID, SSE, calls, code, run, step, whole, wire

TOOLS: Final = (step("created", id="step_2"), calls(code(0, "c1", input="x = "), id="step_2"),
                calls(code(0, input="1"), id="step_2"))  # fmt: skip
EVENTS: Final = (*SAID[:-1], *TOOLS, step("completed", id="step_2"), run("completed"))
WIRE: Final = wire(EVENTS)
WHOLE_FROM: Final = WIRE.index(b"\n\n", WIRE.index(b"thread.run.completed")) + 2


class Ending(AsyncAssistantEventHandler):
    """Counts what it is told at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = 0
        self.failures: list[Exception] = []

    async def on_exception(self, exception: Exception) -> None:
        self.failures.append(exception)

    async def on_end(self) -> None:
        self.ends += 1


class Watching(Ending):
    """Looks at everything while it grows."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.seen.append(snapshot.value)

    async def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.seen.append(snapshot.code_interpreter.input)


async def outcome(client: OpenAI, handler: Ending, end: int, *, overtaken: bool = False) -> None:
    """Read a stream of which so many bytes come, and check the one rule: whole, or an error that says how far it came."""
    truncated: StreamTruncated | None = None
    async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        try:
            await stream.until_done()
        except StreamTruncated as error:
            truncated = error
        if truncated is not None:
            # The event that completes it has a blank line behind it; and a reset may overtake what was sent before.
            assert overtaken or end < WHOLE_FROM or not WIRE[:end].endswith(b"\n\n")
            assert handler.failures == [truncated]
            partial = truncated.partial
            if partial is not None:
                assert isinstance(partial, RunSoFar)
                texts = [part.to_dict()["text"] for said in partial.messages for part in said.content]
                assert texts in ([], [whole("Hel")["text"]], [whole("Hello")["text"]])
                assert truncated.events_received > 0
        else:
            assert end >= WHOLE_FROM
            assert handler.failures == []
            assert (await stream.get_final_run()).status == "completed"
            assert [one.status for one in await stream.get_final_run_steps()] == ["completed"] * 2
            assert [one.content[0].to_dict() for one in await stream.get_final_messages()] == [whole("Hello")]
        assert handler.ends == 1
        if isinstance(handler, Watching):
            assert handler.seen == ["Hel", "Hello", "x = 1"][: len(handler.seen)]


async def test_a_run_cut_at_every_byte_is_whole_or_raises(anyio_backend_name: str) -> None:
    """Every byte on one event loop; the other, which has no part in decoding, takes samples."""
    ends = range(0, len(WIRE) + 1, 1 if anyio_backend_name == "asyncio" else 13)
    transport = FakeTransport(*(Answer(pieces=[WIRE[:end]], headers=SSE) for end in ends))
    client = OpenAI(api_key="k", transport=transport, max_retries=0)
    for end in ends:
        await outcome(client, Watching() if end % 2 else Ending(), end)
    assert transport.open_responses == 0


@pytest.mark.parametrize("name", CASES)
async def test_a_run_in_single_bytes_is_the_same(name: str) -> None:
    """However the bytes arrive, what comes out is the same."""
    body = wire(CASES[name])
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    transport = FakeTransport(Answer(pieces=[body], headers=SSE), Answer(pieces=pieces, headers=SSE))
    client = OpenAI(api_key="k", transport=transport)
    found = []
    for _ in range(2):
        async with client.beta.threads.runs.stream(**ASK) as stream:
            events = [event async for event in stream]
            found.append((events, await stream.get_final_messages(), await stream.get_final_run_steps()))
    assert found[0] == found[1]


STEP: Final = 211


async def test_a_run_whose_http1_connection_goes_is_whole_or_raises() -> None:
    ends = [*range(0, len(WIRE), STEP), len(WIRE)]
    cuts = iter(ends)

    async def serve(peer: Peer) -> None:
        """Each connection carries one answer that is cut."""
        await peer.receive_request()
        body = WIRE[: next(cuts)]
        size = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        await peer.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + size
        )

    async with (
        fault_server([serve]) as server,
        OpenAI(api_key="k", base_url=server.url, max_retries=0, http2=False) as client,
    ):
        for end in ends:
            await outcome(client, Watching(), end)


@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
async def test_a_run_whose_http2_stream_ends_is_whole_or_raises(reset: bool) -> None:
    ends = [*range(0, len(WIRE), STEP), len(WIRE)]
    scripts = [
        [Request(), Head(headers=SSE), Data(WIRE[:end], end=not reset), *([ResetStream()] if reset else [])]
        for end in ends
    ]
    http2 = Http2(*cast("Any", scripts))
    async with (
        fault_server([http2]) as server,
        OpenAI(api_key="k", base_url=server.url, max_retries=0, http2=True) as client,
    ):
        for end in ends:
            await outcome(client, Watching(), end, overtaken=reset)
    assert http2.violations == []
