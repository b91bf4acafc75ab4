"""An answer as users of a transport read it, whatever carried it: pieces, whole, drained, closed; no wire format here.

Theory of operation: an `Answer` takes pieces out of an `Intake`, which is the protocol's own record of what has arrived.
What differs between HTTP/1.1 and HTTP/2 is how more of it comes (`_fetch`) and how the exchange ends (`_leave`): that
lets go of what the answer holds, once, whichever comes first of the body's end, a failure and the reader's own goodbye.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol
from warnings import warn

from anyio import CancelScope, current_time

from .base import TransportFailure
from .codings import CodingError, decoder_for
from .failures import failure_from

if TYPE_CHECKING:
    from .base import WireRequest
    from .codings import Decoder

__all__ = ("READ_BYTES", "Answer", "Intake")

READ_BYTES: Final = 65536
"""One read's worth: what the kernel hands over at once as a rule, and what a TLS link decrypts in one go."""

_MANY_PIECES: Final = 16


class Intake(Protocol):
    """What has arrived of one answer, as its protocol keeps it.

    Attributes:
        status: HTTP status.
        fields: Header fields, names in lower case.
        encodings: Content codings, in the order they were applied.
        length: Bytes of the body as its head announced them, if it did.
        pieces: What has arrived of the body and was not taken away yet.
        received: Bytes of the body so far, content codings not undone.
        complete: The body has arrived to its end.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    encodings: tuple[bytes, ...]
    length: int | None
    pieces: list[bytes]
    received: int
    complete: bool


class Answer:
    """One answer; see `WireResponse`. A protocol's own class adds how bytes come and how the exchange ends.

    Attributes:
        status: HTTP status.
        headers: Fields as on the wire, names in lower case.
        http_version: `"HTTP/1.1"`, `"HTTP/1.0"` or `"HTTP/2"`.
    """

    __slots__ = (
        "_complete",
        "_decoder",
        "_finished",
        "_intake",
        "_length",
        "_pieces",
        "_reading",
        "_request",
        "_rest",
        "_taken",
        "headers",
        "http_version",
        "status",
    )

    def __init__(self, intake: Intake, request: WireRequest, http_version: str) -> None:
        # None once the exchange is over, for whatever reason.
        self._intake: Intake | None = intake
        self._request = request
        self._pieces = intake.pieces
        self._rest = b""
        self._taken = 0
        self._reading = False
        self._finished = False
        self._complete = False
        self._length = intake.length
        self._decoder: Decoder | None = None
        self.status: int = intake.status
        self.headers: list[tuple[bytes, bytes]] = intake.fields
        self.http_version: str = http_version
        if not intake.complete:
            request.phase = "body"

    @property
    def complete(self) -> bool:
        """Whether the body has arrived to its end (the last of it may still wait here to be read)."""
        return self._complete or (self._intake is not None and self._intake.complete)

    # What a protocol adds.

    async def _fetch(self, intake: Intake, seconds: float | None) -> None:
        """Wait until more of the body has arrived, within a bound; what is raised is put into words by the caller."""
        raise NotImplementedError

    def _finish(self) -> None:
        """The body is at its end."""
        raise NotImplementedError

    def _leave(self, *, reusable: bool) -> None:
        """End the exchange, once, without awaiting: what it held is free afterwards."""
        raise NotImplementedError

    async def _tidy(self) -> None:
        """Finish what ending the exchange left to await."""
        raise NotImplementedError

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        raise NotImplementedError

    @property
    def _fresh(self) -> bool:
        """Whether the connection has never carried a whole answer."""
        raise NotImplementedError

    # What is the same for all.

    def _choose_decoder(self, encodings: tuple[bytes, ...], *, asked: bool) -> None:
        """Prepare to undo the content codings.

        Args:
            encodings: What the head names.
            asked: The transport chose what to accept, so nothing else may come.
        """
        try:
            decoder = decoder_for(encodings)
            if decoder is None and asked:
                names = b", ".join(encodings).decode("latin-1")[:100]
                raise CodingError(f"it came as {names!r}, which was not asked for")
        except CodingError as error:
            self._leave(reusable=False)
            raise self._failure(error) from error
        self._decoder = decoder

    async def receive(self, max_bytes: int = READ_BYTES, *, timeout: float | None = None) -> bytes:
        """Return the next piece of the body, content codings undone, or b"" at its end (and again after it).

        Cancelling ends the exchange: the rest of the body is lost.

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
            if self._intake is None:
                self._check_end()
                return b""
            await self._read_more(timeout)

    async def read(self, limit: int) -> bytes:
        """Return the whole rest of the body and give the connection back.

        Args:
            limit: Largest body to accept, in bytes, content codings undone.

        Raises:
            TransportFailure: As `receive`; with kind `"too_large"` when the body exceeds `limit`: the exchange is
                ended then.
        """
        if self._decoder is None:
            pieces = self._pieces
            if self._rest:
                pieces.insert(0, self._rest[self._taken :])
                self._rest, self._taken = b"", 0
            intake = self._intake
            if intake is not None:
                allowed = intake.received - sum(map(len, pieces)) + limit
                if self._length is not None and self._length > allowed:
                    self._leave(reusable=False)
                    raise self._too_large(limit)
                while self._intake is not None and intake.received <= allowed:
                    known = len(pieces)
                    await self._read_more(None)
                    if len(pieces) - known > _MANY_PIECES:
                        # A body in chunks of a byte would take forty times its size as pieces.
                        pieces[known:] = [b"".join(pieces[known:])]
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            if self._intake is not None or len(body) > limit:
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

        Network failures end it quietly. Cancelling ends the exchange.

        Args:
            max_bytes: How much may be read away, as it comes over the wire.
            seconds: How long it may take.

        Returns:
            Whether the end was reached within both bounds; if not, the response is closed.
        """
        intake = self._intake
        if intake is None:
            return self._complete
        allowed = intake.received + max_bytes
        if self._length is None or self._length <= allowed:
            try:
                with CancelScope(deadline=current_time() + seconds):
                    while self._intake is not None and intake.received <= allowed:
                        self._pieces.clear()
                        await self._read_more(None)
            except TransportFailure:
                return False
        self._pieces.clear()
        self._rest, self._taken = b"", 0
        await self.aclose()
        return self._complete

    async def aclose(self) -> None:
        """End the exchange now and free its slot; safe to repeat, safe when cancelled, also from another task."""
        self._leave(reusable=False)
        await self._tidy()

    def __del__(self) -> None:
        if self._intake is not None and not self._intake.complete:
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
            if not data and self._complete and not self._finished:
                self._finished = True
                decoder.finish()
        except CodingError as error:
            self._leave(reusable=False)
            raise self._failure(error) from error
        return data

    async def _read_more(self, timeout: float | None) -> None:
        """Let more of the body arrive; its failure or cancellation ends the exchange."""
        intake = self._intake
        assert intake is not None
        request = self._request
        if self._reading:
            raise TransportFailure(
                "two tasks read one answer at once; let one of them do it",
                kind="input",
                phase="body",
                sent=request.sent,
                fresh=self._fresh,
            )
        self._reading = True
        try:
            await self._fetch(intake, timeout if timeout is not None else request.timeout.read)
            if intake.complete:
                self._complete = True
                self._finish()
        except BaseException as error:
            fresh = self._fresh
            self._leave(reusable=False)
            await self._tidy()
            failure = failure_from(
                error, self._where, phase="body", sent=request.sent, fresh=fresh, received=intake.received
            )
            if failure is None or failure is error:
                raise
            raise failure from error
        finally:
            self._reading = False

    def _check_end(self) -> None:
        if not self._complete:
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
        host = self._request.host
        return f"[{host}]:{self._request.port}" if ":" in host else f"{host}:{self._request.port}"
