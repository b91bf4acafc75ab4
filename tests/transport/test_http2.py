"""HTTP/2 from the pool down to the wire, against h2's own server side: exchanges, sharing, ends, limits and failures."""

from __future__ import annotations

import traceback

import pytest
from anyio import CancelScope, Event, create_task_group, wait_all_tasks_blocked
from h2.connection import H2Connection
from h2.events import PingReceived
from h2.settings import SettingCodes

from anyopenai._timeouts import Timeout
from anyopenai.transport import TransportFailure, http2_pump
from transport.exchanges import Source, assert_all_free
from transport.h2peer import Peer, serve_all
from transport.h2setup import Setup, fetch, request_to


async def test_a_request_and_its_answer_go_over_one_stream(setup: Setup) -> None:
    seen: list[str] = []
    async with setup.server(serve_all) as server, setup.pool() as pool:
        request = request_to(
            server,
            b"hello",
            headers=[(b"authorization", b"Bearer sk-1"), (b"connection", b"keep-alive"), (b"x-empty", b"")],
            trace=lambda name, facts: seen.append(f"{name} {facts.get('http_version', '')}".strip()),
        )
        response = await pool.send(request)
        assert (response.status, response.http_version) == (200, "HTTP/2")
        assert await response.read(100) == b"5"
        assert response.complete
        assert request.sent == "all"
        asked = server.peers[0].asked[1]
        assert asked.headers == {
            b":method": b"POST",
            b":scheme": b"https" if server.tls else b"http",
            b":authority": b"127.0.0.1:%d" % server.port,
            b":path": b"/v1/things",
            b"authorization": b"Bearer sk-1",
            b"x-empty": b"",
            b"accept-encoding": asked.headers[b"accept-encoding"],
            b"content-length": b"5",
        }
        assert seen == ["connect", *(["tls"] if server.tls else []), "request.sent", "head HTTP/2", "body.end"]
        assert_all_free(pool)
        assert pool.stats().connections == 1


async def test_many_requests_at_once_share_one_connection(setup: Setup) -> None:
    async with setup.server(serve_all) as server, setup.pool() as pool:
        async with create_task_group() as group:
            for number in range(100):
                group.start_soon(fetch, pool, request_to(server, b"x" * number))
        assert pool.stats().opened == 1
        assert len(server.peers[0].asked) == 100
        assert_all_free(pool)


