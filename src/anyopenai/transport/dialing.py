"""How a connection is opened: directly, through a proxy or over a Unix socket, with TLS, and the protocol by ALPN; no bookkeeping here.

Theory of operation: `open_link` is the one way to an origin, for whatever is spoken there. Its steps are a bare link (to
the origin or to its proxy), TLS with the proxy if its URL says so, the tunnel, and TLS with the origin. What goes wrong
before the origin is reached names the proxy. Whoever is cancelled in between leaves nothing open.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from anyio import CancelScope, current_time

from .._sansio.proxies import DIRECT, Proxy, ProxyRules
from .._sansio.urls import socket_path
from .base import TransportFailure
from .connection import notify

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from httpcore import AsyncNetworkBackend

    from .base import Trace, WireRequest
    from .connection import Connection, Origin
    from .link import Link

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
        proxies: What leads to which origin.
    """

    cert_file: str | None = None
    cert_dir: str | None = None
    ssl_context: ssl.SSLContext | None = None
    backend: AsyncNetworkBackend | None = None
    http2: Http2 = False
    proxies: ProxyRules = DIRECT


class Opened(NamedTuple):
    """An open way to an origin.

    Attributes:
        link: Carries bytes to and from it.
        alpn: The protocol that the server chose in the TLS handshake; None if it chose none, and without TLS.
        forward: The HTTP proxy at the other end, which is handed requests with their whole URL; None at the origin.
    """

    link: Link
    alpn: str | None
    forward: Proxy | None = None


async def open_connection(origin: Origin, request: WireRequest, dialing: Dialing) -> Connection:
    """Open a connection for a request, within its `timeout.connect`; cancelling leaves no socket open.

    Raises:
        TransportFailure: No connection could be made; nothing was sent.
    """
    request.phase = "connect"
    # HTTP/2 in clear text is no request that a proxy could hand on, so it goes through a tunnel.
    only = dialing.http2 is True
    opened = await open_link(origin, dialing, tunnel=only, seconds=request.timeout.connect, trace=request.trace)
    chosen = opened.alpn == "h2" or (only and origin.scheme != "https")
    if dialing.http2 != "auto" and chosen is not only:
        opened.link.close()
        await opened.link.aclose()
        raise _wrong_protocol(origin, dialing)
    # Loaded with the first connection: a client that is only built stays light.
    if chosen:
        from .http2 import Http2Connection

        return Http2Connection(opened.link, origin)
    from .http1 import Http1Connection

    return Http1Connection(opened.link, origin, opened.forward)


def _wrong_protocol(origin: Origin, dialing: Dialing) -> TransportFailure:
    """Return the failure for a server that chose a protocol that the caller has ruled out."""
    if dialing.http2 is False:
        text = (
            f"{origin.where} chose HTTP/2, which the ssl_context offers and http2=False rules out; "
            'call ssl_context.set_alpn_protocols(["http/1.1"])'
        )
    elif dialing.ssl_context is not None:
        text = (
            f"{origin.where} did not choose HTTP/2, which http2=True demands; the ssl_context must offer it: "
            'ssl_context.set_alpn_protocols(["h2"])'
        )
    else:
        text = f'{origin.where} does not offer HTTP/2, which http2=True demands; http2="auto" takes HTTP/1.1 then'
    return TransportFailure(text, kind="input", phase="connect")


async def open_link(
    origin: Origin,
    dialing: Dialing,
    *,
    offer: tuple[str, ...] | None = None,
    tunnel: bool = False,
    seconds: float | None = None,
    trace: Trace | None = None,
) -> Opened:
    """Open a way to an origin, TLS included where its scheme is `https`; cancelling leaves no socket open.

    Args:
        origin: Whom it must lead to; `"http"`, `"https"` or `"http+unix"`.
        dialing: How.
        offer: Protocols to offer in the TLS handshake, the favourite first; None for those of `dialing.http2`.
        tunnel: Have an HTTP proxy connect to a plain origin too, instead of handing requests on: for what is not
            HTTP/1.1 with whole URLs, such as WebSockets.
        seconds: How long all of it may take; None for as long as the caller's scopes allow.
        trace: Observer, or None.

    Raises:
        TransportFailure: There is no way; nothing was sent to the origin.
    """
    from .failures import failure_from, timed_out

    dial = _Dial(origin, dialing, trace)
    offer = _OFFERS[dialing.http2] if offer is None else offer
    try:
        if seconds is None:
            return await dial.open(offer, tunnel=tunnel)
        with CancelScope(deadline=current_time() + seconds):
            return await dial.open(offer, tunnel=tunnel)
    except BaseException as error:
        failure = failure_from(error, origin.where, phase="connect", sent="none")
        if failure is None or failure is error:
            raise
        raise failure from error
    through = None if dial.proxy is None else dial.proxy.shown
    raise timed_out(origin.where, seconds, phase="connect", sent="none", proxy=through)


