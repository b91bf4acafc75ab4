"""Whether a failed attempt is made again, and after how long; pure decisions, the clock and the dice are arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = (
    "QUOTA_CODES",
    "Attempt",
    "Failure",
    "Retry",
    "RetryPolicy",
    "Stop",
    "backoff",
    "decide",
    "is_quota_error",
    "parse_http_date",
    "retry_after",
)

Failure: TypeAlias = Literal[
    "timeout", "refused", "lost", "protocol", "tls", "proxy", "decode", "too_large", "closed", "loop", "input"
]
"""How an exchange failed without an answer: the kinds of `transport.base.TransportFailure`."""

# What another attempt cannot mend: a refused certificate, a proxy that says no, a broken content coding, an answer over the size
# limit, a closed client, another loop's client, a request that cannot be sent.
_FINAL_FAILURES: Final = frozenset({"tls", "proxy", "decode", "too_large", "closed", "loop", "input"})

_SENT: Final = {"none": "not sent", "partial": "partly sent", "all": "sent"}

QUOTA_CODES: Final = frozenset(
    {
        "access_terminated",
        "account_deactivated",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_quota",
        "insufficient_user_quota",
        "usage_limit_reached",
        "usage_not_included",
    }
)
"""Error codes and types (lower case) that say "pay first": waiting a moment does not help, whatever the status."""

# A dead connection taken from the pool says nothing about the server: such attempts are repeated at once and do not
# count. Bounded, because a server that closes every connection on sight must not be asked for ever.
MAX_RESENDS: Final = 3


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often and how patiently failed attempts are repeated.

    Attributes:
        max_retries: Most repeats after the first attempt; 0 for none.
        initial_delay: Seconds before the first repeat, before jitter.
        max_delay: Seconds that the doubling ends at.
        jitter: Share of each delay, from 0 to 1, that chance may take off.
        max_retry_after: Longest server-given wait, in seconds, that is waited; above it the error surfaces at once.
    """

    max_retries: int = 2
    initial_delay: float = 0.5
    max_delay: float = 8.0
    jitter: float = 0.25
    max_retry_after: float = 120.0

    def __post_init__(self) -> None:
        # A boolean is an int to Python, and None is what people try for "no retries".
        retries: object = self.max_retries
        if isinstance(retries, bool) or not isinstance(retries, int):
            raise TypeError(f"max_retries must be a whole number, not {retries!r}; write 0 for no retries")
        if retries < 0:
            raise ValueError(f"max_retries must be 0 or more, not {retries}")
        for name in ("initial_delay", "max_delay", "max_retry_after"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be zero or more seconds, not {getattr(self, name)!r}")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must be between 0 and 1, not {self.jitter!r}")


class Attempt(Struct, kw_only=True):
    """One attempt that did not work out.

    Attributes:
        retries_taken: Repeats made before this attempt; 0 for the first one.
        resends_taken: Repeats that did not count (see `Retry.counted`).
        status: HTTP status of the answer; None when there was none.
        header: Reads a field of the answer by its lower-case name; None when there was no answer.
        code: The server's error code, if its body named one.
        type: The server's error type, if its body named one.
        failure: How the exchange failed; None when there was an answer.
        sent: How much of the request had left; it is said in the reasons and decides nothing.
        fresh: False when the connection had carried an answer before and this failure came before any byte of one.
        replayable: Whether the body can be sent once more from its first byte. A one-shot body that nobody has begun
            to read counts as replayable.
        remaining: Seconds left of the call's deadline; None without one.
    """

    retries_taken: int = 0
    resends_taken: int = 0
    status: int | None = None
    header: Callable[[str], str | None] | None = None
    code: str | None = None
    type: str | None = None
    failure: Failure | None = None
    sent: Literal["none", "partial", "all"] = "all"
    fresh: bool = True
    replayable: bool = True
    remaining: float | None = None


class Retry(Struct, frozen=True):
    """Make another attempt.

    Attributes:
        after: Seconds to wait first.
        reason: What happened, for logs.
        counted: Whether the repeat counts against `max_retries`.
    """

    after: float
    reason: str
    counted: bool = True


class Stop(Struct, frozen=True):
    """Let the error surface.

    Attributes:
        reason: Why there is no other attempt, for logs.
    """

    reason: str


