"""The answer of one HTTP/1.1 exchange as users of a transport read it: pieces, whole, drained, closed; no pool here.

A response owns its connection until the body is at its end, is closed, or is given up: whichever comes first hands the
connection back to its owner, once, in `Http1Response._leave`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from warnings import warn

from anyio import CancelScope, current_time

from .base import TransportFailure
from .codings import CodingError, decoder_for
from .connection import notify
from .failures import failure_from, lost

if TYPE_CHECKING:
    from .base import WireRequest
    from .codings import Decoder
    from .connection import SlotOwner
    from .head import Head
    from .http1 import Http1Connection

__all__ = ("Http1Response",)

# One read's worth, see `Http1Connection`.
_READ_BYTES: Final = 65536
_MANY_PIECES: Final = 16


class Http1Response:
    """One answer; see `WireResponse`.

    Attributes:
        status: HTTP status.
        headers: Fields as on the wire, names in lower case.
        http_version: `"HTTP/1.1"` or `"HTTP/1.0"`.
        complete: Whether the body has arrived to its end (the last of it may still wait here to be read).
    """

    __slots__ = (
        "_connection",
        "_decoder",
        "_finished",
        "_length",
        "_owner",
        "_pieces",
        "_reading",
        "_request",
        "_rest",
        "_reusable",
        "_taken",
        "complete",
        "headers",
        "http_version",
        "status",
    )

    def __init__(
        self, connection: Http1Connection, request: WireRequest, owner: SlotOwner, head: Head, *, whole: bool
    ) -> None:
        parser = connection.parser
        self._connection: Http1Connection | None = connection
        self._owner = owner
        self._request = request
        self._pieces = parser.pieces
        self._rest = b""
        self._taken = 0
        self._reading = False
        self._finished = False
        self._reusable = whole and not head.close
        self._length = parser.length
        self._decoder: Decoder | None = None
        self.status: int = parser.status
        self.headers: list[tuple[bytes, bytes]] = parser.fields
        self.http_version: str = parser.http_version
        self.complete: bool = False
        if parser.complete:
            self._finish()
        else:
            request.phase = "body"
        if parser.encodings:
            self._decoder = self._find_decoder(parser.encodings, asked=head.decode)

    def _find_decoder(self, encodings: tuple[bytes, ...], *, asked: bool) -> Decoder | None:
        try:
            decoder = decoder_for(encodings)
            if decoder is None and asked:
                names = b", ".join(encodings).decode("latin-1")[:100]
                raise CodingError(f"it came as {names!r}, which was not asked for")
        except CodingError as error:
            self._leave(reusable=False)
            raise self._failure(error) from error
        return decoder

    async def receive(self, max_bytes: int = _READ_BYTES, *, timeout: float | None = None) -> bytes:
        """Return the next piece of the body, content codings undone, or b"" at its end (and again after it).

        Cancelling closes the connection: the rest of the body is lost.

        Args:
            max_bytes: Largest piece to return, in bytes; at least 1.
            timeout: Bound of this silence in seconds; None keeps the request's `read`.

        Raises:
            TransportFailure: The body broke off, or is not what its head says.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        while True:
            data = self._take(max_bytes)
            if data:
                return data
            if self._connection is None:
                self._check_end()
                return b""
            await self._read_more(timeout)

    async def read(self, limit: int) -> bytes:
        """Return the whole rest of the body and give the connection back.

        Args:
            limit: Largest body to accept, in bytes, content codings undone.

        Raises:
            TransportFailure: As `receive`; with kind `"too_large"` when the body exceeds `limit`: the connection is
                closed then.
        """
        if self._decoder is None:
            pieces = self._pieces
            if self._rest:
                pieces.insert(0, self._rest[self._taken :])
                self._rest, self._taken = b"", 0
            connection = self._connection
            if connection is not None:
                parser = connection.parser
                allowed = parser.received - sum(map(len, pieces)) + limit
                if self._length is not None and self._length > allowed:
                    self._leave(reusable=False)
                    raise self._too_large(limit)
                while self._connection is not None and parser.received <= allowed:
                    known = len(pieces)
                    await self._read_more(None)
                    if len(pieces) - known > _MANY_PIECES:
                        # A body in chunks of a byte would take forty times its size as pieces.
                        pieces[known:] = [b"".join(pieces[known:])]
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            if self._connection is not None or len(body) > limit:
                self._leave(reusable=False)
                raise self._too_large(limit)
            self._check_end()
            return body
        decoded: list[bytes] = []
        size = 0
        while data := await self.receive():
            size += len(data)
            if size > limit:
                self._leave(reusable=False)
                raise self._too_large(limit)
            decoded.append(data)
        return b"".join(decoded)

    async def drain(self, max_bytes: int, seconds: float) -> bool:
        """Read away what little may be left so that the connection can be used again.

        Network failures end it quietly. Cancelling closes the connection.

        Args:
            max_bytes: How much may be read away, as it comes over the wire.
            seconds: How long it may take.

        Returns:
            Whether the end was reached within both bounds; if not, the response is closed.
        """
        connection = self._connection
        if connection is None:
            return self.complete
        parser = connection.parser
        allowed = parser.received + max_bytes
        if self._length is None or self._length <= allowed:
            try:
                with CancelScope(deadline=current_time() + seconds):
                    while self._connection is not None and parser.received <= allowed:
                        self._pieces.clear()
                        await self._read_more(None)
            except TransportFailure:
                return False
        self._pieces.clear()
        self._rest, self._taken = b"", 0
        await self.aclose()
        return self.complete

    async def aclose(self) -> None:
        """End the exchange now and free its slot; safe to repeat, safe when cancelled, also from another task."""
        self._leave(reusable=False)
        await self._owner.tidy()

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._owner.abandon(connection)

    def __del__(self) -> None:
        if self._connection is not None:
            self.abandon()
            warn(
                f"the answer to {self._request.method} {self._request.url.partition('?')[0]} was dropped unread; "
                "read it to its end or close it",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def _take(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` of what has arrived, decoded; b"" when more must be read."""
        pieces = self._pieces
        decoder = self._decoder
        if decoder is None:
            if not self._rest and pieces:
                self._rest = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                self._taken = 0
                pieces.clear()
            start = self._taken
            data = self._rest
            if start == 0 and len(data) <= max_bytes:
                self._rest = b""
                return data
            # The offset moves and the bytes stay: many small reads of a large piece must not copy its rest each time.
            self._taken = end = start + max_bytes
            data = data[start:end]
            if end >= len(self._rest):
                self._rest, self._taken = b"", 0
            return data
        try:
            if pieces:
                decoder.feed(b"".join(pieces))
                pieces.clear()
            data = decoder.read(max_bytes)
            if not data and self.complete and not self._finished:
                self._finished = True
                decoder.finish()
        except CodingError as error:
            self._leave(reusable=False)
            raise self._failure(error) from error
        return data

    async def _read_more(self, timeout: float | None) -> None:
        """Read once from the connection; its failure or cancellation ends the exchange."""
        connection = self._connection
        assert connection is not None
        if self._reading:
            raise TransportFailure(
                "two tasks read one answer at once; let one of them do it",
                kind="input",
                phase="body",
                sent=self._request.sent,
                fresh=connection.fresh,
            )
        parser = connection.parser
        seconds = timeout if timeout is not None else self._request.timeout.read
        self._reading = True
        try:
            if parser.error is not None:
                raise parser.error
            data = await connection.receive(seconds, self._request, "body")
            if data:
                parser.feed(data)
            elif not parser.finish():
                raise lost(
                    connection.origin.where,
                    phase="body",
                    sent=self._request.sent,
                    fresh=connection.fresh,
                    received=parser.received,
                    expected=parser.length,
                )
            if parser.complete:
                self._finish()
        except BaseException as error:
            self._leave(reusable=False)
            await self._owner.tidy()
            failure = failure_from(
                error,
                connection.origin.where,
                phase="body",
                sent=self._request.sent,
                fresh=connection.fresh,
                received=parser.received,
            )
            if failure is None or failure is error:
                raise
            raise failure from error
        finally:
            self._reading = False

    def _finish(self) -> None:
        """The body is at its end: give the connection back."""
        connection = self._connection
        assert connection is not None
        parser = connection.parser
        self.complete = True
        connection.fresh = False
        trace = self._request.trace
        if trace is not None:
            notify(trace, "body.end", {"received": parser.received})
        self._leave(reusable=self._reusable and parser.keep_alive and not parser.excess)

    def _leave(self, *, reusable: bool) -> None:
        """Let go of the connection, once; its owner closes it or keeps it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._request.phase = "close"
            self._owner.release(connection, reusable=reusable)

    def _check_end(self) -> None:
        if not self.complete:
            raise TransportFailure(
                "the answer was closed before its end and cannot be read any further",
                kind="closed",
                phase="body",
                sent=self._request.sent,
            )

    def _too_large(self, limit: int) -> TransportFailure:
        return TransportFailure(
            f"the answer exceeds the limit of {limit} bytes; read it as a stream, or raise the limit",
            kind="too_large",
            phase="body",
            sent=self._request.sent,
        )

    def _failure(self, error: CodingError) -> TransportFailure:
        failure = failure_from(error, self._where, phase="body", sent=self._request.sent, fresh=False)
        assert failure is not None
        return failure

    @property
    def _where(self) -> str:
        return f"{self._request.host}:{self._request.port}"
