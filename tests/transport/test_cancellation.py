"""Whatever is cancelled, wherever: no slot stays taken, the server sees the hang-up, and the next requests succeed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import pytest
from anyio import CancelScope, Event, create_task_group
from anyio.lowlevel import checkpoint

from anyopenai.testing.faults import FaultServer, Forever, Receive, Reply, fault_server, response_bytes
from anyopenai.testing.faults import Peer as ServerPeer
from anyopenai.transport import PoolTransport
from transport.cancelling import cancel_at
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to

OK = Reply(body=b'{"ok": true}')
SERVE = [Forever(Receive(), OK)]

Work = Callable[[PoolTransport, FaultServer], Awaitable[None]]


async def a_request(pool: PoolTransport, server: FaultServer) -> None:
    assert await fetch(pool, request_to(server, b"{}")) == b'{"ok": true}'


async def a_request_to_a_name(pool: PoolTransport, server: FaultServer) -> None:
    """Resolving and racing addresses included."""
    assert await fetch(pool, request_to(server, b"{}", host="localhost")) == b'{"ok": true}'


async def a_second_request(pool: PoolTransport, server: FaultServer) -> None:
    await fetch(pool, request_to(server))
    await fetch(pool, request_to(server))


async def a_large_upload(pool: PoolTransport, server: FaultServer) -> None:
    await fetch(pool, request_to(server, bytes(3_000_000)))


async def a_streamed_upload(pool: PoolTransport, server: FaultServer) -> None:
    source = Source([bytes(400_000)] * 4)
    try:
        await fetch(pool, request_to(server, source))
    finally:
        assert source.opened == source.closed


async def a_stream_left_early(pool: PoolTransport, server: FaultServer) -> None:
    response = await pool.send(request_to(server, stream=True))
    try:
        await response.receive(1)
    finally:
        await response.aclose()


async def a_drained_stream(pool: PoolTransport, server: FaultServer) -> None:
    response = await pool.send(request_to(server, stream=True))
    try:
        await response.receive(1)
        assert await response.drain(1000, 5)
    finally:
        await response.aclose()


async def a_wait_in_line(pool: PoolTransport, server: FaultServer) -> None:
    """Two requests at once over a pool of one connection."""
    async with create_task_group() as group:
        group.start_soon(a_request, pool, server)
        await a_request(pool, server)


async def slow_reply(peer: ServerPeer) -> None:
    """Answer in pieces, so that a client waits in every part of the answer."""
    wire = response_bytes(chunks=[b'{"ok"', b": true}"])
    await peer.receive_request()
    for start in range(0, len(wire), 12):
        await peer.send(wire[start : start + 12])
        # A turn for the kernel to report it, one to wake the reader, one for it to read; and one to spare.
        for _ in range(4):
            await checkpoint()


@pytest.mark.parametrize(
    "work",
    [
        a_request,
        a_request_to_a_name,
        a_second_request,
        a_large_upload,
        a_streamed_upload,
        a_stream_left_early,
        a_drained_stream,
        a_wait_in_line,
    ],
)
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_cancelling_at_any_suspension_leaves_nothing_taken(
    work: Work, encrypted: bool, authority: Authority
) -> None:
    tls = authority.server if encrypted else None
    async with fault_server([Forever(slow_reply)], tls=tls) as server:
        for k in range(1, 500):
            async with PoolTransport(max_connections=1, ssl_context=authority.client) as pool:
                reached = await cancel_at(work(pool, server), k)
                assert_all_free(pool)
                assert await fetch(pool, request_to(server)) == b'{"ok": true}'
                assert_all_free(pool)
            if not reached:
                break
        else:
            pytest.fail("the work did not come to its end")
        assert k > 2
        # Whatever was opened has ended, and the server knows.
        await server.until(lambda s: s.open_connections == 0)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_requests_cancelled_at_random_leave_a_pool_that_serves_the_next(
    encrypted: bool, authority: Authority
) -> None:
    random = Random(20260101)
    finished = 0

    async def request_and_cancel(patience: int) -> None:
        nonlocal finished
        with CancelScope() as scope:
            async with create_task_group() as group:

                async def tick() -> None:
                    for _ in range(patience):
                        await checkpoint()
                    scope.cancel()

                group.start_soon(tick)
                await a_request(pool, server)
                finished += 1
                group.cancel_scope.cancel()

    count = 150 if encrypted else 1000
    tls = authority.server if encrypted else None
    async with (
        fault_server([Forever(slow_reply)], tls=tls) as server,
        PoolTransport(max_connections=10, ssl_context=authority.client) as pool,
    ):
        async with create_task_group() as group:
            for _ in range(count):
                group.start_soon(request_and_cancel, random.randrange(1, 400))
        assert_all_free(pool)
        assert 0 < finished < count
        async with create_task_group() as group:
            for _ in range(100):
                group.start_soon(a_request, pool, server)
        assert_all_free(pool)


async def test_a_cancelled_request_hangs_up() -> None:
    received = Event()

    async def never_answer(peer: ServerPeer) -> None:
        await peer.receive_request()
        received.set()
        await peer.receive_some()

    async with fault_server([never_answer]) as server, PoolTransport() as pool:
        async with create_task_group() as group:
            group.start_soon(fetch, pool, request_to(server))
            await received.wait()
            group.cancel_scope.cancel()
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)
