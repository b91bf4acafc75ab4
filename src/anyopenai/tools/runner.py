"""`AsyncResponsesToolRunner`: a model with tools of yours, until it has said its last word; each part is a module of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from .budget import check_budget
from .early import EarlyExecution, check_early
from .ledger import AsyncResponsesToolLedger, check_checkpoint
from .lifecycle import CloseStatus, ToolLifecycle
from .registered import AsyncRegisteredFunction
from .runner_calls import CallMaker
from .runner_items import Item, check_answered, plain
from .runner_params import RunParams
from .runner_question import Question
from .runner_record import RunRecord
from .runner_run import ResponsesToolRun
from .runner_steps import RunSettings, RunSteps

if TYPE_CHECKING:
    from ..client import OpenAI
    from ..streaming.response_events import ResponseStreamEvent
    from ..types.responses.response import Response
    from ..types.responses.response_computer_tool_call import ResponseComputerToolCall
    from ..types.responses.response_create_params import ResponseCreateParams
    from ..types.responses.response_function_tool_call import ResponseFunctionToolCall
    from ..types.responses.response_output_item import McpApprovalRequest
    from .browser import AsyncBrowserToolset
    from .budget import AsyncContextBudget
    from .callbacks import Cancelled
    from .computer import ApproveSafetyChecks, AsyncComputerToolset, BeforeAction
    from .diagnostics import ToolDiagnosticObserver

__all__ = ("AsyncResponsesToolRunner", "ResponsesToolRunner")


class AsyncResponsesToolRunner:
    """Answers for a model's calls with functions, a computer and a browser, within limits, and says what was done.

    A turn is inspected as a whole before anything of it is called: a call of something that is not registered, arguments
    that do not fit, an id that comes twice, and the like, end the run with nothing done. One run goes on at a time.

    Args:
        browser: A browser toolset, whose functions the model may call.
        computer: A computer toolset; the tool is declared to the model unless params declare it.
        functions: Functions that the model may call.
        early_execution: Which tools an eager run may call before the whole turn was inspected; None for all.

    Raises:
        ValueError: Something cannot be registered.
    """

    def __init__(
        self,
        *,
        browser: AsyncBrowserToolset | None = None,
        computer: AsyncComputerToolset | None = None,
        functions: Sequence[AsyncRegisteredFunction] | None = None,
        early_execution: EarlyExecution | None = None,
    ) -> None:
        self.browser: AsyncBrowserToolset | None = browser
        self.computer: AsyncComputerToolset | None = computer
        declared = cast("list[Item]", plain(list(browser.tools)) if browser is not None else [])
        self._browser_names: list[str] = [str(tool.get("name")) for tool in declared]
        self._functions: dict[str, AsyncRegisteredFunction] = {}
        for function in functions or ():
            function.check()
            if function.name in self._functions or function.name in self._browser_names:
                raise ValueError(f"two functions have the name {function.name!r}; names are unique")
            self._functions[function.name] = function
        self._local: list[Item] = [*declared, *(one.declaration() for one in self._functions.values())]
        check_early(early_execution, [*self._functions, *self._browser_names], computer=computer is not None)
        self._early: EarlyExecution | None = early_execution
        self._lifecycle = ToolLifecycle("Responses runner")
        self._latest: RunRecord | None = None

    @property
    def attempted_call_ids(self) -> tuple[str, ...]:
        """The calls that the latest run began, in order; also when it was cancelled, whose exception says nothing."""
        return tuple(self._latest.evidence.attempted) if self._latest is not None else ()

    @property
    def completed_call_ids(self) -> tuple[str, ...]:
        """Those whose output exists; also when the run was cancelled."""
        return tuple(self._latest.evidence.completed) if self._latest is not None else ()

    def close(self) -> CloseStatus:
        """Refuse further runs; one that goes on is not disturbed. Toolsets and drivers stay as they are."""
        return self._lifecycle.close()

    async def run(
        self,
        client: OpenAI,
        params: ResponseCreateParams,
        *,
        max_steps: int | None = None,
        stream: bool = False,
        eager: bool = False,
        max_concurrent_calls: int = 2,
        on_event: Callable[[ResponseStreamEvent[object]], Awaitable[None]]
        | Callable[[ResponseStreamEvent[object]], None]
        | None = None,
        cancelled: Cancelled | None = None,
        approve_safety_checks: ApproveSafetyChecks | None = None,
        before_action: BeforeAction | None = None,
        ledger: AsyncResponsesToolLedger | None = None,
        context_budget: AsyncContextBudget | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
        approve_mcp: Callable[[McpApprovalRequest], Awaitable[bool]]
        | Callable[[McpApprovalRequest], bool]
        | None = None,
        before_early_call: Callable[
            [ResponseFunctionToolCall | ResponseComputerToolCall], Awaitable[Literal["execute", "defer"]]
        ]
        | None = None,
    ) -> Response:
        """Ask, call what is asked for, send what it came to, until the model has said its last word; return that.

        The whole conversation goes with each request, reasoning in encrypted form, so that nothing has to be stored by the
        API. Cancelling stops everything and passes through; the ids on this runner then say what was done.

        Args:
            client: Who sends the requests.
            params: Arguments of `responses.create`, without functions among the tools. With `ledger.resume_from`, input is
                what is said after what the checkpoint has, and may be left out.
            max_steps: Most requests, 20 by default; of the last one calls are not made, since nothing would be told.
            stream: Ask for streams.
            eager: Make calls while an answer streams, each as soon as it is complete and found fit.
            max_concurrent_calls: Most independent calls at the same time.
            on_event: Handed each event of a stream; a plain function must not block.
            cancelled: Asked between the parts of a step; true ends the run.
            approve_safety_checks: Asked about computer calls with pending safety checks; without it they end the run.
            before_action: Asked before each action of the computer.
            ledger: Where the run is written down, and what it goes on from.
            context_budget: How much one request may send.
            on_diagnostic: Told what each part of a step came to.
            approve_mcp: Asked for consent to a call by an MCP server; True and False go to the model.
            before_early_call: Asked before each call of an eager run: `"execute"`, or `"defer"` until the turn is complete.

        Raises:
            ToolRunnerCancelledError: `cancelled()` said to stop.
            ToolRunnerError: The run stopped before its end; its cause says why, its ids what was done.
            ValueError: The arguments cannot be those of a run, or the checkpoint cannot be gone on from.
            TypeError: `responses.create` takes no such params.
            ToolsetBusyError: Another run goes on.
            ToolsetClosedError: The runner is closed.

        Source: https://platform.openai.com/docs/guides/function-calling
        """
        turns = self.iterate(
            client,
            params,
            max_steps=max_steps,
            stream=stream,
            eager=eager,
            max_concurrent_calls=max_concurrent_calls,
            on_event=on_event,
            cancelled=cancelled,
            approve_safety_checks=approve_safety_checks,
            before_action=before_action,
            ledger=ledger,
            context_budget=context_budget,
            on_diagnostic=on_diagnostic,
            approve_mcp=approve_mcp,
            before_early_call=before_early_call,
        )
        async with turns:
            turn = await anext(turns)
            while not turn.final:
                turn = await anext(turns)
        return turn.response

    def iterate(
        self,
        client: OpenAI,
        params: ResponseCreateParams,
        *,
        max_steps: int | None = None,
        stream: bool = False,
        eager: bool = False,
        max_concurrent_calls: int = 2,
        on_event: Callable[[ResponseStreamEvent[object]], Awaitable[None]]
        | Callable[[ResponseStreamEvent[object]], None]
        | None = None,
        cancelled: Cancelled | None = None,
        approve_safety_checks: ApproveSafetyChecks | None = None,
        before_action: BeforeAction | None = None,
        ledger: AsyncResponsesToolLedger | None = None,
        context_budget: AsyncContextBudget | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
        approve_mcp: Callable[[McpApprovalRequest], Awaitable[bool]]
        | Callable[[McpApprovalRequest], bool]
        | None = None,
        before_early_call: Callable[
            [ResponseFunctionToolCall | ResponseComputerToolCall], Awaitable[Literal["execute", "defer"]]
        ]
        | None = None,
    ) -> ResponsesToolRun:
        """Return the turns of a run, each to be looked at before its calls are made: `async with` it, or `async for` at once.

        The arguments, and what is raised while it is iterated, are those of `run()`. Nothing is sent before the first step,
        and nothing runs between two.

        Raises:
            ValueError: The arguments cannot be those of a run, or the checkpoint cannot be gone on from.
            TypeError: `responses.create` takes no such params.
        """
        _check_numbers(max_steps, max_concurrent_calls)
        if eager and not stream:
            raise ValueError("eager=True makes calls while an answer streams; give stream=True with it")
        if context_budget is not None:
            check_budget(cast("Mapping[str, Any]", context_budget))
        has_computer = self.computer is not None
        asked = RunParams(cast("Mapping[str, Any]", params), self._functions, self._local, computer=has_computer)
        record = RunRecord(
            list(asked.input),
            max_steps=20 if max_steps is None else max_steps,
            tools=asked.fingerprints,
            overrides=[name for name, one in self._functions.items() if one.allow_output_override],
            ledger=ledger,
        )
        maker = CallMaker(
            record,
            asked.consent,
            computer=self.computer,
            browser=self.browser,
            approve_safety_checks=approve_safety_checks,
            before_action=before_action,
            approve_mcp=approve_mcp,
            cancelled=cancelled,
            observer=on_diagnostic,
        )
        settings = RunSettings(
            functions=self._functions,
            browser=self._browser_names,
            computer=has_computer,
            stream=stream,
            eager=eager,
            limit=max_concurrent_calls,
            early=self._early,
            before_early_call=before_early_call,
            on_event=on_event,
            budget=cast("Mapping[str, Any] | None", context_budget),
        )
        steps = RunSteps(settings, asked, record, Question(client, asked, record, on_diagnostic), maker)
        _begin_ledger(ledger, steps, asked, record, max_steps)
        return ResponsesToolRun(self._lifecycle, steps, self._begin)

    def _begin(self, record: RunRecord) -> None:
        self._latest = record


ResponsesToolRunner = AsyncResponsesToolRunner


def _check_numbers(max_steps: object, max_concurrent_calls: object) -> None:
    for name, number in (("max_steps", max_steps), ("max_concurrent_calls", max_concurrent_calls)):
        if name == "max_steps" and number is None:
            continue
        # A bool is an int to isinstance.
        if type(number) is not int or number < 1:
            raise ValueError(f"{name} is a whole number from 1 up, not {number!r}")


def _begin_ledger(
    ledger: AsyncResponsesToolLedger | None,
    steps: RunSteps,
    asked: RunParams,
    record: RunRecord,
    max_steps: int | None,
) -> None:
    """Check a ledger, and go on from its checkpoint if it has one."""
    if ledger is None:
        return
    run_id: object = ledger.run_id
    if not isinstance(run_id, str) or not run_id or not callable(ledger.save):
        raise ValueError("a ledger needs a run_id, a text that is not empty, and save, a function")
    checkpoint = ledger.resume_from
    if checkpoint is None:
        check_answered(record.history)
        return
    found = check_checkpoint(
        checkpoint,
        run_id=run_id,
        tools=record.tools,
        overrides=record.overrides,
        max_steps=max_steps,
    )
    steps.go_on_from(found, asked.input)
