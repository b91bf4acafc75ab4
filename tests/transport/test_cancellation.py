"""Whatever is cancelled, wherever: no slot stays taken, the server sees the hang-up, and the next requests succeed."""

from __future__ import annotations

from random import Random

import pytest
from anyio import CancelScope, Event, create_task_group
from anyio.lowlevel import checkpoint

from anyopenai.testing.faults import FaultServer, fault_server
from anyopenai.testing.faults import Peer as ServerPeer
from anyopenai.transport import PoolTransport
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to
from transport.field import OK, serve


async def a_request(pool: PoolTransport, server: FaultServer, target: bytes = b"/v1/things") -> None:
    assert await fetch(pool, request_to(server, b"{}", target=target)) == OK


async def a_stream_left_early(pool: PoolTransport, server: FaultServer) -> None:
    response = await pool.send(request_to(server, stream=True))
    try:
        await response.receive(1)
    finally:
        await response.aclose()


async def a_stream_that_is_dropped(pool: PoolTransport, server: FaultServer) -> None:
    """As a finalizer does it."""
    response = await pool.send(request_to(server, stream=True))
    try:
        await response.receive(1)
    finally:
        response.abandon()


async def an_upload(pool: PoolTransport, server: FaultServer) -> None:
    source = Source([bytes(100_000)] * 3)
    try:
        assert await fetch(pool, request_to(server, source)) == OK
    finally:
        assert source.opened == source.closed


WORKS = (a_request, a_request, a_stream_left_early, a_stream_that_is_dropped, an_upload)


@pytest.mark.parametrize(
    ("count", "encrypted"),
    [
        pytest.param(400, False, id="clear"),
        pytest.param(100, True, id="tls"),
        pytest.param(10_000, False, id="10000-clear", marks=[pytest.mark.soak, pytest.mark.timeout(300)]),
        pytest.param(10_000, True, id="10000-tls", marks=[pytest.mark.soak, pytest.mark.timeout(300)]),
    ],
)
async def test_requests_cancelled_at_random_leave_a_pool_that_serves_the_next(
    count: int, encrypted: bool, authority: Authority
) -> None:
    """Under contention: a thousand at a time over ten connections."""
    random = Random(20260101)
    finished = 0

    async def work_and_cancel(patience: int) -> None:
        nonlocal finished
        work = random.choice(WORKS)
        with CancelScope() as scope:
            async with create_task_group() as group:

                async def tick() -> None:
                    for _ in range(patience):
                        await checkpoint()
                    scope.cancel()

                group.start_soon(tick)
                await work(pool, server)
                finished += 1
                group.cancel_scope.cancel()

    tls = authority.server if encrypted else None
    async with (
        fault_server([serve], tls=tls) as server,
        PoolTransport(max_connections=10, ssl_context=authority.client) as pool,
    ):
        for _ in range(0, count, 1000):
            async with create_task_group() as group:
                for _ in range(min(count, 1000)):
                    group.start_soon(work_and_cancel, random.randrange(1, 400))
            assert_all_free(pool)
        assert 0 < finished < count
        async with create_task_group() as group:
            for _ in range(100):
                group.start_soon(a_request, pool, server)
        assert_all_free(pool)
        await server.until(lambda s: s.open_connections == pool.stats().connections)


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
