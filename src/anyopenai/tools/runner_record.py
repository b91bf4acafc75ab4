"""What a run has said and done so far, and when it is written down; what is done next is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from anyio import Lock

from .._tasks import grace
from .invocation import call_user
from .runner_errors import CallEvidence
from .runner_items import Item, plain

if TYPE_CHECKING:
    from typing import Literal

    from .ledger import AsyncResponsesToolLedger, ResponsesToolCheckpoint

__all__ = ("RunRecord",)


class RunRecord:
    """One run: its history, the turn on its way, and its ledger.

    Args:
        history: What is said first.
        max_steps: The run's limit of requests.
        tools: What the model may call, as checkpoints have it.
        overrides: Functions that outputs may be supplied for.
        ledger: Where it is written down; None for nowhere.

    Attributes:
        evidence: What became of the run's calls.
        history: What was said before this turn.
        items: What the model said in this turn, as far as it is known.
        outputs: Outputs of this turn's calls, by the call's id, in the order in which they came.
        consumed: How many requests were made.
    """

    def __init__(
        self,
        history: list[Item],
        *,
        max_steps: int,
        tools: list[Item],
        overrides: list[str],
        ledger: AsyncResponsesToolLedger | None,
    ) -> None:
        self.evidence: CallEvidence = CallEvidence()
        self.history: list[Item] = history
        self.items: list[Item] = []
        self.outputs: dict[str, Item] = {}
        self.consumed: int = 0
        self.max_steps: int = max_steps
        self.tools: list[Item] = tools
        self.overrides: list[str] = overrides
        self._ledger = ledger
        self._revision = 0
        self._inspected = False
        self._lock = Lock()
        # Whether outputs exist that no checkpoint has.
        self._unsaved = False
        # A ledger that failed is not asked again.
        self._broken = False

    @property
    def calls_left(self) -> bool:
        """Whether another request may be made after the one on its way."""
        return self.consumed < self.max_steps

    def go_on_from(self, checkpoint: ResponsesToolCheckpoint) -> None:
        """Take over what a checkpoint says, in place of what was to be said first."""
        found = cast("dict[str, Any]", checkpoint)
        self.evidence = CallEvidence(found["attempted_call_ids"], found["returned_call_ids"])
        self.history = found["history"]
        self.consumed = found["consumed_requests"]
        self.max_steps = found["max_steps"]
        self._revision = found["revision"]
        self.items = found["pending_items"]
        self._inspected = found.get("inspected") is True
        self.outputs = {
            str(one.get("call_id", one.get("approval_request_id"))): one for one in found["returned_outputs"]
        }

    async def request(self, *, has_server_tools: bool) -> None:
        """Write down that a request is made; what servers do for it is not known before it is answered."""
        self.consumed += 1
        await self.save("pending" if has_server_tools else "boundary")

    async def proposed(self, items: list[Item], *, whole: bool) -> None:
        """Write down what the model said.

        Args:
            items: What is known of this turn.
            whole: Whether that is all, and fit to be called.
        """
        self.items = items
        self._inspected = whole
        await self.save("pending")

    async def attempt(self, call_id: str) -> None:
        """Write down that a call is made, before it is."""
        async with self._lock:
            self.evidence.attempted.append(call_id)
            await self._write("pending", None)

    async def returned(self, call_id: str, output: Item) -> None:
        """Write down what a call came to."""
        self.evidence.completed.append(call_id)
        self.outputs[call_id] = output
        self._unsaved = True
        await self.save("pending")

    async def boundary(self, items: list[Item], order: Sequence[str], more: Sequence[Item]) -> None:
        """Write down that all calls of a turn have their outputs.

        Args:
            items: What the model said.
            order: The calls' ids, in the order of their outputs.
            more: What the user says after them.
        """
        self.history = [*self.history, *items, *(self.outputs[one] for one in order), *more]
        self.items, self.outputs, self._inspected = [], {}, False
        await self.save("boundary")

    async def final(self, response: Item) -> None:
        """Write down how the run ended."""
        self.items, self._inspected = [], False
        await self.save("final", response)

    async def save(self, phase: Literal["boundary", "pending", "final"], final: Item | None = None) -> None:
        """Write down where the run is; cancelling leaves open whether the ledger has it."""
        async with self._lock:
            await self._write(phase, final)

    async def rescue(self) -> None:
        """Write down, when a run is cancelled or fails, outputs that exist and are in no checkpoint; for a bounded time.

        Without them the next process would have to find out what calls came to that came to their end.
        """
        if self._unsaved and not self._broken and self._ledger is not None:
            with grace():
                try:
                    await self.save("pending")
                except Exception:
                    # The run ends with an error already, which says what was done.
                    return

    async def _write(self, phase: Literal["boundary", "pending", "final"], final: Item | None) -> None:
        ledger = self._ledger
        if ledger is None:
            return
        self._revision += 1
        unsaved, self._unsaved = self._unsaved, False
        try:
            await call_user(ledger.save, self._checkpoint(ledger.run_id, phase, final))
        except Exception:
            self._broken = True
            raise
        except BaseException:
            # An output may have come while it was being written.
            self._unsaved = self._unsaved or unsaved
            raise

    def _checkpoint(self, run_id: str, phase: str, final: Item | None) -> dict[str, object]:
        found: dict[str, object] = {
            "version": 1,
            "run_id": run_id,
            "revision": self._revision,
            "phase": phase,
            "max_steps": self.max_steps,
            "consumed_requests": self.consumed,
            "tools": self.tools,
            "output_override_names": self.overrides,
            "history": self.history,
            "attempted_call_ids": self.evidence.attempted,
            "returned_call_ids": self.evidence.completed,
            "pending_items": self.items,
            "returned_outputs": list(self.outputs.values()),
        }
        if final is not None:
            found["final_response"] = final
        if self._inspected:
            found["inspected"] = True
        return cast("dict[str, object]", plain(found))
