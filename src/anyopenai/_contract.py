"""What generated code and the engine agree on: `Operation`, `Caller`, `RequestOptions`; no behaviour lives here.

Generated namespaces hold a `Caller` and constants of type `Operation`; they know nothing else of the pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, TypedDict, TypeVar

from msgspec import Struct

from ._headers import Headers
from ._omit import Omit, omit

if TYPE_CHECKING:
    from ._engine.iteration import Paginator
    from ._timeouts import Timeout

__all__ = (
    "NOT_GIVEN",
    "Body",
    "Caller",
    "NotGiven",
    "Omit",
    "Operation",
    "Query",
    "RequestInfo",
    "RequestOptions",
    "ResponseInfo",
    "not_given",
    "omit",
)

T = TypeVar("T")

Query = Mapping[str, object]
Body = Mapping[str, object]


# openai-python has two markers with one meaning for callers; here both names lead to the one.
NotGiven = Omit
not_given: Final = omit
NOT_GIVEN: Final = omit


class RequestOptions(TypedDict, total=False):
    """The keyword arguments every API method takes beside its own.

    Members:
        extra_headers: Headers added to the request; they beat the client's. `omit` as a value removes a header.
        extra_query: Query parameters added to the request; they beat the method's own.
        extra_body: Members merged into the JSON or form body; they beat the method's own. None is sent as null.
        timeout: Seconds, a `Timeout`, or None for no limit; replaces the client's for this call.
        deadline: Seconds from the call that bound everything: queueing, attempts, back-off, the answer or the stream.
        max_retries: How often a failed attempt is repeated; 0 for never.
        idempotency_key: Sent as `Idempotency-Key`, the same on every attempt.
        follow_redirects: False surfaces a redirect as `APIStatusError`.
        resume_streams: Whether the stream of a response in the background goes on over another connection when it loses
            its own; replaces the client's for this call. Other streams cannot.
    """

    extra_headers: Mapping[str, str | Omit] | None
    extra_query: Query | None
    extra_body: object | None
    timeout: float | Timeout | None | Omit
    deadline: float | None
    max_retries: int
    idempotency_key: str | None
    follow_redirects: bool
    resume_streams: bool


class RequestInfo:
    """The request as errors and raw responses show it; `repr` and pickle hide secret headers.

    Attributes:
        method: The HTTP verb.
        url: The absolute URL, credentials in it removed.
        headers: What was sent.
    """

    __slots__ = ("headers", "method", "url")

    def __init__(self, method: str, url: str, headers: Headers) -> None:
        self.method: str = method
        self.url: str = url
        self.headers: Headers = headers

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"

    def __reduce__(self) -> tuple[type[RequestInfo], tuple[str, str, Headers]]:
        return RequestInfo, (self.method, self.url, self.headers)


class ResponseInfo:
    """An answer's head, and the part of its body that was read, as errors carry it.

    Attributes:
        status_code: The HTTP status.
        headers: The header fields.
        content: The body as far as it was read, at most the engine's limit for error bodies.
        request: The request it answers.
        http_version: `"HTTP/1.1"` or `"HTTP/2"`.
    """

    __slots__ = ("content", "headers", "http_version", "request", "status_code")

    def __init__(
        self,
        status_code: int,
        headers: Headers,
        content: bytes,
        request: RequestInfo,
        http_version: str = "HTTP/1.1",
    ) -> None:
        self.status_code: int = status_code
        self.headers: Headers = headers
        self.content: bytes = content
        self.request: RequestInfo = request
        self.http_version: str = http_version

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def url(self) -> str:
        """The URL that answered, credentials in it removed."""
        return self.request.url

    def json(self) -> Any:
        """Return the body decoded from JSON.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}>"

    def __reduce__(self) -> tuple[type[ResponseInfo], tuple[int, Headers, bytes, RequestInfo, str]]:
        return ResponseInfo, (self.status_code, self.headers, self.content, self.request, self.http_version)


