"""The whole SDK's ground for sweeps: a server with a little of the API, and a client of one connection."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import anyio
from anyio.lowlevel import checkpoint

from anyopenai import AsyncAssistantEventHandler, OpenAI, OpenAIError
from anyopenai.testing.faults import FaultServer, Peer, ReceivedRequest, response_bytes
from anyopenai.testing.http2 import ErrorCodes, Exchange, Http2
from anyopenai.transport import PoolTransport
from engine import background
from engine.recordings import RECORDINGS
from engine.support import KEY, MODEL, PROMPT, STREAM, names_in
from transport.exchanges import assert_all_free
from transport.field import in_pieces

JSON: Final = {"content-type": "application/json"}
RUN: Final = next(recording.wire for recording in RECORDINGS if recording.name == "a run")
CONTENT: Final = bytes(range(256)) * 8


class Reply(NamedTuple):
    """What is answered to a request, over whichever protocol."""

    body: Sequence[bytes]
    status: int = 200
    headers: dict[str, str] = JSON
    breaks: bool = False
    """Whether the answer breaks off behind its body: over HTTP/1.1 with its connection, over HTTP/2 by a reset."""


def reply_to(request: ReceivedRequest, earlier: int) -> Reply:
    """Return what is answered to a request, of which there were some like it before in this k."""
    path = request.target.partition("?")[0]
    if path == "/models/busy" and not earlier:
        return Reply([b'{"error": {"message": "busy"}}'], 503, {**JSON, "retry-after-ms": "1"})
    if path == "/models/moved":
        return Reply([], 307, {"location": "/models/m"})
    if path == "/chat/completions":
        events = [event if isinstance(event, str) else json.dumps(event) for event in STREAM]
        return Reply([f"data: {event}\n\n".encode() for event in events], headers=background.SSE)
    if path.startswith("/threads"):
        return Reply([frame + b"\n\n" for frame in RUN.split(b"\n\n") if frame], headers=background.SSE)
    if path.startswith("/responses"):
        return reply_in_the_background(request, earlier)
    if path == "/files" and request.method == "GET":
        last = "after=f0" in request.target
        return Reply([json.dumps({"data": [{"id": "f1" if last else "f0"}], "has_more": not last}).encode()])
    if path.endswith("/content"):
        return Reply([CONTENT[:1000], CONTENT[1000:]], headers={})
    return Reply([json.dumps(MODEL).encode()])


def reply_in_the_background(request: ReceivedRequest, earlier: int) -> Reply:
    """Return some events of a response, whose model says how their stream ends; later ones on request, or the response."""
    path, _, query = request.target.partition("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    if request.method == "GET" and "stream" not in asked:
        return Reply([json.dumps(background.response("completed" if earlier else "in_progress")).encode()])
    if path.endswith("gone"):
        return Reply([b'{"error": {"message": "gone"}}'], 404)
    if request.method == "GET":
        return Reply([background.after(int(asked["starting_after"]))], headers=background.SSE)
    how = json.loads(request.body)["model"]
    count = {"gone": 2, "ends": 9, "breaks": 9}.get(how, len(background.FRAMES))
    frames = background.FRAMES[:count]
    if how == "gone":
        frames = [frame.replace(background.ID.encode(), b"resp_gone") for frame in frames]
    pieces = [piece for piece in (*frames[:3], b"".join(frames[3:])) if piece]
    return Reply(pieces, headers=background.SSE, breaks=how == "breaks")


class Desk:
    """A client of one connection for each k, to a server that stays; see `Ground`.

    Attributes:
        client: The client of this k.
        server: Whom it talks to.
        folder: Where files go; emptied for each k.
        http2: The server's HTTP/2, if it speaks that.
    """

    allowed: tuple[type[BaseException], ...] = (OpenAIError,)
    server: FaultServer

    def __init__(self, folder: Path, *, http2: bool, trusted: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self.http2 = Http2([self._answer]) if http2 else None
        self._options: dict[str, Any] = {
            "http2": http2,
            "max_connections": 1,
            "max_inflight": 1,
            "ssl_context": trusted,
        }

    async def __aenter__(self) -> Desk:
        self.server.connections.clear()
        self.server.requests.clear()
        for path in self.folder.iterdir():
            path.unlink()
        self.pool = PoolTransport(**self._options)
        # Limits that never pass by themselves, and are there, so that a sweep can let each of them pass.
        self.client = OpenAI(
            api_key=KEY, base_url=self.server.url, transport=self.pool, timeout=3600, deadline=7200, max_retries=2
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                assert_all_free(self.pool)
                assert (await self.client.models.retrieve("m")).id == "m"
                assert_all_free(self.pool)
                if self.http2 is not None:
                    sessions = self.http2.sessions
                    await self.server.until(lambda _: not any(session.live for session in sessions))
        finally:
            await self.client.close()
        if kind is None:
            await self.server.until(lambda server: server.open_connections == 0)
            assert self.http2 is None or self.http2.violations == []
            # Complete or absent, and nothing beside it.
            assert names_in(self.folder) in ([], ["answer.bin"])
            assert all(path.read_bytes() == CONTENT for path in self.folder.iterdir())

    def reset(self) -> None:
        """Break every connection from the server's side."""
        for peer in self.server.connections:
            if not peer.ended.is_set():
                peer.break_off()

    async def serve(self, peer: Peer) -> None:
        """Answer whatever comes over a connection."""
        if self.http2 is not None:
            await self.http2(peer)
            return
        while True:
            reply = reply_to(await peer.receive_request(), self._earlier())
            wire = response_bytes(reply.status, headers=reply.headers, chunks=reply.body)
            await in_pieces(peer, wire.removesuffix(b"0\r\n\r\n") if reply.breaks else wire)
            if reply.breaks:
                return

    async def _answer(self, exchange: Exchange) -> None:
        reply = reply_to(await exchange.receive_request(), self._earlier())
        await exchange.send_headers([(":status", str(reply.status)), *reply.headers.items()])
        for piece in reply.body:
            for _ in range(4):
                await checkpoint()
            await exchange.send_data(piece)
        if reply.breaks:
            await exchange.reset(ErrorCodes.INTERNAL_ERROR)
        else:
            await exchange.send_data(b"", end=True)

    def _earlier(self) -> int:
        """How many requests there were before the last one that were like it."""
        requests = self.server.requests
        return sum(seen.target == requests[-1].target for seen in requests) - 1


