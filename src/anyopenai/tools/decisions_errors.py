"""How a decisions runner stops without a result; each error says which candidates were attempted and which ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from ..errors import OpenAIError

__all__ = ("DecisionsStopReason", "DecisionsToolRunnerCancelledError", "DecisionsToolRunnerError")

DecisionsStopReason: TypeAlias = Literal[
    "invalid_params",
    "invalid_candidates",
    "invalid_answer",
    "async_executor",
    "invalid_verification",
    "verification_failed",
    "step_limit",
    "failed",
    "cancelled",
]
"""Why a run stopped. `async_executor` and `verification_failed` are openai-python's; nothing here stops for them."""

_SAID: Final[dict[str, str]] = {
    "invalid_params": "params need a model and an input, both texts, and nothing else but safety_identifier",
    "invalid_candidates": "the candidates cannot be chosen from",
    "invalid_answer": "the decision selects none of the candidates",
    "async_executor": "an executor cannot be awaited",
    "invalid_verification": "verify() gave neither True nor False",
    "verification_failed": "the result was not verified",
    "step_limit": "max_steps was reached before the task was complete",
    "failed": "something raised, which is the cause of this error",
    "cancelled": "cancelled() said to stop",
}


class DecisionsToolRunnerError(OpenAIError, RuntimeError):
    """A run stopped without a result. Look at the ids before running again: what was attempted may have had an effect.

    What a callback or the API raised is the `__cause__`; its text is not repeated in this error's own.

    Attributes:
        reason: Why it stopped.
        attempted_candidate_ids: Whose `execute` was called, in order.
        completed_candidate_ids: Whose `execute` returned.
    """

    def __init__(self, reason: DecisionsStopReason, attempted: Sequence[str], completed: Sequence[str]) -> None:
        super().__init__(reason, list(attempted), list(completed))
        self.reason: DecisionsStopReason = reason
        self.attempted_candidate_ids: tuple[str, ...] = tuple(attempted)
        self.completed_candidate_ids: tuple[str, ...] = tuple(completed)

    def __str__(self) -> str:
        done = f"attempted: {', '.join(self.attempted_candidate_ids) or 'none'}"
        ended = f"completed: {', '.join(self.completed_candidate_ids) or 'none'}"
        return f"the decisions run stopped: {_SAID.get(self.reason, self.reason)} ({done}; {ended})"


class DecisionsToolRunnerCancelledError(DecisionsToolRunnerError):
    """The run's own `cancelled()` said to stop; cancelling a task or a scope passes through as the event loop's own."""

    def __init__(self, attempted: Sequence[str], completed: Sequence[str]) -> None:
        super().__init__("cancelled", attempted, completed)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self.attempted_candidate_ids), list(self.completed_candidate_ids))