class Operation(Struct, Generic[T], frozen=True, kw_only=True, eq=False):
    """One API method as data: what the engine must know to call it. `T` is what the method returns.

    Attributes:
        name: Dotted name under the client, such as `"chat.completions.create"`.
        verb: HTTP verb.
        path: Path below the base URL; `{name}` stands for a path argument, in the order they are passed.
        returns: The type of the answer (for a paginated method: of the page, such as `CursorPage[Model]`);
            None when nothing is returned.
        answer: How the answer's body is read: decoded as JSON, as bytes (`"binary"`), as text, or dropped (`"none"`).
        body: How the arguments of the body are sent.
        files: Multipart only: names of the body members that hold a file, or a list of files.
        parts: Multipart only: body members that are one part of a media type of their own, and that type. A value
            of `application/json` is encoded as JSON, any other is text.
        alone: Multipart only: the one of `parts` that is the whole body, of its own type, when no other is given.
        spelt: Names of nested body members that Python cannot spell as JSON does, at their place in the body:
            `{"compaction": {"async_": "async"}}`.
        variants: A body member, and the answer type for values that the caller gives it, where the answer's form
            depends on it. `str` as a type means: the text as it is.
        defaults: Body members sent when the caller leaves them out.
        event: The type of one streamed event; None if the method does not stream.
        ending: Which rule of `_sansio.endings` says that a stream is complete.
        named_events: Events are `{"event": name, "data": ...}` pairs, as the Assistants API's are.
        headers: Fixed headers, such as `OpenAI-Beta`.
        security: Which key the method takes.
        replayable: Whether a repeated attempt is the same request (false only where a body can be read once).
        page: Paginated methods: True.
        doc: The method's page in the API reference.
    """

    name: str
    verb: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    returns: Any
    answer: Literal["json", "binary", "text", "none"] = "json"
    body: Literal["none", "json", "multipart"] = "none"
    files: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    alone: str | None = None
    spelt: Mapping[str, Any] | None = None
    variants: tuple[str, Mapping[str, Any]] | None = None
    defaults: Mapping[str, object] | None = None
    event: Any = None
    ending: str | None = None
    named_events: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    security: Literal["bearer", "admin"] = "bearer"
    replayable: bool = True
    page: bool = False
    doc: str = ""


class Caller(Protocol):
    """What a namespace needs of whoever carries out its calls: the engine, a raw view of it, or a fake in tests."""

    @property
    def raw(self) -> Caller:
        """The same caller, whose calls give `RawResponse`: the head, the whole body, and `parse()`."""
        ...

    @property
    def streamed(self) -> Caller:
        """The same caller, whose calls give an open `StreamedResponse` as soon as the head has arrived."""
        ...

    def call(
        self,
        operation: Operation[T],
        *,
        path: tuple[str, ...] = (),
        query: Query | None = None,
        body: Body | None = None,
        headers: Mapping[str, str | Omit] | None = None,
        stream: object = False,
        options: RequestOptions,
        convert: Callable[[Any], object] | None = None,
    ) -> Any:
        """Carry out one call; the result is a coroutine.

        Awaiting it gives the decoded answer, or an open `Stream` when `stream` is True. Members of `query`, `body`
        and `headers` that are `omit` are not sent. The result is typed `Any` because it depends on the view: the
        generated method's own signature says what the user gets. `convert` is given the decoded answer, or the open
        stream, and returns what the user gets in its place; the `DecodeFailure` it may raise becomes an
        `APIResponseValidationError`.
        """
        ...

    def pages(
        self,
        operation: Operation[T],
        *,
        path: tuple[str, ...] = (),
        query: Query | None = None,
        body: Body | None = None,
        headers: Mapping[str, str | Omit] | None = None,
        options: RequestOptions,
    ) -> Paginator[Any, Any]:
        """Return what gives the first page when awaited and every item when iterated; nothing is sent before that."""
        ...