def decide(attempt: Attempt, policy: RetryPolicy, *, now: float, rand: float) -> Retry | Stop:
    """Say whether to make another attempt, and when.

    The server's own word (`x-should-retry`) goes before every rule about statuses; nothing goes before a body that
    cannot be sent again, the budget and the deadline.

    Args:
        attempt: What happened.
        policy: What the caller allows.
        now: Unix time in seconds, to read dates against.
        rand: A random number from 0 up to, not including, 1.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
    """
    if not attempt.replayable:
        return Stop("the request body can be read only once")

    server_wait: float | None = None
    if attempt.status is None:
        failure = attempt.failure
        what = f"no answer ({failure or 'unknown failure'}, request {_SENT[attempt.sent]})"
        if failure in _FINAL_FAILURES:
            return Stop(f"{what} that another attempt cannot mend")
        if failure == "lost" and not attempt.fresh and attempt.resends_taken < MAX_RESENDS:
            if attempt.remaining is not None and attempt.remaining <= 0:
                return Stop("the deadline has passed")
            return Retry(0.0, "the server had closed the pooled connection", counted=False)
    else:
        what = f"status {attempt.status}"
        wanted = attempt.header("x-should-retry") if attempt.header is not None else None
        if wanted == "false":
            return Stop(f"{what}, and the server says not to retry")
        if wanted != "true":
            if not _is_retried_status(attempt.status):
                return Stop(f"{what} is not retried")
            if is_quota_error(attempt.code, attempt.type):
                return Stop(f"{what}: the quota is used up ({attempt.code or attempt.type})")
        if attempt.header is not None:
            server_wait = retry_after(attempt.header, now)

    if attempt.retries_taken >= policy.max_retries:
        return Stop(f"{what}, and all {policy.max_retries} retries are used")
    if server_wait is None:
        wait = backoff(policy, attempt.retries_taken, rand)
    elif server_wait > policy.max_retry_after:
        return Stop(
            f"{what}, and the server asks for a wait of {server_wait:.0f} s, over the {policy.max_retry_after:.0f} s "
            "that are waited"
        )
    else:
        wait = server_wait
    if attempt.remaining is not None and wait >= attempt.remaining:
        return Stop(f"{what}, and waiting {wait:.3g} s would pass the deadline, {max(attempt.remaining, 0):.3g} s away")
    return Retry(wait, what)


def _is_retried_status(status: int) -> bool:
    return status in (408, 409, 429) or status >= 500


def backoff(policy: RetryPolicy, retries_taken: int, rand: float) -> float:
    """Return the ordinary wait in seconds: doubling from `initial_delay` up to `max_delay`, less a random part."""
    # 2**64 times any delay is beyond every cap; larger powers only overflow.
    delay = min(policy.initial_delay * 2.0 ** min(retries_taken, 64), policy.max_delay)
    return delay * (1.0 - policy.jitter * rand)


def is_quota_error(code: str | None, type: str | None) -> bool:  # noqa: A002 - the API's own word
    """Tell a used-up quota from a rate limit by the server's error code or type."""
    return any(value is not None and value.lower() in QUOTA_CODES for value in (code, type))


def retry_after(header: Callable[[str], str | None], now: float) -> float | None:
    """Read how many seconds the server asks to wait; None if it does not say so in a usable way.

    `retry-after-ms` goes before `Retry-After`, which is a number of seconds or a date. Zero, negative, past, infinite
    and unreadable values count as not said.

    Args:
        header: Reads a field by its lower-case name.
        now: Unix time in seconds.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    milliseconds = _positive(header("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000.0
    value = header("retry-after")
    if value is None:
        return None
    seconds = _positive(value)
    if seconds is not None:
        return seconds
    date = parse_http_date(value)
    if date is None or date <= now:
        return None
    return date - now


def _positive(text: str | None) -> float | None:
    """Read a finite decimal number above zero."""
    # float() also takes underscores and other scripts' digits, which no server means.
    if text is None or not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0 and isfinite(number) else None


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})"
_DATES: Final = (
    # Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT; servers also write +0000 and UTC.
    re.compile(
        r"(?:[A-Za-z]+,\s*)?(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3})[ -](?P<year>\d{4}|\d{2})\s+"
        + _TIME
        + r"\s*(?:GMT|UTC|Z|(?P<zone>[+-]\d{4}))?",
        re.ASCII | re.IGNORECASE,
    ),
    # Sun Nov  6 08:49:37 1994
    re.compile(
        r"[A-Za-z]{3}\s+(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+" + _TIME + r"\s+(?P<year>\d{4})(?P<zone>)",
        re.ASCII | re.IGNORECASE,
    ),
)


def parse_http_date(text: str) -> float | None:
    """Read a date in any of HTTP's three forms as Unix time in seconds; None if it is none of them.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
    """
    for form in _DATES:
        match = form.fullmatch(text.strip())
        if match is not None:
            break
    else:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        # The old form's two digits, cut where POSIX and email software cut them.
        year += 1900 if year > 68 else 2000
    try:
        month = _MONTHS.index(match["month"].lower()) + 1
        # datetime has no leap second (60): the one before it will do.
        second = min(int(match["second"]), 59)
        moment = datetime(year, month, int(match["day"]), int(match["hour"]), int(match["minute"]), second, tzinfo=UTC)
        zone = match["zone"]
        if zone:
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
            moment += -offset if zone[0] == "+" else offset
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
