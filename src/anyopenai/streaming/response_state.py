"""Events of a response to the response they become, and to what they say with it; nothing is read or sent here."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar, cast

from msgspec import Struct

from .._codec.dump import members_of
from .._codec.extras import DERIVED, derive, room_of
from ..errors import ContentFilterFinishReasonError, LengthFinishReasonError, OpenAIError
from ..structured.parser import listed
from ..types.responses.parsed_response import ParsedResponse
from ..types.responses.response_reasoning_item import Summary
from .growth import GrowingText
from .response_events import ResponseFunctionCallArgumentsDeltaEvent, ResponseTextDeltaEvent, Sofar

if TYPE_CHECKING:
    from ..structured.response import ResponseParser
    from .response_events import ResponseStreamEvent

__all__ = ("GrowingResponse", "refuse_incomplete")

T = TypeVar("T")


class _Place(NamedTuple):
    """Where a text grows: a member of an item of the output, or of a part of that.

    Attributes:
        parts: The item's list of parts; None if the text is the item's own.
        number: The member of the event that says which part.
        text: The member that is the text.
    """

    parts: str | None
    number: str
    text: str


_TEXT: Final = _Place("content", "content_index", "text")
_REFUSAL: Final = _Place("content", "content_index", "refusal")
_SUMMARY: Final = _Place("summary", "summary_index", "text")
_ARGUMENTS: Final = _Place(None, "", "arguments")
_INPUT: Final = _Place(None, "", "input")
_CODE: Final = _Place(None, "", "code")

_PIECES: Final = {
    "response.output_text.delta": _TEXT,
    "response.refusal.delta": _REFUSAL,
    "response.reasoning_text.delta": _TEXT,
    "response.reasoning_summary_text.delta": _SUMMARY,
    "response.function_call_arguments.delta": _ARGUMENTS,
    "response.mcp_call_arguments.delta": _ARGUMENTS,
    "response.custom_tool_call_input.delta": _INPUT,
    "response.code_interpreter_call_code.delta": _CODE,
}
_WHOLES: Final = {name.replace(".delta", ".done"): place for name, place in _PIECES.items()}
_BEGINS: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS: Final = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})

_Key = tuple[int, str | None, int, str]


class GrowingResponse(Generic[T]):
    """Puts a response together from its events, at a cost linear in them.

    Args:
        parser: What reads texts and arguments.
        after: The number of the last event that is not given; those up to it are needed for what follows them.
    """

    __slots__ = ("_after", "_dirty", "_ended", "_error", "_items", "_moved", "_parser", "_response", "_texts")

    def __init__(self, parser: ResponseParser[T], after: int | None = None) -> None:
        self._parser = parser
        self._after = -1 if after is None else after
        self._response: ParsedResponse[T] | None = None
        self._items: dict[int, Any] = {}
        self._moved = False
        self._texts: dict[_Key, GrowingText] = {}
        self._dirty: set[_Key] = set()
        self._ended = False
        self._error: Any = None

    @property
    def failed(self) -> Any:
        """What the server said went wrong: its `error` event, or the error of a failed response; None if nothing did."""
        if self._error is None and self._ended and self._response is not None and self._response.status == "failed":
            return self._response.error
        return self._error

    def take(self, event: Any) -> list[ResponseStreamEvent[T]]:
        """Add an event, and return it unless it is one that has been seen before.

        Raises:
            DecodeFailure: A text or arguments that are complete do not fit the type they were asked for as.
        """
        said: object = getattr(event, "type", None)
        kind = said if type(said) is str else ""  # a server may send anything
        place = _PIECES.get(kind)
        if place is not None:
            self._take_piece(event, place)
        elif kind in _ENDS or kind in _BEGINS:
            self._take_response(event, ended=kind in _ENDS)
        elif kind == "error":
            self._error = event
        else:
            self._take_other(event, kind)
        if self._after >= 0:
            number: object = getattr(event, "sequence_number", None)
            if type(number) is int and number <= self._after:
                return []
        return [event]

    def finish(self) -> list[ResponseStreamEvent[T]]:
        """Return what happens at the end: nothing that was not said."""
        return []

    # -- events ----------------------------------------------------------------------------------------------------

    def _take_piece(self, event: Any, place: _Place) -> None:
        key = _key(event, place)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = GrowingText()
        piece: object = getattr(event, "delta", None)
        if type(piece) is str:
            text.pieces.append(piece)
            text.length += len(piece)
            self._dirty.add(key)
        if isinstance(event, ResponseTextDeltaEvent | ResponseFunctionCallArgumentsDeltaEvent):
            room_of(event)[DERIVED] = Sofar(text)

    def _take_response(self, event: Any, *, ended: bool) -> None:
        response: object = getattr(event, "response", None)
        if not isinstance(response, ParsedResponse):
            if ended and self._response is not None:
                # An end that has no type yet, or no response in it.
                self._response.status = event.type.removeprefix("response.")
            return
        found = cast("ParsedResponse[T]", response)
        output: object = found.output  # whatever a server sent
        if type(output) is not list or not output:
            # Some servers send null, and some leave the output out at the end.
            found.output = self._output() if ended else []
        if ended:
            self._ended = True
            if found.status != "failed":
                self._read(found)
            self._response = found
            return
        if self._response is None:
            self._response = found.model_copy()
            for number, item in enumerate(found.output):
                if isinstance(item, Struct | dict):
                    self._items.setdefault(number, _own(item))
        else:
            for member in members_of(type(found)):
                if member.name != "output":
                    setattr(self._response, member.name, getattr(found, member.name))
        self._moved = True

    def _read(self, response: ParsedResponse[T]) -> None:
        try:
            self._parser(response)
        except OpenAIError:
            # Cut by a limit: the event is given, and who asks for the final response is told.
            return

    def _take_other(self, event: Any, kind: str) -> None:
        whole = _WHOLES.get(kind)
        if whole is not None:
            self._take_whole(event, whole)
            if kind == "response.output_text.done":
                path = f"output[{event.output_index}].content[{event.content_index}].text"
                if self._parser.output is not None:
                    derive(event, "parsed", self._parser.text(event.text, path=path))
        elif kind == "response.output_item.added" or kind == "response.output_item.done":
            index = _number(event, "output_index")
            item: object = event.item
            if not isinstance(item, Struct | dict):
                return  # what is no object has no place to grow in
            self._items[index] = _own(item)
            self._moved = True
            self._dirty = {key for key in self._dirty if key[0] != index}
        elif kind == "response.content_part.added" or kind == "response.content_part.done":
            self._take_part(event, _TEXT, copy(event.part))
        elif kind == "response.reasoning_summary_part.added" or kind == "response.reasoning_summary_part.done":
            part = Summary(text=getattr(event.part, "text", ""))
            self._take_part(event, _SUMMARY, part)
        elif kind == "response.output_text.annotation.added":
            part = self._part(_number(event, "output_index"), "content", _number(event, "content_index"))
            annotations: list[Any] | None = getattr(part, "annotations", None)
            if type(annotations) is list:
                annotations.append(event.annotation)

    def _take_whole(self, event: Any, place: _Place) -> None:
        whole: object = getattr(event, place.text, None)
        if type(whole) is not str:
            return
        key = _key(event, place)
        known = self._texts.get(key)
        if known is None or known.length != len(whole):
            # Pieces were missing; what was said with them stays as it was.
            known = self._texts[key] = GrowingText()
            known.append(whole)
        self._dirty.add(key)

    def _take_part(self, event: Any, place: _Place, part: Any) -> None:
        index, parts, number, _ = _key(event, place)
        item = self._items.get(index)
        if item is None or parts is None:
            return
        found: object = getattr(item, parts, None)
        held = listed(found)
        if held is not found:
            setattr(item, parts, held)
        if 0 <= number < len(held):
            held[number] = part
        else:
            held.append(part)
        self._dirty = {key for key in self._dirty if key[:3] != (index, parts, number)}

    def _part(self, index: int, parts: str | None, number: int) -> Any:
        item = self._items.get(index)
        if parts is None:
            return item
        held = listed(getattr(item, parts, None))
        return held[number] if 0 <= number < len(held) else None

    # -- what they have become -------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> ParsedResponse[T]:
        """The response so far: one object that grows, and at the end the one that the last event has.

        Raises:
            OpenAIError: Nothing has arrived yet.
        """
        response = self._response
        if response is None:
            raise OpenAIError("no response has arrived yet, so there is none to show; read an event first")
        if self._ended:
            return response
        for key in self._dirty:
            index, parts, number, name = key
            holder = self._part(index, parts, number)
            if holder is not None and hasattr(holder, name):
                setattr(holder, name, "")  # so that nothing holds the text while it grows
                setattr(holder, name, self._texts[key].value())
        self._dirty.clear()
        if self._moved:
            self._moved = False
            response.output = self._output()
        return response

    def _output(self) -> list[Any]:
        return [self._items[index] for index in sorted(self._items)]

    def partial(self) -> ParsedResponse[T] | None:
        """Return the response so far; None if nothing has arrived."""
        return None if self._response is None else self.snapshot

    def final(self) -> ParsedResponse[T]:
        """Return the whole response.

        Raises:
            LengthFinishReasonError: It was cut by its token limit.
            ContentFilterFinishReasonError: It was cut by the content filter.
            OpenAIError: It ended before it was complete for another reason.
        """
        response = self.snapshot
        refuse_incomplete(response, "current_response_snapshot is what there is of it")
        return response


def refuse_incomplete(response: ParsedResponse[Any], kept: str) -> None:
    """Refuse a response that ended before it was complete.

    Args:
        response: The response.
        kept: Where what there is of it can be found, for messages.

    Raises:
        LengthFinishReasonError: It was cut by its token limit.
        ContentFilterFinishReasonError: It was cut by the content filter.
        OpenAIError: It ended before it was complete for another reason.
    """
    if response.status == "completed" or response.status is None:
        return
    reason = getattr(response.incomplete_details, "reason", None)
    if reason == "max_output_tokens":
        raise LengthFinishReasonError(completion=response)
    if reason == "content_filter":
        raise ContentFilterFinishReasonError
    raise OpenAIError(f"the response is {response.status}, not completed{f' ({reason})' if reason else ''}; {kept}")


def _number(event: Any, name: str) -> int:
    """Return a member that is a number; 0 where a server leaves it out."""
    value: object = getattr(event, name, None) if name else None
    return value if type(value) is int else 0


def _key(event: Any, place: _Place) -> _Key:
    return _number(event, "output_index"), place.parts, _number(event, place.number), place.text


def _own(item: Any) -> Any:
    """Return a copy of an item that can grow without changing the event it came in."""
    own = copy(item)
    for name in ("content", "summary"):
        parts: list[Any] | None = getattr(own, name, None)
        if type(parts) is list:
            setattr(own, name, [copy(part) for part in parts])
    return own
