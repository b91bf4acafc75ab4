"""Rate limits of the stand-in: token buckets, the `x-ratelimit-*` fields and the 429; the clock is an argument."""

from __future__ import annotations

import math
from collections.abc import Callable

from anyio import current_time

from .exchange import Refusal

__all__ = ("RateLimits", "duration_text")


class _Bucket:
    """An allowance per minute that refills continuously."""

    def __init__(self, name: str, per_minute: int) -> None:
        self.name = name
        self.capacity = per_minute
        self.level = float(per_minute)
        self.filled_at: float | None = None

    def refill(self, now: float) -> None:
        if self.filled_at is not None:
            self.level = min(float(self.capacity), self.level + (now - self.filled_at) * self.capacity / 60)
        self.filled_at = now

    def wait(self, cost: int) -> float:
        """Return the seconds until `cost` fits; 0 when it fits now."""
        # Refilling adds fractions: a level that is a rounding error short of the cost has enough.
        missing = cost - self.level
        return missing * 60 / self.capacity if missing > 1e-6 else 0.0

    def headers(self) -> dict[str, str]:
        return {
            f"x-ratelimit-limit-{self.name}": str(self.capacity),
            f"x-ratelimit-remaining-{self.name}": str(max(0, math.floor(self.level + 1e-6))),
            f"x-ratelimit-reset-{self.name}": duration_text(max(0.0, self.capacity - self.level) * 60 / self.capacity),
        }


class RateLimits:
    """How many requests and tokens a minute may bring, over all callers; a refused request uses up nothing.

    Args:
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit. A request costs its input and the output it allows itself.
        clock: Monotonic seconds; the event loop's own by default, so that a test's virtual clock works.
    """

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = current_time,
    ) -> None:
        for name, value in (("requests_per_minute", requests_per_minute), ("tokens_per_minute", tokens_per_minute)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, or None for no limit, not {value!r}")
        self._requests = _Bucket("requests", requests_per_minute) if requests_per_minute else None
        self._tokens = _Bucket("tokens", tokens_per_minute) if tokens_per_minute else None
        self._clock = clock

    def take(self, tokens: int) -> dict[str, str]:
        """Count one request of that many tokens and return the fields that tell what is left.

        Raises:
            Refusal: A limit is reached (429), with `retry-after` and `retry-after-ms`; or the request can never fit,
                with `x-should-retry: false`.
        """
        asked = [(bucket, cost) for bucket, cost in ((self._requests, 1), (self._tokens, tokens)) if bucket is not None]
        if not asked:
            return {}
        now = self._clock()
        for bucket, _ in asked:
            bucket.refill(now)
        bucket, cost = max(asked, key=lambda pair: pair[0].wait(pair[1]))
        wait = bucket.wait(cost)
        if wait:
            raise self._refusal(bucket, cost, wait)
        for bucket, cost in asked:
            bucket.level -= cost
        return self._headers()

    def _headers(self) -> dict[str, str]:
        return {
            name: value
            for bucket in (self._requests, self._tokens)
            if bucket is not None
            for name, value in bucket.headers().items()
        }

    def _refusal(self, bucket: _Bucket, cost: int, wait: float) -> Refusal:
        headers = self._headers()
        used = f"limit {bucket.capacity}, left {max(0, math.floor(bucket.level))}, asked {cost}"
        if cost > bucket.capacity:
            headers["x-should-retry"] = "false"
            message = f"The request is larger than the {bucket.name} per minute allow ({used}); make it smaller."
        else:
            milliseconds = math.ceil(wait * 1000)
            headers["retry-after-ms"] = str(milliseconds)
            headers["retry-after"] = str(math.ceil(milliseconds / 1000))
            message = f"The {bucket.name} per minute are used up ({used}); try again in {duration_text(wait)}."
        return Refusal(429, message, code="rate_limit_exceeded", type=bucket.name, headers=headers)


def duration_text(seconds: float) -> str:
    """Write a duration as the `x-ratelimit-reset-*` fields do: `17ms`, `1.5s`, `6m0s`."""
    milliseconds = math.ceil(seconds * 1000 - 1e-6)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest / 1000:g}s"
    return f"{minutes}m{text}" if minutes else text
