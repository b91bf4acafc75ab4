"""The transport seam: what a transport is given, what it gives back, and how it fails; no sockets here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from .._timeouts import Timeout

__all__ = (
    "BodyReader",
    "BodySource",
    "Kind",
    "Middleware",
    "Phase",
    "Sent",
    "Trace",
    "Transport",
    "TransportFailure",
    "WireRequest",
    "WireResponse",
)

Sent = Literal["none", "partial", "all"]
"""How much of a request has been handed to the network."""

Phase = Literal["pool", "connect", "write", "head", "body", "close"]
"""Where an exchange stood when it failed."""

Kind = Literal[
    "timeout", "refused", "lost", "protocol", "tls", "proxy", "decode", "too_large", "closed", "loop", "input"
]
"""What went wrong in an exchange; `TransportFailure` explains each."""

Trace: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""A synchronous observer: called with an event's name and its facts; what it raises is logged.

It is called in the task that makes the call, so a `ContextVar` tells calls apart that run at the same time. The engine
tells of `"retry"` with `after`, `reason` and `attempt`, and of `"stream.end"` with `events`, `bytes` and `complete`, once
for each stream that is read to its end, closed, cancelled or broken. The default transport tells of `"pool.wait"` (only
if there was one), `"connect"`, `"proxy"` (a tunnel through one) and `"tls"` (only for a new connection) with `seconds`,
`"request.sent"` with `sent` and `fresh`, `"head"` with `status` and `http_version`, and
`"body.end"` with `received`, the bytes as they came over the wire.
"""


class BodyReader(Protocol):
    """One reading of a request body."""

    async def read(self) -> bytes:
        """Return the next piece, or b"" at the end."""
        ...

    async def aclose(self) -> None:
        """Give back what reading holds, such as an open file."""
        ...


class BodySource(Protocol):
    """A request body that is not in memory as one piece.

    Attributes:
        length: Exact length in bytes; None sends it chunked.
        replayable: Whether `open` may be called again for another attempt.
    """

    length: int | None
    replayable: bool

    def open(self) -> BodyReader:
        """Start one reading from the first byte."""
        ...


class WireRequest:
    """One HTTP request as a transport sends it.

    Attributes:
        method: The verb, upper case.
        scheme: `"http"`, `"https"`, or `"http+unix"` for plain HTTP over a Unix socket.
        host: Host name or address, without brackets, lower case; a socket's path, percent-encoded.
        port: TCP port; 0 with a Unix socket.
        target: Path and query, percent-encoded, starting with `/`.
        headers: Fields to send, in order, names in lower case. `host`, `content-length`, `transfer-encoding` and
            `accept-encoding` are the transport's unless given. Names and values have been checked for CR, LF and NUL.
        body: Bytes (b"" for none) or a `BodySource`.
        timeout: Limits in seconds that the transport applies by itself: `pool`, `connect`, `write` (each wait to
            hand over bytes) and `read` (each silence, from the request's last byte on). None fields are not limited:
            the caller then holds a cancel scope over the whole exchange.
        stream: The caller will read the answer piece by piece; false means that it calls `read` at once.
        sent: Kept by the transport while it works: how much has left.
        phase: Kept by the transport while it works: where the exchange stands.
        trace: Observer of this request, or None.
    """

    __slots__ = (
        "body",
        "headers",
        "host",
        "method",
        "phase",
        "port",
        "scheme",
        "sent",
        "stream",
        "target",
        "timeout",
        "trace",
    )

    def __init__(
        self,
        method: str,
        scheme: str,
        host: str,
        port: int,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes | BodySource = b"",
        *,
        timeout: Timeout,
        stream: bool = False,
        trace: Trace | None = None,
    ) -> None:
        self.method: str = method
        self.scheme: str = scheme
        self.host: str = host
        self.port: int = port
        self.target: bytes = target
        self.headers: list[tuple[bytes, bytes]] = headers
        self.body: bytes | BodySource = body
        self.timeout: Timeout = timeout
        self.stream: bool = stream
        self.trace: Trace | None = trace
        self.sent: Sent = "none"
        self.phase: Phase = "pool"

    @property
    def url(self) -> str:
        """The absolute URL."""
        default = {"https": 443, "http+unix": 0}.get(self.scheme, 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == default else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target.decode('ascii')}"

    def __repr__(self) -> str:
        return f"<WireRequest {self.method} {self.url}>"


