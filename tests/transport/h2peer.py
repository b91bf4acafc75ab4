"""An HTTP/2 server in the test's own process that does what a coroutine says; the protocol's other side is h2's, checks on."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from anyio import ClosedResourceError, Event, create_task_group
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

Fields = list[tuple[bytes, bytes]]


@dataclass
class Asked:
    """One request as it came.

    Attributes:
        stream: Its number.
        headers: Its fields.
        body: What has come of its body.
        ended: The body is at its end.
        frames: The sizes of its DATA frames.
    """

    stream: int
    headers: dict[bytes, bytes]
    body: bytes = b""
    ended: bool = False
    frames: list[int] = field(default_factory=list)


class Gone(Exception):  # noqa: N818 - not an error
    """The client has ended the connection."""


class Peer:
    """One connection of the server.

    Attributes:
        h2: The protocol's state; `flush` sends what it queues.
        asked: Requests by the number of their stream.
        resets: Error codes of streams that the client reset, by number.
        pongs: How many PINGs the client has answered.
        goaway: The code of the client's GOAWAY.
        closed: The client sends no more.
        credited: Give back flow control windows as bytes come.
        reads: How many pieces came.
        deaf: While this is not set, nothing is read.
    """

    def __init__(self, stream: SocketStream | TLSStream, settings: dict[SettingCodes, int]) -> None:
        self._stream = stream
        self._news = Event()
        self._new: deque[Asked] = deque()
        self._sending = anyio.Lock()
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.h2.local_settings = Settings(client=False, initial_values=settings)
        self.asked: dict[int, Asked] = {}
        self.resets: dict[int, int] = {}
        self.pongs = 0
        self.goaway: int | None = None
        self.closed = False
        self.credited = True
        self.reads = 0
        self.deaf = Event()
        self.deaf.set()

    async def run(self) -> None:
        """Read until the client ends the connection."""
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, ClosedResourceError, OSError):
            while True:
                await self.deaf.wait()
                data = await self._stream.receive()
                self.reads += 1
                for event in self.h2.receive_data(data):
                    self._take(event)
                await self.flush()
                self._tell()
        self.closed = True
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, Event()
        news.set()

    def _take(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            assert event.stream_id is not None
            assert event.headers is not None
            asked = Asked(event.stream_id, {bytes(name): bytes(value) for name, value in event.headers})
            assert len(asked.headers) == len(event.headers)
            self.asked[event.stream_id] = asked
            self._new.append(asked)
        elif isinstance(event, DataReceived):
            assert event.stream_id is not None
            asked = self.asked[event.stream_id]
            asked.body += event.data or b""
            asked.frames.append(len(event.data or b""))
            if self.credited:
                self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, StreamEnded):
            assert event.stream_id is not None
            self.asked[event.stream_id].ended = True
        elif isinstance(event, StreamReset):
            assert event.stream_id is not None
            self.resets[event.stream_id] = int(event.error_code or 0)
        elif isinstance(event, PingAckReceived):
            self.pongs += 1
        elif isinstance(event, ConnectionTerminated):
            self.goaway = int(event.error_code or 0)

    async def until(self, condition: Callable[[Peer], bool]) -> None:
        """Wait until something is so."""
        while not condition(self):
            if self.closed:
                raise Gone("the client ended the connection first")
            await self._news.wait()

    async def until_closed(self) -> None:
        """Wait until the client ends the connection."""
        while not self.closed:
            await self._news.wait()

    async def next_head(self) -> Asked:
        """Return the next request as soon as its head is there."""
        await self.until(lambda peer: bool(peer._new))
        return self._new.popleft()

    async def next_request(self) -> Asked:
        """Return the next request, whole."""
        asked = await self.next_head()
        await self.until(lambda _: asked.ended or asked.stream in self.resets)
        return asked

    async def flush(self) -> None:
        """Send what is queued."""
        async with self._sending:
            data = self.h2.data_to_send()
            if data:
                with suppress(anyio.BrokenResourceError, ClosedResourceError):
                    await self._stream.send(data)

    async def raw(self, data: bytes) -> None:
        """Send bytes that h2 would not."""
        await self.flush()
        async with self._sending:
            with suppress(anyio.BrokenResourceError, ClosedResourceError):
                await self._stream.send(data)

    async def head(
        self, stream: int, status: int = 200, fields: Iterable[tuple[bytes, bytes]] = (), *, end: bool = False
    ) -> None:
        """Send the head of an answer."""
        self.h2.send_headers(stream, [(b":status", b"%d" % status), *fields], end_stream=end)
        await self.flush()

    async def body(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send a part of a body as flow control allows."""
        view = memoryview(data)
        while view:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(view))
            if room <= 0:
                await self.flush()
                await self._news.wait()
                continue
            self.h2.send_data(stream, view[:room].tobytes())
            view = view[room:]
        if end:
            self.h2.end_stream(stream)
        await self.flush()

    async def answer(self, stream: int, data: bytes = b"{}", status: int = 200, fields: Fields | None = None) -> None:
        """Send a whole answer."""
        known = [(b"content-length", b"%d" % len(data))] if fields is None else fields
        await self.head(stream, status, known)
        await self.body(stream, data, end=True)

    async def reset(self, stream: int, code: int) -> None:
        """Reset a stream, unless the client has done so."""
        with suppress(ProtocolError):
            self.h2.reset_stream(stream, code)
        await self.flush()

    async def say_goaway(self, last: int, code: int = 0, text: bytes = b"") -> None:
        """Announce the end of the connection, which h2 would not go on with."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big") + text
        await self.raw(frame(7, 0, 0, payload))

    async def settle(self, settings: dict[SettingCodes, int]) -> None:
        """Change the settings."""
        self.h2.update_settings(dict(settings))
        await self.flush()

    async def hang_up(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame as bytes, however wrong."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


Script = Callable[[Peer], Awaitable[None]]


@dataclass
class H2Server:
    """A running server.

    Attributes:
        port: Where it listens.
        tls: Whether it speaks TLS.
        peers: Its connections, in the order they came.
    """

    port: int
    tls: bool
    host: str = "127.0.0.1"
    peers: list[Peer] = field(default_factory=list)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, on whichever connection."""
        while not condition():  # noqa: ASYNC110 - a connection may come at any time
            await anyio.sleep(0.001)


