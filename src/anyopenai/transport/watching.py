"""`WatchedLink`: a link whose socket an event loop watches from one read to the next; only event loops like asyncio's can.

anyio's `wait_readable` has asyncio's loop begin to watch a socket, and cease to, for every read: two system calls and the
loop's own books, which cost more than reading. Here it goes on watching while the connection lives, and its callback
reads at once, as asyncio's own transports do. What was read waits for whoever asks next; while it waits no more is read,
and the loop looks away, so a reader that takes its time holds the peer back. One timer for each connection, set again
only when it goes off, stands for the limits of all reads.

No event loop is imported: this one is what anyio calls the native token. A descriptor is closed by its own event loop
only, once that looks away; from elsewhere the conversation is ended, which lets the loop know.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from contextvars import Context
from math import inf

from anyio import BusyResourceError

from .link import SocketLink
from .loops import call_soon
from .waiting import Alarm, Future, Loop, native_loop

__all__ = ("WatchedLink", "link_over")

_READ_BYTES = 65536


def link_over(sock: socket.socket) -> SocketLink:
    """Return the link that serves a connected socket best on the running event loop."""
    loop = native_loop()
    # On Windows asyncio's default loop has no readers; `native_backend` says what is used there.
    if loop is not None and sys.platform != "win32":
        return WatchedLink(sock, loop)
    return SocketLink(sock)


def _goes_on_watching(loop: object) -> bool:
    """Tell whether a loop tells of a socket whatever happens to it, as asyncio's own do by way of `selectors`.

    uvloop does not: it tells of an error once, and forgets the socket, although there may be more to read.
    """
    return any(base.__module__ == "asyncio.selector_events" for base in type(loop).__mro__)


class WatchedLink(SocketLink):
    """A plain connection on a bare socket that the event loop watches.

    Args:
        sock: A connected socket that does not block.
        loop: The running event loop.
    """

    __slots__ = ("_alarm", "_failure", "_fd", "_held", "_loop", "_stays", "_waiter", "_watching")

    def __init__(self, sock: socket.socket, loop: Loop) -> None:
        super().__init__(sock)
        self._loop = loop
        self._fd = sock.fileno()
        self._stays = _goes_on_watching(loop)
        self._watching = False
        # What was read, or why nothing can be, until somebody asks for it.
        self._held: bytes | None = None
        self._failure: OSError | None = None
        self._waiter: Future | None = None
        self._alarm = Alarm(loop, self._wake)

    async def receive(self, max_bytes: int = _READ_BYTES) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing."""
        while (data := await self.receive_within(inf, max_bytes)) is None:
            continue
        return data

    async def receive_within(self, seconds: float, max_bytes: int = _READ_BYTES) -> bytes | None:
        """Do the same; None if nothing has come after so many seconds."""
        data = self._held
        if data is None:
            if self._failure is None:
                await self._wait(seconds)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            data = self._held
            if data is None:
                self._check_open()
                return None
        if len(data) > max_bytes:
            self._held = data[max_bytes:]
            return data[:max_bytes]
        self._held = None
        return data

    async def _wait(self, seconds: float) -> None:
        """Wait until something has been read, the connection is closed, or so many seconds have passed."""
        self._check_open()
        if self._waiter is not None:
            raise BusyResourceError("receiving from")
        self._alarm.set(seconds)
        if not self._watching:
            # In a context of its own: the caller's would be kept for as long as the connection is.
            Context().run(self._loop.add_reader, self._fd, self._on_readable)
            self._watching = True
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _on_readable(self) -> None:
        if self._held is not None or self._failure is not None:
            # Nobody has come for the last of it: until somebody does, there is no sense in being told again and again.
            self._look_away()
            return
        try:
            data = self._sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return  # woken without cause
        except OSError as error:
            self._failure = error
            self._look_away()
        else:
            self._held = data
            if not data or not self._stays:
                # The end can be read for ever.
                self._look_away()
        self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _look_away(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._fd)

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._held is not None:
            data, self._held = self._held, None
            return data
        return super().receive_now()

    def is_stale(self) -> bool:
        """Tell whether the peer has closed, or has sent what nobody asked for."""
        return self._held is not None or self._failure is not None or super().is_stale()

    def close(self) -> bool:
        """Close at once, waking whoever waits."""
        # The event loop may have ended.
        with suppress(RuntimeError):
            self._look_away()
            self._alarm.cancel()
            self._wake()
        self._held = self._failure = None
        return super().close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        if not self._watching:
            super().abort()
            return
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if not call_soon(self._loop, self._close_unless_awaited):
            # The event loop has ended, and watches nothing any more.
            self._watching = False
            super().abort()

    def _close_unless_awaited(self) -> None:
        """Close after `abort`; whoever waits has been woken by the end of the conversation, and closes by themselves."""
        if self._waiter is None and not self._waiting:
            self.close()
