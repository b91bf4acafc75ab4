"""`openai.lib.beta.agents` under its own name: results, tools and files of agents; nothing lives here."""

from __future__ import annotations

from ...agents import (
    AgentFilePreparationError,
    AgentFileStagingError,
    AgentOutputParseError,
    AgentToolError,
    AgentTurnResult,
    AgentTurnResultError,
    AsyncAgentResultArtifacts,
    AsyncAgentSessionEventStream,
    FunctionTool,
    PreparedAgentFiles,
    StagedAgentFile,
    agent_text_format,
    function_tool,
    pydantic_function_tool,
)
from ...agents import AsyncAgentResultArtifacts as AgentResultArtifacts
from ...agents import AsyncAgentSessionEventStream as AgentSessionEventStream

__all__ = (
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AgentOutputParseError",
    "AgentResultArtifacts",
    "AgentSessionEventStream",
    "AgentToolError",
    "AgentTurnResult",
    "AgentTurnResultError",
    "AsyncAgentResultArtifacts",
    "AsyncAgentSessionEventStream",
    "FunctionTool",
    "PreparedAgentFiles",
    "StagedAgentFile",
    "agent_text_format",
    "function_tool",
    "pydantic_function_tool",
)
