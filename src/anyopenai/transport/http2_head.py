"""Heads of HTTP/2 messages: a request as fields to send, an answer's fields checked; no compression and no frames here.

h2 is told not to check or to rewrite fields (that costs more than everything else about them), so what RFC 9113 section 8
demands of both directions is seen to here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .base import TransportFailure
from .codings import ACCEPT_ENCODING
from .head import BODILESS, authority_of, refused
from .http2_stream import Http2Error
from .parser import MAX_FIELDS

if TYPE_CHECKING:
    from .base import WireRequest
    from .http2_stream import Http2Stream

__all__ = ("RequestHead", "request_head", "take_head")

Fields = list[tuple[bytes, bytes]]

# RFC 9113, section 8.2.2: these belong to one HTTP/1.1 connection and have no meaning here.
_OF_CONNECTIONS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_OURS: Final = _OF_CONNECTIONS | {b"accept-encoding", b"content-length", b"host", b"te"}
_TOLD: Final = _OF_CONNECTIONS | {b"content-length", b"content-encoding"}

# RFC 9110, section 5.6.2, in lower case (RFC 9113, section 8.2.1).
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_VALUE: Final = re.compile(rb"[\r\n\0]")
_STATUS: Final = re.compile(rb"[1-5][0-9][0-9]")
_MANY_NAMES: Final = 1000

# Names that were found to be good: peers send the same ones again and again.
_good_names: set[bytes] = set()


class RequestHead(NamedTuple):
    """A request's head and what it promises.

    Attributes:
        fields: What to send, pseudo-headers first.
        length: Bytes of the body; None when only its end will tell.
        decode: Content codings of the answer are undone, unknown ones refused.
    """

    fields: Fields
    length: int | None
    decode: bool

    def __repr__(self) -> str:
        # It has the key in it, and reports of exceptions show local variables.
        return f"<RequestHead of {len(self.fields)} fields>"


def request_head(request: WireRequest) -> RequestHead:
    """Return the head of a request.

    Fields that only HTTP/1.1 knows are left out; `host` becomes the authority.

    Raises:
        TransportFailure: The request cannot be sent as HTTP/2 (kind `"input"`).
    """
    try:
        return _checked(request)
    except TransportFailure as failure:
        # Reports of exceptions show local variables, and those of `_checked` hold the key.
        raise failure.with_traceback(None) from None


def _checked(request: WireRequest) -> RequestHead:
    body = request.body
    length = len(body) if isinstance(body, bytes) else body.length
    method = request.method.encode("ascii", "replace")
    target = request.target
    if not method.isalpha() or b" " in target or not target.isascii():
        raise refused("the method must be letters, and the target percent-encoded")
    authority: bytes | None = None
    announced: bytes | None = None
    decode = True
    fields: Fields = []
    values = [target]
    for pair in request.headers:
        name, value = pair
        if name not in _good_names:
            _check_name(name)
        values.append(value)
        if name in _OURS:
            if name in _OF_CONNECTIONS or (name == b"te" and value.lower() != b"trailers"):
                continue
            if name == b"host":
                if authority is not None:
                    raise refused("the header host was given twice; leave it to the transport")
                authority = value
                continue
            if name == b"content-length":
                if announced is not None or length is None or value != b"%d" % length:
                    raise refused(
                        f"content-length does not fit the body of {'unknown length' if length is None else length}; "
                        "leave it to the transport"
                    )
                announced = value
            elif name == b"accept-encoding":
                decode = False
        if value[:1] in b" \t" or value[-1:] in b" \t":
            # RFC 9113, section 8.2.1. HTTP/1.1 servers drop these blanks by themselves. (An empty value comes here too.)
            pair = (name, value.strip(b" \t"))
        fields.append(pair)
    if _BAD_VALUE.search(b"|".join(values)):
        raise refused("a header value or the target contains a line break or NUL; remove it")
    if decode:
        fields.append((b"accept-encoding", ACCEPT_ENCODING))
    if announced is None and length is not None and (length or request.method not in BODILESS):
        fields.append((b"content-length", b"%d" % length))
    head: Fields = [
        (b":method", method),
        (b":scheme", request.scheme.encode()),
        (b":authority", authority_of(request) if authority is None else authority),
        (b":path", target),
    ]
    return RequestHead(head + fields, length, decode)


def _check_name(name: bytes) -> None:
    if not _NAME.fullmatch(name):
        shown = name[:100].decode("latin-1")
        raise refused(f"{shown!r} is not the name of a header field; use letters, digits and hyphens")
    _remember(name)


def _remember(name: bytes) -> None:
    if len(_good_names) >= _MANY_NAMES:
        _good_names.clear()
    _good_names.add(name)


def take_head(stream: Http2Stream, headers: Fields) -> bool:
    """Take in the head of a response; False if it is an interim one (1xx), whose final one is still to come.

    Raises:
        Http2Error: It is not what a response must look like.

    Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.3.2
    """
    if not headers or headers[0][0] != b":status" or not _STATUS.fullmatch(headers[0][1]):
        raise Http2Error("the head of the response does not begin with a status")
    if len(headers) > MAX_FIELDS:
        raise Http2Error(f"the response head has more than {MAX_FIELDS} fields")
    status = int(headers[0][1])
    if status < 200:
        if status == 101:
            raise Http2Error("the server switched to another protocol, which HTTP/2 does not have")
        return False
    fields = headers[1:]
    length: int | None = None
    encodings: tuple[bytes, ...] = ()
    for name, value in fields:
        if name in _good_names:
            if name not in _TOLD:
                continue
        elif not _NAME.fullmatch(name):
            raise Http2Error(f"{name[:100].decode('latin-1')!r} is not the name of a header field")
        else:
            _remember(name)
            if name not in _TOLD:
                continue
        if name == b"content-length":
            if not value.isdigit() or len(value) > 19 or length not in (None, int(value)):
                raise Http2Error("the response has a content-length that is no length")
            length = int(value)
        elif name == b"content-encoding":
            codings = (coding.strip() for coding in value.lower().split(b","))
            encodings += tuple(coding for coding in codings if coding not in (b"", b"identity"))
        else:
            raise Http2Error(f"the response has a field {name.decode()!r}, which belongs to HTTP/1.1")
    if _BAD_VALUE.search(b"|".join([value for _, value in fields])):
        raise Http2Error("a header value contains a line break or NUL")
    if stream.request.method == "HEAD" or status in (204, 304):
        length = 0
    stream.status = status
    stream.fields = fields
    stream.length = length
    stream.encodings = encodings
    return True
