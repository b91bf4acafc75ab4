"""What `sessions.create` sends for a type and for handlers, and what it makes of the answer; the method is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from .._contract import Operation
from .._engine.iteration import Stream
from .._omit import Omit
from ..types.beta.agent_session import AgentSession
from ..types.beta.agent_session_event import AgentSessionEvent
from .dispatch import ToolDispatcher
from .event_stream import AsyncAgentSessionEventStream
from .formats import asked_output, with_output
from .options import SessionOptions

if TYPE_CHECKING:
    from .._contract import RequestOptions
    from ..resources.beta.agents.sessions import Sessions
    from ..types.beta.agents.session_create_params import Agent
    from .dispatch import AsyncToolHandler

__all__ = ("CREATE", "asked_session")

CREATE: Final[Operation[AgentSession]] = Operation(
    name="beta.agents.sessions.create",
    verb="POST",
    path="/agents/sessions",
    returns=AgentSession,
    body="json",
    spelt={"agent": {"compaction": {"async_": "async"}}},
    event=AgentSessionEvent,
    ending="agent_session",
    headers=(("OpenAI-Beta", "agents=v1"),),
    doc="https://platform.openai.com/docs/api-reference/agents",
)


def asked_session(
    sessions: Sessions,
    agent: Agent | Omit,
    output_type: Any,
    tool_handlers: Mapping[str, AsyncToolHandler] | None,
    stream: object,
    options: RequestOptions,
    *,
    has_input: bool,
) -> tuple[Agent | Omit, Callable[[Any], object]]:
    """Return the agent's settings as they are sent, and what makes of the answer what the caller gets.

    Args:
        sessions: The namespace, through which the answers of handlers are sent.
        agent: The agent's settings.
        output_type: What the agent answers in.
        tool_handlers: What answers its calls.
        stream: Whether events are asked for.
        options: The options of the call.
        has_input: Whether the session begins with a turn.

    Raises:
        UnsupportedSchemaError: The type has no form in the schemas that the API takes.
        ValueError: Handlers without a stream, or a type beside a form.
    """
    if tool_handlers is not None and stream is not True:
        raise ValueError("tool_handlers answer calls while events are read; create the session with stream=True")
    output = asked_output(output_type)
    dispatcher = None
    if tool_handlers is not None:
        shared = SessionOptions(options)
        shared.start()
        dispatcher = ToolDispatcher(sessions.events, tool_handlers, None, shared)

    def convert(answer: Any) -> object:
        if not isinstance(answer, Stream):
            return answer
        opened = cast("Stream[AgentSessionEvent]", answer)
        return AsyncAgentSessionEventStream(opened, output, dispatcher, expects_turn=has_input)

    return with_output(agent, output), convert
