"""How a connection is opened: dialling, TLS, and the protocol by ALPN; no bookkeeping here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from anyio import CancelScope, current_time

from .connection import notify

if TYPE_CHECKING:
    import ssl

    from httpcore import AsyncNetworkBackend

    from .base import Trace, WireRequest
    from .connection import Connection, Origin
    from .network import Link

__all__ = ("Dialing", "Http2", "Opened", "open_connection", "open_link")

Http2: TypeAlias = Literal["auto"] | bool
"""Whether HTTP/2 is spoken: where the server chooses it, always, or never."""

_OFFERS: Final[dict[Http2, tuple[str, ...]]] = {"auto": ("h2", "http/1.1"), True: ("h2",), False: ("http/1.1",)}


class Dialing(NamedTuple):
    """How connections are opened.

    Attributes:
        cert_file: Bundle of certificates to trust instead of the system's.
        cert_dir: Directory of certificates to trust instead of the system's.
        ssl_context: A context to use as it is, instead of the shared ones: what it offers by ALPN is its owner's
            business, since a context has one list and may be used elsewhere too.
        backend: One of httpcore's network backends to connect through; None for plain sockets.
        http2: What to offer in TLS handshakes.
    """

    cert_file: str | None = None
    cert_dir: str | None = None
    ssl_context: ssl.SSLContext | None = None
    backend: AsyncNetworkBackend | None = None
    http2: Http2 = False


class Opened(NamedTuple):
    """An open way to an origin.

    Attributes:
        link: Carries bytes to and from it.
        alpn: The protocol that the server chose in the TLS handshake; None if it chose none, and without TLS.
    """

    link: Link
    alpn: str | None


async def open_connection(origin: Origin, request: WireRequest, dialing: Dialing) -> Connection:
    """Open a connection for a request, within its `timeout.connect`; cancelling leaves no socket open.

    Raises:
        TransportFailure: No connection could be made; nothing was sent.
    """
    # Loaded with the first connection: a client that is only built stays light.
    from .http1 import Http1Connection

    request.phase = "connect"
    opened = await open_link(origin, dialing, seconds=request.timeout.connect, trace=request.trace)
    # The seam for HTTP/2: choose by the protocol that the server picked, once more than one is offered.
    return Http1Connection(opened.link, origin)


async def open_link(
    origin: Origin,
    dialing: Dialing,
    *,
    offer: tuple[str, ...] | None = None,
    seconds: float | None = None,
    trace: Trace | None = None,
) -> Opened:
    """Open a way to an origin, TLS included where its scheme is `https`; cancelling leaves no socket open.

    Args:
        origin: Whom it must lead to.
        dialing: How.
        offer: Protocols to offer in the TLS handshake, the favourite first; None for those of `dialing.http2`.
        seconds: How long all of it may take; None for as long as the caller's scopes allow.
        trace: Observer, or None.

    Raises:
        TransportFailure: There is no way; nothing was sent to the origin.
    """
    from .failures import failure_from, timed_out

    offer = _OFFERS[dialing.http2] if offer is None else offer
    try:
        if seconds is None:
            return await _open(origin, dialing, offer, trace)
        with CancelScope(deadline=current_time() + seconds):
            return await _open(origin, dialing, offer, trace)
    except BaseException as error:
        failure = failure_from(error, origin.where, phase="connect", sent="none")
        if failure is None or failure is error:
            raise
        raise failure from error
    raise timed_out(origin.where, seconds, phase="connect", sent="none")


async def _open(origin: Origin, dialing: Dialing, offer: tuple[str, ...], trace: Trace | None) -> Opened:
    from .network import connect_backend, connect_tcp, native_backend

    context = None
    if origin.scheme == "https":
        # First, so that nothing is open while files are read.
        context = await _context(dialing, offer)
    began = time.perf_counter()
    backend = dialing.backend or native_backend()
    if backend is not None:
        plain = await connect_backend(backend, origin.host, origin.port)
        _notify_connect(trace, origin, began)
        if context is None:
            return Opened(plain, None)
        from .tls import start_tls_backend

        began = time.perf_counter()
        encrypted, alpn = await start_tls_backend(plain, context, origin.host)
        _notify_tls(trace, origin, began, alpn)
        return Opened(encrypted, alpn)
    bare = await connect_tcp(origin.host, origin.port)
    _notify_connect(trace, origin, began)
    if context is None:
        return Opened(bare, None)
    from .tls import start_tls

    began = time.perf_counter()
    link = await start_tls(bare, context, origin.host)
    _notify_tls(trace, origin, began, link.alpn)
    return Opened(link, link.alpn)


async def _context(dialing: Dialing, offer: tuple[str, ...]) -> ssl.SSLContext:
    """Return the context for a handshake in which these protocols are offered."""
    if dialing.ssl_context is not None:
        return dialing.ssl_context
    from .tls import TLSSettings, context_for

    return await context_for(TLSSettings(dialing.cert_file, dialing.cert_dir, offer))


def _notify_connect(trace: Trace | None, origin: Origin, began: float) -> None:
    if trace is not None:
        notify(trace, "connect", {"host": origin.host, "port": origin.port, "seconds": time.perf_counter() - began})


def _notify_tls(trace: Trace | None, origin: Origin, began: float, alpn: str | None) -> None:
    if trace is not None:
        notify(trace, "tls", {"host": origin.host, "alpn": alpn, "seconds": time.perf_counter() - began})
