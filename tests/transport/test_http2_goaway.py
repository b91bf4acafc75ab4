"""Servers that end HTTP/2 connections, at any frame and in every way: what can be sent again is, once, and unseen."""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random

import pytest
from anyio import Event, create_task_group, fail_after
from hyperframe.frame import GoAwayFrame

from anyopenai.testing.faults import Set, Wait, fault_server
from anyopenai.testing.http2 import (
    SERVE,
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    GoAway,
    Head,
    HoldStream,
    Http2,
    Request,
    Session,
    ShutDown,
)
from anyopenai.transport import PoolTransport, TransportFailure
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Leave out uvloop: what it does differently lies below HTTP/2, and `test_http2` has it."""
    return str(request.param)


class Mortal:
    """A server whose connections end at a random frame, in a random way; it answers with the request's own body.

    Attributes:
        begun: How often each request was begun with, by its body.
        ways: How often connections ended in each way.
        http2: The step that serves.
    """

    def __init__(self, rand: Random, most: int) -> None:
        self.begun: Counter[bytes] = Counter()
        self.ways: Counter[str] = Counter()
        self.http2 = Http2([Request(), self._echo], on_frame=self._watch)
        self._rand = rand
        self._most = most
        self._ends: dict[Session, int] = {}
        self._last: dict[Session, int] = {}

    async def _echo(self, exchange: Exchange) -> None:
        body = bytes(exchange.body)
        exchange.check()
        self.begun[body] += 1
        session = exchange.session
        self._last[session] = max(exchange.id, self._last.get(session, 0))
        await exchange.send_headers([(":status", "200"), ("content-length", str(len(body)))])
        half = len(body) // 2
        await exchange.send_data(body[:half])
        await exchange.send_data(body[half:], end=True)

    async def _watch(self, session: Session) -> None:
        end = self._ends.setdefault(session, self._rand.randrange(1, self._most))
        if session.frames != end:
            return
        way = self._rand.choice(["two steps", "one step", "the least"])
        self.ways[way] += 1
        if way == "two steps":
            session.start(session.shut_down)
        elif way == "one step":
            session.start(partial(session.shut_down, steps=1))
        else:
            session.start(partial(self._stop_short, session))

    async def _stop_short(self, session: Session) -> None:
        """Disown whatever was not begun with, and end as soon as the rest is done."""
        await session.go_away(self._last.get(session, 0), ErrorCodes.NO_ERROR, b"max_age")
        await session.shut_down(steps=1)


async def survive(requests: int, tasks: int, seed: int, most: int, authority: Authority | None) -> None:
    """Make many requests of a mortal server: all are answered, each is begun with once."""
    mortal = Mortal(Random(seed), most)
    numbers = iter(range(requests))
    async with (
        fault_server([mortal.http2], tls=authority.server if authority else None) as server,
        PoolTransport(http2=True, ssl_context=authority.client if authority else None) as pool,
    ):

        async def work() -> None:
            for number in numbers:
                body = b"request %d " % number * (number % 7 + 1)
                assert await fetch(pool, request_to(server, body)) == body

        async with create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(work)
        assert_all_free(pool)
        assert len(mortal.begun) == requests
        assert set(mortal.begun.values()) == {1}
        assert len(server.connections) > 3
        assert mortal.http2.violations == []


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_250_requests_survive_goaway_at_any_frame(encrypted: bool, h2_authority: Authority) -> None:
    with fail_after(18):
        await survive(250, 30, 1 + encrypted, 120, h2_authority if encrypted else None)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_10000_requests_survive_goaway_at_any_frame(encrypted: bool, h2_authority: Authority) -> None:
    await survive(10_000, 100, 4, 600, h2_authority if encrypted else None)


async def test_a_stream_that_is_being_read_goes_on_to_its_end() -> None:
    gate, begun = Event(), Event()
    http2 = Http2([Request(), Head(), Data(b"first "), ShutDown(), Set(begun), Wait(gate), Data(b"last", end=True)])
    async with fault_server([http2], [Http2()]) as server, PoolTransport(http2=True) as pool:
        response = await pool.send(request_to(server, stream=True))
        assert await response.receive() == b"first "
        await begun.wait()
        # Others go elsewhere meanwhile, as soon as the notice has been read.
        async with create_task_group() as group:
            read: list[bytes] = []

            async def go_on() -> None:
                read.append(await response.read(100))

            group.start_soon(go_on)
            await server.until(lambda _: http2.sessions[0].limit == 1)
            for _ in range(3):
                assert await fetch(pool, request_to(server)) == b"{}"
            gate.set()
        assert read == [b"last"]
        assert [len(peer.requests) for peer in server.connections] == [1, 3]
        await server.until(lambda s: s.connections[0].ended.is_set())
        assert http2.violations == []
        assert_all_free(pool)


async def test_a_notice_on_an_idle_connection_is_seen_before_the_next_request() -> None:
    http2 = Http2([Request(), Answer(), GoAway()])
    async with fault_server([http2], [again := Http2()]) as server, PoolTransport(http2=True) as pool:
        await fetch(pool, request_to(server))
        await http2.exchanges[0].over.wait()
        for _ in range(2):
            assert await fetch(pool, request_to(server, Source([b"once"], 4, replayable=False))) == b"{}"
        assert len(again.exchanges) == 2
        assert pool.stats().resent == 0
        await server.until(lambda s: s.connections[0].ended.is_set())
        assert_all_free(pool)


async def test_an_upload_that_is_disowned_begins_again_on_the_next_connection() -> None:
    http2 = Http2([GoAway(0), HoldStream()], window=1000)
    async with fault_server([http2], [Http2()]) as server, PoolTransport(http2=True) as pool:
        source = Source([b"x" * 100_000] * 5, 500_000)
        with fail_after(10):
            assert await fetch(pool, request_to(server, source)) == b"{}"
        assert len(server.requests[-1].body) == 500_000
        assert (source.opened, source.closed) == (2, 2)
        assert_all_free(pool)


async def test_an_upload_that_can_be_read_only_once_is_a_failure_that_says_so() -> None:
    http2 = Http2([GoAway(0), HoldStream()], window=1000)
    async with fault_server([http2], [Http2()]) as server, PoolTransport(http2=True) as pool:
        source = Source([b"x" * 100_000] * 5, 500_000, replayable=False)
        with fail_after(10), pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, source))
        assert (caught.value.kind, caught.value.unprocessed) == ("lost", True)
        assert (source.opened, source.closed) == (1, 1)
        assert await fetch(pool, request_to(server)) == b"{}"
        assert_all_free(pool)


async def test_a_server_that_turns_every_connection_away_is_given_up_soon() -> None:
    calm = GoAway(0, ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings")
    async with fault_server([Http2([calm])]) as server, PoolTransport(http2=True) as pool:
        with fail_after(5), pytest.raises(TransportFailure, match=r"ENHANCE_YOUR_CALM: too_many_pings") as caught:
            await fetch(pool, request_to(server, b"hello"))
        assert (caught.value.kind, caught.value.sent, caught.value.unprocessed) == ("lost", "none", True)
        assert 2 <= len(server.connections) <= 20
        assert_all_free(pool)


@pytest.mark.parametrize(("second", "resent"), [(5, 2), (3, 3), (9, 2)])
async def test_a_second_notice_may_disown_more_and_never_less(second: int, resent: int) -> None:
    """Streams 3, 5, 7 and 9 are under way, and the first notice names 5."""
    gate = Event()

    async def change(session: Session) -> None:
        await session.go_away(5)
        # A server that raises it breaks RFC 9113, section 6.8.
        await session.send(GoAwayFrame(0, last_stream_id=second))
        session.limit = min(second, 5)
        gate.set()

    async def begin(exchange: Exchange) -> None:
        exchange.session.start(partial(change, exchange.session))

    waits = [Request(), Wait(gate), Answer()]
    http2 = Http2(SERVE, waits, waits, waits, [begin, *waits], max_streams=100)
    async with fault_server([http2], [again := Http2()]) as server, PoolTransport(http2=True) as pool:
        await fetch(pool, request_to(server))  # stream 1: from here on the settings are known
        with fail_after(10):
            async with create_task_group() as group:
                for _ in range(4):
                    group.start_soon(fetch, pool, request_to(server))
        assert len(again.exchanges) == pool.stats().resent == resent
        assert_all_free(pool)


@pytest.mark.parametrize("streams", [0, 5])
async def test_a_lost_connection_without_a_notice_is_resent_only_where_repeating_is_harmless(streams: int) -> None:
    async def vanish(exchange: Exchange) -> None:
        await exchange.session.peer.aclose()

    for method, headers, safe in (
        ("GET", [], True),
        ("POST", [(b"idempotency-key", b"k")], True),
        ("POST", [], False),
    ):
        http2 = Http2(*[SERVE] * (streams + 1), [Request(), vanish])
        async with fault_server([http2], [Http2()]) as server, PoolTransport(http2=True) as pool:
            for _ in range(streams + 1):
                await fetch(pool, request_to(server))
            asked = request_to(server, method=method, headers=headers)
            with fail_after(5):
                if safe:
                    assert await fetch(pool, asked) == b"{}"
                else:
                    with pytest.raises(TransportFailure) as caught:
                        await fetch(pool, asked)
                    assert (caught.value.kind, caught.value.fresh) == ("lost", False)
                    assert await fetch(pool, request_to(server)) == b"{}"
            assert_all_free(pool)
