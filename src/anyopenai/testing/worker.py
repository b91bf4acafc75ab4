"""Connections of the embedded server: hypercorn's HTTP/1.1 and HTTP/2 protocols over anyio's streams; no endpoint here.

Hypercorn's own workers are not used. There is one for each event loop, and neither ends while a client does not read what
it was sent (seen with 0.18: both stayed until the client went away, whatever `graceful_timeout` said). In a test's own
event loop a server must always end, and a connection that fails must fail alone. Hypercorn's protocol classes know no
event loop: they are given the few primitives below, the same ones in 0.17 and 0.18.
"""

from __future__ import annotations

import logging
import math
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from anyio import (
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    EndOfStream,
    Event,
    Lock,
    create_memory_object_stream,
    current_time,
    sleep,
)
from anyio.abc import ByteStream, SocketAttribute, SocketListener, SocketStream, TaskGroup
from anyio.streams.tls import TLSAttribute, TLSStream
from hypercorn.config import Config
from hypercorn.events import Closed, RawData, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.typing import ConnectionState

from .._tasks import grace, open_task_group
from .exchange import Message, Receive, Scope, Send
from .state import Stats

if TYPE_CHECKING:
    from hypercorn.events import Event as ProtocolEvent

__all__ = ("Application", "Worker")

_log = logging.getLogger("anyopenai.testing")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

# Longer than any client keeps an idle connection: then it is the client that closes, and no request meets a closing
# server. (Servers that do close first are what the fault server is for.)
_KEEP_ALIVE = 75.0

_READ_SIZE = 65536
_HANDSHAKE_SECONDS = 10.0
_ACCEPT_PAUSE = 0.1


class _Flag:
    """An event that can be cleared, with the awaitable methods that hypercorn's protocols call."""

    def __init__(self) -> None:
        self._event = Event()

    async def set(self) -> None:
        self._event.set()

    async def clear(self) -> None:
        self._event = Event()

    async def wait(self) -> None:
        await self._event.wait()

    def is_set(self) -> bool:
        return self._event.is_set()


class _Context:
    """What hypercorn's protocols ask of the worker around them."""

    event_class = _Flag

    def __init__(self) -> None:
        self.terminated: _Flag = _Flag()

    async def mark_request(self) -> None:
        """Count a request: hypercorn replaces workers after a number of them, we do not."""

    @staticmethod
    async def sleep(wait: float) -> None:
        """Wait between two pings of a WebSocket."""
        await sleep(wait)


class _Tasks:
    """Starts the tasks of one connection: an application call per request, and the protocol's own."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group

    def spawn(self, function: Callable[..., Coroutine[None, None, None]], *args: object) -> None:
        self._group.start_soon(function, *args)

    async def spawn_app(
        self,
        app: Application,
        config: Config,
        scope: Scope,
        send: Callable[[Message | None], Awaitable[None]],
    ) -> Callable[[Message], Awaitable[None]]:
        """Call the application for one request; return what hands it the request's messages."""
        sender, receiver = create_memory_object_stream[Message](config.max_app_queue_size)

        async def run() -> None:
            try:
                await app(scope, receiver.receive, send)
            except Exception:
                _log.exception("the application failed on %s %s", scope.get("method"), scope.get("path"))
            finally:
                # From here on nobody takes messages: whoever still hands some over must not wait.
                receiver.close()
                sender.close()
            await send(None)

        async def deliver(message: Message) -> None:
            # Broken or closed: the application is done with this request.
            with suppress(BrokenResourceError, ClosedResourceError):
                await sender.send(message)

        self._group.start_soon(run)
        return deliver


