"""One HTTP/2 stream as this side keeps it, and what can go wrong with it in plain facts; no frames and no sockets here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anyio import Event

    from .base import WireRequest
    from .waiting import Alarm, Flag

__all__ = (
    "ConnectionLost",
    "GoAway",
    "Http2Error",
    "Http2Stream",
    "StreamRefused",
    "StreamReset",
    "code_name",
)

# RFC 9113, section 7.
_CODES: Final = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)


def code_name(code: int) -> str:
    """Return the name of an error code, or its number where it has none."""
    return _CODES[code] if 0 <= code < len(_CODES) else f"code {code}"


class Http2Error(Exception):
    """The peer broke HTTP/2's rules or went beyond our limits, on one stream or on the whole connection.

    Attributes:
        code: The error code that tells the peer so.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code: int = code


class StreamReset(Exception):  # noqa: N818 - a fact about a stream
    """The server ended a stream before its answer was complete.

    Attributes:
        code: The server's error code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code_name(code))
        self.code: int = code


class StreamRefused(Exception):  # noqa: N818 - a fact about a stream
    """The server will not process a request that it has not begun with: sending it again is safe, whatever it does."""


class ConnectionLost(Exception):  # noqa: N818 - a fact about a connection
    """The connection is of no more use, for a reason that is neither an error of the socket nor one of the protocol."""


class GoAway:
    """The server's notice that the connection will carry nothing new.

    Attributes:
        last_id: The highest stream that it will or may process.
        code: Why.
        text: What it says about it, for people.
    """

    __slots__ = ("code", "last_id", "text")

    def __init__(self, last_id: int, code: int, text: str) -> None:
        self.last_id: int = last_id
        self.code: int = code
        self.text: str = text

    def __str__(self) -> str:
        return f"{code_name(self.code)}: {self.text}" if self.text else code_name(self.code)


class Http2Stream:
    """One exchange on a connection; the protocol fills it, an answer empties it.

    Attributes:
        id: Its number on the connection; 0 until it is opened.
        request: What was asked.
        status: Status of the final response; 0 until known.
        fields: Its header fields, names in lower case.
        encodings: Its content codings, in the order they were applied.
        length: Its `content-length`, if there is one.
        headed: A block of fields has arrived, whatever it says.
        ending: Its last frame has arrived.
        pieces: What has arrived of the body and was not taken away yet.
        received: Bytes of the body so far, content codings not undone.
        complete: The response has arrived to its end.
        local_ended: The request has been handed to the protocol to its end.
        window: Bytes that the peer may still send on this stream.
        uncredited: Bytes that arrived and were not given back to the peer as credit.
        error: Why nothing more will come.
        foreign: What the body's own source raised; it belongs to whoever made the source.
        news: Something has happened since somebody last looked.
        alarm: Rings when the silence that its reader waits in has lasted too long; None where no such is used.
        event: Set when something happens; None while nobody waits for it.
        released: Its share of the connection has been given back.
        told: Its observer knows of the head.
        decode: Content codings of the answer are undone, unknown ones refused.
    """

    __slots__ = (
        "__weakref__",
        "alarm",
        "complete",
        "decode",
        "encodings",
        "ending",
        "error",
        "event",
        "fields",
        "foreign",
        "headed",
        "id",
        "length",
        "local_ended",
        "news",
        "pieces",
        "received",
        "released",
        "request",
        "status",
        "told",
        "uncredited",
        "window",
    )

    def __init__(self, request: WireRequest, *, decode: bool) -> None:
        self.id: int = 0
        self.request: WireRequest = request
        self.status: int = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.encodings: tuple[bytes, ...] = ()
        self.length: int | None = None
        self.headed: bool = False
        self.ending: bool = False
        self.pieces: list[bytes] = []
        self.received: int = 0
        self.complete: bool = False
        self.local_ended: bool = False
        self.window: int = 0
        self.uncredited: int = 0
        self.error: Exception | None = None
        self.foreign: BaseException | None = None
        self.news: bool = False
        self.alarm: Alarm | None = None
        self.event: Event | Flag | None = None
        self.released: bool = False
        self.told: bool = False
        self.decode: bool = decode

    def __repr__(self) -> str:
        return f"<Http2Stream {self.id} {self.request.method} status={self.status} received={self.received}>"
