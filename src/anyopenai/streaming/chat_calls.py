"""Calls of tools out of their pieces in a chat stream; which call a piece belongs to is found elsewhere."""

from __future__ import annotations

from typing import Any, cast

from .._codec.extras import derive
from ..types.chat.chat_completion_message_custom_tool_call import ChatCompletionMessageCustomToolCall, Custom
from ..types.chat.parsed_function_tool_call import ParsedFunction, ParsedFunctionToolCall
from .call_table import CallTable, NumberedCall

__all__ = ("GrowingCall", "GrowingCalls")


class GrowingCall(NumberedCall):
    """One call that is being made: of a function with its arguments, or of a custom tool with its input.

    Attributes:
        custom: It is a custom tool's, whose input is no JSON.
        done: Its end has been told.
    """

    __slots__ = ("_shown", "_upto", "custom", "done")

    def __init__(self, position: int) -> None:
        super().__init__(position)
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


class GrowingCalls(CallTable[GrowingCall]):
    """The calls of one message, in the order in which they began."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(GrowingCall)

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
        custom = getattr(piece, "custom", None)
        function = getattr(piece, "function", None)
        details = function if function is not None or custom is None else custom
        added = _read(details, "arguments" if details is function else "input")
        added = added if isinstance(added, str) else None
        index, id_ = getattr(piece, "index", None), getattr(piece, "id", None)
        call, begins = self.find(index, id_, _read(details, "name"), added, position if count > 1 else None)
        if begins:
            call.custom = getattr(piece, "type", None) == "custom" or (function is None and custom is not None)
        if added:
            call.text.append(added)
        return call, added, begins


def _read(holder: object, name: str) -> object:
    if isinstance(holder, dict):
        return cast("dict[str, object]", holder).get(name)
    return cast("object", getattr(holder, name, None))
