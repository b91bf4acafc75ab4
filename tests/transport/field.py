"""The transport's ground for sweeps: a server whose answers depend on the target, and a pool of one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from anyio import create_task_group
from anyio.lowlevel import checkpoint

from anyopenai._tasks import open_task_group
from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import FaultServer, Peer, response_bytes
from anyopenai.testing.http2 import Exchange, Http2
from anyopenai.transport import BodySource, PoolTransport, TransportFailure, WireRequest
from transport.exchanges import Source, assert_all_free, fetch, request_to

OK: Final = b'{"ok": true}'
# Long enough that none passes by itself, and there, so that a sweep can let each of them pass.
LIMITS: Final = Timeout(3600)


async def serve(peer: Peer) -> None:
    """Answer requests as their targets ask, slowly, so that a client waits in every part of an answer."""
    while True:
        head = await peer.receive_head()
        if head.target == "/early":
            await peer.send(response_bytes(413, b"too large"))
            await peer.receive_some()
            await peer.aclose()
            return
        # What was read of the head is handed back, so that the peer reads the request as a whole.
        peer._buffer[:0] = head.raw
        request = await peer.receive_request()
        if request.target == "/stale" and len(peer.requests) > 1:
            return
        await in_pieces(peer, response_bytes(chunks=[OK[:5], OK[5:]]))


async def answer(exchange: Exchange) -> None:
    """Do the same for one request over HTTP/2."""
    if exchange.header(":path") == "/early":
        await exchange.send_headers([(":status", "413")])
        await exchange.send_data(b"too large", end=True)
        return
    request = await exchange.receive_request()
    if request.target == "/stale" and len(exchange.session.peer.requests) > 1:
        exchange.session.peer.break_off()
        return
    await exchange.send_headers([(":status", "200")])
    for piece in (OK[:5], OK[5:]):
        for _ in range(20 if request.target == "/slow" else 4):
            await checkpoint()
        await exchange.send_data(piece)
    await checkpoint()
    await exchange.send_data(b"", end=True)


async def in_pieces(peer: Peer, wire: bytes) -> None:
    """Send an answer in four pieces, with turns of the event loop in between."""
    step = -(-len(wire) // 4)
    for start in range(0, len(wire), step):
        await peer.send(wire[start : start + step])
        # A turn for the kernel to report it, one to wake the reader, one for it to read; and one to spare.
        for _ in range(4):
            await checkpoint()


class Field:
    """A pool of one connection for each k, to a server that stays; see `Ground`.

    Args:
        server: Whom it talks to.
        http2: The server's HTTP/2, if it speaks that.
        siblings: How many other requests are under way at the same time; they must succeed whatever becomes of the work,
            unless the network itself fails.
        options: For the pool.

    Attributes:
        pool: The pool of this k.
        server: Whom it talks to.
        sources: Request bodies that were given to it.
        outcomes: What became of its siblings.
        large: Bytes of a body that cannot be sent without waiting.
    """

    allowed: tuple[type[BaseException], ...] = (TransportFailure,)

    def __init__(self, server: FaultServer, http2: Http2 | None = None, siblings: int = 0, **options: Any) -> None:
        self.server = server
        self.sources: list[Source] = []
        self.outcomes: list[bytes | TransportFailure] = []
        # More than a socket's buffers take at once, or than an HTTP/2 stream's first window.
        self.large = 3_000_000 if http2 is None else 200_000
        self._http2 = http2
        self._siblings = siblings
        self._options = {"http2": http2 is not None, "max_connections": 1, **options}

    async def __aenter__(self) -> Field:
        self.server.connections.clear()
        self.server.requests.clear()
        self.sources.clear()
        self.outcomes.clear()
        self.pool = PoolTransport(**self._options)
        self._group = create_task_group()
        await self._group.__aenter__()
        for number in range(self._siblings):
            self._group.start_soon(self._sibling, number * 4)
        return self

    async def _sibling(self, patience: int) -> None:
        """Make a request, after some turns, so that it finds the work at another point."""
        for _ in range(patience):
            await checkpoint()
        try:
            self.outcomes.append(await self.fetch(target=b"/slow"))
        except TransportFailure as failure:
            self.outcomes.append(failure)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            await self._group.__aexit__(None, None, None)
            if kind is None:
                assert_all_free(self.pool)
                assert all(source.opened == source.closed for source in self.sources)
                assert await self.fetch() == OK
                assert_all_free(self.pool)
                await self.until_no_stream_is_open()
        finally:
            await self.pool.aclose()
        if kind is None:
            # Whatever was opened has ended, and the server knows.
            await self.server.until(lambda server: server.open_connections == 0)

    async def until_no_stream_is_open(self) -> None:
        """Wait until the server has seen the end of every stream, and find that the protocol was kept."""
        http2 = self._http2
        if http2 is not None:
            await self.server.until(lambda _: not any(session.live for session in http2.sessions))
            assert http2.violations == []
            http2.sessions.clear()

    def reset(self) -> None:
        """Break every connection from the server's side."""
        for peer in self.server.connections:
            if not peer.ended.is_set():
                peer.break_off()

    def request(self, body: bytes | BodySource = b"{}", **options: Any) -> WireRequest:
        """Return a request, with limits that a sweep can let pass."""
        if isinstance(body, Source):
            self.sources.append(body)
        return request_to(self.server, body, timeout=LIMITS, **options)

    async def fetch(self, body: bytes | BodySource = b"{}", **options: Any) -> bytes:
        """Send a request and return the whole body of its answer."""
        return await fetch(self.pool, self.request(body, **options))


