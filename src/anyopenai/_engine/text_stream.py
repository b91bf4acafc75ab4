"""`TextStream`: a stream of events as the text in them; which event holds text is told from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

from .closing import Closing

__all__ = ("TextStream",)


class _Events(Protocol):
    async def __anext__(self) -> object: ...
    async def aclose(self) -> None: ...


class TextStream(Closing):
    """The text of a stream as it comes, piece by piece: an async iterator and an async context manager.

    It reads from the stream it was made of, ends where that ends and raises what that raises. Leaving its block closes
    the stream.
    """

    __slots__ = ("_delta", "_events")

    def __init__(self, events: _Events, delta: Callable[[object], str | None]) -> None:
        self._events = events
        self._delta = delta

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """Return the next piece of text; never an empty one. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The answer is complete, or the stream was closed.
            APIError: As the stream itself.
        """
        while True:
            text = self._delta(await self._events.__anext__())
            if text:
                return text

    async def aclose(self) -> None:
        """Close the stream; safe to repeat."""
        await self._events.aclose()
