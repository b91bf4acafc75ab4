"""`AgentTurnResult`: the answer that one turn of an agent ended with, and its text as a type; events are not known here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .._codec import DecodeFailure
from ..structured.output import Output, output_of
from ..types.beta.agent_session_message_content import MessageContentResourceOutputText
from .errors import AgentOutputParseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import TypeVar as TypeVarWithDefault

    from ..types.beta.agent_session_message import AgentSessionMessage
    from ..types.beta.agents.sessions.turn import Turn

    OutputT_co = TypeVarWithDefault("OutputT_co", default=object, covariant=True)
else:
    OutputT_co = TypeVar("OutputT_co", covariant=True)

__all__ = ("AgentTurnResult", "text_of")

T = TypeVar("T")


@dataclass(frozen=True)
class AgentTurnResult(Generic[OutputT_co]):
    """What one turn of an agent ended with: its complete messages, without comments on the way.

    Attributes:
        turn: The turn, as it was completed.
        messages: The agent's final messages, in order.
        output_parsed: The last message as the type that was asked for; None if none was.
    """

    turn: Turn
    messages: list[AgentSessionMessage]
    output_parsed: OutputT_co | None = None

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.turn.session_id

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self.turn.id

    @property
    def output_text(self) -> str:
        """The text of all messages, joined without anything between."""
        return "".join(map(text_of, self.messages))

    @overload
    def parse(self, output_type: type[T]) -> AgentTurnResult[T]: ...
    @overload
    def parse(self, output_type: Output[T]) -> AgentTurnResult[T]: ...
    @overload
    def parse(self, output_type: Mapping[str, object]) -> AgentTurnResult[dict[str, object]]: ...
    def parse(self, output_type: Any) -> AgentTurnResult[Any]:
        """Return the same result with the text of its last message read as a type.

        The session is not asked for anything, and goes on as it was made.

        Args:
            output_type: A Struct, dataclass, TypedDict, attrs class or pydantic model, an `Output`, or a JSON schema.

        Raises:
            AgentOutputParseError: There is no message, or its text does not fit.
            UnsupportedSchemaError: Nothing can be read as such a type.
        """
        # Nothing is sent, so strict mode's limits on types do not matter.
        output: Output[object] = output_of(output_type, strict=False)
        plain: AgentTurnResult[object] = AgentTurnResult(self.turn, self.messages)
        if not self.messages:
            raise AgentOutputParseError(plain, "the turn ended without a final message")
        try:
            return replace(plain, output_parsed=output.decode(text_of(self.messages[-1])))
        except DecodeFailure as failure:
            raise AgentOutputParseError(plain, str(failure)) from failure


def text_of(message: AgentSessionMessage) -> str:
    """Return the text that a message says."""
    return "".join(part.text for part in message.content if isinstance(part, MessageContentResourceOutputText))
