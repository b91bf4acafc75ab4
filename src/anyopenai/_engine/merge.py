"""`merge`: many streams read at the same time as one, by tasks inside the caller's block; what the events are is not known here."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, Literal, NamedTuple, Self, TypeAlias, TypeVar, overload

from anyio import CancelScope, Event

from .._tasks import grace, open_task_group

__all__ = ("Merged", "Tagged", "merge")

T = TypeVar("T")
TagT = TypeVar("TagT", bound=Hashable)

Mergeable: TypeAlias = (
    AsyncIterable[T] | Awaitable[AsyncIterable[T]] | AbstractAsyncContextManager[AsyncIterable[T], Any]
)
"""An open stream, a call that will give one, or what gives one when it is entered."""

OnError: TypeAlias = Literal["stop", "finish"]
"""What the others do when one stream fails."""


class Tagged(NamedTuple, Generic[TagT, T]):
    """One event of one of several streams.

    Attributes:
        tag: The stream's key, or its position.
        event: The event.
    """

    tag: TagT
    event: T


class Merged(Generic[TagT, T]):
    """Several streams as one: an async iterator over `(tag, event)`; each stream's events keep their order.

    A step that is cancelled loses nothing and can be repeated.
    """

    __slots__ = ("_arrived", "_buffer", "_errors", "_left", "_on_error", "_queue", "_raised", "_room", "_scopes")

    def __init__(self, count: int, buffer: int, on_error: OnError) -> None:
        self._queue: deque[Tagged[TagT, T]] = deque()
        self._buffer = buffer
        self._on_error = on_error
        self._left = count
        self._errors: list[Exception] = []
        self._raised = False
        self._arrived = Event()
        self._room = Event()
        self._scopes: list[CancelScope] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tagged[TagT, T]:
        """Return the next event of any stream; cancelling is safe.

        Raises:
            StopAsyncIteration: All streams are complete.
            APIError: What a stream raised, behind the events that came before it.
            ExceptionGroup: Several streams failed.
        """
        while not self._queue:
            if self._left == 0:
                if self._errors and not self._raised:
                    self._raised = True
                    if len(self._errors) > 1:
                        raise ExceptionGroup(f"{len(self._errors)} of the merged streams failed", self._errors)
                    raise self._errors[0]
                raise StopAsyncIteration
            if self._arrived.is_set():
                self._arrived = Event()
            await self._arrived.wait()
        item = self._queue.popleft()
        self._room.set()
        return item

    async def _pump(self, tag: TagT, source: Mergeable[T]) -> None:
        """Put one stream's events into the queue, until its end or its failure."""
        try:
            if not self._stopped:
                with CancelScope() as scope:
                    self._scopes.append(scope)
                    await self._read(tag, source)
        except Exception as error:
            # What follows from stopping the others is no failure of theirs.
            if not self._stopped:
                self._errors.append(error)
            if self._stopped:
                for scope in self._scopes:
                    scope.cancel()
        finally:
            self._left -= 1
            self._arrived.set()

    @property
    def _stopped(self) -> bool:
        return bool(self._errors) and self._on_error == "stop"

    async def _read(self, tag: TagT, source: Mergeable[T]) -> None:
        if not isinstance(source, AsyncIterable | AbstractAsyncContextManager):
            source = await source
        if isinstance(source, AbstractAsyncContextManager):
            async with source as stream:
                await self._pass_on(tag, stream)
        else:
            await self._pass_on(tag, source)

    async def _pass_on(self, tag: TagT, stream: AsyncIterable[T]) -> None:
        async for event in stream:
            while len(self._queue) >= self._buffer:
                if self._room.is_set():
                    self._room = Event()
                await self._room.wait()
            self._queue.append(Tagged(tag, event))
            self._arrived.set()


@overload
def merge(
    sources: Mapping[TagT, Mergeable[T]], /, *, buffer: int = 64, on_error: OnError = "stop"
) -> AbstractAsyncContextManager[Merged[TagT, T]]: ...
@overload
def merge(
    *sources: Mergeable[T], buffer: int = 64, on_error: OnError = "stop"
) -> AbstractAsyncContextManager[Merged[int, T]]: ...
def merge(*sources: Any, buffer: int = 64, on_error: OnError = "stop") -> AbstractAsyncContextManager[Merged[Any, Any]]:
    """Return several streams as one, to enter with `async with`: they are read at the same time, in one task group.

    ::

        async with merge({"short": one, "long": two}) as events:
            async for tag, event in events:
                ...

    Events wait in one bounded buffer; when it is full, all streams wait. Leaving the block closes every stream.

    Args:
        sources: Open streams, calls that were not awaited (they are made at the same time then), or helpers that are
            entered; or one mapping of tags to them. Without tags an event's tag is its stream's position.
        buffer: How many events may wait.
        on_error: What happens when a stream fails. `"stop"` ends the others and raises the error behind the events that
            came before it. `"finish"` reads the others to their ends first, and raises an `ExceptionGroup` if several
            fail.

    Raises:
        ValueError: `buffer` is below 1, or `on_error` is neither.
    """
    if buffer < 1:
        raise ValueError(f"buffer must be at least 1, not {buffer}")
    if on_error not in ("stop", "finish"):
        raise ValueError(f'on_error must be "stop" or "finish", not {on_error!r}')
    only: Any = sources[0] if len(sources) == 1 else ()
    tagged: dict[Any, Any] = dict(only if hasattr(only, "keys") else enumerate(sources))
    return _entered(tagged, Merged(len(tagged), buffer, on_error))


@asynccontextmanager
async def _entered(sources: dict[Any, Any], merged: Merged[Any, Any]) -> AsyncGenerator[Merged[Any, Any]]:
    try:
        async with open_task_group() as group:
            for tag, source in sources.items():
                group.start_soon(merged._pump, tag, source)
            try:
                yield merged
            finally:
                group.cancel_scope.cancel()
    finally:
        for source in sources.values():
            await _close(source)


async def _close(source: object) -> None:
    """Close what its task did not come to; safe where it did."""
    if inspect.iscoroutine(source):
        source.close()
        return
    aclose = getattr(source, "aclose", None)
    if aclose is not None:
        with grace():
            await aclose()
