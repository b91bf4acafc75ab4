"""THE place where foreign errors become ours: transport failures, refusals, error events and unreadable answers.

Cancellation and unknown exceptions pass through untouched: a bug is never retried and never renamed.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from .._codec import DecodeFailure, decode_any
from .._contract import RequestInfo, ResponseInfo
from .._headers import REDACTED, Headers, is_secret_header
from .._sansio.errorshapes import error_code, error_facts
from .._sansio.retry import QUOTA_CODES
from .._sansio.urls import socket_path
from ..errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ClientClosedError,
    DeadlineExceeded,
    MalformedEvent,
    OpenAIError,
    ProxyError,
    StreamTruncated,
    WrongEventLoopError,
    status_error_class,
)
from ..transport.base import TransportFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..providers.base import Provider
    from ..transport.base import Sent, WireRequest

__all__ = (
    "Circumstances",
    "deadline_error",
    "error_from_event",
    "error_from_failure",
    "error_from_response",
    "foreign_errors",
    "interrupted_stream",
    "json_or_text",
    "malformed_event",
    "poll_deadline_error",
    "request_info",
    "stuck_redirect",
    "timeout_error",
    "truncated_stream",
    "unreadable",
)

_SENT: Final[dict[Sent, str]] = {
    "none": "nothing was sent",
    "partial": "the request was sent in part",
    "all": "the request had been sent",
}


def request_info(wire: WireRequest) -> RequestInfo:
    """Describe a request for errors and raw responses, its secrets replaced."""
    headers: Iterable[tuple[bytes, bytes]] = (
        (name, REDACTED.encode() if is_secret_header(name.decode("latin-1")) else value) for name, value in wire.headers
    )
    return RequestInfo(wire.method, _public_url(wire.url), Headers(headers))


def _public_url(url: str) -> str:
    """Hide the values of query parameters that may be secrets, such as the signature of a pre-signed URL."""
    path, mark, query = url.partition("?")
    if not mark:
        return url
    shown: list[str] = []
    for pair in query.split("&"):
        name, equals, _ = pair.partition("=")
        shown.append(f"{name}={REDACTED}" if equals and is_secret_header(name) else pair)
    return f"{path}?{'&'.join(shown)}"


class Circumstances(Protocol):
    """What is known about a call when it fails: enough to say what happened, with the values."""

    @property
    def wire(self) -> WireRequest | None:
        """The request of the last attempt."""
        ...

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        ...

    @property
    def deadline(self) -> float | None:
        """The call's whole `deadline=` in seconds, as it was given."""
        ...

    def overdue(self) -> bool:
        """Tell whether the deadline has passed."""
        ...

    def limit(self, phase: str) -> float | None:
        """Return the limit in seconds that applied to a phase."""
        ...


def error_from_failure(failure: TransportFailure, call: Circumstances) -> OpenAIError:
    """Build the public error for a transport's failure."""
    kind = failure.kind
    if kind == "closed":
        when = "is closed" if failure.sent == "none" else "was closed while the request was under way"
        return ClientClosedError(
            f"the client {when}: make requests before close(), or make a new client", request_sent=failure.sent
        )
    if kind == "loop":
        return WrongEventLoopError(failure.message)
    if kind == "timeout":
        if call.overdue():
            return deadline_error(call, sent=failure.sent, phase=failure.phase)
        return timeout_error(
            call, phase=failure.phase, sent=failure.sent, received=failure.received, proxy=failure.proxy
        )
    wire = call.wire
    if failure.proxy is not None:
        return ProxyError(
            message=f"{failure.message} ({_SENT[failure.sent]}; {_attempts(call.attempts)})",
            proxy=failure.proxy,
            proxy_status=failure.proxy_status,
            request=None if wire is None else request_info(wire),
            request_sent=failure.sent,
        )
    what = {
        "refused": "no connection",
        "tls": f"no trusted connection{_to(wire)}",
        "lost": "the connection was lost",
        "protocol": "the server's answer is not HTTP",
        "decode": "the answer's content coding is broken",
        "too_large": "the answer is too large",
        "input": "the request cannot be sent",
    }.get(kind, "connection error")
    return APIConnectionError(
        message=f"{what}: {failure.message} ({_SENT[failure.sent]}; {_attempts(call.attempts)})",
        request=None if wire is None else request_info(wire),
        request_sent=failure.sent,
    )


