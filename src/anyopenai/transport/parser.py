"""HTTP/1.1 responses out of bytes, by httptools, with limits; no sockets, no clock and no content codings here.

Theory of operation: one `ResponseParser` serves one connection. `start()` prepares it for an exchange, `feed()` takes
bytes as they come (cut anywhere), `finish()` says that the peer sends no more. The facts of the head stand in
attributes once `head_complete` is set; pieces of the body collect in `pieces`, which the reader takes away.
Bytes beyond the end of a response are never delivered: they set `excess`, and the connection must not be reused.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

__all__ = ("MAX_FIELDS", "MAX_HEAD_BYTES", "ResponseError", "ResponseParser")

# The API's own heads are under 2 KB; 20 KB must pass (gateways add cookies and policies). Browsers and servers
# stop between 64 and 256 KiB.
MAX_HEAD_BYTES: Final = 65536
# hyper and nginx stop at 100 or so; ten times that still costs next to nothing here.
MAX_FIELDS: Final = 1000

_FRAMING: Final = frozenset({b"connection", b"content-length", b"content-encoding", b"transfer-encoding"})
# Newer C parsers read RTSP/ and ICE/ as well, which frame bodies by rules of their own.
_OTHER_PROTOCOLS: Final = (b"R", b"I")


class ResponseError(Exception):
    """The bytes are not a response that HTTP/1.1 or our limits allow; the message says why."""


class ResponseParser:
    """Turns the bytes of one connection into responses.

    Attributes:
        status: Status of the final response; 0 until known.
        fields: Its header fields, names in lower case.
        http_version: `"HTTP/1.1"` or `"HTTP/1.0"`.
        encodings: Its content codings, in the order they were applied.
        length: Its `Content-Length`, if that delimits the body.
        head_complete: The final head has arrived.
        complete: The body has arrived to its end.
        keep_alive: The peer agrees to another exchange on this connection.
        excess: More bytes came than the response may have.
        pieces: What has arrived of the body and was not taken away yet.
        received: Bytes of the body so far, content codings not undone.
        started: Any byte has arrived since `start()`.
        error: What is wrong with the body; the pieces before it are good.
    """

    __slots__ = (
        "_barren",
        "_close_delimited",
        "_head_only",
        "_http",
        "_informational",
        "complete",
        "encodings",
        "error",
        "excess",
        "fields",
        "head_complete",
        "http_version",
        "keep_alive",
        "length",
        "pieces",
        "received",
        "started",
        "status",
    )

    def __init__(self) -> None:
        # The C parser holds our bound methods: a cycle, which `close` breaks.
        self._http: HttpResponseParser | None = None
        self.start()

    def start(self, *, head_only: bool = False) -> None:
        """Prepare for the response to a new request.

        Args:
            head_only: The request was HEAD: its response has no body, whatever its head says.
        """
        self.status: int = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.http_version: str = "HTTP/1.1"
        self.encodings: tuple[bytes, ...] = ()
        self.length: int | None = None
        self.head_complete: bool = False
        self.complete: bool = False
        self.keep_alive: bool = False
        self.excess: bool = False
        self.pieces: list[bytes] = []
        self.received: int = 0
        self.started: bool = False
        self.error: HttpParserError | ResponseError | None = None
        self._head_only = head_only
        self._informational = False
        self._close_delimited = False
        self._barren = 0

    def close(self) -> None:
        """Let go of the C parser; what was parsed stays readable."""
        self._http = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        What is wrong with a body is kept in `error`, so that the pieces before it are delivered first, no matter
        how the bytes were cut.

        Raises:
            ResponseError: The head is more than the limits allow, or switches protocols.
            HttpParserError: It is not HTTP.
        """
        try:
            if self._head_only:
                # The C parser does not know that no body follows. A head ends with a line, so feed it by lines to
                # learn exactly where, and whether anything follows.
                for line in data.splitlines(keepends=True):
                    self._feed(line)
            else:
                self._feed(data)
        except (HttpParserError, ResponseError) as error:
            if not self.head_complete:
                raise
            self.error = error

    def _feed(self, data: bytes) -> None:
        already = self.complete
        if already:
            self.excess = True
            return
        received, in_head = self.received, not self.head_complete
        if in_head:
            if not self.started and data.startswith(_OTHER_PROTOCOLS):
                raise ResponseError("the answer is in another protocol than HTTP")
            room = MAX_HEAD_BYTES - self._barren
            if len(data) > room:
                if room <= 0:
                    raise ResponseError(f"the response head went beyond {MAX_HEAD_BYTES} bytes")
                # In two, so that the limit does not depend on how the bytes were cut.
                self._feed(data[:room])
                self._feed(data[room:])
                return
        self.started = True
        http = self._http
        if http is None:
            http = self._http = HttpResponseParser(self)
        try:
            http.feed_data(data)
        except HttpParserUpgrade:
            raise ResponseError("the server switched to another protocol, which was not asked for") from None
        except HttpParserError as error:
            if not self.complete:
                # What a callback raised says more than the C parser's "callback error".
                if isinstance(error.__context__, ResponseError):
                    raise error.__context__ from None
                raise
            # The response is whole; what follows is not part of it.
            self.excess = True
        if self.complete:
            if self._head_only or self.excess:
                # The C parser waits for a body that does not come, or has seen bytes that nobody wants.
                self._http = None
        elif self.received != received or (in_head and self.head_complete):
            self._barren = 0
        else:
            # Heads, chunk extensions and trailers: bytes that bring no body must not go on for ever.
            self._barren += len(data)
            if self._barren > MAX_HEAD_BYTES:
                raise ResponseError(f"chunk extensions or trailers went beyond {MAX_HEAD_BYTES} bytes")

    def finish(self) -> bool:
        """Note that the peer sends no more; return whether the response is complete now."""
        # A coding has bytes even for an empty body: without any, the peer broke off.
        if self._close_delimited and self.head_complete and (self.received or not self.encodings):
            self.complete = True
        return self.complete

    # Called by the C parser, in the order of the bytes.

    def on_message_begin(self) -> None:
        """A status line begins."""
        if self.complete:
            self.excess = True
            raise ResponseError("bytes after the end of the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field, or one trailer: trailers are dropped, as nothing in this API uses them."""
        if not self.head_complete:
            # The C parser leaves the blanks before the line's end (RFC 9112, section 5.1: not part of the value).
            bare = value.rstrip(b" \t")
            name = name.lower()
            if len(bare) != len(value) and name == b"transfer-encoding" and b"\t" in value:
                # And takes such a one for no coding at all.
                raise ResponseError("a tab follows the name of the transfer coding")
            self.fields.append((name, bare))
            if len(self.fields) > MAX_FIELDS:
                raise ResponseError(f"the response head has more than {MAX_FIELDS} fields")

    def on_headers_complete(self) -> None:
        """The blank line after the fields."""
        http = self._http
        if http is None or self.complete:
            return
        status = http.get_status_code()
        if status < 200:
            if status < 100:
                raise ResponseError(f"{status:03d} is not an HTTP status")
            # 100 Continue, 103 Early Hints: the final response is still to come.
            self._informational = True
            return
        self.status = status
        version = http.get_http_version()
        if version not in ("1.1", "1.0"):
            raise ResponseError(f"the answer calls itself HTTP/{version}")
        self.http_version = f"HTTP/{version}"
        coding: bytes | None = None
        close = False
        persist = version == "1.1"
        for name, value in self.fields:
            if name not in _FRAMING:
                continue
            if name == b"content-length":
                self.length = int(value)
            elif name == b"transfer-encoding":
                if coding is not None:
                    raise ResponseError("the body came in two transfer codings, which leaves its end in doubt")
                coding = value.lower()
                if coding not in (b"chunked", b"identity"):
                    raise ResponseError("the body came in a transfer coding that was not asked for")
                # RFC 9112, section 6.1: before 1.1 nothing with a transfer coding can be trusted to end where it says.
                close = close or version == "1.0"
                self._close_delimited = coding != b"chunked"
            elif name == b"connection":
                tokens = {token.strip() for token in value.lower().split(b",")}
                close = close or b"close" in tokens
                persist = persist or b"keep-alive" in tokens
            else:
                names = (name.strip() for name in value.lower().split(b","))
                self.encodings += tuple(name for name in names if name not in (b"", b"identity"))
        if self._head_only or status in (204, 304):
            self._close_delimited = False
            self.length = 0
        elif self.length is None and coding != b"chunked":
            self._close_delimited = True
        self.keep_alive = persist and not close and not self._close_delimited
        self.head_complete = True
        if self._head_only:
            self.complete = True

    def on_body(self, data: bytes) -> None:
        """A piece of the body, chunk framing removed."""
        if self.complete:
            self.excess = True
            return
        self.pieces.append(data)
        self.received += len(data)

    def on_message_complete(self) -> None:
        """The end of a response that says where it ends."""
        if self._informational:
            self._informational = False
            self.fields = []
            return
        self.complete = True
