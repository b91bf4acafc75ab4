"""Open connections as bytes: what HTTP needs of one, and the plain ones on sockets; no connecting, no TLS and no HTTP here.

`SocketLink` works on a bare non-blocking socket with nothing but anyio's `wait_readable` and `wait_writable`. Beside
anyio's own socket streams that halves the cost of a request on asyncio (no second pass through the event loop per
write), needs no transport object that outlives its event loop, and lets a connection be closed from anywhere without
awaiting. `watching` has one that waits for less, `backend` the links of httpcore's network backends.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from math import inf
from typing import Protocol

from anyio import CancelScope, ClosedResourceError, current_time, notify_closing, wait_readable, wait_writable

__all__ = ("BareLink", "Link", "SocketLink")


class Link(Protocol):
    """An open connection as bytes.

    One task may receive while another sends. Methods that do not await belong to the event loop's own thread, except
    `abort`.

    Attributes:
        resumable: A `flush` that was cancelled has lost nothing and can be repeated, and `receive_now` can tell what
            has arrived; false for links that only await.
    """

    resumable: bool

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing."""
        ...

    async def receive_within(self, seconds: float, max_bytes: int = 65536) -> bytes | None:
        """Do the same; None if nothing has come after so many seconds."""
        ...

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has or nobody can tell without awaiting."""
        ...

    def send_now(self, data: bytes | memoryview) -> bool:
        """Hand over as much as goes without waiting; False if a rest is kept for `flush`."""
        ...

    async def flush(self) -> None:
        """Hand over the rest; a link that is not `resumable` can only be closed when this was cancelled."""
        ...

    def is_stale(self) -> bool:
        """Tell whether an idle link has ended, or has bytes that nobody asked for."""
        ...

    def close(self) -> bool:
        """Close at once, waking whoever waits; False if `aclose` must still be awaited."""
        ...

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        ...

    async def aclose(self) -> None:
        """Finish what `close` could not; bounded, and safe when cancelled."""
        ...


class BareLink(Link, Protocol):
    """A link that tells what has arrived without waiting: what TLS can be put on."""

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        ...


class SocketLink:
    """A plain connection on a bare socket, TCP or Unix."""

    __slots__ = ("_closed", "_rest", "_sock", "_waiting", "resumable")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.resumable: bool = True
        self._rest: memoryview | None = None
        # Tasks that wait for the socket; closing it under them needs care (see `close`).
        self._waiting = 0
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing."""
        sock = self._sock
        while True:
            self._waiting += 1
            try:
                self._check_open()
                await wait_readable(sock)
            finally:
                self._stop_waiting()
            self._check_open()
            try:
                return sock.recv(max_bytes)
            except BlockingIOError:
                continue  # woken without cause

    async def receive_within(self, seconds: float, max_bytes: int = 65536) -> bytes | None:
        """Do the same; None if nothing has come after so many seconds."""
        if seconds == inf:
            return await self.receive(max_bytes)
        with CancelScope(deadline=current_time() + seconds):
            return await self.receive(max_bytes)
        return None

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        try:
            return self._sock.recv(65536)
        except BlockingIOError:
            return None

    def send_now(self, data: bytes | memoryview) -> bool:
        """Hand over as much as the kernel takes; False if a rest is kept for `flush`."""
        if self._rest is not None:
            self._rest = memoryview(bytes(self._rest) + bytes(data))
            return False
        try:
            taken = self._sock.send(data)
        except BlockingIOError:
            taken = 0
        if taken == len(data):
            return True
        self._rest = memoryview(data)[taken:]
        return False

    async def flush(self) -> None:
        """Hand over the rest; when cancelled, what is left of it is kept for the next time."""
        sock = self._sock
        while self._rest is not None:
            self._waiting += 1
            try:
                self._check_open()
                await wait_writable(sock)
            finally:
                self._stop_waiting()
            self._check_open()
            try:
                taken = sock.send(self._rest)
            except BlockingIOError:
                continue
            self._rest = self._rest[taken:] if taken < len(self._rest) else None

    def is_stale(self) -> bool:
        """Tell whether the peer has closed, or has sent what nobody asked for."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> bool:
        """Close at once, waking whoever waits."""
        self._closed = True
        if self._waiting and self._sock.fileno() >= 0:
            try:
                notify_closing(self._sock)
            except Exception:
                # Without a running loop there is nobody to wake.
                self._sock.close()
                return True
            # Those who wait wake later, and anyio then forgets whoever watches that number: a new connection that got
            # it meanwhile would wait for ever. So the peer is told now, and the last one to wake gives the number back.
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            return True
        self._sock.close()
        return True

    def _check_open(self) -> None:
        if self._closed or self._sock.fileno() < 0:
            raise ClosedResourceError

    def _stop_waiting(self) -> None:
        self._waiting -= 1
        if self._closed and not self._waiting:
            self._sock.close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        with suppress(OSError):
            if self._waiting:
                # Only its own loop may close a descriptor that it watches: end the conversation, which wakes it.
                self._sock.shutdown(socket.SHUT_RDWR)
            else:
                self._sock.close()

    async def aclose(self) -> None:
        """Close; nothing is left to wait for."""
        self.close()
