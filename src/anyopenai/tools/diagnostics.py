"""What tool loops tell their observer: which stage of what ended how; never an argument, an output or the text of an error."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from time import monotonic
from typing import Final, Literal, TypeAlias, TypedDict

__all__ = (
    "ToolDiagnostic",
    "ToolDiagnosticApi",
    "ToolDiagnosticObserver",
    "ToolDiagnosticReason",
    "ToolDiagnosticStage",
    "ToolDiagnosticUsage",
    "emit_tool_diagnostic",
)

_log: Final = logging.getLogger("anyopenai.tools")

ToolDiagnosticApi: TypeAlias = Literal["responses", "decisions", "browser", "computer"]
"""Who tells: a runner or a toolset."""

ToolDiagnosticStage: TypeAlias = Literal[
    "run", "request", "arguments", "approval", "action", "output", "selection", "verification"
]
"""What began or ended."""

ToolDiagnosticReason: TypeAlias = Literal[
    "started",
    "completed",
    "refused",
    "cancelled",
    "invalid_input",
    "invalid_output",
    "api_failed",
    "driver_failed",
    "policy_failed",
    "step_limit",
    "busy",
    "closed",
]
"""How it ended, or that it began."""


class ToolDiagnosticUsage(TypedDict):
    """What one request of a run cost, in tokens.

    Attributes:
        input_tokens: Tokens of the input.
        output_tokens: Tokens of the output.
        total_tokens: Both together.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int


class ToolDiagnostic(TypedDict):
    """One thing that a runner or a toolset did: enough to measure it, nothing that was typed, read or shown.

    Attributes:
        api: Who tells.
        stage: What began or ended.
        reason: How it ended.
        call_id: The call of the model that it belongs to, if it belongs to one.
        member: The action or function, if there is one.
        duration_ms: How long it took, in milliseconds.
        usage: What a request cost, where the answer said so.
    """

    api: ToolDiagnosticApi
    stage: ToolDiagnosticStage
    reason: ToolDiagnosticReason
    call_id: str | None
    member: str | None
    duration_ms: float
    usage: ToolDiagnosticUsage | None


ToolDiagnosticObserver: TypeAlias = Callable[[ToolDiagnostic], None]
"""A synchronous observer; what it raises is logged, and neither changes nor ends what it observes."""


def emit_tool_diagnostic(
    observer: ToolDiagnosticObserver | None,
    api: ToolDiagnosticApi,
    stage: ToolDiagnosticStage,
    reason: ToolDiagnosticReason,
    started: float,
    *,
    call_id: str | None = None,
    member: str | None = None,
    usage: object = None,
) -> None:
    """Tell an observer, if there is one.

    An exception of the observer is logged by its class only: its text may repeat what the observer was not meant to write
    down. An observer written as `async def` is not run; that is logged too.

    Args:
        observer: Who is told.
        api: Who tells.
        stage: What began or ended.
        reason: How it ended.
        started: When it began, by `time.monotonic()`, in seconds.
        call_id: The call of the model that it belongs to.
        member: The action or function.
        usage: An object with `input_tokens`, `output_tokens` and `total_tokens`; anything else is no usage.
    """
    if observer is None:
        return
    diagnostic = ToolDiagnostic(
        api=api,
        stage=stage,
        reason=reason,
        call_id=call_id,
        member=member,
        duration_ms=max(0.0, (monotonic() - started) * 1000),
        usage=_usage_from(usage),
    )
    try:
        returned: object = observer(diagnostic)
    except Exception as error:
        _log.warning("an observer of tool diagnostics failed with %s", type(error).__name__)
        return
    if inspect.iscoroutine(returned):
        returned.close()
        _log.warning("an observer of tool diagnostics is asynchronous and was not run; write it as a plain function")


def _usage_from(value: object) -> ToolDiagnosticUsage | None:
    """Read an answer's usage; counts that are not whole numbers from 0 up make none."""
    counts = [getattr(value, name, None) for name in ("input_tokens", "output_tokens", "total_tokens")]
    # A bool is an int to isinstance.
    read, written, total = (count if type(count) is int and count >= 0 else None for count in counts)
    if read is None or written is None or total is None:
        return None
    return ToolDiagnosticUsage(input_tokens=read, output_tokens=written, total_tokens=total)