async def test_a_stream_left_early_is_reset_and_the_connection_goes_on(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.head(asked.stream)
        await peer.body(asked.stream, b"begun")
        await serve_all(peer)

    async with setup.server(script) as server, setup.pool() as pool:
        response = await pool.send(request_to(server))
        assert await response.receive() == b"begun"
        await response.aclose()
        assert_all_free(pool)
        assert await fetch(pool, request_to(server, b"next")) == b"4"
        peer = server.peers[0]
        assert peer.resets == {1: 8}
        assert len(server.peers) == 1


async def test_a_cancelled_request_resets_its_stream_and_leaves_its_sibling_alone(setup: Setup) -> None:
    gate = Event()

    async def script(peer: Peer) -> None:
        first, second = await peer.next_request(), await peer.next_request()
        await gate.wait()
        await peer.until(lambda peer: first.stream in peer.resets)
        await peer.answer(second.stream)

    async with setup.server(script) as server, setup.pool() as pool:
        with CancelScope() as scope:
            async with create_task_group() as group:

                async def unlucky() -> None:
                    with scope_of_first:
                        await fetch(pool, request_to(server))

                async def lucky() -> None:
                    answers.append(await fetch(pool, request_to(server)))

                answers: list[bytes] = []
                scope_of_first = CancelScope()
                group.start_soon(unlucky)
                await wait_all_tasks_blocked()
                group.start_soon(lucky)
                await wait_all_tasks_blocked()
                scope_of_first.cancel()
                gate.set()
        assert not scope.cancelled_caught
        assert answers == [b"{}"]
        assert server.peers[0].resets == {1: 8}
        assert_all_free(pool)


async def test_streams_above_what_goaway_names_are_sent_again_and_those_below_go_on(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = [await peer.next_request() for _ in range(4)]
        await peer.say_goaway(asked[1].stream)
        for one in asked[:2]:
            await peer.answer(one.stream, b"old")

    answers: list[bytes] = []
    async with setup.server(script, serve_all) as server, setup.pool() as pool:

        async def ask() -> None:
            answers.append(await fetch(pool, request_to(server, b"again")))

        async with create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
        assert sorted(answers) == [b"5", b"5", b"old", b"old"]
        assert pool.stats().resent == 2
        assert_all_free(pool)


async def test_a_refused_stream_is_sent_again(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.reset(asked.stream, 7)
        await serve_all(peer)

    async with setup.server(script) as server, setup.pool() as pool:
        assert await fetch(pool, request_to(server, b"12345")) == b"5"
        assert pool.stats().resent == 1


async def test_a_body_larger_than_the_windows_arrives_whole(setup: Setup) -> None:
    async with setup.server(serve_all) as server, setup.pool() as pool:
        assert await fetch(pool, request_to(server, b"x" * 1_000_000)) == b"1000000"
        source = Source([b"y" * 70_000] * 5)
        assert await fetch(pool, request_to(server, source)) == b"350000"
        source = Source([b"y" * 70_000] * 5, 350_000)
        assert await fetch(pool, request_to(server, source)) == b"350000"
        assert source.closed == 1
        assert server.peers[0].asked[5].frames[-1] > 0
        assert_all_free(pool)


async def test_a_body_that_is_read_piece_by_piece_can_be_the_first_on_a_connection(setup: Setup) -> None:
    async with setup.server(serve_all) as server, setup.pool() as pool:
        assert await fetch(pool, request_to(server, Source([b"y" * 70_000] * 5))) == b"350000"
        assert_all_free(pool)


async def test_an_answer_larger_than_the_windows_arrives_whole(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await peer.answer(asked.stream, b"z" * 3_000_000)

    async with setup.server(script) as server, setup.pool() as pool:
        assert await fetch(pool, request_to(server)) == b"z" * 3_000_000


async def test_an_answer_of_the_wrong_length_ends_its_own_stream_only(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        first, second = await peer.next_request(), await peer.next_request()
        await peer.answer(first.stream, b"short", fields=[(b"content-length", b"9")])
        await peer.answer(second.stream, b"right")

    answers: list[bytes] = []
    failures: list[TransportFailure] = []
    async with setup.server(script) as server, setup.pool() as pool:

        async def ask() -> None:
            try:
                answers.append(await fetch(pool, request_to(server)))
            except TransportFailure as failure:
                failures.append(failure)

        async with create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)
        assert answers == [b"right"]
        [failure] = failures
        assert failure.kind == "protocol"
        assert "HTTP/2: the body has 5 bytes or more where its head announced 9" in failure.message
        assert_all_free(pool)


async def test_a_timeout_ends_its_own_stream_only(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        first, second = await peer.next_request(), await peer.next_request()
        await peer.until(lambda peer: len(peer.resets) == 1)
        await peer.answer(second.stream if first.stream in peer.resets else first.stream)

    async with setup.server(script) as server, setup.pool() as pool:
        async with create_task_group() as group:

            async def patient() -> None:
                assert await fetch(pool, request_to(server)) == b"{}"

            async def hasty() -> None:
                with pytest.raises(TransportFailure, match=r"no answer from .* within 0.05 s") as caught:
                    await fetch(pool, request_to(server, timeout=Timeout(None, read=0.05)))
                assert (caught.value.kind, caught.value.sent) == ("timeout", "all")

            group.start_soon(hasty)
            group.start_soon(patient)
        assert_all_free(pool)


async def test_no_more_streams_than_the_server_allows_are_open(setup: Setup) -> None:
    most = 0

    async def script(peer: Peer) -> None:
        nonlocal most
        while True:
            asked = await peer.next_request()
            most = max(most, peer.h2.open_inbound_streams)
            await peer.answer(asked.stream)

    settings = {SettingCodes.MAX_CONCURRENT_STREAMS: 3}
    async with setup.server(script, settings=settings) as server, setup.pool(max_connections=2) as pool:
        async with create_task_group() as group:
            for _ in range(40):
                group.start_soon(fetch, pool, request_to(server, b"x"))
        assert most <= 3
        assert pool.stats().opened <= 2
        assert pool.stats().resent == 0
        assert_all_free(pool)


async def test_a_slow_reader_holds_no_more_than_its_window_and_slows_nobody(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        slow = await peer.next_request()
        await peer.head(slow.stream)
        fast = await peer.next_request()
        while peer.h2.local_flow_control_window(slow.stream):
            await peer.body(slow.stream, b"s" * min(16384, peer.h2.local_flow_control_window(slow.stream)))
        await peer.answer(fast.stream, b"f" * 3_000_000)
        await peer.body(slow.stream, b"s" * 100_000, end=True)

    async with setup.server(script) as server, setup.pool() as pool:
        slow = await pool.send(request_to(server, stream=True))
        assert await fetch(pool, request_to(server)) == b"f" * 3_000_000
        rest = await slow.read(1 << 24)
        assert rest == b"s" * (1048576 + 100_000)
        assert_all_free(pool)


async def test_closing_an_answer_wakes_the_task_that_reads_it(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        for _ in range(2):
            await peer.head((await peer.next_request()).stream)
        await serve_all(peer)

    async with setup.server(script) as server, setup.pool() as pool:
        responses = [await pool.send(request_to(server)) for _ in range(2)]
        async with create_task_group() as group:

            async def read(index: int) -> None:
                with pytest.raises(TransportFailure) as caught:
                    await responses[index].receive()
                assert caught.value.kind == "closed"

            for index in range(2):
                group.start_soon(read, index)
                await wait_all_tasks_blocked()
            # The first reads for both.
            for index in range(2):
                await responses[index].aclose()
        assert await fetch(pool, request_to(server, b"12")) == b"2"
        assert server.peers[0].resets == {1: 8, 3: 8}


@pytest.mark.parametrize("code", [0, 8])
async def test_an_early_answer_ends_the_upload_and_is_not_lost(setup: Setup, code: int) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_head()
        await peer.answer(asked.stream, b"too much", 413)
        await peer.reset(asked.stream, code)
        await serve_all(peer)

    async with setup.server(script) as server, setup.pool() as pool:
        source = Source([b"x" * 50_000] * 1000)
        response = await pool.send(request_to(server, source))
        assert (response.status, await response.read(100)) == (413, b"too much")
        assert source.closed == 1
        response = await pool.send(request_to(server, b"x" * 100))
        assert await response.read(100) == b"100"
        assert len(server.peers) == 1
        assert_all_free(pool)


async def test_an_upload_into_a_server_that_reads_nothing_blocks_nobody_and_can_be_cancelled(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        peer.h2.increment_flow_control_window(1 << 30)
        reader = await peer.next_request()
        peer.h2.increment_flow_control_window(1 << 30, reader.stream)
        await peer.head(reader.stream)
        upload = await peer.next_head()
        peer.h2.increment_flow_control_window(1 << 30, upload.stream)
        await peer.flush()
        peer.deaf = Event()
        await peer.body(reader.stream, b"still")
        await gate.wait()
        peer.deaf.set()
        await peer.body(reader.stream, b" here", end=True)
        await serve_all(peer)

    gate = Event()
    async with setup.server(script) as server, setup.pool() as pool:
        response = await pool.send(request_to(server))
        async with create_task_group() as group:
            group.start_soon(fetch, pool, request_to(server, b"x" * 30_000_000))
            assert await response.receive() == b"still"
            await wait_all_tasks_blocked()
            if setup.backend:
                # Its writes cannot be interrupted: the server has to take them.
                gate.set()
            group.cancel_scope.cancel()
        gate.set()
        if setup.backend:
            await response.aclose()
            return
        assert await response.receive() == b" here"
        assert await fetch(pool, request_to(server, b"123")) == b"3"
        assert server.peers[0].resets == {3: 8}
        assert_all_free(pool)


async def test_requests_of_one_turn_share_a_write(setup: Setup) -> None:
    async with setup.server(serve_all) as server, setup.pool() as pool:
        await fetch(pool, request_to(server))
        peer = server.peers[0]
        before = peer.reads
        async with create_task_group() as group:
            for _ in range(50):
                group.start_soon(fetch, pool, request_to(server))
        # The first goes alone, then all others at once, then what is owed to the answers.
        assert peer.reads - before <= 10
        assert len(peer.asked) == 51


async def test_a_long_silence_is_bridged_with_pings(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_pump, "PING_AFTER", 0.02)

    async def script(peer: Peer) -> None:
        asked = await peer.next_request()
        await pinged.wait()
        await peer.answer(asked.stream)

    pinged = Event()
    pings = 0
    original = H2Connection.receive_data

    def count(connection: H2Connection, data: bytes) -> object:
        nonlocal pings
        events = original(connection, data)
        pings += sum(isinstance(event, PingReceived) for event in events)
        if pings >= 2:
            pinged.set()
        return events

    monkeypatch.setattr(H2Connection, "receive_data", count)
    async with setup.server(script) as server, setup.pool() as pool:
        assert await fetch(pool, request_to(server)) == b"{}"


async def test_a_server_that_answers_no_ping_counts_as_gone(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http2_pump, "PING_AFTER", 0.02)
    monkeypatch.setattr(http2_pump, "PING_WAIT", 0.05)

    async def script(peer: Peer) -> None:
        await peer.next_request()
        peer.deaf = Event()
        await peer.until_closed()

    async with setup.server(script) as server, setup.pool() as pool:
        with pytest.raises(TransportFailure, match=r"did not answer a PING within 0.05 s") as caught:
            await fetch(pool, request_to(server))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("lost", "head", "all")
        assert_all_free(pool)
        server.peers[0].deaf.set()


async def test_reports_of_a_failure_show_no_key(setup: Setup) -> None:
    async def script(peer: Peer) -> None:
        asked = await peer.next_head()
        await peer.reset(asked.stream, 2)

    async with setup.server(script) as server, setup.pool() as pool:
        request = request_to(server, b"x" * 2_000_000, headers=[(b"authorization", b"Bearer sk-secret")])
        with pytest.raises(TransportFailure, match="INTERNAL_ERROR") as caught:
            await pool.send(request)
        error: BaseException | None = caught.value
        while error is not None:
            frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            shown = [repr(frame.f_locals) for frame in frames if "/anyopenai/" in frame.f_code.co_filename]
            assert not any("sk-secret" in text for text in shown)
            error = error.__cause__ or error.__context__