class _Connection:
    """One client's connection, from its first byte to its last."""

    def __init__(self, worker: Worker, stream: ByteStream) -> None:
        self._worker = worker
        self._stream = stream
        self._lock = Lock()
        self._idle = True
        self._broken = False
        self._life = CancelScope()
        self._reading = CancelScope()
        self._writing = CancelScope()
        self._protocol: ProtocolWrapper

    async def run(self) -> None:
        """Serve until either side closes."""
        try:
            with self._life:
                await self._serve()
        finally:
            with grace():
                await self._close()

    def retire(self) -> None:
        """Close now if no request is under way; otherwise the protocol closes after the one that is."""
        if self._idle:
            self._reading.cancel()

    def abort(self) -> None:
        """End whatever is under way."""
        self._broken = True
        self._life.cancel()
        self._reading.cancel()
        self._writing.cancel()

    async def _serve(self) -> None:
        alpn = "http/1.1"
        tls = self._worker.ssl_context
        if tls is not None:
            stream = await self._handshake(tls)
            if stream is None:
                return
            self._stream = stream
            alpn = stream.extra(TLSAttribute.alpn_protocol, None) or alpn
        async with open_task_group() as group:
            self._protocol = ProtocolWrapper(
                cast("Any", self._worker.app),
                self._worker.config,
                cast("Any", self._worker.context),
                cast("Any", _Tasks(group)),
                ConnectionState({}),
                tls is not None,
                self._address(SocketAttribute.remote_address),
                self._address(SocketAttribute.local_address),
                self._send,
                alpn,
            )
            await self._protocol.initiate()
            await self._read()

    async def _handshake(self, tls: ssl.SSLContext) -> TLSStream | None:
        try:
            with CancelScope(deadline=current_time() + _HANDSHAKE_SECONDS):
                return await TLSStream.wrap(self._stream, server_side=True, ssl_context=tls, standard_compatible=False)
        except (OSError, BrokenResourceError, EndOfStream):
            pass  # The client did not like our certificate, or is no TLS client.
        return None

    def _address(self, attribute: object) -> tuple[str, int] | None:
        value: object = self._stream.extra(attribute, None)
        return cast("tuple[str, int]", value[:2]) if isinstance(value, tuple) else None

    async def _read(self) -> None:
        data = b"more"
        while data:
            # One scope for each wait, because both an idle limit and `retire` end the wait only.
            with CancelScope() as self._reading:
                self._reading.deadline = current_time() + _KEEP_ALIVE if self._idle else math.inf
                if self._idle and self._worker.closing:
                    break
                try:
                    data = await self._stream.receive(_READ_SIZE)
                except EndOfStream:
                    data = b""
                except (BrokenResourceError, ClosedResourceError):
                    break
            if self._reading.cancelled_caught:
                break
            await self._protocol.handle(RawData(data))
        await self._protocol.handle(Closed())

    async def _send(self, event: ProtocolEvent) -> None:
        """Carry out what the protocol wants: write bytes, close, or note that it is idle."""
        if isinstance(event, RawData):
            if not await self._write(event.data):
                await self._protocol.handle(Closed())
        elif isinstance(event, Closed):
            await self._close()
        elif isinstance(event, Updated):
            self._idle = event.idle
            self._reading.deadline = current_time() + _KEEP_ALIVE if event.idle else math.inf
            if event.idle and self._worker.closing:
                self._reading.cancel()

    async def _write(self, data: bytes) -> bool:
        """Write, whole or not at all where other requests share the connection; return whether it is still open."""
        async with self._lock:
            if self._broken:
                return False
            try:
                # A request that is cancelled halfway through a frame would break every other one on the connection;
                # only `abort` stops a write, and the connection with it.
                with CancelScope(shield=True) as self._writing:
                    await self._stream.send(data)
                    return True
            except (BrokenResourceError, ClosedResourceError):
                pass
            self._broken = True
            return False

    async def _close(self) -> None:
        self._broken = True
        # Any of them: the client was faster.
        with suppress(OSError, BrokenResourceError, ClosedResourceError, EndOfStream):
            await self._stream.aclose()


class Worker:
    """Accepts connections and serves an ASGI application on them, until it is shut down.

    Args:
        app: The application.
        stats: Where connections are counted.
        ssl_context: For TLS, with HTTP/2 by ALPN; None for clear text, with HTTP/2 by prior knowledge.
    """

    def __init__(self, app: Application, stats: Stats, ssl_context: ssl.SSLContext | None = None) -> None:
        self.app = app
        self.ssl_context = ssl_context
        self.context: _Context = _Context()
        self.closing: bool = False
        self.config: Config = Config()
        # Nothing is printed; what goes wrong is in our own logger.
        self.config.accesslog = None
        self.config.errorlog = None
        self.config.include_server_header = False
        # Clients of ours make many thousand requests on one connection.
        self.config.keep_alive_max_requests = 1 << 30
        self.config.h11_max_incomplete_size = 64 * 1024
        self._stats = stats
        self._connections: set[_Connection] = set()
        self._none_left = Event()

    async def accept(self, listener: SocketListener, tasks: TaskGroup) -> None:
        """Accept connections, each in a task of its own, until cancelled."""
        while True:
            try:
                stream = await listener.accept()
            except (OSError, BrokenResourceError) as error:
                # No descriptors left, or a client that was gone again: neither is a reason to end.
                _log.warning("a connection could not be accepted: %s", error)
                await sleep(_ACCEPT_PAUSE)
            else:
                tasks.start_soon(self._serve, stream)

    async def shut_down(self, seconds: float) -> None:
        """Let requests under way end within a time, then end them; return when no connection is left.

        Cancelling ends them at once.
        """
        self.closing = True
        await self.context.terminated.set()
        for connection in tuple(self._connections):
            connection.retire()
        try:
            with CancelScope(deadline=current_time() + seconds):
                while self._connections:
                    self._none_left = Event()
                    await self._none_left.wait()
        finally:
            for connection in tuple(self._connections):
                connection.abort()

    async def _serve(self, stream: SocketStream) -> None:
        connection = _Connection(self, stream)
        self._stats.connections += 1
        self._connections.add(connection)
        try:
            await connection.run()
        except Exception:
            # One connection's failure (a defect, or bytes that its protocol does not expect) must not end the others.
            _log.debug("a connection failed", exc_info=True)
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._none_left.set()
