"""`PoolTransport`: connections kept and shared per origin, within limits; no bytes and no protocol here.

Theory of operation. `_slots` holds everything that counts against `max_connections`: open connections, and a marker for
each one being opened. A slot is taken in `_take` (a connection that can carry one more exchange) or `_reserve` (a
marker), and freed in `_free`, which is synchronous and does nothing the second time; so whatever is cancelled, wherever,
what was taken is freed once. Per origin the connections with room are a last-in-first-out list: few stay warm, the rest
grow old and go. Waiters stand in one line, first come, first served; `_serve` gives each a connection or a marker at
the moment it comes free, and a waiter cancelled at that same moment passes its gift on. Every step costs the same
however many connections and waiters there are. No task and no task group belongs to the pool.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from warnings import warn

from anyio import CancelScope, Event, current_time
from anyio.lowlevel import current_token

from .base import TransportFailure, WireRequest
from .connection import Connection, Origin, notify
from .dialing import Dialing, open_connection

if TYPE_CHECKING:
    import ssl

    from httpcore import AsyncNetworkBackend

    from .base import WireResponse
    from .tls import TLSSettings

__all__ = ("PoolStats", "PoolTransport")

# Servers close idle connections after 5 s (uvicorn, node) to 75 s (nginx) and more; what they closed is noticed before
# reuse, so patience costs nothing but a descriptor. 30 s keeps a chat's next turn free of a handshake, and stays under
# the 60 s at which common load balancers drop a silent flow without telling.
KEEPALIVE_EXPIRY: Final = 30.0
# openai-python's users are used to this figure.
MAX_CONNECTIONS: Final = 1000

# RFC 9110 section 9.2.2: repeating these changes nothing.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class PoolStats(NamedTuple):
    """A pool's state at one moment.

    Attributes:
        connections: Connections that are open or being opened; never above `max_connections`.
        in_use: Those that carry an exchange or are being opened.
        idle: Those that wait for the next request.
        waiting: Requests that wait for a connection.
        opened: Connections opened so far.
        resent: Requests sent again because the server had closed a kept connection under them.
    """

    connections: int
    in_use: int
    idle: int
    waiting: int
    opened: int
    resent: int


class _Opening:
    """Holds the slot of a connection that is being opened."""

    __slots__ = ()


class _Waiter:
    """One request in line."""

    __slots__ = ("event", "fresh", "gift", "origin")

    def __init__(self, origin: Origin, *, fresh: bool) -> None:
        self.origin = origin
        self.fresh = fresh
        self.gift: Connection | _Opening | None = None
        self.event = Event()


class PoolTransport:
    """The default transport: HTTP/1.1 over kept connections.

    Usable at once, inside or outside of an event loop, with or without `async with`. Its connections belong to the
    event loop that opened them: use from a second one fails while the first still runs; after that has ended they are
    dropped and the pool goes on.

    A request on a kept connection that the server closes without a byte of an answer is sent once more, on a fresh
    connection, if its body can be read again and either nothing of it had left, or repeating it changes nothing: its
    method is idempotent, or it carries an `idempotency-key`. Anything else fails with `fresh` false, and its caller
    decides. That is what RFC 9112 section 9.3.1 and RFC 9110 section 9.2.2 leave to a client by itself.

    Args:
        max_connections: Open at once, over all origins; more requests wait in line.
        max_keepalive: Idle ones to keep, over all origins; None for as many as `max_connections`.
        keepalive_expiry: How long an idle connection is kept, in seconds.
        cert_file: Bundle of certificates to trust instead of the system's (`SSL_CERT_FILE`).
        cert_dir: Directory of certificates to trust instead of the system's (`SSL_CERT_DIR`).
        ssl_context: TLS settings of your own, instead of the shared ones.
        network_backend: One of httpcore's network backends to connect through, instead of plain sockets.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_keepalive: int | None = None,
        keepalive_expiry: float = KEEPALIVE_EXPIRY,
        cert_file: str | None = None,
        cert_dir: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        network_backend: AsyncNetworkBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self._max_connections = max_connections
        self._max_keepalive = max_connections if max_keepalive is None else max_keepalive
        self._keepalive_expiry = keepalive_expiry
        self._cert_file = cert_file
        self._cert_dir = cert_dir
        self._dialing = Dialing(None, ssl_context, network_backend)
        self._clock = clock
        self._native: object = None  # the event loop that the connections belong to
        self._closed = False
        self._opened = 0
        self._resent = 0
        self._slots: set[Connection | _Opening] = set()
        # Dicts keep their order: the last entry is the one used last.
        self._roomy: dict[Origin, dict[Connection, None]] = {}
        self._idle: OrderedDict[Connection, None] = OrderedDict()  # the first is the oldest
        self._waiters: OrderedDict[_Waiter, None] = OrderedDict()
        # Given up by finalizers; see `abandon`.
        self._abandoned: deque[Connection] = deque()
        # Closed, with descriptors that only awaiting frees (foreign backends).
        self._litter: deque[Connection] = deque()

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
        if native is not self._native:
            self._adopt(native)
        request.phase = "pool"
        request.sent = "none"
        origin = Origin(request.scheme, request.host, request.port)
        connection = self._take(origin)
        if connection is None:
            connection = await self._acquire(origin, request, fresh=False)
        try:
            return await connection.exchange(request, self)
        except TransportFailure as failure:
            if not _may_resend(request, failure) or connection.answering or self._closed:
                raise self._explain(failure) from failure.__cause__
        self._resent += 1
        request.phase = "pool"
        request.sent = "none"
        connection = await self._acquire(origin, request, fresh=True)
        try:
            return await connection.exchange(request, self)
        except TransportFailure as failure:
            raise self._explain(failure) from failure.__cause__

    def stats(self) -> PoolStats:
        """Return the state at this moment."""
        if self._abandoned:
            self._sweep()
        return PoolStats(
            connections=len(self._slots),
            in_use=len(self._slots) - len(self._idle),
            idle=len(self._idle),
            waiting=len(self._waiters),
            opened=self._opened,
            resent=self._resent,
        )

    async def aclose(self) -> None:
        """Close every connection; exchanges under way and later sends fail with kind `"closed"`. Safe to repeat."""
        self._closed = True
        native = self._native
        if native is None or native is current_token().native_token or not _is_running(native):
            self._close_all()
            await self.tidy()
        else:
            # Another thread's event loop owns the connections, and must close them itself.
            _call_soon(native, self._close_all)

    def __del__(self) -> None:
        # Built only in part, or nothing open: nothing to say.
        slots = getattr(self, "_slots", None)
        if not slots:
            return
        for slot in slots:
            if not isinstance(slot, _Opening):
                slot.abort()
        warn(
            f"a transport with {len(slots)} open connections was dropped; use `async with`, or await aclose()",
            ResourceWarning,
            stacklevel=2,
            source=self,
        )

    # Taking and freeing slots: synchronous, on the event loop's own thread.

    def _take(self, origin: Origin) -> Connection | None:
        """Return a connection that can carry one more exchange now, the one used last; None if there is none."""
        roomy = self._roomy.get(origin)
        while roomy:
            connection = next(reversed(roomy))
            if connection.active == 0:
                del self._idle[connection]
                expired = self._clock() - connection.idle_since >= self._keepalive_expiry
                if expired or connection.is_stale():
                    self._free(connection)
                    continue
            connection.active += 1
            if connection.active >= connection.capacity:
                del roomy[connection]
            return connection
        return None

    def _reserve(self) -> _Opening | None:
        """Take a slot for a new connection, at the cost of the oldest idle one if need be; None at the limit."""
        if len(self._slots) >= self._max_connections:
            if not self._idle:
                return None
            self._free(next(iter(self._idle)))
        opening = _Opening()
        self._slots.add(opening)
        return opening

    def _free(self, slot: Connection | _Opening) -> None:
        """Give up a slot and close its connection: THE place where slots come free; harmless to repeat."""
        if slot not in self._slots:
            return
        self._slots.discard(slot)
        if isinstance(slot, _Opening):
            return
        self._idle.pop(slot, None)
        roomy = self._roomy.get(slot.origin)
        if roomy is not None:
            roomy.pop(slot, None)
            if not roomy:
                del self._roomy[slot.origin]
        if not slot.close():
            self._litter.append(slot)

    def _serve(self) -> None:
        """Give what is free to those in line, first come, first served."""
        while self._waiters:
            waiter = next(iter(self._waiters))
            gift = (None if waiter.fresh else self._take(waiter.origin)) or self._reserve()
            if gift is None:
                return
            del self._waiters[waiter]
            waiter.gift = gift
            waiter.event.set()

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        if connection not in self._slots:
            # Dropped meanwhile, with the event loop that it belonged to or at the end.
            connection.close()
            return
        connection.active -= 1
        if not reusable or self._closed:
            self._free(connection)
        else:
            self._roomy.setdefault(connection.origin, {})[connection] = None
            if connection.active == 0:
                connection.idle_since = self._clock()
                self._idle[connection] = None
        if self._abandoned:
            self._sweep()
        if self._waiters:
            self._serve()
        if self._idle:
            self._trim()

    def _trim(self) -> None:
        """Close what is idle beyond the limits, the oldest first."""
        horizon = self._clock() - self._keepalive_expiry
        while self._idle:
            oldest = next(iter(self._idle))
            if len(self._idle) <= self._max_keepalive and oldest.idle_since > horizon:
                return
            self._free(oldest)

    async def tidy(self) -> None:
        """Finish what closing connections left to await (foreign backends only); shielded, within bounds."""
        while self._litter:
            await self._litter.popleft().aclose()

    def abandon(self, connection: Connection) -> None:
        """Take back a connection in use, from a finalizer.

        A finalizer may run in any thread, and in the middle of anything, this pool's own bookkeeping included: so the
        socket is closed here, and the slot is freed at the next look at the pool, which the event loop is asked for.
        """
        connection.abort()
        self._abandoned.append(connection)
        if self._waiters:
            _call_soon(self._native, self._sweep)

    def _sweep(self) -> None:
        """Free what finalizers gave up."""
        while self._abandoned:
            self._free(self._abandoned.popleft())
        self._serve()

    async def _acquire(self, origin: Origin, request: WireRequest, *, fresh: bool) -> Connection:
        """Open a connection, or wait for one if the limit is reached.

        Args:
            origin: Whom it must lead to.
            request: The request in need of it.
            fresh: No kept connection will do.
        """
        if self._abandoned:
            self._sweep()
        if self._closed:
            raise self._refusal(request)
        slot: Connection | _Opening | None = self._reserve()
        if slot is None:
            slot = await self._wait(origin, request, fresh=fresh)
            if not isinstance(slot, _Opening):
                return slot
        try:
            connection = await open_connection(origin, request, self._dialing_for(origin))
        except BaseException as error:
            self._free(slot)
            self._serve()
            if isinstance(error, TransportFailure):
                raise self._explain(error) from error.__cause__
            raise
        if slot not in self._slots:
            # The pool was closed while we connected.
            connection.close()
            raise self._refusal(request)
        self._slots.discard(slot)
        self._slots.add(connection)
        self._opened += 1
        connection.active = 1
        if connection.capacity > 1:
            self._roomy.setdefault(origin, {})[connection] = None
            self._serve()
        return connection

    async def _wait(self, origin: Origin, request: WireRequest, *, fresh: bool) -> Connection | _Opening:
        """Stand in line; whatever is given at the moment of a cancellation is passed on."""
        waiter = _Waiter(origin, fresh=fresh)
        self._waiters[waiter] = None
        if self._abandoned:
            # Given up between our look at the limit and now: nobody else would notice.
            self._sweep()
        seconds = request.timeout.pool
        began = current_time()
        try:
            if seconds is None:
                await waiter.event.wait()
            else:
                with CancelScope(deadline=began + seconds):
                    await waiter.event.wait()
        except BaseException:
            self._waiters.pop(waiter, None)
            gift = waiter.gift
            if isinstance(gift, _Opening):
                self._free(gift)
                self._serve()
            elif gift is not None:
                self.release(gift, reusable=True)
            raise
        if request.trace is not None:
            notify(request.trace, "pool_wait", {"seconds": current_time() - began})
        if waiter.gift is not None:
            return waiter.gift
        self._waiters.pop(waiter, None)
        if self._closed or seconds is None:
            raise self._refusal(request)
        raise TransportFailure(
            f"no connection became free within {seconds:g} s: all {self._max_connections} are in use; "
            "raise max_connections, lower the concurrency, or allow more time with Timeout(pool=...)",
            kind="timeout",
            phase="pool",
            sent="none",
        )

    def _dialing_for(self, origin: Origin) -> Dialing:
        if origin.scheme != "https" or self._dialing.tls is not None or self._dialing.ssl_context is not None:
            return self._dialing
        # Loaded with the first encrypted connection.
        from .tls import TLSSettings

        settings: TLSSettings = TLSSettings(self._cert_file, self._cert_dir)
        self._dialing = self._dialing._replace(tls=settings)
        return self._dialing

    # The event loop that the connections belong to.

    def _adopt(self, native: object) -> None:
        """Move to the running event loop, if the one that owns the connections has ended."""
        if self._native is not None and _is_running(self._native):
            raise TransportFailure(
                "these connections belong to another event loop, which is still running; "
                "use one client per event loop, or hand the work over with anyio.from_thread",
                kind="loop",
                phase="pool",
                sent="none",
            )
        self._close_all()
        self._litter.clear()
        self._native = native

    def _close_all(self) -> None:
        """Close every connection and turn everybody in line away."""
        waiters, self._waiters = self._waiters, OrderedDict()
        for slot in list(self._slots):
            self._free(slot)
        self._abandoned.clear()
        # The event loop of those in line may have ended with them.
        with suppress(RuntimeError):
            for waiter in waiters:
                waiter.event.set()

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