def _to(wire: WireRequest | None) -> str:
    if wire is None:
        return ""
    return f" to {socket_path(wire.host)}" if wire.scheme == "http+unix" else f" to {wire.host}:{wire.port}"


def timeout_error(
    call: Circumstances, *, phase: str, sent: Sent, received: int = 0, proxy: str | None = None
) -> APITimeoutError:
    """Build the error for a limit that passed, saying which part of the exchange took too long."""
    limit = call.limit(phase)
    within = "in time" if limit is None else f"within {limit:g} s"
    wire = call.wire
    if phase == "pool":
        what = f"no connection was free {within}"
    elif phase == "connect":
        through = "" if proxy is None else f" through the proxy {proxy}"
        what = f"no connection{_to(wire)}{through} {within}"
    elif phase == "write":
        what = f"the request could not be sent {within}"
    elif phase == "first_event":
        what = f"no event of the stream {within} after the request was sent"
    elif phase == "idle":
        what = f"the stream went silent: nothing more {within} after {received} bytes"
    elif phase == "body":
        what = f"the answer was not complete {within}: {received} bytes had arrived"
    else:
        what = f"no answer {within} after the request was sent" if sent == "all" else f"no answer {within}"
    return APITimeoutError(
        None if wire is None else request_info(wire),
        message=f"{what}; {_attempts(call.attempts)}",
        request_sent=sent,
    )


def deadline_error(call: Circumstances, *, sent: Sent, phase: str) -> DeadlineExceeded:
    """Build the error for a call whose `deadline=` passed, saying what it was about to do."""
    wire = call.wire
    limit = "" if call.deadline is None else f" of {call.deadline:g} s"
    return DeadlineExceeded(
        None if wire is None else request_info(wire),
        message=f"the call's deadline{limit} passed {_MEANWHILE.get(phase, '')}; {_attempts(call.attempts)}",
        request_sent=sent,
    )


def loop_deadline_error(seconds: float) -> DeadlineExceeded:
    """Build the error for a run of tools whose `deadline=` passed between two requests."""
    return DeadlineExceeded(
        None, message=f"the run's deadline of {seconds:g} s passed while its tools ran", request_sent="none"
    )


def poll_deadline_error(seconds: float, status: object) -> DeadlineExceeded:
    """Build the error for a poll whose `deadline=` passed between two requests."""
    what = f"the deadline of {seconds:g} s passed while what was polled was {status!r}; it goes on at the server"
    return DeadlineExceeded(None, message=what, request_sent="none")


_MEANWHILE: Final = {
    "start": "before the attempt began",
    "pool": "while it waited for a free connection",
    "connect": "while the connection was being made",
    "write": "while the request was being sent",
    "head": "before the answer began",
    "body": "before the answer was complete",
    "first_event": "before the stream's first event",
    "idle": "before the stream was complete",
}


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def json_or_text(content: bytes) -> object | None:
    """Read a body of unknown form: JSON if it is, else text; None when it is empty."""
    if not content.strip():
        return None
    try:
        return decode_any(content)
    except DecodeFailure:
        return content.decode("utf-8", "replace")


def error_from_response(response: ResponseInfo, provider: Provider) -> APIStatusError:
    """Build the public error for a status that is one; its body may be anything."""
    said, body = error_facts(json_or_text(response.content))
    status = response.status_code
    message = f"Error code: {status}"
    if said:
        message += f" - {said}"
    elif 300 <= status < 400:
        message += f" - redirected to {response.headers.get('location', 'nowhere')!r}, which was not followed"
    return provider.classify_error(status, body)(_with_id(message, response), response=response, body=body)


