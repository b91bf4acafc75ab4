"""`FakeTransport`: scripted answers in memory, for tests that need a client and no server; no sockets and no clock here."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from typing import Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qs

import msgspec
from anyio import fail_after
from anyio.lowlevel import checkpoint

from .._contract import Omit, omit
from .._headers import Headers
from .._tasks import grace
from ..transport.base import BodySource, TransportFailure, WireRequest, WireResponse

__all__ = ("Answer", "FakeResponse", "FakeTransport", "Gate", "NoAnswerError", "RecordedRequest")


@runtime_checkable
class Gate(Protocol):
    """What an answer can wait for: `anyio.Event`, or any object whose `wait()` can be awaited."""

    async def wait(self) -> object:
        """Return when the answer may go on."""
        ...


Event: TypeAlias = Mapping[str, object] | msgspec.Struct | str | bytes | tuple[str, object] | Gate | TransportFailure
"""One step of a scripted event stream; see `Answer`."""

Piece: TypeAlias = bytes | Gate | TransportFailure
"""One step of a scripted body."""


class NoAnswerError(AssertionError):
    """A request arrived that the script has no answer for; a test's own mistake, so no client ever retries it."""


class RecordedRequest:
    """One request as the transport was given it, its body read.

    `repr` shows the method, the URL and the headers with secrets hidden; `headers` has the real values.

    Attributes:
        method: The verb, upper case.
        url: The absolute URL.
        path: The path, percent-encoded, without the query.
        query: Query parameters, decoded, each with its values in order.
        headers: What was sent, without regard to case.
        body: The whole body; b"" without one.
        stream: Whether the caller said it would read the answer piece by piece.
        wire: The request object itself, with its time limits.
    """

    __slots__ = ("body", "headers", "method", "path", "query", "stream", "url", "wire")

    def __init__(self, wire: WireRequest, body: bytes) -> None:
        path, _, query = wire.target.decode("ascii").partition("?")
        self.method = wire.method
        self.url = wire.url
        self.path = path
        self.query = parse_qs(query, keep_blank_values=True)
        self.headers = Headers(wire.headers)
        self.body = body
        self.stream = wire.stream
        self.wire = wire

    def json(self) -> object:
        """Return the body decoded from JSON.

        Raises:
            msgspec.DecodeError: It is not JSON.
        """
        return msgspec.json.decode(self.body)

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.url} {self.headers.redacted()}>"


class Answer:
    """One scripted answer: a head, and a body given as JSON, as bytes, as pieces or as a stream of events.

    Give one of `json`, `content`, `pieces` and `events`; without any the body is empty. Every item of `pieces` and
    `events` arrives as one read of its own, so that a test decides how the bytes are cut.

    Args:
        status: HTTP status.
        json: Any value, sent as JSON with its content type.
        content: The body in one piece; text is sent as UTF-8.
        pieces: The body cut as the test wants it: bytes, gates (the answer waits until they open), and a
            `TransportFailure` that breaks the answer off there.
        events: A stream of server-sent events: a mapping (or Struct) becomes one JSON event, `("name", value)` a named
            one, text one event with that data as it is (such as `"[DONE]"`), bytes are sent untouched; gates and
            failures as in `pieces`.
        headers: Fields that replace or join the ones set here (`content-type`, `content-length`, `x-request-id`).
        wait: A gate before the head.
        http_version: What the response claims to have been carried by.
    """

    __slots__ = ("headers", "http_version", "items", "status", "wait")

    def __init__(
        self,
        status: int = 200,
        *,
        json: object = omit,
        content: bytes | str | None = None,
        pieces: Iterable[Piece] | None = None,
        events: Iterable[Event] | None = None,
        headers: Mapping[str, str] | None = None,
        wait: Gate | None = None,
        http_version: str = "HTTP/1.1",
    ) -> None:
        given = (not isinstance(json, Omit), content is not None, pieces is not None, events is not None)
        if sum(given) > 1:
            raise ValueError("an Answer has one body: give only one of json, content, pieces and events")
        fields: dict[str, str] = {}
        items: Sequence[Piece]
        if not isinstance(json, Omit):
            items = (_json_bytes(json),)
            fields = {"content-type": "application/json", "content-length": str(len(items[0]))}
        elif events is not None:
            items = tuple(_piece_from_event(event) for event in events)
            fields = {"content-type": "text/event-stream; charset=utf-8"}
        elif pieces is not None:
            items = tuple(pieces)
        else:
            whole = content.encode() if isinstance(content, str) else content or b""
            items = (whole,)
            fields = {"content-length": str(len(whole))}
        fields.update({name.lower(): value for name, value in (headers or {}).items()})
        self.status = status
        self.headers = fields
        self.items: tuple[Piece, ...] = tuple(item for item in items if item != b"")
        self.wait = wait
        self.http_version = http_version

    @classmethod
    def error(
        cls,
        status: int,
        message: str = "Scripted error.",
        *,
        code: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the API's own name for the member
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        wait: Gate | None = None,
    ) -> Answer:
        """Return an answer whose body is an error object of the API's shape."""
        error = {"message": message, "type": type, "param": param, "code": code}
        return cls(status, json={"error": error}, headers=headers, wait=wait)

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.items)} pieces>"


