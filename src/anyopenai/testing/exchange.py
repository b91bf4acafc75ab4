"""One request as a handler sees it and the replies it can give; no routing and no endpoint's rules here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TypeAlias, cast
from urllib.parse import parse_qs

import msgspec

from .._headers import Headers

__all__ = (
    "DONE",
    "Disconnected",
    "Events",
    "Handler",
    "Json",
    "JsonReply",
    "RawReply",
    "Refusal",
    "Reply",
    "Request",
    "Route",
    "Step",
    "event_block",
    "invalid",
    "named_block",
)

Json: TypeAlias = dict[str, object]
"""A JSON object."""

Message: TypeAlias = MutableMapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, object]

# Larger JSON bodies are refused with 413: the API's own limit is of this order, and a test server must not eat memory.
MAX_JSON_BYTES = 64 * 1024 * 1024


class Disconnected(Exception):  # noqa: N818 - it is a fact about the exchange, and nobody's error
    """The client went away before its request was complete."""


class Refusal(Exception):  # noqa: N818 - an answer of the API, raised where it is decided
    """An error answer in the API's own shape.

    Attributes:
        status: HTTP status.
        error: The error object of the body.
        headers: Fields to add to the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the API's own name for the member
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Json = {"message": message, "type": type, "param": param, "code": code}
        self.headers: dict[str, str] = dict(headers or {})

    def reply(self) -> JsonReply:
        """Return the answer."""
        return JsonReply({"error": self.error}, self.status, self.headers)


def invalid(param: str, message: str, code: str = "invalid_value") -> Refusal:
    """Return a 400 that blames one parameter."""
    return Refusal(400, message, code=code, param=param)


class JsonReply:
    """An answer whose body is one JSON value."""

    __slots__ = ("headers", "status", "value")

    def __init__(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.value: object = value
        self.status: int = status
        self.headers: dict[str, str] = dict(headers or {})


class RawReply:
    """An answer whose body is bytes, sent piece by piece so that nothing large is joined."""

    __slots__ = ("content_type", "pieces", "status")

    def __init__(self, pieces: Iterable[bytes], content_type: str, status: int = 200) -> None:
        self.pieces: list[bytes] = list(pieces)
        self.content_type: str = content_type
        self.status: int = status


Step: TypeAlias = tuple[bytes, int]
"""A block of an event stream, and how many tokens it carries (each costs the server's token delay)."""


class Events:
    """An answer that is a stream of server-sent events, made as it is sent; one that is not `whole` breaks off behind them."""

    __slots__ = ("steps", "whole")

    def __init__(self, steps: Iterable[Step], *, whole: bool = True) -> None:
        self.steps: Iterator[Step] = iter(steps)
        self.whole: bool = whole


Reply: TypeAlias = JsonReply | RawReply | Events

DONE = b"data: [DONE]\n\n"


def event_block(value: object) -> bytes:
    """Return one event without a name, as chat and completions send them."""
    return b"data: %b\n\n" % msgspec.json.encode(value)


def named_block(name: str, value: object) -> bytes:
    """Return one event with its name, as the Responses API sends them."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(value))


class Request:
    """One HTTP request: its head, and a body that is read when a handler asks for it.

    Attributes:
        method: The verb, upper case.
        path: The path, percent-encoded, below the base path.
        query: Decoded query parameters, each with its values in order.
        headers: The request's fields.
        args: Path arguments, decoded, by the names in the route.
        id: The request id that the answer will carry.
        reply_headers: Fields that the answer will carry whatever it is.
        size: Bytes of the body received so far.
    """

    def __init__(self, scope: Mapping[str, object], receive: Receive, path: str, request_id: str) -> None:
        self.method: str = str(scope["method"]).upper()
        self.path = path
        self.query: dict[str, list[str]] = parse_qs(
            cast("bytes", scope.get("query_string", b"")).decode("latin-1"), keep_blank_values=True
        )
        self.headers: Headers = Headers(cast("list[tuple[bytes, bytes]]", scope["headers"]))
        self.args: dict[str, str] = {}
        self.id = request_id
        self.reply_headers: dict[str, str] = {}
        self.size: int = 0
        self._receive = receive
        self._at_end = False

    async def receive(self) -> bytes:
        """Return the next piece of the body, or b"" at its end.

        Raises:
            Disconnected: The client went away.
        """
        while not self._at_end:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Disconnected
            self._at_end = not message.get("more_body", False)
            if piece := cast("bytes", message.get("body", b"")):
                self.size += len(piece)
                return piece
        return b""

    async def drain(self) -> None:
        """Read the rest of the body away: an answer sent before it would leave the connection in the middle of it."""
        while await self.receive():
            pass

    async def read(self, max_bytes: int = MAX_JSON_BYTES) -> bytes:
        """Return the whole body.

        Raises:
            Refusal: It is larger than `max_bytes`; the rest is read away.
            Disconnected: The client went away.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.receive():
            size += len(piece)
            if size > max_bytes:
                await self.drain()
                raise Refusal(413, f"The body is larger than {max_bytes} bytes.", code="request_too_large")
            pieces.append(piece)
        return b"".join(pieces)

    async def json(self) -> Json:
        """Return the body as a JSON object.

        Raises:
            Refusal: It is not JSON, or not an object.
            Disconnected: The client went away.
        """
        raw = await self.read()
        try:
            value: object = msgspec.json.decode(raw or b"{}")
        except msgspec.DecodeError as error:
            raise Refusal(
                400, f"The body is not JSON that can be read: {error}. Send a JSON object.", code="invalid_json"
            ) from None
        if not isinstance(value, dict):
            raise Refusal(400, f"The body must be a JSON object, not {type(value).__name__}.", code="invalid_type")
        return cast("Json", value)

    def query_value(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def query_int(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from the query.

        Raises:
            Refusal: It is not a number, or outside `low` to `high`.
        """
        text = self.query_value(name)
        if text is None:
            return default
        try:
            number = int(text)
        except ValueError:
            raise invalid(name, f"{name!r} must be a whole number, not {text!r}.", "invalid_type") from None
        if not low <= number <= high:
            raise invalid(name, f"{name!r} must be between {low} and {high}, not {number}.", "integer_out_of_range")
        return number


Handler: TypeAlias = Callable[[Request], Awaitable[Reply]]
Route: TypeAlias = tuple[str, str, Handler]
"""Verb, path below the base path with `{name}` for arguments, and who answers."""
