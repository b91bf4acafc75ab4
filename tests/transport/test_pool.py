"""The pool's bookkeeping: limits, order, age, event loops, and what becomes of slots when things go wrong."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import CancelScope, Event, create_task_group, wait_all_tasks_blocked

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import (
    Close,
    FaultServer,
    Forever,
    HalfClose,
    Receive,
    Reply,
    Send,
    Set,
    Stall,
    Step,
    Wait,
    fault_server,
)
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest, WireResponse, pool, site
from anyopenai.transport.connection import Origin, SlotOwner
from transport.exchanges import NO_LIMIT, Source, assert_all_free, fetch, request_to

OK = Reply(body=b"{}")
SERVE = [Forever(Receive(), OK)]


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def held(pool: PoolTransport, server: FaultServer) -> WireResponse:
    """Start a request and leave its answer unread, so that its connection stays in use."""
    return await pool.send(request_to(server, stream=True))


def half_answered(gate: Event | None = None) -> list[Step]:
    """Answer up to the last byte, which comes when the gate opens, or never."""
    rest: list[Step] = [Wait(gate), Send(b"}"), Forever(Receive(), OK)] if gate is not None else [Stall()]
    return [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"), *rest]


async def test_thirty_requests_at_once_all_succeed_and_leave_no_more_connections_than_were_needed() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as transport:
        async with create_task_group() as group:
            for _ in range(30):
                group.start_soon(fetch, transport, request_to(server))
        assert transport.stats().opened <= 30
        assert_all_free(transport)


async def test_no_more_connections_than_allowed_are_open_and_every_request_is_served() -> None:
    async with fault_server(SERVE) as server, PoolTransport(max_connections=3) as transport:
        async with create_task_group() as group:
            for _ in range(50):
                group.start_soon(fetch, transport, request_to(server))
        assert transport.stats().connections == 3
        assert len(server.connections) == 3
        assert len(server.requests) == 50


async def test_the_connection_used_last_is_used_next() -> None:
    gates = [Event(), Event()]
    async with (
        fault_server(half_answered(gates[0]), half_answered(gates[1])) as server,
        PoolTransport() as transport,
    ):
        responses = [await held(transport, server) for _ in gates]
        for index in (1, 0):
            gates[index].set()
            await responses[index].read(10)
        assert transport.stats().idle == 2
        for _ in range(3):
            await fetch(transport, request_to(server))
        assert [request.connection for request in server.requests] == [0, 1, 0, 0, 0]


async def test_waiting_requests_are_served_in_the_order_they_came() -> None:
    gate = Event()
    async with fault_server(half_answered(gate)) as server, PoolTransport(max_connections=1) as transport:
        first = await held(transport, server)
        async with create_task_group() as group:
            for number in range(5):
                group.start_soon(fetch, transport, request_to(server, target=b"/%d" % number))
                await wait_all_tasks_blocked()
            assert transport.stats().waiting == 5
            gate.set()
            await first.read(10)
        assert [request.target for request in server.requests[1:]] == [f"/{n}" for n in range(5)]
        assert_all_free(transport)


async def test_a_request_in_line_gives_up_in_time_and_says_what_to_do() -> None:
    async with fault_server(half_answered()) as server, PoolTransport(max_connections=1) as transport:
        response = await held(transport, server)
        with pytest.raises(TransportFailure, match=r"all 1 are in use; raise max_connections") as caught:
            await fetch(transport, request_to(server, timeout=Timeout(None, pool=0.01)))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "pool", "none")
        assert transport.stats().waiting == 0
        await response.aclose()
        assert_all_free(transport)


async def test_a_cancelled_waiter_leaves_the_line_and_loses_nothing() -> None:
    gate = Event()
    async with fault_server(half_answered(gate)) as server, PoolTransport(max_connections=1) as transport:
        first = await held(transport, server)
        async with create_task_group() as group:
            group.start_soon(fetch, transport, request_to(server))
            await wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert transport.stats().waiting == 0
        gate.set()
        await first.read(10)
        await fetch(transport, request_to(server))
        assert_all_free(transport)


@pytest.mark.parametrize("kept", [True, False], ids=["connection", "slot"])
async def test_what_a_waiter_is_given_at_the_moment_of_its_cancellation_goes_to_the_next(kept: bool) -> None:
    gate = Event()
    async with (
        fault_server(half_answered(gate if kept else None), SERVE) as server,
        PoolTransport(max_connections=1) as transport,
    ):
        first = await held(transport, server)
        scope = CancelScope()
        served: list[bytes] = []

        async def unlucky() -> None:
            with scope:
                served.append(await fetch(transport, request_to(server, target=b"/unlucky")))

        async def lucky() -> None:
            served.append(await fetch(transport, request_to(server, target=b"/lucky")))

        async with create_task_group() as group:
            group.start_soon(unlucky)
            await wait_all_tasks_blocked()
            group.start_soon(lucky)
            await wait_all_tasks_blocked()
            if kept:
                gate.set()
                await first.read(10)
            else:
                await first.aclose()
            # The first in line has its gift, and has not run since.
            assert transport.stats().waiting == 1
            scope.cancel()
        assert served == [b"{}"]
        assert server.requests[-1].target == "/lucky"
        assert_all_free(transport)


@pytest.mark.parametrize("kept", [True, False], ids=["connection", "slot"])
def test_a_task_cancelled_by_asyncio_itself_at_that_moment_passes_its_gift_on(kept: bool) -> None:
    """Anyio's scopes wait for the next suspension; `Task.cancel` and `asyncio.timeout` do not."""

    async def main() -> None:
        gate = Event()
        async with (
            fault_server(half_answered(gate if kept else None), SERVE) as server,
            PoolTransport(max_connections=1) as transport,
        ):
            first = await held(transport, server)
            unlucky = asyncio.create_task(fetch(transport, request_to(server, target=b"/unlucky")))
            await wait_all_tasks_blocked()
            lucky = asyncio.create_task(fetch(transport, request_to(server, target=b"/lucky")))
            await wait_all_tasks_blocked()
            if kept:
                gate.set()
                await first.read(10)
            else:
                await first.aclose()
            unlucky.cancel()
            assert await lucky == b"{}"
            with pytest.raises(asyncio.CancelledError):
                await unlucky
            assert server.requests[-1].target == "/lucky"
            assert_all_free(transport)

    anyio.run(main)


