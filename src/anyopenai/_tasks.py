"""Task groups and shields: the one place that opens them; no network and no knowledge of requests here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from anyio import create_task_group, move_on_after

if TYPE_CHECKING:
    from anyio import CancelScope
    from anyio.abc import TaskGroup

__all__ = ("GRACE_SECONDS", "grace", "open_task_group")

# Closing a socket, a file or an HTTP/2 stream takes one write at most; a peer that does not take it within a second is
# gone, and whoever cancelled us should not wait longer for it.
GRACE_SECONDS: Final = 1.0


def grace(seconds: float = GRACE_SECONDS) -> CancelScope:
    """Return a scope for awaited cleanup: shielded from cancellation, and bounded.

    What has not ended after `seconds` is cancelled, and the block is left without an error.

    Args:
        seconds: How long the cleanup may take.
    """
    return move_on_after(seconds, shield=True)


@asynccontextmanager
async def open_task_group() -> AsyncGenerator[TaskGroup]:
    """Open a task group whose single failure reaches the caller as that error, not as a group of one.

    Two real failures stay an `ExceptionGroup`. The body and the tasks are cancelled together, as in anyio.
    """
    try:
        async with create_task_group() as group:
            yield group
    except BaseExceptionGroup as errors:
        single = _without_groups_of_one(errors)
        if single is errors:
            raise
        try:
            # The group adds nothing: hide it, and keep what the error itself says about its cause.
            raise single from single.__cause__
        finally:
            del single  # its traceback refers to this frame


def _without_groups_of_one(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the only error in a group, however deep, or the group that has several: the body may have raised one."""
    inner: list[BaseException] = list(group.exceptions)
    if len(inner) > 1:
        return group
    error = inner[0]
    if isinstance(error, BaseExceptionGroup):
        return _without_groups_of_one(cast("BaseExceptionGroup[BaseException]", error))
    return error
