"""A piece of work that is disturbed at an exact point: at its k-th suspension; what must hold afterwards is the tests' business."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeAlias, TypeVar, cast

__all__ = ("Act", "Disturbed")

T = TypeVar("T")

Act: TypeAlias = Callable[[object], object]
"""What happens at a suspension; it is given what the coroutine yields to the event loop."""


class Disturbed(Generic[T]):
    """Awaiting this runs a coroutine and acts at its k-th suspension.

    It passes on whatever the coroutine yields, so it works on every event loop.

    Attributes:
        suspensions: How often the coroutine has been suspended so far.
    """

    def __init__(self, work: Coroutine[Any, Any, T], k: int, act: Act) -> None:
        self._work = work
        self._k = k
        self._act = act
        self.suspensions: int = 0

    def __await__(self) -> Generator[Any, Any, T]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                yielded = self._work.throw(error) if error is not None else self._work.send(value)
            except StopIteration as stop:
                return cast("T", stop.value)
            self.suspensions += 1
            if self.suspensions == self._k:
                self._act(yielded)
            value = error = None
            try:
                value = yield yielded
            except BaseException as raised:
                error = raised
