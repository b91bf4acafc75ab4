"""`ToolDispatcher`: the calls of an agent answered by handlers here, one after the other; reading events is not done here."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast
from uuid import uuid4

from anyio import CapacityLimiter, move_on_after, sleep, to_thread

from .._codec import encode
from .._engine.logs import LOGGER
from ..errors import BadRequestError
from ..structured.tool import CallableTool
from ..types.beta.agent_function_call_item import AgentFunctionCallItem
from ..types.beta.agent_session_input_message_param import InputContentParamInputImage, InputContentParamInputText
from ..types.beta.agent_session_turn_item_added_event import AgentSessionTurnItemAddedEvent
from .outputs import arguments_from, output_from
from .tools import FunctionTool, is_async

if TYPE_CHECKING:
    from ..resources.beta.agents.sessions.events import Events
    from ..types.beta.agent_session_input_param import SessionInputParamAgentSessionInputToolResult
    from .options import SessionOptions

__all__ = (
    "AgentToolError",
    "AsyncToolErrorHandler",
    "AsyncToolHandler",
    "ToolDispatcher",
    "ToolErrorStage",
    "ToolHandler",
    "ToolOutput",
)

ToolErrorStage: TypeAlias = Literal["arguments", "execution", "output"]
"""Where a call failed: its arguments do not fit, its function raised, or what that returned cannot be sent."""

ToolOutput: TypeAlias = (
    str | Mapping[str, object] | Iterable[InputContentParamInputText | InputContentParamInputImage] | None
)
"""What a handler may return: a text, parts of content, None, or what has a form in JSON."""

AsyncToolHandler: TypeAlias = Callable[[dict[str, Any]], object]
"""A handler, plain or async, which is given the arguments as a dict; `FunctionTool`s are such handlers."""

ToolHandler: TypeAlias = AsyncToolHandler
"""The same: one name of openai-python's is for its other client."""

_FAILED: Final = "Tool handler failed."
"""What the agent is told of any failure: a message may have a password or another user's data in it."""

RACE_DELAYS: tuple[float, ...] = (0.1, 0.3, 0.6)
"""Seconds before each further attempt for a call that the server does not wait for yet: it tells of a call a moment before."""


@dataclass(frozen=True)
class AgentToolError:
    """A call of an agent that came to nothing here, for logs of your own; the agent is not told of the error.

    Attributes:
        error: What was raised.
        tool_name: The tool.
        session_id: The session.
        turn_id: The turn, which may be a subagent's.
        call_id: The call.
        stage: Where it failed: `"arguments"`, `"execution"` or `"output"`.
    """

    error: Exception
    tool_name: str
    session_id: str
    turn_id: str
    call_id: str
    stage: ToolErrorStage


AsyncToolErrorHandler: TypeAlias = Callable[[AgentToolError], object]
"""What is told of calls that failed, plain or async; what it returns is dropped."""


