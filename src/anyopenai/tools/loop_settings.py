"""What a run of tools is told: how many turns, seconds and tokens it may take, and how calls are made; nothing runs here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from .call_running import CallPolicy, check_policy

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from .._contract import RequestOptions
    from .._sansio.usage import Usage
    from .call_running import OnInvalidCall, OnToolError
    from .call_table import ToolTable

__all__ = ("LimitReached", "LoopLimits", "LoopSettings", "settings_from")


class LimitReached(NamedTuple):
    """A limit that allows no further request.

    Attributes:
        limit: Its name.
        value: What it was set to.
        message: What happened, and what to do.
    """

    limit: Literal["max_turns", "max_seconds", "max_total_tokens"]
    value: float
    message: str


class LoopLimits(Struct, frozen=True, kw_only=True):
    """How far a run may go; None is no limit.

    Attributes:
        max_turns: Requests.
        max_seconds: Seconds from its begin, tools included.
        max_total_tokens: Tokens that answers may have cost before another request is sent.
        deadline: Seconds from its begin after which requests, streams and tools end with `DeadlineExceeded`.
    """

    max_turns: int | None = 10
    max_seconds: float | None = None
    max_total_tokens: int | None = None
    deadline: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that allow nothing.

        Raises:
            ValueError: A limit is not above zero.
        """
        for name in ("max_turns", "max_seconds", "max_total_tokens"):
            value: float | None = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, or None for no limit, not {value!r}")

    def reached(self, *, turns: int, tokens: int) -> LimitReached | None:
        """Return the limit that allows no further request; None if one may be sent.

        Args:
            turns: Requests that were answered.
            tokens: Tokens that these cost.
        """
        if self.max_turns is not None and turns >= self.max_turns:
            return LimitReached(
                "max_turns",
                self.max_turns,
                f"the model still calls tools with the last answer that max_turns={self.max_turns} allows; give more "
                "turns, or go on from the error's messages",
            )
        if self.max_total_tokens is not None and tokens >= self.max_total_tokens:
            return LimitReached(
                "max_total_tokens",
                self.max_total_tokens,
                f"the run has cost {tokens} tokens (max_total_tokens={self.max_total_tokens}) and the model still calls "
                "tools; give more tokens, or go on from the error's messages",
            )
        return None

    def out_of_time(self, doing: str) -> LimitReached:
        """Return the limit of time, which has passed.

        Args:
            doing: What was going on, such as `"while tools ran"`.
        """
        value = 0.0 if self.max_seconds is None else self.max_seconds
        return LimitReached(
            "max_seconds", value, f"the run took longer than max_seconds={value:g} and was stopped {doing}"
        )


class LoopSettings(Struct, frozen=True, kw_only=True):
    """What a run is told beside the API's own arguments.

    Attributes:
        table: The tools.
        policy: How they are called.
        limits: How far the run may go.
        max_concurrent_calls: How many calls of one turn run at the same time.
        usage: Is given what each answer cost.
        stream: Whether answers are streamed.
        options: The options of each request.
    """

    table: ToolTable
    policy: CallPolicy
    limits: LoopLimits
    max_concurrent_calls: int
    usage: Callable[[Usage], object] | None
    stream: bool
    options: RequestOptions


def settings_from(
    table: ToolTable,
    *,
    forced: str | None,
    stream: bool,
    max_turns: int | None,
    max_seconds: float | None,
    max_total_tokens: int | None,
    max_concurrent_calls: int,
    on_tool_error: OnToolError,
    on_invalid_call: OnInvalidCall,
    usage: Callable[[Usage], object] | None,
    thread_limiter: CapacityLimiter | None,
    options: RequestOptions,
) -> LoopSettings:
    """Return what a run is told.

    Raises:
        ValueError: A limit is not above zero, or a policy is none.
    """
    check_policy("on_tool_error", on_tool_error)
    check_policy("on_invalid_call", on_invalid_call)
    if max_concurrent_calls < 1:
        raise ValueError(f"max_concurrent_calls must be at least 1, not {max_concurrent_calls!r}")
    return LoopSettings(
        table=table,
        policy=CallPolicy(
            on_tool_error=on_tool_error, on_invalid_call=on_invalid_call, forced=forced, threads=thread_limiter
        ),
        limits=LoopLimits(
            max_turns=max_turns,
            max_seconds=max_seconds,
            max_total_tokens=max_total_tokens,
            deadline=options.get("deadline"),
        ),
        max_concurrent_calls=max_concurrent_calls,
        usage=usage,
        stream=stream,
        options=options,
    )
