"""Runs a client's coroutines on its event loop, so many at once; nothing about clients.

Tasks are started by the event loop's own means, not by anyio's, so that the driver costs every contender the same and
as little as can be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

__all__ = ("all_of", "on_loop")

T = TypeVar("T")


def on_loop(loop: str, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function to its end on `asyncio`, `uvloop` or `trio`."""
    if loop == "trio":
        import trio

        return trio.run(main)
    import asyncio

    if loop == "uvloop":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main())
    return asyncio.run(main())


async def all_of(loop: str, tasks: int, work: Callable[[], Awaitable[object]]) -> None:
    """Run so many tasks of the same work, and wait for all of them."""
    if loop == "trio":
        import trio

        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(work)
        return
    import asyncio

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())  # type: ignore[arg-type]  # a coroutine