async def serve_all(peer: Peer) -> None:
    """Answer every request with its own body's length."""
    while True:
        asked = await peer.next_request()
        if asked.stream not in peer.resets:
            with suppress(ProtocolError):
                await peer.answer(asked.stream, b"%d" % len(asked.body))


@asynccontextmanager
async def h2_server(
    *scripts: Script, tls: ssl.SSLContext | None = None, settings: dict[SettingCodes, int] | None = None
) -> AsyncGenerator[H2Server]:
    """Run a server whose connections follow one script each; the last script serves all further ones."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = H2Server(listener.extra(SocketAttribute.local_port), tls is not None)
    waiting = deque(scripts)

    async def handle(raw: SocketStream) -> None:
        stream: SocketStream | TLSStream = raw
        script = waiting.popleft() if len(waiting) > 1 else waiting[0]
        try:
            if tls is not None:
                stream = await TLSStream.wrap(raw, server_side=True, ssl_context=tls, standard_compatible=False)
            peer = Peer(stream, settings or {})
            server.peers.append(peer)
            peer.h2.initiate_connection()
            await peer.flush()
            async with create_task_group() as group:
                group.start_soon(peer.run)

                async def follow() -> None:
                    try:
                        await script(peer)
                    except* (Gone, ClosedResourceError):
                        pass

                group.start_soon(follow)
                await peer.until_closed()
                group.cancel_scope.cancel()
        except (anyio.BrokenResourceError, anyio.EndOfStream, ssl.SSLError):
            pass
        finally:
            with anyio.CancelScope(shield=True), suppress(Exception):
                await stream.aclose()

    async with listener, create_task_group() as group:
        group.start_soon(listener.serve, handle)
        try:
            yield server
        finally:
            group.cancel_scope.cancel()
