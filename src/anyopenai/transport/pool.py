"""`PoolTransport`: connections kept and shared per origin, within limits; no bytes and no protocol here.

Theory of operation. What is taken and freed is the business of `Slots`; here is what awaits: opening connections, waiting
in line, exchanges. Whatever is cancelled on the way gives back what it took, in the same step. The connections belong to
the event loop that opened them. No task and no task group belongs to the pool.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from warnings import warn

from anyio import current_time
from anyio.lowlevel import current_token

from .._sansio.proxies import DIRECT, ProxyRules, rules_from
from .base import TransportFailure, WireRequest
from .connection import Connection, Origin, notify
from .dialing import Dialing, open_connection
from .loops import call_soon, is_running
from .resending import Resending
from .site import Opening, Waiter
from .slots import Slots
from .waiting import native_loop

if TYPE_CHECKING:
    import ssl

    from httpcore import AsyncNetworkBackend

    from .base import WireResponse
    from .dialing import Http2

__all__ = ("PoolStats", "PoolTransport")

# Servers close idle connections after 5 s (uvicorn, node) to 75 s (nginx) and more; what they closed is noticed before
# reuse, so patience costs nothing but a descriptor. 30 s keeps a chat's next turn free of a handshake, and stays under
# the 60 s at which common load balancers drop a silent flow without telling.
KEEPALIVE_EXPIRY: Final = 30.0
# openai-python's users are used to this figure.
MAX_CONNECTIONS: Final = 1000
# What that figure allows over HTTP/1.1; a few shared connections carry as much.
MAX_INFLIGHT: Final = 1000


class PoolStats(NamedTuple):
    """A pool's state at one moment.

    Attributes:
        connections: Connections that are open or being opened; never above `max_connections`.
        in_use: Those that carry an exchange or are being opened.
        idle: Those that wait for the next request.
        waiting: Requests that wait for a connection.
        opened: Connections opened so far.
        resent: Requests sent again because the server had closed a kept connection under them, or would not begin with
            them.
        inflight: Requests under way, those that wait in line not counted.
        streams: How many of them share connections with others (HTTP/2).
    """

    connections: int
    in_use: int
    idle: int
    waiting: int
    opened: int
    resent: int
    inflight: int
    streams: int


class PoolTransport:
    """The default transport: HTTP/1.1 and HTTP/2 over kept connections.

    Usable at once, inside or outside of an event loop, with or without `async with`. Its connections belong to the
    event loop that opened them: use from a second one fails while the first still runs; after that has ended they are
    dropped and the pool goes on.

    A request whose connection ended under it is sent again by itself only where that is safe, see `Resending`: the server
    had not begun with it, or repeating it changes nothing. Anything else fails with `fresh` false, and its caller decides.

    Over HTTP/2 one connection carries many requests: up to what the server allows, and about 256. The next one is opened
    when 80 % of that is taken. The first requests to an origin whose protocol is not known yet wait for the first
    connection, rather than opening one each.

    Args:
        max_connections: Open at once, over all origins; more requests wait in line.
        max_inflight: Requests under way at once, over all origins; None for 1000, or `max_connections` if that is more.
        max_keepalive: Idle ones to keep, over all origins; None for as many as `max_connections`.
        keepalive_expiry: How long an idle connection is kept, in seconds.
        cert_file: Bundle of certificates to trust instead of the system's (`SSL_CERT_FILE`).
        cert_dir: Directory of certificates to trust instead of the system's (`SSL_CERT_DIR`).
        ssl_context: TLS settings of your own, instead of the shared ones.
        proxy: What leads to origins: a proxy's URL, a mapping of patterns to such URLs or None, or None for the
            direct way. The environment is not looked at.
        network_backend: One of httpcore's network backends to connect through, instead of plain sockets.
        http2: `"auto"` speaks HTTP/2 where a TLS server chooses it; true speaks nothing else, also in clear text; false
            never does.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_inflight: int | None = None,
        max_keepalive: int | None = None,
        keepalive_expiry: float = KEEPALIVE_EXPIRY,
        cert_file: str | None = None,
        cert_dir: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | Mapping[str, str | None] | ProxyRules | None = None,
        network_backend: AsyncNetworkBackend | None = None,
        http2: Http2 = "auto",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        if max_inflight is not None and max_inflight < 1:
            raise ValueError(f"max_inflight must be at least 1, not {max_inflight}")
        if http2 not in ("auto", True, False):
            raise ValueError(f'http2 must be "auto", True or False, not {http2!r}')
        self._max_connections = max_connections
        self._max_inflight = max(MAX_INFLIGHT, max_connections) if max_inflight is None else max_inflight
        proxies = DIRECT if proxy is None else rules_from(proxy)
        self._dialing = Dialing(cert_file, cert_dir, ssl_context, network_backend, http2, proxies)
        keepalive = max_connections if max_keepalive is None else max_keepalive
        self._slots = Slots(
            max_connections,
            keepalive,
            keepalive_expiry,
            clock,
            max_inflight=self._max_inflight,
            shares=partial(_shares, http2),
        )
        self._native: object = None  # the event loop that the connections belong to
        self._adopting = threading.Lock()
        self._closed = False
        self._opened = 0
        self._resent = 0
        # Given up by finalizers; see `abandon`.
        self._abandoned: deque[Connection] = deque()

    async def __aenter__(self) -> PoolTransport:
        """Enter for the sake of `aclose` at the end; nothing is opened."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()

    async def send(self, request: WireRequest) -> WireResponse:
        """Send a request and return its answer as soon as the head has arrived.

        Cancelling leaves no slot taken and nothing running.

        Raises:
            TransportFailure: No answer arrived.
            Exception: What the request body's source raised, as it is.
        """
        native = current_token().native_token
        request.phase = "pool"
        request.sent = "none"
        if self._closed:
            raise self._refusal(request)
        if native is not self._native:
            self._adopt(native)
        origin = Origin(request.scheme, request.host, request.port)
        connection = self._slots.take(origin)
        if connection is None:
            connection = await self._acquire(origin, request, fresh=False)
        resending: Resending | None = None
        while True:
            try:
                return await connection.exchange(request, self)
            except TransportFailure as failure:
                if resending is None:
                    resending = Resending()
                if not resending.allows(request, failure, answering=connection.answering) or self._closed:
                    raise self._explain(failure) from failure.__cause__
            self._resent += 1
            request.phase = "pool"
            request.sent = "none"
            # Other kept HTTP/1.1 connections may have been closed as well. A shared one has left the pool by itself.
            again_fresh = not connection.shared
            kept = None if again_fresh else self._slots.take(origin)
            connection = kept or await self._acquire(origin, request, fresh=again_fresh)

    def stats(self) -> PoolStats:
        """Return the state at this moment."""
        if self._abandoned:
            self._sweep()
        slots = self._slots
        return PoolStats(
            connections=len(slots.held),
            in_use=len(slots.held) - len(slots.idle),
            idle=len(slots.idle),
            waiting=slots.waiting,
            opened=self._opened,
            resent=self._resent,
            inflight=slots.inflight,
            streams=sum(slot.active for slot in slots.held if not isinstance(slot, Opening) and slot.shared),
        )

    async def aclose(self) -> None:
        """Close every connection; exchanges under way and later sends fail with kind `"closed"`. Safe to repeat."""
        self._closed = True
        native = self._native
        if native is None or native is current_token().native_token or not is_running(native):
            self._close_all()
            await self.tidy()
        else:
            # Another thread's event loop owns the connections, and must close them itself.
            call_soon(native, self._close_all)

    def __del__(self) -> None:
        slots: Slots | None = getattr(self, "_slots", None)  # built only in part: nothing to say
        if slots is None or not slots.held:
            return
        for slot in slots.held:
            if not isinstance(slot, Opening):
                slot.abort()
        count = len(slots.held)
        warn(
            f"a transport with {count} open connection{'s' if count > 1 else ''} was dropped; use `async with`, or await aclose()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        if self._abandoned:
            self._sweep()
        self._slots.give_back(connection, reusable=reusable and not self._closed)

    def update(self, connection: Connection) -> None:
        """Learn that a shared connection's capacity has changed."""
        self._slots.update(connection)

    def discard(self, connection: Connection) -> None:
        """Learn that a shared connection is of no more use; its exchanges give back their shares by themselves."""
        self._slots.discard(connection)

    async def tidy(self) -> None:
        """Finish what closing connections left to await (foreign backends only); shielded, within bounds."""
        litter = self._slots.litter
        while litter:
            await litter.popleft().aclose()

    def abandon(self, connection: Connection) -> None:
        """Take back a connection in use, or what a shared one `shed`s, from a finalizer.

        A finalizer may run in any thread, and in the middle of anything, this pool's own bookkeeping included: so the
        socket of an unshared one is closed here, and the rest is done at the next look at the pool, which the event loop
        is asked for.
        """
        if not connection.shared:
            connection.abort()
        self._abandoned.append(connection)
        if connection.shared or self._slots.waiting:
            call_soon(self._native, self._sweep)

    def _sweep(self) -> None:
        """Free what finalizers gave up."""
        while self._abandoned:
            connection = self._abandoned.popleft()
            if connection.shared:
                connection.shed()
            else:
                self._slots.discard(connection)

    async def _acquire(self, origin: Origin, request: WireRequest, *, fresh: bool) -> Connection:
        """Open a connection, or wait for one if the limit is reached.

        Args:
            origin: Whom it must lead to.
            request: The request in need of it.
            fresh: No kept connection will do.
        """
        if self._abandoned:
            self._sweep()
        opening = self._slots.reserve(origin)
        if opening is None:
            gift = await self._wait(origin, request, fresh=fresh)
            if not isinstance(gift, Opening):
                return gift
            opening = gift
        try:
            connection = await open_connection(origin, request, self._dialing)
        except BaseException as error:
            if not isinstance(error, TransportFailure):
                self._slots.give_up(opening)
                raise
            self._slots.give_up(opening, error, request.timeout.connect)
            raise self._explain(error) from error.__cause__
        if not self._slots.fill(opening, connection):
            # The pool was closed while we connected.
            if not connection.close():
                await connection.aclose()
            raise self._refusal(request)
        self._opened += 1
        return connection

    async def _wait(self, origin: Origin, request: WireRequest, *, fresh: bool) -> Connection | Opening:
        """Stand in line; whatever is given at the moment of a cancellation is passed on."""
        waiter = Waiter(origin, fresh=fresh, connect=request.timeout.connect, loop=native_loop())
        self._slots.stand_in_line(waiter)
        if self._abandoned:
            # Given up between our look at the limit and now: nobody else would notice.
            self._sweep()
        seconds = request.timeout.pool
        began = current_time()
        try:
            if seconds is None:
                await waiter.event.wait()
            else:
                with waiter.limit(seconds):
                    await waiter.event.wait()
        except BaseException:
            self._slots.leave_line(waiter)
            raise
        if request.trace is not None:
            notify(request.trace, "pool.wait", {"seconds": current_time() - began})
        if waiter.gift is not None:
            return waiter.gift
        if waiter.failure is not None:
            raise waiter.own_failure()
        self._slots.leave_line(waiter)
        if self._closed or seconds is None:
            raise self._refusal(request)
        if self._slots.inflight >= self._max_inflight:
            full, limit = f"{self._max_inflight} requests are under way", "max_inflight"
        elif len(self._slots.held) < self._max_connections:
            full, limit = "one is still being opened", "Timeout(connect=...)"
        else:
            full, limit = f"all {self._max_connections} are in use", "max_connections"
        raise TransportFailure(
            f"no connection became free within {seconds:g} s: {full}; "
            f"raise {limit}, lower the concurrency, or allow more time with Timeout(pool=...)",
            kind="timeout",
            phase="pool",
            sent="none",
        )

    # The event loop that the connections belong to.

    def _adopt(self, native: object) -> None:
        """Move to the running event loop, if the one that owns the connections has ended."""
        # Two threads may come at once, with an event loop each.
        with self._adopting:
            if self._native is not None and is_running(self._native):
                raise TransportFailure(
                    "these connections belong to another event loop, which is still running; "
                    "use one client per event loop, or hand the work over with anyio.from_thread",
                    kind="loop",
                    phase="pool",
                    sent="none",
                )
            self._close_all()
            self._slots.litter.clear()
            self._native = native

    def _close_all(self) -> None:
        """Close every connection and turn everybody in line away."""
        self._slots.clear()
        self._abandoned.clear()

    def _refusal(self, request: WireRequest) -> TransportFailure:
        return TransportFailure(
            "the transport is closed; make a new client, or close this one later",
            kind="closed",
            phase=request.phase,
            sent=request.sent,
        )

    def _explain(self, failure: TransportFailure) -> TransportFailure:
        """Return the failure, or the reason for it when that was our own `aclose`."""
        if not self._closed or failure.kind not in ("closed", "lost"):
            return failure
        return TransportFailure(
            "the transport was closed while the request was under way",
            kind="closed",
            phase=failure.phase,
            sent=failure.sent,
            fresh=failure.fresh,
            received=failure.received,
        )


def _shares(http2: Http2, origin: Origin) -> bool | None:
    """Tell whether connections to an origin carry many requests; None if its server decides."""
    return http2 if isinstance(http2, bool) else None if origin.scheme == "https" else False
