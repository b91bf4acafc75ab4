"""`AsyncAgentSessionStream`: input for an idle session, and the events of the turn it begins; turns are followed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, Self, TypeVar
from warnings import warn

from ..errors import APIError, OpenAIError
from ..streaming.helper import HelperStream
from ..types.beta.agent_session_event import AgentSessionEvent
from ..types.beta.agent_session_turn_output_text_delta_event import AgentSessionTurnOutputTextDeltaEvent
from .dispatch import ToolDispatcher
from .following import TELLING, TurnFollower
from .options import SessionOptions

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import RequestOptions
    from ..resources.beta.agents.sessions import Sessions
    from ..structured.output import Output
    from ..types.beta.agent_session_input_message_param import AgentSessionInputMessageParam
    from .dispatch import AsyncToolErrorHandler, AsyncToolHandler
    from .result import AgentTurnResult

    OutputT = TypeVarWithDefault("OutputT", default=object)
else:
    OutputT = TypeVar("OutputT")

__all__ = ("AsyncAgentSessionStream",)

_HOW: Final = "write `async with client.beta.agents.sessions.stream(...) as stream:`"


class AsyncAgentSessionStream(HelperStream[AgentSessionEvent], Generic[OutputT]):
    """The events of one turn of a session, from the input to where the session rests; entered with `async with`.

    Entering it looks whether the session is idle, opens its events, and then sends the input, so that no event is missed.
    Only one program may send input to the session meanwhile, since nothing says whose input a turn answers. Iteration ends
    with the event that says that the session is idle after the turn, or failed; that the session was idle before, and turns
    of subagents, end nothing. An event that comes again, under the same id, is given once.

    Calls of tools with a handler are answered after their event was given out, before the next one is read. Leaving the
    block, `close()`, and cancelling a step hang up; the turn goes on without anyone who watches.

    Args:
        sessions: `client.beta.agents.sessions`.
        session_id: The session.
        input: What it is told.
        output: What the answer is read as; None leaves it as text.
        tool_handlers: What answers calls, by the tool's name.
        on_tool_error: What is told of calls that failed.
        options: The options of the requests.

    Raises:
        ValueError: The id or the input is empty, or an option is none.
    """

    __slots__ = ("_follower", "_input", "_options", "_pausing", "_session_id", "_sessions", "_told")

    def __init__(
        self,
        sessions: Sessions,
        session_id: str,
        *,
        input: str | Iterable[AgentSessionInputMessageParam],  # noqa: A002 - the API's name
        output: Output[OutputT] | None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None,
        on_tool_error: AsyncToolErrorHandler | None,
        options: RequestOptions,
    ) -> None:
        if not session_id:
            raise ValueError("session_id is empty; give the id of a session")
        messages = _messages_of(input)
        if not messages:
            raise ValueError("input is empty; a turn begins with a message")
        self._sessions = sessions
        self._session_id = session_id
        self._input: list[AgentSessionInputMessageParam] | None = messages
        self._options = SessionOptions(options)
        self._told: set[str] = set()
        dispatcher = None
        if tool_handlers is not None:
            dispatcher = ToolDispatcher(sessions.events, tool_handlers, on_tool_error, self._options)
        self._follower: TurnFollower[OutputT] = TurnFollower(output, dispatcher, session_id)
        unopened: Any = _Unopened()
        self._pausing = True
        # Reading is done here, event by event: nothing is made of them.
        super().__init__(unopened, take=_nothing, finish=list, partial=lambda: None, spoken=_spoken)

    async def __aenter__(self) -> Self:
        """Open the session's events and send the input; cancelling hangs up.

        Raises:
            ValueError: The session is not idle; nothing was sent to it.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived.
            OpenAIError: It was entered before.
        """
        if self._input is None:
            raise OpenAIError("a stream is opened once; call stream() again for another turn")
        messages, self._input = self._input, None
        self._options.start()
        session = await self._sessions.retrieve(self._session_id, **self._options.plain())
        if session.status != "idle":
            raise ValueError(
                f"session {self._session_id} is {session.status}, and stream() begins a turn of one that is idle; "
                "follow it with sessions.events.stream()"
            )
        self._raw = raw = await self._sessions.events.stream(self._session_id, **self._options.plain())
        try:
            await self._sessions.events.create(
                self._session_id,
                events=[{"type": "agent.session.input.message", "input": messages}],
                **self._options.first(),
            )
        except BaseException:
            self._left = True
            await raw.aclose()
            raise
        return self

    async def __anext__(self) -> AgentSessionEvent:
        """Answer the calls that the last event asked for, and return the next event.

        Everything that one read brought is handed out without waiting. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The turn is over, or the stream was closed.
            StreamTruncated: The input ended before the turn was over; `partial` is the text that came.
            APIError: The server sent an error, the connection failed, or the result of a call could not be sent.
            OpenAIError: The stream has not been opened.
        """
        if self._pausing:
            await self._before()
        raw = self._raw
        ready = raw._ready
        while True:
            try:
                event: AgentSessionEvent = ready.pop() if ready else await raw.__anext__()
            except StopAsyncIteration:
                self._ended = self._pausing = True
                self._cut()
                raise
            except OpenAIError as error:
                raise await self._failed(error) from error.__cause__
            except BaseException:
                # Cancelled: the stream below has hung up already.
                self._left = self._pausing = True
                raise
            ready = raw._ready
            told: object = getattr(event, "event_id", None)
            if isinstance(told, str) and told:
                if told in self._told:
                    continue
                self._told.add(told)
            break
        if type(event) in TELLING:
            follower = self._follower
            follower.take(event)
            if follower.record.over:
                self._ended = True
                await raw.aclose()
            self._pausing = self._ended or follower.owes
        return event

    async def _before(self) -> None:
        """Do what stands before the next event: answers to calls, and the end."""
        self._check_opened()
        if self._ended or self._left:
            raise StopAsyncIteration
        follower = self._follower
        follower.begin()
        try:
            await follower.answer()
        except APIError as error:
            raise await self._failed(error) from error.__cause__
        except BaseException:
            await self.aclose()
            raise
        self._pausing = False

    async def _failed(self, error: OpenAIError) -> OpenAIError:
        self._pausing = True
        self._follower.broke(error)
        return await super()._failed(error)

    def _cut(self) -> None:
        """Decide what it means that the server has nothing more to say.

        Raises:
            StreamTruncated: The turn is not over.
        """
        raw = self._raw
        truncated = raw._truncated("the stream ended before the session was idle after the turn, or had failed")
        mode = raw._arrival.call.settings.truncated
        if mode == "raise":
            self._follower.broke(truncated)
            raise truncated from None
        # Where the session was not at rest the API's own stream has warned.
        if mode == "warn" and raw.complete:
            warn(str(truncated), RuntimeWarning, stacklevel=3)

    def with_result_collection(self) -> Self:
        """Keep the turn's messages, and return the stream; for those who iterate and want the result as well.

        Raises:
            OpenAIError: Events have gone by already.
        """
        self._follower.collect()
        return self

    async def get_final_result(self) -> AgentTurnResult[OutputT]:
        """Read the stream to its end, answer calls on the way, and return what the turn ended with; cancelling hangs up.

        Called again it returns the same.

        Raises:
            AgentTurnResultError: There is no complete result; `reason` says why, `turn` and `messages` what is there.
            AgentOutputParseError: The answer does not fit the type; `result` has its text.
            OpenAIError: The stream has not been opened, or events were read before `with_result_collection()`.
        """
        self._check_opened()
        return await self._follower.result(self)

    def _check_opened(self) -> None:
        if self._input is not None:
            raise OpenAIError(f"the stream has not been opened; {_HOW}")

    async def aclose(self) -> None:
        """Hang up; the turn goes on. Safe to repeat, safe when cancelled."""
        self._left = self._pausing = True
        if not isinstance(self._raw, _Unopened):
            await self._raw.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "not opened" if isinstance(self._raw, _Unopened) else repr(self._raw)
        return f"<{type(self).__name__} of {self._session_id}: {state}>"


class _Unopened:
    """Stands where the API's stream will be."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        raise OpenAIError(f"the stream has not been opened, so it has no {name} yet; {_HOW}")


def _messages_of(given: str | Iterable[AgentSessionInputMessageParam]) -> list[AgentSessionInputMessageParam]:
    if not isinstance(given, str):
        return list(given)
    return [{"role": "user", "content": [{"type": "input_text", "text": given}]}] if given else []


def _nothing(_: object) -> list[AgentSessionEvent]:
    return []


def _spoken(event: Any) -> str | None:
    """Return the piece of the text that an event is; None for another event."""
    return event.delta if isinstance(event, AgentSessionTurnOutputTextDeltaEvent) else None
