"""Every exception the package raises on purpose; plain data, no I/O and no imports of ours at run time.

::

    OpenAIError
    ├── APIError                              message, request, body, code, param, type
    │   ├── APIConnectionError                no usable answer arrived; request_sent
    │   │   ├── APITimeoutError               a timeout passed first
    │   │   │   └── DeadlineExceeded          the call's whole `deadline=` passed first
    │   │   ├── ProxyError                    the proxy did not lead to the server; proxy, proxy_status
    │   │   └── StreamTruncated               a stream ended before its end marker; partial
    │   │       └── StreamGap                 a stream that went on elsewhere left events out; expected, found
    │   ├── APIResponseValidationError        an answer that cannot be read as what was asked for
    │   │   └── MalformedEvent                one event of a stream is not what the protocol allows; raw
    │   └── APIStatusError                    the server answered with an error; response, status_code, request_id
    │       ├── BadRequestError               400
    │       ├── AuthenticationError           401
    │       │   └── OAuthError                a token exchange was refused
    │       ├── PermissionDeniedError         403
    │       ├── NotFoundError                 404
    │       ├── ConflictError                 409
    │       ├── UnprocessableEntityError      422
    │       ├── RateLimitError                429
    │       └── InternalServerError           500 and above
    ├── ClientClosedError                     the client was used after `close()`
    ├── WrongEventLoopError                   the client is in use by another running event loop
    ├── MissingCredentialsError               a call needs a key that the client does not have; also a TypeError
    ├── MissingExtraError                     an optional dependency is not installed; also an ImportError
    ├── NotYetSupportedError                  a known name or option that this version does not carry yet
    ├── UnsupportedSchemaError                a type has no schema that the API takes; path; also a TypeError
    ├── LengthFinishReasonError               a parsed answer was cut by its token limit; completion
    ├── ContentFilterFinishReasonError        a parsed answer was withheld by the content filter
    ├── ToolLoopError                         a run of tools was ended; turns, messages, answers, usage
    │   ├── ToolLoopLimitError                by one of its limits; limit, value
    │   └── ToolLoopAborted                   by `abort()`
    ├── InvalidToolCallError                  a model called no tool, or one with arguments that do not fit; name, arguments
    ├── InvalidWebhookSignatureError          also a ValueError
    ├── WebSocketConnectionClosedError        code, reason, unsent_messages
    └── WebSocketQueueFullError

Longer than other modules on purpose: the tree is one page, and its classes are pickled by the name of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._contract import RequestInfo, ResponseInfo
    from ._sansio.usage import Usage

__all__ = (
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "DeadlineExceeded",
    "InternalServerError",
    "InvalidToolCallError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "MalformedEvent",
    "MissingCredentialsError",
    "MissingExtraError",
    "NotFoundError",
    "NotYetSupportedError",
    "OAuthError",
    "OpenAIError",
    "PermissionDeniedError",
    "ProxyError",
    "RateLimitError",
    "ResumePoint",
    "StreamGap",
    "StreamTruncated",
    "ToolLoopAborted",
    "ToolLoopError",
    "ToolLoopLimitError",
    "UnprocessableEntityError",
    "UnsupportedSchemaError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "WrongEventLoopError",
    "status_error_class",
)

RequestSent = Literal["none", "partial", "all"]
"""How much of a request had left this machine when it failed."""


class ResumePoint(NamedTuple):
    """Where the events of a response in the background go on: `responses.stream(response_id=..., starting_after=...)`.

    Attributes:
        response_id: The response.
        sequence_number: The number of the last event that was given out; None before the first.
        request_ids: The server's `x-request-id` of each request that was made for it, the last one last.
    """

    response_id: str
    sequence_number: int | None
    request_ids: tuple[str, ...]


class OpenAIError(Exception):
    """Base of every exception this package raises on purpose."""


class APIError(OpenAIError):
    """A request was made, or was being made, and did not end in a usable answer.

    Attributes:
        message: What happened, in one sentence.
        request: The request, its secrets removed; None when none was built.
        body: The server's error object (the value of `error`, or the whole body); None without one.
        code: The server's error code, such as `"rate_limit_exceeded"`.
        param: The parameter the server blames.
        type: The server's error type, such as `"invalid_request_error"`.
        request_sent: How much of the last attempt had left: `"none"` (the server has not seen it), `"partial"`, or
            `"all"` (the server may have acted on it). Where the server answered, it is `"all"`.
        partial: What a stream had brought before it failed, put together as far as it goes; None if nothing usable had
            come, or the failure is none of a stream.
        events_received: How many events of a stream were delivered before it failed.
        resume_point: Where a response in the background can be gone on with; None for everything else.

    Source: https://platform.openai.com/docs/guides/error-codes
    """

    message: str
    request: RequestInfo | None
    body: object | None
    code: str | None
    param: str | None
    type: str | None
    request_sent: RequestSent = "all"
    partial: object | None = None
    events_received: int = 0
    resume_point: ResumePoint | None = None

    def __init__(self, message: str, request: RequestInfo | None = None, *, body: object | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body
        self.code = _member(body, "code")
        self.param = _member(body, "param")
        self.type = _member(body, "type")

    def __reduce__(self) -> tuple[object, ...]:
        # BaseException would call the class with `args` alone, which lacks the keyword arguments.
        return _rebuild, (type(self), self.args), self.__dict__


class APIConnectionError(APIError):
    """No usable answer arrived: the connection failed, or the answer was not HTTP."""

    def __init__(
        self,
        *,
        message: str = "Connection error.",
        request: RequestInfo | None = None,
        request_sent: RequestSent = "none",
        body: object | None = None,
    ) -> None:
        super().__init__(message, request, body=body)
        self.request_sent: RequestSent = request_sent


class APITimeoutError(APIConnectionError):
    """A timeout passed before the answer was complete."""

    def __init__(
        self,
        request: RequestInfo | None = None,
        *,
        message: str = "Request timed out.",
        request_sent: RequestSent = "none",
    ) -> None:
        super().__init__(message=message, request=request, request_sent=request_sent)


class DeadlineExceeded(APITimeoutError):  # noqa: N818 - the name says what happened, as the design has it
    """The call's `deadline=` passed: queueing, attempts, back-off and the answer together took too long."""


