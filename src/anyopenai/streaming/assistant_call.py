"""One call of a tool in a step of a run as it grows out of its pieces; which call a piece belongs to is not decided here."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, cast

from .._codec import BaseModel, DecodeFailure, UnknownObject
from ..types.beta.threads.runs.code_interpreter_tool_call import (
    CodeInterpreter,
    CodeInterpreterOutputImage,
    CodeInterpreterOutputImageImage,
    CodeInterpreterOutputLogs,
    CodeInterpreterToolCall,
)
from ..types.beta.threads.runs.file_search_tool_call import FileSearch, FileSearchToolCall
from ..types.beta.threads.runs.function_tool_call import Function, FunctionToolCall
from .assistant_block import plain_members
from .call_table import NumberedCall
from .growth import GrowingMember, fold, plain

if TYPE_CHECKING:
    from ..types.beta.threads.runs.tool_call import ToolCall

__all__ = ("GrowingStepCall",)


class GrowingStepCall(NumberedCall):
    """One call that is being made: of a function, of the code interpreter, of file search, or of a tool to come.

    Attributes:
        told: Its end has been told, and nothing has come since.
        reopened: Something came after its end had been told.
    """

    __slots__ = ("_input", "_others", "_outputs", "_result", "_shown", "reopened", "told")

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.told: bool = False
        self.reopened: bool = False
        # `Any`: what servers send, of kinds that may be new.
        self._shown: Any = None
        self._input: GrowingMember | None = None
        self._result: GrowingMember | None = None
        self._outputs: _Outputs | None = None
        self._others: object = None

    def begin(self, call: Any) -> None:
        """Begin with what there is already, in an event that stays as it is."""
        self.kind: str = str(getattr(call, "type", ""))
        found: object = getattr(call, "id", None)
        self.id: str = found if isinstance(found, str) else ""
        own = copy(call)
        inner: object = getattr(own, self.kind, None) if self.kind else None
        if isinstance(inner, BaseModel):
            setattr(own, self.kind, copy(inner))
        self._show(own)

    def _show(self, shown: Any) -> None:
        self._shown = shown
        if isinstance(shown, FunctionToolCall):
            self.name: str = shown.function.name or self.name
            self._input = GrowingMember(shown.function, "arguments", self.text)
        elif isinstance(shown, CodeInterpreterToolCall):
            self._input = GrowingMember(shown.code_interpreter, "input", self.text)
            self._outputs = _Outputs(shown.code_interpreter)
        elif isinstance(shown, UnknownObject):
            self._others = fold(None, shown.to_dict())

    def _fresh(self) -> Any:
        if self.kind == "function":
            return FunctionToolCall(id="", function=Function(name="", arguments="", output=None))
        if self.kind == "code_interpreter":
            return CodeInterpreterToolCall(id="", code_interpreter=CodeInterpreter(input="", outputs=[]))
        if self.kind == "file_search":
            return FileSearchToolCall(id="", file_search=FileSearch())
        return UnknownObject()

    @property
    def settled(self) -> bool:
        """Whether nothing says that there is more to come: arguments that are no whole JSON do."""
        return self.kind != "function" or self.text.complete

    def take(self, piece: Any) -> None:
        """Add a piece; its id and its name have been taken."""
        if self.told:
            self.told, self.reopened = False, True
        shown = self._shown
        if shown is None:
            self._show(self._fresh())
            shown = self._shown
        if isinstance(shown, FunctionToolCall):
            function = getattr(piece, "function", None)
            self._append(getattr(function, "arguments", None))
            output: object = getattr(function, "output", None)
            if isinstance(output, str):
                if self._result is None:
                    self._result = GrowingMember(shown.function, "output")
                self._result.text.append(output)
        elif isinstance(shown, CodeInterpreterToolCall):
            code = getattr(piece, "code_interpreter", None)
            self._append(getattr(code, "input", None))
            outputs: list[Any] | None = getattr(code, "outputs", None)
            if outputs and type(outputs) is list and self._outputs is not None:
                for place, one in enumerate(outputs):
                    self._outputs.take(one, place if len(outputs) > 1 else None)
        elif isinstance(shown, FileSearchToolCall):
            _search(shown.file_search, getattr(piece, "file_search", None))
        else:
            self._others = fold(self._others, plain_members(piece))

    def _append(self, piece: object) -> None:
        if type(piece) is str:
            self.text.pieces.append(piece)
            self.text.length += len(piece)

    def snapshot(self) -> ToolCall:
        """Return the call so far: the same object each time, brought up to date."""
        shown = self._shown
        if shown is None:
            shown = self._shown = self._fresh()
        if isinstance(shown, UnknownObject):
            shown.update(cast("dict[str, object]", plain(self._others) or {}))
            return cast("ToolCall", shown)
        shown.id = self.id
        if isinstance(shown, FunctionToolCall):
            shown.function.name = self.name
        for member in (self._input, self._result):
            if member is not None:
                member.show()
        if self._outputs is not None:
            self._outputs.show()
        return cast("ToolCall", shown)


class _Outputs:
    """What the code interpreter has given so far: texts that grow, and images."""

    __slots__ = ("_fresh", "_listed", "_places", "_texts")

    def __init__(self, holder: CodeInterpreter) -> None:
        begun = cast("list[Any] | None", holder.outputs)
        self._listed: list[Any] = [copy(one) for one in begun or ()]
        holder.outputs = self._listed
        self._places: dict[int, int] = {number: number for number in range(len(self._listed))}
        self._texts: dict[int, GrowingMember] = {}
        self._fresh: set[GrowingMember] = set()

    def take(self, piece: Any, place: int | None) -> None:
        """Add a piece to the output that it belongs to: by its index, else by its place, else the latest of its kind."""
        listed = self._listed
        kind: object = getattr(piece, "type", None)
        index: object = getattr(piece, "index", None)
        number = index if type(index) is int else place
        at = len(listed) - 1 if number is None else self._places.get(number, -1)
        if at < 0 or getattr(listed[at], "type", None) != kind:
            at = len(listed)
            listed.append(_output(kind))
            self._places[at if number is None else number] = at
        output = listed[at]
        if isinstance(output, CodeInterpreterOutputLogs):
            text = self._texts.get(at)
            if text is None:
                text = self._texts[at] = GrowingMember(output, "logs")
            logs: object = getattr(piece, "logs", None)
            if isinstance(logs, str):
                text.text.append(logs)
                self._fresh.add(text)
        elif isinstance(output, CodeInterpreterOutputImage):
            found: object = getattr(getattr(piece, "image", None), "file_id", None)
            if isinstance(found, str):
                output.image = CodeInterpreterOutputImageImage(file_id=found)
        elif isinstance(output, UnknownObject):
            output.update(plain_members(piece))

    def show(self) -> None:
        """Bring the texts up to date."""
        for text in self._fresh:
            text.show()
        self._fresh.clear()


def _output(kind: object) -> Any:
    if kind == "logs":
        return CodeInterpreterOutputLogs(logs="")
    if kind == "image":
        return CodeInterpreterOutputImage(image=CodeInterpreterOutputImageImage(file_id=""))
    return UnknownObject()


def _search(search: FileSearch, piece: object) -> None:
    """Add what a piece says of a search: results are added, of anything else the last one counts."""
    if not isinstance(piece, dict) or not piece:
        return
    try:
        found = FileSearch.model_validate(cast("dict[str, object]", piece))
    except DecodeFailure:
        return
    results = cast("list[Any] | None", found.results)
    if type(results) is list:
        if search.results is None:
            search.results = []
        search.results += results
    if found.ranking_options is not None:
        search.ranking_options = found.ranking_options
