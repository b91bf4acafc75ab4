"""HTTP/2's limits from both sides: streams at once, windows of any size, and readers that stop or leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from anyio import CancelScope, Event, create_task_group, fail_after, wait_all_tasks_blocked
from anyio.abc import TaskStatus
from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame, WindowUpdateFrame

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Wait, fault_server
from anyopenai.testing.http2 import (
    SERVE,
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    Head,
    HoldStream,
    Http2,
    Request,
    Session,
    SettingCodes,
    Settings,
)
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest, WireResponse
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to

BODY = bytes(range(256))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Leave out uvloop: what it does differently lies below HTTP/2, and `test_http2` has it."""
    return str(request.param)


async def at_once(pool: PoolTransport, count: int, request: Callable[[], WireRequest]) -> None:
    """Make so many requests at the same time."""
    with fail_after(18):
        async with create_task_group() as group:
            for _ in range(count):
                group.start_soon(fetch, pool, request())


class Busy:
    """Notes how many requests are under way at once.

    Attributes:
        most: The most on one connection.
    """

    def __init__(self) -> None:
        self.most = 0

    async def __call__(self, exchange: Exchange) -> None:
        self.most = max(self.most, exchange.session.h2.open_inbound_streams)


@pytest.mark.parametrize(
    ("limit", "requests", "least", "most"),
    [(None, 200, 1, 4), (1, 24, 8, 8), (100, 250, 3, 8), (1000, 200, 1, 4)],
    ids=["absent", "1", "100", "1000"],
)
async def test_a_limit_of_streams_is_kept_and_further_connections_take_the_rest(
    limit: int | None, requests: int, least: int, most: int
) -> None:
    busy = Busy()
    http2 = Http2([Request(), busy, Answer()], max_streams=limit)
    async with fault_server([http2]) as server, PoolTransport(http2=True, max_connections=8) as pool:
        await at_once(pool, requests, lambda: request_to(server, BODY))
        assert least <= len(server.connections) <= most
        assert len(http2.exchanges) == requests
        assert busy.most <= (limit or requests)
        # h2 objects to a stream above the limit that the client has acknowledged.
        assert http2.violations == []
        assert_all_free(pool)


@pytest.mark.parametrize("limit", [0, 1, 5])
async def test_a_limit_that_falls_while_requests_are_under_way_holds_for_the_next(limit: int) -> None:
    gate = Event()

    async def lower(exchange: Exchange) -> None:
        await exchange.session.change({SettingCodes.MAX_CONCURRENT_STREAMS: limit})
        await exchange.session.acknowledged()
        gate.set()

    waits = [Request(), Wait(gate), Answer()]
    http2 = Http2(SERVE, *[waits] * 29, [Request(), lower, Answer()], SERVE, max_streams=100)
    async with (
        fault_server([http2], [again := Http2()]) as server,
        PoolTransport(http2=True, max_connections=2) as pool,
    ):
        await fetch(pool, request_to(server))
        await at_once(pool, 30, lambda: request_to(server))
        assert len(server.connections) == 1
        await at_once(pool, 20, lambda: request_to(server))
        if limit == 0:
            assert len(http2.exchanges) == 31
        assert len(http2.exchanges) + len(again.exchanges) == 51
        assert http2.violations + again.violations == []
        assert_all_free(pool)


async def test_a_server_that_allows_no_stream_is_asked_once_a_connection() -> None:
    """The first request goes out before the settings have come, and may."""
    http2 = Http2(max_streams=0)
    async with fault_server([http2]) as server, PoolTransport(http2=True, max_connections=1) as pool:
        with fail_after(5):
            for _ in range(3):
                assert await fetch(pool, request_to(server)) == b"{}"
        assert len(server.connections) == 3
        assert http2.violations == []
        assert_all_free(pool)


async def test_a_limit_that_rises_lets_those_in_line_go_on() -> None:
    gate = Event()
    rise = [Request(), Settings({SettingCodes.MAX_CONCURRENT_STREAMS: 50}), Wait(gate), Answer()]
    http2 = Http2(SERVE, rise, [Request(), Wait(gate), Answer()], max_streams=1)
    async with fault_server([http2]) as server, PoolTransport(http2=True, max_connections=1) as pool:
        await fetch(pool, request_to(server))
        async with create_task_group() as group:
            group.start_soon(partial(at_once, pool, 20, lambda: request_to(server)))
            await server.until(lambda _: len(http2.exchanges) == 21)
            gate.set()
        assert len(server.connections) == 1
        assert http2.violations == []


@pytest.mark.parametrize("window", [1, 7, 100])
async def test_uploads_keep_to_windows_however_small(window: int) -> None:
    http2 = Http2(SERVE, window=window)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        with fail_after(15):
            await fetch(pool, request_to(server, method="GET"))  # from here on the window is known
            for body in (BODY, Source([BODY[:100], BODY[100:]], len(BODY)), Source([BODY])):
                assert await fetch(pool, request_to(server, body)) == b"{}"
        assert [request.body for request in server.requests[1:]] == [BODY] * 3
        assert http2.violations == []
        assert_all_free(pool)


