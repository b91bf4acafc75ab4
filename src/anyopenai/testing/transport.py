"""`FakeTransport`: scripted answers in memory, for tests that need a client and no server; no sockets and no clock here."""

from __future__ import annotations

import re
from collections import deque
from inspect import isawaitable

from anyio import fail_after
from anyio.lowlevel import checkpoint

from .._tasks import grace
from ..transport.base import BodySource, TransportFailure, WireRequest, WireResponse
from .script import Answer, Gate, Piece, RecordedRequest, Scripted

__all__ = ("FakeResponse", "FakeTransport", "NoAnswerError")


class NoAnswerError(AssertionError):
    """A request arrived that the script has no answer for; a test's own mistake, so no client ever retries it."""


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
        self.closed: bool = False
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

    __slots__ = ("_items", "_request", "_taken", "closed", "headers", "http_version", "received", "status")

    def __init__(self, answer: Answer, request: WireRequest, request_id: str) -> None:
        fields = {"x-request-id": request_id} | answer.headers
        self.status: int = answer.status
        self.headers: list[tuple[bytes, bytes]] = [
            (n.encode("latin-1"), v.encode("latin-1")) for n, v in fields.items()
        ]
        self.http_version: str = answer.http_version
        self.closed: bool = False
        self.received: int = 0
        self._request = request
        self._taken = 0
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
                    # The offset moves and the bytes stay: a long piece must not be copied for every read of it.
                    start, end = self._taken, self._taken + max_bytes
                    self._taken = end if end < len(item) else 0
                    if self._taken:
                        self._items.appendleft(item)
                    piece = item[start:end]
                    self.received += len(piece)
                    return piece
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
