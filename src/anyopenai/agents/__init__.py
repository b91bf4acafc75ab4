"""Helpers for agents: turns of a session followed to their results, tools answered here, files; each name is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .artifacts import AsyncAgentResultArtifacts
    from .dispatch import (
        AgentToolError,
        AsyncToolErrorHandler,
        AsyncToolHandler,
        ToolErrorStage,
        ToolHandler,
        ToolOutput,
    )
    from .errors import (
        AgentFilePreparationError,
        AgentFileStagingError,
        AgentOutputParseError,
        AgentTurnResultError,
        ResultErrorReason,
    )
    from .event_stream import AsyncAgentSessionEventStream
    from .files import PreparedAgentFiles, StagedAgentFile
    from .formats import agent_text_format
    from .result import AgentTurnResult
    from .session_stream import AsyncAgentSessionStream
    from .tools import FunctionTool, function_tool, pydantic_function_tool

__all__ = (
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AgentOutputParseError",
    "AgentToolError",
    "AgentTurnResult",
    "AgentTurnResultError",
    "AsyncAgentResultArtifacts",
    "AsyncAgentSessionEventStream",
    "AsyncAgentSessionStream",
    "AsyncToolErrorHandler",
    "AsyncToolHandler",
    "FunctionTool",
    "PreparedAgentFiles",
    "ResultErrorReason",
    "StagedAgentFile",
    "ToolErrorStage",
    "ToolHandler",
    "ToolOutput",
    "agent_text_format",
    "function_tool",
    "pydantic_function_tool",
)

_HOMES = {
    "artifacts": ("AsyncAgentResultArtifacts",),
    "dispatch": (
        "AgentToolError",
        "AsyncToolErrorHandler",
        "AsyncToolHandler",
        "ToolErrorStage",
        "ToolHandler",
        "ToolOutput",
    ),
    "errors": (
        "AgentFilePreparationError",
        "AgentFileStagingError",
        "AgentOutputParseError",
        "AgentTurnResultError",
        "ResultErrorReason",
    ),
    "event_stream": ("AsyncAgentSessionEventStream",),
    "files": ("PreparedAgentFiles", "StagedAgentFile"),
    "formats": ("agent_text_format",),
    "result": ("AgentTurnResult",),
    "session_stream": ("AsyncAgentSessionStream",),
    "tools": ("FunctionTool", "function_tool", "pydantic_function_tool"),
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
