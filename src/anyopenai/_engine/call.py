"""`Call`: one call on its way, from its arguments to its answer; data and limits, no sending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from anyio import current_time

from .._contract import Operation
from ..transport.base import WireRequest
from .settings import Fields, Limits, Settings

if TYPE_CHECKING:
    from .._sansio.retry import RetryPolicy
    from .._sansio.urls import URL
    from .._timeouts import Timeout
    from ..pagination import Walk
    from ..transport.base import BodySource, WireResponse
    from .form import FileForm
    from .resumption import Resumption

__all__ = ("Call",)

NO_FIELDS: Fields = {}


class Call:
    """One call on its way: what every attempt sends, its limits, and how far it has come.

    Attributes:
        settings: The options of the client's view.
        operation: What is called.
        returns: The type of the answer, chosen by the arguments where it depends on them.
        answer: How the answer is read.
        method: The HTTP verb.
        url: Where it goes.
        fields: Header fields that anybody may see.
        secrets: Header fields given by the caller that middleware does not see.
        authorized: The caller brought an `Authorization` of their own, or left it out on purpose.
        body: What is sent.
        foreign: The caller gave an absolute URL of another origin: nothing of the client's own goes there.
        form: A form whose files are not measured yet; it becomes `body`.
        streaming: The answer is a stream of events.
        whole: The answer is read to its end within the attempt.
        wire_timeout: Limits that the transport applies by itself.
        limits: All limits.
        bound: Seconds that bound an attempt to its last byte; None when silences are bounded instead.
        deadline: Seconds that bound the whole call, as given.
        expires: The same on the event loop's clock; None without a deadline.
        policy: How failed attempts are repeated.
        follow: Whether redirects are followed.
        pages: How the list's pages are asked for, where the answer is one.
        sent_body: The body's members as they were given, for the rule that says when a stream is complete.
        attempts: Attempts begun so far.
        attempt_started: When the last of them began.
        retries: Counted repeats made so far.
        started: When the call began, on the event loop's clock.
        elapsed: Seconds from there to the answer's head, or to its last byte where that was read by the call.
        wire: The request of the last attempt.
        resumption: How a stream goes on over another connection; None if it does not.
        response: The answer of the last attempt, while the engine is responsible for closing it.
        content: The answer's body, once it has been read to its end.
        convert: What makes of the decoded answer what the caller gets.
    """

    __slots__ = (
        "answer",
        "attempt_started",
        "attempts",
        "authorized",
        "body",
        "bound",
        "content",
        "convert",
        "deadline",
        "elapsed",
        "expires",
        "fields",
        "follow",
        "foreign",
        "form",
        "limits",
        "method",
        "operation",
        "pages",
        "policy",
        "response",
        "resumption",
        "retries",
        "returns",
        "secrets",
        "sent_body",
        "settings",
        "started",
        "streaming",
        "url",
        "whole",
        "wire",
        "wire_timeout",
    )

    def __init__(self, settings: Settings, operation: Operation[Any], url: URL) -> None:
        self.settings: Settings = settings
        self.operation: Operation[Any] = operation
        self.returns: Any = operation.returns
        self.answer: str = operation.answer
        self.method: str = operation.verb
        self.url: URL = url
        self.fields: Fields = NO_FIELDS
        self.secrets: Fields = NO_FIELDS
        self.authorized: bool = False
        self.foreign: bool = False
        self.body: bytes | BodySource = b""
        self.form: FileForm | None = None
        self.streaming: bool = False
        self.whole: bool = True
        self.limits: Limits = settings.limits
        self.wire_timeout: Timeout = settings.limits.bounded
        self.bound: float | None = settings.limits.bound
        self.deadline: float | None = settings.deadline
        self.expires: float | None = None
        self.policy: RetryPolicy = settings.policy
        self.follow: bool = True
        self.pages: Walk | None = None
        self.sent_body: Mapping[str, object] = {}
        self.attempts: int = 0
        self.attempt_started: float = 0.0
        self.retries: int = 0
        self.started: float = 0.0
        self.elapsed: float = 0.0
        self.wire: WireRequest | None = None
        self.response: WireResponse | None = None
        self.content: bytes | None = None
        self.convert: Callable[[Any], object] | None = None
        self.resumption: Resumption | None = None

    @property
    def timeout(self) -> Timeout:
        """How long each part of an attempt may take."""
        return self.limits.timeout

    def limit(self, phase: str) -> float | None:
        """Return the limit in seconds that applies to a phase."""
        timeout = self.timeout
        bound = self.bound
        own = {
            "pool": timeout.pool,
            "connect": timeout.connect,
            "write": timeout.write,
            "first_event": timeout.first_event,
            "idle": timeout.idle,
        }.get(phase, timeout.first_event if self.streaming else timeout.read)
        if bound is None:
            return own
        return bound if own is None else min(own, bound)

    def abandon(self) -> None:
        """End the exchange that the engine is responsible for, if there is one."""
        response, self.response = self.response, None
        if response is not None:
            response.abandon()

    def overdue(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.expires is not None and current_time() >= self.expires

    def remaining_silence(self, limit: float | None) -> float | None:
        """Return how long the next bytes may take: a limit in seconds, or what is left of the deadline if that is less."""
        if self.expires is None:
            return limit
        left = max(0.0, self.expires - current_time())
        return left if limit is None else min(limit, left)

    def request(self) -> WireRequest:
        """Return what one attempt sends, before credentials."""
        url = self.url
        return WireRequest(
            self.method,
            url.scheme,
            url.host,
            url.port,
            url.target,
            list(self.fields.values()),
            self.body,
            timeout=self.wire_timeout,
            stream=not self.whole,
            trace=self.settings.trace,
        )
