"""The one place where what sockets, TLS, parsers and backends raise becomes a `TransportFailure` in plain words."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Final, Literal

from anyio import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from httptools import HttpParserError

from .._sansio.tunnels import TunnelError, TunnelProblem, refused_login
from .base import TransportFailure
from .codings import CodingError
from .http2_stream import ConnectionLost, Http2Error, StreamRefused, StreamReset
from .parser import ResponseError
from .tls import TrustError

if TYPE_CHECKING:
    from .._sansio.proxies import Proxy
    from .base import Phase, Sent

__all__ = ("failure_from", "is_network_error", "lost", "proxy_failure_from", "proxy_wants_login", "timed_out")

_Kind = Literal["timeout", "refused", "lost", "protocol", "tls", "proxy", "decode", "closed", "input"]

# What the kernel says, in words of one kind on every system.
_REASONS: Final = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by the server",
    errno.ECONNABORTED: "connection aborted",
    errno.EPIPE: "the server had closed the connection",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "the network is unreachable",
    errno.ETIMEDOUT: "no answer from the host",
    errno.EMFILE: "too many open files in this process; raise the limit or lower max_connections",
}

# OpenSSL's names for "that was not TLS at all".
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "BAD_LENGTH")

# Alerts that are about our certificate, or about there being none. With TLS 1.3 they come after the handshake, in place
# of the answer. Source: https://www.rfc-editor.org/rfc/rfc8446#section-6.2
_ABOUT_US: Final = (
    "ALERT_ACCESS_DENIED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "ALERT_UNSUPPORTED_CERTIFICATE",
)

# What goes wrong in a handshake and may go well the next time: the server's own trouble, or damaged bytes.
_PASSING: Final = ("ALERT_INTERNAL_ERROR", "BAD_RECORD_MAC", "UNEXPECTED_EOF")

# RFC 9113, section 7.
_HTTP_1_1_REQUIRED: Final = 13

_WHILE: Final = {
    "pool": "while waiting for a connection",
    "connect": "while connecting",
    "write": "while the request was being sent",
    "head": "before the answer began",
    "body": "while the answer was being read",
    "close": "while closing",
}


def timed_out(
    where: str,
    seconds: float,
    *,
    phase: Phase,
    sent: Sent,
    fresh: bool = True,
    received: int = 0,
    proxy: str | None = None,
) -> TransportFailure:
    """Return the failure for a limit of ours that has passed.

    Args:
        where: Host and port.
        seconds: The limit.
        phase: What was being waited for.
        sent: How much of the request had left.
        fresh: The connection had never carried an answer.
        received: Bytes of the body that had arrived.
        proxy: What leads there, without its credentials; None for the direct way.
    """
    if proxy is not None:
        where = f"{where} through the proxy {proxy}"
    what = {
        "pool": "no connection became free",
        "connect": f"could not connect to {where}",
        "write": f"{where} took no more of the request",
        "head": f"no answer from {where}",
        "body": f"{where} went silent in the middle of its answer, after {received} bytes",
    }.get(phase, f"{where} did not react")
    advice = "; raise max_connections or the pool timeout" if phase == "pool" else ""
    return TransportFailure(
        f"{what} within {seconds:g} s{advice}",
        kind="timeout",
        phase=phase,
        sent=sent,
        fresh=fresh,
        received=received,
        proxy=proxy,
    )


_PROBLEMS: Final[dict[TunnelProblem, _Kind]] = {"refused": "proxy", "passing": "refused", "protocol": "protocol"}


def proxy_failure_from(error: BaseException, proxy: Proxy) -> TransportFailure | None:
    """Translate what was raised on the way to a proxy, or by what it said; None for what is not the network's.

    Args:
        error: What was raised.
        proxy: The proxy.
    """
    status: int | None = None
    if isinstance(error, TunnelError):
        kind, status = _PROBLEMS[error.problem], error.code
        described: tuple[_Kind, str] | None = (kind, str(error))
    else:
        where = proxy.shown.partition("://")[2]
        described = _describe(error, where, "connect")
    if described is None:
        return None
    # The same words as for an origin, whose address would stand in base_url.
    text = described[1].replace("base_url", "the proxy's URL")
    return TransportFailure(
        f"the proxy {proxy.shown}: {text}",
        kind=described[0],
        phase="connect",
        sent="none",
        proxy=proxy.shown,
        proxy_status=status,
    )


def proxy_wants_login(proxy: Proxy, sent: Sent) -> TransportFailure:
    """Return the failure for a proxy that did not hand a request on without other credentials."""
    return TransportFailure(
        f"the proxy {proxy.shown}: {refused_login(proxy, 407)}",
        kind="proxy",
        phase="head",
        sent=sent,
        proxy=proxy.shown,
        proxy_status=407,
    )


def lost(
    where: str, *, phase: Phase, sent: Sent, fresh: bool = True, received: int = 0, expected: int | None = None
) -> TransportFailure:
    """Return the failure for a connection that the server ended too early.

    Args:
        where: Host and port.
        phase: Where the exchange stood.
        sent: How much of the request had left.
        fresh: The connection had never carried an answer.
        received: Bytes of the body that had arrived.
        expected: Bytes that the head had announced.
    """
    if phase == "body":
        of = f" of {expected}" if expected is not None else ""
        text = f"{where} closed the connection in the middle of its answer, after {received}{of} bytes"
    else:
        text = f"{where} closed the connection {_WHILE[phase]}"
    return TransportFailure(text, kind="lost", phase=phase, sent=sent, fresh=fresh, received=received)


def is_network_error(error: BaseException) -> bool:
    """Tell whether the peer or the way to it broke, which leaves open whether an answer had come before that."""
    if isinstance(error, OSError | BrokenResourceError | ClosedResourceError | EndOfStream):
        return True
    httpcore = sys.modules.get("httpcore")
    return httpcore is not None and isinstance(error, httpcore.NetworkError)


def failure_from(
    error: BaseException, where: str, *, phase: Phase, sent: Sent, fresh: bool = True, received: int = 0
) -> TransportFailure | None:
    """Translate what was raised on the way; None for what is not the network's, such as cancellation or a bug.

    Args:
        error: What was raised.
        where: Host and port, for the message.
        phase: Where the exchange stood.
        sent: How much of the request had left.
        fresh: The connection had never carried an answer.
        received: Bytes of the body that had arrived.
    """
    if isinstance(error, TransportFailure):
        return error
    if isinstance(error, StreamRefused):
        text = f"{where} did not begin with the request: {error}"
        return TransportFailure(text, kind="lost", phase=phase, sent="none", fresh=fresh, unprocessed=True)
    described = _describe(error, where, phase)
    if described is None:
        return None
    kind, text = described
    if phase == "body" and isinstance(error, ConnectionLost | StreamReset):
        text += f", after {received} bytes"
    return TransportFailure(text, kind=kind, phase=phase, sent=sent, fresh=fresh, received=received)


def _describe(error: BaseException, where: str, phase: Phase) -> tuple[_Kind, str] | None:
    if isinstance(error, ResponseError | HttpParserError):
        return "protocol", f"{where} did not answer in HTTP/1.1: {_text(error)}"
    if isinstance(error, Http2Error | StreamReset | ConnectionLost):
        return _describe_http2(error, where, phase)
    if isinstance(error, CodingError):
        return "decode", f"the answer of {where} cannot be decompressed: {error}"
    if isinstance(error, TrustError):
        return "tls", str(error)
    if isinstance(error, ssl.SSLError):
        return _describe_tls(error, where, phase)
    if isinstance(error, UnicodeError | OverflowError) and phase == "connect":
        return "input", f"{where} is no address that can be connected to: {_text(error)}; check base_url"
    if isinstance(error, OSError):
        return _describe_os(error, where, phase)
    if isinstance(error, ClosedResourceError):
        return "closed", f"the connection to {where} was closed on this side {_WHILE[phase]}"
    if isinstance(error, BrokenResourceError | EndOfStream):
        cause = error.__cause__
        if isinstance(cause, OSError):
            return _describe(cause, where, phase)
        return "lost", f"{where} closed the connection {_WHILE[phase]}"
    if isinstance(error, BusyResourceError):
        return "input", f"two tasks read the answer of {where} at once; let one of them do it"
    return _describe_backend(error, where, phase)


def _describe_http2(error: Http2Error | StreamReset | ConnectionLost, where: str, phase: Phase) -> tuple[_Kind, str]:
    if isinstance(error, Http2Error):
        return "protocol", f"{where} did not answer in HTTP/2: {error}"
    if isinstance(error, ConnectionLost):
        return "lost", f"{where} {error} {_WHILE[phase]}"
    if error.code == _HTTP_1_1_REQUIRED:
        return "protocol", f"{where} wants HTTP/1.1 for this request; pass http2=False"
    return "lost", f"{where} reset the HTTP/2 stream ({error}) {_WHILE[phase]}"


def _describe_os(error: OSError, where: str, phase: Phase) -> tuple[_Kind, str]:
    if error.errno is None and isinstance(error.__cause__, OSError):
        return _describe_os(error.__cause__, where, phase)  # "all attempts failed" says less than why
    reason = _REASONS.get(error.errno or 0) or error.strerror or _text(error)
    if isinstance(error, socket.gaierror):
        host = where.rpartition(":")[0]
        return "refused", f"the host name {host} could not be resolved: {reason}; check base_url and the network"
    if phase == "connect":
        kind: _Kind = "timeout" if error.errno == errno.ETIMEDOUT or isinstance(error, TimeoutError) else "refused"
        return kind, f"could not connect to {where}: {reason}"
    return "lost", f"the connection to {where} broke {_WHILE[phase]}: {reason}"


def _describe_tls(error: ssl.SSLError, where: str, phase: Phase) -> tuple[_Kind, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".") or "not trusted"
        return "tls", (
            f"the certificate of {where} was refused: {reason}; "
            "if you trust its authority, name it in SSL_CERT_FILE or pass an ssl_context"
        )
    # Errors that the ssl module makes itself have no reason.
    reason = str(getattr(error, "reason", None) or _text(error))
    shown = reason.replace("_", " ").lower()
    if any(name in reason for name in _ABOUT_US):
        return "tls", (
            f"{where} refused the connection for want of a client certificate that it accepts ({shown}); "
            "load one into an ssl_context"
        )
    if phase != "connect":
        return "lost", f"the TLS connection to {where} broke {_WHILE[phase]}: {shown}"
    if any(name in reason for name in _NOT_TLS):
        return "tls", f"{where} does not speak TLS; if it is a plain server, write http:// in base_url"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or "UNEXPECTED_EOF" in reason:
        return "refused", f"{where} closed the connection during the TLS handshake"
    kind: _Kind = "refused" if any(name in reason for name in _PASSING) else "tls"
    return kind, f"the TLS handshake with {where} failed: {shown}"


def _describe_backend(error: BaseException, where: str, phase: Phase) -> tuple[_Kind, str] | None:
    """Describe httpcore's own errors; it is not imported here for that: if it raised them, it is loaded."""
    httpcore = sys.modules.get("httpcore")
    if httpcore is None:
        return None
    if isinstance(error, httpcore.TimeoutException):
        return "timeout", f"{where} did not react {_WHILE[phase]}"
    known = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, httpcore.UnsupportedProtocol)
    if not isinstance(error, known):
        return None
    cause: BaseException | None = error.__cause__
    while cause is not None:
        described = _describe(cause, where, phase)
        if described is not None:
            return described
        cause = cause.__cause__
    if isinstance(error, httpcore.ConnectError | httpcore.ProxyError | httpcore.UnsupportedProtocol):
        return "refused", f"could not connect to {where}: {_text(error)}"
    if isinstance(error, httpcore.NetworkError):
        return "lost", f"the connection to {where} broke {_WHILE[phase]}: {_text(error)}"
    return "protocol", f"{where} did not answer in HTTP/1.1: {_text(error)}"


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
