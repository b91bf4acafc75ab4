"""`ResponsesToolRun`: a run as users iterate it; nothing runs and no scope is open while a turn is in their hands."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from .._engine.closing import Closing
from .runner_errors import ToolRunnerCancelledError, ToolRunnerError
from .runner_steps import RunSteps, TurnState
from .turn import ResponsesRunnerTurn

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..types.responses.response import Response
    from .lifecycle import ToolLifecycle
    from .runner_record import RunRecord

__all__ = ("ResponsesToolRun",)


class ResponsesToolRun(Closing):
    """The turns of a run: an async iterator and an async context manager.

    Each step makes the calls of the turn before, sends the conversation, and gives the answer as a turn. The last turn has
    `final`. Leaving the block, or `aclose()`, ends the run where it is; calls of a turn in hand are then not made.
    """

    def __init__(self, lifecycle: ToolLifecycle, steps: RunSteps, begin: Callable[[RunRecord], None]) -> None:
        self._lifecycle = lifecycle
        self._on_begin = begin
        self._steps = steps
        self._begun = False
        self._ended = False
        self._closing = False
        self._stepping = False

    @property
    def attempted_call_ids(self) -> tuple[str, ...]:
        """The calls that were begun, in order; also after the run was cancelled."""
        return tuple(self._steps.record.evidence.attempted)

    @property
    def completed_call_ids(self) -> tuple[str, ...]:
        """Those whose output exists; also after the run was cancelled."""
        return tuple(self._steps.record.evidence.completed)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ResponsesRunnerTurn:
        """Make the calls of the turn in hand, and return the next one.

        Independent calls run at the same time, within this step. Cancelling ends the run and passes through; outputs that
        exist by then are still written to the ledger.

        Raises:
            StopAsyncIteration: The run is over.
            ToolRunnerCancelledError: `cancelled()` said to stop.
            ToolRunnerError: The run stopped before its end; the cause says why.
        """
        if self._stepping:
            raise RuntimeError("the run is being iterated by another task; one iterates, others are told by it")
        if self._ended:
            raise StopAsyncIteration
        self._begin()
        self._stepping = True
        turn: TurnState | None = None
        try:
            turn = await self._advance()
        finally:
            self._stepping = False
            if turn is None or self._closing:
                self._end()
        if turn is None or self._ended:
            raise StopAsyncIteration
        return self._shown(turn)

    async def _advance(self) -> TurnState | None:
        record = self._steps.record
        try:
            resumed = self._steps.turn
            if not self._begun and resumed is not None and resumed.final:
                return resumed
            return await self._steps.next()
        except BaseException as error:
            await record.rescue()
            if not isinstance(error, Exception):
                raise
            if isinstance(error, ToolRunnerError):
                # Calls beside the one that failed may have gone on after it.
                error.attempted_call_ids = tuple(record.evidence.attempted)
                error.completed_call_ids = tuple(record.evidence.completed)
                raise
            if _is_cancelled(error):
                raise record.evidence.cancelled() from error
            raise record.evidence.error(
                f"the tool run stopped because of {type(error).__name__}, which is the cause of this error"
            ) from error
        finally:
            self._begun = True

    def _shown(self, turn: TurnState) -> ResponsesRunnerTurn:
        record = self._steps.record
        return ResponsesRunnerTurn(
            cast("Response", turn.response),
            step=record.consumed,
            final=turn.final,
            tools_executed=turn.executed,
            attempted=record.evidence.attempted,
            completed=record.evidence.completed,
            supply=cast("Callable[[Sequence[Any]], None]", turn.supply),
            append=turn.append,
        )

    def _begin(self) -> None:
        if not self._begun:
            self._lifecycle.enter()
            self._on_begin(self._steps.record)

    def _end(self) -> None:
        if self._begun and not self._ended:
            self._lifecycle.exit()
        self._ended = True
        if self._steps.turn is not None:
            self._steps.turn.open = False

    async def aclose(self) -> None:
        """End the run where it is; safe to repeat. A step that another task is in goes on to its end, and is the last."""
        self._closing = True
        if not self._stepping:
            self._end()

    def __del__(self) -> None:
        if getattr(self, "_begun", False) and not self._ended:
            self._lifecycle.exit()
            warnings.warn(
                "an iterated tool run was dropped before its end; write `async with runner.iterate(...) as turns:`",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def __repr__(self) -> str:
        record = self._steps.record
        return f"<ResponsesToolRun, {record.consumed} of {record.max_steps} requests>"


def _is_cancelled(error: BaseException) -> bool:
    """Tell whether `cancelled()` stopped everything that failed: several calls at once ask it, each for itself."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_cancelled, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    return isinstance(error, ToolRunnerCancelledError)