class ProxyError(APIConnectionError):
    """The proxy on the way could not be reached, refused, or is none; the server has not seen the request.

    Attributes:
        proxy: The proxy's URL, without credentials.
        proxy_status: The HTTP status or SOCKS reply with which it refused, such as 407 for credentials that it wants;
            None if it did not answer so far.
    """

    proxy: str
    proxy_status: int | None

    def __init__(
        self,
        *,
        message: str,
        proxy: str,
        proxy_status: int | None = None,
        request: RequestInfo | None = None,
        request_sent: RequestSent = "none",
    ) -> None:
        super().__init__(message=message, request=request, request_sent=request_sent)
        self.proxy = proxy
        self.proxy_status = proxy_status


class StreamTruncated(APIConnectionError):  # noqa: N818 - the name says what happened, as the design has it
    """A stream ended before the marker that makes it complete; nothing that arrived is lost.

    Attributes:
        partial: What had arrived, put together as far as it goes; None if nothing usable had.
        events_received: How many events were delivered before the end.
    """

    partial: object | None
    events_received: int

    def __init__(
        self,
        *,
        message: str = "The stream ended before it was complete.",
        request: RequestInfo | None = None,
        partial: object | None = None,
        events_received: int = 0,
    ) -> None:
        super().__init__(message=message, request=request, request_sent="all")
        self.partial = partial
        self.events_received = events_received


class StreamGap(StreamTruncated):
    """A stream was gone on with over another connection, and events between what it had and what came are missing.

    Attributes:
        expected: The number of the event that was due.
        found: The number of the one that came.
    """

    expected: int
    found: int

    def __init__(
        self,
        *,
        message: str = "Events of the stream are missing.",
        expected: int = 0,
        found: int = 0,
        request: RequestInfo | None = None,
        partial: object | None = None,
        events_received: int = 0,
    ) -> None:
        super().__init__(message=message, request=request, partial=partial, events_received=events_received)
        self.expected = expected
        self.found = found