Handler: TypeAlias = Callable[[RecordedRequest], "Answer | Awaitable[Answer]"]
"""Computes an answer from the request; may be asynchronous."""

Scripted: TypeAlias = Answer | TransportFailure | Handler
"""One entry of a script: an answer, a failure of the transport, or a function that makes the answer."""


class FakeTransport:
    """A transport that answers from a script and records what it was asked; nothing leaves the process.

    Answers given to the constructor are used once each, in order, for any request. Routes answer the requests that fit
    them, each answer once and the last one again and again. The script of the constructor is used up first.

    ::

        from anyopenai import OpenAI
        from anyopenai.testing import Answer, FakeTransport

        transport = FakeTransport()
        transport.route("GET", "/models/*", Answer(json={"id": "m", "object": "model", "created": 0, "owned_by": "me"}))

        async with OpenAI(api_key="k", transport=transport) as client:
            model = await client.models.retrieve("m")

        assert model.id == "m"
        assert transport.requests[0].path == "/v1/models/m"

    Attributes:
        requests: Every request, oldest first; one that failed on purpose before it was sent is there too.
        responses: Every answer given, oldest first.
        closed: Whether `aclose` was called.
    """

    def __init__(self, *answers: Scripted) -> None:
        self.requests: list[RecordedRequest] = []
        self.responses: list[FakeResponse] = []
        self.closed = False
        self._script: deque[Scripted] = deque(answers)
        self._routes: list[_Route] = []

    def add(self, *answers: Scripted) -> None:
        """Append answers to the script that serves any request, each once."""
        self._script.extend(answers)

    def route(self, method: str, pattern: str, *answers: Scripted) -> None:
        """Answer the requests that fit; the first fitting route wins.

        Args:
            method: A verb, or `"*"` for every one.
            pattern: The path or its end, from a slash on: `"/embeddings"` fits `/v1/embeddings`. `*` stands for one
                segment, `**` for any number of them.
            answers: Used once each, in order; the last one stays.

        Raises:
            ValueError: The pattern does not start with a slash, or there is no answer.
        """
        if not pattern.startswith("/") or not answers:
            raise ValueError(
                f"route({method!r}, {pattern!r}) needs a pattern that starts with / and at least one answer"
            )
        self._routes.append(_Route(method.upper(), pattern, deque(answers)))

    @property
    def open_responses(self) -> int:
        """How many answers are neither read to their end nor closed; 0 when nothing leaked."""
        return sum(not response.complete and not response.closed for response in self.responses)

    async def send(self, request: WireRequest) -> WireResponse:
        """Record a request and return its scripted answer.

        Cancelling while the answer's gate is closed leaves nothing behind but the record.

        Raises:
            TransportFailure: The script says so, the transport is closed, or a gate outlasted the request's `read`
                limit.
            NoAnswerError: The script has no answer for this request.
        """
        await checkpoint()
        if self.closed:
            raise TransportFailure("the transport is closed", kind="closed", phase="pool")
        entry = self._entry_for(request)
        if isinstance(entry, TransportFailure) and entry.sent == "none":
            self.requests.append(RecordedRequest(request, b""))
            raise self._failed(request, entry)
        request.phase = "write"
        recorded = RecordedRequest(request, await _read_body(request))
        self.requests.append(recorded)
        if isinstance(entry, TransportFailure):
            raise self._failed(request, entry)
        request.sent = "all"
        request.phase = "head"
        if not isinstance(entry, Answer):
            made = entry(recorded)
            entry = await made if isawaitable(made) else made
        if entry.wait is not None:
            await _pass_gate(entry.wait, request.timeout.read, request, 0)
        request.phase = "body"
        response = FakeResponse(entry, request, f"req_fake_{len(self.requests)}")
        self.responses.append(response)
        return response

    async def aclose(self) -> None:
        """Refuse every later request; answers given before stay readable."""
        self.closed = True
        await checkpoint()

    def __repr__(self) -> str:
        return f"<FakeTransport {len(self.requests)} requests, {self.open_responses} open responses>"

    def _entry_for(self, request: WireRequest) -> Scripted:
        if self._script:
            return self._script.popleft()
        path = request.target.decode("ascii").partition("?")[0]
        for route in self._routes:
            if route.fits(request.method, path):
                return route.take()
        known = ", ".join(str(route) for route in self._routes) or "none"
        raise NoAnswerError(
            f"no scripted answer is left for {request.method} {path} (routes: {known}); "
            "pass another Answer to FakeTransport(...) or add a route that fits"
        )

    @staticmethod
    def _failed(request: WireRequest, failure: TransportFailure) -> TransportFailure:
        request.phase = failure.phase
        request.sent = failure.sent
        return _fresh_copy(failure)


