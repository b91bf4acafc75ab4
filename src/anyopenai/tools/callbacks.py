"""How toolsets call what users hand them: drivers, policies, and the question whether to go on; when is not decided here."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar, cast

__all__ = ("Cancelled", "PlainFunctionError", "approved", "awaited", "is_cancelled", "method_of")

T = TypeVar("T")

Cancelled: TypeAlias = Callable[[], bool]
"""A plain function that says whether a run should end; asked before and after every call of a driver or a policy."""


class PlainFunctionError(TypeError):
    """A function that must be `async def` is a plain one, or the other way round."""


def is_cancelled(cancelled: Cancelled | None) -> bool:
    """Ask whether a run should end; what the function raises passes through.

    Raises:
        PlainFunctionError: It is written as `async def`.
    """
    if cancelled is None:
        return False
    answer: object = cancelled()
    if inspect.iscoroutine(answer):
        answer.close()
        raise PlainFunctionError("cancelled= is asynchronous; write it as a plain function that returns a bool")
    return bool(answer)


async def awaited(what: str, returned: Awaitable[T]) -> T:
    """Await what a user's function returned; cancellation and its own errors pass through.

    Args:
        what: The function, as errors call it.
        returned: What it returned.

    Raises:
        PlainFunctionError: It is not awaitable: the function is a plain one.
    """
    is_awaitable = inspect.isawaitable(returned)
    if not is_awaitable:
        raise PlainFunctionError(
            f"{what} returned {type(returned).__name__}, nothing to await; write it as `async def`"
        )
    return await returned


async def approved(what: str, returned: Awaitable[bool]) -> bool:
    """Await the answer of a policy: only `True` itself approves, so that a mock or a string does not.

    Args:
        what: The function, as errors call it.
        returned: What it returned.

    Raises:
        PlainFunctionError: The function is a plain one.
    """
    return await awaited(what, returned) is True


def method_of(driver: object, name: str) -> Callable[..., Awaitable[object]] | None:
    """Find a method of a driver, if the driver has it."""
    method: object = getattr(driver, name, None)
    return cast("Callable[..., Awaitable[object]]", method) if callable(method) else None
