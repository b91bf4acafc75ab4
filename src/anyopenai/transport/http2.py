"""One HTTP/2 connection, which carries many exchanges at once: who reads, who writes, who is woken; no pool here.

Theory of operation. No task belongs to the connection. Of the exchanges that wait, one is the leader: it reads for all,
feeds the protocol (`http2_wire`), wakes those that something came for, and goes its way when something came for itself.
Whoever leaves, finished, failed or cancelled, makes one of those that still wait the leader, so somebody always reads
while anybody waits. Only the leader waits for the socket, in both directions: where it takes no more bytes, the leader
goes on reading while it waits for room, and the rest of the bytes belongs to the connection, not to whose they were.

Requests that become ready in one turn of the event loop share a write: the first lets the others come, and sends for all.
Ending an exchange awaits nothing: its reset is queued and handed to the socket at once, its slot is free in the same step.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from anyio import CancelScope, ClosedResourceError, Event, current_time
from anyio.lowlevel import checkpoint

from .._tasks import GRACE_SECONDS, grace, open_task_group
from .answer import READ_BYTES
from .connection import notify
from .failures import failure_from, is_network_error, timed_out
from .http2_head import request_head
from .http2_response import Http2Response
from .http2_stream import ConnectionLost, Http2Error, Http2Stream, StreamRefused
from .http2_upload import send_body
from .http2_wire import Http2Wire

if TYPE_CHECKING:
    from .base import Phase, WireRequest
    from .connection import Origin, SlotOwner
    from .network import Link

__all__ = ("MAX_STREAMS", "Http2Connection")

# With more than about 256 in flight on one connection a request costs more again (340 us at 256, 420 at 1000, measured
# with a prototype), and one lost connection takes more down with it. The pool opens the next one at 80 % of this.
MAX_STREAMS: Final = 320

# Load balancers and NAT boxes commonly drop what is silent for 60 s: half of that keeps a thinking model's stream alive.
PING_AFTER: Final = 30.0
# A host that is there answers within a round trip; 20 s leaves room for a stalled one.
PING_WAIT: Final = 20.0


class Http2Connection:
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

    __slots__ = (
        "__weakref__",
        "_coalescing",
        "_departing",
        "_dropped",
        "_error",
        "_flushing",
        "_heard_at",
        "_heir",
        "_led",
        "_link",
        "_owner",
        "_parked",
        "_pinged",
        "_reading",
        "_rest",
        "_unsendable",
        "_wire",
        "active",
        "capacity",
        "fresh",
        "idle_since",
        "origin",
        "settled",
        "shared",
    )

    def __init__(self, link: Link, origin: Origin) -> None:
        self._link = link
        self._wire = Http2Wire()
        self._owner: SlotOwner | None = None
        self.origin: Origin = origin
        self.shared: bool = True
        self.capacity: int = 1
        self.active: int = 0
        self.idle_since: float = 0.0
        self.settled: bool = False
        self.fresh: bool = True
        # Reading: whether somebody leads, those that wait, and who was woken to lead next.
        self._led = False
        self._parked: dict[Http2Stream, None] = {}
        self._heir: Http2Stream | None = None
        self._reading: CancelScope | None = None
        self._heard_at = 0.0
        self._pinged = False
        # Writing: whether the link keeps a rest, who is on the way out, and what finalizers dropped.
        self._rest = False
        self._flushing = False
        self._coalescing = False
        self._departing: list[Http2Stream] = []
        self._dropped: deque[Http2Stream] = deque()
        self._unsendable: Exception | None = None
        self._error: Exception | None = None

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
            request.phase, request.sent = "write", "none"
            head = request_head(request)
            stream = Http2Stream(request, decode=head.decode)
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
        if not wire.streams:
            self._heard_at = current_time()

    # Waiting, and reading for all.

    async def wait(self, stream: Http2Stream, seconds: float | None, phase: Phase) -> None:
        """Wait until something has happened to a stream; reads for all if nobody else does.

        Cancelling hands the reading over and loses nothing.

        Args:
            stream: Whose news to wait for.
            seconds: How long the silence may last; None for as long as the caller's scopes allow.
            phase: What is being waited for.

        Raises:
            TransportFailure: The silence lasted too long.
        """
        if stream.news or seconds is None:
            await self._wait(stream)
            return
        with CancelScope(deadline=current_time() + seconds):
            await self._wait(stream)
            return
        raise timed_out(
            self.origin.where,
            seconds,
            phase=phase,
            sent=stream.request.sent,
            fresh=self.fresh,
            received=stream.received,
        )

    async def _wait(self, stream: Http2Stream) -> None:
        try:
            while not (stream.news or self._error is not None):
                if not self._led:
                    self._led = True
                    try:
                        await self._lead()
                    finally:
                        self._led = False
                    if not stream.id:
                        # Nothing names a stream before it is opened: whoever waits to open one looks after each read.
                        stream.news = True
                else:
                    event = stream.event = Event()
                    self._parked[stream] = None
                    try:
                        await event.wait()
                    finally:
                        stream.event = None
                        self._parked.pop(stream, None)
                        if self._heir is stream:
                            self._heir = None
            stream.news = False
        finally:
            if self._parked and not self._led and self._heir is None:
                heir = next(iter(self._parked))
                self._heir = heir
                if heir.event is not None:
                    heir.event.set()

    async def _lead(self) -> None:
        """Read once for all."""
        if self._rest:
            await self._read_and_flush()
            return
        patience = PING_WAIT if self._pinged else PING_AFTER
        with CancelScope(deadline=self._heard_at + patience) as scope:
            self._reading = scope
            try:
                data = await self._link.receive(READ_BYTES)
            except Exception as error:
                self._break(error)
                return
            finally:
                self._reading = None
            self._take(data)
            return
        # Cancelled for the silence, or so that what has become unsendable is waited for too.
        if current_time() >= self._heard_at + patience:
            self._ask_for_life()

    async def _read_and_flush(self) -> None:
        """Read once while waiting for room to write; a link whose writes cannot be interrupted is read until it has it."""
        link = self._link
        resumable = link.resumable
        shield = CancelScope(shield=not resumable)
        async with open_task_group() as group:
            group.start_soon(self._flush, shield, group.cancel_scope)
            try:
                while True:
                    self._take(await link.receive(READ_BYTES))
                    if resumable or self._error is not None:
                        break
            except Exception as error:
                self._break(error)
            finally:
                shield.deadline = current_time() + (0 if resumable else GRACE_SECONDS)
                group.cancel_scope.cancel()

    async def _flush(self, shield: CancelScope, reading: CancelScope) -> None:
        """Hand over what the link keeps, then what has been queued since."""
        self._flushing = True
        try:
            with shield:
                while self._rest:
                    await self._link.flush()
                    self._rest = False
                    self.push()
        except Exception as error:
            if not is_network_error(error):
                raise
            self._give_up_writing(error)
        finally:
            self._flushing = False
            if self._rest and not self._link.resumable:
                # Part of it may have left: nobody can tell where the bytes stand.
                self._break(ConnectionLost("took no more of what was being sent"))
            reading.cancel()
        for stream in self._wire.streams.values():
            if stream.blocked:
                self._wake(stream)

    def _take(self, data: bytes) -> None:
        """Feed the protocol, and wake those that something came for."""
        self._heard_at = current_time()
        self._pinged = False
        if not data:
            goaway = self._wire.goaway
            said = f" (GOAWAY {goaway})" if goaway is not None else ""
            self._break(ConnectionLost(f"closed the connection{said}"))
            return
        try:
            self._wire.feed(data)
        except Http2Error as error:
            self._break(error)
            return
        self._spread()

    def _spread(self) -> None:
        """Pass on what the protocol has learnt: news, ends, limits; and send what it wants to say."""
        wire = self._wire
        touched, wire.touched = wire.touched, []
        for stream in touched:
            self._wake(stream)
            if stream.complete and not stream.released:
                self._finish(stream)
        if self._learn_capacity() and self._owner is not None:
            for stream in list(self._parked):
                if not stream.id:
                    self._wake(stream)
            self._owner.update(self)
        self.push()

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

    def _wake(self, stream: Http2Stream) -> None:
        stream.news = True
        if stream.event is not None:
            self._parked.pop(stream, None)
            stream.event.set()

    def _wake_all(self) -> None:
        for stream in [*self._wire.streams.values(), *self._parked]:
            self._wake(stream)

    def _ask_for_life(self) -> None:
        """Nothing has come for long: ask the server for an answer, or conclude from the lack of one that it is gone."""
        if self._pinged:
            self._break(ConnectionLost(f"did not answer a PING within {PING_WAIT:g} s"))
            return
        self._pinged = True
        self._heard_at = current_time()
        self._wire.ping()
        self.push()

    # Writing.

    async def share_write(self) -> None:
        """Send what is queued in one write with what others queue in this turn of the event loop."""
        if self._coalescing:
            return
        if len(self._wire.streams) < 2:
            self.push()
            return
        self._coalescing = True
        try:
            await checkpoint()
        finally:
            self._coalescing = False
            self.push()

    def depart(self, stream: Http2Stream) -> None:
        """Note that bytes of a request are queued, so that the next write says how much of it has left."""
        self._departing.append(stream)

    def push(self) -> None:
        """Hand what is queued to the network, as far as it goes without waiting."""
        if self._rest or self._error is not None:
            return
        data = self._wire.outgoing()
        departing, self._departing = self._departing, []
        if self._unsendable is not None or not (data or departing):
            return
        if data:
            try:
                self._rest = not self._link.send_now(data)
            except Exception as error:
                if not is_network_error(error):
                    raise
                self._give_up_writing(error)
                return
        for stream in departing:
            stream.request.sent = "all" if stream.local_ended and not self._rest else "partial"
        if self._rest:
            # They are on their way once the link has handed over its rest.
            self._departing = [stream for stream in departing if stream.local_ended]
            if self._reading is not None:
                self._reading.cancel()

    def _give_up_writing(self, error: Exception) -> None:
        """Nothing more can be sent; answers may still come, and say why."""
        self._unsendable = error
        self._rest = False
        if self._learn_capacity() and self._owner is not None:
            self._owner.update(self)
        for stream in list(self._wire.streams.values()):
            if not stream.local_ended:
                self._wake(stream)

    @property
    def wire(self) -> Http2Wire:
        """The protocol's state."""
        return self._wire

    @property
    def writable(self) -> bool:
        """Whether more can be handed to the network now."""
        return not self._rest

    @property
    def error(self) -> Exception | None:
        """Why nothing can be sent any more."""
        return self._error or self._unsendable

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
        if self._rest and not self._link.resumable and not self._led and not self._flushing and self._error is None:
            with grace():
                await self._flush(CancelScope(), CancelScope())
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
        if self._learn_capacity() and not self.capacity:
            return True
        if not self._link.resumable:
            return self._link.is_stale()
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
