"""What the streams of all helpers have in common: reading, ends, failures, and being entered; events are made elsewhere."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeVar

from .._codec import DecodeFailure
from .._engine.closing import Closing
from .._engine.iteration import Stream
from .._engine.mapping import unreadable
from .._engine.text_stream import TextStream
from .._resource import refuse_view as refuse
from ..errors import OpenAIError, StreamTruncated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from .._contract import ResponseInfo
    from .._sansio.usage import Usage
    from ..errors import ResumePoint

__all__ = ("HelperStream", "StreamManager", "refuse_view")

EventT = TypeVar("EventT")
StreamT = TypeVar("StreamT", bound=Closing)


class HelperStream(Closing, Generic[EventT]):
    """Events made of a stream of the API's own: an async iterator and an async context manager.

    Args:
        raw: The API's stream.
        take: Makes events of one of its items.
        finish: Makes the events of its end.
        partial: Gives what has come so far; None for nothing.
        spoken: Gives the piece of the answer's text that an event is; None for another event.
    """

    __slots__ = (
        "__weakref__",
        "_ended",
        "_failure",
        "_finish",
        "_left",
        "_partial",
        "_raw",
        "_ready",
        "_spoken",
        "_take",
    )

    def __init__(
        self,
        raw: Stream[Any],
        *,
        take: Callable[[Any], Sequence[EventT]],
        finish: Callable[[], Sequence[EventT]],
        partial: Callable[[], object | None],
        spoken: Callable[[Any], str | None],
    ) -> None:
        self._raw = raw
        self._take = take
        self._finish = finish
        self._partial = partial
        self._spoken = spoken
        self._ready: deque[EventT] = deque()
        self._ended = False
        self._left = False
        self._failure: OpenAIError | None = None

    @property
    def response(self) -> ResponseInfo:
        """The answer's head: status, headers, the request it answers."""
        return self._raw.response

    @property
    def request_id(self) -> str | None:
        """The server's `x-request-id`; name it when asking for support."""
        return self._raw.request_id

    @property
    def usage(self) -> Usage | None:
        """What the answer cost; None until the server says so: chat streams at their end, if `include_usage` asks."""
        return self._raw.usage

    @property
    def resume_point(self) -> ResumePoint | None:
        """Where to go on later: of a response in the background, once its id is known; None for all others."""
        return self._raw.resume_point

    @property
    def polled(self) -> bool:
        """Whether the last events were made of the finished response, because the server no longer had its own."""
        return self._raw.polled

    @property
    def buffered(self) -> bool:
        """Whether the next event is there already, so that the next step waits for nothing."""
        return bool(self._ready) or self._raw.buffered

    @property
    def text_stream(self) -> TextStream:
        """The same stream as its text alone, piece by piece; of several choices the first one's."""
        return TextStream(self, self._spoken)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        """Return the next event.

        Everything that one read brought is handed out without waiting. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The answer is complete, or the stream was closed.
            StreamTruncated: The input ended before the answer was complete; `partial` is what it had become.
            LengthFinishReasonError: What is to be read as a type was cut by the token limit.
            ContentFilterFinishReasonError: It was cut by the content filter.
            APIResponseValidationError: Something does not fit the type it was asked for as.
            APIError: The server sent an error, or the connection failed.
        """
        ready = self._ready
        while not ready:
            if self._ended or self._left:
                raise StopAsyncIteration
            try:
                try:
                    item = await self._raw.__anext__()
                except StopAsyncIteration:
                    self._ended = True
                    ready.extend(self._finish())
                else:
                    ready.extend(self._take(item))
            except DecodeFailure as failure:
                raise await self._failed(unreadable(self.response, f"does not fit: {failure}")) from failure
            except OpenAIError as error:
                if isinstance(error, StreamTruncated):
                    error.partial = self._partial() or error.partial
                await self._failed(error)
                raise
            except BaseException:
                # Cancelled: the stream below has hung up already.
                self._left = True
                raise
        return ready.popleft()

    async def _failed(self, error: OpenAIError) -> OpenAIError:
        """Hang up because of an error, and return it."""
        self._failure = error
        self._left = True
        await self._raw.aclose()
        return error

    async def until_done(self) -> Self:
        """Read the stream to its end, let the events go, and return the stream; cancelling hangs up.

        Raises:
            APIError: What reading raises.
        """
        async for _ in self:
            continue
        return self

    async def _read_all(self) -> None:
        """Read the stream to its end, or say again why it cannot be."""
        self._raise_again()
        await self.until_done()
        self._raise_unless_whole()

    def _raise_again(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _raise_unless_whole(self) -> None:
        if not self._ended and not self._raw.complete:
            raise OpenAIError("the stream was closed before its end, so there is no final result; what arrived is kept")

    async def aclose(self) -> None:
        """Hang up, unless the answer is complete; safe to repeat, safe when cancelled."""
        self._ready.clear()
        self._left = True
        await self._raw.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._raw!r}>"


class StreamManager(Generic[StreamT]):
    """Sends a request when it is entered, and closes the stream when it is left; it can be entered once.

    Args:
        send: Sends the request.
        wrap: Makes of the API's stream what is entered.
    """

    __slots__ = ("_send", "_stream", "_wrap")

    def __init__(self, send: Callable[[], Awaitable[Any]], wrap: Callable[[Stream[Any]], StreamT]) -> None:
        self._send: Callable[[], Awaitable[Any]] | None = send
        self._wrap = wrap
        self._stream: StreamT | None = None

    async def __aenter__(self) -> StreamT:
        """Send the request and return the stream; cancelling hangs up.

        Raises:
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived.
        """
        if self._send is None:
            raise OpenAIError("a stream is opened once; call stream() again for another request")
        send, self._send = self._send, None
        self._stream = stream = self._wrap(await send())
        return stream

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    if not TYPE_CHECKING:
        # Hidden from checkers, which know that it has no such methods.

        def __getattr__(self, name: str) -> NoReturn:
            if name in _AFTER_ENTERING:
                raise OpenAIError(f"the stream was not opened, so it has no {name} yet; {_HOW}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __aiter__(self) -> NoReturn:
            raise OpenAIError(f"the stream was iterated before it was opened; {_HOW}")

        def __await__(self) -> NoReturn:
            raise OpenAIError(f"stream() is entered, not awaited; {_HOW}")


def refuse_view(caller: object) -> None:
    """Refuse `with_raw_response` and `with_streaming_response`, under which an answer is not a stream.

    Raises:
        TypeError: The caller is such a view; nothing was sent.
    """
    refuse(caller, "stream()", "the stream that it opens has `response` with status and headers")


_HOW: Final = "write `async with client.....stream(...) as stream:`"
_AFTER_ENTERING: Final = frozenset(
    {
        "current_completion_snapshot",
        "current_response_snapshot",
        "get_final_completion",
        "get_final_messages",
        "get_final_response",
        "get_final_run",
        "get_final_run_steps",
        "text_deltas",
        "text_stream",
        "until_done",
    }
)
