"""`TurnFollower`: one turn followed through the events of a stream, to the calls it makes here and to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, cast

from ..errors import OpenAIError
from ..types.beta.agent_session_turn_item_added_event import AgentSessionTurnItemAddedEvent
from .errors import AgentOutputParseError
from .result import AgentTurnResult
from .turn import TELLING as OF_TURNS
from .turn import TurnRecord

if TYPE_CHECKING:
    from ..structured.output import Output
    from .dispatch import ToolDispatcher

__all__ = ("TELLING", "TurnFollower")

OutputT = TypeVar("OutputT")

TELLING: Final = OF_TURNS | {AgentSessionTurnItemAddedEvent}
"""The events that a follower takes notice of; asked of each event's type, as most are none of them."""


class _Events(Protocol):
    async def __anext__(self) -> Any: ...
    async def aclose(self) -> None: ...


class TurnFollower(Generic[OutputT]):
    """What a stream of events and the result of its turn have in common.

    A stream tells it of the first read (`begin`), of each event that matters (`take`) and of what ended it (`broke`), and has it
    answer calls before it reads on (`answer`).

    Args:
        output: What the answer is read as; None leaves it as text.
        dispatcher: What answers the turn's calls; None leaves them to others.
        session_id: The session, if it is known.

    Attributes:
        record: What the events said.
    """

    __slots__ = ("_begun", "_broken", "_dispatcher", "_output", "_result", "_unparsed", "record")

    def __init__(
        self, output: Output[OutputT] | None, dispatcher: ToolDispatcher | None, session_id: str | None = None
    ) -> None:
        self.record: TurnRecord = TurnRecord(session_id)
        self._output = output
        self._dispatcher = dispatcher
        self._begun = False
        self._broken: OpenAIError | None = None
        self._result: AgentTurnResult[OutputT] | None = None
        self._unparsed: AgentOutputParseError | None = None

    @property
    def owes(self) -> bool:
        """Whether calls wait for their answers, which are sent before the next event is read."""
        return self._dispatcher is not None and self._dispatcher.waiting

    async def answer(self) -> None:
        """Answer the calls that wait.

        Raises:
            APIError: A result could not be sent.
        """
        if self._dispatcher is not None:
            await self._dispatcher.answer()

    def begin(self) -> None:
        """Take notice that events are read from here on."""
        self._begun = True

    def take(self, event: object) -> None:
        """Take notice of an event, one of those in `TELLING`."""
        self.record.take(event)
        if self._dispatcher is not None:
            self._dispatcher.take(event)

    def broke(self, error: OpenAIError) -> None:
        """Take notice of what ended the stream."""
        self._broken = error

    def collect(self) -> None:
        """Keep messages from here on.

        Raises:
            OpenAIError: Events have gone by already.
        """
        if self._begun and not self.record.collecting:
            raise OpenAIError(
                "events of this stream were read before its result was asked for, and are gone; call "
                "with_result_collection() before reading, or get_final_result() alone"
            )
        self.record.collecting = True

    async def result(self, events: _Events) -> AgentTurnResult[OutputT]:
        """Read a stream until the turn is over, and return its result.

        Raises:
            AgentTurnResultError: There is no complete result.
            AgentOutputParseError: The answer does not fit the type.
            OpenAIError: Events have gone by already.
        """
        if self._result is not None:
            return self._result
        if self._unparsed is not None:
            raise self._unparsed
        self.collect()
        record = self.record
        while not record.over and self._broken is None:
            if self._stuck():
                await events.aclose()
                raise record.error("requires_action")
            try:
                await events.__anext__()
            except StopAsyncIteration:
                break
            except OpenAIError as error:
                self.broke(error)
        reason = record.reason()
        if reason is not None:
            if self._broken is not None and reason in ("incomplete", "requires_action"):
                raise record.error("observation_failed") from self._broken
            raise record.error(reason)
        await events.aclose()
        turn = record.turn
        assert turn is not None  # a turn that is over was there
        plain: AgentTurnResult[object] = AgentTurnResult(turn, record.messages())
        if self._output is not None:
            try:
                plain = plain.parse(self._output)
            except AgentOutputParseError as error:
                self._unparsed = error
                raise
        self._result = cast("AgentTurnResult[OutputT]", plain)
        return self._result

    def _stuck(self) -> bool:
        """Tell whether the session waits for what nobody here does."""
        return any(
            not (
                action.type == "function_call"
                and self._dispatcher is not None
                and self._dispatcher.handles(action.name)
            )
            for action in self.record.required_actions
        )
