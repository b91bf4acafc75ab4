"""The events that `chat.completions.stream()` gives; how they come about is not known here.

What an event says of the answer so far is put together when it is asked for: an event that nobody looks into costs the
same at the end of a long answer as at its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeAlias, TypeVar, cast

from msgspec import Struct

from .._codec.dump import dump_json, dump_mapping
from ..types.chat.chat_completion_chunk import ChatCompletionChunk
from ..types.chat.chat_completion_token_logprob import ChatCompletionTokenLogprob
from ..types.chat.parsed_chat_completion import ParsedChatCompletion
from .growth import GrowingText, ReadText

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .chat_state import ChatCompletionStreamState

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = (
    "ChatCompletionStreamEvent",
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
    "StreamEvent",
)


class StreamEvent(Struct, eq=False):
    """Base of the helpers' events; each class says by `type` which event it is."""

    _shown: ClassVar[tuple[str, ...]]

    def to_dict(self, *, mode: Literal["json", "python"] = "python", exclude_none: bool = False) -> dict[str, object]:
        """Return the members as a dict of plain values, nested objects too.

        Args:
            mode: `"json"` gives only what JSON has; `"python"` leaves dates and the like as they are.
            exclude_none: Leave out every member that is None.
        """
        members: dict[str, object] = {"type": getattr(self, "type", None)}
        for name in self._shown:
            value: object = getattr(self, name)
            if value is not None or not exclude_none:
                members[name] = _plain(value, mode)
        return dump_mapping(members, mode=mode, exclude_none=exclude_none)

    def to_json(self, *, indent: int | None = 2, exclude_none: bool = False) -> str:
        """Return the members as JSON text; `indent` is in spaces, None for one line."""
        return dump_json(self.to_dict(mode="json", exclude_none=exclude_none), indent)

    def model_dump(
        self, *, mode: Literal["json", "python"] = "python", exclude_none: bool = False
    ) -> dict[str, object]:
        """Return the members as a dict; the name openai-python's users type."""
        return self.to_dict(mode=mode, exclude_none=exclude_none)

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False) -> str:
        """Return the members as JSON text on one line; the name openai-python's users type."""
        return self.to_json(indent=indent, exclude_none=exclude_none)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
        return f"{type(self).__name__}({shown})"


def _plain(value: object, mode: str) -> object:
    dump = None if isinstance(value, Struct) else getattr(value, "model_dump", None)
    return value if dump is None else cast("object", dump(mode=mode))


class ChunkEvent(StreamEvent):
    """A chunk as the server sent it; comes before the events that it causes.

    Attributes:
        chunk: The chunk.
    """

    type: ClassVar[Literal["chunk"]] = "chunk"
    _shown: ClassVar[tuple[str, ...]] = ("chunk", "snapshot")
    chunk: ChatCompletionChunk
    # Its type is not evaluated: the state makes the events.
    _state: object

    @property
    def snapshot(self) -> ParsedChatCompletion[object]:
        """The completion so far: one object for the whole stream, which grows, brought up to date when it is read."""
        return cast("ChatCompletionStreamState[object]", self._state).current_completion_snapshot


class ContentDeltaEvent(StreamEvent):
    """A piece of the content.

    Attributes:
        delta: The piece.
    """

    type: ClassVar[Literal["content.delta"]] = "content.delta"
    _shown: ClassVar[tuple[str, ...]] = ("delta", "snapshot", "parsed")
    delta: str
    _text: GrowingText
    _end: int

    @property
    def snapshot(self) -> str:
        """The content up to this piece."""
        return self._text.upto(self._end)

    def belongs_to(self, text: object) -> bool:
        """Tell whether the piece is one of a text that the stream's state holds."""
        return self._text is text

    @property
    def parsed(self) -> object | None:
        """What a content of a type says so far, as plain dicts and lists that grow; None without `response_format`."""
        return self._text.partial if isinstance(self._text, ReadText) else None


class ContentDoneEvent(StreamEvent, Generic[T]):
    """A content is complete.

    Attributes:
        content: The whole.
        parsed: The content as the type that was asked for; None if none was.
    """

    type: ClassVar[Literal["content.done"]] = "content.done"
    _shown: ClassVar[tuple[str, ...]] = ("content", "parsed")
    content: str
    parsed: T | None