# The works. Each succeeds when nothing disturbs it.


async def a_call(desk: Desk) -> None:
    assert (await desk.client.models.retrieve("m")).id == "m"


async def a_call_that_is_repeated(desk: Desk) -> None:
    """The server was busy the first time."""
    assert (await desk.client.models.retrieve("busy")).id == "m"


async def a_call_that_is_redirected(desk: Desk) -> None:
    assert (await desk.client.models.retrieve("moved")).id == "m"


async def a_stream_of_events(desk: Desk) -> None:
    async with await desk.client.chat.completions.create(**PROMPT, stream=True) as stream:
        texts = [chunk.choices[0].delta.content async for chunk in stream]
    assert texts == ["Hel", "lo", None]


async def a_stream_of_events_left_early(desk: Desk) -> None:
    async with await desk.client.chat.completions.create(**PROMPT, stream=True) as stream:
        await anext(stream)


async def a_helpers_chat(desk: Desk) -> None:
    async with desk.client.chat.completions.stream(**PROMPT) as stream:
        kinds = [event.type async for event in stream]
        assert (await stream.get_final_completion()).choices[0].message.content == "Hello"
    assert kinds.count("content.delta") == 2


async def a_helpers_chat_left_early(desk: Desk) -> None:
    async with desk.client.chat.completions.stream(**PROMPT) as stream:
        await anext(stream)


async def a_helpers_response(desk: Desk) -> None:
    async with desk.client.responses.stream(model="whole", input="x") as stream:
        assert "".join([piece async for piece in stream.text_stream]) == background.TEXT
        assert (await stream.get_final_response()).output_text == background.TEXT


