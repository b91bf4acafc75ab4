"""The events that runs of tools have in common, whichever API they use; how they come about is not known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from .._sansio.usage import Usage
from ..errors import ToolLoopAborted
from ..streaming.chat_events import StreamEvent
from .call import CallOutcome, ToolCall

__all__ = (
    "AbortEvent",
    "ConnectEvent",
    "EndEvent",
    "ErrorEvent",
    "FinalFunctionToolCallEvent",
    "FinalFunctionToolCallResultEvent",
    "FunctionToolCallEvent",
    "FunctionToolCallResultEvent",
    "LoopEvent",
    "TotalUsageEvent",
)


class ConnectEvent(StreamEvent):
    """A request was answered: the stream is open, or the answer is there.

    Attributes:
        turn: Which request of the run, from 1.
    """

    type: ClassVar[Literal["connect"]] = "connect"
    _shown: ClassVar[tuple[str, ...]] = ("turn",)
    turn: int


class FunctionToolCallEvent(StreamEvent):
    """The model calls a tool, which has not begun yet: it begins when the run is asked for more events.

    Attributes:
        call: The call.
    """

    type: ClassVar[Literal["function_tool_call"]] = "function_tool_call"
    _shown: ClassVar[tuple[str, ...]] = ("name", "arguments", "call_id", "index")
    call: ToolCall

    @property
    def name(self) -> str:
        """What the model called."""
        return self.call.name

    @property
    def arguments(self) -> str:
        """What it wrote as arguments."""
        return self.call.arguments

    @property
    def call_id(self) -> str:
        """The id that the output is sent back with."""
        return self.call.call_id

    @property
    def index(self) -> int:
        """Which of the turn's calls it is, from 0."""
        return self.call.index


class FunctionToolCallResultEvent(StreamEvent):
    """A call came to its end; those of one turn come in the order in which they end.

    Attributes:
        outcome: The call and what became of it.
    """

    type: ClassVar[Literal["function_tool_call_result"]] = "function_tool_call_result"
    _shown: ClassVar[tuple[str, ...]] = ("name", "call_id", "content", "error")
    outcome: CallOutcome

    @property
    def call(self) -> ToolCall:
        """The call."""
        return self.outcome.call

    @property
    def name(self) -> str:
        """What the model called."""
        return self.outcome.call.name

    @property
    def call_id(self) -> str:
        """The id that the output is sent back with."""
        return self.outcome.call.call_id

    @property
    def content(self) -> str | Sequence[Mapping[str, object]]:
        """What the model is told."""
        return self.outcome.content

    @property
    def value(self) -> object:
        """What the tool returned; None where it was not called, or raised."""
        return self.outcome.value

    @property
    def error(self) -> str | None:
        """The type of the error that the model is told of; None if the tool returned."""
        return None if self.outcome.error is None else type(self.outcome.error).__name__


class FinalFunctionToolCallEvent(StreamEvent):
    """The last call of the run; comes if there was one.

    Attributes:
        call: The call.
    """

    type: ClassVar[Literal["final_function_tool_call"]] = "final_function_tool_call"
    _shown: ClassVar[tuple[str, ...]] = ("call",)
    call: ToolCall


class FinalFunctionToolCallResultEvent(StreamEvent):
    """What the model was told of the last call; comes if there was one.

    Attributes:
        content: The text.
        value: What the tool returned.
    """

    type: ClassVar[Literal["final_function_tool_call_result"]] = "final_function_tool_call_result"
    _shown: ClassVar[tuple[str, ...]] = ("content",)
    content: str
    value: object


class TotalUsageEvent(StreamEvent):
    """What the run's answers cost together.

    Attributes:
        usage: The sum.
    """

    type: ClassVar[Literal["total_usage"]] = "total_usage"
    _shown: ClassVar[tuple[str, ...]] = ("usage",)
    usage: Usage


class ErrorEvent(StreamEvent):
    """The run failed; the error is raised when the run is asked for more events than the end.

    Attributes:
        error: What is raised.
    """

    # Not "error": the Responses API has an event of that name.
    type: ClassVar[Literal["run_error"]] = "run_error"
    _shown: ClassVar[tuple[str, ...]] = ("message",)
    error: Exception

    @property
    def message(self) -> str:
        """What the error says."""
        return str(self.error)


class AbortEvent(StreamEvent):
    """The run was ended by `abort()`; the error is raised when the run is asked for more events than the end.

    Attributes:
        error: What is raised.
    """

    type: ClassVar[Literal["abort"]] = "abort"
    _shown: ClassVar[tuple[str, ...]] = ("message",)
    error: ToolLoopAborted

    @property
    def message(self) -> str:
        """What the error says."""
        return str(self.error)


class EndEvent(StreamEvent):
    """The last event of a run, however it ended."""

    type: ClassVar[Literal["end"]] = "end"
    _shown: ClassVar[tuple[str, ...]] = ()


LoopEvent = (
    ConnectEvent
    | FunctionToolCallEvent
    | FunctionToolCallResultEvent
    | FinalFunctionToolCallEvent
    | FinalFunctionToolCallResultEvent
    | TotalUsageEvent
    | ErrorEvent
    | AbortEvent
    | EndEvent
)
"""The events of every run."""