class WireResponse(Protocol):
    """One HTTP answer, its head read and its body not yet.

    A response must be read to its end, or closed with `aclose()`, or given up with `abandon()`; until then it holds
    its connection.

    Attributes:
        status: HTTP status; never 1xx.
        headers: Fields as on the wire, names in lower case. A content coding that the transport undoes stays listed.
        http_version: `"HTTP/1.1"`, `"HTTP/1.0"` or `"HTTP/2"`.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    http_version: str

    async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
        """Return the next piece of the body, content codings undone, or b"" at its end (and again after it).

        Cancelling closes the connection: the rest of the body is lost. `timeout` bounds this silence in seconds and
        replaces the request's `read`; None keeps it. Pieces never exceed `max_bytes`.

        Raises:
            TransportFailure: The body broke off, or is not HTTP.
        """
        ...

    async def read(self, limit: int) -> bytes:
        """Return the whole rest of the body and give the connection back.

        Raises:
            TransportFailure: As `receive`; with kind `"too_large"` when the body exceeds `limit` bytes (the
                connection is closed).
        """
        ...

    async def drain(self, max_bytes: int, seconds: float) -> bool:
        """Read away what little may be left so that the connection can be used again; never raises for the network.

        Returns whether the end was reached within both bounds. If not, the response is closed.
        """
        ...

    async def aclose(self) -> None:
        """End the exchange now and free its connection slot; safe to repeat, safe when cancelled.

        HTTP/1.1 closes the connection unless the body is at its end; HTTP/2 resets the stream.
        """
        ...

    def abandon(self) -> None:
        """End the exchange without awaiting anything: for finalizers. Never raises."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the body has been received to its end."""
        ...


class TransportFailure(Exception):  # noqa: N818 - it is a fact about an exchange, turned into a public error elsewhere
    """An exchange did not work out; internal, never shown to users (see `_engine.mapping`).

    Attributes:
        kind: `"timeout"`, `"refused"` (no connection could be made), `"lost"` (a connection broke), `"protocol"`
            (not HTTP, or against its rules), `"tls"` (one side does not trust the other, or cannot speak TLS with it:
            another attempt would end the same way), `"proxy"` (a proxy does not allow the connection), `"decode"` (broken content coding), `"too_large"`, `"closed"` (the transport was closed), `"loop"` (another running event loop owns the connections), `"input"` (the
            request itself cannot be sent).
        phase: Where the exchange stood.
        sent: How much of the request had left.
        fresh: The connection had never carried an answer: a failure on a reused one (`fresh` false) before any byte
            of an answer may only mean that the server had closed it meanwhile.
        received: Bytes of the body that had arrived.
        proxy: The proxy that failed, or on the way through which it happened, without its credentials; None if the
            origin was reached, or there was no proxy.
        proxy_status: The HTTP status or SOCKS reply of a proxy that refused.
        unprocessed: The server said that it has not begun with the request (HTTP/2: REFUSED_STREAM, GOAWAY): sending
            it again is safe, whatever it does.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        phase: Phase,
        sent: Sent = "none",
        fresh: bool = True,
        received: int = 0,
        proxy: str | None = None,
        proxy_status: int | None = None,
        unprocessed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
        self.phase: Phase = phase
        self.sent: Sent = sent
        self.fresh = fresh
        self.received = received
        self.proxy = proxy
        self.proxy_status = proxy_status
        self.unprocessed = unprocessed


class Transport(Protocol):
    """Anything that carries HTTP requests; pass your own as `OpenAI(transport=...)`."""

    async def send(self, request: WireRequest) -> WireResponse:
        """Send a request and return its answer as soon as the head has arrived.

        Cancelling leaves no connection slot taken and nothing running.

        Raises:
            TransportFailure: No answer arrived.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection; later sends fail with kind `"closed"`. Safe to repeat."""
        ...


Middleware: TypeAlias = Callable[
    [WireRequest, Callable[[WireRequest], Awaitable[WireResponse]]], Awaitable[WireResponse]
]
"""`async def mw(request, call_next)`: sees each attempt, without its credentials, and its answer."""
