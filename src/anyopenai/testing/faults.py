"""`fault_server`: a real TCP or TLS server that does what a script says, however wrong; it knows no API.

A script is a list of steps, one script per connection::

    async with fault_server(
        [Receive(), Reply(body=b"{}", cut=20), Reset()],     # first connection: breaks off in its answer
        [Forever(Receive(), Reply(body=b"{}"))],             # every later one: serves properly
    ) as server:
        ...                                                  # talk to server.url
        assert [request.method for request in server.requests] == ["GET", "GET"]

A step is any async callable that takes the `Peer`, so `async def my_step(peer): ...` goes into a script as it is.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from anyio import (
    BrokenResourceError,
    ClosedResourceError,
    EndOfStream,
    Event,
    notify_closing,
    wait_readable,
    wait_writable,
)
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from anyio.streams.tls import TLSStream

from .._tasks import grace, open_task_group

if TYPE_CHECKING:
    import ssl

    from anyio.abc import TaskGroup

__all__ = (
    "BAD_CHUNK",
    "MALFORMED_STATUS",
    "Close",
    "Drip",
    "FaultServer",
    "Forever",
    "HalfClose",
    "Peer",
    "Receive",
    "ReceivedRequest",
    "Reply",
    "Reset",
    "Script",
    "Send",
    "Set",
    "Stall",
    "Step",
    "Wait",
    "fault_server",
    "http_date",
    "rate_limited",
    "response_bytes",
)

MALFORMED_STATUS: Final = b"HTTP/1.1 two-hundred OK\r\ncontent-length: 2\r\n\r\n{}"
"""An answer whose status line is not HTTP."""

BAD_CHUNK: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nnot-a-size\r\n"
"""An answer that begins well, and whose second chunk has no size."""

# A peer that resets: linger on, for zero seconds.
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


# Otherwise the kernel grows the buffer to tens of megabytes, and a server that does not read goes unnoticed.
_RECEIVE_BUFFER: Final = 131072


class HungUp(Exception):  # noqa: N818 - it is what the client did
    """The client ended the connection while a step needed it; ends the script."""


class Gate(Protocol):
    """What a script can wait for, such as `anyio.Event`."""

    async def wait(self) -> object:
        """Return when the script may go on."""
        ...


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it came over the wire.

    Attributes:
        method: The verb.
        target: Path and query.
        headers: Fields in order, names in lower case.
        body: The body, chunk framing removed.
        connection: Which connection it came on, counted from 0.
        raw: The head as it was sent.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    raw: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """Return a field's first value, without regard to case; None without it."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class _Wire(ByteStream):
    """A bare socket as a stream that reads only when it is told to: anyio's own reads ahead on asyncio."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while True:
            await wait_readable(self._sock)
            with suppress(BlockingIOError):
                data = self._sock.recv(max_bytes)
                break
        if not data:
            raise EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        view = memoryview(item)
        while view:
            # Waiting first also gives every write of a script a turn of the event loop of its own.
            await wait_writable(self._sock)
            with suppress(BlockingIOError):
                view = view[self._sock.send(view) :]

    async def send_eof(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def linger_zero(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)

    async def aclose(self) -> None:
        if self._sock.fileno() >= 0:
            notify_closing(self._sock)
            self._sock.close()


class Peer:
    """One connection, seen from the server: what steps work with.

    Attributes:
        index: Its number, counted from 0.
        requests: What was received on it.
        bytes_received: How much was read from it.
        bytes_sent: How much was written to it.
        tls_error: Why the TLS handshake failed; None if it did not.
        hung_up: Set when the client was seen to have ended the connection.
        ended: Set when the script is over and the connection closed.
    """

    def __init__(self, index: int, wire: _Wire, server: FaultServer) -> None:
        self.index = index
        self.requests: list[ReceivedRequest] = []
        self.bytes_received = 0
        self.bytes_sent = 0
        self.tls_error: str | None = None
        self.hung_up = Event()
        self.ended = Event()
        self._stream: ByteStream = wire
        self._wire = wire
        self._server = server
        self._buffer = bytearray()

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Do the server's half of a TLS handshake."""
        self._stream = await TLSStream.wrap(
            self._wire, server_side=True, ssl_context=context, standard_compatible=False
        )

    async def receive_some(self) -> bytes:
        """Return what comes next.

        Raises:
            HungUp: The client has ended the connection.
        """
        try:
            data = await self._stream.receive()
        except (EndOfStream, BrokenResourceError, ClosedResourceError, OSError) as error:
            self.note_hang_up()
            raise HungUp from error
        self.bytes_received += len(data)
        return data

    async def receive_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        while len(self._buffer) < size:
            self._buffer += await self.receive_some()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def receive_line(self) -> bytes:
        """Return the next line without its end."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._buffer += await self.receive_some()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def receive_head(self) -> ReceivedRequest:
        """Return the next request without its body, and leave the body unread."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._buffer += await self.receive_some()
        raw = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        start, *lines = raw[:-4].decode("latin-1").split("\r\n")
        method, target, _ = start.split(" ", 2)
        headers: list[tuple[str, str]] = []
        for line in lines:
            name, _, value = line.partition(":")
            headers.append((name.lower(), value.strip()))
        return ReceivedRequest(method, target, tuple(headers), b"", self.index, raw)

    async def receive_request(self) -> ReceivedRequest:
        """Return the next request with its whole body, and record it."""
        head = await self.receive_head()
        if (head.header("transfer-encoding") or "").lower() == "chunked":
            body = await self._receive_chunks()
        else:
            body = await self.receive_exactly(int(head.header("content-length") or 0))
        request = ReceivedRequest(head.method, head.target, head.headers, body, self.index, head.raw)
        self.record(request)
        return request

    async def _receive_chunks(self) -> bytes:
        body = bytearray()
        while True:
            size = int((await self.receive_line()).partition(b";")[0], 16)
            if not size:
                break
            body += await self.receive_exactly(size)
            await self.receive_line()
        while await self.receive_line():
            pass  # a trailer
        return bytes(body)

    def record(self, request: ReceivedRequest) -> None:
        """Add a request to what this connection and the server have seen."""
        self.requests.append(request)
        self._server.note(request)

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            HungUp: The client has ended the connection.
        """
        try:
            await self._stream.send(data)
        except (BrokenResourceError, ClosedResourceError, OSError) as error:
            self.note_hang_up()
            raise HungUp from error
        self.bytes_sent += len(data)

    async def send_eof(self) -> None:
        """End our half of the connection and go on reading."""
        with suppress(OSError):
            await self._wire.send_eof()

    def linger_zero(self) -> None:
        """Make closing a reset (RST) instead of a goodbye (FIN)."""
        self._wire.linger_zero()

    def note_hang_up(self) -> None:
        """Record that the client has ended the connection."""
        self.hung_up.set()
        self._server.changed()

    async def aclose(self) -> None:
        """Close the connection."""
        with grace(), suppress(OSError, BrokenResourceError):
            await self._stream.aclose()


Step: TypeAlias = Callable[[Peer], Awaitable[object]]
"""One thing that a connection does."""

Script: TypeAlias = Sequence[Step]
"""What a connection does from beginning to end; at the end it is closed."""


@dataclass(frozen=True)
class Receive:
    """Read one whole request and record it; with `body=False` only its head, leaving the body unread."""

    body: bool = True

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        if self.body:
            await peer.receive_request()
        else:
            peer.record(await peer.receive_head())


@dataclass(frozen=True)
class Send:
    """Send bytes as they are, in one write."""

    data: bytes

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        await peer.send(self.data)


@dataclass(frozen=True)
class Drip:
    """Send bytes in writes of `size` (one by one unless said otherwise), with a turn of the event loop in between."""

    data: bytes
    size: int = 1

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        for start in range(0, len(self.data), self.size):
            await peer.send(self.data[start : start + self.size])
            await checkpoint()


def _no_headers() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Reply:
    """Send an answer, or its first `cut` bytes.

    Args:
        status: HTTP status.
        body: The body.
        headers: Fields; `content-length` (or `transfer-encoding` with `chunks`) is added unless given.
        chunks: The body in chunks instead.
        cut: Stop after so many bytes of the whole answer, its head included.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=_no_headers)
    chunks: Sequence[bytes] | None = None
    cut: int | None = None

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        data = response_bytes(self.status, self.body, self.headers, chunks=self.chunks)
        await peer.send(data if self.cut is None else data[: self.cut])


