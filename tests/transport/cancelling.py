"""Cancellation at an exact point: at the k-th time that a piece of work hands control to the event loop."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from anyio import CancelScope

T = TypeVar("T")


class CancelledAt(Generic[T]):
    """Awaiting this runs a coroutine and cancels a scope at its k-th suspension.

    It passes on whatever the coroutine yields, so it works on every event loop.

    Attributes:
        suspensions: How often the coroutine has been suspended so far.
    """

    def __init__(self, work: Coroutine[Any, Any, T], scope: CancelScope, k: int) -> None:
        self._work = work
        self._scope = scope
        self._k = k
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, T]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                yielded = self._work.throw(error) if error is not None else self._work.send(value)
            except StopIteration as stop:
                return stop.value
            self.suspensions += 1
            if self.suspensions == self._k:
                self._scope.cancel()
            value = error = None
            try:
                value = yield yielded
            except BaseException as raised:
                error = raised


async def cancel_at(work: Coroutine[Any, Any, T], k: int) -> bool:
    """Run work and cancel it at its k-th suspension; return whether it got that far."""
    with CancelScope() as scope:
        driver = CancelledAt(work, scope, k)
        await driver
    return driver.suspensions >= k
