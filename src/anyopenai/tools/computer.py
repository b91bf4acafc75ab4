"""`AsyncComputerToolset`: the computer tool with a driver behind it; how a run goes on is in `computer_run`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from ..types.responses.computer_action import ComputerAction, Screenshot
from ..types.responses.response_computer_tool_call import PendingSafetyCheck, ResponseComputerToolCall
from .callbacks import Cancelled, approved, awaited, is_cancelled, method_of
from .computer_actions import (
    ComputerActionInput,
    ComputerUseError,
    checked_actions,
    checked_safety_checks,
    checked_screenshot,
)
from .computer_driver import AsyncComputerDriver
from .diagnostics import ToolDiagnosticObserver, ToolDiagnosticReason, ToolDiagnosticStage, emit_tool_diagnostic
from .lifecycle import CloseStatus, ToolLifecycle

if TYPE_CHECKING:
    from ..client import OpenAI
    from ..types.responses.response import Response
    from ..types.responses.response_computer_tool_call_output_screenshot_param import (
        ResponseComputerToolCallOutputScreenshotParam,
    )
    from ..types.responses.response_create_params import ResponseCreateParams
    from ..types.responses.response_input_item_param import ComputerCallOutput

__all__ = ("ApproveSafetyChecks", "AsyncComputerToolset", "BeforeAction", "ComputerToolset")

ApproveSafetyChecks: TypeAlias = Callable[[ResponseComputerToolCall], Awaitable[bool]]
"""Asked about a call with pending safety checks; only `True` lets it go on."""

BeforeAction: TypeAlias = Callable[[ComputerActionInput], Awaitable[bool]]
"""Asked before every action and before the last screenshot; only `True` lets it go on."""

_ACTIONS: Final = ("click", "double_click", "drag", "keypress", "move", "scroll", "type", "wait")


class AsyncComputerToolset:
    """Does what a model asks of a computer, by a driver that the application wrote.

    Nothing is opened here and nothing closed: the driver belongs to the application, also after an error or a
    cancellation. One call at a time: a second one that begins while the first goes on is refused.

    Args:
        driver: What acts on the computer.

    Raises:
        ValueError: The driver lacks a method.

    Source: https://platform.openai.com/docs/guides/tools-computer-use
    """

    __slots__ = ("_lifecycle", "_methods", "driver")

    def __init__(self, driver: AsyncComputerDriver) -> None:
        self.driver: AsyncComputerDriver = driver
        self._lifecycle: ToolLifecycle = ToolLifecycle("Computer toolset")
        self._methods: Mapping[str, Callable[..., Awaitable[object]]] = {
            name: method for name in (*_ACTIONS, "screenshot") if (method := method_of(driver, name)) is not None
        }
        missing = [name for name in (*_ACTIONS, "screenshot") if name not in self._methods]
        if missing:
            raise ValueError(
                f"Computer toolset requires callable computer driver methods; {type(driver).__name__} has no "
                f"{', '.join(missing)}"
            )

    def close(self) -> CloseStatus:
        """Refuse calls from now on; one that goes on ends as it would have. The driver is left alone."""
        return self._lifecycle.close()

    async def run(
        self,
        client: OpenAI,
        params: ResponseCreateParams,
        *,
        max_steps: int = 20,
        approve_safety_checks: ApproveSafetyChecks | None = None,
        before_action: BeforeAction | None = None,
        cancelled: Cancelled | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> Response:
        """Ask the model, do what it asks for, send back what the screen shows, until it has said its last word.

        The whole conversation is sent each time, with reasoning encrypted, so that nothing has to be stored by the API.
        Cancelling ends the request or the driver's method that goes on; what was done to the computer stays done.

        Args:
            client: Who sends the requests; its timeouts and retries hold for each of them.
            params: The arguments of `client.responses.create`, as a dict; without `tools` the computer tool is declared.
            max_steps: The most requests, the one for the last answer included.
            approve_safety_checks: Asked about each call with pending safety checks; without it they end the run.
            before_action: Asked before each action: the place to let a person decide.
            cancelled: Asked before and after each request, question and action; true ends the run.
            on_diagnostic: Told what was done, without arguments and pictures.

        Returns:
            The response with the final message.

        Raises:
            ValueError: `max_steps` or `params` cannot be used: streams, background responses, stored conversations and
                further tools are for `AsyncResponsesToolRunner`.
            ComputerUseError: The run ended before its time; `response` has the model's last word.
            APIError: A request failed.
            RuntimeError: The toolset is busy or closed.

        Source: https://platform.openai.com/docs/guides/tools-computer-use
        """
        from .computer_run import ComputerRun

        run = ComputerRun(client, params, max_steps, cancelled)
        with self._lifecycle.run():
            while True:
                response = await run.next_response()
                calls = run.calls()
                if not calls:
                    return response
                run.keep(
                    [
                        await _Execution(
                            self._methods,
                            call,
                            approve_safety_checks,
                            before_action,
                            cancelled,
                            on_diagnostic,
                            response,
                        ).output()
                        for call in calls
                    ]
                )

    async def execute(
        self,
        call: ResponseComputerToolCall,
        *,
        approve_safety_checks: ApproveSafetyChecks | None = None,
        before_action: BeforeAction | None = None,
        cancelled: Cancelled | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> ComputerCallOutput:
        """Do what one call asks for, and return what to send back; for applications with a loop of their own.

        Args:
            call: A complete call out of a response.
            approve_safety_checks: Asked if the call has pending safety checks.
            before_action: Asked before each action and before the screenshot.
            cancelled: Asked before and after each question and action; true ends the call.
            on_diagnostic: Told what was done, without arguments and pictures.

        Returns:
            The item of input that answers the call: a screenshot, and the safety checks that were approved.

        Raises:
            ComputerUseError: The call is not well formed, was not approved or was cancelled.
            RuntimeError: The toolset is busy or closed.
        """
        with self._lifecycle.run():
            return await _Execution(
                self._methods, call, approve_safety_checks, before_action, cancelled, on_diagnostic, None
            ).output()


ComputerToolset = AsyncComputerToolset


class _Execution:
    """One call on its way: approval, its actions in order, the screenshot."""

    __slots__ = (
        "_approve",
        "_before",
        "_call",
        "_cancelled",
        "_methods",
        "_observer",
        "_response",
    )

    def __init__(
        self,
        methods: Mapping[str, Callable[..., Awaitable[object]]],
        call: ResponseComputerToolCall,
        approve: ApproveSafetyChecks | None,
        before: BeforeAction | None,
        cancelled: Cancelled | None,
        observer: ToolDiagnosticObserver | None,
        response: Response | None,
    ) -> None:
        if not isinstance(call, ResponseComputerToolCall):
            raise TypeError(f"execute() takes a ResponseComputerToolCall out of a response, not {type(call).__name__}")
        self._methods = methods
        # Callbacks may keep or change what they are shown.
        self._call = call.model_copy(deep=True)
        self._approve = approve
        self._before = before
        self._cancelled = cancelled
        self._observer = observer
        self._response = response

    async def output(self) -> ComputerCallOutput:
        self._stop_if_cancelled()
        actions = checked_actions(self._call, self._response)
        checks = checked_safety_checks(self._call, self._response)
        await self._approve_checks(checks)
        for action in actions:
            await self._ask_before(action)
            # Each call ends with a picture; one that asks for pictures in between would get them from nowhere.
            if not isinstance(action, Screenshot):
                await self._act(action)
        if not isinstance(actions[-1], Screenshot):
            await self._ask_before(Screenshot())
        return {
            "type": "computer_call_output",
            "call_id": self._call.call_id,
            "output": await self._take_screenshot(),
            "acknowledged_safety_checks": [
                {"id": check.id, "code": check.code, "message": check.message} for check in checks
            ],
        }

    async def _approve_checks(self, checks: Sequence[PendingSafetyCheck]) -> None:
        if not checks:
            return
        started = monotonic()
        refusal = ComputerUseError("Computer safety checks require explicit approval", self._response)
        if self._approve is None or not await self._asked(
            None, started, "approve_safety_checks", self._approve, self._call
        ):
            self._tell("approval", "refused", started)
            raise refusal
        self._tell("approval", "completed", started)

    async def _ask_before(self, action: ComputerAction) -> None:
        self._stop_if_cancelled()
        if self._before is None:
            return
        started = monotonic()
        if not await self._asked(action.type, started, "before_action", self._before, action):
            self._tell("approval", "refused", started, action.type)
            raise ComputerUseError(f"Computer action was not approved: {action.type}", self._response)
        self._tell("approval", "completed", started, action.type)

    async def _asked(
        self,
        member: str | None,
        started: float,
        name: str,
        policy: Callable[..., Awaitable[bool]],
        subject: ResponseComputerToolCall | ComputerAction,
    ) -> bool:
        try:
            answer = await approved(name, policy(subject.model_copy(deep=True)))
        except Exception:
            self._tell("approval", "policy_failed", started, member)
            raise
        self._stop_if_cancelled("approval", started, member)
        return answer

    async def _act(self, action: ComputerAction) -> None:
        started = monotonic()
        await self._driven(action.type, started, action)
        self._tell("action", "completed", started, action.type)

    async def _take_screenshot(self) -> ResponseComputerToolCallOutputScreenshotParam:
        started = monotonic()
        taken = await self._driven("screenshot", started)
        try:
            shot = checked_screenshot(taken, self._response)
        except ComputerUseError:
            self._tell("action", "driver_failed", started, "screenshot")
            raise
        self._tell("action", "completed", started, "screenshot")
        return shot

    async def _driven(self, name: str, started: float, *arguments: ComputerAction) -> object:
        self._stop_if_cancelled()
        try:
            returned = await awaited(f"driver.{name}", self._methods[name](*arguments))
        except Exception:
            self._tell("action", "driver_failed", started, name)
            raise
        self._stop_if_cancelled("action", started, name)
        return returned

    def _stop_if_cancelled(
        self, stage: ToolDiagnosticStage | None = None, started: float = 0.0, member: str | None = None
    ) -> None:
        """End the call where the application asks for it; a stage that had begun is told."""
        if not is_cancelled(self._cancelled):
            return
        if stage is not None:
            self._tell(stage, "cancelled", started, member)
        raise ComputerUseError("Computer run was cancelled", self._response)

    def _tell(
        self, stage: ToolDiagnosticStage, reason: ToolDiagnosticReason, started: float, member: str | None = None
    ) -> None:
        emit_tool_diagnostic(
            self._observer, "computer", stage, reason, started, call_id=self._call.call_id, member=member
        )