class RefusalDeltaEvent(StreamEvent):
    """A piece of a refusal.

    Attributes:
        delta: The piece.
    """

    type: ClassVar[Literal["refusal.delta"]] = "refusal.delta"
    _shown: ClassVar[tuple[str, ...]] = ("delta", "snapshot")
    delta: str
    _text: GrowingText
    _end: int

    @property
    def snapshot(self) -> str:
        """The refusal up to this piece."""
        return self._text.upto(self._end)


class RefusalDoneEvent(StreamEvent):
    """A refusal is complete.

    Attributes:
        refusal: The whole.
    """

    type: ClassVar[Literal["refusal.done"]] = "refusal.done"
    _shown: ClassVar[tuple[str, ...]] = ("refusal",)
    refusal: str


class FunctionToolCallArgumentsDeltaEvent(StreamEvent):
    """A piece of the arguments of a function's call.

    Attributes:
        name: The function.
        index: Which of the message's calls it is, from 0.
        arguments_delta: The piece.
    """

    type: ClassVar[Literal["tool_calls.function.arguments.delta"]] = "tool_calls.function.arguments.delta"
    _shown: ClassVar[tuple[str, ...]] = ("name", "index", "arguments", "parsed_arguments", "arguments_delta")
    name: str
    index: int
    arguments_delta: str
    _text: ReadText
    _end: int
    _known: bool

    @property
    def arguments(self) -> str:
        """The arguments up to this piece."""
        return self._text.upto(self._end)

    @property
    def parsed_arguments(self) -> object | None:
        """What the arguments say so far, as plain dicts and lists that grow; None for a tool that is not strict."""
        return self._text.partial if self._known else None


class FunctionToolCallArgumentsDoneEvent(StreamEvent):
    """The arguments of a function's call are complete; comes once for each call.

    Attributes:
        name: The function.
        index: Which of the message's calls it is, from 0.
        arguments: The whole.
        parsed_arguments: The arguments as the tool's type, or as a dict where the tool is a plain strict schema.
    """

    type: ClassVar[Literal["tool_calls.function.arguments.done"]] = "tool_calls.function.arguments.done"
    _shown: ClassVar[tuple[str, ...]] = ("name", "index", "arguments", "parsed_arguments")
    name: str
    index: int
    arguments: str
    parsed_arguments: object | None


class LogprobsContentDeltaEvent(StreamEvent):
    """Log probabilities of a piece of the content.

    Attributes:
        content: Those of this piece.
    """

    type: ClassVar[Literal["logprobs.content.delta"]] = "logprobs.content.delta"
    _shown: ClassVar[tuple[str, ...]] = ("content", "snapshot")
    content: list[ChatCompletionTokenLogprob]
    _all: list[ChatCompletionTokenLogprob]
    _end: int

    @property
    def snapshot(self) -> list[ChatCompletionTokenLogprob]:
        """Those of the content up to this piece; a new list each time it is read."""
        return self._all[: self._end]


class LogprobsContentDoneEvent(StreamEvent):
    """The log probabilities of a content are complete.

    Attributes:
        content: All of them.
    """

    type: ClassVar[Literal["logprobs.content.done"]] = "logprobs.content.done"
    _shown: ClassVar[tuple[str, ...]] = ("content",)
    content: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDeltaEvent(StreamEvent):
    """Log probabilities of a piece of a refusal.

    Attributes:
        refusal: Those of this piece.
    """

    type: ClassVar[Literal["logprobs.refusal.delta"]] = "logprobs.refusal.delta"
    _shown: ClassVar[tuple[str, ...]] = ("refusal", "snapshot")
    refusal: list[ChatCompletionTokenLogprob]
    _all: list[ChatCompletionTokenLogprob]
    _end: int

    @property
    def snapshot(self) -> list[ChatCompletionTokenLogprob]:
        """Those of the refusal up to this piece; a new list each time it is read."""
        return self._all[: self._end]


class LogprobsRefusalDoneEvent(StreamEvent):
    """The log probabilities of a refusal are complete.

    Attributes:
        refusal: All of them.
    """

    type: ClassVar[Literal["logprobs.refusal.done"]] = "logprobs.refusal.done"
    _shown: ClassVar[tuple[str, ...]] = ("refusal",)
    refusal: list[ChatCompletionTokenLogprob]


ChatCompletionStreamEvent: TypeAlias = (
    ChunkEvent
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
)
"""What `chat.completions.stream()` gives; `type` tells the events apart."""
