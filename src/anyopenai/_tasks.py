"""THE place a task group is opened, and the shield for clean-up; nothing here knows what the tasks do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

from anyio import CancelScope, create_task_group, move_on_after
from anyio.abc import TaskGroup

__all__ = ("grace", "task_group")

# A close that takes longer than this is given up: a peer that does not answer must not hold a cancelled task.
GRACE = 1.0


def grace(seconds: float = GRACE) -> CancelScope:
    """Return a scope for awaited clean-up: shielded from outer cancellation, and bounded.

    Args:
        seconds: How long the clean-up may take before it is given up.
    """
    return move_on_after(seconds, shield=True)


@asynccontextmanager
async def task_group() -> AsyncGenerator[TaskGroup]:
    """Open a task group; an error that is the only one comes out as itself, two or more as an `ExceptionGroup`."""
    try:
        async with create_task_group() as group:
            yield group
    except BaseExceptionGroup as errors:
        only = _only_error(errors)
        if only is None:
            raise
        raise only from only.__cause__


def _only_error(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """Return the one error in a group, however deep it is nested; None when there are more."""
    if len(group.exceptions) != 1:
        return None
    (inner,) = group.exceptions
    return (
        _only_error(cast("BaseExceptionGroup[BaseException]", inner))
        if isinstance(inner, BaseExceptionGroup)
        else inner
    )