@dataclass(frozen=True)
class Stall:
    """Say nothing more and go on reading until the client hangs up."""

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        while True:
            await peer.receive_some()


@dataclass(frozen=True)
class Wait:
    """Neither read nor write until a gate opens."""

    gate: Gate

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        await self.gate.wait()


@dataclass(frozen=True)
class Set:
    """Set an event, so that a test knows how far the script is."""

    event: Event

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        self.event.set()


@dataclass(frozen=True)
class Close:
    """Close the connection here, whatever steps follow."""

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        await peer.aclose()
        raise HungUp


@dataclass(frozen=True)
class HalfClose:
    """Send the end of the stream and go on reading."""

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        await peer.send_eof()


@dataclass(frozen=True)
class Reset:
    """Break the connection with a TCP reset."""

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        peer.linger_zero()
        await peer.aclose()
        raise HungUp


class Forever:
    """Repeat some steps until the client hangs up.

    Args:
        steps: What to repeat.
    """

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        while True:
            for step in self.steps:
                await step(peer)

    def __repr__(self) -> str:
        return f"Forever({', '.join(map(repr, self.steps))})"


class FaultServer:
    """A running fault server; see `fault_server`.

    Attributes:
        host: The address it listens on.
        port: The port it listens on.
        tls: Whether it speaks TLS.
        connections: Every connection so far, in the order they came.
        requests: Every request so far, in the order they were complete.
    """

    def __init__(self, scripts: Sequence[Script], context: ssl.SSLContext | None) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.tls = context is not None
        self.connections: list[Peer] = []
        self.requests: list[ReceivedRequest] = []
        self._scripts = scripts
        self._context = context
        self._change = Event()

    @property
    def url(self) -> str:
        """Where it listens, without a final slash."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def open_connections(self) -> int:
        """Connections whose script is not over yet."""
        return sum(not peer.ended.is_set() for peer in self.connections)

    @property
    def hang_ups(self) -> int:
        """Connections that the client was seen to have ended."""
        return sum(peer.hung_up.is_set() for peer in self.connections)

    def note(self, request: ReceivedRequest) -> None:
        """Record a request."""
        self.requests.append(request)
        self.changed()

    def changed(self) -> None:
        """Wake whoever waits in `until`."""
        self._change.set()
        self._change = Event()

    async def until(self, condition: Callable[[FaultServer], bool]) -> None:
        """Wait until something holds for this server, such as `lambda s: s.hang_ups == 1`."""
        while not condition(self):
            await self._change.wait()

    async def serve(self, listener: socket.socket, group: TaskGroup) -> None:
        """Accept connections for ever."""
        while True:
            await wait_readable(listener)
            try:
                sock, _ = listener.accept()
            except OSError:
                continue  # the client has gone again
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            group.start_soon(self.handle, sock)

    async def handle(self, sock: socket.socket) -> None:
        """Run a connection's script."""
        peer = Peer(len(self.connections), _Wire(sock), self)
        self.connections.append(peer)
        self.changed()
        script = self._scripts[min(peer.index, len(self._scripts) - 1)]
        try:
            if self._context is not None:
                try:
                    await peer.encrypt(self._context)
                except (OSError, EndOfStream, BrokenResourceError, ClosedResourceError) as error:
                    peer.tls_error = str(error) or type(error).__name__
                    return
            with suppress(HungUp):
                for step in script:
                    await step(peer)
        finally:
            await peer.aclose()
            peer.ended.set()
            self.changed()


