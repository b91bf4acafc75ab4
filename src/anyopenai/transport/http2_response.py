"""The answer of one HTTP/2 exchange: how its bytes come and how its stream is given up; no frames here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answer import Answer

if TYPE_CHECKING:
    from .answer import Intake
    from .http2 import Http2Connection
    from .http2_stream import Http2Stream

__all__ = ("Http2Response",)


class Http2Response(Answer):
    """One answer over HTTP/2; see `WireResponse`.

    Its share of the connection is free as soon as the last byte has arrived, read or not. Leaving it before resets the
    stream, and the connection goes on.
    """

    __slots__ = ("_connection", "_stream")

    def __init__(self, connection: Http2Connection, stream: Http2Stream) -> None:
        super().__init__(stream, stream.request, "HTTP/2")
        self._connection = connection
        self._stream = stream
        if stream.complete:
            self._complete = True
            self._finish()
        if stream.encodings:
            self._choose_decoder(stream.encodings, asked=stream.decode)

    async def _fetch(self, intake: Intake, seconds: float | None) -> None:
        stream = self._stream
        if stream.complete:
            return
        if stream.error is not None:
            raise stream.error
        # All that came has been taken by now.
        self._connection.credit(stream)
        await self._connection.wait(stream, seconds, "body")

    def _finish(self) -> None:
        self._intake = None
        self._request.phase = "close"

    def _leave(self, *, reusable: bool) -> None:
        if self._intake is not None:
            self._finish()
            self._connection.leave(self._stream)

    async def _tidy(self) -> None:
        await self._connection.tidy()

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        if self._intake is not None:
            self._finish()
            self._connection.drop(self._stream)

    @property
    def _fresh(self) -> bool:
        return self._connection.fresh
