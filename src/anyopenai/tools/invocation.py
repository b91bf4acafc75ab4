"""Calling what users hand to runners: asynchronous functions are awaited, plain ones run in a thread; toolsets are stricter."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

from anyio import to_thread

__all__ = ("call_user", "is_async")

T = TypeVar("T")


def is_async(function: object) -> bool:
    """Tell whether calling gives a coroutine: an `async def`, a partial of one, an object whose `__call__` is one."""
    inner = function
    while isinstance(inner, partial):
        inner = cast("partial[object]", inner).func
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004


async def call_user(function: Callable[..., Awaitable[T]] | Callable[..., T], *arguments: Any) -> T:
    """Call a user's function and return what it gives.

    A plain function runs in a worker thread, so that it may block. Cancelling cancels an asynchronous one; a plain one is
    waited for, so that what is known of it at the end is true.

    Raises:
        Exception: What the function raises.
    """
    if is_async(function):
        return await cast("Callable[..., Awaitable[T]]", function)(*arguments)

    def call() -> tuple[T | Awaitable[T]]:
        # In a tuple: trio refuses a thread's function that returns a coroutine.
        return (cast("Callable[..., T | Awaitable[T]]", function)(*arguments),)

    (found,) = await to_thread.run_sync(call)
    if inspect.isawaitable(found):
        # A lambda around an asynchronous function.
        return await cast("Awaitable[T]", found)
    return found
