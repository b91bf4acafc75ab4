"""One call of a browser tool on its way: policies, the driver, what the model is told; which tools there are is not known here."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

from .browser_reports import checked_image, checked_result, checked_state
from .browser_state import (
    BrowserCancelledError,
    BrowserConfirmContext,
    BrowserError,
    BrowserReadConfirmContext,
    BrowserReportError,
    BrowserState,
)
from .callbacks import Cancelled, PlainFunctionError, approved, awaited, is_cancelled
from .diagnostics import ToolDiagnosticObserver, ToolDiagnosticReason, ToolDiagnosticStage, emit_tool_diagnostic

if TYPE_CHECKING:
    from ..types.responses.response_input_image_content_param import ResponseInputImageContentParam
    from ..types.responses.response_input_item_param import FunctionCallOutput
    from .browser_members import Member
    from .browser_state import BrowserFileOutcome

__all__ = ("BrowserCall", "Confirm", "UrlPolicy", "output_of")

Confirm: TypeAlias = Callable[[BrowserConfirmContext | BrowserReadConfirmContext], Awaitable[bool]]
UrlPolicy: TypeAlias = Callable[[BrowserConfirmContext, str], Awaitable[bool]]

_log: Final = logging.getLogger("anyopenai.tools")

_FAILED: Final = "The browser action failed."
_NOT_APPROVED: Final = "The browser action was not approved. Do not try it again unless the user asks for it."
_URL_NOT_APPROVED: Final = "The navigation was not approved."
_READ_NOT_APPROVED: Final = "The browser read was not approved."


class _StoppedError(Exception):
    """The action was not done, or failed, and the model is told why."""


class BrowserCall:
    """One call, from its arguments to its output.

    Args:
        methods: The driver's methods by name, `state` among them.
        member: The tool.
        call_id: The model's call.
        confirm: Approves what changes something, and reads where asked for.
        url_policy: Permits URLs.
        cancelled: Asked before and after each step.
        observer: Told what was done.
    """

    __slots__ = ("_call_id", "_cancelled", "_confirm", "_member", "_methods", "_observer", "_url_policy")

    def __init__(
        self,
        methods: Mapping[str, Callable[..., Awaitable[object]]],
        member: Member,
        call_id: str,
        confirm: Confirm | None,
        url_policy: UrlPolicy | None,
        cancelled: Cancelled | None,
        observer: ToolDiagnosticObserver | None,
    ) -> None:
        self._methods = methods
        self._member = member
        self._call_id = call_id
        self._confirm = confirm
        self._url_policy = url_policy
        self._cancelled = cancelled
        self._observer = observer

    async def output(self, text: str, confirm_read: bool) -> FunctionCallOutput:
        """Do what a call asks for, and return what to send back.

        Args:
            text: The arguments, as JSON.
            confirm_read: Whether to ask before reading anything, the tabs included.

        Raises:
            BrowserCancelledError: The application does not want it any more.
            BrowserReportError: The driver reported what cannot be.
        """
        self._stop_if_cancelled()
        started = monotonic()
        try:
            arguments = self._member.arguments_from(text)
        except BrowserError as error:
            self._tell("arguments", "invalid_input", started)
            state = None if confirm_read else await self._state()
            return output_of(self._call_id, ok=False, state=state, error=str(error))
        if confirm_read:
            try:
                await self._confirm_read(arguments)
            except _StoppedError as stopped:
                return output_of(self._call_id, ok=False, error=str(stopped))
        before = await self._state()
        try:
            if self._member.changes:
                await self._approve(arguments, before)
            result = await self._act(arguments)
        except _StoppedError as stopped:
            return output_of(self._call_id, ok=False, state=await self._state(), error=str(stopped))
        state = await self._state()
        if self._member.result == "image":
            image = cast("ResponseInputImageContentParam", result)
            return output_of(self._call_id, ok=True, state=state, image=image)
        ok = self._member.result != "file" or cast("BrowserFileOutcome", result)["status"] == "completed"
        return output_of(self._call_id, ok=ok, state=state, result=result)

    async def _state(self) -> BrowserState:
        self._stop_if_cancelled()
        try:
            reported = await awaited("driver.state", self._methods["state"]())
        except (PlainFunctionError, BrowserCancelledError):
            raise
        except Exception as error:
            raise BrowserReportError(
                f"Browser state report failed: driver.state raised {type(error).__name__}"
            ) from error
        self._stop_if_cancelled()
        return checked_state(reported)

    async def _confirm_read(self, arguments: dict[str, object]) -> None:
        confirm = self._confirm
        if confirm is None:
            return
        started = monotonic()
        context: BrowserReadConfirmContext = {
            "member": self._member.name,
            "arguments": deepcopy(arguments),
            "state": None,
            "call_id": self._call_id,
            "phase": "before_read",
        }
        await self._ask("confirm", lambda: confirm(context), started, _READ_NOT_APPROVED)
        self._tell("approval", "completed", started)

    async def _approve(self, arguments: dict[str, object], state: BrowserState) -> None:
        started = monotonic()
        url, policy, confirm = arguments.get("url"), self._url_policy, self._confirm

        def context() -> BrowserConfirmContext:
            # What a policy does to what it is shown changes neither the action nor what the next one sees.
            return {
                "member": self._member.name,
                "arguments": deepcopy(arguments),
                "state": deepcopy(state),
                "call_id": self._call_id,
            }

        if policy is not None and self._member.navigates and isinstance(url, str):
            await self._ask("url_policy", lambda: policy(context(), url), started, _URL_NOT_APPROVED)
        if confirm is not None:
            await self._ask("confirm", lambda: confirm(context()), started, _NOT_APPROVED)
        self._tell("approval", "completed", started)

    async def _ask(self, name: str, ask: Callable[[], Awaitable[bool]], started: float, refusal: str) -> None:
        self._stop_if_cancelled("approval", started)
        try:
            answer = await approved(name, ask())
        except PlainFunctionError:
            raise
        except BrowserError as error:
            self._tell("approval", "refused", started)
            raise _StoppedError(str(error)) from error
        except BrowserCancelledError:
            self._tell("approval", "cancelled", started)
            raise
        except Exception as error:
            _log.warning("%s failed with %s; the model is told only that", name, type(error).__name__)
            self._tell("approval", "policy_failed", started)
            raise _StoppedError(_FAILED) from error
        self._stop_if_cancelled("approval", started)
        if not answer:
            self._tell("approval", "refused", started)
            raise _StoppedError(refusal)

    async def _act(self, arguments: dict[str, object]) -> object:
        self._stop_if_cancelled()
        started = monotonic()
        method = self._methods.get(self._member.name)
        try:
            # Listing tabs is what the state says already.
            result = (
                None if method is None else await awaited(f"driver.{self._member.name}", method(deepcopy(arguments)))
            )
        except PlainFunctionError:
            self._tell("action", "driver_failed", started)
            raise
        except BrowserCancelledError:
            self._tell("action", "cancelled", started)
            raise
        except Exception as error:
            self._tell("action", "driver_failed", started)
            if isinstance(error, BrowserError):
                raise _StoppedError(str(error)) from error
            # Its text may repeat what was typed or read.
            _log.warning(
                "driver.%s failed with %s; the model is told only that", self._member.name, type(error).__name__
            )
            raise _StoppedError(_FAILED) from error
        self._stop_if_cancelled("action", started)
        try:
            kind = self._member.result
            checked = checked_image(result) if kind == "image" else checked_result(kind, result)
        except BrowserReportError:
            self._tell("output", "invalid_output", started)
            raise
        self._tell("action", "completed", started)
        return checked

    def _stop_if_cancelled(self, stage: ToolDiagnosticStage | None = None, started: float = 0.0) -> None:
        """End the call where the application asks for it; a stage that had begun is told."""
        if not is_cancelled(self._cancelled):
            return
        if stage is not None:
            self._tell(stage, "cancelled", started)
        raise BrowserCancelledError("Browser execution was cancelled.")

    def _tell(self, stage: ToolDiagnosticStage, reason: ToolDiagnosticReason, started: float) -> None:
        emit_tool_diagnostic(
            self._observer, "browser", stage, reason, started, call_id=self._call_id, member=self._member.name
        )


_NO_RESULT: Final = object()


def output_of(
    call_id: str,
    *,
    ok: bool,
    state: BrowserState | None = None,
    result: object = _NO_RESULT,
    error: str | None = None,
    image: ResponseInputImageContentParam | None = None,
) -> FunctionCallOutput:
    """Put together what is sent back: one text with JSON, and a picture if there is one."""
    said: dict[str, object] = {"ok": ok}
    if state is not None:
        said["state"] = state
    if error is not None:
        said["error"] = error
    elif result is not _NO_RESULT:
        said["result"] = result
    try:
        text = msgspec.json.encode(said).decode()
    except UnicodeEncodeError:
        # Half a character, which a page or a file may well have, can be sent as an escape only.
        text = json.dumps(said, separators=(",", ":"))
    return {
        "type": "function_call_output",
        "call_id": call_id,
        "output": [{"type": "input_text", "text": text}, *([image] if image is not None else [])],
    }
