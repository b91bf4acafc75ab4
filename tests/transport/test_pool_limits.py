"""What bounds a pool: connections, requests under way, and the line of those that wait, in the order they came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anyio import Event, create_task_group, wait_all_tasks_blocked
from anyio.lowlevel import checkpoint
from httpcore import AnyIOBackend

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import FaultServer, Forever, Peer, Receive, Reply, Stall, fault_server
from anyopenai.testing.http2 import Answer, Exchange, Http2, Request
from anyopenai.transport import PoolTransport, TransportFailure
from anyopenai.transport import pool as pool_module
from anyopenai.transport.backend import connect_backend
from anyopenai.transport.dialing import open_connection
from anyopenai.transport.network import connect_tcp
from transport.exchanges import assert_all_free, fetch, request_to
from transport.sweeping import descriptors


class Doorman:
    """Answers the requests that were let in; the others wait."""

    def __init__(self) -> None:
        self.gates: dict[str, Event] = {}
        self.all = Event()

    async def __call__(self, peer: Peer) -> None:
        while True:
            await self.wait((await peer.receive_request()).target)
            await Reply(body=b"{}")(peer)

    async def over_http2(self, exchange: Exchange) -> None:
        await Request()(exchange)
        await self.wait(exchange.header(":path") or "")
        await Answer(body=b"{}")(exchange)

    async def wait(self, target: str) -> None:
        if not self.all.is_set():
            await self.gates.setdefault(target, Event()).wait()

    def let_all_in(self) -> None:
        self.all.set()
        for gate in self.gates.values():
            gate.set()


@asynccontextmanager
async def served(doorman: Doorman, *, http2: bool) -> AsyncIterator[FaultServer]:
    script = Http2([doorman.over_http2]) if http2 else doorman
    async with fault_server([script]) as server:
        yield server


async def settle(server: FaultServer, requests: int) -> None:
    """Wait until the server has so many requests and nothing moves any more."""
    while len(server.requests) < requests:
        await wait_all_tasks_blocked()
    for _ in range(3):
        await wait_all_tasks_blocked()


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_no_more_requests_are_under_way_than_allowed_however_many_connections_there_may_be(http2: bool) -> None:
    doorman = Doorman()
    async with (
        served(doorman, http2=http2) as server,
        PoolTransport(http2=http2, max_connections=10, max_inflight=3) as pool,
        create_task_group() as group,
    ):
        for number in range(7):
            group.start_soon(fetch, pool, request_to(server, target=b"/%d" % number))
            await wait_all_tasks_blocked()
        await settle(server, 3)
        stats = pool.stats()
        assert (stats.inflight, stats.waiting) == (3, 4)
        assert stats.connections == (1 if http2 else 3)
        assert stats.streams == (3 if http2 else 0)
        # One goes, the first in line comes.
        doorman.gates["/1"].set()
        await settle(server, 4)
        assert server.requests[-1].target == "/3"
        assert pool.stats().inflight == 3
        doorman.let_all_in()
    assert sorted(request.target for request in server.requests) == [f"/{number}" for number in range(7)]


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_a_stream_is_under_way_until_it_is_read_or_closed(http2: bool) -> None:
    doorman = Doorman()
    doorman.let_all_in()
    async with (
        served(doorman, http2=http2) as server,
        PoolTransport(http2=http2, max_inflight=1) as pool,
    ):
        response = await pool.send(request_to(server, stream=True))
        if not response.complete:
            assert pool.stats().inflight == 1
        await response.aclose()
        assert pool.stats().inflight == 0
        assert await fetch(pool, request_to(server)) == b"{}"
        assert_all_free(pool)


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_who_waits_too_long_for_its_turn_is_told_which_limit_to_raise(http2: bool) -> None:
    doorman = Doorman()
    async with (
        served(doorman, http2=http2) as server,
        PoolTransport(http2=http2, max_inflight=1) as pool,
        create_task_group() as group,
    ):
        group.start_soon(fetch, pool, request_to(server))
        await settle(server, 1)
        with pytest.raises(TransportFailure, match="1 requests are under way; raise max_inflight") as caught:
            await fetch(pool, request_to(server, timeout=Timeout(None, pool=0.01)))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "pool", "none")
        doorman.let_all_in()


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_the_wait_in_line_is_in_the_trace_and_nothing_is_without_one(http2: bool) -> None:
    doorman = Doorman()
    seen: dict[str, list[str]] = {"first": [], "second": []}
    waits: list[object] = []

    def observe(who: str) -> object:
        def trace(name: str, facts: Mapping[str, object]) -> None:
            seen[who].append(name)
            if name == "pool.wait":
                waits.append(facts["seconds"])

        return trace

    async with (
        served(doorman, http2=http2) as server,
        PoolTransport(http2=http2, max_inflight=1) as pool,
        create_task_group() as group,
    ):
        for who in seen:
            request = request_to(server, trace=observe(who))  # type: ignore[arg-type]  # it is a Trace
            group.start_soon(fetch, pool, request)
            await settle(server, 1)
        doorman.let_all_in()
    assert "pool.wait" not in seen["first"]
    assert seen["second"] == ["pool.wait", "request.sent", "head", "body.end"]
    [seconds] = waits
    assert isinstance(seconds, float)
    assert seconds >= 0


async def test_requests_to_several_origins_are_served_in_the_order_they_came() -> None:
    doorman = Doorman()
    async with (
        fault_server([doorman]) as one,
        fault_server([doorman]) as other,
        PoolTransport(max_connections=1) as pool,
    ):
        async with create_task_group() as group:
            order = [one, other, one, other, other]
            for number, server in enumerate(order):
                group.start_soon(fetch, pool, request_to(server, target=b"/%d" % number))
                await wait_all_tasks_blocked()
            await settle(one, 1)
            assert pool.stats().waiting == 4
            for number, server in enumerate(order):
                while f"/{number}" not in doorman.gates:
                    await wait_all_tasks_blocked()
                assert server.requests[-1].target == f"/{number}"
                # Nobody was served before its turn.
                assert len(one.requests) + len(other.requests) == number + 1
                doorman.gates[f"/{number}"].set()
        assert_all_free(pool)


@pytest.mark.parametrize("foreign", [False, True], ids=["sockets", "backend"])
async def test_a_connection_that_opens_after_the_pool_was_closed_is_closed(
    foreign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, closed = Event(), Event()
    links: list[Any] = []

    async def open_late(*args: Any) -> Any:
        connection = await open_connection(*args)
        links.append(connection)
        opened.set()
        await closed.wait()
        return connection

    monkeypatch.setattr(pool_module, "open_connection", open_late)
    backend = AnyIOBackend() if foreign else None
    async with fault_server([Stall()]) as server:
        pool = PoolTransport(network_backend=backend)
        # Once before, for what an event loop opens for itself with its first connection.
        link = await (
            connect_backend(backend, server.host, server.port) if backend else connect_tcp(server.host, server.port)
        )
        await link.aclose()
        await server.until(lambda s: s.hang_ups == 1)
        before = descriptors()

        async def refused() -> None:
            with pytest.raises(TransportFailure) as caught:
                await fetch(pool, request_to(server))
            assert caught.value.kind == "closed"

        async with create_task_group() as group:
            group.start_soon(refused)
            await opened.wait()
            await pool.aclose()
            closed.set()
        await server.until(lambda s: s.hang_ups == 2 and not s.open_connections)
    # Not by the collector: it is held here.
    assert len(links) == 1
    for _ in range(1000):
        # uvloop closes a turn later.
        if descriptors() <= before:
            break
        await checkpoint()
    else:
        pytest.fail("a descriptor is left")


@pytest.mark.soak
@pytest.mark.timeout(600)  # half a minute of CPU time, the server's included; a busy machine may need ten times that
@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_fifty_thousand_requests_in_line_are_all_served(http2: bool) -> None:
    script = Http2([Request(), Answer(body=b"{}")]) if http2 else Forever(Receive(), Reply(body=b"{}"))
    async with fault_server([script]) as server, PoolTransport(http2=http2, max_connections=50) as pool:
        async with create_task_group() as group:
            for _ in range(50_000):
                group.start_soon(fetch, pool, request_to(server))
        assert_all_free(pool)
        assert len(server.requests) == 50_000
