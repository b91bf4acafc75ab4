"""How the pool shares HTTP/2 connections: the first one, the next one, kept ones, limits, and other event loops."""

from __future__ import annotations

import gc
import socket

import anyio
import pytest
from anyio import CancelScope, Event, create_task_group, wait_all_tasks_blocked
from anyio.lowlevel import checkpoint
from h2.settings import SettingCodes

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Forever, Receive, Reply, fault_server
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest, WireResponse
from anyopenai.transport.base import Phase
from anyopenai.transport.connection import Origin
from anyopenai.transport.http2 import Http2Connection
from transport.exchanges import NO_LIMIT, Authority, Source, assert_all_free
from transport.exchanges import request_to as plain_request_to
from transport.h2peer import Peer, h2_server, serve_all
from transport.h2setup import Setup, fetch, request_to

LIMIT = SettingCodes.MAX_CONCURRENT_STREAMS


async def test_the_first_requests_wait_for_the_first_connection_and_share_it(h2_authority: Authority) -> None:
    async with (
        h2_server(serve_all, tls=h2_authority.server) as server,
        PoolTransport(ssl_context=h2_authority.client) as pool,
    ):
        async with create_task_group() as group:
            for _ in range(200):
                group.start_soon(fetch, pool, request_to(server))
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_where_the_server_speaks_http11_those_who_waited_get_a_connection_each(authority: Authority) -> None:
    async with (
        fault_server([Forever(Receive(), Reply(body=b"{}"))], tls=authority.server) as server,
        PoolTransport(ssl_context=authority.client) as pool,
    ):
        responses: list[WireResponse] = []

        async def hold() -> None:
            responses.append(await pool.send(plain_request_to(server)))

        async with create_task_group() as group:
            for _ in range(5):
                group.start_soon(hold)
        assert {response.http_version for response in responses} == {"HTTP/1.1"}
        assert 2 <= pool.stats().opened <= 5
        for response in responses:
            await response.read(100)
        assert_all_free(pool)


async def test_those_who_wait_for_a_connection_that_fails_learn_why_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    failures: list[TransportFailure] = []

    async def ask() -> None:
        with pytest.raises(TransportFailure) as caught:
            await pool.send(WireRequest("GET", "http", "127.0.0.1", port, b"/", [], timeout=NO_LIMIT))
        failures.append(caught.value)

    async with PoolTransport(http2=True) as pool:
        async with create_task_group() as group:
            for _ in range(20):
                group.start_soon(ask)
        assert {(failure.kind, failure.phase, failure.sent) for failure in failures} == {("refused", "connect", "none")}
        assert len({id(failure) for failure in failures}) == 20
        assert_all_free(pool)


async def test_whoever_is_cancelled_while_opening_leaves_that_to_the_next(setup: Setup) -> None:
    async with setup.server(serve_all) as server, setup.pool() as pool:
        scope_of_first = CancelScope()

        async def unlucky() -> None:
            with scope_of_first:
                await fetch(pool, request_to(server))

        answers: list[bytes] = []

        async def lucky() -> None:
            answers.append(await fetch(pool, request_to(server)))

        async with create_task_group() as group:
            group.start_soon(unlucky)
            for _ in range(3):
                group.start_soon(lucky)
            await checkpoint()
            scope_of_first.cancel()
        assert answers == [b"0"] * 3
        assert_all_free(pool)


async def test_http2_that_is_demanded_and_not_offered_is_refused_in_words(authority: Authority) -> None:
    async with (
        fault_server([Receive(), Reply()], tls=authority.server) as server,
        PoolTransport(ssl_context=authority.client, http2=True) as pool,
    ):
        with pytest.raises(TransportFailure, match="did not choose HTTP/2, which http2=True demands") as caught:
            await pool.send(plain_request_to(server))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("input", "connect", "none")
        assert_all_free(pool)


async def test_a_further_connection_is_opened_before_the_limit_is_reached(setup: Setup) -> None:
    gate = Event()

    async def script(peer: Peer) -> None:
        async with create_task_group() as group:

            async def answer(stream: int) -> None:
                await gate.wait()
                await peer.answer(stream)

            while True:
                group.start_soon(answer, (await peer.next_request()).stream)

    async with setup.server(script, settings={LIMIT: 10}) as server, setup.pool() as pool:
        async with create_task_group() as group:
            for number in range(1, 10):
                group.start_soon(fetch, pool, request_to(server))
                await server.until(lambda: sum(len(peer.asked) for peer in server.peers) == number)  # noqa: B023
                await wait_all_tasks_blocked()
            stats = pool.stats()
            assert (stats.connections, stats.inflight, stats.streams) == (2, 9, 9)
            assert [len(peer.asked) for peer in server.peers] == [8, 1]
            gate.set()
        assert_all_free(pool)


