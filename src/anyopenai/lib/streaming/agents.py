"""`openai.lib.streaming.agents` under its own name: streams of agents' turns and their handlers; nothing lives here."""

from __future__ import annotations

from ...agents import AsyncAgentSessionStream, AsyncToolHandler, ToolHandler, ToolOutput
from ...agents import AsyncAgentSessionStream as AgentSessionStream

__all__ = ("AgentSessionStream", "AsyncAgentSessionStream", "AsyncToolHandler", "ToolHandler", "ToolOutput")
