"""Tools that models use: toolsets, runners and loops around calls; each name is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .call import CallOutcome, ToolCall, ToolOutput
    from .call_table import BoundTool, CustomTool, bind_tool
    from .chat_loop import ChatToolResult, ChatToolRun
    from .chat_loop_events import (
        ChatCompletionEvent,
        ChatToolRunEvent,
        FinalChatCompletionEvent,
        FinalContentEvent,
        FinalMessageEvent,
        MessageEvent,
    )
    from .computer import AsyncComputerToolset
    from .computer_actions import ComputerActionInput, ComputerUseError
    from .computer_driver import AsyncComputerDriver
    from .decisions import AsyncDecisionsToolRunner, DecisionsRunnerParams, DecisionsRunResult
    from .decisions_candidates import (
        AsyncDecisionActionCandidate,
        AsyncDecisionCandidate,
        DecisionActionCandidate,
        DecisionCandidate,
        DecisionDoneCandidate,
        DecisionObservation,
    )
    from .decisions_errors import DecisionsStopReason, DecisionsToolRunnerCancelledError, DecisionsToolRunnerError
    from .diagnostics import ToolDiagnostic, ToolDiagnosticObserver, ToolDiagnosticUsage
    from .lifecycle import CloseStatus, ToolsetBusyError, ToolsetClosedError
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
    from .loop_manager import ToolRunManager
    from .response_items import to_response_input_item, to_response_input_items
    from .response_loop import ResponseToolResult, ResponseToolRun
    from .response_loop_events import (
        FinalOutputTextEvent,
        FinalResponseEvent,
        ItemEvent,
        ResponseEvent,
        ResponseToolRunEvent,
    )

    DecisionsToolRunner = AsyncDecisionsToolRunner

__all__ = (
    "AbortEvent",
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "AsyncDecisionActionCandidate",
    "AsyncDecisionCandidate",
    "AsyncDecisionsToolRunner",
    "BoundTool",
    "CallOutcome",
    "ChatCompletionEvent",
    "ChatToolResult",
    "ChatToolRun",
    "ChatToolRunEvent",
    "CloseStatus",
    "ComputerActionInput",
    "ComputerUseError",
    "ConnectEvent",
    "CustomTool",
    "DecisionActionCandidate",
    "DecisionCandidate",
    "DecisionDoneCandidate",
    "DecisionObservation",
    "DecisionsRunResult",
    "DecisionsRunnerParams",
    "DecisionsStopReason",
    "DecisionsToolRunner",
    "DecisionsToolRunnerCancelledError",
    "DecisionsToolRunnerError",
    "EndEvent",
    "ErrorEvent",
    "FinalChatCompletionEvent",
    "FinalContentEvent",
    "FinalFunctionToolCallEvent",
    "FinalFunctionToolCallResultEvent",
    "FinalMessageEvent",
    "FinalOutputTextEvent",
    "FinalResponseEvent",
    "FunctionToolCallEvent",
    "FunctionToolCallResultEvent",
    "ItemEvent",
    "MessageEvent",
    "ResponseEvent",
    "ResponseToolResult",
    "ResponseToolRun",
    "ResponseToolRunEvent",
    "ToolCall",
    "ToolDiagnostic",
    "ToolDiagnosticObserver",
    "ToolDiagnosticUsage",
    "ToolOutput",
    "ToolRunManager",
    "ToolsetBusyError",
    "ToolsetClosedError",
    "TotalUsageEvent",
    "bind_tool",
    "to_response_input_item",
    "to_response_input_items",
)

_HOMES = {
    "call": ("CallOutcome", "ToolCall", "ToolOutput"),
    "call_table": ("BoundTool", "CustomTool", "bind_tool"),
    "chat_loop": ("ChatToolResult", "ChatToolRun"),
    "chat_loop_events": (
        "ChatCompletionEvent",
        "ChatToolRunEvent",
        "FinalChatCompletionEvent",
        "FinalContentEvent",
        "FinalMessageEvent",
        "MessageEvent",
    ),
    "loop_events": (
        "AbortEvent",
        "ConnectEvent",
        "EndEvent",
        "ErrorEvent",
        "FinalFunctionToolCallEvent",
        "FinalFunctionToolCallResultEvent",
        "FunctionToolCallEvent",
        "FunctionToolCallResultEvent",
        "TotalUsageEvent",
    ),
    "loop_manager": ("ToolRunManager",),
    "response_items": ("to_response_input_item", "to_response_input_items"),
    "response_loop": ("ResponseToolResult", "ResponseToolRun"),
    "response_loop_events": (
        "FinalOutputTextEvent",
        "FinalResponseEvent",
        "ItemEvent",
        "ResponseEvent",
        "ResponseToolRunEvent",
    ),
    "computer": ("AsyncComputerToolset",),
    "computer_actions": ("ComputerActionInput", "ComputerUseError"),
    "computer_driver": ("AsyncComputerDriver",),
    "decisions": ("AsyncDecisionsToolRunner", "DecisionsRunResult", "DecisionsRunnerParams", "DecisionsToolRunner"),
    "decisions_candidates": (
        "AsyncDecisionActionCandidate",
        "AsyncDecisionCandidate",
        "DecisionActionCandidate",
        "DecisionCandidate",
        "DecisionDoneCandidate",
        "DecisionObservation",
    ),
    "decisions_errors": (
        "DecisionsStopReason",
        "DecisionsToolRunnerCancelledError",
        "DecisionsToolRunnerError",
    ),
    "diagnostics": ("ToolDiagnostic", "ToolDiagnosticObserver", "ToolDiagnosticUsage"),
    "lifecycle": ("CloseStatus", "ToolsetBusyError", "ToolsetClosedError"),
}
_DOORS = {name: f".{home}" for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:
    # Hidden from checkers, for which it would make every name there is.

    def __getattr__(name: str) -> object:
        if name not in _DOORS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_DOORS[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return list(__all__)