@pytest.mark.parametrize("least", [0, 1, 16_384])
async def test_a_window_that_turns_negative_is_waited_for(least: int) -> None:
    """The client has used most of a window when its size is cut; the upload goes on when there is credit again."""
    large = BODY * 900

    async def shrink(exchange: Exchange) -> None:
        session = exchange.session
        while len(exchange.body) < 65_535:
            await session.next_event()
        await session.change({SettingCodes.INITIAL_WINDOW_SIZE: least})
        await session.acknowledged()
        came = len(exchange.body)
        # Deep in the negative: no byte may come.
        await session.acknowledged()
        assert len(exchange.body) == came == 65_535
        for size in (1, 60_000, 1_000_000):
            session.h2.increment_flow_control_window(size, exchange.id)
            session.h2.increment_flow_control_window(size)
            await session.flush()
            await session.acknowledged()

    http2 = Http2([shrink, Request(), Answer()], credit=False)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        with fail_after(15):
            assert await fetch(pool, request_to(server, large)) == b"{}"
        assert server.requests[0].body == large
        assert http2.violations == []


async def test_a_window_that_never_opens_is_a_timeout_of_that_request_only() -> None:
    http2 = Http2(SERVE, [HoldStream()], SERVE, window=0)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        await fetch(pool, request_to(server, method="GET"))
        with fail_after(10), pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, BODY, timeout=Timeout(None, write=0.05)))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "write", "partial")
        assert await fetch(pool, request_to(server, method="GET")) == b"{}"
        assert http2.sessions[0].resets == {3: ErrorCodes.CANCEL}
        assert len(server.connections) == 1
        assert_all_free(pool)


async def test_an_upload_that_used_up_the_connections_window_stops_no_request_without_a_body() -> None:
    http2 = Http2([HoldStream()], SERVE, window=2**20, credit=False)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        async with create_task_group() as group:
            group.start_soon(fetch, pool, request_to(server, BODY * 900))
            await server.until(lambda _: any(len(exchange.body) == 65_535 for exchange in http2.exchanges))
            for _ in range(5):
                assert await fetch(pool, request_to(server, method="GET")) == b"{}"
            group.cancel_scope.cancel()
        assert_all_free(pool)


async def test_a_reader_that_stops_holds_its_window_and_slows_nobody(h2_authority: Authority) -> None:
    sent = Counter[int]()

    async def pour(exchange: Exchange) -> None:
        await exchange.send_headers([(":status", "200")])
        for _ in range(400):
            await exchange.send_data(bytes(10_000))
            sent[exchange.id] += 10_000
        await exchange.send_data(b"", end=True)

    http2 = Http2([Request(), pour])
    async with (
        fault_server([http2], tls=h2_authority.server) as server,
        PoolTransport(ssl_context=h2_authority.client) as pool,
    ):
        with fail_after(18):
            stopped = [await pool.send(request_to(server, stream=True)) for _ in range(4)]
            for _ in range(2):
                assert len(await fetch(pool, request_to(server))) == 4_000_000
            # What a stopped reader may hold is its window, 1 MiB.
            assert max(sent[exchange.id] for exchange in http2.exchanges[:4]) <= 1_048_576
            assert len(await stopped[0].read(1 << 24)) == 4_000_000
            for response in stopped[1:]:
                await response.aclose()
            assert len(server.connections) == 1
        assert http2.violations == []
        assert_all_free(pool)


@pytest.mark.parametrize("way", ["aclose", "abandon", "drain"])
async def test_100_answers_left_in_a_row_are_all_reset_and_stall_nothing(way: str) -> None:
    await leave(100, way)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["aclose", "abandon", "drain"])
async def test_2000_answers_left_in_a_row_are_all_reset_and_stall_nothing(way: str) -> None:
    await leave(2_000, way)


async def leave(count: int, way: str) -> None:
    """Begin to read answers that never end, in all more than the connection's window, and leave them; then read one whole."""
    http2 = Http2(
        *[[Request(), Head(), Data(bytes(200_000)), HoldStream()]] * count, [Request(), Answer(body=bytes(4_000_000))]
    )
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        for _ in range(count):
            response = await pool.send(request_to(server, stream=True))
            assert await response.receive(1000)
            if way == "aclose":
                await response.aclose()
            elif way == "abandon":
                response.abandon()
            else:
                assert not await response.drain(1000, 0.0)
        assert len(await fetch(pool, request_to(server))) == 4_000_000
        assert list(http2.sessions[0].resets.values()) == [ErrorCodes.CANCEL] * count
        assert len(server.connections) == 1
        assert http2.violations == []
        assert_all_free(pool)


