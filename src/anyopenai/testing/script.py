"""The script of a `FakeTransport`: answers and how their bytes are cut, gates, and requests as they were recorded; no I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qs

import msgspec

from .._codec import encode
from .._contract import Omit, omit
from .._headers import Headers
from ..transport.base import TransportFailure, WireRequest

__all__ = ("Answer", "Event", "Gate", "Handler", "Piece", "RecordedRequest", "Scripted")


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
        self.method: str = wire.method
        self.url: str = wire.url
        self.path: str = path
        self.query: dict[str, list[str]] = parse_qs(query, keep_blank_values=True)
        self.headers: Headers = Headers(wire.headers)
        self.body: bytes = body
        self.stream: bool = wire.stream
        self.wire: WireRequest = wire

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
            items = (encode(json),)
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
        self.status: int = status
        self.headers: dict[str, str] = fields
        self.items: tuple[Piece, ...] = tuple(item for item in items if item != b"")
        self.wait: Gate | None = wait
        self.http_version: str = http_version

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


def _piece_from_event(event: Event) -> Piece:
    """Write one event as the API frames it; gates, failures and raw bytes stay what they are."""
    if isinstance(event, bytes | TransportFailure):
        return event
    if isinstance(event, str):
        return b"".join(b"data: %b\n" % line.encode() for line in event.split("\n")) + b"\n"
    if isinstance(event, tuple):
        name, value = event
        return b"event: %b\ndata: %b\n\n" % (name.encode(), encode(value))
    if isinstance(event, Gate):
        return event
    return b"data: %b\n\n" % encode(event)
