"""The events of a run as they come, read by its handler; no hook is called here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._sansio.accumulate import delta_of
from ..types.beta.assistant_stream_event import AssistantStreamEvent
from .assistant_state import GrowingRun
from .helper import HelperStream

if TYPE_CHECKING:
    from .._engine.iteration import Stream

__all__ = ("RunEvents",)


class RunEvents(HelperStream[AssistantStreamEvent]):
    """The events of a run as they come, and what is known of where its handler stands.

    Attributes:
        state: What they become.
        wanted: The hooks that somebody listens to.
        telling: A hook is running.
    """

    __slots__ = ("_end_told", "state", "telling", "wanted")

    def __init__(self, raw: Stream[Any], wanted: frozenset[str]) -> None:
        self.state: GrowingRun = GrowingRun()
        spoken = delta_of("run")
        assert spoken is not None  # runs have texts
        super().__init__(raw, take=_as_it_is, finish=_nothing, partial=self.state.partial, spoken=spoken)
        self.wanted: frozenset[str] = wanted
        self.telling: bool = False
        self._end_told = False

    def check_failure(self) -> None:
        """Raise what the stream failed with, if it did."""
        self._raise_again()

    def check_whole(self) -> None:
        """Raise unless the stream came to its end."""
        self._raise_again()
        self._raise_unless_whole()

    def take_end(self) -> bool:
        """Tell whether the stream has come to its end, once."""
        if not self._ended or self._end_told:
            return False
        self._end_told = True
        return True


def _as_it_is(event: AssistantStreamEvent) -> tuple[AssistantStreamEvent]:
    return (event,)


def _nothing() -> tuple[AssistantStreamEvent, ...]:
    return ()
