"""The head of an HTTP/1.1 request as bytes, checked so that nothing can be injected; no sockets here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from .base import TransportFailure, WireRequest
from .codings import ACCEPT_ENCODING

if TYPE_CHECKING:
    from .._sansio.proxies import Proxy

__all__ = ("BODILESS", "Head", "authority_of", "encode_head", "refused")

# Fields that the transport adds unless the caller gave them.
_OURS: Final = frozenset({b"accept-encoding", b"connection", b"content-length", b"host", b"transfer-encoding"})
BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})
"""Methods that say nothing about a length when they have no body."""


class Head(NamedTuple):
    """An encoded head and what it promises.

    Attributes:
        data: The bytes, up to and with the blank line.
        chunked: The body follows in chunks.
        length: Bytes of the body; None when chunked.
        close: The connection must not be used again.
        decode: Content codings of the answer are undone, unknown ones refused; false when the caller asked for a
            coding by itself and may want to see what it gets.
    """

    data: bytes
    chunked: bool
    length: int | None
    close: bool
    decode: bool

    def __repr__(self) -> str:
        # It has the key in it, and reports of exceptions show local variables.
        return f"<Head of {len(self.data)} bytes>"


def encode_head(request: WireRequest, forward: Proxy | None = None) -> Head:
    """Return the head of a request.

    Args:
        request: The request.
        forward: The HTTP proxy that it is handed to, which is told the whole URL and who is asking.

    Raises:
        TransportFailure: The request cannot be sent as HTTP/1.1 (kind `"input"`): a line break or NUL in a name, a
            value or the target, or a length that is not the body's.
    """
    try:
        return _encode(request, forward)
    except TransportFailure as failure:
        # Reports of exceptions show local variables, and those of `_encode` hold the key.
        raise failure.with_traceback(None) from None


def _encode(request: WireRequest, forward: Proxy | None) -> Head:
    body = request.body
    length = len(body) if isinstance(body, bytes) else body.length
    target = request.target if forward is None else b"http://" + authority_of(request) + request.target
    parts = [request.method.encode("ascii", "replace"), b" ", target, b" HTTP/1.1\r\n"]
    given: dict[bytes, bytes] = {}
    for name, value in request.headers:
        if name in _OURS:
            if name in given:
                raise refused(f"the header {name.decode()} was given twice; leave it to the transport")
            given[name] = value
        parts += (name, b": ", value, b"\r\n")
    lines = len(request.headers) + 2
    if b"host" not in given:
        # First, as RFC 9110 section 7.2 advises.
        parts.insert(4, b"host: %b\r\n" % authority_of(request))
        lines += 1
    if b"accept-encoding" not in given:
        parts.append(b"accept-encoding: %b\r\n" % ACCEPT_ENCODING)
        lines += 1
    if forward is not None and forward.username is not None:
        parts += (b"proxy-authorization: ", forward.authorization or b"", b"\r\n")
        lines += 1
    coding = given.get(b"transfer-encoding")
    chunked = length is None or coding is not None
    if coding is not None:
        if coding.lower() != b"chunked" or b"content-length" in given:
            raise refused("transfer-encoding may only be `chunked`, and not beside content-length")
    elif length is None:
        if b"content-length" in given:
            raise refused("content-length was given for a body whose length is not known")
        parts.append(b"transfer-encoding: chunked\r\n")
        lines += 1
    elif (announced := given.get(b"content-length")) is not None:
        if announced != b"%d" % length:
            raise refused(f"content-length does not fit the body of {length} bytes; leave it to the transport")
    elif length or request.method not in BODILESS:
        parts.append(b"content-length: %d\r\n" % length)
        lines += 1
    parts.append(b"\r\n")
    data = b"".join(parts)
    # One look at the finished bytes finds an injected line break wherever it came from.
    if data.count(b"\n") != lines or data.count(b"\r") != lines or b"\0" in data:
        raise refused("a header name, a header value or the target contains a line break or NUL; remove it")
    if not request.method.isalpha() or b" " in request.target or not request.target.isascii():
        raise refused("the method must be letters, and the target percent-encoded")
    close = b"close" in given.get(b"connection", b"").lower()
    return Head(data, chunked, None if chunked else length, close, b"accept-encoding" not in given)


def authority_of(request: WireRequest) -> bytes:
    """Return whom a request is for, as `host` and `:authority` have it."""
    if request.scheme == "http+unix":
        return b"localhost"
    host = f"[{request.host}]" if ":" in request.host else request.host
    default = 443 if request.scheme == "https" else 80
    if request.port != default:
        host = f"{host}:{request.port}"
    try:
        return host.encode("ascii")
    except UnicodeEncodeError:
        return host.encode("idna")


def refused(text: str) -> TransportFailure:
    """Return the failure for a request that cannot be sent as it is."""
    kind: Literal["input"] = "input"
    return TransportFailure(f"the request was not sent: {text}", kind=kind, phase="write", sent="none")