def _may_resend(request: WireRequest, failure: TransportFailure) -> bool:
    """Tell whether a failed request may be sent again without asking anyone; see `PoolTransport`."""
    if failure.fresh or failure.kind != "lost":
        return False
    body = request.body
    if not isinstance(body, bytes) and not body.replayable:
        return False
    if request.sent == "none" or request.method in _IDEMPOTENT:
        return True
    return any(name == b"idempotency-key" for name, _ in request.headers)


def _is_running(native: object) -> bool:
    """Tell whether an event loop is running: an asyncio loop says so, a trio token refuses work when it is not."""
    is_running = cast("Callable[[], bool] | None", getattr(native, "is_running", None))
    if is_running is not None:
        return is_running()
    return _call_soon(native, _do_nothing)


def _call_soon(native: object, work: Callable[[], None]) -> bool:
    """Have an event loop do something from any thread and any moment; False if it has ended."""
    call = getattr(native, "call_soon_threadsafe", None) or getattr(native, "run_sync_soon", None)
    if call is None:
        return False
    try:
        cast("Callable[[Callable[[], None]], object]", call)(work)
    except RuntimeError:  # asyncio: closed; trio: RunFinishedError
        return False
    return True


def _do_nothing() -> None:
    """Nothing: only whether it may be said counts."""
