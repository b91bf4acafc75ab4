"""One call of a tool, from its text to its outcome: reading arguments, calling, and what of failures the model is told."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from msgspec import Struct

from .._codec import DecodeFailure
from ..errors import InvalidToolCallError
from .call import CallOutcome, ToolCall, output_from

if TYPE_CHECKING:
    from .call_table import Runnable

__all__ = ("CallPolicy", "OnInvalidCall", "OnToolError", "check_policy", "run_call")

OnToolError: TypeAlias = (
    Literal["raise", "tell"]
    | Callable[[ToolCall, Exception], str | None]
    | Callable[[ToolCall, Exception], Awaitable[str | None]]
)
"""What happens when a tool raises: the run ends with it, the model is told that it failed, or what a function returns."""

OnInvalidCall: TypeAlias = (
    Literal["raise", "tell"]
    | Callable[[ToolCall, InvalidToolCallError], str | None]
    | Callable[[ToolCall, InvalidToolCallError], Awaitable[str | None]]
)
"""What happens when a call names no tool or its arguments do not fit: as for `OnToolError`."""

# As many as anyio gives all its threads; these are apart, so that tools that block keep no file and no name waiting.
_THREADS: Final = 40
_limiter: Final[RunVar[CapacityLimiter]] = RunVar("anyopenai_tool_threads")


class CallPolicy(Struct, frozen=True, kw_only=True):
    """How the calls of a run are made.

    Attributes:
        on_tool_error: What happens when a tool raises.
        on_invalid_call: What happens when a call is none.
        forced: The only tool that may be called; None for any.
        threads: What bounds the threads; None for what all runs of an event loop share.
    """

    on_tool_error: OnToolError = "raise"
    on_invalid_call: OnInvalidCall = "tell"
    forced: str | None = None
    threads: CapacityLimiter | None = None


def check_policy(name: str, given: object) -> None:
    """Refuse what is no policy.

    Raises:
        ValueError: It is neither `"raise"`, nor `"tell"`, nor a function.
    """
    if given not in ("raise", "tell") and not callable(given):
        raise ValueError(f'{name} is "raise", "tell" or a function, not {given!r}')


async def run_call(call: ToolCall, tools: Mapping[str, Runnable], policy: CallPolicy) -> CallOutcome:
    """Make a call and return what the model is told.

    Cancelling cancels an async tool; the thread of a plain one is left to its end, and what it returns is dropped.

    Raises:
        InvalidToolCallError: The call is none, and the policy is to raise.
        Exception: What the tool raised, if the policy is to raise, or what the policy's function raised.
    """
    try:
        tool, arguments = _checked(call, tools, policy.forced)
    except InvalidToolCallError as error:
        text = await _told(policy.on_invalid_call, call, error, str(error))
        return CallOutcome(call=call, content=text, error=error)
    try:
        if tool.is_async:
            value = await cast("Awaitable[object]", tool.function(arguments))
        else:
            value = await _in_thread(tool.function, arguments, policy.threads)
        return output_from(call, value)
    except Exception as error:
        # Nothing of the error but its type: a message may have a password or another user's data in it.
        text = f"The tool {call.name!r} failed with {type(error).__name__}."
        return CallOutcome(call=call, content=await _told(policy.on_tool_error, call, error, text), error=error)


def _checked(call: ToolCall, tools: Mapping[str, Runnable], forced: str | None) -> tuple[Runnable, object]:
    """Return the tool of a call and what it is called with.

    Raises:
        InvalidToolCallError: There is none, it may not be called, or the arguments do not fit.
    """
    name = call.name
    tool = tools.get(name)
    if forced is not None and name != forced:
        said = f"{name!r} was called where only {forced!r} may be; call {forced!r}."
    elif tool is None or tool.kind != call.kind:
        names = ", ".join(repr(known) for known in tools) or "none"
        said = f"There is no tool {name!r}; those that can be called are: {names}."
    else:
        try:
            return tool, tool.decode(call.arguments)
        except DecodeFailure as failure:
            raise InvalidToolCallError(
                f"The arguments of {name!r} do not fit: {failure}; call it again with arguments that do.",
                name=name,
                arguments=call.arguments,
            ) from failure
    raise InvalidToolCallError(said, name=name, arguments=call.arguments)


async def _told(
    policy: Literal["raise", "tell"] | Callable[..., str | None] | Callable[..., Awaitable[str | None]],
    call: ToolCall,
    error: Exception,
    text: str,
) -> str:
    """Return what the model is told of an error, or raise it."""
    if policy == "tell":
        return text
    if policy == "raise":
        raise error
    found = policy(call, error)
    said = await found if inspect.isawaitable(found) else found
    if said is None:
        raise error
    return said


async def _in_thread(
    function: Callable[[object], object], arguments: object, threads: CapacityLimiter | None
) -> object:
    """Call a plain function in a worker thread, and await what it gives if that is to be awaited."""
    limiter = threads
    if limiter is None:
        try:
            limiter = _limiter.get()
        except LookupError:
            limiter = CapacityLimiter(_THREADS)
            _limiter.set(limiter)
    left = False

    # In a tuple, as trio refuses functions that give coroutines.
    def called() -> tuple[object]:
        value = function(arguments)
        if left and inspect.iscoroutine(value):
            value.close()  # nobody will await it
        return (value,)

    try:
        (value,) = await to_thread.run_sync(called, abandon_on_cancel=True, limiter=limiter)
    except BaseException:
        left = True
        raise
    return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value
