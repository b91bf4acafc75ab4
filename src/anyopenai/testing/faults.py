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
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from anyio import BrokenResourceError, ClosedResourceError, EndOfStream, Event, wait_readable
from anyio.lowlevel import checkpoint

from .._tasks import open_task_group
from .peer import HungUp, Peer, ReceivedRequest

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

# Otherwise the kernel grows the buffer to tens of megabytes, and a server that does not read goes unnoticed.
_RECEIVE_BUFFER: Final = 131072


class Gate(Protocol):
    """What a script can wait for, such as `anyio.Event`."""

    async def wait(self) -> object:
        """Return when the script may go on."""
        ...


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

    async def __call__(self, peer: object) -> None:
        """Carry out the step."""
        await self.gate.wait()


@dataclass(frozen=True)
class Set:
    """Set an event, so that a test knows how far the script is."""

    event: Event

    async def __call__(self, peer: object) -> None:
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
        self.tls: bool = context is not None
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

    def _note(self, request: ReceivedRequest | None = None) -> None:
        """Record a request, if this is one, and wake whoever waits in `until`."""
        if request is not None:
            self.requests.append(request)
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
        peer = Peer(len(self.connections), sock, self._note)
        self.connections.append(peer)
        self._note()
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
            self._note()


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