async def test_a_timeout_resets_its_own_stream_only() -> None:
    gate = Event()
    http2 = Http2(
        [Request(), Head(), Wait(gate), Data(b"late", end=True)],
        [Request(), HoldStream()],
        [Request(), Head(), HoldStream()],
    )
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        patient = await pool.send(request_to(server, stream=True))
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, timeout=Timeout(None, read=0.05)))
        assert (caught.value.kind, caught.value.phase) == ("timeout", "head")
        response = await pool.send(request_to(server, stream=True))
        with pytest.raises(TransportFailure) as caught:
            await response.receive(timeout=0.05)
        assert (caught.value.kind, caught.value.phase) == ("timeout", "body")
        gate.set()
        assert await patient.read(10) == b"late"
        await server.until(lambda _: len(http2.sessions[0].resets) == 2)
        assert http2.sessions[0].resets == {3: ErrorCodes.CANCEL, 5: ErrorCodes.CANCEL}
        assert_all_free(pool)


@pytest.mark.parametrize(
    "sent", [(":status", "103"), (":status", "200"), ("x-trailer", "1")], ids=lambda field: field[1]
)
async def test_what_comes_late_for_a_stream_that_was_left_disturbs_nobody(sent: tuple[str, str]) -> None:
    """The server has not read the reset yet; what it sends still counts for compression and for the window."""

    async def go_on(exchange: Exchange) -> None:
        session = exchange.session
        while 1 not in session.resets:
            await session.next_event()
        block = session.encode([sent, ("x-remember", "this")])
        late = [HeadersFrame(1, block, flags=["END_HEADERS"]), DataFrame(1, bytes(1000)), WindowUpdateFrame(1, 5)]
        await session.send(*late, RstStreamFrame(1, 0))
        await exchange.send_headers([(":status", "200"), ("x-remember", "this")])
        await exchange.send_data(b"ok", end=True)

    http2 = Http2([Request(), HoldStream()], [Request(), go_on], SERVE, max_streams=100)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        async with create_task_group() as group:
            scope = await group.start(_in_a_scope, partial(fetch, pool, request_to(server)))
            await server.until(lambda s: len(s.requests) == 1)
            response: list[WireResponse] = []

            async def ask() -> None:
                response.append(await pool.send(request_to(server)))

            group.start_soon(ask)
            await server.until(lambda s: len(s.requests) == 2)
            scope.cancel()
        assert (b"x-remember", b"this") in response[0].headers
        assert await response[0].read(10) == b"ok"
        assert await fetch(pool, request_to(server)) == b"{}"
        assert len(server.connections) == 1
        assert http2.violations == []
        assert_all_free(pool)


async def test_readers_take_turns_at_reading_for_all_when_they_are_cancelled() -> None:
    """Whoever waits first reads for all: each cancellation hands that on, and nothing is lost."""
    gate = Event()
    http2 = Http2([Request(), Wait(gate), Answer(body=BODY)])
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        answers: list[bytes] = []

        async def ask() -> None:
            answers.append(await fetch(pool, request_to(server)))

        async with create_task_group() as group:
            scopes = [await group.start(_in_a_scope, ask) for _ in range(10)]
            await server.until(lambda s: len(s.requests) == 10)
            await wait_all_tasks_blocked()
            for scope in scopes[:9]:
                scope.cancel()
                await wait_all_tasks_blocked()
            gate.set()
        assert answers == [BODY]
        await server.until(lambda _: len(http2.sessions[0].resets) == 9)
        assert_all_free(pool)


async def _in_a_scope(work: Callable[[], Awaitable[object]], *, task_status: TaskStatus[CancelScope]) -> None:
    with CancelScope() as scope:
        task_status.started(scope)
        await work()


async def test_settings_of_compression_and_frames_are_followed() -> None:
    codes = SettingCodes
    changes = [
        {codes.HEADER_TABLE_SIZE: 0},
        {codes.HEADER_TABLE_SIZE: 65_536, codes.MAX_FRAME_SIZE: 2**24 - 1},
        {codes.MAX_FRAME_SIZE: 16_384, codes.HEADER_TABLE_SIZE: 100},
        {codes.MAX_HEADER_LIST_SIZE: 1 << 20, codes.INITIAL_WINDOW_SIZE: 2**31 - 1},
    ]
    http2 = Http2(*[[Request(), Settings(change), Answer(headers={"x-same": "y" * 50})] for change in changes], SERVE)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        headers = [(b"x-mine", b"z" * 90), (b"authorization", b"Bearer secret")]
        for _ in range(8):
            assert await fetch(pool, request_to(server, BODY * 100, headers=headers)) == b"{}"
        assert {request.header("x-mine") for request in server.requests} == {"z" * 90}
        assert len(server.connections) == 1
        assert http2.violations == []


async def test_credit_that_comes_while_nobody_waits_is_not_forgotten() -> None:
    async def credit(session: Session) -> None:
        if session.frames == 3:
            session.h2.increment_flow_control_window(2**30)
            await session.flush()

    http2 = Http2(on_frame=credit, window=2**31 - 1, credit=False)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        for _ in range(3):
            assert await fetch(pool, request_to(server, BODY * 600)) == b"{}"
        assert http2.violations == []
