"""The exceptions of agents' helpers: plain data about what is there all the same; nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ..errors import OpenAIError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..types.beta.agent_session import (
        RequiredActionComputerUseApprovalRequest,
        RequiredActionEnvironmentConnection,
        RequiredActionFunctionCall,
        RequiredActionMcpApprovalRequest,
    )
    from ..types.beta.agent_session_message import AgentSessionMessage
    from ..types.beta.agents.sessions.turn import Turn
    from .files import PreparedAgentFiles
    from .result import AgentTurnResult

    RequiredAction: TypeAlias = (
        RequiredActionMcpApprovalRequest
        | RequiredActionComputerUseApprovalRequest
        | RequiredActionFunctionCall
        | RequiredActionEnvironmentConnection
    )

__all__ = (
    "AgentFilePreparationError",
    "AgentFileStagingError",
    "AgentOutputParseError",
    "AgentTurnResultError",
    "ResultErrorReason",
)

ResultErrorReason: TypeAlias = Literal["failed", "cancelled", "requires_action", "incomplete", "observation_failed"]
"""Why a turn has no result: it failed, it was cancelled, it waits for something that no handler here does, its end was
not seen, or it could not be watched any longer."""

_SAID: Final[dict[ResultErrorReason, str]] = {
    "failed": "it failed",
    "cancelled": "it was cancelled",
    "requires_action": "it waits for an action that no handler here takes; see `required_actions`",
    "incomplete": "its end was not seen; read the stream to its end, or look the turn up in `sessions.turns`",
    "observation_failed": "its events could not be followed to its end, and it may go on; look it up in `sessions.turns`",
}


class AgentTurnResultError(OpenAIError):
    """A turn of an agent has no result that is known to be whole; the error of a connection is its cause.

    That the events could not be followed (`"observation_failed"`) does not mean that the turn failed.

    Attributes:
        reason: Why.
        turn: The turn as far as it is known; None if none was seen to begin.
        session_id: The session's id; None if nothing told it.
        messages: The turn's complete messages that have come, without comments on the way.
        required_actions: What the session waits for.
    """

    reason: ResultErrorReason
    turn: Turn | None
    session_id: str | None
    messages: list[AgentSessionMessage]
    required_actions: list[RequiredAction]

    def __init__(
        self,
        reason: ResultErrorReason,
        *,
        turn: Turn | None,
        session_id: str | None,
        messages: Sequence[AgentSessionMessage],
        required_actions: Sequence[RequiredAction],
    ) -> None:
        name = "the turn" if turn is None else f"turn {turn.id}"
        said = _SAID[reason]
        error = None if turn is None else turn.error
        if reason == "failed" and error is not None:
            said = f"{said} with {error.code}: {error.message}"
        super().__init__(f"{name} of the agent has no result ({reason}): {said}")
        self.reason = reason
        self.turn = turn
        self.session_id = session_id
        self.messages = list(messages)
        self.required_actions = list(required_actions)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__


class AgentOutputParseError(OpenAIError):
    """A turn was completed, and its answer does not fit the type that was asked for.

    Attributes:
        result: The result with its text, without what it would have been read as.
    """

    result: AgentTurnResult[object]

    def __init__(self, result: AgentTurnResult[object], reason: str = "it does not fit") -> None:
        super().__init__(f"the agent's answer cannot be read as the type that was asked for: {reason}")
        self.result = result

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__


class AgentFilePreparationError(OpenAIError):
    """Some files for an environment could not be uploaded; those that were are the caller's to use or to delete.

    Attributes:
        prepared: What was uploaded.
    """

    prepared: PreparedAgentFiles

    def __init__(self, prepared: PreparedAgentFiles) -> None:
        count = len(prepared.uploaded_file_ids)
        super().__init__(
            f"not all files could be uploaded; {count} were, and are kept until you delete them: see `prepared`"
        )
        self.prepared = prepared

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__


class AgentFileStagingError(OpenAIError):
    """A file was uploaded and could not be put into the environment; the upload is the caller's to use or to delete.

    Attributes:
        uploaded_file_id: The id of the upload.
    """

    uploaded_file_id: str

    def __init__(self, uploaded_file_id: str) -> None:
        super().__init__(
            f"the file was uploaded as {uploaded_file_id} and could not be put into the environment; "
            "the upload is kept until you delete it"
        )
        self.uploaded_file_id = uploaded_file_id

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[OpenAIError], args: tuple[object, ...]) -> OpenAIError:
    """Make an error again without its constructor, which takes other arguments."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error
