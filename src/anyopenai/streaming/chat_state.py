"""`ChatCompletionStreamState`: chunks of a chat completion to events and to the whole; nothing is read or sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .._codec.extras import attach, extras_of
from .._omit import Omit, omit
from ..errors import ContentFilterFinishReasonError, LengthFinishReasonError, OpenAIError
from ..structured.completion import asked_completion
from ..structured.tool import FunctionTool, tool_in
from ..types.chat.parsed_chat_completion import ParsedChatCompletion
from .chat_choice import GrowingChoice
from .chat_events import ChunkEvent, ContentDeltaEvent

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from ..structured.completion import CompletionParser
    from ..structured.output import Output
    from ..types.chat.chat_completion_chunk import ChatCompletionChunk
    from ..types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
    from .chat_events import ChatCompletionStreamEvent

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("ChatCompletionStreamState", "asked_stream")


def asked_stream(
    response_format: Any, tools: Iterable[Any] | Omit
) -> tuple[object, list[object] | Omit, CompletionParser[Any]]:
    """Return `response_format` and `tools` as they are sent, and what reads the answer.

    Unlike for `parse()`, a tool need not be strict; then its arguments stay text.

    Raises:
        UnsupportedSchemaError: A type has no form in the schemas that the API takes.
    """
    if isinstance(tools, Omit):
        return asked_completion(response_format, omit)
    given = list(tools)
    sent, _, parser = asked_completion(response_format, [tool for tool in given if _is_read(tool)])
    return sent, [tool.for_chat() if isinstance(tool, FunctionTool) else tool for tool in given], parser


def _is_read(tool: object) -> bool:
    if tool_in(tool) is not None:
        return True
    function = cast("Mapping[str, object]", tool).get("function") if isinstance(tool, Mapping) else None
    return isinstance(function, Mapping) and cast("Mapping[str, object]", function).get("strict") is True


class ChatCompletionStreamState(Generic[T]):
    """Puts a chat completion together from its chunks, and says what each of them brings.

    ::

        state = ChatCompletionStreamState()
        async for chunk in await client.chat.completions.create(..., stream=True):
            for event in state.handle_chunk(chunk):
                ...
        completion = state.get_final_completion()

    The cost is linear in the chunks, and a snapshot copies nothing that did not change.

    Args:
        input_tools: The `tools` of the request, whose calls' arguments are read.
        response_format: The `response_format` of the request, as which contents are read.

    Raises:
        UnsupportedSchemaError: A type has no form in the schemas that the API takes.
    """

    __slots__ = ("_choices", "_head", "_others", "_parser", "_reads", "_shown")

    def __init__(
        self,
        *,
        input_tools: Iterable[ChatCompletionToolUnionParam | FunctionTool[object]] | Omit = omit,
        response_format: type[T] | Output[T] | Mapping[str, object] | Omit = omit,
    ) -> None:
        self._begin(asked_stream(response_format, input_tools)[2])

    @classmethod
    def reading(cls, parser: CompletionParser[T]) -> ChatCompletionStreamState[T]:
        """Return a state for what is read already: contents and arguments."""
        state = cls.__new__(cls)
        state._begin(parser)
        return state

    def _begin(self, parser: CompletionParser[T]) -> None:
        self._parser = parser
        # What is read as a type must be whole, or the stream fails.
        self._reads = parser.output is not None or bool(parser.tools)
        self._choices: dict[int, GrowingChoice[T]] = {}
        self._head: dict[str, Any] = {}
        self._others: dict[str, object] = {}
        self._shown: ParsedChatCompletion[T] | None = None

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[T]:
        """The completion so far: one object for the whole stream, which grows, brought up to date when it is read.

        Raises:
            OpenAIError: Nothing has arrived yet.
        """
        head = self._head
        if not head:
            raise OpenAIError("no chunk has arrived yet, so there is no completion to show; read an event first")
        shown = self._shown
        choices = [choice.snapshot() for choice in self._ordered()]
        if shown is None:
            shown = ParsedChatCompletion[T](choices=choices, object="chat.completion", **head)
            self._shown = shown
        else:
            for name, value in head.items():
                setattr(shown, name, value)
            shown.choices = choices
        if self._others:
            attach(shown, self._others)
        return shown

    def _ordered(self) -> list[GrowingChoice[T]]:
        return [self._choices[index] for index in sorted(self._choices)]

    def handle_chunk(self, chunk: ChatCompletionChunk) -> list[ChatCompletionStreamEvent[T]]:
        """Add a chunk, and return what happens with it: the chunk itself first.

        Raises:
            DecodeFailure: Something that is complete now does not fit the type it was asked for as.
            LengthFinishReasonError: What is to be read as a type was cut by the token limit.
            ContentFilterFinishReasonError: It was cut by the content filter.
        """
        events: list[ChatCompletionStreamEvent[T]] = [ChunkEvent(chunk, self)]
        head = self._head
        # Chunks of azure begin with one that names no model.
        if not head or not head["id"] or not head["model"]:
            self._begin_head(chunk)
        if chunk.usage is not None:
            head["usage"] = chunk.usage
        if chunk.system_fingerprint is not None:
            head["system_fingerprint"] = chunk.system_fingerprint
        if chunk.service_tier is not None and "service_tier" not in head:
            head["service_tier"] = chunk.service_tier
        if chunk.moderation is not None:
            head["moderation"] = chunk.moderation
        others = extras_of(chunk)
        if others:
            for name, value in others.items():
                if value is not None:
                    self._others.setdefault(name, value)
        choices: list[Any] | None = cast("list[Any] | None", chunk.choices)
        if type(choices) is list:
            for position, choice in enumerate(choices):
                self._take(choice, position, events)
        return events

    def _begin_head(self, chunk: ChatCompletionChunk) -> None:
        head = self._head
        for name in ("id", "created", "model"):
            value: object = getattr(chunk, name)
            if value or name not in head:
                head[name] = value

    # `Any`: the choice comes from a server, and what it lacks is handled.
    def _take(self, choice: Any, position: int, events: list[ChatCompletionStreamEvent[T]]) -> None:
        if choice is None:
            return
        index: object = getattr(choice, "index", None)
        number = index if type(index) is int else position
        growing = self._choices.get(number)
        if growing is None:
            growing = self._choices[number] = GrowingChoice(number, self._parser)
        if self._reads:
            self._refuse_cut(getattr(choice, "finish_reason", None), growing, choice)
        growing.take(choice, events)

    def _refuse_cut(self, reason: object, growing: GrowingChoice[T], choice: Any) -> None:
        if reason == "length":
            growing.finish_reason = "length"
            text = getattr(getattr(choice, "delta", None), "content", None)
            if isinstance(text, str):
                growing.take_content(text, [])
            raise LengthFinishReasonError(completion=self.current_completion_snapshot)
        if reason == "content_filter":
            growing.finish_reason = "content_filter"
            raise ContentFilterFinishReasonError

    def finish(self) -> list[ChatCompletionStreamEvent[T]]:
        """Return what happens at the end of the stream: the ends that no finish reason has told.

        Raises:
            DecodeFailure: Something does not fit the type it was asked for as.
        """
        events: list[ChatCompletionStreamEvent[T]] = []
        for choice in self._ordered():
            if choice.finish_reason is None:
                choice.finish(events)
        return events

    def spoken(self, event: ChatCompletionStreamEvent[T]) -> str | None:
        """Return the piece of the first choice's content that an event is; None for another event."""
        if not isinstance(event, ContentDeltaEvent):
            return None
        first = self._choices.get(0)
        return event.delta if first is not None and event.belongs_to(first.content) else None

    def partial(self) -> ParsedChatCompletion[T] | None:
        """Return the completion so far; None if nothing has arrived."""
        return self.current_completion_snapshot if self._head else None

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Return the whole completion, with contents and arguments as what they were asked for.

        Raises:
            LengthFinishReasonError: A choice was cut by its token limit.
            ContentFilterFinishReasonError: A choice was withheld by the content filter.
            DecodeFailure: Something does not fit the type it was asked for as.
            OpenAIError: Nothing has arrived.
        """
        self.finish()
        completion = self.current_completion_snapshot
        for choice in completion.choices:
            if choice.finish_reason == "length":
                raise LengthFinishReasonError(completion=completion)
            if choice.finish_reason == "content_filter":
                raise ContentFilterFinishReasonError
        return completion
