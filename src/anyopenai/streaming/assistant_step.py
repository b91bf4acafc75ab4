"""A step of a run as it grows out of its deltas; the run it belongs to is not known here."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, cast

from .._codec import BaseModel
from ..types.beta.threads.runs.message_creation_step_details import MessageCreation, MessageCreationStepDetails
from ..types.beta.threads.runs.run_step import RunStep
from ..types.beta.threads.runs.tool_calls_step_details import ToolCallsStepDetails
from .assistant_block import kind_of
from .assistant_call import GrowingStepCall
from .call_table import CallTable

if TYPE_CHECKING:
    from ..types.beta.threads.runs.tool_call import ToolCall

__all__ = ("GrowingStep",)


class GrowingStep:
    """Puts a step together from its deltas, at a cost linear in them.

    Args:
        step: The step as it was when it began; it stays as it is.

    Attributes:
        current: The call that the latest piece belongs to.
    """

    __slots__ = ("_calls", "_dirty", "_ended", "_shown", "current")

    def __init__(self, step: RunStep) -> None:
        self._shown = shown = step.model_copy()
        self._calls: CallTable[GrowingStepCall] = CallTable(GrowingStepCall)
        self._dirty: set[GrowingStepCall] = set()
        self._ended = False
        self.current: GrowingStepCall | None = None
        details: Any = step.step_details
        if isinstance(details, BaseModel):
            shown.step_details = cast("Any", copy(details))
        self._seed(details)

    @property
    def ended(self) -> bool:
        """Whether an event has said that the step is over."""
        return self._ended

    def _seed(self, details: Any) -> None:
        """Begin with the calls that an event has which says of the whole step."""
        if not isinstance(details, ToolCallsStepDetails):
            return
        for number, call in enumerate(cast("list[Any] | None", details.tool_calls) or ()):
            own, _ = self._calls.find(number, getattr(call, "id", None), None, None, None)
            own.begin(call)
        own_details: Any = self._shown.step_details
        own_details.tool_calls = [call.snapshot() for call in self._calls]

    # `Any`: the pieces come from a server, and what they lack is handled.
    def take(self, delta: Any) -> list[tuple[GrowingStepCall, Any, bool]]:
        """Add a delta; return for each of its pieces the call it belongs to, and whether that begins with it."""
        details: Any = getattr(delta, "step_details", None)
        pieces: list[Any] | None = getattr(details, "tool_calls", None)
        if type(pieces) is not list:
            self._create(getattr(getattr(details, "message_creation", None), "message_id", None))
            return []
        found: list[tuple[GrowingStepCall, Any, bool]] = []
        for place, piece in enumerate(pieces):
            if piece is None:
                continue
            function: Any = getattr(piece, "function", None)
            call, begins = self._calls.find(
                getattr(piece, "index", None),
                getattr(piece, "id", None),
                getattr(function, "name", None),
                getattr(function, "arguments", None),
                place if len(pieces) > 1 else None,
                kind_of(piece, _CALLS),
            )
            call.take(piece)
            self._dirty.add(call)
            found.append((call, piece, begins))
        return found

    def _create(self, message_id: object) -> None:
        if isinstance(message_id, str):
            created = MessageCreation(message_id=message_id)
            self._shown.step_details = MessageCreationStepDetails(message_creation=created)

    def update(self, step: RunStep) -> None:
        """Take over what an event says of the whole step, but for calls, which have begun."""
        for name in _HEAD:
            setattr(self._shown, name, getattr(step, name, None))
        if not self._calls:
            self._seed(step.step_details)

    def end(self, step: RunStep) -> RunStep:
        """Take the step as it is at its end, and return that: its calls are what came if they are left out."""
        details: Any = step.step_details
        if self._calls and not getattr(details, "tool_calls", None):
            step = step.model_copy()
            step.step_details = self.snapshot().step_details
        self._shown = step
        self._ended = True
        return step

    def untold(self) -> list[ToolCall]:
        """Return the calls whose end has not been told, as they are; from now on it has."""
        found: list[ToolCall] = []
        for call in self._calls:
            if not call.told:
                call.told = True
                found.append(call.snapshot())
        return found

    def snapshot(self) -> RunStep:
        """Return the step so far: one object that grows, and at the end the one that the last event has."""
        shown = self._shown
        if self._ended:
            return shown
        for call in self._dirty:
            call.snapshot()
        self._dirty.clear()
        calls = self._calls
        if calls:
            details: Any = shown.step_details
            if not isinstance(details, ToolCallsStepDetails):
                details = shown.step_details = ToolCallsStepDetails(tool_calls=[])
            listed = details.tool_calls
            if len(listed) < len(calls):
                listed += [call.snapshot() for call in calls[len(listed) :]]
        return shown


_CALLS = ("function", "code_interpreter", "file_search")
_HEAD = ("assistant_id", "cancelled_at", "completed_at", "created_at", "expired_at", "failed_at", "last_error", "metadata",
         "run_id", "status", "thread_id", "type", "usage")  # fmt: skip
