"""The bookkeeping under any order of events: limits hold, nothing is lost, and the first in line is served first."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anyopenai.transport import WireRequest, WireResponse
from anyopenai.transport.connection import Origin, SlotOwner
from anyopenai.transport.site import Opening, Waiter
from anyopenai.transport.slots import Slots

ORIGINS = [Origin("http", "one", 80), Origin("https", "two", 443)]


class Wire:
    """A connection without a network."""

    def __init__(self, origin: Origin, capacity: int) -> None:
        self.origin = origin
        self.shared = False
        self.settled = True
        self.capacity = self.capacity_before = capacity
        self.active = 0
        self.idle_since = 0.0
        self.answering = False
        self.stale = False
        self.closed = False

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> WireResponse:
        raise NotImplementedError

    def shed(self) -> None:
        raise NotImplementedError

    def is_stale(self) -> bool:
        return self.stale or self.capacity == 0

    def close(self) -> bool:
        self.closed = True
        return True

    def abort(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


class Pool(RuleBasedStateMachine):
    """Requests come, wait, are served, fail, are cancelled; connections open, settle, change, age, die."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.exchanges: list[Wire] = []  # one entry per exchange under way
        self.openings: list[tuple[Opening, Origin]] = []
        self.line: list[Waiter] = []
        self.made: list[Wire] = []

    @initialize(
        limit=st.integers(1, 3),
        keep=st.integers(0, 3),
        inflight=st.sampled_from([1, 2, 4, None]),
        shared=st.lists(st.booleans(), min_size=2, max_size=2),
        known=st.booleans(),
    )
    def build(self, limit: int, keep: int, inflight: int | None, shared: list[bool], known: bool) -> None:
        self.limit = limit
        self.keep = keep
        self.most = inflight
        self.shared = dict(zip(ORIGINS, shared, strict=True))
        self.slots = Slots(
            limit,
            keep,
            10.0,
            lambda: self.now,
            max_inflight=inflight,
            shares=lambda origin: self.shared[origin] if known else None,
        )

    def serve_line(self) -> None:
        """Do what the tasks in line do once they run."""
        for origin in ORIGINS:
            # First come, first served: nobody further back has been given anything.
            served = [waiter.event.is_set() for waiter in self.line if waiter.origin == origin]
            assert served == sorted(served, reverse=True)
        for waiter in [waiter for waiter in self.line if waiter.event.is_set()]:
            self.line.remove(waiter)
            assert waiter.failure is None
            self.begin(waiter.gift, waiter.origin)

    def begin(self, gift: object, origin: Origin) -> None:
        if isinstance(gift, Opening):
            self.openings.append((gift, origin))
        else:
            assert isinstance(gift, Wire)
            assert gift.origin == origin
            if gift.closed:
                # It has died since: the exchange finds out at once.
                self.slots.give_back(gift, reusable=False)
                return
            assert gift.active <= max(gift.capacity, gift.capacity_before)
            self.exchanges.append(gift)

    @rule(origins=st.lists(st.sampled_from(ORIGINS), min_size=1, max_size=4), fresh=st.booleans())
    def request(self, origins: list[Origin], fresh: bool) -> None:
        for origin in origins:
            self.request_one(origin, fresh and not self.shared[origin])
        self.serve_line()

    def request_one(self, origin: Origin, fresh: bool) -> None:
        gift = (None if fresh else self.slots.take(origin)) or self.slots.reserve(origin)
        if gift is not None:
            self.begin(gift, origin)
            return
        waiter = Waiter(origin, fresh=fresh)
        self.slots.stand_in_line(waiter)
        self.line.append(waiter)

    @precondition(lambda self: self.openings)
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        opening, origin = self.openings.pop(data.draw(st.integers(0, len(self.openings) - 1)))
        wire = Wire(origin, 1)
        if self.shared[origin]:
            wire.shared, wire.settled = True, False
        self.made.append(wire)
        assert self.slots.fill(opening, wire)
        self.exchanges.append(wire)
        self.serve_line()

    @precondition(lambda self: self.openings)
    @rule(data=st.data())
    def fail_to_connect(self, data: st.DataObject) -> None:
        opening, _ = self.openings.pop(data.draw(st.integers(0, len(self.openings) - 1)))
        for _ in range(2):
            self.slots.give_up(opening)
        self.serve_line()

    @rule(data=st.data(), capacity=st.sampled_from([0, 1, 3, 8]))
    def change_capacity(self, data: st.DataObject, capacity: int) -> None:
        """A server says how many streams it allows, or that it takes no more."""
        wires = [wire for wire in self.made if wire.shared and wire in self.slots.held]
        if not wires:
            return
        wire = data.draw(st.sampled_from(wires))
        wire.capacity_before, wire.capacity, wire.settled = wire.capacity, capacity, True
        if wire.active == 0 and data.draw(st.booleans()):
            return  # noticed when the idle connection is looked at
        self.slots.update(wire)
        self.serve_line()

    @precondition(lambda self: self.exchanges)
    @rule(data=st.data(), reusable=st.booleans())
    def finish(self, data: st.DataObject, reusable: bool) -> None:
        wire = self.exchanges.pop(data.draw(st.integers(0, len(self.exchanges) - 1)))
        self.slots.give_back(wire, reusable=reusable)
        if not reusable:
            # A dead connection fails what else it carries, each of which gives it back, too.
            assert wire.closed
            for _ in range(self.exchanges.count(wire)):
                self.exchanges.remove(wire)
                self.slots.give_back(wire, reusable=False)
        self.serve_line()

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A shared connection notices by itself that it is of no more use; its exchanges do so later."""
        wires = [wire for wire in self.made if wire.shared and wire in self.slots.held]
        if not wires:
            return
        wire = data.draw(st.sampled_from(wires))
        self.slots.discard(wire)
        for _ in range(self.exchanges.count(wire)):
            self.exchanges.remove(wire)
            self.slots.give_back(wire, reusable=False)
        self.serve_line()

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.slots.leave_line(self.line.pop(data.draw(st.integers(0, len(self.line) - 1))))
        self.serve_line()

    @precondition(lambda self: len(self.line) > 1 and self.exchanges)
    @rule(reusable=st.booleans())
    def leave_with_a_gift(self, reusable: bool) -> None:
        """Somebody in line is cancelled between being served and running."""
        wire = self.exchanges.pop()
        self.slots.give_back(wire, reusable=reusable)
        for _ in range(self.exchanges.count(wire) if wire.closed else 0):
            self.exchanges.remove(wire)
            self.slots.give_back(wire, reusable=False)
        served = next((waiter for waiter in self.line if waiter.event.is_set()), None)
        if served is not None:
            self.line.remove(served)
            self.slots.leave_line(served)
        self.serve_line()

    @rule(data=st.data())
    def die_while_idle(self, data: st.DataObject) -> None:
        for wire in self.slots.idle:
            if isinstance(wire, Wire):
                wire.stale = wire.stale or data.draw(st.booleans())

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0]))
    def age(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.line)
    @rule()
    def close_all(self) -> None:
        self.slots.clear()
        assert all(wire.closed for wire in self.made)
        for opening, origin in self.openings:
            assert not self.slots.fill(opening, Wire(origin, 1))
        for wire in self.exchanges:
            self.slots.give_back(wire, reusable=True)
        self.openings, self.exchanges = [], []
        assert not self.slots.held

    @invariant()
    def books_are_in_order(self) -> None:
        if not hasattr(self, "slots"):
            return
        slots = self.slots
        assert len(slots.held) <= self.limit
        assert slots.held == set(self.exchanges) | set(slots.idle) | {opening for opening, _ in self.openings}
        assert len(slots.idle) <= self.keep
        assert slots.inflight == len(self.exchanges) + len(self.openings)
        assert self.most is None or slots.inflight <= self.most
        assert slots.waiting == len(self.line)
        assert set(slots.waiters) <= set(self.line)
        for wire in self.made:
            assert wire.closed is (wire not in slots.held)
            if wire in slots.held:
                assert wire.active == self.exchanges.count(wire)
                assert (wire in slots.idle) is (wire.active == 0)
        for waiter in self.line:
            # Nobody waits while there is room.
            if slots.inflight == self.most:
                continue
            wires = [wire for wire in slots.held if isinstance(wire, Wire) and wire.origin == waiter.origin]
            pending = any(origin == waiter.origin for _, origin in self.openings)
            unsettled = any(not wire.settled for wire in wires)
            assert waiter.fresh or not any(0 < wire.active < wire.capacity for wire in wires)
            assert (len(slots.held) == self.limit and not slots.idle) or pending or unsettled
            assert waiter in slots.waiters or pending or unsettled


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
