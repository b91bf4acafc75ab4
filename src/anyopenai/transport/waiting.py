"""What waits cost least with on an event loop like asyncio's: a flag to wait for, a limit set again lazily; no I/O here.

anyio's `Event` and `CancelScope` do the same everywhere, and cost several microseconds each where a stream waits for
every event. Others than asyncio's loops have neither of these, and are served by anyio's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import Context
from math import inf
from typing import Protocol, Self, cast

from anyio.lowlevel import current_token

__all__ = ("Alarm", "Flag", "Future", "Loop", "native_loop")


class Future(Awaitable[None], Protocol):
    """A future of an event loop's."""

    def done(self) -> bool:
        """Tell whether it has a result, or was cancelled."""
        ...

    def set_result(self, result: None, /) -> None:
        """Wake who awaits it."""
        ...


class _Timer(Protocol):
    def cancel(self) -> None: ...


class Loop(Protocol):
    """What asyncio's event loops have, and those that are made like them."""

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None:
        """Have something done whenever a descriptor can be read."""
        ...

    def remove_reader(self, fd: int, /) -> bool:
        """Cease."""
        ...

    def create_future(self) -> Future:
        """Make a future."""
        ...

    def call_at(self, when: float, callback: Callable[[], None], /, *, context: Context) -> _Timer:
        """Have something done at a time."""
        ...

    def time(self) -> float:
        """Return what it counts time by, in seconds."""
        ...


def native_loop() -> Loop | None:
    """Return the running event loop if it is one like asyncio's."""
    native = current_token().native_token
    return cast("Loop", native) if hasattr(native, "create_future") else None


class Flag:
    """Something to wait for, once and by one task: what `anyio.Event` is to many."""

    __slots__ = ("_future",)

    def __init__(self, loop: Loop) -> None:
        self._future = loop.create_future()

    def set(self) -> None:
        """Wake who waits."""
        if not self._future.done():
            self._future.set_result(None)

    def wait(self) -> Awaitable[None]:
        """Return what to await; cancelling is safe."""
        return self._future


class Alarm:
    """One timer for the limits of many waits, one after the other; it is set again only when it goes off too early.

    It is a context manager for those who wait once: it never rings behind the block.

    Args:
        loop: The running event loop.
        ring: Ends the wait.
        seconds: What to set at once.

    Attributes:
        late: It has rung since it was set.
    """

    __slots__ = ("_due", "_loop", "_ring", "_timer", "_timer_due", "late")

    def __init__(self, loop: Loop, ring: Callable[[], object], seconds: float = inf) -> None:
        self._loop = loop
        self._ring = ring
        # When the wait has lasted too long, and when the timer next looks at that.
        self._due = inf
        self._timer: _Timer | None = None
        self._timer_due = inf
        self.late: bool = False
        if seconds < inf:
            self.set(seconds)

    def __enter__(self) -> Self:
        """Do nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel."""
        self.cancel()

    def set(self, seconds: float) -> None:
        """Ring after so many seconds, infinitely many included, and no more for what was set before."""
        self.late = False
        if seconds == inf:
            self._due = inf
            return
        self._due = due = self._loop.time() + seconds
        if due < self._timer_due:
            self._start(due)

    def cancel(self) -> None:
        """Never ring for what was set."""
        self._due = self._timer_due = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # In a context of its own: the caller's would be kept, with all that is in it, for as long as the timer is.
        self._timer = self._loop.call_at(due, self._look, context=Context())
        self._timer_due = due

    def _look(self) -> None:
        when, self._timer, self._timer_due = self._timer_due, None, inf
        if self._due <= when:
            self._due = inf
            self.late = True
            self._ring()
        elif self._due < inf:
            self._start(self._due)
