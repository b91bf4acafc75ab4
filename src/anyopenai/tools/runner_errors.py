"""How a run of tools stops before its end, and the evidence of what it did until then; no message of another error here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..errors import OpenAIError

__all__ = ("CallEvidence", "ToolRunnerCancelledError", "ToolRunnerError")


_SHOWN: Final = 5
"""Most ids in a message; the attributes have all of them."""


class ToolRunnerError(OpenAIError, RuntimeError):
    """A run stopped before its end. Look at the ids before running again: what was attempted may have had an effect.

    What a callback, a tool or the API raised is the `__cause__`; its text is not repeated in this error's own, which
    may stand in a log.

    Attributes:
        attempted_call_ids: The calls that were begun, in order; one of them may have failed half-way.
        completed_call_ids: Those whose output exists: it does not say that what they did is approved of.
    """

    def __init__(
        self, message: str, attempted_call_ids: Iterable[str] = (), completed_call_ids: Iterable[str] = ()
    ) -> None:
        attempted, completed = list(attempted_call_ids), list(completed_call_ids)
        super().__init__(message, attempted, completed)
        self.message: str = message
        self.attempted_call_ids: tuple[str, ...] = tuple(attempted)
        self.completed_call_ids: tuple[str, ...] = tuple(completed)

    def __str__(self) -> str:
        done = f"attempted: {_listed(self.attempted_call_ids)}; completed: {_listed(self.completed_call_ids)}"
        return f"{self.message} ({done})"


class ToolRunnerCancelledError(ToolRunnerError):
    """The run's own `cancelled()` said to stop; cancelling a task or a scope passes through as the event loop's own."""

    def __init__(self, attempted_call_ids: Iterable[str], completed_call_ids: Iterable[str]) -> None:
        super().__init__("the tool run was cancelled: cancelled() said to stop", attempted_call_ids, completed_call_ids)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self.attempted_call_ids), list(self.completed_call_ids))


def _listed(ids: tuple[str, ...]) -> str:
    """Return ids as a message shows them: of many the last."""
    before = f"{len(ids) - _SHOWN} others, " if len(ids) > _SHOWN else ""
    return before + ", ".join(ids[-_SHOWN:]) if ids else "none"


class CallEvidence:
    """What became of a run's calls, in order; it outlives the run.

    Attributes:
        attempted: The calls that were begun.
        completed: Those whose output exists.
    """

    __slots__ = ("attempted", "completed")

    def __init__(self, attempted: Iterable[str] = (), completed: Iterable[str] = ()) -> None:
        self.attempted: list[str] = list(attempted)
        self.completed: list[str] = list(completed)

    def error(self, message: str) -> ToolRunnerError:
        """Return the error of a run that stops now."""
        return ToolRunnerError(message, self.attempted, self.completed)

    def cancelled(self) -> ToolRunnerCancelledError:
        """Return the error of a run that `cancelled()` stops now."""
        return ToolRunnerCancelledError(self.attempted, self.completed)