class APIResponseValidationError(APIError):
    """The server answered, and the answer cannot be read as what was asked for.

    Attributes:
        response: Status, headers and (up to a limit) the body.
        status_code: The HTTP status.
    """

    response: ResponseInfo
    status_code: int

    def __init__(
        self,
        response: ResponseInfo,
        body: object | None = None,
        *,
        message: str | None = None,
    ) -> None:
        super().__init__(message or "The server's answer does not have the expected form.", response.request, body=body)
        self.response = response
        self.status_code = response.status_code


class MalformedEvent(APIResponseValidationError):  # noqa: N818 - the name says what happened, as the design has it
    """One event of a stream is not what the protocol allows, such as broken JSON.

    Attributes:
        raw: The event's data as it arrived, at most its first 2,048 bytes.
    """

    raw: bytes

    def __init__(
        self,
        response: ResponseInfo,
        body: object | None = None,
        *,
        message: str | None = None,
        raw: bytes = b"",
    ) -> None:
        super().__init__(response, body, message=message)
        self.raw = raw[:2048]


class APIStatusError(APIError):
    """The server answered with a status that is an error (or a redirect that was not followed).

    Attributes:
        response: Status, headers and (up to a limit) the body.
        status_code: The HTTP status.
        request_id: The server's `x-request-id`; name it when asking for support.
    """

    response: ResponseInfo
    status_code: int
    request_id: str | None

    def __init__(self, message: str, *, response: ResponseInfo, body: object | None) -> None:
        super().__init__(message, response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("x-request-id")


class BadRequestError(APIStatusError):
    """400: the request is malformed or a parameter is out of range."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, wrong or revoked."""


class OAuthError(AuthenticationError):
    """A token exchange was refused by the identity provider."""


class PermissionDeniedError(APIStatusError):
    """403: the key is valid and may not do this."""


class NotFoundError(APIStatusError):
    """404: no such object, model or path."""


class ConflictError(APIStatusError):
    """409: the object changed meanwhile, or is locked."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well formed and cannot be processed."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens, or the quota is used up (`code == "insufficient_quota"`)."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed."""


class ClientClosedError(OpenAIError):
    """The client (or its transport) was closed and cannot make requests any more.

    Attributes:
        request_sent: How much of the request had left when the client was closed: `"none"`, `"partial"` or `"all"`.
    """

    request_sent: RequestSent

    def __init__(self, message: str, *, request_sent: RequestSent = "none") -> None:
        super().__init__(message)
        self.request_sent: RequestSent = request_sent

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class WrongEventLoopError(OpenAIError):
    """The client's connections belong to another event loop, or cannot be used by this one; nothing was sent.

    Attributes:
        request_sent: Always `"none"`.
    """

    request_sent: RequestSent = "none"


class MissingCredentialsError(OpenAIError, TypeError):
    """A call needs a key that the client does not have; nothing was sent.

    It is a `TypeError` too, because openai-python raises that where one of two keys is missing.
    """


class MissingExtraError(OpenAIError, ImportError):
    """A feature needs an optional dependency that is not installed; the message names the extra."""


class NotYetSupportedError(OpenAIError, NotImplementedError):
    """A name or option known from openai-python that this version of anyopenai does not carry yet."""


class UnsupportedSchemaError(OpenAIError, TypeError):
    """A type cannot be asked for: something in it has no form in the schemas that the API takes; nothing was sent.

    It is a `TypeError` too, because openai-python raises that.

    Attributes:
        path: Where: the type's name, then members and `[]` for the items of a list, such as `Order.lines[].price`.
    """

    path: str

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class LengthFinishReasonError(OpenAIError):
    """A parsed answer was cut by its token limit.

    Attributes:
        completion: The whole answer, so that its usage and text are not lost.
    """

    completion: object

    def __init__(self, *, completion: object) -> None:
        usage: object = getattr(completion, "usage", None)
        used: object = getattr(usage, "completion_tokens", getattr(usage, "output_tokens", None))
        tokens = f" after {used} tokens" if isinstance(used, int) else ""
        super().__init__(
            f"The answer was cut by its length limit{tokens} and cannot be parsed; raise max_completion_tokens "
            "(for responses, max_output_tokens)."
        )
        self.completion = completion

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class ContentFilterFinishReasonError(OpenAIError):
    """A parsed answer was withheld by the content filter."""

    def __init__(self) -> None:
        super().__init__("The answer was withheld by the content filter and cannot be parsed.")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class ToolLoopError(OpenAIError):
    """A run of tools was ended before the model had come to its answer; everything that had happened is kept.

    Attributes:
        turns: How many requests were answered.
        messages: The conversation: what was given, the answers, and the outputs of tools; of responses, the items.
        answers: The completions or responses.
        usage: What they cost together.
    """

    turns: int
    messages: list[object]
    answers: list[object]
    usage: Usage

    def __init__(self, message: str, *, messages: list[object], answers: list[object], usage: Usage) -> None:
        super().__init__(message)
        self.turns = len(answers)
        self.messages = messages
        self.answers = answers
        self.usage = usage

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class ToolLoopLimitError(ToolLoopError):
    """A run of tools came to one of its limits.

    Attributes:
        limit: Which: `"max_turns"`, `"max_seconds"` or `"max_total_tokens"`.
        value: What it was set to: requests, seconds or tokens.
    """

    limit: Literal["max_turns", "max_seconds", "max_total_tokens"]
    value: float

    def __init__(
        self,
        message: str,
        *,
        limit: Literal["max_turns", "max_seconds", "max_total_tokens"],
        value: float,
        messages: list[object],
        answers: list[object],
        usage: Usage,
    ) -> None:
        super().__init__(message, messages=messages, answers=answers, usage=usage)
        self.limit = limit
        self.value = value


class ToolLoopAborted(ToolLoopError):  # noqa: N818 - the name says what happened, as with StreamTruncated
    """A run of tools was ended by its `abort()`."""


class InvalidToolCallError(OpenAIError):
    """A model called a tool that there is not, or with arguments that do not fit.

    Attributes:
        name: What it called.
        arguments: What it wrote as arguments.
    """

    name: str
    arguments: str

    def __init__(self, message: str, *, name: str, arguments: str) -> None:
        super().__init__(message)
        self.name = name
        self.arguments = arguments

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args), self.__dict__


