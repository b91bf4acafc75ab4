"""`Alarm` and `Flag` on a loop whose time a test sets, and on the loops that have them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context
from math import inf

import pytest
from anyio import create_task_group, get_cancelled_exc_class, wait_all_tasks_blocked
from anyio.lowlevel import current_token
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.transport.waiting import Alarm, Flag, Future, native_loop


class Timer:
    """A call that is due at some time."""

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop that has a clock and timers alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None], /, *, context: Context) -> Timer:
        timer = Timer(when, call)
        self.timers.append(timer)
        return timer

    def pass_until(self, then: float) -> None:
        """Let time pass, and make the calls that are due by then, in order."""
        while waiting := [timer for timer in self.timers if not timer.cancelled and timer.when <= then]:
            timer = min(waiting, key=lambda timer: timer.when)
            self.timers.remove(timer)
            self.now = timer.when
            timer.call()
        self.now = then
        self.timers = [timer for timer in self.timers if not timer.cancelled]

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None:
        raise NotImplementedError

    def remove_reader(self, fd: int, /) -> bool:
        raise NotImplementedError

    def create_future(self) -> Future:
        raise NotImplementedError


@given(
    steps=st.lists(st.tuples(st.sampled_from(["set", "set", "forget", "cancel"]), st.integers(0, 9), st.integers(1, 9)))
)
def test_an_alarm_rings_when_what_was_set_last_is_over_and_at_no_other_time(steps: list[tuple[str, int, int]]) -> None:
    loop = Loop()
    rung: list[float] = []
    alarm = Alarm(loop, lambda: rung.append(loop.now))
    expected: list[float] = []
    due = inf
    for what, pause, seconds in steps:
        then = loop.now + pause
        if due <= then:
            expected.append(due)
            due = inf
        loop.pass_until(then)
        assert rung == expected
        if what == "set":
            alarm.set(seconds)
            due = loop.now + seconds
            assert not alarm.late
        elif what == "forget":
            alarm.set(inf)
            due = inf
        else:
            alarm.cancel()
            due = inf
            assert all(timer.cancelled for timer in loop.timers)
        assert sum(not timer.cancelled for timer in loop.timers) <= 1
    loop.pass_until(loop.now + 100)
    assert rung == expected + [due] * (due < inf)


def test_many_waits_one_after_the_other_take_one_timer() -> None:
    loop = Loop()
    alarm = Alarm(loop, lambda: pytest.fail("it rang"))
    for second in range(50):
        loop.pass_until(second)
        alarm.set(60)
    assert len(loop.timers) == 1


# Trio has no futures.
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def test_only_loops_like_asyncio_s_are_native(anyio_backend: object) -> None:
    loop = native_loop()
    assert (loop is None) is (anyio_backend == "trio")
    assert loop in (None, current_token().native_token)


@ON_ASYNCIO
async def test_a_flag_wakes_who_waits_whenever_it_is_set() -> None:
    loop = native_loop()
    assert loop is not None
    early, late = Flag(loop), Flag(loop)
    early.set()
    early.set()
    await early.wait()
    woken: list[str] = []

    async def wait(flag: Flag) -> None:
        await _done(flag.wait())
        woken.append("late")

    async with create_task_group() as group:
        group.start_soon(wait, late)
        await wait_all_tasks_blocked()
        assert not woken
        late.set()
    assert woken == ["late"]


async def _done(what: Awaitable[None]) -> None:
    await what


@ON_ASYNCIO
async def test_a_flag_whose_waiter_was_cancelled_may_be_set() -> None:
    loop = native_loop()
    assert loop is not None
    flag = Flag(loop)
    async with create_task_group() as group:
        group.start_soon(_done, flag.wait())
        await wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    flag.set()
    with pytest.raises(get_cancelled_exc_class()):
        await flag.wait()
