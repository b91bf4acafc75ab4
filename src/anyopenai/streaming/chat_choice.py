"""One choice of a chat stream: its parts as they grow, the events they cause, and its snapshot; chunks are taken apart elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .._codec.extras import attach, derive, extras_of
from ..types.chat.chat_completion import ChoiceLogprobs
from ..types.chat.chat_completion_audio import ChatCompletionAudio
from ..types.chat.chat_completion_message import FunctionCall
from ..types.chat.parsed_chat_completion import ParsedChatCompletionMessage, ParsedChoice
from .chat_calls import GrowingCall, GrowingCalls
from .chat_events import (
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
)
from .growth import GrowingText, ReadText, fold, plain

if TYPE_CHECKING:
    from ..structured.completion import CompletionParser
    from ..types.chat.chat_completion_token_logprob import ChatCompletionTokenLogprob
    from .chat_events import ChatCompletionStreamEvent

__all__ = ("GrowingChoice",)

T = TypeVar("T")


class GrowingChoice(Generic[T]):
    """One choice as it grows.

    Attributes:
        index: Which choice it is.
        finish_reason: Why it ended; None while it goes on.
        content: Its text; None while there is none.
    """

    __slots__ = (
        "_annotations",
        "_audio",
        "_call",
        "_calls",
        "_changed",
        "_content_told",
        "_logprobs",
        "_others",
        "_others_here",
        "_parser",
        "_refusal",
        "_refusal_told",
        "_role",
        "_shown",
        "content",
        "finish_reason",
        "index",
    )

    def __init__(self, index: int, parser: CompletionParser[T]) -> None:
        self.index: int = index
        self.finish_reason: str | None = None
        self.content: GrowingText | None = None
        self._parser = parser
        self._role = "assistant"
        self._refusal: GrowingText | None = None
        self._content_told = self._refusal_told = -1
        self._calls = GrowingCalls()
        self._call: dict[str, GrowingText] | None = None  # the one call of the days before tools
        self._audio: dict[str, object] | None = None
        self._annotations: list[Any] | None = None
        self._logprobs: tuple[list[ChatCompletionTokenLogprob] | None, list[ChatCompletionTokenLogprob] | None] | None
        self._logprobs = None
        self._others: dict[str, object] = {}  # of the message
        self._others_here: dict[str, object] = {}  # of the choice
        self._shown: ParsedChoice[T] | None = None
        self._changed = True

    # -- taking pieces ---------------------------------------------------------------------------------------------

    # `Any`: the choice comes from a server, and what it lacks is handled.
    def take(self, choice: Any, events: list[ChatCompletionStreamEvent[T]]) -> None:
        """Add what a chunk says of this choice, and the events that it causes.

        Raises:
            DecodeFailure: What is complete with it does not fit the type that was asked for.
        """
        self._changed = True
        delta = getattr(choice, "delta", None)
        calls_begin = False
        if delta is not None:
            text = delta.content if hasattr(delta, "content") else None
            if type(text) is str:
                self.take_content(text, events)
            calls_begin = self._take_rest(delta, events)
        logprobs = getattr(choice, "logprobs", None)
        if logprobs is not None:
            self._take_logprobs(logprobs, events)
        others = extras_of(choice)
        if others:
            fold(self._others_here, others)
        reason = getattr(choice, "finish_reason", None)
        if reason and isinstance(reason, str):
            self.finish_reason = reason
        if calls_begin or self.finish_reason:
            self._tell_texts(events)
        if self.finish_reason:
            self._tell_calls(events)

    def take_content(self, piece: str, events: list[ChatCompletionStreamEvent[T]]) -> None:
        """Add a piece of the content."""
        text = self.content
        if text is None:
            text = self.content = GrowingText() if self._parser.output is None else ReadText()
        text.pieces.append(piece)
        text.length += len(piece)
        self._changed = True
        events.append(ContentDeltaEvent(piece, text, text.length))

    def _take_rest(self, delta: Any, events: list[ChatCompletionStreamEvent[T]]) -> bool:
        """Take the other members of a delta; True if a call of a tool begins with it."""
        role = getattr(delta, "role", None)
        if role and isinstance(role, str):
            self._role = role
        refusal = getattr(delta, "refusal", None)
        if type(refusal) is str:
            text = self._refusal
            if text is None:
                text = self._refusal = GrowingText()
            text.append(refusal)
            events.append(RefusalDeltaEvent(refusal, text, text.length))
        begins = False
        pieces: list[Any] = getattr(delta, "tool_calls", None) or []
        if pieces and type(pieces) is list:
            begins = self._take_calls(pieces, events)
        call = getattr(delta, "function_call", None)
        if call is not None:
            self._take_function_call(call)
        audio = getattr(delta, "audio", None)
        if audio is not None:
            self._take_audio(audio)
        annotations: list[Any] = getattr(delta, "annotations", None) or []
        if annotations and type(annotations) is list:
            if self._annotations is None:
                self._annotations = []
            self._annotations.extend(annotations)
        others = extras_of(delta)
        if others:
            fold(self._others, others)
        return begins

    def _take_calls(self, pieces: list[Any], events: list[ChatCompletionStreamEvent[T]]) -> bool:
        begun: list[GrowingCall] = []
        ended: list[GrowingCall] = []
        for position, piece in enumerate(pieces):
            latest = self._calls[-1] if self._calls else None
            call, added, begins = self._calls.take(piece, position, len(pieces))
            if begins:
                begun.append(call)
                # Servers make one call after the other; where they do not, an unfinished call shows it.
                if latest is not None and not latest.done and latest.text.complete:
                    ended.append(latest)
            if added is not None and not call.custom:
                known = call.name in self._parser.tools
                text = call.text
                events.append(
                    FunctionToolCallArgumentsDeltaEvent(call.name, call.position, added, text, text.length, known)
                )
        if begun:
            self._tell_texts(events)
        for call in ended:
            self._tell_call(call, events)
        return bool(begun)

    def _take_function_call(self, call: object) -> None:
        parts = self._call
        if parts is None:
            parts = self._call = {"name": GrowingText(), "arguments": GrowingText()}
        for name, text in parts.items():
            piece: object = getattr(call, name, None)
            if isinstance(piece, str):
                text.append(piece)

    def _take_audio(self, audio: object) -> None:
        parts = self._audio
        if parts is None:
            parts = self._audio = {"id": "", "expires_at": 0, "data": GrowingText(), "transcript": GrowingText()}
        for name in ("data", "transcript"):
            piece: object = getattr(audio, name, None)
            if isinstance(piece, str):
                cast("GrowingText", parts[name]).append(piece)
        for name in ("id", "expires_at"):
            value: object = getattr(audio, name, None)
            if value is not None:
                parts[name] = value

    def _take_logprobs(self, logprobs: object, events: list[ChatCompletionStreamEvent[T]]) -> None:
        content, refusal = self._logprobs or (None, None)
        found: Any = getattr(logprobs, "content", None)
        if isinstance(found, list):
            more = cast("list[ChatCompletionTokenLogprob]", found)
            content = [] if content is None else content
            content.extend(more)
            if more:
                events.append(LogprobsContentDeltaEvent(more, content, len(content)))
        found = getattr(logprobs, "refusal", None)
        if isinstance(found, list):
            more = cast("list[ChatCompletionTokenLogprob]", found)
            refusal = [] if refusal is None else refusal
            refusal.extend(more)
            if more:
                events.append(LogprobsRefusalDeltaEvent(more, refusal, len(refusal)))
        self._logprobs = (content, refusal)

    # -- ends ------------------------------------------------------------------------------------------------------

    def finish(self, events: list[ChatCompletionStreamEvent[T]]) -> None:
        """Tell the ends that no finish reason has told.

        Raises:
            DecodeFailure: What is complete does not fit the type that was asked for.
        """
        self._changed = True
        self._tell_texts(events)
        self._tell_calls(events)

    def _tell_texts(self, events: list[ChatCompletionStreamEvent[T]]) -> None:
        content, refusal = self.content, self._refusal
        logprobs = self._logprobs or (None, None)
        if content is not None and self._content_told != content.length:
            self._content_told = content.length
            whole = content.value()
            path = f"choices[{self.index}].message.content"
            parsed = None if refusal is not None else self._parser.text(whole, path=path)
            message = self._snapshot_message()
            if self._parser.output is not None:
                derive(message, "parsed", parsed)
            events.append(ContentDoneEvent(whole, parsed))
            if logprobs[0]:
                events.append(LogprobsContentDoneEvent(logprobs[0]))
        if refusal is not None and self._refusal_told != refusal.length:
            self._refusal_told = refusal.length
            events.append(RefusalDoneEvent(refusal.value()))
            if logprobs[1]:
                events.append(LogprobsRefusalDoneEvent(logprobs[1]))

    def _tell_calls(self, events: list[ChatCompletionStreamEvent[T]]) -> None:
        for call in self._calls:
            if not call.done:
                self._tell_call(call, events)

    def _tell_call(self, call: GrowingCall, events: list[ChatCompletionStreamEvent[T]]) -> None:
        if call.custom:
            call.end(None)
            return
        text = call.text.value()
        path = f"choices[{self.index}].message.tool_calls[{call.position}].function.arguments"
        parsed = self._parser.arguments(call.name, text, path=path)
        call.end(parsed)
        events.append(FunctionToolCallArgumentsDoneEvent(call.name, call.position, text, parsed))

    # -- the snapshot ----------------------------------------------------------------------------------------------

    def snapshot(self) -> ParsedChoice[T]:
        """Return the choice so far: the same object each time, brought up to date."""
        shown = self._shown
        if shown is not None and not self._changed:
            return shown
        self._changed = False
        message = self._snapshot_message()
        shown = self._shown
        assert shown is not None  # it holds the message
        shown.finish_reason = cast("Any", self.finish_reason)
        content = self.content
        if content is not None and self._parser.output is not None and self._content_told != content.length:
            derive(message, "parsed", cast("ReadText", content).partial)
        if self._refusal is not None:
            message.refusal = self._refusal.value()
        message.role = cast("Any", self._role)
        if self._calls:
            tools = self._parser.tools
            message.tool_calls = [call.snapshot(known=call.name in tools) for call in self._calls]
        if self._call is not None:
            message.function_call = FunctionCall(
                name=self._call["name"].value(), arguments=self._call["arguments"].value()
            )
        if self._audio is not None:
            message.audio = ChatCompletionAudio(**cast("Any", plain(self._audio)))
        if self._annotations is not None:
            message.annotations = self._annotations
        if self._logprobs is not None:
            shown.logprobs = ChoiceLogprobs(content=self._logprobs[0], refusal=self._logprobs[1])
        if self._others:
            attach(message, cast("dict[str, object]", plain(self._others)))
        if self._others_here:
            attach(shown, cast("dict[str, object]", plain(self._others_here)))
        return shown

    def _snapshot_message(self) -> ParsedChatCompletionMessage[T]:
        """Return the message of the snapshot, with its content up to date."""
        shown = self._shown
        if shown is None:
            message = ParsedChatCompletionMessage[T](content=None, refusal=None, role="assistant")
            shown = ParsedChoice[T](finish_reason=cast("Any", None), index=self.index, message=message, logprobs=None)
            self._shown = shown
        message = shown.message
        content = self.content
        if content is not None and (content.pieces or message.content is None):
            message.content = None  # so that nothing holds the text while it grows
            message.content = content.value()
        elif content is not None:
            message.content = content.value()
        return message
