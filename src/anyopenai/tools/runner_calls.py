"""Making the calls of one turn: one after another, independent ones at the same time; what they are was inspected before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from anyio import Event

from .callbacks import Cancelled, is_cancelled
from .diagnostics import emit_tool_diagnostic
from .invocation import call_user
from .proposals import Proposal
from .registered import checked_output
from .runner_items import Item, plain

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from .browser import AsyncBrowserToolset
    from .computer import ApproveSafetyChecks, AsyncComputerToolset, BeforeAction
    from .diagnostics import ToolDiagnosticObserver, ToolDiagnosticReason, ToolDiagnosticStage
    from .registered import AsyncRegisteredFunction
    from .runner_mcp import McpConsent
    from .runner_record import RunRecord

__all__ = ("CallMaker", "CallQueue")


class CallMaker:
    """Makes calls, one by one, and writes down each before and after.

    Args:
        record: Where it is written down.
        consent: Told what the application answers to MCP servers.
        computer: Who answers for computer calls.
        browser: Who answers for the browser's functions.
        approve_safety_checks: Asked about computer calls with safety checks.
        before_action: Asked before each action of the computer.
        approve_mcp: Asked for consent.
        cancelled: Says whether to stop.
        observer: Told what becomes of calls.
    """

    def __init__(
        self,
        record: RunRecord,
        consent: McpConsent,
        *,
        computer: AsyncComputerToolset | None,
        browser: AsyncBrowserToolset | None,
        approve_safety_checks: ApproveSafetyChecks | None,
        before_action: BeforeAction | None,
        approve_mcp: Callable[..., Any] | None,
        cancelled: Cancelled | None,
        observer: ToolDiagnosticObserver | None,
    ) -> None:
        self._record = record
        self._consent = consent
        self._computer = computer
        self._browser = browser
        self._approve_safety_checks = approve_safety_checks
        self._before_action = before_action
        self._approve_mcp = approve_mcp
        self._cancelled = cancelled
        self._observer = observer

    def check(self) -> None:
        """Stop where the application says so.

        Raises:
            ToolRunnerCancelledError: It does.
        """
        if is_cancelled(self._cancelled):
            raise self._record.evidence.cancelled()

    async def begin(self, proposal: Proposal) -> None:
        """Write down that a call is made.

        Raises:
            ToolRunnerCancelledError: The application says not to.
            Exception: What the ledger raises.
        """
        self.check()
        await self._record.attempt(proposal.call_id)
        self.check()

    async def make(self, proposal: Proposal, supplied: Item | None = None) -> None:
        """Make a call that was begun, or take an output that was supplied in its place; cancelling cancels it.

        Raises:
            ToolRunnerError: It may not be made.
            Exception: What it raises.
        """
        output = supplied if supplied is not None else await self._output(proposal)
        await self._record.returned(proposal.call_id, output)
        self.check()

    async def _output(self, proposal: Proposal) -> Item:
        if proposal.kind == "mcp":
            return await self._approval(proposal)
        if proposal.kind == "function":
            return await self._function(proposal)
        try:
            return await self._by_toolset(proposal)
        except Exception as error:
            # Toolsets ask whether to stop, too, and say so in their own way.
            if is_cancelled(self._cancelled):
                raise self._record.evidence.cancelled() from error
            raise

    async def _by_toolset(self, proposal: Proposal) -> Item:
        if proposal.kind == "computer":
            toolset = cast("AsyncComputerToolset", self._computer)
            made: object = await toolset.execute(
                proposal.item,
                approve_safety_checks=self._approve_safety_checks,
                before_action=self._before_action,
                cancelled=self._cancelled,
                on_diagnostic=self._observer,
            )
        else:
            browser = cast("AsyncBrowserToolset", self._browser)
            made = await browser.execute(proposal.item, cancelled=self._cancelled, on_diagnostic=self._observer)
        return cast("Item", plain(made))

    async def _function(self, proposal: Proposal) -> Item:
        function = cast("AsyncRegisteredFunction", proposal.function)
        started = monotonic()
        execute: Callable[..., Any] = function.execute
        try:
            made: object = await call_user(execute, proposal.arguments)
        except BaseException as error:
            self._tell("action", "driver_failed" if isinstance(error, Exception) else "cancelled", started, proposal)
            raise
        self._tell("action", "completed", started, proposal)
        try:
            output = checked_output(made)
        except (TypeError, ValueError):
            self._tell("output", "invalid_output", started, proposal)
            raise
        return {"type": "function_call_output", "call_id": proposal.call_id, "output": output}

    async def _approval(self, proposal: Proposal) -> Item:
        if self._approve_mcp is None:
            raise self._record.evidence.error(
                f"an MCP server asks for consent to {proposal.name!r}, and there is nobody to ask; give approve_mcp="
            )
        started = monotonic()
        try:
            approve: object = await call_user(self._approve_mcp, proposal.item.model_copy(deep=True))
        except Exception:
            self._tell("approval", "policy_failed", started, proposal)
            raise
        if not isinstance(approve, bool):
            self._tell("approval", "policy_failed", started, proposal)
            raise self._record.evidence.error(f"approve_mcp() returned {type(approve).__name__}; return True or False")
        self._tell("approval", "completed" if approve else "refused", started, proposal)
        self._consent.answered(proposal.call_id, approve)
        return {"type": "mcp_approval_response", "approval_request_id": proposal.call_id, "approve": approve}

    def _tell(
        self, stage: ToolDiagnosticStage, reason: ToolDiagnosticReason, started: float, proposal: Proposal
    ) -> None:
        emit_tool_diagnostic(
            self._observer, "responses", stage, reason, started, call_id=proposal.call_id, member=proposal.name
        )


class CallQueue:
    """Makes calls in their order: independent ones beside those before them, up to a limit; others alone.

    Args:
        group: Where calls run beside others.
        maker: Makes a call.
        limit: Most calls at the same time.
        supplied: Outputs that stand in for calls, by id.
    """

    def __init__(self, group: TaskGroup, maker: CallMaker, limit: int, supplied: Mapping[str, Item]) -> None:
        self._group = group
        self._maker = maker
        self._limit = limit
        self._supplied = supplied
        self._running = 0
        self._ended = Event()

    async def add(self, proposal: Proposal) -> None:
        """Begin an independent call, or make another one; waits for room, or for all that runs.

        Raises:
            Exception: What a call that is made alone raises.
        """
        if not proposal.independent:
            await self.drain()
            await self._maker.begin(proposal)
            await self._maker.make(proposal, self._supplied.get(proposal.call_id))
            return
        await self._wait_below(self._limit)
        # Here, not beside the others, so that calls are begun in their order.
        await self._maker.begin(proposal)
        self._running += 1
        self._group.start_soon(self._beside, proposal)

    async def drain(self) -> None:
        """Wait until nothing runs."""
        await self._wait_below(1)

    async def _wait_below(self, number: int) -> None:
        while self._running >= number:
            self._ended = Event()
            await self._ended.wait()

    async def _beside(self, proposal: Proposal) -> None:
        try:
            await self._maker.make(proposal, self._supplied.get(proposal.call_id))
        finally:
            self._running -= 1
            self._ended.set()
