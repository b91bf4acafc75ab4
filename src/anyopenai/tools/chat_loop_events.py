"""The events of `chat.completions.run_tools()`; how they come about is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeAlias, TypeVar

from ..streaming.chat_events import (
    ChunkEvent,
    ContentDeltaEvent,
    ContentDoneEvent,
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
    LogprobsContentDeltaEvent,
    LogprobsContentDoneEvent,
    LogprobsRefusalDeltaEvent,
    LogprobsRefusalDoneEvent,
    RefusalDeltaEvent,
    RefusalDoneEvent,
    StreamEvent,
)
from ..types.chat.chat_completion_tool_message_param import ChatCompletionToolMessageParam
from ..types.chat.parsed_chat_completion import ParsedChatCompletion, ParsedChatCompletionMessage
from .loop_events import (
    AbortEvent,
    ConnectEvent,
    EndEvent,
    ErrorEvent,
    FinalFunctionToolCallEvent,
    FinalFunctionToolCallResultEvent,
    FunctionToolCallEvent,
    FunctionToolCallResultEvent,
    TotalUsageEvent,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = (
    "ChatCompletionEvent",
    "ChatToolRunEvent",
    "FinalChatCompletionEvent",
    "FinalContentEvent",
    "FinalMessageEvent",
    "MessageEvent",
)


class ChatCompletionEvent(StreamEvent, Generic[T]):
    """A request's answer is complete.

    Attributes:
        completion: The answer.
    """

    type: ClassVar[Literal["chat_completion"]] = "chat_completion"
    _shown: ClassVar[tuple[str, ...]] = ("completion",)
    completion: ParsedChatCompletion[T]


class MessageEvent(StreamEvent, Generic[T]):
    """A message was added to the conversation: the model's, or a tool's, which come in the order of the calls.

    Attributes:
        message: The message.
    """

    type: ClassVar[Literal["message"]] = "message"
    _shown: ClassVar[tuple[str, ...]] = ("message",)
    message: ParsedChatCompletionMessage[T] | ChatCompletionToolMessageParam


class FinalChatCompletionEvent(StreamEvent, Generic[T]):
    """The last answer of the run.

    Attributes:
        completion: The answer.
    """

    type: ClassVar[Literal["final_chat_completion"]] = "final_chat_completion"
    _shown: ClassVar[tuple[str, ...]] = ("completion",)
    completion: ParsedChatCompletion[T]


class FinalMessageEvent(StreamEvent, Generic[T]):
    """The message of the last answer.

    Attributes:
        message: The message.
    """

    type: ClassVar[Literal["final_message"]] = "final_message"
    _shown: ClassVar[tuple[str, ...]] = ("message",)
    message: ParsedChatCompletionMessage[T]


class FinalContentEvent(StreamEvent, Generic[T]):
    """The content of the last answer; comes if it has one.

    Attributes:
        content: The whole.
        parsed: The content as the type that was asked for; None if none was.
    """

    type: ClassVar[Literal["final_content"]] = "final_content"
    _shown: ClassVar[tuple[str, ...]] = ("content", "parsed")
    content: str
    parsed: T | None


ChatToolRunEvent: TypeAlias = (
    ConnectEvent
    | ChunkEvent
    | ContentDeltaEvent
    | ContentDoneEvent[T]
    | RefusalDeltaEvent
    | RefusalDoneEvent
    | FunctionToolCallArgumentsDeltaEvent
    | FunctionToolCallArgumentsDoneEvent
    | LogprobsContentDeltaEvent
    | LogprobsContentDoneEvent
    | LogprobsRefusalDeltaEvent
    | LogprobsRefusalDoneEvent
    | ChatCompletionEvent[T]
    | MessageEvent[T]
    | FunctionToolCallEvent
    | FunctionToolCallResultEvent
    | FinalChatCompletionEvent[T]
    | FinalMessageEvent[T]
    | FinalContentEvent[T]
    | FinalFunctionToolCallEvent
    | FinalFunctionToolCallResultEvent
    | TotalUsageEvent
    | ErrorEvent
    | AbortEvent
    | EndEvent
)
"""What a run of tools over chat completions gives; `type` tells the events apart."""
