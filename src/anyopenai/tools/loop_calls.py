"""`TurnCalls`: the calls of a turn as tasks, so many at a time; what calls are and what follows from them is decided elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from anyio import CancelScope, Event

from .call_running import run_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup

    from .call import CallOutcome, ToolCall
    from .call_running import CallPolicy
    from .call_table import Runnable

__all__ = ("TurnCalls",)


class TurnCalls:
    """Runs calls as tasks of a group that somebody else opened; a failure is kept, and never fails the group.

    Calls begin in their order, on trio too, which starts tasks in any.

    Args:
        group: Where the tasks run.
        tools: What is called, by name.
        policy: How.
        limit: How many calls run at the same time.
        tell: Is given each outcome when its call ends.
    """

    __slots__ = (
        "_arrived",
        "_group",
        "_limit",
        "_outcomes",
        "_policy",
        "_queue",
        "_scopes",
        "_stopped",
        "_tell",
        "_tools",
        "_under_way",
        "failure",
    )

    def __init__(
        self,
        group: TaskGroup,
        tools: Mapping[str, Runnable],
        policy: CallPolicy,
        limit: int,
        tell: Callable[[CallOutcome], None],
    ) -> None:
        self._group = group
        self._tools = tools
        self._policy = policy
        self._limit = limit
        self._tell = tell
        self._arrived = Event()
        self._outcomes: dict[int, CallOutcome] = {}
        self._scopes: set[CancelScope] = set()
        self._queue: deque[ToolCall] = deque()
        self._under_way = 0
        self._stopped = False
        self.failure: Exception | None = None

    @property
    def running(self) -> int:
        """How many calls have not ended, those in line among them."""
        return self._under_way + len(self._queue)

    @property
    def active(self) -> bool:
        """Whether calls have begun whose outcomes have not been taken."""
        return self.running > 0 or bool(self._outcomes)

    def begin(self, calls: Sequence[ToolCall]) -> None:
        """Begin the calls of a turn."""
        self._queue.extend(calls)
        for _ in range(min(self._limit, len(calls))):
            self._group.start_soon(self._work)

    def take(self) -> list[CallOutcome]:
        """Return the outcomes of the turn in the order of its calls, and forget them."""
        outcomes = [self._outcomes[index] for index in sorted(self._outcomes)]
        self._outcomes = {}
        return outcomes

    async def wait(self) -> None:
        """Wait until the next call ends; cancelling is safe."""
        self._arrived = Event()
        await self._arrived.wait()

    def cancel(self) -> None:
        """Cancel what runs, and let nothing more begin."""
        self._stopped = True
        self._queue.clear()
        for scope in tuple(self._scopes):
            scope.cancel()

    async def _work(self) -> None:
        """Run one call after another, until none is in line."""
        while self._queue:
            call = self._queue.popleft()
            self._under_way += 1
            try:
                await self._perform(call)
            finally:
                self._under_way -= 1
                self._arrived.set()

    async def _perform(self, call: ToolCall) -> None:
        try:
            with CancelScope() as scope:
                self._scopes.add(scope)
                try:
                    outcome = await run_call(call, self._tools, self._policy)
                finally:
                    self._scopes.discard(scope)
                self._outcomes[call.index] = outcome
                self._tell(outcome)
        except Exception as error:
            # What a tool raises because it was cancelled for another one's failure is no failure of its own.
            if not self._stopped:
                self.failure = _iterable(error)
                self.cancel()


def _iterable(error: Exception) -> Exception:
    """Return an error that an iterator can raise: what ends iterations would end the run as if it were done."""
    if not isinstance(error, StopAsyncIteration):
        return error
    wrapped = RuntimeError("a tool raised StopAsyncIteration; give anext() a default, or catch it in the tool")
    wrapped.__cause__ = error
    return wrapped