async def test_a_slot_given_up_while_a_request_joins_the_line_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        fault_server(half_answered(), SERVE) as server,
        PoolTransport(max_connections=1) as transport,
    ):
        responses = [await held(transport, server)]

        class JustThen(site.Waiter):
            """A finalizer runs in the middle of things."""

            def __init__(self, origin: Origin, **options: Any) -> None:
                super().__init__(origin, **options)
                responses.pop().abandon()

        monkeypatch.setattr(pool, "Waiter", JustThen)
        await fetch(transport, request_to(server))
        assert_all_free(transport)


async def test_a_kept_connection_that_takes_nothing_is_replaced_also_for_a_plain_post() -> None:
    async with fault_server([Receive(), OK, Stall()], SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        # Our half of the connection ends: it looks alive, and every write to it fails.
        [connection] = transport._slots.idle
        connection._link._sock.shutdown(socket.SHUT_WR)  # type: ignore[attr-defined]  # its innermost part
        body = Source([b"{}"], 2)
        assert await fetch(transport, request_to(server, body)) == b"{}"
        assert body.opened == body.closed == 2
        assert transport.stats().resent == 1
        assert [request.connection for request in server.requests] == [0, 1]


async def test_a_slot_whose_connection_could_not_be_opened_goes_to_the_next_in_line() -> None:
    async with fault_server(half_answered(), SERVE) as server, PoolTransport(max_connections=1) as transport:
        first = await held(transport, server)

        async def refused() -> None:
            with pytest.raises(TransportFailure) as caught:
                await fetch(transport, WireRequest("GET", "http", "127.0.0.1", 1, b"/", [], timeout=NO_LIMIT))
            assert caught.value.kind == "refused"

        async with create_task_group() as group:
            group.start_soon(refused)
            await wait_all_tasks_blocked()
            group.start_soon(fetch, transport, request_to(server))
            await wait_all_tasks_blocked()
            await first.aclose()
        assert_all_free(transport)


async def test_an_idle_connection_is_given_up_for_another_origin_at_the_limit() -> None:
    async with (
        fault_server(SERVE) as one,
        fault_server(SERVE) as other,
        PoolTransport(max_connections=2) as transport,
    ):
        for server in (one, other, one):
            await fetch(transport, request_to(server))
        async with fault_server(SERVE) as third:
            await fetch(transport, request_to(third))
            # The one that had been idle longest went.
            await other.until(lambda s: s.open_connections == 0)
            assert one.open_connections == 1
            assert transport.stats().connections == 2


async def test_an_idle_connection_is_not_used_after_its_time() -> None:
    clock = Clock()
    async with fault_server(SERVE) as server, PoolTransport(keepalive_expiry=10, clock=clock) as transport:
        await fetch(transport, request_to(server))
        clock.now += 9.9
        await fetch(transport, request_to(server))
        assert transport.stats().opened == 1
        clock.now += 10
        await fetch(transport, request_to(server))
        assert transport.stats()[:6] == (1, 0, 1, 0, 2, 0)


async def test_old_idle_connections_go_when_any_other_comes_back() -> None:
    clock = Clock()
    async with (
        fault_server(SERVE) as one,
        fault_server(SERVE) as other,
        PoolTransport(keepalive_expiry=10, clock=clock) as transport,
    ):
        await fetch(transport, request_to(one))
        clock.now += 10
        await fetch(transport, request_to(other))
        assert transport.stats().connections == 1
        await one.until(lambda s: s.open_connections == 0)


async def test_no_more_idle_connections_than_allowed_are_kept() -> None:
    gates = [Event() for _ in range(4)]
    async with fault_server(*map(half_answered, gates)) as server, PoolTransport(max_keepalive=2) as transport:
        responses = [await held(transport, server) for _ in gates]
        for gate, response in zip(gates, responses, strict=True):
            gate.set()
            await response.read(10)
        assert transport.stats().connections == transport.stats().idle == 2


@pytest.mark.parametrize("ending", [Close(), HalfClose(), Send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")])
async def test_a_connection_that_the_server_has_ended_while_idle_is_not_used_again(ending: Step) -> None:
    ended = Event()
    script = [Receive(), OK, ending, Set(ended), Stall()]
    if isinstance(ending, Close):
        script = [Receive(), OK, Set(ended)]
    async with fault_server(script, SERVE) as server, PoolTransport() as transport:
        # A POST with a body that can be read once: nothing here could be sent again.
        await fetch(transport, request_to(server, b"1"))
        await ended.wait()
        await wait_all_tasks_blocked()
        await fetch(transport, request_to(server, Source([b"2"], replayable=False)))
        assert [request.connection for request in server.requests] == [0, 1]
        assert transport.stats().resent == 0
        assert_all_free(transport)


KEY = [(b"idempotency-key", b"k")]


@pytest.mark.parametrize(
    "make",
    [
        partial(request_to, method="GET"),
        partial(request_to, method="DELETE"),
        partial(request_to, body=b"{}", headers=KEY),
    ],
    ids=["GET", "DELETE", "POST with a key"],
)
async def test_a_kept_connection_closed_without_an_answer_is_replaced_once(
    make: Callable[[FaultServer], WireRequest],
) -> None:
    script = [Receive(), OK, Receive(), Close()]
    async with fault_server(script, SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        assert await fetch(transport, make(server)) == b"{}"
        assert [request.connection for request in server.requests] == [0, 0, 1]
        assert transport.stats().resent == 1
        assert_all_free(transport)


async def test_a_replaced_request_is_not_sent_a_third_time() -> None:
    script = [Receive(), OK, Receive(), Close()]
    async with fault_server(script, [Receive(), Close()]) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await fetch(transport, request_to(server, method="GET"))
        assert (caught.value.kind, caught.value.fresh, caught.value.sent) == ("lost", True, "all")
        assert len(server.requests) == 3
        assert_all_free(transport)


@pytest.mark.parametrize(
    "make",
    [
        partial(request_to, body=b"{}"),
        lambda server: request_to(server, Source([b"{}"], replayable=False), headers=KEY),
    ],
    ids=["POST", "one-shot body"],
)
async def test_what_may_have_been_acted_on_or_cannot_be_repeated_is_not_sent_again(
    make: Callable[[FaultServer], WireRequest],
) -> None:
    script = [Receive(), OK, Receive(), Close()]
    async with fault_server(script, SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await fetch(transport, make(server))
        assert (caught.value.kind, caught.value.fresh, caught.value.sent) == ("lost", False, "all")
        assert len(server.requests) == 2
        assert_all_free(transport)


async def test_a_kept_connection_that_breaks_within_its_answer_is_not_replaced() -> None:
    script = [Receive(), OK, Receive(), Reply(body=b"{}", cut=9), Close()]
    async with fault_server(script, SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await fetch(transport, request_to(server, method="GET"))
        assert (caught.value.kind, caught.value.phase) == ("lost", "head")
        assert len(server.requests) == 2


async def test_closing_ends_idle_connections_and_exchanges_and_the_line() -> None:
    async with fault_server(SERVE, half_answered()) as server:
        transport = PoolTransport(max_connections=2)
        gate = Event()

        async def doomed(request: WireRequest) -> None:
            with pytest.raises(TransportFailure, match="closed") as caught:
                await fetch(transport, request)
            assert caught.value.kind == "closed"
            gate.set()

        async with fault_server(half_answered()) as other:
            async with create_task_group() as group:
                await fetch(transport, request_to(server))
                group.start_soon(doomed, request_to(other))
                await wait_all_tasks_blocked()
                group.start_soon(doomed, request_to(other))
                await wait_all_tasks_blocked()
                group.start_soon(doomed, request_to(other))
                await wait_all_tasks_blocked()
                assert transport.stats().waiting == 1
                await transport.aclose()
                await gate.wait()
            await transport.aclose()
            assert transport.stats()[:4] == (0, 0, 0, 0)
            with pytest.raises(TransportFailure) as caught:
                await transport.send(request_to(server))
            assert caught.value.kind == "closed"
            await server.until(lambda s: s.open_connections == 0)
            await other.until(lambda s: s.open_connections == 0)


async def test_a_transport_closed_while_a_connection_is_being_opened_keeps_none() -> None:
    # A listener that never accepts completes the handshake all the same, so hold the TLS one.
    async with fault_server([Stall()]) as server:
        transport = PoolTransport()
        request = request_to(server)
        request.scheme = "https"

        async def doomed() -> None:
            with pytest.raises(TransportFailure) as caught:
                await transport.send(request)
            assert caught.value.kind in ("closed", "tls")

        async with create_task_group() as group:
            group.start_soon(doomed)
            await server.until(lambda s: len(s.connections) == 1)
            await transport.aclose()
            group.cancel_scope.cancel()
        assert transport.stats().connections == 0


async def test_a_refused_request_leaves_its_connection_usable() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await fetch(transport, request_to(server, headers=[(b"x-a", b"1\r\nx-b: 2")]))
        assert (caught.value.kind, caught.value.sent) == ("input", "none")
        await fetch(transport, request_to(server))
        assert transport.stats().opened == 1
        assert len(server.requests) == 2


# Event loops.


async def serve_in_thread(script: list[Step], ready: threading.Event, ports: list[int], stop: threading.Event) -> None:
    async with fault_server(script) as server:
        ports.append(server.port)
        ready.set()
        await anyio.to_thread.run_sync(stop.wait)


@pytest.fixture
def threaded_port() -> object:
    """Return the port of a server that outlives a test's event loops."""
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()
    thread = threading.Thread(target=lambda: anyio.run(serve_in_thread, SERVE, ready, ports, stop))
    thread.start()
    ready.wait()
    yield ports[0]
    stop.set()
    thread.join()


def local_request(port: int) -> WireRequest:
    return WireRequest("GET", "http", "127.0.0.1", port, b"/", [], timeout=NO_LIMIT)


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("trio", "trio"), ("asyncio", "trio", "asyncio")])
def test_after_its_event_loop_has_ended_a_transport_goes_on_silently(
    backends: tuple[str, ...], threaded_port: int
) -> None:
    transport = PoolTransport()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for backend in backends:
            assert anyio.run(fetch, transport, local_request(threaded_port), backend=backend) == b"{}"
        gc.collect()
        assert transport.stats().connections == 1
        assert transport.stats().opened == len(backends)
        anyio.run(transport.aclose, backend="trio")
        del transport
        gc.collect()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_a_second_event_loop_is_refused_while_the_first_runs(backend: str) -> None:
    async with fault_server(SERVE) as server, PoolTransport() as transport:
        await fetch(transport, request_to(server))

        def elsewhere() -> TransportFailure:
            with pytest.raises(TransportFailure, match="another event loop") as caught:
                anyio.run(fetch, transport, request_to(server), backend=backend)
            return caught.value

        failure = await anyio.to_thread.run_sync(elsewhere)
        assert (failure.kind, failure.sent) == ("loop", "none")
        await fetch(transport, request_to(server))
        assert transport.stats().opened == 1


async def test_closing_from_another_event_loop_is_done_by_the_owner() -> None:
    async with fault_server(SERVE) as server:
        transport = PoolTransport()
        await fetch(transport, request_to(server))
        await anyio.to_thread.run_sync(partial(anyio.run, transport.aclose))
        await server.until(lambda s: s.open_connections == 0)
        assert transport.stats().connections == 0


async def test_a_response_abandoned_in_another_thread_frees_its_slot_for_who_waits() -> None:
    async with (
        fault_server(half_answered(), SERVE) as server,
        PoolTransport(max_connections=1) as transport,
    ):
        responses = [await held(transport, server)]
        async with create_task_group() as group:
            group.start_soon(fetch, transport, request_to(server))
            await wait_all_tasks_blocked()
            assert transport.stats().waiting == 1
            await anyio.to_thread.run_sync(lambda: responses.pop().abandon())
        assert_all_free(transport)


def test_a_response_that_outlives_its_event_loop_can_be_abandoned(threaded_port: int) -> None:
    transport = PoolTransport()
    stack: list[WireResponse] = []

    async def begin() -> None:
        async with fault_server(half_answered()) as server:
            stack.append(await held(transport, server))

    anyio.run(begin)
    stack.pop().abandon()
    assert_all_free(transport)
    anyio.run(fetch, transport, local_request(threaded_port), backend="trio")
    anyio.run(transport.aclose)


def test_a_transport_is_built_outside_of_any_event_loop_and_dropped_unused_in_silence() -> None:
    transport = PoolTransport()
    assert transport.stats()[:6] == (0, 0, 0, 0, 0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del transport
        gc.collect()


async def test_a_transport_dropped_with_open_connections_warns_and_closes_them() -> None:
    async with fault_server(SERVE) as server:
        transports = [PoolTransport()]
        await fetch(transports[0], request_to(server))
        gc.collect()
        with pytest.warns(ResourceWarning, match="1 open connection"):
            transports.clear()
        await server.until(lambda s: s.open_connections == 0)


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="max_connections must be at least 1, not 0"):
        PoolTransport(max_connections=0)


# The seam for connections that carry several exchanges at once.


class Shared:
    """A connection without a network that carries three exchanges at once."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.shared = True
        self.settled = True
        self.capacity = 3
        self.active = 0
        self.idle_since = 0.0
        self.answering = False
        self.closed = False
        self.most = 0
        self.gate = Event()

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> WireResponse:
        self.most = max(self.most, self.active)
        try:
            await self.gate.wait()
        except BaseException:
            owner.release(self, reusable=True)
            raise
        owner.release(self, reusable=True)
        raise TransportFailure("scripted", kind="protocol", phase="head")

    def is_stale(self) -> bool:
        return self.closed

    def shed(self) -> None:
        raise NotImplementedError

    def close(self) -> bool:
        self.closed = True
        return True

    def abort(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


async def test_a_connection_with_room_is_shared_and_one_cancelled_exchange_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Shared] = []

    async def open_shared(origin: Origin, request: WireRequest, dialing: object) -> Shared:
        opened.append(Shared(origin))
        return opened[-1]

    monkeypatch.setattr(pool, "open_connection", open_shared)
    failures: list[str] = []

    async def ask() -> None:
        with pytest.raises(TransportFailure) as caught:
            await transport.send(local_request(80))
        failures.append(caught.value.message)

    async with PoolTransport(max_connections=2) as transport:
        async with create_task_group() as group:
            await_one = CancelScope()

            async def ask_and_be_cancelled() -> None:
                with await_one:
                    await ask()

            group.start_soon(ask_and_be_cancelled)
            for _ in range(7):
                await wait_all_tasks_blocked()
                group.start_soon(ask)
            await wait_all_tasks_blocked()
            assert [connection.active for connection in opened] == [3, 3]
            assert transport.stats()[:4] == (2, 2, 0, 2)
            await_one.cancel()
            await wait_all_tasks_blocked()
            assert transport.stats()[:4] == (2, 2, 0, 1)
            for connection in opened:
                connection.gate.set()
        assert failures == ["scripted"] * 7
        assert_all_free(transport)
        assert transport.stats().idle == 2
        assert not any(connection.closed for connection in opened)
    assert all(connection.closed for connection in opened)


async def test_thousands_in_line_are_served_without_looking_at_each_other() -> None:
    """Nothing is asserted about time; with a step that grows with the line this would not end within its limit."""
    async with fault_server(SERVE) as server, PoolTransport(max_connections=5) as transport:
        async with create_task_group() as group:
            for _ in range(3000):
                group.start_soon(fetch, transport, request_to(server))
        assert_all_free(transport)
