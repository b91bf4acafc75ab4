"""The events that `responses.stream()` gives: those of the API, some with more to them; how they come about is not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from ..types import responses as api
from ..types._base import Literal
from ..types._mixins import derived
from ..types.responses.parsed_response import ParsedContent, ParsedResponse, ParsedResponseOutputItem
from ..types.responses.response_reasoning_item import Content
from .growth import GrowingText

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = (
    "ResponseCompletedEvent",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseCreatedEvent",
    "ResponseFailedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseInProgressEvent",
    "ResponseIncompleteEvent",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseQueuedEvent",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "Sofar",
)


class Sofar(Mapping[str, object]):
    """What an event says beside its members: `snapshot`, a text so far, put together when it is read."""

    __slots__ = ("_end", "_text")

    def __init__(self, text: GrowingText) -> None:
        self._text = text
        self._end = text.length

    def __getitem__(self, name: str) -> str:
        if name != "snapshot":
            raise KeyError(name)
        return self._text.upto(self._end)

    def __iter__(self) -> Iterator[str]:
        return iter(("snapshot",))

    def __len__(self) -> int:
        return 1


class ResponseTextDeltaEvent(
    api.ResponseTextDeltaEvent, kw_only=True, tag_field="type", tag="response.output_text.delta"
):
    """A piece of a text."""

    type: ClassVar[Literal["response.output_text.delta"]] = "response.output_text.delta"

    @property
    def snapshot(self) -> str:
        """The text up to this piece."""
        found: str | None = derived(self, "snapshot")
        return found or ""


class ResponseFunctionCallArgumentsDeltaEvent(
    api.ResponseFunctionCallArgumentsDeltaEvent,
    kw_only=True,
    tag_field="type",
    tag="response.function_call_arguments.delta",
):
    """A piece of the arguments of a function's call."""

    type: ClassVar[Literal["response.function_call_arguments.delta"]] = "response.function_call_arguments.delta"

    @property
    def snapshot(self) -> str:
        """The arguments up to this piece."""
        found: str | None = derived(self, "snapshot")
        return found or ""


class ResponseTextDoneEvent(
    api.ResponseTextDoneEvent, Generic[T], kw_only=True, tag_field="type", tag="response.output_text.done"
):
    """A text is complete."""

    type: ClassVar[Literal["response.output_text.done"]] = "response.output_text.done"

    @property
    def parsed(self) -> T | None:
        """The text as the type that was asked for; None if none was."""
        found: T | None = derived(self, "parsed")
        return found


