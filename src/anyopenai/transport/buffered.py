"""`BufferedResponse`: an answer held in memory, for middleware that answers by itself or has read the body; no sockets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from anyio.lowlevel import checkpoint

from .base import TransportFailure

if TYPE_CHECKING:
    from .base import WireResponse

__all__ = ("BufferedResponse",)

# RFC 9110 section 8.6: the length is that of the bytes on the wire, which these are no more.
_OF_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class BufferedResponse:
    """An answer whose body is in memory; see `WireResponse`.

    Middleware returns one to answer a request without sending it, such as from a cache, or after it has read the body
    of another answer to look at it.

    Args:
        status: HTTP status.
        headers: Fields, names in lower case.
        content: The body.
        http_version: What is said to have carried it.

    Attributes:
        content: The whole body, whatever has been read of it.
    """

    __slots__ = ("_closed", "_taken", "content", "headers", "http_version", "status")

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[bytes, bytes]] = (),
        content: bytes = b"",
        *,
        http_version: str = "HTTP/1.1",
    ) -> None:
        self.status: int = status
        self.headers: list[tuple[bytes, bytes]] = list(headers)
        self.http_version: str = http_version
        self.content: bytes = content
        self._taken = 0
        self._closed = False

    @classmethod
    async def read_from(cls, response: WireResponse, limit: int = 2**30) -> BufferedResponse:
        """Read an answer to its end and return it as one in memory; its connection is free then.

        Cancelling ends the exchange.

        Args:
            response: An answer of which nothing has been read.
            limit: Largest body to accept, in bytes.

        Raises:
            TransportFailure: The body broke off, or exceeds `limit`.
        """
        content = await response.read(limit)
        headers = [field for field in response.headers if field[0] not in _OF_THE_WIRE]
        return cls(response.status, headers, content, http_version=response.http_version)

    def again(self) -> BufferedResponse:
        """Return the same answer, unread: each request needs one of its own."""
        return type(self)(self.status, self.headers, self.content, http_version=self.http_version)

    async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
        """Return the next piece of the body, or b"" at its end.

        Args:
            max_bytes: Largest piece to return.
            timeout: Not needed: there is no silence.

        Raises:
            TransportFailure: The answer was closed before its end.
        """
        await checkpoint()
        if self._closed and not self.complete:
            raise TransportFailure("the answer was closed before its end", kind="closed", phase="body", sent="all")
        start = self._taken
        piece = self.content[start : start + max_bytes]
        self._taken += len(piece)
        return piece

    async def read(self, limit: int) -> bytes:
        """Return the whole rest of the body.

        Raises:
            TransportFailure: It exceeds `limit` bytes.
        """
        size = len(self.content) - self._taken
        if size > limit:
            self._closed = True
            raise TransportFailure(
                f"the answer exceeds the limit of {limit} bytes", kind="too_large", phase="body", sent="all"
            )
        return await self.receive(max(1, size))

    async def drain(self, max_bytes: int, seconds: float) -> bool:
        """Skip the rest."""
        await checkpoint()
        self._taken = len(self.content)
        return True

    async def aclose(self) -> None:
        """End the reading; safe to repeat."""
        self._closed = True
        await checkpoint()

    def abandon(self) -> None:
        """End the reading."""
        self._closed = True

    @property
    def complete(self) -> bool:
        """Whether the body has been read to its end."""
        return self._taken >= len(self.content)

    def __repr__(self) -> str:
        return f"<BufferedResponse {self.status}, {len(self.content)} bytes>"
