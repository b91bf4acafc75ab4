"""What every call of one view of a client has in common, put in order once; never changed in place, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast

from .._contract import Omit
from .._headers import is_secret_header
from .._sansio.forms import encode_query
from .._sansio.retry import RetryPolicy
from .._sansio.sse import MAX_EVENT_BYTES
from .._timeouts import DEFAULT_TIMEOUT, Timeout, timeout_from
from .logs import Log

if TYPE_CHECKING:
    from .._sansio.usage import Usage
    from ..providers.base import Provider
    from ..transport.base import Middleware, Trace

__all__ = (
    "DEFAULT_LIMITS",
    "DEFAULT_POLICY",
    "Fields",
    "Limits",
    "Settings",
    "Truncated",
    "UsageCounter",
    "header_field",
    "limits_of",
)

Fields: TypeAlias = dict[str, tuple[bytes, bytes]]
"""Header fields ready to send, by lower-case name."""

Truncated: TypeAlias = Literal["raise", "warn", "ignore"]
"""What happens when a stream ends before its end marker."""

UsageCounter: TypeAlias = "Callable[[Usage], None]"
"""Is told what each call cost, once it is known: a `UsageLedger`, one tag of it, or a function that does not block."""

DEFAULT_POLICY: Final = RetryPolicy()

MAX_ANSWER_BYTES: Final = 2**30
"""Largest answer that is held in memory: far above the largest of the API, far below what ends a process."""

_FORBIDDEN: Final = frozenset("\r\n\0")
_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def header_field(name: str, value: object) -> tuple[bytes, bytes]:
    """Check one header field and return it as it is sent.

    Args:
        name: The name, in lower case.
        value: Text; what is not ASCII is sent as UTF-8.

    Raises:
        ValueError: The name is none, or the value has CR, LF or NUL: it would end the field and begin another.
        TypeError: The value is no text.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.5
    """
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        raise TypeError(f"header {name!r} must be text (or `omit` to leave it out), not {type(value).__name__}")
    if not name or not _TOKEN.issuperset(name):
        raise ValueError(f"{name!r} is no name for a header")
    if not _FORBIDDEN.isdisjoint(value):
        # The value may be a secret with a stray line break, so it is not shown.
        raise ValueError(f"the value of header {name!r} has a line break or NUL in it, which no header may carry")
    try:
        return name.encode("ascii"), value.strip(" \t").encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"the value of header {name!r} is not valid Unicode (a lone surrogate)") from None


class Limits(NamedTuple):
    """A timeout, and what follows from it for the kinds of calls.

    Attributes:
        timeout: As it was given.
        bounded: What the transport applies by itself where an attempt is bounded as a whole: the shorter fields.
        bound: Seconds that bound such an attempt to its last byte: the largest field; None if one is not limited.
        streamed: What the transport applies to a stream of events: the wait for its head is a wait for its first event.
    """

    timeout: Timeout
    bounded: Timeout
    bound: float | None
    streamed: Timeout


def limits_of(given: object) -> Limits:
    """Read a timeout in any form.

    Raises:
        TypeError: It is none.
        ValueError: A number is negative or NaN.
    """
    timeout = timeout_from(given)
    streamed = Timeout(timeout, read=timeout.first_event)
    fields = (timeout.pool, timeout.connect, timeout.write, timeout.read)
    numbers = [value for value in fields if value is not None]
    if len(numbers) < len(fields):
        return Limits(timeout, timeout, None, streamed)
    bound = max(numbers)
    pool, connect, write, read = (None if value is None or value >= bound else value for value in fields)
    return Limits(timeout, Timeout(None, pool=pool, connect=connect, write=write, read=read), bound, streamed)


DEFAULT_LIMITS: Final = limits_of(DEFAULT_TIMEOUT)


class Settings:
    """The options of one view of a client.

    Attributes:
        provider: Who is talked to.
        limits: How long each part of an attempt may take.
        deadline: Seconds that bound each call; None for no limit.
        policy: How failed attempts are repeated.
        headers: Default headers as they were given.
        fields: Default header fields that anybody may see.
        secrets: Default header fields that only the transport sees, and only for the provider's own origin.
        removed: Names of built-in fields that the client's defaults leave out.
        query: Default query parameters.
        encoded_query: The same, encoded for calls without parameters of their own.
        middleware: Called around every attempt, the first one outermost.
        trace: Observer of events; None costs one `if`.
        keep_unknown: Whether members that the types do not know are kept.
        strict: Whether an answer that does not fit its type raises.
        truncated: What a stream that ends early does.
        log: Where the engine says what it does.
        max_bytes: Largest answer that is read into memory.
        max_event_bytes: Largest event of a stream.
        usage: Is told what each call cost; None costs one `if`.
        include_usage: Whether chat streams are asked for their usage where the caller does not say.
        resume_streams: Whether streams of responses in the background go on over another connection.
        user_agent: The field that says which program asks.
    """

    __slots__ = (
        "deadline",
        "encoded_query",
        "fields",
        "headers",
        "include_usage",
        "keep_unknown",
        "limits",
        "log",
        "max_bytes",
        "max_event_bytes",
        "middleware",
        "policy",
        "provider",
        "query",
        "removed",
        "resume_streams",
        "secrets",
        "strict",
        "trace",
        "truncated",
        "usage",
        "user_agent",
    )

    def __init__(
        self,
        provider: Provider,
        *,
        user_agent: str,
        limits: Limits = DEFAULT_LIMITS,
        deadline: float | None = None,
        policy: RetryPolicy = DEFAULT_POLICY,
        headers: Mapping[str, str | Omit] | None = None,
        query: Mapping[str, object] | None = None,
        middleware: Iterable[Middleware] = (),
        trace: Trace | None = None,
        keep_unknown: bool = False,
        strict: bool = False,
        truncated: Truncated = "raise",
        log: Log | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        max_event_bytes: int = MAX_EVENT_BYTES,
        usage: UsageCounter | None = None,
        include_usage: bool = False,
        resume_streams: bool = True,
    ) -> None:
        self.provider: Provider = provider
        self.limits: Limits = limits
        self.deadline: float | None = deadline
        self.policy: RetryPolicy = policy
        self.headers: Mapping[str, str | Omit] = headers or {}
        self.user_agent: tuple[bytes, bytes] = header_field("user-agent", user_agent)
        self._set_fields()
        self.query: Mapping[str, object] = query or {}
        self.encoded_query: str = encode_query(self.query)
        self.middleware: tuple[Middleware, ...] = tuple(middleware)
        self.log: Log = log or Log()
        self.trace: Observer | None = None if trace is None else Observer(trace, self.log)
        self.keep_unknown: bool = keep_unknown
        self.strict: bool = strict
        self.truncated: Truncated = truncated
        self.max_bytes: int = max_bytes
        self.max_event_bytes: int = max_event_bytes
        self.usage: UsageCounter | None = usage
        self.include_usage: bool = include_usage
        self.resume_streams: bool = resume_streams

    def _set_fields(self) -> None:
        """Put the default headers in order."""
        fields: Fields = {"user-agent": self.user_agent}
        secrets: Fields = {}
        removed: set[str] = set()
        for name, text in self.provider.headers.items():
            fields[name] = header_field(name, text)
        for given, value in self.headers.items():
            name = given.lower()
            fields.pop(name, None)
            secrets.pop(name, None)
            if isinstance(value, Omit):
                removed.add(name)
                continue
            removed.discard(name)
            (secrets if is_secret_header(name) else fields)[name] = header_field(name, value)
        self.fields: Fields = fields
        self.secrets: Fields = secrets
        self.removed: frozenset[str] = frozenset(removed)

    def replaced(self, **changes: object) -> Settings:
        """Return settings with some attributes replaced; those that follow from them are put in order again."""
        other = object.__new__(Settings)
        for name in Settings.__slots__:
            setattr(other, name, getattr(self, name))
        for name, value in changes.items():
            setattr(other, name, value)
        trace = changes.get("trace")
        if trace is not None:
            other.trace = Observer(cast("Trace", trace), other.log)
        if "provider" in changes or "headers" in changes:
            other._set_fields()
        if "query" in changes:
            other.encoded_query = encode_query(other.query)
        return other

    def count(self, usage: Usage) -> None:
        """Tell the counter what a call cost; what it raises is logged and ends there."""
        counter = self.usage
        if counter is not None:
            try:
                counter(usage)
            except Exception:
                self.log.failed("the usage counter raised an exception on %r; it is ignored", usage)


class Observer:
    """A trace function whose own exceptions are logged and end there.

    Attributes:
        function: What the caller gave.
    """

    __slots__ = ("_log", "function")

    def __init__(self, function: Trace, log: Log) -> None:
        self.function: Trace = function
        self._log = log

    def __call__(self, name: str, info: Mapping[str, object]) -> None:
        try:
            self.function(name, info)
        except Exception:
            self._log.failed("the trace function raised an exception on %r; it is ignored", name)
