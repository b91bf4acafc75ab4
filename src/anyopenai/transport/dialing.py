"""How a connection is opened: dialling, TLS, and the protocol by ALPN; no bookkeeping here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from anyio import CancelScope, current_time

from .connection import notify

if TYPE_CHECKING:
    import ssl

    from httpcore import AsyncNetworkBackend

    from .base import Trace, WireRequest
    from .connection import Connection, Origin
    from .network import Link
    from .tls import TLSSettings

__all__ = ("Dialing", "open_connection")


class Dialing(NamedTuple):
    """How connections are opened.

    Attributes:
        tls: What the shared TLS context is made of.
        ssl_context: A context to use instead.
        backend: One of httpcore's network backends to connect through; None for plain sockets.
    """

    tls: TLSSettings | None
    ssl_context: ssl.SSLContext | None
    backend: AsyncNetworkBackend | None


async def open_connection(origin: Origin, request: WireRequest, dialing: Dialing) -> Connection:
    """Open a connection for a request, within its `timeout.connect`; cancelling leaves no socket open.

    Raises:
        TransportFailure: No connection could be made; nothing was sent.
    """
    # Loaded with the first connection: a client that is only built stays light.
    from .failures import failure_from
    from .http1 import Http1Connection

    request.phase = "connect"
    try:
        link = await _open_within(origin, dialing, request)
    except BaseException as error:
        failure = failure_from(error, origin.where, phase="connect", sent="none")
        if failure is None or failure is error:
            raise
        raise failure from error
    # The seam for HTTP/2: choose by the protocol that the server picked, once more than one is offered.
    return Http1Connection(link, origin)


async def _open_within(origin: Origin, dialing: Dialing, request: WireRequest) -> Link:
    from .failures import timed_out

    seconds = request.timeout.connect
    if seconds is None:
        return await _open_link(origin, dialing, request.trace)
    with CancelScope(deadline=current_time() + seconds):
        return await _open_link(origin, dialing, request.trace)
    raise timed_out(origin.where, seconds, phase="connect", sent="none")


async def _open_link(origin: Origin, dialing: Dialing, trace: Trace | None) -> Link:
    from .network import connect_backend, connect_tcp, native_backend

    context = None
    if origin.scheme == "https":
        from .tls import TLSSettings, context_for

        # First, so that nothing is open while files are read.
        context = dialing.ssl_context or await context_for(dialing.tls or TLSSettings())
    began = time.perf_counter()
    backend = dialing.backend or native_backend()
    if backend is not None:
        plain = await connect_backend(backend, origin.host, origin.port)
        _notify_connect(trace, origin, began)
        if context is None:
            return plain
        from .tls import start_tls_backend

        began = time.perf_counter()
        encrypted, alpn = await start_tls_backend(plain, context, origin.host)
        _notify_tls(trace, origin, began, alpn)
        return encrypted
    bare = await connect_tcp(origin.host, origin.port)
    _notify_connect(trace, origin, began)
    if context is None:
        return bare
    from .tls import start_tls

    began = time.perf_counter()
    link = await start_tls(bare, context, origin.host)
    _notify_tls(trace, origin, began, link.alpn)
    return link


def _notify_connect(trace: Trace | None, origin: Origin, began: float) -> None:
    if trace is not None:
        notify(trace, "connect", {"host": origin.host, "port": origin.port, "seconds": time.perf_counter() - began})


def _notify_tls(trace: Trace | None, origin: Origin, began: float, alpn: str | None) -> None:
    if trace is not None:
        notify(trace, "tls", {"host": origin.host, "alpn": alpn, "seconds": time.perf_counter() - began})
