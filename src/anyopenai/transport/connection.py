"""What the pool knows of connections, and how one is opened: dialling, TLS, the protocol by ALPN; no bookkeeping here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, NamedTuple, Protocol

from anyio import CancelScope, current_time

from .base import Trace, WireRequest

if TYPE_CHECKING:
    import ssl

    from httpcore import AsyncNetworkBackend

    from .base import WireResponse
    from .network import Link
    from .tls import TLSSettings

__all__ = ("Connection", "Dialing", "Origin", "SlotOwner", "notify", "open_connection")

_log = getLogger("anyopenai")


class Origin(NamedTuple):
    """Whom a connection leads to: connections are shared between requests to the same origin only."""

    scheme: str
    host: str
    port: int

    @property
    def where(self) -> str:
        """Host and port as messages show them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SlotOwner(Protocol):
    """Who lent a connection, and takes it back."""

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        ...

    def abandon(self, connection: Connection) -> None:
        """Take back a connection in use, from a finalizer: any thread, any moment."""
        ...


class Connection(Protocol):
    """A connection as the pool holds it. HTTP/1.1 carries one exchange at a time, HTTP/2 many.

    Attributes:
        origin: Whom it leads to.
        capacity: Exchanges it can carry at once; may change while it lives.
        active: Exchanges it carries now; kept by the pool.
        idle_since: When it became idle, on the pool's clock; kept by the pool.
    """

    origin: Origin
    capacity: int
    active: int
    idle_since: float

    @property
    def answering(self) -> bool:
        """Whether any byte of the last exchange's answer has arrived."""
        ...

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> WireResponse:
        """Carry out one exchange up to the answer's head; gives itself back to its owner, whatever happens."""
        ...

    def is_stale(self) -> bool:
        """Tell whether an idle connection has ended meanwhile."""
        ...

    def close(self) -> bool:
        """Close at once, from the event loop's own thread; False if `aclose` must still be awaited."""
        ...

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        ...

    async def aclose(self) -> None:
        """Finish what `close` could not; bounded, and safe when cancelled."""
        ...


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


def notify(trace: Trace, name: str, facts: Mapping[str, object]) -> None:
    """Tell an observer; what it raises is logged and does not disturb the exchange."""
    try:
        trace(name, facts)
    except Exception:
        _log.exception("a trace observer failed on %r", name)


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
