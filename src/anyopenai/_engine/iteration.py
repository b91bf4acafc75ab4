"""`Stream`: the events of one answer as users hold them; a class without a task, not a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar
from warnings import warn

from .._sansio.accumulate import delta_of
from .._sansio.usage import Usage, usage_from
from ..errors import OpenAIError
from .closing import Closing
from .paginator import Paginator
from .reader import EventReader
from .text_stream import TextStream

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..errors import ResumePoint
    from .tee import TeeReader

__all__ = ("Paginator", "Stream")

T = TypeVar("T")


class Stream(EventReader[T], Closing):
    """The events of one answer, in the order the server sends them: an async iterator and an async context manager.

    ::

        stream = await client.chat.completions.create(model="gpt-5.5", messages=[...], stream=True)
        async with stream:
            async for chunk in stream:
                ...

    Iteration ends when the answer is complete. A stream that breaks off before its end marker raises
    `StreamTruncated` with what came so far as `partial` (see `truncated_streams` of the client); errors that the
    server sends in the stream raise `APIError` and its subclasses, with the same `partial`.

    Leaving the block early, `close()`, and cancelling a step hang up. No task runs behind a stream: not reading it holds
    the server back.
    """

    __slots__ = ()

    @property
    def complete(self) -> bool:
        """Whether everything that makes the answer whole has arrived; what the server adds to it may be still to come.

        Of a stream that was closed before it was read to that point it is false.
        """
        return self._ending.complete and not self._dropped

    @property
    def usage(self) -> Usage | None:
        """What the answer cost; None until the server says so: chat streams at their end, if `include_usage` asks."""
        usages = self._ending.usages
        return usage_from(*usages) if usages else None

    @property
    def resume_point(self) -> ResumePoint | None:
        """Where to go on later: of a response in the background, once its id is known; None for all others."""
        return None

    @property
    def polled(self) -> bool:
        """Whether the last events were made of the finished response, because the server no longer had its own.

        Each text has come to its end in one piece then. It is so only for a response in the background.
        """
        return False

    @property
    def text_stream(self) -> TextStream:
        """The same stream as its text alone, piece by piece; of several choices the first one's.

        Raises:
            OpenAIError: The answer is no text, such as images or sound.
        """
        operation = self._arrival.call.operation
        delta = delta_of(operation.ending)
        if delta is None:
            raise OpenAIError(f"the events of {operation.name} have no text; iterate over the stream")
        return TextStream(self, delta)

    def tee(
        self, n: int = 2, *, buffer: int = 64, drop_after: float | None = None
    ) -> AbstractAsyncContextManager[tuple[TeeReader[T], ...]]:
        """Return `n` readers of this one stream, to enter with `async with`; see `anyopenai.tee`."""
        from .tee import tee

        return tee(self, n, buffer=buffer, drop_after=drop_after)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next event.

        Everything that one read brought is handed out without waiting. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The answer is complete, or the stream was closed.
            StreamTruncated: The input ended before the answer was complete.
            APIError: The server sent an error.
            MalformedEvent: An event cannot be read.
            APITimeoutError: Nothing came for longer than the timeout allows.
            APIConnectionError: The connection was lost.
        """
        ready = self._ready
        return ready.pop() if ready else await self._advance()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Stream of {self._arrival.call.operation.name}, {state}, {self._count - len(self._ready)} events>"

    def __del__(self) -> None:
        try:
            if self._closed:
                return
            shown = repr(self)
            self._closed = True
            response = self._arrival.response
        except AttributeError:
            return  # the constructor did not come this far
        ended = self._finished or response.complete
        response.abandon()
        if not ended:
            warn(
                f"{shown} was dropped before its end; use `async with` or close() to leave it early",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