async def a_helpers_response_left_early(desk: Desk) -> None:
    async with desk.client.responses.stream(model="whole", input="x") as stream:
        for _ in range(10):
            await anext(stream)


class Hooked(AsyncAssistantEventHandler):
    """Waits in its hooks, and counts the ends that it is told of."""

    ends = 0

    async def on_event(self, event: object) -> None:
        await checkpoint()

    async def on_text_delta(self, delta: object, snapshot: object) -> None:
        await checkpoint()

    async def on_end(self) -> None:
        await checkpoint()
        self.ends += 1


async def a_helpers_run(desk: Desk) -> None:
    hooked = Hooked()
    asked = desk.client.beta.threads.runs.stream(thread_id="thread", assistant_id="a", event_handler=hooked)
    try:
        async with asked as stream:
            assert (await stream.get_final_run()).status == "completed"
        assert hooked.ends == 1
    finally:
        assert hooked.ends <= 1


async def a_helpers_run_left_early(desk: Desk) -> None:
    async with desk.client.beta.threads.runs.stream(thread_id="thread", assistant_id="a") as stream:
        await anext(stream)


async def a_response_that_goes_on(desk: Desk) -> None:
    """Its first stream ends cleanly, and too early."""
    assert background.numbers(await _in_the_background(desk, "ends")) == background.NUMBERS


async def a_response_that_goes_on_when_its_connection_breaks(desk: Desk) -> None:
    assert background.numbers(await _in_the_background(desk, "breaks")) == background.NUMBERS


async def a_response_that_is_polled(desk: Desk) -> None:
    """The events are gone, and the response is not ready when it is asked for first."""
    assert (await _in_the_background(desk, "gone"))[-1].response.output_text == background.TEXT


async def _in_the_background(desk: Desk, model: str) -> list[Any]:
    asked = desk.client.responses.create(model=model, input="x", background=True, stream=True)
    async with await asked as stream:
        return [event async for event in stream]


async def pages(desk: Desk) -> None:
    assert [file.id async for file in desk.client.files.list()] == ["f0", "f1"]


async def a_download_to_a_file(desk: Desk) -> None:
    async with desk.client.files.with_streaming_response.content("f") as response:
        await response.stream_to_file(desk.folder / "answer.bin")


async def a_raw_stream_of_bytes(desk: Desk) -> None:
    async with desk.client.files.with_streaming_response.content("f") as response:
        assert b"".join([piece async for piece in response.iter_bytes(500)]) == CONTENT


async def an_upload_of_a_path(desk: Desk) -> None:
    await desk.client.files.create(file=Path(__file__), purpose="batch")


async def a_large_upload_of_a_file(desk: Desk) -> None:
    file = BytesIO(bytes(3_000_000 if desk.http2 is None else 200_000))
    await desk.client.files.create(file=("data.bin", file), purpose="batch")
    assert not file.closed


async def two_calls_at_once(desk: Desk) -> None:
    """One of them waits in line; where one fails, the other may succeed."""
    errors: list[OpenAIError] = []

    async def call() -> None:
        try:
            await a_call(desk)
        except OpenAIError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        await call()
    if errors:
        raise errors[0]


WORKS: Final[tuple[Callable[[Desk], Awaitable[None]], ...]] = (
    a_call,
    a_call_that_is_repeated,
    a_call_that_is_redirected,
    a_stream_of_events,
    a_stream_of_events_left_early,
    a_helpers_chat,
    a_helpers_chat_left_early,
    a_helpers_response,
    a_helpers_response_left_early,
    a_helpers_run,
    a_helpers_run_left_early,
    a_response_that_goes_on,
    a_response_that_goes_on_when_its_connection_breaks,
    a_response_that_is_polled,
    pages,
    a_download_to_a_file,
    a_raw_stream_of_bytes,
    an_upload_of_a_path,
    a_large_upload_of_a_file,
    two_calls_at_once,
)