class ResponseCreatedEvent(
    api.ResponseCreatedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.created"
):
    """The response has begun."""

    type: ClassVar[Literal["response.created"]] = "response.created"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseInProgressEvent(
    api.ResponseInProgressEvent, Generic[T], kw_only=True, tag_field="type", tag="response.in_progress"
):
    """The response is being made."""

    type: ClassVar[Literal["response.in_progress"]] = "response.in_progress"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseQueuedEvent(api.ResponseQueuedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.queued"):
    """The response waits for its turn."""

    type: ClassVar[Literal["response.queued"]] = "response.queued"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseCompletedEvent(
    api.ResponseCompletedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.completed"
):
    """The response is complete."""

    type: ClassVar[Literal["response.completed"]] = "response.completed"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseIncompleteEvent(
    api.ResponseIncompleteEvent, Generic[T], kw_only=True, tag_field="type", tag="response.incomplete"
):
    """The response ended before it was complete."""

    type: ClassVar[Literal["response.incomplete"]] = "response.incomplete"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseFailedEvent(api.ResponseFailedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.failed"):
    """The response failed."""

    type: ClassVar[Literal["response.failed"]] = "response.failed"
    response: ParsedResponse[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseOutputItemAddedEvent(
    api.ResponseOutputItemAddedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.output_item.added"
):
    """An item of the output begins."""

    type: ClassVar[Literal["response.output_item.added"]] = "response.output_item.added"
    item: ParsedResponseOutputItem[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseOutputItemDoneEvent(
    api.ResponseOutputItemDoneEvent, Generic[T], kw_only=True, tag_field="type", tag="response.output_item.done"
):
    """An item of the output is complete."""

    type: ClassVar[Literal["response.output_item.done"]] = "response.output_item.done"
    item: ParsedResponseOutputItem[T]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseContentPartAddedEvent(
    api.ResponseContentPartAddedEvent, Generic[T], kw_only=True, tag_field="type", tag="response.content_part.added"
):
    """A part of a message begins."""

    type: ClassVar[Literal["response.content_part.added"]] = "response.content_part.added"
    part: ParsedContent[T] | Content  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ResponseContentPartDoneEvent(
    api.ResponseContentPartDoneEvent, Generic[T], kw_only=True, tag_field="type", tag="response.content_part.done"
):
    """A part of a message is complete."""

    type: ClassVar[Literal["response.content_part.done"]] = "response.content_part.done"
    part: ParsedContent[T] | Content  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


ResponseStreamEvent: TypeAlias = (
    api.ResponseAudioDeltaEvent
    | api.ResponseAudioDoneEvent
    | api.ResponseAudioTranscriptDeltaEvent
    | api.ResponseAudioTranscriptDoneEvent
    | api.ResponseCodeInterpreterCallCodeDeltaEvent
    | api.ResponseCodeInterpreterCallCodeDoneEvent
    | api.ResponseCodeInterpreterCallCompletedEvent
    | api.ResponseCodeInterpreterCallInProgressEvent
    | api.ResponseCodeInterpreterCallInterpretingEvent
    | ResponseCompletedEvent[T]
    | ResponseContentPartAddedEvent[T]
    | ResponseContentPartDoneEvent[T]
    | ResponseCreatedEvent[T]
    | api.ResponseErrorEvent
    | api.ResponseFileSearchCallCompletedEvent
    | api.ResponseFileSearchCallInProgressEvent
    | api.ResponseFileSearchCallSearchingEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | api.ResponseFunctionCallArgumentsDoneEvent
    | api.ResponseShellCallCommandAddedEvent
    | api.ResponseShellCallCommandDeltaEvent
    | api.ResponseShellCallCommandDoneEvent
    | api.ResponseShellCallOutputContentDeltaEvent
    | api.ResponseShellCallOutputContentDoneEvent
    | ResponseInProgressEvent[T]
    | ResponseFailedEvent[T]
    | ResponseIncompleteEvent[T]
    | ResponseOutputItemAddedEvent[T]
    | ResponseOutputItemDoneEvent[T]
    | api.ResponseReasoningSummaryPartAddedEvent
    | api.ResponseReasoningSummaryPartDoneEvent
    | api.ResponseReasoningSummaryTextDeltaEvent
    | api.ResponseReasoningSummaryTextDoneEvent
    | api.ResponseReasoningTextDeltaEvent
    | api.ResponseReasoningTextDoneEvent
    | api.ResponseRefusalDeltaEvent
    | api.ResponseRefusalDoneEvent
    | ResponseTextDeltaEvent
    | ResponseTextDoneEvent[T]
    | api.ResponseWebSearchCallCompletedEvent
    | api.ResponseWebSearchCallInProgressEvent
    | api.ResponseWebSearchCallSearchingEvent
    | api.ResponseImageGenCallCompletedEvent
    | api.ResponseImageGenCallGeneratingEvent
    | api.ResponseImageGenCallInProgressEvent
    | api.ResponseImageGenCallPartialImageEvent
    | api.ResponseMcpCallArgumentsDeltaEvent
    | api.ResponseMcpCallArgumentsDoneEvent
    | api.ResponseMcpCallCompletedEvent
    | api.ResponseMcpCallFailedEvent
    | api.ResponseMcpCallInProgressEvent
    | api.ResponseMcpListToolsCompletedEvent
    | api.ResponseMcpListToolsFailedEvent
    | api.ResponseMcpListToolsInProgressEvent
    | api.ResponseOutputTextAnnotationAddedEvent
    | ResponseQueuedEvent[T]
    | api.ResponseCustomToolCallInputDeltaEvent
    | api.ResponseCustomToolCallInputDoneEvent
)
"""What `responses.stream()` gives; `type` tells the events apart."""