# The works. Each succeeds when nothing disturbs it.


async def a_request(field: Field) -> None:
    assert await field.fetch() == OK


async def a_request_to_a_name(field: Field) -> None:
    """Resolving and racing addresses included."""
    assert await field.fetch(host="localhost") == OK


async def a_second_request(field: Field) -> None:
    for _ in range(2):
        assert await field.fetch() == OK


async def a_request_in_line(field: Field) -> None:
    """Its connection is taken by another request, which may fail with it."""

    async def other() -> None:
        with suppress(TransportFailure):
            await field.fetch()

    # One failure comes out as itself, not as a group.
    async with open_task_group() as group:
        group.start_soon(other)
        await checkpoint()
        assert await field.fetch() == OK


async def a_large_upload(field: Field) -> None:
    assert await field.fetch(bytes(field.large)) == OK


async def a_streamed_upload(field: Field) -> None:
    assert await field.fetch(Source([bytes(field.large // 6)] * 4)) == OK


async def an_upload_answered_early(field: Field) -> None:
    response = await field.pool.send(field.request(Source([bytes(400_000)] * 20), target=b"/early"))
    assert response.status == 413
    assert await response.read(100) == b"too large"


async def a_stream_read_to_its_end(field: Field) -> None:
    response = await field.pool.send(field.request(stream=True))
    try:
        body = b""
        while piece := await response.receive(3):
            body += piece
        assert body == OK
    finally:
        await response.aclose()


async def a_stream_left_early(field: Field) -> None:
    response = await field.pool.send(field.request(stream=True))
    try:
        await response.receive(1)
    finally:
        await response.aclose()


async def a_drained_stream(field: Field) -> None:
    response = await field.pool.send(field.request(stream=True))
    try:
        await response.receive(1)
        await response.drain(1000, 3600)
    finally:
        await response.aclose()


async def a_request_on_a_connection_that_dies(field: Field) -> None:
    """It is sent again, on another."""
    for _ in range(2):
        assert await field.fetch(b"", method="GET", target=b"/stale") == OK


WORKS: Final[Iterable[Callable[[Field], Any]]] = (
    a_request,
    a_request_to_a_name,
    a_second_request,
    a_request_in_line,
    a_large_upload,
    a_streamed_upload,
    an_upload_answered_early,
    a_stream_read_to_its_end,
    a_stream_left_early,
    a_drained_stream,
    a_request_on_a_connection_that_dies,
)
