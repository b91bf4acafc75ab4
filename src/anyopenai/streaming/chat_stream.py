"""`chat.completions.stream()` as users hold it: its manager and its stream of events; putting answers together is not done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from .._contract import Operation
from ..types.chat.chat_completion import ChatCompletion
from .chat_chunk import ChatCompletionChunk
from .chat_events import ChatCompletionStreamEvent
from .chat_state import ChatCompletionStreamState
from .helper import HelperStream, StreamManager, refuse_view

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Body, Caller, RequestOptions
    from .._engine.iteration import Stream
    from ..structured.completion import CompletionParser
    from ..types.chat.parsed_chat_completion import ParsedChatCompletion

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("STREAM", "AsyncChatCompletionStream", "AsyncChatCompletionStreamManager", "opening")

STREAM: Final[Operation[Any]] = Operation(
    name="chat.completions.stream",
    verb="POST",
    path="/chat/completions",
    returns=ChatCompletion,
    body="json",
    event=ChatCompletionChunk,
    ending="chat",
    doc="https://platform.openai.com/docs/guides/streaming-responses",
)


class AsyncChatCompletionStream(HelperStream[ChatCompletionStreamEvent[T]], Generic[T]):
    """The events of one chat completion, and the completion that they become: an async iterator and context manager.

    Iteration ends when the answer is complete. Leaving the block early, `close()`, and cancelling a step hang up.
    """

    __slots__ = ("_state",)

    def __init__(self, raw: Stream[ChatCompletionChunk], state: ChatCompletionStreamState[T]) -> None:
        super().__init__(raw, take=state.handle_chunk, finish=state.finish, partial=state.partial, spoken=state.spoken)
        self._state = state

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[T]:
        """The completion so far: one object for the whole stream, which grows, brought up to date when it is read.

        It stays when the stream fails, and is the `partial` of a `StreamTruncated`.

        Raises:
            OpenAIError: Nothing has arrived yet.
        """
        return self._state.current_completion_snapshot

    async def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Read the stream to its end and return the completion; cancelling hangs up.

        Raises:
            LengthFinishReasonError: A choice was cut by its token limit.
            ContentFilterFinishReasonError: A choice was withheld by the content filter.
            APIResponseValidationError: Something does not fit the type it was asked for as.
            APIError: What reading raises, also if it was raised before.
            OpenAIError: The stream was closed before its end.
        """
        await self._read_all()
        return self._state.get_final_completion()  # what was complete has been read: it raises no DecodeFailure


class AsyncChatCompletionStreamManager(StreamManager[AsyncChatCompletionStream[T]], Generic[T]):
    """Sends the request when it is entered, and closes the stream when it is left."""

    __slots__ = ()


def opening(
    caller: Caller, body: Body, parser: CompletionParser[Any], options: RequestOptions
) -> AsyncChatCompletionStreamManager[Any]:
    """Return what sends a request when it is entered, and reads the answer's chunks.

    Raises:
        TypeError: The caller is a raw view.
    """
    refuse_view(caller)

    def wrap(raw: Stream[ChatCompletionChunk]) -> AsyncChatCompletionStream[Any]:
        return AsyncChatCompletionStream(raw, ChatCompletionStreamState.reading(parser))

    return AsyncChatCompletionStreamManager(
        lambda: caller.call(STREAM, body={**body, "stream": True}, stream=True, options=options), wrap
    )
