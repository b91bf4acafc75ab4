"""A request on its way through another library: its fields, its body, and how far it has come; no library here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

from anyio import current_time

from ..._tasks import grace
from ..base import TransportFailure
from ..connection import notify

if TYPE_CHECKING:
    from ..base import BodyReader, BodySource, WireRequest
    from ..head import Head

__all__ = ("OutgoingBody", "Progress", "completed_fields", "place_of", "told")

# What a head adds to the fields that were given.
_ADDED: Final = (b"host", b"accept-encoding", b"content-length", b"transfer-encoding")


def place_of(request: WireRequest) -> str:
    """Return host and port as messages show them."""
    return f"[{request.host}]:{request.port}" if ":" in request.host else f"{request.host}:{request.port}"


def told(request: WireRequest, name: str, facts: Mapping[str, object]) -> None:
    """Tell the request's observer, if it has one."""
    if request.trace is not None:
        notify(request.trace, name, facts)


def completed_fields(fields: list[tuple[bytes, bytes]], head: Head) -> list[tuple[bytes, bytes]]:
    """Return the fields that are sent: those given, and what every request needs, as the pool's own encoding adds it."""
    given = {name for name, _ in fields}
    lines = (line.partition(b": ") for line in head.data.split(b"\r\n")[1:-2])
    more = [(name, value) for name, _, value in lines if name in _ADDED and name not in given]
    return [field for field in more if field[0] == b"host"] + fields + [field for field in more if field[0] != b"host"]


class Progress:
    """How far one request has come, as its library tells; kept in the request, and told to its observer.

    Attributes:
        fresh: The connection was opened for this request.
    """

    __slots__ = ("_began", "_handed_over", "_request", "answered", "fresh")

    def __init__(self, request: WireRequest) -> None:
        self._request = request
        self._began = 0.0
        self._handed_over = False
        # What happens to the request later no longer counts.
        self.answered: bool = False
        self.fresh: bool = True

    def dialling(self) -> None:
        """A connection is being opened."""
        self._request.phase = "connect"
        self._began = current_time()
        self.fresh = True

    def dialled(self) -> None:
        """The connection is open."""
        request = self._request
        told(request, "connect", {"host": request.host, "port": request.port, "seconds": current_time() - self._began})

    def encrypting(self) -> None:
        """A TLS handshake has begun."""
        self._request.phase = "connect"
        self._began = current_time()

    def encrypted(self, alpn: str | None = None) -> None:
        """The TLS handshake is done.

        Args:
            alpn: The protocol that was agreed on, if any.
        """
        told(
            self._request,
            "tls",
            {"host": self._request.host, "alpn": alpn, "seconds": current_time() - self._began},
        )

    def writing(self) -> None:
        """Some of the request is being handed over."""
        if self.answered:
            return
        self._handed_over = False
        self._request.phase = "write"
        # A library may send a request again; what has once been sent stays sent.
        if self._request.sent == "none":
            self._request.sent = "partial"

    def all_sent(self) -> None:
        """The whole request has been handed over."""
        if self._handed_over:
            return
        self._handed_over = True
        request = self._request
        request.sent = "all"
        if not self.answered:
            request.phase = "head"
        told(request, "request.sent", {"sent": "all", "fresh": self.fresh})


class OutgoingBody:
    """A request body as an asynchronous iterable, which notes how far it got and what its source raised.

    Args:
        request: Whose body it is.
        length: What was announced; None for chunks.
        progress: Told of every piece, since a library reads a body to send it.

    Attributes:
        foreign: What the body's own source raised; it belongs to whoever made the source.
    """

    __slots__ = ("_given", "_length", "_opened", "_progress", "_reader", "_request", "foreign")

    def __init__(self, request: WireRequest, length: int | None, progress: Progress) -> None:
        self._request = request
        self._length = length
        self._progress = progress
        self._opened = 0
        self._given = 0
        self._reader: BodyReader | None = None
        self.foreign: BaseException | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Iterated again, it begins again: an authentication that answers a challenge does that.
        self._opened += 1
        self._given = 0
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece to send.

        Raises:
            TransportFailure: The source is not as long as it said, or cannot be read again.
            Exception: What the source raised.
        """
        self._progress.writing()
        body = self._request.body
        if isinstance(body, bytes):
            # Large pieces are cut, because a library may hold the event loop for as long as it takes to send one.
            start = self._given
            self._given = end = min(start + _PIECE, len(body))
            if start < end:
                return body[start:end] if end - start < len(body) else body
        else:
            try:
                piece = await self._read(body)
            except BaseException as error:
                self.foreign = error
                await self.aclose()
                raise
            if piece:
                return piece
        await self.aclose()
        self._progress.all_sent()
        raise StopAsyncIteration

    async def _read(self, source: BodySource) -> bytes:
        reader = self._reader
        if self._given == 0 and self._opened > 1:
            if not source.replayable:
                raise self._wrong("the request body is asked for again, and it can be read only once")
            self._opened = 1
            await self.aclose()
            reader = None
        if reader is None:
            reader = self._reader = source.open()
        piece = await reader.read()
        self._given += len(piece)
        expected = self._length
        if expected is not None and (self._given > expected or (not piece and self._given < expected)):
            more = "at least " if self._given > expected else ""
            raise self._wrong(
                f"the request body was announced with {expected} bytes and gave {more}{self._given}; "
                "a file that changes while it is sent must be copied first"
            )
        return piece

    async def aclose(self) -> None:
        """Give back what reading holds; safe to repeat, and shielded."""
        reader, self._reader = self._reader, None
        if reader is not None:
            with grace():
                await reader.aclose()

    @staticmethod
    def _wrong(text: str) -> TransportFailure:
        return TransportFailure(text, kind="input", phase="write", sent="partial")


# As large as the pool's own pieces; see `transport.upload`.
_PIECE = 262144