class InvalidWebhookSignatureError(OpenAIError, ValueError):
    """No signature of a webhook delivery fits its body and the secret."""


class WebSocketConnectionClosedError(OpenAIError):
    """The WebSocket connection is closed.

    Attributes:
        code: The close code (RFC 6455, section 7.4), if there was one.
        reason: The peer's reason, if it gave one.
        unsent_messages: What had been queued and not sent.
    """

    code: int | None
    reason: str | None
    unsent_messages: Sequence[str]

    def __init__(
        self,
        message: str,
        *,
        unsent_messages: Sequence[str] = (),
        code: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.unsent_messages = tuple(unsent_messages)
        self.code = code
        self.reason = reason


class WebSocketQueueFullError(OpenAIError):
    """The bounded queue of unsent WebSocket messages is full."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error_class(status_code: int) -> type[APIStatusError]:
    """Return the exception class for an HTTP status; any 500 and above is `InternalServerError`."""
    if status_code >= 500:
        return InternalServerError
    return _BY_STATUS.get(status_code, APIStatusError)


def _member(body: object, name: str) -> str | None:
    """Read a text member of the server's error object, whatever its shape."""
    if not isinstance(body, dict):
        return None
    value: object = cast("dict[str, object]", body).get(name)
    # Compatible servers send numbers as codes; users compare with text.
    return value if value is None or isinstance(value, str) else str(value)


def _rebuild(cls: type[OpenAIError], args: tuple[object, ...]) -> OpenAIError:
    """Make an exception again when it is unpickled, without calling its own constructor."""
    error = cls.__new__(cls)
    error.args = args
    return error
