"""Who holds which connection: limits, idle connections and the lines of those who wait; synchronous, no bytes, no loop.

Theory of operation. `Slots` holds everything that counts against `max_connections`: open connections, and a marker for
each one being opened. A slot is taken in `take` (a connection that can carry one more exchange) or `reserve` (a
marker), and freed in `free`, which does nothing the second time; so whatever is cancelled, wherever, what was taken is
freed once. Per origin the connections with room are a last-in-first-out list: few stay warm, the rest grow old and go.

Waiters stand in one line for slots, first come, first served; `serve` gives each a connection or a marker at the moment it
comes free. Each also stands in the line of its origin, which is served when a connection there gets room. Where one
connection may carry many exchanges (`Site.shares`), waiters leave the line for slots while a connection is being opened,
or has not said yet how much it carries: it may soon have room for all of them. Every step costs the same however many
connections and waiters there are.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from .site import NEARLY_FULL, Opening, Site, Waiter

if TYPE_CHECKING:
    from .base import TransportFailure
    from .connection import Connection, Origin

__all__ = ("Slots",)

# Origins whose protocol is remembered while nothing is open to them. A client talks to a handful.
_MANY_SITES: Final = 1000


class Slots:
    """The bookkeeping of one pool; belongs to the event loop's own thread, finalizers included.

    Args:
        max_connections: Slots there are, over all origins.
        max_keepalive: Idle connections to keep, over all origins.
        keepalive_expiry: How long an idle connection is kept, in seconds.
        clock: Seconds that never go back.
        max_inflight: Exchanges at once, over all origins; None for no limit of its own.
        shares: Tells of an origin whether its connections carry many exchanges; None if only opening one can tell.

    Attributes:
        held: What takes up a slot.
        idle: Connections that carry nothing, the oldest first.
        waiters: Requests in line, the first first.
        waiting: How many requests wait, in whichever line.
        inflight: Exchanges under way, and those whose connection is being opened.
        litter: Closed connections with descriptors that only awaiting frees (foreign backends).
    """

    __slots__ = (
        "_clock",
        "_keepalive_expiry",
        "_max_connections",
        "_max_inflight",
        "_max_keepalive",
        "_shares",
        "_sites",
        "held",
        "idle",
        "inflight",
        "litter",
        "waiters",
        "waiting",
    )

    def __init__(
        self,
        max_connections: int,
        max_keepalive: int,
        keepalive_expiry: float,
        clock: Callable[[], float],
        *,
        max_inflight: int | None = None,
        shares: Callable[[Origin], bool | None] | None = None,
    ) -> None:
        self._max_connections = max_connections
        self._max_keepalive = max_keepalive
        self._max_inflight = sys.maxsize if max_inflight is None else max_inflight
        self._keepalive_expiry = keepalive_expiry
        self._clock = clock
        self._shares = shares
        self._sites: OrderedDict[Origin, Site] = OrderedDict()
        self.held: set[Connection | Opening] = set()
        self.idle: OrderedDict[Connection, None] = OrderedDict()
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        self.waiting: int = 0
        self.inflight: int = 0
        self.litter: deque[Connection] = deque()

    def _site(self, origin: Origin) -> Site:
        site = self._sites.get(origin)
        if site is None:
            if len(self._sites) >= _MANY_SITES:
                self._forget()
            site = self._sites[origin] = Site(shares=False if self._shares is None else self._shares(origin))
        return site

    def _forget(self) -> None:
        """Drop what is known of origins that nothing is open to; the oldest half, so that this is rare."""
        for origin, site in list(self._sites.items())[: _MANY_SITES // 2]:
            if not (site.roomy or site.pending or site.line) and not any(held.origin == origin for held in self.held):
                del self._sites[origin]

    def _full(self) -> bool:
        return self.inflight >= self._max_inflight

    def _may_open(self, site: Site) -> bool:
        return site.may_open(self._max_inflight - self.inflight)

    def take(self, origin: Origin) -> Connection | None:
        """Return a connection that can carry one more exchange now, the one used last; None if there is none.

        None also when all of them are nearly full and one more may be opened: `reserve` will succeed then.
        """
        if self._full():
            return None
        site = self._site(origin)
        roomy = site.roomy
        while roomy:
            connection = next(reversed(roomy))
            active, capacity = connection.active, connection.capacity
            if active == 0:
                del self.idle[connection]
                expired = self._clock() - connection.idle_since >= self._keepalive_expiry
                if expired or connection.is_stale():
                    self.free(connection)
                    continue
                # Looking may have brought news of both.
                capacity = connection.capacity
                if connection.settled:
                    site.pending.discard(connection)
            elif (
                active >= capacity * NEARLY_FULL
                and self._may_open(site)
                and not site.pending
                and len(self.held) < self._max_connections
            ):
                return None
            connection.active = active = active + 1
            self.inflight += 1
            if active >= capacity:
                del roomy[connection]
            elif active >= capacity * NEARLY_FULL:
                # Others with more room come first.
                roomy.move_to_end(connection, last=False)
            return connection
        return None

    def reserve(self, origin: Origin) -> Opening | None:
        """Take a slot for a new connection, at the cost of the oldest idle one if need be.

        None at a limit, and where it is better to wait for what comes of a connection that is being opened.
        """
        if self._full():
            return None
        site = self._site(origin)
        if not self._may_open(site):
            return None
        if len(self.held) >= self._max_connections:
            if not self.idle:
                return None
            self.free(next(iter(self.idle)))
        opening = Opening(origin)
        self.held.add(opening)
        self.inflight += 1
        if site.shares is not False:
            site.pending.add(opening)
        return opening

    def fill(self, opening: Opening, connection: Connection) -> bool:
        """Put a new connection, with its first exchange, into its slot; False if the slot was freed meanwhile."""
        if opening not in self.held:
            return False
        site = self._site(opening.origin)
        self.held.discard(opening)
        site.pending.discard(opening)
        self.held.add(connection)
        connection.active = 1
        site.shares = connection.shared
        if not connection.settled:
            site.pending.add(connection)
        elif connection.shared:
            site.room = connection.capacity
        if connection.capacity > 1:
            site.roomy[connection] = None
        self._serve_site(site)
        return True

    def update(self, connection: Connection) -> None:
        """Note that a connection's capacity has changed."""
        if connection not in self.held:
            return
        site = self._site(connection.origin)
        if connection.settled:
            site.pending.discard(connection)
            if connection.capacity:
                site.room = connection.capacity
        if connection.active >= connection.capacity:
            site.roomy.pop(connection, None)
            if not connection.active:
                self.free(connection)
        else:
            site.roomy[connection] = None
        self.serve()
        self._serve_site(site)

    def discard(self, connection: Connection) -> None:
        """Free the slot of a connection that has died under its exchanges, whose shares come back later."""
        self.free(connection)
        self.serve()
        self._serve_site(self._site(connection.origin))

    def give_back(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        if connection not in self.held:
            # Dropped meanwhile, with the event loop that it belonged to or at the end.
            connection.close()
            return
        connection.active -= 1
        self.inflight -= 1
        active, capacity = connection.active, connection.capacity
        site = self._sites[connection.origin]
        if not reusable or (capacity == 0 and active == 0):
            self.free(connection)
        else:
            if active < capacity:
                site.roomy[connection] = None
                # Those with more room come first.
                site.roomy.move_to_end(connection, last=active < capacity * NEARLY_FULL)
            if active == 0:
                connection.idle_since = self._clock()
                self.idle[connection] = None
        if self.waiters:
            self.serve()
        if site.line:
            self._serve_site(site)
        if self.idle:
            self._trim()

    def free(self, slot: Connection | Opening) -> None:
        """Give up a slot and close its connection: THE place where slots come free; harmless to repeat."""
        if slot not in self.held:
            return
        self.held.discard(slot)
        site = self._site(slot.origin)
        site.pending.discard(slot)
        if isinstance(slot, Opening):
            self.inflight -= 1
            return
        self.inflight -= slot.active
        self.idle.pop(slot, None)
        site.roomy.pop(slot, None)
        if not slot.close():
            self.litter.append(slot)

    # Lines.

    def stand_in_line(self, waiter: Waiter) -> None:
        """Let a request wait for what `take` and `reserve` could not give."""
        self.waiting += 1
        site = self._site(waiter.origin)
        site.line[waiter] = None
        site.unlisted += 1
        if self._full() or self._may_open(site):
            self._list(site, waiter)

    def _list(self, site: Site, waiter: Waiter) -> None:
        if not waiter.listed:
            waiter.listed = True
            site.unlisted -= 1
            self.waiters[waiter] = None

    def _unlist(self, site: Site, waiter: Waiter) -> None:
        if waiter.listed:
            waiter.listed = False
            site.unlisted += 1
            del self.waiters[waiter]

    def _dismiss(self, waiter: Waiter) -> None:
        """Take a waiter out of the lines; harmless to repeat."""
        site = self._site(waiter.origin)
        if waiter in site.line:
            self._unlist(site, waiter)
            site.unlisted -= 1
            del site.line[waiter]
            self.waiting -= 1

    def serve(self) -> None:
        """Give what is free to those in line, first come, first served."""
        while self.waiters:
            waiter = next(iter(self.waiters))
            site = self._site(waiter.origin)
            # Somebody before it may have been waiting for a pending connection until now.
            if self._serve(next(iter(site.line))):
                continue
            if self._full() or self._may_open(site):
                return
            # What it needs will come from a connection that is being opened; others need not wait for that.
            self._unlist(site, waiter)

    def _serve_site(self, site: Site) -> None:
        """Give to those who wait for one origin."""
        while site.line:
            if self._serve(next(iter(site.line))):
                continue
            if site.unlisted and (self._full() or self._may_open(site)):
                # Nothing is pending that they could wait for.
                for waiter in site.line:
                    self._list(site, waiter)
            return

    def _serve(self, waiter: Waiter) -> bool:
        gift: Connection | Opening | None = None
        if not waiter.fresh:
            gift = self.take(waiter.origin)
        if gift is None:
            gift = self.reserve(waiter.origin)
        if gift is None:
            return False
        self._dismiss(waiter)
        waiter.gift = gift
        waiter.event.set()
        return True

    def leave_line(self, waiter: Waiter) -> None:
        """Let a waiter go that was cancelled or has waited long enough; its gift, if any, goes to the next."""
        self._dismiss(waiter)
        gift, waiter.gift = waiter.gift, None
        if isinstance(gift, Opening):
            self.give_up(gift)
        elif gift is not None:
            self.give_back(gift, reusable=True)

    def give_up(self, opening: Opening, failure: TransportFailure | None = None, seconds: float | None = None) -> None:
        """Free the slot of a connection that will not be.

        Args:
            opening: The slot.
            failure: Why, if the origin could not be reached: those who wait for the same connection need not try
                one by one.
            seconds: What it was given to open in, if that is why.
        """
        site = self._site(opening.origin)
        self.free(opening)
        if failure is not None and site.shares is not False and not site.pending:
            for waiter in list(site.line):
                patient = waiter.connect is None or (seconds is not None and waiter.connect > seconds)
                if failure.kind != "timeout" or not patient:
                    waiter.failure = failure
                    self._dismiss(waiter)
                    waiter.event.set()
        self.serve()
        self._serve_site(site)

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
        waiters = [waiter for site in self._sites.values() for waiter in site.line]
        for waiter in waiters:
            self._dismiss(waiter)
        for slot in list(self.held):
            self.free(slot)
        # The event loop of those in line may have ended with them.
        with suppress(RuntimeError):
            for waiter in waiters:
                waiter.event.set()
