"""Who holds which connection: limits, idle connections and the line of those who wait; synchronous, no bytes, no loop.

Theory of operation. `Slots` holds everything that counts against `max_connections`: open connections, and a marker for
each one being opened. A slot is taken in `take` (a connection that can carry one more exchange) or `reserve` (a
marker), and freed in `free`, which does nothing the second time; so whatever is cancelled, wherever, what was taken is
freed once. Per origin the connections with room are a last-in-first-out list: few stay warm, the rest grow old and go.
Waiters stand in one line, first come, first served; `serve` gives each a connection or a marker at the moment it comes
free. Every step costs the same however many connections and waiters there are.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress

from anyio import Event

from .connection import Connection, Origin

__all__ = ("Opening", "Slots", "Waiter")


class Opening:
    """Holds the slot of a connection that is being opened."""

    __slots__ = ()


class Waiter:
    """One request in line.

    Attributes:
        origin: Whom it needs a connection to.
        fresh: No kept connection will do.
        gift: What it was given: a connection, or the slot for a new one.
        event: Set when there is a gift, or when there will never be one.
    """

    __slots__ = ("event", "fresh", "gift", "origin")

    def __init__(self, origin: Origin, *, fresh: bool) -> None:
        self.origin: Origin = origin
        self.fresh: bool = fresh
        self.gift: Connection | Opening | None = None
        self.event: Event = Event()


class Slots:
    """The bookkeeping of one pool; belongs to the event loop's own thread, finalizers included.

    Args:
        max_connections: Slots there are, over all origins.
        max_keepalive: Idle connections to keep, over all origins.
        keepalive_expiry: How long an idle connection is kept, in seconds.
        clock: Seconds that never go back.

    Attributes:
        held: What takes up a slot.
        idle: Connections that carry nothing, the oldest first.
        waiters: Requests in line, the first first.
        litter: Closed connections with descriptors that only awaiting frees (foreign backends).
    """

    __slots__ = (
        "_clock",
        "_keepalive_expiry",
        "_max_connections",
        "_max_keepalive",
        "_roomy",
        "held",
        "idle",
        "litter",
        "waiters",
    )

    def __init__(
        self, max_connections: int, max_keepalive: int, keepalive_expiry: float, clock: Callable[[], float]
    ) -> None:
        self._max_connections = max_connections
        self._max_keepalive = max_keepalive
        self._keepalive_expiry = keepalive_expiry
        self._clock = clock
        # Dicts keep their order: the last entry is the one used last.
        self._roomy: dict[Origin, dict[Connection, None]] = {}
        self.held: set[Connection | Opening] = set()
        self.idle: OrderedDict[Connection, None] = OrderedDict()
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        self.litter: deque[Connection] = deque()

    def take(self, origin: Origin) -> Connection | None:
        """Return a connection that can carry one more exchange now, the one used last; None if there is none."""
        roomy = self._roomy.get(origin)
        while roomy:
            connection = next(reversed(roomy))
            if connection.active == 0:
                del self.idle[connection]
                expired = self._clock() - connection.idle_since >= self._keepalive_expiry
                if expired or connection.is_stale():
                    self.free(connection)
                    continue
            connection.active += 1
            if connection.active >= connection.capacity:
                del roomy[connection]
            return connection
        return None

    def reserve(self) -> Opening | None:
        """Take a slot for a new connection, at the cost of the oldest idle one if need be; None at the limit."""
        if len(self.held) >= self._max_connections:
            if not self.idle:
                return None
            self.free(next(iter(self.idle)))
        opening = Opening()
        self.held.add(opening)
        return opening

    def fill(self, opening: Opening, connection: Connection) -> bool:
        """Put a new connection, with its first exchange, into its slot; False if the slot was freed meanwhile."""
        if opening not in self.held:
            return False
        self.held.discard(opening)
        self.held.add(connection)
        connection.active = 1
        if connection.capacity > 1:
            self._roomy.setdefault(connection.origin, {})[connection] = None
            self.serve()
        return True

    def give_back(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        if connection not in self.held:
            # Dropped meanwhile, with the event loop that it belonged to or at the end.
            connection.close()
            return
        connection.active -= 1
        if not reusable:
            self.free(connection)
        else:
            self._roomy.setdefault(connection.origin, {})[connection] = None
            if connection.active == 0:
                connection.idle_since = self._clock()
                self.idle[connection] = None
        if self.waiters:
            self.serve()
        if self.idle:
            self._trim()

    def free(self, slot: Connection | Opening) -> None:
        """Give up a slot and close its connection: THE place where slots come free; harmless to repeat."""
        if slot not in self.held:
            return
        self.held.discard(slot)
        if isinstance(slot, Opening):
            return
        self.idle.pop(slot, None)
        roomy = self._roomy.get(slot.origin)
        if roomy is not None:
            roomy.pop(slot, None)
            if not roomy:
                del self._roomy[slot.origin]
        if not slot.close():
            self.litter.append(slot)

    def serve(self) -> None:
        """Give what is free to those in line, first come, first served."""
        while self.waiters:
            waiter = next(iter(self.waiters))
            gift = (None if waiter.fresh else self.take(waiter.origin)) or self.reserve()
            if gift is None:
                return
            del self.waiters[waiter]
            waiter.gift = gift
            waiter.event.set()

    def leave_line(self, waiter: Waiter) -> None:
        """Let a waiter go that was cancelled or has waited long enough; its gift, if any, goes to the next."""
        self.waiters.pop(waiter, None)
        gift, waiter.gift = waiter.gift, None
        if isinstance(gift, Opening):
            self.free(gift)
            self.serve()
        elif gift is not None:
            self.give_back(gift, reusable=True)

    def _trim(self) -> None:
        """Close what is idle beyond the limits, the oldest first."""
        horizon = self._clock() - self._keepalive_expiry
        while self.idle:
            oldest = next(iter(self.idle))
            if len(self.idle) <= self._max_keepalive and oldest.idle_since > horizon:
                return
            self.free(oldest)

    def clear(self) -> None:
        """Close every connection and turn everybody in line away."""
        waiters, self.waiters = self.waiters, OrderedDict()
        for slot in list(self.held):
            self.free(slot)
        # The event loop of those in line may have ended with them.
        with suppress(RuntimeError):
            for waiter in waiters:
                waiter.event.set()
