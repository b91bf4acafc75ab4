"""`tee`: several readers of one stream, fed by a task inside the caller's block; what the events are is not known here.

Theory of operation: one task takes events from the source and puts each into the queue of every reader. It waits while a
queue is full, so that a reader holds the source back as if it read alone, unless it was said how long that may last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from anyio import CancelScope, Event, current_time
from anyio.lowlevel import checkpoint

from .._tasks import grace, open_task_group
from ..errors import OpenAIError

__all__ = ("TeeReader", "tee")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """What can be read by several: an asynchronous iterator, such as a `Stream`; it is closed if it has `aclose`."""

    async def __anext__(self) -> T_co:
        """Return the next event."""
        ...


@runtime_checkable
class Closable(Protocol):
    """What has an end to come to."""

    async def aclose(self) -> None:
        """Close it."""
        ...


class TeeReader(Generic[T]):
    """One reader of a stream that has several: an async iterator; every reader gets every event, in order.

    A step that is cancelled loses nothing and can be repeated. `aclose` says that this reader wants no more.
    """

    __slots__ = ("_arrived", "_closed", "_dropped", "_queue", "_tee")

    def __init__(self, tee: _Tee[T]) -> None:
        self._tee = tee
        self._queue: deque[T] = deque()
        self._arrived = Event()
        self._closed = False
        self._dropped = False

    @property
    def dropped(self) -> bool:
        """Whether this reader was too slow and gets no more than what it has."""
        return self._dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next event; cancelling is safe.

        Raises:
            StopAsyncIteration: The stream is complete, or this reader or the block was closed.
            OpenAIError: This reader was too slow and was dropped.
            APIError: What the stream raised; each reader gets it after the events before it.
        """
        while True:
            if self._queue:
                event = self._queue.popleft()
                self._tee.has_room()
                return event
            if self._closed:
                raise StopAsyncIteration
            if self._dropped:
                raise OpenAIError(
                    f"this reader was dropped: the others would have waited for it longer than {self._tee.drop_after:g} s; "
                    "read faster, or give a larger buffer or drop_after"
                )
            if self._tee.ended:
                if self._tee.error is None:
                    raise StopAsyncIteration
                raise _own(self._tee.error)
            if self._arrived.is_set():
                self._arrived = Event()
            await self._arrived.wait()

    async def aclose(self) -> None:
        """Read no more; the other readers go on, and the stream is closed when none is left."""
        if not self._closed:
            self._closed = True
            self._queue.clear()
            self._arrived.set()
            self._tee.has_room()
        await checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with grace():
            await self.aclose()

    def _give(self, event: T) -> None:
        self._queue.append(event)
        self._arrived.set()

    def _wake(self) -> None:
        self._arrived.set()


class _Tee(Generic[T]):
    """One stream and its readers."""

    def __init__(self, source: Source[T], n: int, buffer: int, drop_after: float | None) -> None:
        self.readers: tuple[TeeReader[T], ...] = tuple(TeeReader(self) for _ in range(n))
        self.drop_after: float | None = drop_after
        self.ended: bool = False
        self.error: Exception | None = None
        self._source = source
        self._buffer = buffer
        self._room = Event()
        self._scope = CancelScope()

    def has_room(self) -> None:
        """Take notice that a reader took an event, or wants no more."""
        self._room.set()
        if not self._waiting_for():
            self._scope.cancel()

    def close(self) -> None:
        """End all readers."""
        for reader in self.readers:
            reader._closed = True
            reader._wake()

    async def pump(self) -> None:
        """Hand every event to every reader until the stream ends or nobody is left."""
        try:
            with self._scope:
                while True:
                    event = await self._source.__anext__()
                    await self._wait_for_room()
                    for reader in self._waiting_for():
                        reader._give(event)
        except StopAsyncIteration:
            pass
        except Exception as error:
            # It belongs to the readers, each of which gets it behind the events that came before it.
            self.error = error
        self.ended = True
        for reader in self.readers:
            reader._wake()

    def _waiting_for(self) -> list[TeeReader[T]]:
        return [reader for reader in self.readers if not reader._closed and not reader._dropped]

    def _full(self) -> list[TeeReader[T]]:
        return [reader for reader in self._waiting_for() if len(reader._queue) >= self._buffer]

    async def _wait_for_room(self) -> None:
        """Wait until no reader's queue is full; drop those that take too long, but never the last one."""
        if not self._full():
            return
        drops = None if self.drop_after is None else current_time() + self.drop_after
        while self._full():
            self._room = Event()
            if drops is None or len(self._waiting_for()) == 1:
                await self._room.wait()
                continue
            with CancelScope(deadline=drops) as waiting:
                await self._room.wait()
            if waiting.cancelled_caught:
                # Whoever can run gets the chance to take something, also where the time is zero.
                await checkpoint()
                for reader in self._full():
                    if len(self._waiting_for()) > 1:
                        reader._dropped = True


def tee(
    source: Source[T], n: int = 2, *, buffer: int = 64, drop_after: float | None = None
) -> AbstractAsyncContextManager[tuple[TeeReader[T], ...]]:
    """Return `n` readers of one stream, to enter with `async with`; each gets every event.

    ::

        async with stream.tee(2) as (shown, logged), anyio.create_task_group() as group:
            group.start_soon(show, shown)
            group.start_soon(log, logged)

    Events wait for each reader in a buffer. When one is full, the others wait too: the slowest reader sets the pace, and
    one that is never read stops all. With `drop_after` a reader that is waited for longer than that is dropped; the last
    one never is. Leaving the block closes the stream.

    Args:
        source: A `Stream`, or any asynchronous iterator; one that has `aclose` is closed at the end.
        n: How many readers.
        buffer: How many events may wait for a reader.
        drop_after: Seconds that the others wait for a slow reader before it is dropped; None for as long as it takes.

    Raises:
        ValueError: A number is out of range.
    """
    if n < 1 or buffer < 1:
        raise ValueError(f"n and buffer must be at least 1, not {n} and {buffer}")
    if drop_after is not None and not drop_after >= 0:
        raise ValueError(f"drop_after must be zero or more seconds, or None, not {drop_after!r}")
    return _entered(source, _Tee(source, n, buffer, drop_after))


@asynccontextmanager
async def _entered(source: Source[T], shared: _Tee[T]) -> AsyncGenerator[tuple[TeeReader[T], ...]]:
    try:
        async with open_task_group() as group:
            group.start_soon(shared.pump)
            try:
                yield shared.readers
            finally:
                shared.close()
                group.cancel_scope.cancel()
    finally:
        if isinstance(source, Closable):
            with grace():
                await source.aclose()


def _own(error: Exception) -> Exception:
    """Return a reader's own copy of an error, since raising one object in several tasks mixes up its tracebacks."""
    try:
        again = copy(error)
    except Exception:
        return error  # a foreign class that cannot be made again
    again.__cause__ = error.__cause__
    again.__suppress_context__ = error.__suppress_context__
    return again