async def test_requests_under_way_are_bounded_apart_from_connections(setup: Setup) -> None:
    most = 0

    async def script(peer: Peer) -> None:
        nonlocal most
        while True:
            asked = await peer.next_request()
            most = max(most, peer.h2.open_inbound_streams)
            await peer.answer(asked.stream)

    async with setup.server(script) as server, setup.pool(max_inflight=4) as pool:
        async with create_task_group() as group:
            for _ in range(50):
                group.start_soon(fetch, pool, request_to(server))
        assert most <= 4
        assert pool.stats().opened == 1
        with pytest.raises(ValueError, match="max_inflight must be at least 1, not 0"):
            PoolTransport(max_inflight=0)


async def test_a_request_that_waits_too_long_for_a_share_says_what_is_full(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        await peer.next_request()
        await peer.until(lambda peer: bool(peer.resets))

    async with setup.server(script, settings={LIMIT: 1}) as server, setup.pool(max_connections=1) as pool:
        async with create_task_group() as group:
            group.start_soon(fetch, pool, request_to(server))
            await wait_all_tasks_blocked()
            with pytest.raises(TransportFailure, match="all 1 are in use; raise max_connections") as caught:
                await fetch(pool, request_to(server, timeout=Timeout(None, pool=0.02)))
            assert (caught.value.kind, caught.value.phase) == ("timeout", "pool")
            group.cancel_scope.cancel()
        assert_all_free(pool)


async def test_a_limit_that_falls_is_kept_and_one_that_rises_lets_those_in_line_go(setup: Setup) -> None:
    most = 0

    async def script(peer: Peer) -> None:
        nonlocal most
        asked = [await peer.next_request() for _ in range(5)]
        await peer.settle({LIMIT: 1})
        for one in asked:
            await peer.answer(one.stream)
        for _ in range(4):
            asked[0] = await peer.next_request()
            most = max(most, peer.h2.open_inbound_streams)
            await peer.answer(asked[0].stream)
        asked[0] = await peer.next_request()
        await peer.settle({LIMIT: 100})
        rest = [await peer.next_request() for _ in range(5)]
        for one in [asked[0], *rest]:
            await peer.answer(one.stream)

    async with setup.server(script, settings={LIMIT: 5}) as server, setup.pool(max_connections=1) as pool:
        async with create_task_group() as group:
            for _ in range(15):
                group.start_soon(fetch, pool, request_to(server))
        assert most == 1
        assert len(server.peers) == 1
        assert_all_free(pool)


async def test_an_idle_connection_that_was_ended_politely_is_not_used_again(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.answer(asked.stream)
        await peer.say_goaway(asked.stream)
        ended.set()

    ended = Event()
    async with setup.server(script, serve_all) as server, setup.pool() as pool:
        await fetch(pool, request_to(server))
        await ended.wait()
        await server.peers[0].flush()
        await wait_all_tasks_blocked()
        assert await fetch(pool, request_to(server, b"12")) == b"2"
        assert len(server.peers) == 2
        assert pool.stats().connections == 1


async def test_an_idle_connection_that_was_hung_up_is_not_used_again(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.answer(asked.stream)
        await peer.hang_up()
        ended.set()

    ended = Event()
    async with setup.server(script, serve_all) as server, setup.pool() as pool:
        await fetch(pool, request_to(server))
        await ended.wait()
        await wait_all_tasks_blocked()
        assert await fetch(pool, request_to(server, b"12")) == b"2"
        assert pool.stats().connections == 1


async def test_what_comes_while_a_connection_is_idle_is_answered_when_it_is_used_again(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.answer(asked.stream)
        peer.h2.ping(b"12345678")
        await peer.settle({LIMIT: 50})
        told.set()
        await serve_all(peer)

    told = Event()
    async with setup.server(script, serve_all) as server, setup.pool() as pool:
        await fetch(pool, request_to(server))
        await told.wait()
        await wait_all_tasks_blocked()
        assert await fetch(pool, request_to(server, b"12")) == b"2"
        assert len(server.peers) == 1
        await server.peers[0].until(lambda peer: peer.pongs == 1)


async def test_a_body_that_cannot_be_read_again_is_not_sent_again(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        await fetch_head_and_refuse(peer)
        await serve_all(peer)

    async def fetch_head_and_refuse(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.reset(asked.stream, 7)

    async with setup.server(script) as server, setup.pool() as pool:
        with pytest.raises(TransportFailure, match="did not begin with the request") as caught:
            await fetch(pool, request_to(server, Source([b"x"], replayable=False)))
        assert (caught.value.unprocessed, caught.value.sent, caught.value.kind) == (True, "none", "lost")
        source = Source([b"x"])
        assert await fetch(pool, request_to(server, source)) == b"1"
        assert source.opened == source.closed


async def test_a_lost_connection_fails_what_may_have_been_processed_and_resends_what_may_be_repeated(
    setup: Setup,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.answer((await peer.next_request()).stream)
        for _ in range(3):
            await peer.next_request()
        await peer.hang_up()

    outcomes: list[object] = []

    async def ask(method: str, *headers: tuple[bytes, bytes]) -> None:
        try:
            outcomes.append(await fetch(pool, request_to(server, method=method, headers=headers)))
        except TransportFailure as failure:
            outcomes.append((failure.kind, failure.sent, failure.phase, failure.fresh))

    async with setup.server(script, serve_all) as server, setup.pool() as pool:
        await fetch(pool, request_to(server))
        async with create_task_group() as group:
            group.start_soon(ask, "POST")
            group.start_soon(ask, "GET")
            group.start_soon(ask, "POST", (b"idempotency-key", b"1"))
        phase: Phase = "head"
        assert sorted(map(str, outcomes)) == sorted(map(str, [b"0", b"0", ("lost", "all", phase, False)]))
        assert_all_free(pool)


async def test_an_answer_dropped_unread_is_reset_and_the_connection_is_kept(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.head(asked.stream)
        await peer.body(asked.stream, b"x")
        await serve_all(peer)

    async with setup.server(script) as server, setup.pool() as pool:
        response = await pool.send(request_to(server))
        with pytest.warns(ResourceWarning, match="was dropped unread"):  # noqa: PT031 - both drop it
            del response
            gc.collect()
        if not setup.backend:
            await server.peers[0].until(lambda peer: peer.resets == {1: 8})
        assert await fetch(pool, request_to(server, b"123")) == b"3"
        assert len(server.peers) == 1
        assert server.peers[0].resets == {1: 8}
        assert_all_free(pool)


def test_connections_of_an_event_loop_that_has_ended_are_dropped_and_the_pool_goes_on(h2_authority: Authority) -> None:
    pool = PoolTransport(ssl_context=h2_authority.client)

    async def one() -> None:
        async with h2_server(serve_all, tls=h2_authority.server) as server:
            assert await fetch(pool, request_to(server, b"1")) == b"1"
            assert pool.stats().opened in (1, 2)

    anyio.run(one)
    anyio.run(one, backend="trio")
    anyio.run(pool.aclose)
    assert pool.stats().connections == 0


async def test_closing_the_pool_ends_what_is_under_way_and_says_goodbye(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        await peer.next_request()
        await peer.until(lambda peer: peer.goaway is not None)

    async with setup.server(script) as server, setup.pool() as pool:
        async with create_task_group() as group:

            async def ask() -> None:
                with pytest.raises(TransportFailure, match="the transport was closed while") as caught:
                    await fetch(pool, request_to(server))
                assert caught.value.kind == "closed"

            group.start_soon(ask)
            await server.until(lambda: bool(server.peers and server.peers[0].asked))
            await pool.aclose()
        await server.peers[0].until_closed()
        assert setup.backend or server.peers[0].goaway == 0
        assert_all_free(pool)


class DeadLink:
    """A link with settings to read and a peer that takes nothing any more."""

    resumable = True

    def __init__(self) -> None:
        self._waiting = [b"\0\0\0\4\0\0\0\0\0"]

    def receive_now(self) -> bytes | None:
        return self._waiting.pop() if self._waiting else None

    def send_now(self, data: bytes) -> bool:
        raise BrokenPipeError

    def close(self) -> bool:
        return True


class Teller:
    """A pool that must not be told of anything while it asks."""

    def update(self, connection: object) -> None:
        raise AssertionError("told in the middle of a choice")


async def test_a_pool_that_asks_whether_a_connection_is_stale_is_not_told_so_meanwhile() -> None:
    connection = Http2Connection(DeadLink(), Origin("http", "localhost", 80))  # type: ignore[arg-type]  # what is used of a link
    connection._owner = Teller()  # type: ignore[assignment]  # what is used of an owner
    assert connection.is_stale()
    assert connection.capacity == 0
