"""Requests that do not go in one write: they arrive whole, and an answer that comes before their end is not lost."""

from __future__ import annotations

import pytest
from anyio import Event, fail_after

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Close, Forever, Peer, Receive, Reply, Reset, Send, Stall, Step, Wait, fault_server
from anyopenai.transport import BodySource, PoolTransport, TransportFailure
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to

OK = Reply(body=b"{}")
SERVE = [Forever(Receive(), OK)]
# Beyond what the kernel keeps for a server that does not read (4 MB on the sending side).
HUGE = bytes(12_000_000)
PIECES = [bytes([number]) * 300_000 for number in range(10)]


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize(
    ("body", "chunked"),
    [(b"".join(PIECES), False), (Source(PIECES, 3_000_000), False), (Source(PIECES), True), (Source([b"a"]), True)],
    ids=["bytes", "source with a length", "source without", "small source"],
)
async def test_a_body_arrives_whole_and_its_connection_is_kept(
    body: bytes | BodySource, chunked: bool, encrypted: bool, authority: Authority
) -> None:
    tls = authority.server if encrypted else None
    async with fault_server(SERVE, tls=tls) as server, PoolTransport(ssl_context=authority.client) as pool:
        request = request_to(server, body)
        assert await fetch(pool, request) == b"{}"
        assert request.sent == "all"
        await fetch(pool, request_to(server))
        assert pool.stats().opened == 1
    sent = body if isinstance(body, bytes) else b"".join(piece for piece in body.pieces)
    assert server.requests[0].body == sent
    assert server.requests[0].header("transfer-encoding") == ("chunked" if chunked else None)
    if isinstance(body, Source):
        assert body.opened == body.closed


async def test_bytes_that_the_caller_wants_chunked_are_sent_so() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        for body in (b"hello", b""):
            await fetch(pool, request_to(server, body, headers=[(b"transfer-encoding", b"chunked")]))
    assert [request.body for request in server.requests] == [b"hello", b""]


@pytest.mark.parametrize("body", [b"{}", Source([b"{}"], 2), Source([b"{}"])])
async def test_head_and_small_body_travel_in_one_write(body: bytes | BodySource) -> None:
    first: list[bytes] = []

    async def look(peer: Peer) -> None:
        first.append(await peer.receive_some())
        await peer.send(b"HTTP/1.1 204 OK\r\n\r\n")

    async with fault_server([look]) as server, PoolTransport() as pool:
        await fetch(pool, request_to(server, body))
    head, _, rest = first[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST")
    assert b"{}" in rest


@pytest.mark.parametrize("source", [HUGE, Source([HUGE[:300_000]] * 100), Source([HUGE[:300_000]] * 50, 15_000_000)])
@pytest.mark.parametrize("ending", ["waits", "closes", "resets"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_an_error_answer_to_an_unfinished_upload_is_reported(
    source: bytes | BodySource, ending: str, encrypted: bool, authority: Authority
) -> None:
    gate = Event()
    last: Step = {"waits": Wait(gate), "closes": Close(), "resets": Reset()}[ending]
    steps: list[Step] = [Receive(body=False), Reply(413, b"too large"), last]
    tls = authority.server if encrypted else None
    async with fault_server(steps, SERVE, tls=tls) as server, PoolTransport(ssl_context=authority.client) as pool:
        with fail_after(10):
            request = request_to(server, source)
            response = await pool.send(request)
            assert response.status == 413
            assert await response.read(100) == b"too large"
            assert request.sent == "partial"
            assert_all_free(pool)
            gate.set()
            await fetch(pool, request_to(server))
            assert pool.stats().opened == 2
    if isinstance(source, Source):
        assert source.opened == source.closed


async def test_an_informational_answer_does_not_end_an_upload() -> None:
    steps = [Receive(body=False), Send(b"HTTP/1.1 100 Continue\r\n\r\n")]

    async def read_on(peer: Peer) -> None:
        await peer.receive_exactly(len(HUGE))
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    async with fault_server([*steps, read_on]) as server, PoolTransport() as pool:
        request = request_to(server, HUGE)
        assert await fetch(pool, request) == b"{}"
        assert request.sent == "all"


async def test_a_success_that_begins_early_does_not_end_an_upload() -> None:
    steps = [Receive(body=False), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n")]

    async def read_on(peer: Peer) -> None:
        await peer.receive_exactly(len(HUGE))
        await peer.send(b"4\r\nlate\r\n0\r\n\r\n")

    async with fault_server([*steps, read_on, *SERVE]) as server, PoolTransport() as pool:
        request = request_to(server, HUGE)
        assert await fetch(pool, request) == b"earlylate"
        assert request.sent == "all"
        await fetch(pool, request_to(server))
        assert pool.stats().opened == 1


async def test_a_success_that_is_complete_ends_an_upload() -> None:
    async with fault_server([Receive(body=False), OK, Wait(Event())]) as server, PoolTransport() as pool:
        with fail_after(10):
            request = request_to(server, HUGE)
            assert await fetch(pool, request) == b"{}"
        assert request.sent == "partial"
        assert pool.stats().connections == 0


@pytest.mark.parametrize("ending", [Close(), Reset()])
async def test_a_server_that_leaves_during_an_upload_is_a_lost_connection(ending: Step) -> None:
    async with fault_server([Receive(body=False), ending]) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, HUGE))
        assert (caught.value.kind, caught.value.sent) == ("lost", "partial")
        assert_all_free(pool)


async def test_nonsense_during_an_upload_is_a_protocol_failure() -> None:
    steps = [Receive(body=False), Send(b"nonsense\r\n\r\n"), Wait(Event())]
    async with fault_server(steps) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, HUGE))
        assert caught.value.kind == "protocol"
        assert_all_free(pool)


async def test_a_server_that_takes_no_more_is_given_up_in_time() -> None:
    async with fault_server([Receive(body=False), Wait(Event())]) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure, match="took no more of the request within") as caught:
            await fetch(pool, request_to(server, HUGE, timeout=Timeout(None, write=0.05)))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "write", "partial")
        assert_all_free(pool)


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone", "a.bin"), ValueError("bug"), ConnectionResetError()])
@pytest.mark.parametrize("before", [[], [b"x" * 10], [b"x" * 400_000]])
async def test_what_the_body_s_source_raises_comes_out_as_it_is(error: Exception, before: list[bytes]) -> None:
    source = Source([*before, error])
    async with fault_server([Stall()]) as server, PoolTransport() as pool:
        with pytest.raises(type(error)) as caught:
            await fetch(pool, request_to(server, source))
        assert caught.value is error
        assert source.opened == source.closed == 1
        assert_all_free(pool)
        assert pool.stats().connections == 0


@pytest.mark.parametrize(("length", "said"), [(5, "gave at least 6"), (7, "gave 6"), (0, "gave at least 3")])
async def test_a_body_that_is_not_as_long_as_it_said_is_refused(length: int, said: str) -> None:
    source = Source([b"abc", b"def"], length)
    async with fault_server([Stall()]) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure, match=said) as caught:
            await fetch(pool, request_to(server, source))
        assert caught.value.kind == "input"
        assert source.opened == source.closed == 1
        assert_all_free(pool)
