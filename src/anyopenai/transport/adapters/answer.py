"""An answer whose bytes another library receives, on top of the package's own `Answer`; no library here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from anyio import CancelScope, current_time

from ..answer import Answer
from ..failures import lost, timed_out
from .errors import failure_from_client
from .outgoing import place_of, told

if TYPE_CHECKING:
    from ..answer import Intake
    from ..base import WireRequest

__all__ = ("AdaptedResponse", "Arrived", "RawBody")


class RawBody(Protocol):
    """Another library's body of an answer, content codings not undone."""

    async def receive(self) -> bytes:
        """Return the next bytes, or b"" at the end; the connection has been given back then."""
        ...

    def leave(self) -> None:
        """End the exchange without awaiting, as far as that goes."""
        ...

    async def tidy(self) -> None:
        """Finish what `leave` could not; bounded, and safe when cancelled."""
        ...

    def abandon(self) -> None:
        """End the exchange without awaiting anything, from any thread. Never raises."""
        ...


class Arrived:
    """What has arrived of one answer, as `Intake` says.

    Args:
        request: What is answered.
        status: HTTP status.
        fields: Header fields as on the wire, names in lower case.
        decoded: The library has undone the content codings, so the head's length and codings say nothing any more.
    """

    __slots__ = ("complete", "encodings", "fields", "length", "pieces", "received", "status")

    def __init__(
        self, request: WireRequest, status: int, fields: list[tuple[bytes, bytes]], *, decoded: bool = False
    ) -> None:
        self.status: int = status
        self.fields: list[tuple[bytes, bytes]] = fields
        self.encodings: tuple[bytes, ...] = ()
        self.length: int | None = None
        self.pieces: list[bytes] = []
        self.received: int = 0
        self.complete: bool = False
        if request.method == "HEAD" or status in (204, 304):
            self.length = 0
        elif not decoded:
            codings = (part.strip() for n, v in fields if n == b"content-encoding" for part in v.lower().split(b","))
            self.encodings = tuple(coding for coding in codings if coding not in (b"", b"identity"))
            lengths = [value for name, value in fields if name == b"content-length"]
            self.length = int(lengths[0]) if lengths and lengths[0].isdigit() else None


class AdaptedResponse(Answer):
    """One answer over another library; see `WireResponse`.

    Args:
        request: What is answered.
        body: Where the bytes come from.
        arrived: The head.
        http_version: Such as `"HTTP/1.1"`.
        fresh: The connection had not carried an answer before.
        asked: The transport chose which content codings to accept, so nothing else may come.
    """

    __slots__ = ("_body", "_is_fresh")

    def __init__(
        self, request: WireRequest, body: RawBody, arrived: Arrived, http_version: str, *, fresh: bool, asked: bool
    ) -> None:
        super().__init__(arrived, request, http_version)
        self._body = body
        self._is_fresh = fresh
        if arrived.encodings:
            self._choose_decoder(arrived.encodings, asked=asked)

    async def prime(self) -> None:
        """Take note of the end at once where there is no body, so that the connection is given back."""
        if self._length == 0:
            await self._read_more(None)

    async def _fetch(self, intake: Intake, seconds: float | None) -> None:
        request = self._request
        try:
            if seconds is None:
                await self._receive(intake)
                return
            with CancelScope(deadline=current_time() + seconds):
                await self._receive(intake)
                return
        except Exception as error:
            failure = failure_from_client(
                error,
                place_of(request),
                phase="body",
                sent=request.sent,
                fresh=self._is_fresh,
                received=intake.received,
            )
            if failure is None or failure is error:
                raise
            raise failure from error
        raise timed_out(
            place_of(request),
            seconds,
            phase="body",
            sent=request.sent,
            fresh=self._is_fresh,
            received=intake.received,
        )

    async def _receive(self, intake: Intake) -> None:
        """Take the library's next bytes, and its word for the end together with the last ones."""
        data = await self._body.receive()
        if data:
            intake.pieces.append(data)
            intake.received += len(data)
            if intake.received != self._length:
                return
            # The library gives the connection back when it is asked once more.
            data = await self._body.receive()
            if data:
                intake.pieces.append(data)
                intake.received += len(data)
                return
        if self._intake is None or (self._length is not None and intake.received < self._length):
            # Closed by another task meanwhile, or broken off: a library may call either an end.
            raise lost(
                place_of(self._request),
                phase="body",
                sent=self._request.sent,
                fresh=self._is_fresh,
                received=intake.received,
                expected=self._length,
            )
        intake.complete = True

    def _finish(self) -> None:
        intake = self._intake
        told(self._request, "body.end", {"received": 0 if intake is None else intake.received})
        self._intake = None
        self._request.phase = "close"

    def _leave(self, *, reusable: bool) -> None:
        if self._intake is not None:
            self._intake = None
            self._request.phase = "close"
            self._body.leave()

    async def _tidy(self) -> None:
        await self._body.tidy()

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        if self._intake is not None:
            self._intake = None
            self._body.abandon()

    @property
    def _fresh(self) -> bool:
        return self._is_fresh
