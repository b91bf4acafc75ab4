"""The one place where what client libraries raise (httpx, httpx2, aiohttp) becomes a `TransportFailure` in plain words."""

from __future__ import annotations

import ssl
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..base import TransportFailure
from ..failures import failure_from, lost
from .outgoing import place_of

if TYPE_CHECKING:
    from ..base import Kind, Phase, Sent, WireRequest

__all__ = ("closed_client", "failure_from_client", "raise_in_place_of")


def closed_client(request: WireRequest) -> TransportFailure:
    """Return what a request gets from a client that is closed."""
    return TransportFailure(
        "the HTTP client is closed; make a new one, or close this one later",
        kind="closed",
        phase=request.phase,
        sent=request.sent,
    )


def raise_in_place_of(
    error: BaseException, request: WireRequest, *, foreign: BaseException | None, closed: bool, fresh: bool
) -> None:
    """Raise what a failed `send` is to its caller; return where that is the error itself.

    Args:
        error: What came out of the library's call.
        request: The request; it is told where it stood.
        foreign: What the body's own source raised: libraries wrap it, or take it for a broken connection.
        closed: Whether the client is closed, which would explain any error.
        fresh: The connection had never carried an answer.

    Raises:
        TransportFailure: The network, the client or the library failed.
        Exception: `foreign`, as it is.
    """
    if isinstance(error, Exception):
        if foreign is not None:
            raise foreign from None
        if closed:
            raise closed_client(request) from error
    failure = failure_from_client(error, place_of(request), phase=request.phase, sent=request.sent, fresh=fresh)
    if failure is not None and failure is not error:
        request.phase = failure.phase
        request.sent = failure.sent
        raise failure from error


def failure_from_client(
    error: BaseException, where: str, *, phase: Phase, sent: Sent, fresh: bool = True, received: int = 0
) -> TransportFailure | None:
    """Translate what a library raised; None for what is not the network's, such as cancellation or a bug.

    The libraries are not imported for that: what raised is loaded.

    Args:
        error: What was raised.
        where: Host and port, for the message.
        phase: Where the exchange stood, as far as the adapter could see.
        sent: How much of the request had left, as far as the adapter could see.
        fresh: The connection had never carried an answer.
        received: Bytes of the body that had arrived.
    """
    if isinstance(error, TransportFailure) or not isinstance(error, Exception):
        return error if isinstance(error, TransportFailure) else None
    known = _from_httpx(error, phase) or _from_aiohttp(error, phase)
    if known is None:
        return failure_from(error, where, phase=phase, sent=sent, fresh=fresh, received=received)
    kind, phase = known
    if kind in ("refused", "tls", "lost"):
        # The system's own reason says more than the library's name for it.
        inner = _root(error)
        if isinstance(inner, OSError | ssl.SSLError):
            told = failure_from(inner, where, phase=phase, sent=sent, fresh=fresh, received=received)
            if told is not None:
                return told
    if kind == "lost" and phase in ("head", "body") and not received:
        return lost(where, phase=phase, sent=sent, fresh=fresh, received=received)
    text = f"{_MEANING[kind].format(where=where)}: {_said(error)}"
    return TransportFailure(text, kind=kind, phase=phase, sent=sent, fresh=fresh, received=received)


_MEANING: dict[Kind, str] = {
    "timeout": "{where} did not react in time",
    "refused": "could not connect to {where}",
    "lost": "the connection to {where} broke",
    "protocol": "{where} did not answer in HTTP",
    "tls": "no TLS connection to {where}",
    "proxy": "the proxy does not allow the connection to {where}",
    "decode": "the answer of {where} cannot be decompressed",
    "closed": "the HTTP client for {where} was closed",
    "input": "the request to {where} cannot be sent",
}


def _from_httpx(error: Exception, phase: Phase) -> tuple[Kind, Phase] | None:
    for name in ("httpx", "httpx2"):
        library = sys.modules.get(name)
        if library is not None and isinstance(error, (library.HTTPError, library.InvalidURL, library.StreamError)):
            return _sort_httpx(library, error, phase)
    return None


def _sort_httpx(library: ModuleType, error: Exception, phase: Phase) -> tuple[Kind, Phase]:
    later: Phase = "body" if phase == "body" else "head"
    if isinstance(error, library.TimeoutException):
        if isinstance(error, library.PoolTimeout):
            return "timeout", "pool"
        if isinstance(error, library.ConnectTimeout):
            return "timeout", "connect"
        return "timeout", "write" if isinstance(error, library.WriteTimeout) else later
    if isinstance(error, library.ConnectError):
        return ("tls" if isinstance(_root(error), ssl.SSLError) else "refused"), "connect"
    if isinstance(error, library.ProxyError):
        # httpcore's text begins with the proxy's status.
        return _from_proxy(str(error)[:3]), "connect"
    if isinstance(error, library.NetworkError):
        return "lost", "write" if isinstance(error, library.WriteError) else later
    if isinstance(error, library.RemoteProtocolError):
        # Both "not HTTP" and "gone in the middle" come under this name.
        gone = "disconnected" in str(error) or "closed connection" in str(error)
        return ("lost" if gone else "protocol"), later
    if isinstance(error, library.StreamError):
        return "closed", later
    if isinstance(error, library.DecodingError):
        return "decode", "body"
    return "input", phase


def _from_aiohttp(error: Any, phase: Phase) -> tuple[Kind, Phase] | None:
    library = sys.modules.get("aiohttp")
    if library is None or not isinstance(error, library.ClientError):
        return None
    if isinstance(error, library.InvalidURL):
        return "input", phase
    if isinstance(error, library.ClientSSLError):
        return "tls", "connect"
    if isinstance(error, library.ClientHttpProxyError):
        return _from_proxy(str(error.status)), "connect"
    if isinstance(error, library.ClientConnectorError):
        return ("tls" if isinstance(_root(error), ssl.SSLError) else "refused"), "connect"
    if isinstance(error, library.ServerTimeoutError):
        return "timeout", phase
    if isinstance(error, library.ClientPayloadError):
        return ("protocol" if _is_malformed(error) else "lost"), "body"
    if isinstance(error, library.ClientResponseError):
        return "protocol", "body" if phase == "body" else "head"
    if isinstance(error, library.ClientConnectionError):
        return ("closed" if "is closed" in str(error) else "lost"), phase
    return "protocol", phase


def _from_proxy(status: str) -> Kind:
    """Tell a proxy that forbids the connection, and will again, from one that had trouble making it."""
    return "proxy" if status.startswith("4") else "refused"


def _is_malformed(error: BaseException) -> bool:
    """Tell a body that is against the rules from one that broke off; aiohttp has one name for both."""
    http = sys.modules["aiohttp"].http_exceptions
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, http.TransferEncodingError):
            return "Not enough data" not in str(cause)
        cause = cause.__cause__ or cause.__context__
    return False


def _root(error: BaseException) -> BaseException | None:
    """Return the innermost cause that is an error of the system or of TLS."""
    found: BaseException | None = None
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        for part in (cause, getattr(cause, "os_error", None), getattr(cause, "certificate_error", None)):
            # The libraries' own errors may be OSErrors too, without a number.
            if isinstance(part, OSError) and type(part).__module__ in ("builtins", "socket", "ssl"):
                found = part
        cause = cause.__cause__ or cause.__context__
    return found


def _said(error: BaseException) -> str:
    """Return an error's own words, cut: a parser may quote the server."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]
