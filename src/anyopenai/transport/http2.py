"""One HTTP/2 connection, which carries many exchanges at once: their begin, their end, and what it is fit for; no pool here.

Theory of operation. `Http2Wire` is the protocol, `Pump` moves the bytes, and an exchange here is a stream with a waiter.
Its share of the connection is free when the last byte of the answer arrives, whether or not its reader has taken all. An
end before that awaits nothing: the reset is queued and handed to the socket at once, and the share is free in the same
step, so whatever is cancelled, wherever, the connection goes on and the server knows. When the connection itself ends,
everybody learns why; what the server said that it did not begin with carries the proof, and is sent again by the pool.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from anyio import ClosedResourceError

from .connection import notify
from .failures import failure_from, is_network_error
from .http2_head import request_head
from .http2_pump import Pump
from .http2_response import Http2Response
from .http2_stream import Http2Error, Http2Stream, StreamRefused
from .http2_upload import send_body

if TYPE_CHECKING:
    from .base import WireRequest
    from .connection import Origin, SlotOwner
    from .link import Link

__all__ = ("MAX_STREAMS", "Http2Connection")

# With more than about 256 in flight on one connection a request costs more again (340 us at 256, 420 at 1000, measured
# with a prototype), and one lost connection takes more down with it. The pool opens the next one at 80 % of this.
MAX_STREAMS: Final = 320


class Http2Connection(Pump):
    """A connection that speaks HTTP/2.

    Attributes:
        origin: Whom it leads to.
        shared: It carries many exchanges at once.
        capacity: Exchanges it can carry at once: one until the server has said how many, none once it ends.
        active: Exchanges it carries now; kept by the pool.
        idle_since: When it became idle, on the pool's clock; kept by the pool.
        settled: The server has said how many streams it allows.
        fresh: It has not carried a whole answer yet.
    """

    __slots__ = ("__weakref__", "_dropped", "_owner", "active", "capacity", "idle_since", "settled", "shared")

    def __init__(self, link: Link, origin: Origin) -> None:
        super().__init__(link, origin)
        self._owner: SlotOwner | None = None
        # What finalizers gave up.
        self._dropped: deque[Http2Stream] = deque()
        self.shared: bool = True
        self.capacity: int = 1
        self.active: int = 0
        self.idle_since: float = 0.0
        self.settled: bool = False

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> Http2Response:
        """Send a request and return its answer as soon as the head has arrived.

        Its share of the connection goes back to the owner when the answer is at its end, or when anything fails.
        Cancelling resets the stream, and only the stream.

        Raises:
            TransportFailure: The request cannot be sent, or no answer came.
            Exception: What the request body's source raised, as it is.
        """
        self._owner = owner
        stream: Http2Stream | None = None
        try:
            self._check_usable()
            head = request_head(request)
            stream = Http2Stream(request, decode=head.decode)
            if not self._link.resumable:
                await self._catch_up(stream)
                self._check_usable()
            request.phase, request.sent = "write", "none"
            await send_body(self, stream, head)
            del head
            if request.trace is not None:
                notify(request.trace, "request.sent", {"sent": request.sent, "fresh": self.fresh})
            request.phase = "head"
            while not stream.status:
                error = stream.error or self._error
                if error is not None:
                    raise error
                await self.wait(stream, request.timeout.read, "head")
        except BaseException as error:
            if isinstance(error, StreamRefused):
                request.sent = "none"
            if stream is None:
                owner.release(self, reusable=self._error is None)
            else:
                self.leave(stream)
                await self.tidy()
                if error is stream.foreign:
                    raise
            failure = failure_from(error, self.origin.where, phase=request.phase, sent=request.sent, fresh=self.fresh)
            if failure is None or failure is error:
                raise
            raise failure from error
        self._tell_head(stream)
        return Http2Response(self, stream)

    def _check_usable(self) -> None:
        wire = self._wire
        if self._error is not None or self._unsendable is not None or wire.goaway is not None or wire.exhausted:
            raise StreamRefused("the connection had ended before")
        if len(wire.streams) >= wire.limit:
            raise StreamRefused(f"it allows {wire.limit} streams at once by now")

    def _spread(self) -> None:
        """Pass on what the protocol has learnt: news, ends, limits; and send what it wants to say."""
        wire = self._wire
        touched, wire.touched = wire.touched, []
        for stream in touched:
            self._wake(stream)
            if stream.complete and not stream.released:
                self._finish(stream)
        self._update()
        self.push()

    def _update(self) -> None:
        """Tell whoever waits for it how many exchanges fit, if that has changed."""
        if self._learn_capacity() and self._owner is not None:
            for stream in list(self._parked):
                if not stream.id:
                    self._wake(stream)
            self._owner.update(self)

    def _learn_capacity(self) -> bool:
        """Set how many exchanges fit; returns whether anything has changed."""
        wire = self._wire
        if self._error is not None or self._unsendable is not None or wire.goaway is not None or wire.exhausted:
            capacity = 0
        else:
            capacity = min(wire.limit, MAX_STREAMS) if wire.settled else 1
        changed = capacity != self.capacity or wire.settled != self.settled
        self.capacity, self.settled = capacity, wire.settled
        return changed

    def _finish(self, stream: Http2Stream) -> None:
        """A stream's answer is at its end: its share is free, whether or not its reader has taken all of it."""
        self.fresh = False
        trace = stream.request.trace
        if trace is not None:
            self._tell_head(stream)
            notify(trace, "body.end", {"received": stream.received})
        self.leave(stream)

    def _tell_head(self, stream: Http2Stream) -> None:
        trace = stream.request.trace
        if trace is not None and not stream.told:
            stream.told = True
            notify(trace, "head", {"status": stream.status, "http_version": "HTTP/2"})

    def credit(self, stream: Http2Stream) -> None:
        """Let the server send more on a stream whose reader has taken what came."""
        if self._error is None and self._wire.credit(stream):
            self.push()

    # Ends.

    def leave(self, stream: Http2Stream) -> None:
        """End an exchange, once: reset its stream unless that is at its end, and give back its share."""
        if stream.released:
            return
        stream.released = True
        if stream.alarm is not None:
            stream.alarm.cancel()
            stream.alarm = None
        self._wire.blocked.pop(stream, None)
        if not stream.complete and stream.error is None:
            # Somebody else may be reading it.
            stream.error = ClosedResourceError()
            self._call_back(stream)
        if stream.id and self._error is None and self._wire.reset(stream):
            self.push()
        assert self._owner is not None
        self._owner.release(self, reusable=self._error is None)

    def drop(self, stream: Http2Stream) -> None:
        """Give up an exchange from a finalizer: any thread, any moment."""
        self._dropped.append(stream)
        if self._owner is not None:
            self._owner.abandon(self)

    def shed(self) -> None:
        """End what finalizers gave up."""
        while self._dropped:
            self.leave(self._dropped.popleft())

    async def tidy(self) -> None:
        """Send what could not be sent without awaiting, within bounds; as a rule there is nothing."""
        await self._flush_rest()
        if self._owner is not None:
            await self._owner.tidy()

    def _break(self, error: Exception) -> None:
        """The connection is of no more use: whoever waits learns why."""
        if self._error is not None:
            return
        touched, self._wire.touched = self._wire.touched, []
        for stream in touched:
            self._wake(stream)
            if stream.complete and not stream.released:
                self._finish(stream)
        if isinstance(error, Http2Error):
            # Tell the server why, if it takes it.
            self.push()
        self._error = error
        self._fail_streams(error)
        self._learn_capacity()
        if self._owner is not None:
            self._owner.discard(self)

    def _fail_streams(self, error: Exception) -> None:
        # The event loop of those who wait may have ended with them.
        with suppress(RuntimeError):
            self._wake_all()
        for stream in self._wire.streams.values():
            stream.error = stream.error or error
        self._wire.streams.clear()

    @property
    def answering(self) -> bool:
        """Never: whether a request may be sent again is for its own stream to say, see `TransportFailure.unprocessed`."""
        return False

    def is_stale(self) -> bool:
        """Tell whether an idle connection has ended meanwhile; what the server sent in the meantime is taken in."""
        self._learn_capacity()
        if not self.capacity:
            return True
        if not self._link.resumable:
            return False  # the next exchange looks, see `_catch_up`
        # Whoever asks learns it from the answer: told of it now, in the middle of its choice, it would choose twice.
        owner, self._owner = self._owner, None
        try:
            return self._take_what_came()
        finally:
            self._owner = owner

    def _take_what_came(self) -> bool:
        """Take in what the server sent to an idle connection; whether that has ended."""
        try:
            while (data := self._link.receive_now()) is not None:
                if not data:
                    return True
                self._wire.feed(data)
        except Exception as error:
            if isinstance(error, Http2Error) or is_network_error(error):
                return True
            raise
        self.push()
        self._learn_capacity()
        return not self.capacity

    def close(self) -> bool:
        """Close at once, waking whoever waits; False if `aclose` must still be awaited."""
        if self._error is None:
            self._wire.say_goodbye()
            self.push()
            self._error = ClosedResourceError()
            self._fail_streams(self._error)
            self.capacity = 0
        return self._link.close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        with suppress(Exception):
            self._link.abort()

    async def aclose(self) -> None:
        """Finish what `close` could not."""
        await self._link.aclose()
