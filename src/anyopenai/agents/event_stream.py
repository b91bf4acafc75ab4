"""`AsyncAgentSessionEventStream`: the events of a session that is being made, and its first turn's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar
from warnings import warn

from .._engine.iteration import Stream
from ..errors import APIError, OpenAIError
from ..types.beta.agent_session_event import AgentSessionEvent
from .following import TELLING, TurnFollower

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from ..structured.output import Output
    from .dispatch import ToolDispatcher
    from .result import AgentTurnResult

    OutputT = TypeVarWithDefault("OutputT", default=object)
else:
    OutputT = TypeVar("OutputT")

__all__ = ("AsyncAgentSessionEventStream",)

_WORKS: Final = ("agent.session.turn.", "agent.session.in_progress")
"""How the events begin that tell of a session at work; whether it ends is for the rule of its stream to say then."""


class AsyncAgentSessionEventStream(Stream[AgentSessionEvent], Generic[OutputT]):
    """The events of a new session, as `create(stream=True)` gives them, and the result of the turn its input begins.

    It is a `Stream`: read it, or close it. It ends where the server ends it, and `get_final_result()` reads no further than
    to the end of the turn. Calls of tools with a handler are answered after their event was given out, before the next one
    is read.

    Args:
        stream: What the API gave, from which nothing has been read.
        output: What the answer is read as; None leaves it as text.
        dispatcher: What answers calls; None leaves them to others.
        expects_turn: The session was given input, so that a turn begins.
    """

    __slots__ = ("_expects_turn", "_follower")

    def __init__(
        self,
        stream: Stream[AgentSessionEvent],
        output: Output[OutputT] | None,
        dispatcher: ToolDispatcher | None,
        *,
        expects_turn: bool,
    ) -> None:
        super().__init__(stream._arrival, AgentSessionEvent)
        # Its bytes are read here from now on.
        stream._closed = True
        self._expects_turn = expects_turn
        self._follower: TurnFollower[OutputT] = TurnFollower(output, dispatcher)

    async def __anext__(self) -> AgentSessionEvent:
        """Answer the calls that the last event asked for, and return the next event.

        Everything that one read brought is handed out without waiting. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The server ended the stream, or it was closed.
            StreamTruncated: The input ended while the session was at work; `partial` is the text that came.
            APIError: The server sent an error, the connection failed, or the result of a call could not be sent.
        """
        follower = self._follower
        follower.begin()
        closed = self._closed
        try:
            if follower.owes and not closed:
                try:
                    await follower.answer()
                except APIError as error:
                    raise await self._broken(error) from error.__cause__
                except BaseException:
                    await self.aclose()
                    raise
            ready = self._ready
            event = ready.pop() if ready else await self._advance()
        except StopAsyncIteration:
            if not closed:
                self._check_begun()
            raise
        except OpenAIError as error:
            follower.broke(error)
            raise
        if type(event) in TELLING:
            follower.take(event)
        if self._expects_turn:
            said: object = getattr(event, "type", None)
            self._expects_turn = not (isinstance(said, str) and said.startswith(_WORKS))
        return event

    def _check_begun(self) -> None:
        """Refuse an end before the turn that the input begins."""
        settings = self._arrival.call.settings
        if self._expects_turn and not self._follower.record.over:
            self._expects_turn = False
            # Where the session was at work the stream has said so itself.
            error = self._truncated("the stream ended before the turn began")
            if settings.truncated == "raise":
                self._follower.broke(error)
                raise error
            if settings.truncated == "warn" and self.complete:
                warn(str(error), RuntimeWarning, stacklevel=3)

    def with_result_collection(self) -> Self:
        """Keep the turn's messages, and return the stream; for those who iterate and want the result as well.

        Raises:
            OpenAIError: Events have gone by already.
        """
        self._follower.collect()
        return self

    async def get_final_result(self) -> AgentTurnResult[OutputT]:
        """Read the stream to the end of the turn, answer calls on the way, and return what the turn ended with.

        Called again it returns the same. Cancelling hangs up.

        Raises:
            AgentTurnResultError: There is no complete result; `reason` says why, `turn` and `messages` what is there.
            AgentOutputParseError: The answer does not fit the type; `result` has its text.
            OpenAIError: Events were read before `with_result_collection()`.
        """
        return await self._follower.result(self)
