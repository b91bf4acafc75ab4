"""`openai.lib.responses_tool_runner` under its own name: the runner of tools over responses; nothing lives here."""

from __future__ import annotations

from ..tools import (
    AsyncContextBudget,
    AsyncRegisteredFunction,
    AsyncResponsesToolLedger,
    AsyncResponsesToolRunner,
    ContextBudget,
    ContextBudgetDecision,
    ContextBudgetSnapshot,
    EarlyExecution,
    RegisteredFunction,
    ResponsesRunnerTurn,
    ResponsesToolCheckpoint,
    ResponsesToolLedger,
    ResponsesToolRunner,
    ToolRunnerCancelledError,
    ToolRunnerError,
)

__all__ = (
    "AsyncContextBudget",
    "AsyncRegisteredFunction",
    "AsyncResponsesToolLedger",
    "AsyncResponsesToolRunner",
    "ContextBudget",
    "ContextBudgetDecision",
    "ContextBudgetSnapshot",
    "EarlyExecution",
    "RegisteredFunction",
    "ResponsesRunnerTurn",
    "ResponsesToolCheckpoint",
    "ResponsesToolLedger",
    "ResponsesToolRunner",
    "ToolRunnerCancelledError",
    "ToolRunnerError",
)
