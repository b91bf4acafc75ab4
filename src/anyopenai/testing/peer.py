"""One connection of a fault server: receiving requests, sending bytes, and how it is ended; scripts are elsewhere."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
from anyio.streams.tls import TLSStream

from .._tasks import grace

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

__all__ = ("HungUp", "Peer", "ReceivedRequest")

# A peer that resets: linger on, for zero seconds.
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


class HungUp(Exception):  # noqa: N818 - it is what the client did
    """The client ended the connection while a step needed it; ends the script."""


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
        self._waiting = 0
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while True:
            await self._wait(wait_readable)
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
            await self._wait(wait_writable)
            with suppress(BlockingIOError):
                view = view[self._sock.send(view) :]

    async def _wait(self, until: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._check_open()
        self._waiting += 1
        try:
            await until(self._sock)
        finally:
            self._waiting -= 1
            if self._closed and not self._waiting:
                self._sock.close()
        self._check_open()

    def _check_open(self) -> None:
        if self._closed or self._sock.fileno() < 0:
            raise ClosedResourceError

    async def send_eof(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def linger_zero(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)

    def close(self) -> None:
        if not self._closed and self._sock.fileno() >= 0:
            self._closed = True
            if self._waiting:
                # On asyncio those who wait forget the descriptor's number when they wake: a connection that has got
                # it by then would wait for ever. So the last one to wake gives it back.
                notify_closing(self._sock)
            else:
                self._sock.close()

    async def aclose(self) -> None:
        self.close()


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

    def __init__(self, index: int, sock: socket.socket, note: Callable[[ReceivedRequest | None], None]) -> None:
        self.index = index
        self.requests: list[ReceivedRequest] = []
        self.bytes_received: int = 0
        self.bytes_sent: int = 0
        self.tls_error: str | None = None
        self.hung_up: Event = Event()
        self.ended: Event = Event()
        self._wire = _Wire(sock)
        self._stream: ByteStream = self._wire
        # Tells the server of a request, or of any other change.
        self._note = note
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
        self._note(request)

    async def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            HungUp: The client has ended the connection.
        """
        try:
            await self._stream.send(data)
        except (EndOfStream, BrokenResourceError, ClosedResourceError, OSError) as error:
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

    def break_off(self) -> None:
        """Reset the connection now, in the middle of whatever its script is at."""
        with suppress(OSError):
            self._wire.linger_zero()
            self._wire.close()

    def note_hang_up(self) -> None:
        """Record that the client has ended the connection."""
        self.hung_up.set()
        self._note(None)

    def note(self) -> None:
        """Wake whoever waits in `FaultServer.until`: something has changed."""
        self._note(None)

    async def aclose(self) -> None:
        """Close the connection."""
        with grace(), suppress(OSError, BrokenResourceError):
            await self._stream.aclose()
