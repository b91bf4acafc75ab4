"""`TurnRecord`: what a session's events say of one turn, and whether it is over; nothing is read or sent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ..types.beta.agent_session_assistant_message import AgentSessionAssistantMessage
from ..types.beta.agent_session_created_event import AgentSessionCreatedEvent
from ..types.beta.agent_session_failed_event import AgentSessionFailedEvent
from ..types.beta.agent_session_idle_event import AgentSessionIdleEvent
from ..types.beta.agent_session_in_progress_event import AgentSessionInProgressEvent
from ..types.beta.agent_session_message import AgentSessionMessage
from ..types.beta.agent_session_message_content import MessageContentResourceOutputText
from ..types.beta.agent_session_requires_action_event import AgentSessionRequiresActionEvent
from ..types.beta.agent_session_turn_cancelled_event import AgentSessionTurnCancelledEvent
from ..types.beta.agent_session_turn_completed_event import AgentSessionTurnCompletedEvent
from ..types.beta.agent_session_turn_created_event import AgentSessionTurnCreatedEvent
from ..types.beta.agent_session_turn_failed_event import AgentSessionTurnFailedEvent
from ..types.beta.agent_session_turn_item_done_event import AgentSessionTurnItemDoneEvent
from ..types.beta.output_text import OutputText
from .errors import AgentTurnResultError, ResultErrorReason

if TYPE_CHECKING:
    from ..types.beta.agents.sessions.turn import Turn
    from .errors import RequiredAction

__all__ = ("TELLING", "TurnRecord")

_ENDS = (AgentSessionTurnCompletedEvent, AgentSessionTurnFailedEvent, AgentSessionTurnCancelledEvent)

TELLING: Final = frozenset(
    {
        *_ENDS,
        AgentSessionTurnItemDoneEvent,
        AgentSessionTurnCreatedEvent,
        AgentSessionIdleEvent,
        AgentSessionInProgressEvent,
        AgentSessionRequiresActionEvent,
        AgentSessionFailedEvent,
        AgentSessionCreatedEvent,
    }
)
"""The events that a record takes notice of; the many pieces of a text are none of them."""


class TurnRecord:
    """The first turn of a session's own agent that events tell of; turns of its subagents are others.

    A turn has ended when an event of its own says so, and is over when the session then rests. A session that fails ends
    it too. That the session is idle says nothing before that: it is so before the turn has begun.

    Args:
        session_id: The session, if it is known; else its first event tells.

    Attributes:
        session_id: The session's id; None before it is known.
        turn: The turn, as the last event of it had it; None before it has begun.
        over: Nothing more will come of the turn.
        required_actions: What the session waits for now.
        collecting: Whether messages are kept.
    """

    __slots__ = ("_ended", "_failed", "_messages", "collecting", "over", "required_actions", "session_id", "turn")

    def __init__(self, session_id: str | None = None) -> None:
        self.session_id: str | None = session_id
        self.turn: Turn | None = None
        self.over: bool = False
        self.required_actions: list[RequiredAction] = []
        self.collecting: bool = False
        self._ended = False
        self._failed = False
        # By id, as an item that is told of twice is one: its place in the turn, and itself.
        self._messages: dict[str, tuple[int, AgentSessionAssistantMessage]] = {}

    def take(self, event: object) -> None:
        """Take notice of an event; never raises, whatever is missing in it."""
        if isinstance(event, AgentSessionTurnItemDoneEvent):
            if self.collecting:
                self._keep(event)
        elif isinstance(event, AgentSessionTurnCreatedEvent):
            begun = _turn_of(event)
            if self.turn is None and begun is not None and begun.subagent_id is None:
                self.turn = begun
        elif isinstance(event, _ENDS):
            ended = _turn_of(event)
            if self.turn is not None and ended is not None and ended.id == self.turn.id:
                self.turn = ended
                self._ended = True
        elif isinstance(event, AgentSessionIdleEvent):
            self.required_actions = []
            self.over = self.over or self._ended
        elif isinstance(event, AgentSessionInProgressEvent):
            self.required_actions = []
        elif isinstance(event, AgentSessionRequiresActionEvent):
            self.required_actions = _read(_read(event, "session"), "required_actions") or []
        elif isinstance(event, AgentSessionFailedEvent):
            self.over = self._failed = True
        elif isinstance(event, AgentSessionCreatedEvent):
            self.session_id = _read(_read(event, "session"), "id") or self.session_id

    def _keep(self, event: AgentSessionTurnItemDoneEvent) -> None:
        item = event.item
        if (
            isinstance(item, AgentSessionAssistantMessage)
            and self.turn is not None
            and item.turn_id == self.turn.id
            and item.status == "completed"
            and item.phase != "commentary"
        ):
            place: object = event.output_index
            self._messages[item.id] = (place if isinstance(place, int) else len(self._messages), item)

    def messages(self) -> list[AgentSessionMessage]:
        """Return the turn's final messages so far, in order."""
        kept = sorted(self._messages.values(), key=lambda pair: pair[0])
        return [_message(item) for _, item in kept]

    def reason(self) -> ResultErrorReason | None:
        """Return why the turn has no result; None if it has one."""
        status = self.turn.status if self.turn is not None and self._ended else None
        if self._failed or status == "failed":
            return "failed"
        if status == "cancelled":
            return "cancelled"
        if self.over:
            return None
        return "requires_action" if self.required_actions else "incomplete"

    def error(self, reason: ResultErrorReason) -> AgentTurnResultError:
        """Return the error for a turn without a result, with what is there of it."""
        return AgentTurnResultError(
            reason,
            turn=self.turn,
            session_id=self.session_id,
            messages=self.messages(),
            required_actions=self.required_actions,
        )


def _turn_of(event: object) -> Turn | None:
    found = _read(event, "turn")
    return cast("Turn", found) if _read(found, "id") else None


# `Any`: the event comes from a server, and what it lacks is handled.
def _read(holder: Any, name: str) -> Any:
    """Read a member that servers may have left out."""
    return getattr(holder, name, None)


def _message(item: AgentSessionAssistantMessage) -> AgentSessionMessage:
    """Return a message as the session's other messages are."""
    # A part of a kind that is not known is left as it is.
    content = [
        MessageContentResourceOutputText(text=part.text) if isinstance(part, OutputText) else part
        for part in cast("list[object]", item.content or ())
    ]
    return AgentSessionMessage(
        id=item.id,
        content=cast("list[MessageContentResourceOutputText]", content),  # type: ignore[arg-type]  # lists are invariant
        phase=item.phase,
        role=item.role,
        status=item.status,
        turn_id=item.turn_id,
    )
