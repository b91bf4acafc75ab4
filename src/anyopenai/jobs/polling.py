"""`polled`: look at something again and again until it is done; what is looked at, and when it is done, is told from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from anyio import current_time, sleep

from .._contract import Omit, omit
from .._engine.mapping import poll_deadline_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._contract import Caller, Operation, RequestOptions
    from .._engine.response import RawResponse
    from .._headers import Headers

__all__ = ("polled", "rest_of", "wait_before")

T = TypeVar("T")

# As openai-python waits where nobody says how long.
_FIRST_SECONDS: Final = 1.0
# What takes longer than this many looks takes minutes, where a few seconds more are nothing; then the waits grow by a
# fifth each, up to ten seconds, so that an hour takes some 400 requests and not 3,600.
_PATIENT_LOOKS: Final = 10
_GROWTH: Final = 1.2
_LONGEST_SECONDS: Final = 10.0
# A server that says longer than this means "not now"; who waits wants to know sooner.
_LONGEST_HINT_SECONDS: Final = 60.0


def wait_before(looks: int, hint: str | None, interval_ms: float | None) -> float:
    """Return how long to wait before the next look, in seconds.

    Args:
        looks: How many there were; at least 1.
        hint: The server's `openai-poll-after-ms`, as it stands in the header; what is no number is none.
        interval_ms: What the caller wants, in milliseconds; it counts alone.
    """
    if interval_ms is not None:
        return max(0.0, interval_ms / 1000)
    # Digits alone: anything else is no number of milliseconds, and a long one of them is long enough.
    if hint is not None and hint.isascii() and hint.isdigit():
        return min(int(hint[:9]) / 1000, _LONGEST_HINT_SECONDS)
    return min(_FIRST_SECONDS * _GROWTH ** min(max(0, looks - _PATIENT_LOOKS), 99), _LONGEST_SECONDS)


def rest_of(options: RequestOptions, began: float) -> RequestOptions:
    """Return options for a further request of one piece of work, whose `deadline` is what is left of it.

    What belongs to one request alone, its body and its idempotency key, is left out.

    Args:
        options: Those of the work.
        began: When it began, on the event loop's clock.
    """
    rest: RequestOptions = {**options}
    rest.pop("extra_body", None)
    rest.pop("idempotency_key", None)
    deadline = options.get("deadline")
    if deadline is not None:
        # Zero is a deadline that has passed; a request says that better than nobody.
        rest["deadline"] = max(0.0, began + deadline - current_time())
    return rest


async def polled(
    caller: Caller,
    operation: Operation[T],
    path: tuple[str, ...],
    *,
    done: Callable[[Any], bool],
    interval_ms: float | Omit = omit,
    options: RequestOptions,
    began: float,
) -> T:
    """Look at something until it is done, and return it as it is then; cancelling stops at once.

    Args:
        caller: Carries the requests out.
        operation: How to look.
        path: The operation's path arguments.
        done: Whether what was seen is what was waited for.
        interval_ms: Milliseconds between two looks; otherwise as the server says, else a second and later more.
        options: The options of each request; `deadline` bounds all of them together.
        began: When the work began that this is the end of, on the event loop's clock.

    Raises:
        DeadlineExceeded: The deadline passed.
        APIError: A look failed.
    """
    interval = None if isinstance(interval_ms, Omit) else interval_ms
    headers: Mapping[str, str | Omit] = {
        "x-stainless-poll-helper": "true",
        "x-stainless-custom-poll-interval": omit if interval is None else f"{interval:g}",
    }
    looks = 0
    while True:
        raw: RawResponse[T] = await caller.raw.call(
            operation, path=path, headers=headers, options=rest_of(options, began)
        )
        found = raw.parse()
        if done(found):
            return found
        looks += 1
        heads: Headers = raw.headers
        seconds = wait_before(looks, heads.get("openai-poll-after-ms"), interval)
        deadline = options.get("deadline")
        if deadline is not None:
            left = began + deadline - current_time()
            if left <= seconds:
                await sleep(max(0.0, left))
                raise poll_deadline_error(deadline, getattr(found, "status", None))
        await sleep(seconds)