class _Dial:
    """One way being opened.

    Attributes:
        proxy: What leads to the origin; None for the direct way.
    """

    __slots__ = ("_dialing", "_origin", "_trace", "proxy")

    def __init__(self, origin: Origin, dialing: Dialing, trace: Trace | None) -> None:
        self._origin = origin
        self._dialing = dialing
        self._trace = trace
        self.proxy: Proxy | None = dialing.proxies.proxy_for(*origin)

    async def open(self, offer: tuple[str, ...], *, tunnel: bool) -> Opened:
        """Go all the way; see `open_link`."""
        origin, proxy = self._origin, self.proxy
        context = None
        if origin.scheme == "https":
            # First, so that nothing is open while files are read.
            context = await self._context(offer)
        forward = None
        if proxy is None:
            if origin.scheme == "http+unix":
                link = await self._connect_unix(socket_path(origin.host))
            else:
                link = await self._connect(origin.host, origin.port)
        else:
            if context is None and not tunnel and not proxy.is_socks:
                forward = proxy
            link = await self._through(proxy, forward=forward is not None)
        if context is None:
            return Opened(link, None, forward)
        encrypted, alpn = await self._encrypt(link, context, origin.host)
        return Opened(encrypted, alpn)

    async def _through(self, proxy: Proxy, *, forward: bool) -> Link:
        """Return a link through a proxy to the origin, or to the proxy itself where it forwards requests."""
        from .failures import proxy_failure_from

        host, port = self._origin.host, self._origin.port
        if proxy.scheme == "socks5":
            from .network import resolve_one

            host = await resolve_one(host, port)
        try:
            # Proxies are spoken to in HTTP/1.1.
            context = await self._context(("http/1.1",)) if proxy.scheme == "https" else None
            link = await self._connect(proxy.host, proxy.port)
            if context is not None:
                link, _ = await self._encrypt(link, context, proxy.host)
            if not forward:
                began = time.perf_counter()
                await _negotiate(link, proxy, host, port)
                self._notify("proxy", began, {"proxy": proxy.shown, "host": host, "port": port})
        except BaseException as error:
            failure = proxy_failure_from(error, proxy)
            if failure is None:
                raise
            raise failure from error
        return link

    async def _connect(self, host: str, port: int) -> Link:
        from .backend import connect_backend, native_backend
        from .network import connect_tcp

        began = time.perf_counter()
        backend = self._dialing.backend or native_backend()
        link: Link = await (connect_tcp(host, port) if backend is None else connect_backend(backend, host, port))
        self._notify("connect", began, {"host": host, "port": port})
        return link

    async def _connect_unix(self, path: str) -> Link:
        from .backend import BackendLink
        from .network import connect_unix

        began = time.perf_counter()
        backend = self._dialing.backend
        link: Link = (
            await connect_unix(path) if backend is None else BackendLink(await backend.connect_unix_socket(path))
        )
        self._notify("connect", began, {"host": path, "port": 0})
        return link

    async def _encrypt(self, link: Link, context: ssl.SSLContext, host: str) -> tuple[Link, str | None]:
        """Put TLS on a link, which is closed if that fails."""
        from .backend import BackendLink
        from .tls import start_tls, start_tls_backend

        began = time.perf_counter()
        encrypted: Link
        if isinstance(link, BackendLink):
            encrypted, alpn = await start_tls_backend(link, context, host)
        else:
            encrypted = await start_tls(link, context, host)
            alpn = encrypted.alpn
        self._notify("tls", began, {"host": host, "alpn": alpn})
        return encrypted, alpn

    async def _context(self, offer: tuple[str, ...]) -> ssl.SSLContext:
        """Return the context for a handshake in which these protocols are offered."""
        dialing = self._dialing
        if dialing.ssl_context is not None:
            return dialing.ssl_context
        from .tls import TLSSettings, context_for

        return await context_for(TLSSettings(dialing.cert_file, dialing.cert_dir, offer))

    def _notify(self, name: str, began: float, facts: Mapping[str, object]) -> None:
        if self._trace is not None:
            notify(self._trace, name, {**facts, "seconds": time.perf_counter() - began})


async def _negotiate(link: Link, proxy: Proxy, host: str, port: int) -> None:
    """Have a proxy connect to a host; the link is closed if it does not, or if this is cancelled."""
    from .._sansio.tunnels import tunnel_for

    tunnel = tunnel_for(proxy, host, port)
    try:
        # No variable holds what is sent: it may have the password in it.
        if not link.send_now(tunnel.start()):
            await link.flush()
        while not tunnel.done:
            if not link.send_now(tunnel.feed(await link.receive())):
                await link.flush()
    except BaseException:
        link.close()
        await link.aclose()
        raise
