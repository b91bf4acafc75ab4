"""The answer of one HTTP/1.1 exchange: how its bytes come and when its connection is free again; no pool here.

A response owns its connection until the body is at its end, is closed, or is given up: whichever comes first hands the
connection back to its owner, once, in `Http1Response._leave`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answer import Answer
from .connection import notify
from .failures import lost

if TYPE_CHECKING:
    from .answer import Intake
    from .base import WireRequest
    from .connection import SlotOwner
    from .head import Head
    from .http1 import Http1Connection

__all__ = ("Http1Response",)


class Http1Response(Answer):
    """One answer over HTTP/1.1; see `WireResponse`."""

    __slots__ = ("_connection", "_owner", "_reusable")

    def __init__(
        self, connection: Http1Connection, request: WireRequest, owner: SlotOwner, head: Head, *, whole: bool
    ) -> None:
        parser = connection.parser
        super().__init__(parser, request, parser.http_version)
        self._connection: Http1Connection | None = connection
        self._owner = owner
        self._reusable = whole and not head.close
        if parser.complete:
            self._complete = True
            self._finish()
        if parser.encodings:
            self._choose_decoder(parser.encodings, asked=head.decode)

    async def _fetch(self, intake: Intake, seconds: float | None) -> None:
        connection = self._connection
        assert connection is not None
        parser = connection.parser
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

    def _finish(self) -> None:
        connection = self._connection
        assert connection is not None
        parser = connection.parser
        connection.fresh = False
        trace = self._request.trace
        if trace is not None:
            notify(trace, "body.end", {"received": parser.received})
        self._leave(reusable=self._reusable and parser.keep_alive and not parser.excess)

    def _leave(self, *, reusable: bool) -> None:
        """Let go of the connection, once; its owner closes it or keeps it."""
        connection, self._connection = self._connection, None
        self._intake = None
        if connection is not None:
            self._request.phase = "close"
            self._owner.release(connection, reusable=reusable)

    async def _tidy(self) -> None:
        await self._owner.tidy()

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        connection, self._connection = self._connection, None
        self._intake = None
        if connection is not None:
            self._owner.abandon(connection)

    @property
    def _fresh(self) -> bool:
        return self._connection is not None and self._connection.fresh
