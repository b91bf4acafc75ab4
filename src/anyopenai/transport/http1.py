"""One HTTP/1.1 connection, which carries an exchange at a time up to the answer's head; no pool here.

Theory of operation: `exchange` writes the request (head and body in one write where they are small) and reads up to the
end of the answer's head. From then on the connection belongs to the response, until the answer is at its end, is
closed, or is given up (see `response`). Whatever goes wrong or is cancelled in between closes the connection, because
nobody could tell where its bytes stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .connection import notify
from .failures import failure_from, lost, proxy_wants_login, timed_out
from .head import encode_head
from .parser import ResponseParser
from .response import Http1Response
from .upload import PIECE, Upload

if TYPE_CHECKING:
    from .._sansio.proxies import Proxy
    from .base import Phase, WireRequest
    from .connection import Origin, SlotOwner
    from .link import Link

__all__ = ("Http1Connection",)

# One read's worth: what the kernel hands over at once as a rule, and what a TLS link decrypts in one go.
_READ_BYTES: Final = 65536


class Http1Connection:
    """A connection that speaks HTTP/1.1.

    Attributes:
        origin: Whom it leads to.
        shared: False, and
        settled: True:
        capacity: one exchange at a time; nothing is pipelined.
        active: Exchanges it carries now; kept by the pool.
        idle_since: When it became idle, on the pool's clock; kept by the pool.
        fresh: It has not carried a whole answer yet.
    """

    __slots__ = (
        "__weakref__",
        "_forward",
        "_link",
        "_parser",
        "active",
        "capacity",
        "fresh",
        "idle_since",
        "origin",
        "settled",
        "shared",
    )

    def __init__(self, link: Link, origin: Origin, forward: Proxy | None = None) -> None:
        self._link = link
        # The HTTP proxy at the other end, which hands plain requests on.
        self._forward = forward
        self._parser = ResponseParser()
        self.origin: Origin = origin
        self.shared: bool = False
        self.settled: bool = True
        self.capacity: int = 1
        self.active: int = 0
        self.idle_since: float = 0.0
        self.fresh: bool = True

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> Http1Response:
        """Send a request and return its answer as soon as the head has arrived.

        The connection goes back to its owner when the answer is at its end, or when anything fails. Cancelling closes
        it.

        Raises:
            TransportFailure: The request cannot be sent, or no answer came.
            Exception: What the request body's source raised, as it is.
        """
        request.phase = "write"
        request.sent = "none"
        try:
            head = encode_head(request, self._forward)
        except BaseException:
            # Nothing has happened on the connection.
            owner.release(self, reusable=True)
            raise
        parser = self._parser
        parser.start(head_only=request.method == "HEAD")
        upload: Upload | None = None
        unsent: BaseException | None = None
        try:
            body = request.body
            if isinstance(body, bytes) and len(body) <= PIECE and not head.chunked:
                # What is handed over before this raises is nothing: a write either takes bytes or fails.
                try:
                    # A view, because reports of exceptions show the bytes that local variables hold.
                    if self._link.send_now(memoryview(head.data + body if body else head.data)):
                        request.sent = "all"
                    else:
                        upload = Upload(self._link, parser, request, head, self.origin.where)
                        await upload.run(begun=True)
                except OSError as error:
                    # The peer is gone, and may have said why before it went.
                    unsent = error
            else:
                upload = Upload(self._link, parser, request, head, self.origin.where)
                await upload.run(begun=False)
            if upload is not None:
                unsent = upload.error
            if request.trace is not None:
                notify(request.trace, "request.sent", {"sent": request.sent, "fresh": self.fresh})
            request.phase = "head"
            await self._read_head(request, unsent)
            if self._forward is not None and parser.status == 407:
                raise proxy_wants_login(self._forward, request.sent)
        except BaseException as error:
            owner.release(self, reusable=False)
            await owner.tidy()
            if upload is not None and error is upload.foreign:
                raise
            failure = failure_from(error, self.origin.where, phase=request.phase, sent=request.sent, fresh=self.fresh)
            if failure is None or failure is error:
                raise
            raise failure from error
        if request.trace is not None:
            notify(request.trace, "head", {"status": parser.status, "http_version": parser.http_version})
        whole = unsent is None and (upload is None or not upload.cut)
        return Http1Response(self, request, owner, head, whole=whole)

    async def _read_head(self, request: WireRequest, unsent: BaseException | None) -> None:
        parser = self._parser
        link, seconds = self._link, request.timeout.read
        while not parser.head_complete:
            try:
                waiting = link.receive(_READ_BYTES) if seconds is None else self.receive(seconds, request, "head")
                data = await waiting
            except OSError:
                if unsent is None:
                    raise
                data = b""
            if not data:
                if unsent is not None:
                    request.phase = "write"
                    raise unsent
                raise lost(self.origin.where, phase="head", sent=request.sent, fresh=self.fresh)
            parser.feed(data)

    async def receive(self, seconds: float | None, request: WireRequest, phase: Phase) -> bytes:
        """Return the next bytes, or b"" when the server sends no more.

        Args:
            seconds: How long the silence may last; None for as long as the caller's scopes allow.
            request: The request being answered.
            phase: What is being waited for.

        Raises:
            TransportFailure: The silence lasted too long.
        """
        if seconds is None:
            return await self._link.receive(_READ_BYTES)
        data = await self._link.receive_within(seconds, _READ_BYTES)
        if data is not None:
            return data
        raise timed_out(
            self.origin.where,
            seconds,
            phase=phase,
            sent=request.sent,
            fresh=self.fresh,
            received=self._parser.received,
        )

    @property
    def parser(self) -> ResponseParser:
        """Where the bytes of the current answer go."""
        return self._parser

    @property
    def answering(self) -> bool:
        """Whether any byte of the last answer has arrived."""
        return self._parser.started

    def is_stale(self) -> bool:
        """Tell whether the server has closed the idle connection, or sent what nobody asked for."""
        return self._link.is_stale()

    def shed(self) -> None:
        """Do nothing: whoever gives up an exchange gives up the connection."""

    def close(self) -> bool:
        """Close at once, waking whoever waits; False if `aclose` must still be awaited."""
        self._parser.close()
        return self._link.close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        self._link.abort()

    async def aclose(self) -> None:
        """Finish what `close` could not."""
        await self._link.aclose()