class ToolDispatcher:
    """Calls handlers for an agent's calls in the order in which they came, and sends what they return.

    Args:
        events: The session's `events`, through which results are sent.
        handlers: Handlers by the tool's name.
        on_tool_error: What is told of calls that failed.
        options: The options of the requests.
    """

    __slots__ = ("_events", "_handlers", "_limiter", "_on_tool_error", "_options", "_seen", "_waiting")

    def __init__(
        self,
        events: Events,
        handlers: Mapping[str, AsyncToolHandler],
        on_tool_error: AsyncToolErrorHandler | None,
        options: SessionOptions,
    ) -> None:
        self._events = events
        self._handlers = dict(handlers)
        self._on_tool_error = on_tool_error
        self._options = options
        self._seen: set[tuple[str, str]] = set()
        self._waiting: deque[tuple[str, AgentFunctionCallItem]] = deque()
        self._limiter: CapacityLimiter | None = None

    @property
    def waiting(self) -> bool:
        """Whether there are calls to be answered."""
        return bool(self._waiting)

    def handles(self, name: str) -> bool:
        """Tell whether there is a handler for a tool."""
        return name in self._handlers

    def take(self, event: object) -> None:
        """Take notice of an event: a call with a handler waits from here on, and is answered once."""
        if not isinstance(event, AgentSessionTurnItemAddedEvent):
            return
        call = event.item
        if isinstance(call, AgentFunctionCallItem) and call.name in self._handlers:
            key = (call.turn_id, call.call_id)
            if key not in self._seen:
                self._seen.add(key)
                self._waiting.append((event.session_id, call))

    async def answer(self) -> None:
        """Call the handlers of the calls that wait, and send what they return.

        Cancelling cancels an async handler; the thread of a plain one is left to its end, and what it returns is dropped.

        Raises:
            APIError: A result could not be sent.
        """
        while self._waiting:
            session_id, call = self._waiting.popleft()
            await self._send(session_id, call, await self._outcome(session_id, call))

    async def _outcome(
        self, session_id: str, call: AgentFunctionCallItem
    ) -> SessionInputParamAgentSessionInputToolResult:
        """Make a call, and return what is sent of it."""
        handler = self._handlers[call.name]
        result: dict[str, object] = {
            "type": "agent.session.input.tool_result",
            "turn_id": call.turn_id,
            "call_id": call.call_id,
        }
        stage: ToolErrorStage = "arguments"
        try:
            given = arguments_from(call.arguments)
            function, argument, at_once = _prepared(handler, given)
            stage = "execution"
            value = await self._called(function, argument, at_once)
            stage = "output"
            result |= {"success": True, "output": output_from(value)}
        except Exception as error:
            told = AgentToolError(error, call.name, session_id, call.turn_id, call.call_id, stage)
            await self._tell(told)
            result |= {"success": False, "error": _FAILED}
        return cast("SessionInputParamAgentSessionInputToolResult", result)

    async def _called(self, function: Callable[[Any], object], argument: object, at_once: bool) -> object:
        """Call a handler, as long as the deadline allows.

        Raises:
            TimeoutError: The deadline has passed, as the next request will say.
        """
        with move_on_after(self._options.remaining()):
            if at_once:
                value = function(argument)
            else:
                value = await self._in_thread(function, argument)
            return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value
        raise TimeoutError("the deadline passed while the handler was running")

    async def _in_thread(self, function: Callable[[Any], object], argument: object) -> object:
        """Call a plain handler in a worker thread, where it may block."""
        if self._limiter is None:
            # Apart from anyio's, so that handlers that block keep no file and no name waiting.
            self._limiter = CapacityLimiter(1)
        # In a tuple, since trio refuses threads that return coroutines.
        (value,) = await to_thread.run_sync(
            lambda: (function(argument),), abandon_on_cancel=True, limiter=self._limiter
        )
        return value

    async def _tell(self, told: AgentToolError) -> None:
        """Tell the observer; what it raises is logged, as it cannot make a call worse."""
        if self._on_tool_error is None:
            return
        try:
            said = self._on_tool_error(told)
            if inspect.isawaitable(said):
                await said
        except Exception as error:
            LOGGER.warning("on_tool_error raised %s, which is ignored", type(error).__name__)

    async def _send(
        self, session_id: str, call: AgentFunctionCallItem, result: SessionInputParamAgentSessionInputToolResult
    ) -> None:
        """Send a result, again under the same key while the server does not wait for it yet."""
        key = str(uuid4())
        for delay in (*RACE_DELAYS, None):
            try:
                await self._events.create(session_id, events=[result], **self._options.keyed(key))
            except BadRequestError as error:
                if delay is None or not _is_early(error, call.call_id):
                    raise
                await sleep(delay)
            else:
                return


def _prepared(handler: AsyncToolHandler, arguments: dict[str, object]) -> tuple[Callable[[Any], object], object, bool]:
    """Return what is called for a call, with what, and whether it is async; arguments with a type are read as it.

    Raises:
        DecodeFailure: They do not fit.
    """
    if isinstance(handler, FunctionTool):
        tool = cast("FunctionTool[object]", handler)
        return tool.handler, tool.decode(arguments), is_async(tool.handler)
    if isinstance(handler, CallableTool):
        own = cast("CallableTool[..., object]", handler)
        return own.invoke, own.decode(encode(arguments)), is_async(own.function)
    return handler, arguments, is_async(handler)


def _is_early(error: BadRequestError, call_id: str) -> bool:
    """Tell whether a result was refused because the server does not wait for it yet."""
    body: object = error.body
    said = cast("Mapping[str, object]", body).get("message") if isinstance(body, Mapping) else None
    return "invalid_request_error" in (error.code, error.type) and said == f"Unknown pending tool call: {call_id}"
