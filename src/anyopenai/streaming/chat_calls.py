"""Calls of tools out of their pieces in a chat stream, also where servers say badly which call a piece belongs to."""

from __future__ import annotations

from typing import Any, cast

from .._codec.extras import derive
from ..types.chat.chat_completion_message_custom_tool_call import ChatCompletionMessageCustomToolCall, Custom
from ..types.chat.parsed_function_tool_call import ParsedFunction, ParsedFunctionToolCall
from .growth import ReadText

__all__ = ("GrowingCall", "GrowingCalls")


class GrowingCall:
    """One call that is being made.

    Attributes:
        position: Which of the message's calls it is, from 0.
        id: The server's name for it; empty if it gave none.
        name: The tool's name so far.
        text: The arguments of a function, or the input of a custom tool.
        custom: It is a custom tool's, whose input is no JSON.
        done: Its end has been told.
    """

    __slots__ = ("_shown", "_upto", "custom", "done", "id", "name", "position", "text")

    def __init__(self, position: int) -> None:
        self.position: int = position
        self.id: str = ""
        self.name: str = ""
        self.text: ReadText = ReadText()
        self.custom: bool = False
        self.done: bool = False
        self._shown: ParsedFunctionToolCall | ChatCompletionMessageCustomToolCall | None = None
        self._upto = -1

    def snapshot(self, *, known: bool) -> ParsedFunctionToolCall | ChatCompletionMessageCustomToolCall:
        """Return the call so far: the same object each time, brought up to date.

        Args:
            known: What the arguments say is shown while they grow.
        """
        shown = self._shown
        if shown is None:
            if self.custom:
                shown = ChatCompletionMessageCustomToolCall(id=self.id, custom=Custom(name=self.name, input=""))
            else:
                shown = ParsedFunctionToolCall(id=self.id, function=ParsedFunction(name=self.name, arguments=""))
            self._shown = shown
        shown.id = self.id
        if isinstance(shown, ParsedFunctionToolCall):
            function = shown.function
            function.name = self.name
            if self._upto != self.text.length:
                function.arguments = ""  # so that nothing holds the text while it grows
                function.arguments = self.text.value()
                self._upto = self.text.length
            if known and not self.done:
                derive(function, "parsed_arguments", self.text.partial)
        else:
            shown.custom.name = self.name
            shown.custom.input = ""
            shown.custom.input = self.text.value()
        return shown

    def end(self, parsed: object) -> None:
        """Take notice that the call is complete, and of what its arguments say."""
        self.done = True
        shown = self.snapshot(known=False)
        if isinstance(shown, ParsedFunctionToolCall):
            derive(shown.function, "parsed_arguments", parsed)


class GrowingCalls(list[GrowingCall]):
    """The calls of one message, in the order in which they began.

    Servers say which call a piece belongs to by an index, by an id, by both, or not at all; some give every call the
    index 0, some repeat id and name with every piece. An id that is not known begins a call, and so does an index; a
    name does if the call at hand has another id or complete arguments. A piece that says nothing goes on with the
    latest call.
    """

    __slots__ = ("_by_id", "_by_index")

    def __init__(self) -> None:
        super().__init__()
        self._by_index: dict[int, GrowingCall] = {}
        self._by_id: dict[str, GrowingCall] = {}

    # `Any`: the piece comes from a server, and what it lacks is handled.
    def take(self, piece: Any, position: int, count: int) -> tuple[GrowingCall, str | None, bool]:
        """Add a piece to the call it belongs to.

        Args:
            piece: One of the chunk's `tool_calls`.
            position: Its place among them.
            count: How many there are.

        Returns:
            The call, what was added to its arguments (None if the piece has none), and whether the call begins with it.
        """
        id_ = _text(getattr(piece, "id", None))
        custom = getattr(piece, "custom", None)
        function = getattr(piece, "function", None)
        details = function if function is not None or custom is None else custom
        name = _text(_read(details, "name"))
        added = _read(details, "arguments" if details is function else "input")
        added = added if isinstance(added, str) else None
        index = getattr(piece, "index", None)
        index = index if type(index) is int else None
        call = self._known(index, id_, name, added, position if count > 1 else None)
        begins = call is None
        if call is None:
            call = GrowingCall(len(self))
            call.custom = getattr(piece, "type", None) == "custom" or (function is None and custom is not None)
            self.append(call)
        if index is not None:
            self._by_index[index] = call
        if id_ and not call.id:
            call.id = id_
            self._by_id[id_] = call
        if name and name != call.name:
            # A name in pieces is joined, as long as nothing else has come.
            call.name += name
        if added:
            call.text.append(added)
        return call, added, begins

    def _known(
        self, index: int | None, id_: str, name: str, added: str | None, position: int | None
    ) -> GrowingCall | None:
        """Return the call that a piece goes on with; None if it begins one."""
        if id_ and id_ in self._by_id:
            return self._by_id[id_]
        if index is not None:
            call = self._by_index.get(index)
        elif position is not None and not id_ and not name:
            call = self[position] if position < len(self) else None
        else:
            call = self[-1] if self else None
        if call is None or not (id_ or name):
            return call
        if id_ and call.id:
            return None  # two ids at one index
        if id_ and index is None and call.text.length:
            return None
        if name and call.name and call.text.length and ((name != call.name) or (added and call.text.complete)):
            return None
        return call


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(holder: object, name: str) -> object:
    if isinstance(holder, dict):
        return cast("dict[str, object]", holder).get(name)
    return cast("object", getattr(holder, name, None))