def error_from_event(facts: tuple[str | None, object], response: ResponseInfo) -> APIError:
    """Build the public error for an error that came in an answer whose status was no error.

    Where the server's code or type belongs to a status, the class is that status's and `status_code` says it;
    `error.response` keeps the status that was sent.

    Args:
        facts: The message and the body, as `event_error` gives them.
        response: The answer's head.
    """
    said, body = facts
    message = said or "the server sent an error without a message"
    status = _status_of(*error_code(body))
    if status is None:
        return APIError(message, response.request, body=body)
    error = status_error_class(status)(message, response=response, body=body)
    error.status_code = status
    return error


def _status_of(code: str | None, kind: str | None) -> int | None:
    """Return the status that an error code or type would have come with; None if neither says."""
    for value in (code, kind):
        if value is None:
            continue
        # Gateways put the upstream's status where OpenAI puts a word.
        if value.isascii() and value.isdigit() and 400 <= int(value[:4]) <= 599 and len(value) == 3:
            return int(value)
        status = _STATUS_BY_CODE.get(value.lower())
        if status is not None:
            return status
        if value.lower() in QUOTA_CODES:
            return 429
    return None


_STATUS_BY_CODE: Final[dict[str, int]] = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "bad_request": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "permission_denied": 403,
    "not_found": 404,
    "not_found_error": 404,
    "model_not_found": 404,
    "conflict": 409,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "tokens": 429,
    "too_many_requests": 429,
    "api_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "overloaded_error": 503,
    "server_error": 500,
    "server_overloaded": 503,
    "service_unavailable": 503,
    "timeout": 504,
}


def _with_id(message: str, response: ResponseInfo) -> str:
    request_id = response.headers.get("x-request-id")
    return message if request_id is None else f"{message} (request id: {request_id})"


def unreadable(response: ResponseInfo, reason: str) -> APIResponseValidationError:
    """Build the error for an answer that cannot be read as what was asked for.

    Args:
        response: The answer, with its body as far as it was read.
        reason: Goes on from "the answer"; says what is wrong, and shows at most 200 characters of the body.
    """
    kind = response.headers.get("content-type", "no content type")
    message = f"the answer ({response.status_code}, {kind}) {reason}"
    return APIResponseValidationError(
        response, json_or_text(response.content[:2048]), message=_with_id(message, response)
    )


def truncated_stream(call: Circumstances, what: str, *, partial: object, events: int, received: int) -> StreamTruncated:
    """Build the error for a stream that ended before it was complete.

    Args:
        call: The call.
        what: How it ended.
        partial: The text so far.
        events: Events that were delivered.
        received: Bytes that had arrived.
    """
    wire = call.wire
    return StreamTruncated(
        message=f"{what}, after {events} events ({received} bytes): the answer is not complete; "
        "the text that arrived is in `partial`",
        request=None if wire is None else request_info(wire),
        partial=partial,
        events_received=events,
    )


def interrupted_stream(call: Circumstances) -> APIConnectionError:
    """Build the error for a task that waits for an event while another one closes the stream."""
    wire = call.wire
    return APIConnectionError(
        message="the stream was closed while a task was waiting for its next event",
        request=None if wire is None else request_info(wire),
        request_sent="all",
    )


def stuck_redirect(call: Circumstances, why: str) -> APIConnectionError:
    """Build the error for a redirect that cannot be followed."""
    wire = call.wire
    return APIConnectionError(
        message=f"the redirect cannot be followed: {why}",
        request=None if wire is None else request_info(wire),
        request_sent="all",
    )


def malformed_event(response: ResponseInfo, data: bytes, failure: Exception) -> MalformedEvent:
    """Build the error for an event that cannot be read."""
    message = f"an event of the stream cannot be read: {failure}"
    return MalformedEvent(response, json_or_text(data[:2048]), message=_with_id(message, response), raw=data)


class foreign_errors:  # noqa: N801 - used as `with foreign_errors(call):`
    """A context in which a transport's failure becomes the public error; everything else passes through.

    One instance may be entered again and again.
    """

    __slots__ = ("_call",)

    def __init__(self, call: Circumstances) -> None:
        self._call = call

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, TransportFailure):
            raise error_from_failure(error, self._call) from error