@asynccontextmanager
async def fault_server(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncGenerator[FaultServer]:
    """Listen on a free port of 127.0.0.1 and give each connection its script; the last script serves all further ones.

    Leaving the block ends every connection. An error in a step of your own ends the block with that error.

    Args:
        scripts: What the first, second, ... connection does; without any, every connection is accepted and ignored.
        tls: A server-side context to speak TLS with.
    """
    server = FaultServer(scripts or [[Stall()]], tls)
    with socket.socket() as listener:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        listener.bind((server.host, 0))
        listener.listen(1024)
        server.port = int(listener.getsockname()[1])
        async with open_task_group() as group:
            group.start_soon(server.serve, listener, group)
            try:
                yield server
            finally:
                group.cancel_scope.cancel()


def response_bytes(
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    chunks: Sequence[bytes] | None = None,
) -> bytes:
    """Return an answer as bytes, in chunks if `chunks` are given; lengths are added unless `headers` has them."""
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    if chunks is not None:
        fields.setdefault("transfer-encoding", "chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    elif "transfer-encoding" not in fields:
        fields.setdefault("content-length", str(len(body)))
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Scripted')}", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def rate_limited(retry_after: float | str, body: bytes = b"") -> Reply:
    """Return a 429 with `retry-after`: a number of seconds, or text as it is (see `http_date`)."""
    value = retry_after if isinstance(retry_after, str) else re.sub(r"\.0$", "", str(retry_after))
    default = b'{"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}'
    return Reply(429, body or default, {"content-type": "application/json", "retry-after": value})


def http_date(seconds_from_now: float, *, now: float | None = None) -> str:
    """Return a moment as HTTP headers write it (RFC 9110, section 5.6.7), counted from now."""
    return formatdate((time.time() if now is None else now) + seconds_from_now, usegmt=True)


_REASONS: Final = {200: "OK", 204: "No Content", 304: "Not Modified", 404: "Not Found", 413: "Content Too Large"}
