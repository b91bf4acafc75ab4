"""The events of `responses.run_tools()`; how they come about is not known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeAlias, TypeVar

from ..streaming.chat_events import StreamEvent
from ..streaming.response_events import ResponseStreamEvent
from ..types.responses.parsed_response import ParsedResponse
from ..types.responses.response_input_item_param import ResponseInputItemParam
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

__all__ = ("FinalOutputTextEvent", "FinalResponseEvent", "ItemEvent", "ResponseEvent", "ResponseToolRunEvent")


class ResponseEvent(StreamEvent, Generic[T]):
    """A request's answer is complete.

    Attributes:
        response: The answer.
    """

    type: ClassVar[Literal["response"]] = "response"
    _shown: ClassVar[tuple[str, ...]] = ("response",)
    response: ParsedResponse[T]


class ItemEvent(StreamEvent):
    """An item was added to the conversation: one of an answer's output, or a tool's output, in the order of the calls.

    Attributes:
        item: The item as it is sent with the next request.
    """

    type: ClassVar[Literal["item"]] = "item"
    _shown: ClassVar[tuple[str, ...]] = ("item",)
    item: ResponseInputItemParam


class FinalResponseEvent(StreamEvent, Generic[T]):
    """The last answer of the run.

    Attributes:
        response: The answer.
    """

    type: ClassVar[Literal["final_response"]] = "final_response"
    _shown: ClassVar[tuple[str, ...]] = ("response",)
    response: ParsedResponse[T]


class FinalOutputTextEvent(StreamEvent, Generic[T]):
    """The text of the last answer; comes if it has one.

    Attributes:
        text: All its texts, joined.
        parsed: The first text as the type that was asked for; None if none was.
    """

    type: ClassVar[Literal["final_output_text"]] = "final_output_text"
    _shown: ClassVar[tuple[str, ...]] = ("text", "parsed")
    text: str
    parsed: T | None


ResponseToolRunEvent: TypeAlias = (
    ConnectEvent
    | ResponseStreamEvent[T]
    | ResponseEvent[T]
    | ItemEvent
    | FunctionToolCallEvent
    | FunctionToolCallResultEvent
    | FinalResponseEvent[T]
    | FinalOutputTextEvent[T]
    | FinalFunctionToolCallEvent
    | FinalFunctionToolCallResultEvent
    | TotalUsageEvent
    | ErrorEvent
    | AbortEvent
    | EndEvent
)
"""What a run of tools over responses gives; `type` tells the events apart."""
