"""How a run goes on: its calls are made, the conversation is sent, the answer becomes a turn; who iterates is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .._tasks import open_task_group
from ..types.responses.response import Response
from .budget import compacted, exceeds, snapshot_of
from .early import EarlyCalls, EarlyExecution
from .invocation import call_user
from .proposals import Inspection, InvalidArguments, Proposal
from .registered import checked_output
from .runner_calls import CallMaker, CallQueue
from .runner_items import Item, plain
from .runner_question import Question, limit_reached

if TYPE_CHECKING:
    from .ledger import ResponsesToolCheckpoint
    from .registered import AsyncRegisteredFunction
    from .runner_params import RunParams
    from .runner_record import RunRecord

__all__ = ("RunSettings", "RunSteps", "TurnState")


class RunSettings(NamedTuple):
    """How a run is made.

    Attributes:
        functions: What may be called, by name.
        browser: Names of the browser's functions.
        computer: Whether there is a computer.
        stream: Whether answers are streamed.
        eager: Whether calls are made while an answer streams.
        limit: Most independent calls at the same time.
        early: Which calls may be eager; None for all.
        before_early_call: Asked before each of them.
        on_event: Handed the events of streams.
        budget: How much a request may send.
    """

    functions: Mapping[str, AsyncRegisteredFunction]
    browser: Sequence[str]
    computer: bool
    stream: bool
    eager: bool
    limit: int
    early: EarlyExecution | None
    before_early_call: Callable[..., Any] | None
    on_event: Callable[..., Any] | None
    budget: Mapping[str, Any] | None


class TurnState:
    """One answer, and what becomes of it.

    Attributes:
        response: The answer; None for a turn that is gone on with out of a ledger.
        items: What it says.
        proposals: What it proposes to be called.
        final: Whether it is the last word.
        executed: Whether calls were made before it was handed out.
        supplied: Outputs that stand in for calls.
        texts: What the user says after the outputs.
        open: Whether it takes those.
    """

    __slots__ = ("_record", "executed", "final", "items", "open", "proposals", "response", "supplied", "texts")

    def __init__(
        self, response: Response | None, items: list[Item], proposals: Sequence[Proposal], record: RunRecord
    ) -> None:
        self.response: Response | None = response
        self.items: list[Item] = items
        self.proposals: Sequence[Proposal] = proposals
        self.final: bool = not proposals
        self.executed: bool = any(one.call_id in record.outputs for one in proposals)
        self.supplied: dict[str, Item] = {}
        self.texts: list[str] = []
        self.open: bool = True
        self._record = record

    def supply(self, outputs: Sequence[Mapping[str, object]]) -> None:
        """Take outputs in place of calls.

        Raises:
            ValueError: They cannot be.
        """
        if not self.open:
            raise ValueError("the run has gone on past this turn; supply outputs before the next step of the iteration")
        free = {
            one.call_id
            for one in self.proposals
            if one.function is not None
            and one.function.allow_output_override
            and one.call_id not in self._record.evidence.attempted
        }
        found: dict[str, Item] = {}
        for given in outputs:
            call_id = given.get("call_id")
            if given.get("type") != "function_call_output" or set(given) != {"type", "call_id", "output"}:
                raise ValueError(
                    "a supplied output has type function_call_output, call_id and output, and nothing else"
                )
            if not isinstance(call_id, str) or call_id not in free or call_id in found:
                raise ValueError(
                    f"no output can be supplied for {call_id!r}; calls of this turn that take one, each once: "
                    f"{', '.join(sorted(free)) or 'none'}"
                )
            output = checked_output(given.get("output"))
            found[call_id] = {"type": "function_call_output", "call_id": call_id, "output": output}
        self.supplied = found

    def append(self, text: object) -> None:
        """Take what the user says.

        Raises:
            ValueError: It cannot be said.
        """
        if not self.open or self.final:
            raise ValueError("this turn takes no text of the user: it is the last one, or the run has gone on")
        if not isinstance(text, str) or not text:
            raise ValueError("append_user_text() takes a text that is not empty")
        self.texts.append(cast("str", plain(text)))


class RunSteps:
    """The steps of one run.

    Args:
        settings: How it is made.
        params: What it was asked for.
        record: What was said and done.
        question: Sends requests.
        maker: Makes calls.
    """

    def __init__(
        self,
        settings: RunSettings,
        params: RunParams,
        record: RunRecord,
        question: Question,
        maker: CallMaker,
    ) -> None:
        self._settings = settings
        self._params = params
        self._record = record
        self._question = question
        self._maker = maker
        self._more: list[Item] = []
        self.turn: TurnState | None = None
        params.consent.remember(record.history)

    @property
    def record(self) -> RunRecord:
        """What was said and done."""
        return self._record

    def go_on_from(self, checkpoint: ResponsesToolCheckpoint, more: list[Item]) -> None:
        """Begin where a checkpoint ended, with new input after it.

        Raises:
            ToolRunnerError: What was proposed is not fit to be called any more.
            ValueError: The run is over, and there is new input.
        """
        record = self._record
        record.go_on_from(checkpoint)
        self._params.consent.remember(record.history)
        final = checkpoint.get("final_response")
        if final is not None:
            if more:
                raise ValueError(
                    "the run in the checkpoint is over; leave input out to have its response, or begin a new run"
                )
            self.turn = TurnState(Response.model_validate(final), [], [], record)
        elif checkpoint["phase"] == "pending":
            inspection = self._inspection()
            try:
                for item in Response.model_validate({"output": record.items}).output:
                    inspection.take(item)
            except InvalidArguments as error:
                raise record.evidence.error(
                    f"the arguments of the call {error.call_id!r} do not fit {error.name!r} any more; nothing was called"
                ) from error.__cause__
            self._params.consent.remember(list(record.outputs.values()))
            self.turn = TurnState(None, record.items, inspection.proposals, record)
            self._more = more
        else:
            record.history += more

    async def next(self) -> TurnState | None:
        """Make the calls of the turn there is, and return the next one; None after the last.

        Raises:
            ToolRunnerError: The run stops.
            Exception: What a callback, a tool or the API raises.
        """
        turn = self.turn
        if turn is not None:
            turn.open = False
            if turn.final:
                return None
            await self._settle(turn)
        self.turn = await self._ask()
        return self.turn

    async def _settle(self, turn: TurnState) -> None:
        """Make the calls of a turn that were not made yet."""
        record = self._record
        left = [one for one in turn.proposals if one.call_id not in record.outputs]
        async with open_task_group() as group:
            queue = CallQueue(group, self._maker, self._settings.limit, turn.supplied)
            for proposal in left:
                await queue.add(proposal)
            await queue.drain()
        self._maker.check()
        texts: list[Item] = [{"role": "user", "content": text} for text in turn.texts]
        said = [*self._more, *texts]
        self._more = []
        await record.boundary(turn.items, [one.call_id for one in turn.proposals], said)
        self._maker.check()

    async def _ask(self) -> TurnState:
        """Send the conversation, and return what is answered."""
        record, settings = self._record, self._settings
        if not record.calls_left:
            raise record.evidence.error(limit_reached(record))
        self._maker.check()
        said = await self._fit()
        self._maker.check()
        await record.request(has_server_tools=self._params.has_server_tools)
        self._maker.check()
        inspection = self._inspection()
        if settings.eager:
            early = EarlyCalls(
                record,
                settings.early,
                settings.before_early_call,
                has_server_tools=self._params.has_server_tools,
            )
            response = await self._question.eager(
                said, inspection, settings.on_event, early, self._maker, settings.limit
            )
        elif settings.stream:
            response = await self._question.streamed(said, inspection, settings.on_event)
        else:
            response = await self._question.whole(said, inspection)
        self._maker.check()
        turn = TurnState(response, inspection.items, inspection.proposals, record)
        if turn.final:
            await record.final(cast("Item", plain(response)))
            return turn
        if not record.calls_left:
            raise record.evidence.error(limit_reached(record))
        await record.proposed(inspection.items, whole=True)
        self._maker.check()
        return turn

    async def _fit(self) -> list[Item]:
        """Return what is sent: all that was said, or what the budget leaves of it."""
        history, budget = self._record.history, self._settings.budget
        over = None if budget is None else exceeds(budget, history)
        if budget is None or over is None:
            return history
        compact: Callable[..., Any] | None = budget.get("compact")
        if compact is None:
            raise self._record.evidence.error(f"the next request has {over}; give compact= to have something left out")
        snapshot = snapshot_of(budget, history)
        decision: object = await call_user(compact, snapshot)
        try:
            said = compacted(history, snapshot["eligible_call_ids"], decision)
        except ValueError as error:
            raise self._record.evidence.error("compact() of the context_budget gave no decision to act on") from error
        over = exceeds(budget, said)
        if over is not None:
            raise self._record.evidence.error(f"the next request still has {over}, after compact()")
        return said

    def _inspection(self) -> Inspection:
        return Inspection(
            self._params,
            self._settings.functions,
            self._settings.browser,
            computer=self._settings.computer,
            history=self._record.history,
            evidence=self._record.evidence,
        )
