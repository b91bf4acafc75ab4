"""Links over any of httpcore's network backends, where plain sockets serve badly or the caller has one; no HTTP here."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, cast

from anyio import CancelScope, ClosedResourceError, current_time
from anyio.lowlevel import current_token

from .._tasks import grace

if TYPE_CHECKING:
    from httpcore import AsyncNetworkBackend, AsyncNetworkStream

__all__ = ("BackendLink", "connect_backend", "native_backend")


class BackendLink:
    """A connection of one of httpcore's network backends, TLS included."""

    __slots__ = ("_closed", "_rest", "_stream", "resumable")

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream
        self.resumable: bool = False
        self._rest: list[bytes] = []
        self._closed = False

    @property
    def stream(self) -> AsyncNetworkStream:
        """The backend's own stream."""
        return self._stream

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more."""
        if self._closed:
            raise ClosedResourceError
        return await self._stream.read(max_bytes)

    async def receive_within(self, seconds: float, max_bytes: int = 65536) -> bytes | None:
        """Do the same; None if nothing has come after so many seconds, and the link can only be closed then."""
        if seconds == inf:
            return await self.receive(max_bytes)
        with CancelScope(deadline=current_time() + seconds):
            return await self.receive(max_bytes)
        return None

    def receive_now(self) -> bytes | None:
        """Return None: a backend has no read that does not wait."""
        return None

    def send_now(self, data: bytes | memoryview) -> bool:
        """Keep the bytes for `flush`: a backend has no write that does not wait."""
        self._rest.append(bytes(data))
        return False

    async def flush(self) -> None:
        """Hand over what was kept; cancelling cuts the write short, and the link can only be closed then."""
        rest, self._rest = b"".join(self._rest), []
        await self._stream.write(rest)

    def is_stale(self) -> bool:
        """Tell whether the peer has closed, or has sent what nobody asked for."""
        return self._closed or bool(self._stream.get_extra_info("is_readable"))

    def close(self) -> bool:
        """End the conversation; the descriptor itself goes with `aclose`."""
        self.abort()
        return False

    def abort(self) -> None:
        """End the conversation from any thread; never raises."""
        self._closed = True
        with suppress(Exception):
            sock = cast("socket.socket | None", self._stream.get_extra_info("socket"))
            if sock is not None:
                # By way of a second descriptor: what event loops show of their sockets cannot always be shut down.
                with socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
                    twin.shutdown(socket.SHUT_RDWR)

    async def aclose(self) -> None:
        """Close the backend's stream, within bounds and also when cancelled."""
        self._closed = True
        with grace(), suppress(Exception):
            await self._stream.aclose()


async def connect_backend(backend: AsyncNetworkBackend, host: str, port: int) -> BackendLink:
    """Connect through one of httpcore's network backends.

    Raises:
        Exception: Whatever the backend raises, httpcore's own errors as a rule.
    """
    return BackendLink(await backend.connect_tcp(host, port))


def native_backend() -> AsyncNetworkBackend | None:
    """Return the backend to use where bare sockets serve badly; None where they serve well.

    On Windows asyncio's event loop cannot watch sockets itself; anyio's stand-in is a thread around `select`, which
    stops at 512 of them.
    """
    if sys.platform == "win32" and hasattr(current_token().native_token, "call_soon_threadsafe"):
        from httpcore import AnyIOBackend

        return AnyIOBackend()
    return None
