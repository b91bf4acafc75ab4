"""`ToolRunManager`: what `run_tools()` returns: a run when it is entered, its result when it is awaited; no loop is here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar, cast

from .._tasks import open_task_group
from ..errors import OpenAIError
from .loop import ToolRun

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ("ToolRunManager",)

RunT = TypeVar("RunT", bound=ToolRun[Any, Any, Any])
ResultT = TypeVar("ResultT")


class ToolRunManager(Generic[RunT, ResultT]):
    """A run that has not begun: enter it to see each step, or await it for its result alone. Each works once.

    ::

        async with client.chat.completions.run_tools(...) as run:
            async for event in run:
                ...

        result = await client.chat.completions.run_tools(...)

    Args:
        make: Makes the run, given the group that its tools run in.
    """

    __slots__ = ("_make", "_scope")

    def __init__(self, make: Callable[[TaskGroup], RunT]) -> None:
        self._make: Callable[[TaskGroup], RunT] | None = make
        self._scope: AbstractAsyncContextManager[RunT] | None = None

    async def __aenter__(self) -> RunT:
        """Open the run; nothing is sent before its first event is asked for.

        Raises:
            OpenAIError: It was entered or awaited before.
        """
        if self._make is None:
            raise OpenAIError("a run happens once; call run_tools() again for another one")
        make, self._make = self._make, None
        self._scope = _entered(make)
        return await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the run: hang up, cancel its tools and wait for them to end."""
        if self._scope is not None:
            await self._scope.__aexit__(kind, error, traceback)

    def __await__(self) -> Generator[object, None, ResultT]:
        """Bring the run to its end and return its result; cancelling stops everything.

        Raises:
            Exception: What the run's `result()` raises.
        """
        return self._whole().__await__()

    async def _whole(self) -> ResultT:
        async with self as run:
            return cast("ResultT", await run.result())

    if not TYPE_CHECKING:
        # Hidden from checkers, which know that it has no such methods.

        def __getattr__(self, name: str) -> NoReturn:
            if not name.startswith("_") and any(hasattr(kind, name) for kind in ToolRun.__subclasses__()):
                raise OpenAIError(f"the run was not entered, so it has no {name} yet; {_HOW}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __aiter__(self) -> NoReturn:
            raise OpenAIError(f"the run was iterated before it was entered; {_HOW}")


_HOW: Final = "write `async with client.....run_tools(...) as run:`, or await it for its result"


@asynccontextmanager
async def _entered(make: Callable[[TaskGroup], RunT]) -> AsyncGenerator[RunT]:
    async with open_task_group() as group:
        run = make(group)
        try:
            yield run
        finally:
            # It cancels its tools itself: a group that is cancelled swallows a cancellation of asyncio's that comes meanwhile.
            await run.aclose()