class FakeResponse:
    """A scripted answer being read; it keeps to the rules of `anyopenai.transport.base.WireResponse`.

    Attributes:
        status: HTTP status.
        headers: The head's fields, names in lower case.
        http_version: As the `Answer` says.
        closed: Whether it was closed, given up, or broke off.
        received: Bytes of the body handed out so far.
    """

    __slots__ = ("_items", "_request", "closed", "headers", "http_version", "received", "status")

    def __init__(self, answer: Answer, request: WireRequest, request_id: str) -> None:
        fields = {"x-request-id": request_id} | answer.headers
        self.status = answer.status
        self.headers: list[tuple[bytes, bytes]] = [
            (n.encode("latin-1"), v.encode("latin-1")) for n, v in fields.items()
        ]
        self.http_version = answer.http_version
        self.closed = False
        self.received = 0
        self._request = request
        # A HEAD request, 204 and 304 have no body (RFC 9110, section 6.4.1).
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        self._items: deque[Piece] = deque(() if bodiless else answer.items)

    async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
        """Return the next scripted piece, or b"" at the end.

        Cancelling closes the response, as it does on a real connection.

        Args:
            max_bytes: Largest piece to return; a longer scripted one comes in parts.
            timeout: Seconds to wait at a closed gate; None keeps the request's `read`.

        Raises:
            TransportFailure: The script says so, the response is closed, or a gate outlasted the limit.
        """
        if self.complete:
            await checkpoint()
            return b""
        if self.closed:
            raise TransportFailure(
                "the response is closed", kind="closed", phase="body", sent="all", received=self.received
            )
        limit = self._request.timeout.read if timeout is None else timeout
        try:
            await checkpoint()
            while self._items:
                item = self._items.popleft()
                if isinstance(item, bytes):
                    if len(item) > max_bytes:
                        self._items.appendleft(item[max_bytes:])
                        item = item[:max_bytes]
                    self.received += len(item)
                    return item
                if isinstance(item, TransportFailure):
                    raise _fresh_copy(item, received=self.received)
                await _pass_gate(item, limit, self._request, self.received)
        except BaseException:
            self.closed = True
            raise
        return b""

    async def read(self, limit: int) -> bytes:
        """Return the whole rest of the body.

        Raises:
            TransportFailure: As `receive`; with kind `"too_large"` when the rest exceeds `limit` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.receive():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self.abandon()
                raise TransportFailure(
                    f"the body exceeds {limit} bytes", kind="too_large", phase="body", sent="all", received=size
                )
        return b"".join(pieces)

    async def drain(self, max_bytes: int, seconds: float) -> bool:
        """Read away up to `max_bytes` within `seconds`; return whether the end was reached, close if not."""
        left = max_bytes
        try:
            with fail_after(seconds):
                while piece := await self.receive():
                    left -= len(piece)
                    if left < 0:
                        self.abandon()
                        return False
        except (TransportFailure, TimeoutError):
            self.abandon()
            return False
        return True

    async def aclose(self) -> None:
        """End the exchange; safe to repeat."""
        self.abandon()
        await checkpoint()

    def abandon(self) -> None:
        """End the exchange without awaiting anything; what has not been read is lost."""
        if not self.complete:
            self.closed = True

    @property
    def complete(self) -> bool:
        """Whether the body has been handed out to its end."""
        return not self._items and not self.closed

    def __repr__(self) -> str:
        state = "complete" if self.complete else "closed" if self.closed else "open"
        return f"<FakeResponse {self.status}, {state}, {self.received} bytes received>"


class _Route:
    """One pattern and the answers of the requests that fit it."""

    def __init__(self, method: str, pattern: str, answers: deque[Scripted]) -> None:
        self.method = method
        self.pattern = pattern
        self.answers = answers
        parts = {"**": ".*", "*": "[^/]+"}
        self.matches = re.compile(
            "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", pattern)) + r"\Z"
        )

    def fits(self, method: str, path: str) -> bool:
        if self.method not in ("*", method):
            return False
        # The pattern is the path's end from any of its slashes on.
        return any(self.matches.match(path, index) for index, char in enumerate(path) if char == "/")

    def take(self) -> Scripted:
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}"


def _json_bytes(value: object) -> bytes:
    return msgspec.json.encode(value)


def _piece_from_event(event: Event) -> Piece:
    """Write one event as the API frames it; gates, failures and raw bytes stay what they are."""
    if isinstance(event, bytes | TransportFailure):
        return event
    if isinstance(event, str):
        return b"".join(b"data: %b\n" % line.encode() for line in event.split("\n")) + b"\n"
    if isinstance(event, tuple):
        name, value = event
        return b"event: %b\ndata: %b\n\n" % (name.encode(), _json_bytes(value))
    if isinstance(event, Gate):
        return event
    return b"data: %b\n\n" % _json_bytes(event)


async def _pass_gate(gate: Gate, limit: float | None, request: WireRequest, received: int) -> None:
    """Wait for a gate, as long as a real read would be allowed to be silent."""
    try:
        with fail_after(limit):
            await gate.wait()
    except TimeoutError:
        raise TransportFailure(
            f"nothing arrived within {limit} s",
            kind="timeout",
            phase=request.phase,
            sent=request.sent,
            received=received,
        ) from None


async def _read_body(request: WireRequest) -> bytes:
    body: bytes | BodySource = request.body
    if isinstance(body, bytes):
        return body
    request.sent = "partial"
    reader = body.open()
    pieces: list[bytes] = []
    try:
        while piece := await reader.read():
            pieces.append(piece)
    finally:
        with grace():
            await reader.aclose()
    return b"".join(pieces)


def _fresh_copy(failure: TransportFailure, received: int | None = None) -> TransportFailure:
    """Copy a scripted failure: raising one object twice would pile up its traceback and context."""
    return TransportFailure(
        failure.message,
        kind=failure.kind,
        phase=failure.phase,
        sent=failure.sent,
        fresh=failure.fresh,
        received=failure.received if received is None else received,
    )
