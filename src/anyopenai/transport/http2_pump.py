"""Who reads and who writes on an HTTP/2 connection without a task of its own; nothing of requests and of the pool here.

Theory of operation. Of those that wait, one is the leader: it reads for all, and goes its way when something came for
itself. Whoever leaves, finished, failed or cancelled, makes one of those that still wait the leader, so somebody always
reads while anybody waits. Only the leader waits for the socket, in both directions: where it takes no more bytes, the
leader goes on reading while it waits for room, and the rest of the bytes belongs to the connection, not to whose they
were. What becomes ready in one turn of the event loop shares a write: the first lets the others come, and sends for all.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final

from anyio import CancelScope, Event, current_time
from anyio.lowlevel import checkpoint

from .._tasks import GRACE_SECONDS, grace, open_task_group
from .answer import READ_BYTES
from .failures import is_network_error, timed_out
from .http2_stream import ConnectionLost, Http2Error
from .http2_wire import Http2Wire
from .waiting import Alarm, Flag, native_loop

if TYPE_CHECKING:
    from .base import Phase
    from .connection import Origin
    from .http2_stream import Http2Stream
    from .link import Link

__all__ = ("PING_AFTER", "PING_WAIT", "Pump")

# Load balancers and NAT boxes commonly drop what is silent for 60 s: half of that keeps a thinking model's stream alive.
PING_AFTER: Final = 30.0
# A host that is there answers within a round trip; 20 s leaves room for a stalled one.
PING_WAIT: Final = 20.0

# Something is there to be read, which may be less than it takes to say anything, such as a TLS session ticket.
_CATCH_UP_SECONDS: Final = 0.01
_CATCH_UP_READS: Final = 4


class Pump:
    """Moves bytes between a link and the protocol on behalf of whoever waits.

    Attributes:
        origin: Whom the connection leads to.
        fresh: It has not carried a whole answer yet.
    """

    __slots__ = (
        "_coalescing",
        "_departing",
        "_error",
        "_flushing",
        "_heard_at",
        "_heir",
        "_leader",
        "_link",
        "_listening",
        "_loop",
        "_parked",
        "_pinged",
        "_reading",
        "_rest",
        "_unsendable",
        "_wire",
        "fresh",
        "origin",
    )

    def __init__(self, link: Link, origin: Origin) -> None:
        self._link = link
        self._loop = native_loop()
        self._wire = Http2Wire()
        self.origin: Origin = origin
        self.fresh: bool = True
        # Reading: who leads, those that wait, who was woken to lead next, and whether that has gone on without a gap.
        self._leader: Http2Stream | None = None
        self._listening = False
        self._parked: dict[Http2Stream, None] = {}
        self._heir: Http2Stream | None = None
        self._reading: CancelScope | None = None
        self._heard_at = 0.0
        self._pinged = False
        # Writing: whether the link keeps a rest, and who is on the way out.
        self._rest = False
        self._flushing = False
        self._coalescing = False
        self._departing: list[Http2Stream] = []
        self._unsendable: Exception | None = None
        self._error: Exception | None = None

    # What is done with what comes.

    def _spread(self) -> None:
        """Pass on what the protocol has learnt."""
        raise NotImplementedError

    def _break(self, error: Exception) -> None:
        """Let everybody know that the connection is of no more use, once."""
        raise NotImplementedError

    def _update(self) -> None:
        """See whether new streams can still be opened, and tell whoever opens them."""
        raise NotImplementedError

    # Reading for all.

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
        alarm = stream.alarm or self._new_alarm(stream)
        if alarm is not None:
            alarm.set(seconds)
            await self._wait(stream)
            if not alarm.late:
                alarm.set(inf)
                return
        else:
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

    def _new_alarm(self, stream: Http2Stream) -> Alarm | None:
        """Return what wakes a stream in time; None where only a scope does, as what it waits in cannot be interrupted."""
        if self._loop is not None and self._link.resumable:
            stream.alarm = Alarm(self._loop, partial(self._call_back, stream))
        return stream.alarm

    async def _wait(self, stream: Http2Stream) -> None:
        try:
            while not (stream.news or self._error is not None):
                if self._leader is None:
                    self._leader = stream
                    try:
                        await self._lead()
                    finally:
                        self._leader = None
                    if not stream.id:
                        # Nothing names a stream before it is opened: whoever waits to open one looks after each read.
                        stream.news = True
                else:
                    event = stream.event = Event() if self._loop is None else Flag(self._loop)
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
            self._hand_over()

    def _hand_over(self) -> None:
        """Let one of those who still wait read from now on, if nobody does."""
        if self._leader is None and self._heir is None:
            self._listening = bool(self._parked)
            if self._parked:
                heir = self._heir = next(iter(self._parked))
                if heir.event is not None:
                    heir.event.set()

    async def _catch_up(self, stream: Http2Stream) -> None:
        """Take in what came while nobody read, over a link that can tell only by awaiting."""
        link = self._link
        if link.resumable or self._leader is not None or self._wire.streams:
            return
        self._leader = stream
        try:
            for _ in range(_CATCH_UP_READS):
                if self._error is not None or not link.is_stale():
                    break
                with CancelScope(deadline=current_time() + _CATCH_UP_SECONDS):
                    try:
                        data = await link.receive(READ_BYTES)
                    except Exception as error:
                        self._break(error)
                    else:
                        self._take(data)
        finally:
            self._leader = None
            self._hand_over()

    async def _lead(self) -> None:
        """Read once for all."""
        if self._rest:
            await self._read_and_flush()
            return
        if not self._listening:
            # Nobody read for a while: what the server said meanwhile waits in the socket.
            self._listening = True
            self._pinged = False
            self._heard_at = current_time()
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
            self._reading = group.cancel_scope if resumable else None
            try:
                while True:
                    self._take(await link.receive(READ_BYTES))
                    if resumable or self._error is not None:
                        break
            except Exception as error:
                self._break(error)
            finally:
                self._reading = None
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
        for stream in self._wire.blocked:
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

    def _ask_for_life(self) -> None:
        """Nothing has come for long: ask the server for an answer, or conclude from the lack of one that it is gone."""
        if self._pinged:
            self._break(ConnectionLost(f"did not answer a PING within {PING_WAIT:g} s"))
            return
        self._pinged = True
        self._heard_at = current_time()
        self._wire.ping()
        self.push()

    def _wake(self, stream: Http2Stream) -> None:
        stream.news = True
        if stream.event is not None:
            self._parked.pop(stream, None)
            stream.event.set()

    def _call_back(self, stream: Http2Stream) -> None:
        """Wake a stream's waiter also when it reads for all."""
        self._wake(stream)
        if self._leader is stream and self._reading is not None:
            self._reading.cancel()

    def _wake_all(self) -> None:
        for stream in [*self._wire.streams.values(), *self._parked]:
            self._wake(stream)

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

    async def _flush_rest(self) -> None:
        """Send what could not be sent without awaiting, within bounds; as a rule there is nothing."""
        if (
            self._rest
            and not self._link.resumable
            and self._leader is None
            and not self._flushing
            and self._error is None
        ):
            with grace():
                await self._flush(CancelScope(), CancelScope())

    def _give_up_writing(self, error: Exception) -> None:
        """Nothing more can be sent; answers may still come, and say why."""
        self._unsendable = error
        self._rest = False
        self._update()
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
