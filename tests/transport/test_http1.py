"""Exchanges over real sockets: what a well-behaved, a careless and a broken server make of one connection."""

from __future__ import annotations

import errno
import gzip
import zlib

import pytest
from anyio import Event, create_task_group, fail_after, wait_all_tasks_blocked
from anyio.lowlevel import checkpoint

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import (
    BAD_CHUNK,
    MALFORMED_STATUS,
    Close,
    Drip,
    Forever,
    Receive,
    Reply,
    Reset,
    Send,
    Stall,
    Step,
    Wait,
    fault_server,
    response_bytes,
)
from anyopenai.transport import PoolTransport, TransportFailure
from anyopenai.transport.codings import ACCEPT_ENCODING
from anyopenai.transport.connection import Origin
from anyopenai.transport.http1 import Http1Connection
from transport.exchanges import Authority, assert_all_free, fetch, request_to

OK = Reply(body=b'{"ok": true}')
SERVE = [Forever(Receive(), OK)]


async def test_a_request_arrives_as_it_was_given_and_its_answer_comes_back() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        request = request_to(server, b'{"a": 1}', headers=[(b"authorization", b"Bearer k")])
        response = await pool.send(request)
        assert (response.status, response.http_version) == (200, "HTTP/1.1")
        assert (b"content-length", b"12") in response.headers
        assert await response.read(100) == b'{"ok": true}'
        assert response.complete
        assert_all_free(pool)
        assert request.sent == "all"
    [received] = server.requests
    assert (received.method, received.target, received.body) == ("POST", "/v1/things", b'{"a": 1}')
    assert dict(received.headers) == {
        "host": f"127.0.0.1:{server.port}",
        "authorization": "Bearer k",
        "accept-encoding": ACCEPT_ENCODING.decode(),
        "content-length": "8",
    }


async def test_ten_requests_in_turn_use_one_connection() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        for _ in range(10):
            await fetch(pool, request_to(server))
        assert pool.stats().opened == 1
    assert len(server.connections) == 1


async def test_an_error_answer_with_a_body_leaves_the_connection_usable() -> None:
    script = [Receive(), Reply(404, b"no such thing"), *SERVE]
    async with fault_server(script) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server))
        assert response.status == 404
        await response.read(100)
        await fetch(pool, request_to(server))
    assert len(server.connections) == 1


async def test_a_body_is_received_in_the_pieces_that_were_asked_for() -> None:
    async with fault_server([Receive(), Reply(body=bytes(range(10)))]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        pieces = []
        while piece := await response.receive(4):
            pieces.append(piece)
        assert pieces == [bytes(range(4)), bytes(range(4, 8)), bytes(range(8, 10))]
        assert await response.receive() == b""
        assert_all_free(pool)


async def test_the_rest_of_a_partly_received_body_can_be_read_whole() -> None:
    async with fault_server([Receive(), Reply(body=b"0123456789")]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server))
        assert await response.receive(3) == b"012"
        assert await response.read(7) == b"3456789"


async def test_a_body_in_chunks_of_one_byte_is_read_whole() -> None:
    body = bytes(range(256)) * 40
    reply = Reply(chunks=[body[i : i + 1] for i in range(len(body))])
    async with fault_server([Receive(), reply]) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server)) == body


async def test_each_piece_of_a_stream_arrives_when_it_is_sent() -> None:
    gates = [Event() for _ in range(3)]
    steps: list[Step] = [Receive(), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")]
    for number, gate in enumerate(gates):
        steps += [Wait(gate), Send(b"3\r\n%d..\r\n" % number)]
    async with fault_server([*steps, Send(b"0\r\n\r\n"), *SERVE]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        for number, gate in enumerate(gates):
            gate.set()
            assert await response.receive() == b"%d.." % number
        assert await response.receive() == b""
        await fetch(pool, request_to(server))
        assert pool.stats().opened == 1


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + response_bytes(body=b"hello"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b'00005;name="v"\r\nhello\r\n0;last\r\nx-trailer: t\r\n\r\n',
        response_bytes(body=b"hello", headers={"x-long": "v" * 20_000}),
        response_bytes(body=gzip.compress(b"hello"), headers={"content-encoding": "gzip"}),
        response_bytes(body=zlib.compress(b"hello"), headers={"content-encoding": "deflate"}),
        response_bytes(body=zlib.compress(b"hello")[2:-4], headers={"content-encoding": "deflate"}),
    ],
    ids=["informational", "chunked", "20 KB of fields", "gzip", "deflate", "raw deflate"],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_an_answer_is_read_however_it_is_cut_and_its_connection_is_kept(wire: bytes, size: int) -> None:
    if size == 1 and len(wire) > 1000:
        size = 500  # 20,000 single bytes say no more
    script = [Receive(), Drip(wire, size), *SERVE]
    async with fault_server(script) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server)) == b"hello"
        assert await fetch(pool, request_to(server)) == b'{"ok": true}'
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        response_bytes(body=b"hello", headers={"connection": "close"}),
        response_bytes(body=b"hello", headers={"connection": "x, Close"}),
        response_bytes(body=b"hello and more", headers={"content-length": "5"}),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
    ids=["until the end", "1.0 until the end", "1.0", "close", "close among others", "longer than said", "one more"],
)
async def test_an_answer_that_ends_its_connection_is_read_and_the_next_request_opens_another(wire: bytes) -> None:
    async with fault_server([Receive(), Send(wire), Close()], SERVE) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server)) == b"hello"
        assert_all_free(pool)
        await fetch(pool, request_to(server))
        assert len(server.connections) == 2


@pytest.mark.parametrize(
    "wire",
    [
        response_bytes(body=b"hello and more", headers={"content-length": "5"}),
        response_bytes(chunks=[b"hello"]) + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["longer than said", "one more"],
)
async def test_bytes_beyond_an_answer_end_its_connection_though_the_server_keeps_it(wire: bytes) -> None:
    async with fault_server([Receive(), Send(wire), Stall()], SERVE) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server)) == b"hello"
        assert pool.stats().connections == 0
        assert await fetch(pool, request_to(server)) == b'{"ok": true}'


async def test_an_answer_given_without_reading_the_request_is_read() -> None:
    async with fault_server([Reply(503, b"busy"), Close()]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, b"x" * 100_000))
        assert response.status == 503
        assert await response.read(10) == b"busy"


class GoneLink:
    """A link whose peer left after a last word."""

    def __init__(self, *words: bytes) -> None:
        self.words = list(words)

    def send_now(self, data: bytes | memoryview) -> bool:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await checkpoint()
        return self.words.pop(0) if self.words else b""

    async def flush(self) -> None:
        raise NotImplementedError

    def is_stale(self) -> bool:
        return False

    def close(self) -> bool:
        return True

    def abort(self) -> None: ...

    async def aclose(self) -> None: ...


class Owner:
    """Notes what is given back."""

    def __init__(self) -> None:
        self.released: list[bool] = []

    def release(self, connection: object, *, reusable: bool) -> None:
        self.released.append(reusable)

    async def tidy(self) -> None: ...

    def abandon(self, connection: object) -> None: ...


async def test_the_last_word_of_a_peer_that_takes_nothing_is_the_answer() -> None:
    owner = Owner()
    async with fault_server() as server:
        connection = Http1Connection(GoneLink(response_bytes(503, b"busy")), Origin("http", "h", 80))
        response = await connection.exchange(request_to(server, b"{}"), owner)
        assert response.status == 503
        assert await response.read(10) == b"busy"
        silent = Http1Connection(GoneLink(), Origin("http", "h", 80))
        with pytest.raises(TransportFailure, match="h:80 broke while the request was being sent") as caught:
            await silent.exchange(request_to(server, b"{}"), owner)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("lost", "write", "none")
        assert isinstance(caught.value.__cause__, BrokenPipeError)
    assert owner.released == [False, False]


@pytest.mark.parametrize(
    ("method", "wire"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-encoding: gzip\r\n\r\n"),
    ],
)
async def test_an_answer_without_a_body_ends_with_its_head(method: str, wire: bytes) -> None:
    async with fault_server([Receive(), Send(wire), *SERVE]) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server, method=method)) == b""
        await fetch(pool, request_to(server))
        assert len(server.connections) == 1


async def test_a_request_with_connection_close_is_the_last_on_its_connection() -> None:
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        await fetch(pool, request_to(server, headers=[(b"connection", b"close")]))
        assert pool.stats().connections == 0
        await fetch(pool, request_to(server))
    assert len(server.connections) == 2


async def test_a_compressed_stream_is_decoded_event_by_event() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = [packer.compress(b"data: %d\n\n" % n) + packer.flush(zlib.Z_SYNC_FLUSH) for n in range(3)]
    gates = [Event() for _ in range(3)]
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
    steps: list[Step] = [Receive(), Send(head)]
    for piece, gate in zip(packed, gates, strict=True):
        steps += [Wait(gate), Send(b"%x\r\n%b\r\n" % (len(piece), piece))]
    end = packer.flush()
    steps += [Send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(end), end))]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        for number, gate in enumerate(gates):
            gate.set()
            assert await response.receive() == b"data: %d\n\n" % number
        assert await response.receive() == b""


async def test_a_coding_that_was_not_asked_for_is_refused_and_one_that_was_comes_as_it_is() -> None:
    reply = Reply(body=b"packed", headers={"content-encoding": "compress"})
    async with fault_server([Forever(Receive(), reply)]) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure, match="'compress', which was not asked for") as caught:
            await fetch(pool, request_to(server))
        assert caught.value.kind == "decode"
        assert_all_free(pool)
        asked = request_to(server, headers=[(b"accept-encoding", b"compress")])
        assert await fetch(pool, asked) == b"packed"
    assert server.requests[1].header("accept-encoding") == "compress"


@pytest.mark.parametrize(
    "body", [b"not gzip at all", gzip.compress(b"hello" * 100)[:-12], gzip.compress(b"hello") + b"tail"]
)
async def test_broken_compression_is_a_failure_of_kind_decode(body: bytes) -> None:
    reply = Reply(body=body, headers={"content-encoding": "gzip"})
    async with fault_server([Receive(), reply]) as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server))
        assert caught.value.kind == "decode"
        assert_all_free(pool)


async def test_a_decompression_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    reply = Reply(body=bomb, headers={"content-encoding": "gzip"})
    async with fault_server([Receive(), reply]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await response.read(1_000_000)
        assert caught.value.kind == "too_large"
        assert_all_free(pool)


@pytest.mark.parametrize("chunks", [None, [b"x" * 50] * 3])
async def test_a_body_beyond_the_limit_is_a_failure_and_closes_the_connection(chunks: list[bytes] | None) -> None:
    reply = Reply(body=b"x" * 150, chunks=chunks)
    async with fault_server([Receive(), reply, Stall()]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server))
        with pytest.raises(TransportFailure) as caught:
            await response.read(149)
        assert caught.value.kind == "too_large"
        assert_all_free(pool)
        async with fault_server([Receive(), reply]) as roomy:
            assert len(await fetch(pool, request_to(roomy), limit=150)) == 150


FAULTS: dict[str, tuple[list[Step], str, str]] = {
    "closes at once": ([Close()], "lost", "head"),
    "closes after the request": ([Receive(), Close()], "lost", "head"),
    "resets after the request": ([Receive(), Reset()], "lost", "head"),
    "cut in the status line": ([Receive(), Reply(body=b"{}", cut=7), Close()], "lost", "head"),
    "cut in the head": ([Receive(), Reply(body=b"{}", cut=25), Reset()], "lost", "head"),
    "cut in the body": ([Receive(), Reply(body=b"x" * 100, cut=100), Close()], "lost", "body"),
    "reset in the body": ([Receive(), Reply(body=b"x" * 100, cut=100), Stall()], "timeout", "body"),
    "cut in a chunk": ([Receive(), Reply(chunks=[b"x" * 100], cut=80), Close()], "lost", "body"),
    "no last chunk": ([Receive(), Reply(chunks=[b"x"], cut=54), Close()], "lost", "body"),
    "malformed status line": ([Receive(), Send(MALFORMED_STATUS)], "protocol", "head"),
    "bad chunk": ([Receive(), Send(BAD_CHUNK)], "protocol", "body"),
    "not HTTP": ([Receive(), Send(b"SSH-2.0-OpenSSH_9.6\r\n")], "protocol", "head"),
    "two lengths": (
        [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx")],
        "protocol",
        "head",
    ),
    "switches protocols": (
        [Receive(), Send(b"HTTP/1.1 101 No\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")],
        "protocol",
        "head",
    ),
    "head without end": ([Receive(), Send(b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 9000), Stall()], "protocol", "head"),
    "too many fields": (
        [Receive(), Send(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1500 + b"\r\n"), Stall()],
        "protocol",
        "head",
    ),
    "informational for ever": (
        [Receive(), Forever(Send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100))],
        "protocol",
        "head",
    ),
    "trailers for ever": (
        [Receive(), Send(BAD_CHUNK[:47] + b"0\r\n"), Forever(Send(b"a: b\r\n" * 1000))],
        "protocol",
        "body",
    ),
    "silent after the request": ([Receive(), Stall()], "timeout", "head"),
    "silent in the head": ([Receive(), Reply(cut=10), Stall()], "timeout", "head"),
    "silent in the body": ([Receive(), Reply(body=b"x" * 100, cut=100), Stall()], "timeout", "body"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_every_fault_is_a_typed_failure_and_leaves_no_slot_taken(
    fault: str, encrypted: bool, authority: Authority
) -> None:
    steps, kind, phase = FAULTS[fault]
    timeout = Timeout(None, read=0.05) if kind == "timeout" else Timeout(None)
    async with (
        fault_server(steps, SERVE, tls=authority.server if encrypted else None) as server,
        PoolTransport(ssl_context=authority.client) as pool,
    ):
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, b"{}", timeout=timeout))
        failure = caught.value
        assert (failure.kind, failure.phase, failure.fresh) == (kind, phase, True)
        assert failure.sent == "all"
        assert f"127.0.0.1:{server.port}" in failure.message
        assert_all_free(pool)
        assert pool.stats().connections == 0
        assert await fetch(pool, request_to(server)) == b'{"ok": true}'
        await server.until(lambda s: s.connections[0].ended.is_set())


async def test_leaving_a_stream_early_hangs_up() -> None:
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        assert await response.receive() == b"x"
        await response.aclose()
        await response.aclose()
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)
        with pytest.raises(TransportFailure, match="closed before its end") as caught:
            await response.receive()
        assert caught.value.kind == "closed"


async def test_a_response_can_be_closed_by_another_task_while_it_is_read() -> None:
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))

        async def read() -> None:
            with pytest.raises(TransportFailure) as caught:
                await response.receive()
            assert caught.value.kind == "closed"

        async with create_task_group() as group:
            group.start_soon(read)
            await wait_all_tasks_blocked()
            await response.aclose()
        assert_all_free(pool)


async def test_two_tasks_cannot_read_one_response_at_once() -> None:
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        async with create_task_group() as group:
            group.start_soon(response.receive)
            await wait_all_tasks_blocked()
            with pytest.raises(TransportFailure, match="two tasks") as caught:
                await response.receive()
            assert caught.value.kind == "input"
            group.cancel_scope.cancel()
        assert_all_free(pool)


async def test_a_dropped_response_frees_its_slot_and_then_warns() -> None:
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        held = [response]
        del response
        with pytest.warns(ResourceWarning, match=r"POST http://127\.0\.0\.1"):
            held.clear()
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_an_abandoned_response_frees_its_slot_without_a_warning() -> None:
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        response.abandon()
        response.abandon()
        await response.aclose()
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_a_short_rest_is_drained_and_the_connection_reused() -> None:
    gate = Event()
    steps = [Receive(), Reply(chunks=[b"data: [DONE]\n\n"], cut=70), Wait(gate), Send(b"\r\n0\r\n\r\n"), *SERVE]
    wire = response_bytes(chunks=[b"data: [DONE]\n\n"])
    steps[1] = Send(wire[:-7])
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        assert await response.receive() == b"data: [DONE]\n\n"
        gate.set()
        assert await response.drain(1000, 5.0)
        assert response.complete
        await fetch(pool, request_to(server))
        assert pool.stats().opened == 1


async def test_a_rest_that_is_announced_to_be_long_is_not_drained() -> None:
    async with fault_server([Receive(), Reply(body=b"x" * 5000, cut=100), Stall()]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        assert not await response.drain(1000, 60)
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_a_rest_that_turns_out_to_be_long_is_not_drained() -> None:
    more = Forever(Send(b"400\r\n" + b"x" * 1024 + b"\r\n"))
    steps = [Receive(), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), more]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        assert not await response.drain(1000, 60)
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_draining_a_silent_stream_ends_in_time() -> None:
    async with fault_server([Receive(), Reply(body=b"xxx", cut=40), Stall()]) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True))
        with fail_after(5):
            assert not await response.drain(1000, 0.01)
        assert_all_free(pool)


async def test_a_silence_shorter_than_the_read_limit_is_allowed_again_and_again() -> None:
    wire = response_bytes(body=b"x" * 60)
    limit = Timeout(None, read=5.0)
    async with fault_server([Receive(), Drip(wire)]) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server, timeout=limit)) == b"x" * 60


async def test_the_limit_of_one_receive_replaces_the_request_s() -> None:
    steps = [Receive(), Reply(body=b"xxx", cut=len(response_bytes(body=b"xxx")) - 1), Stall()]
    async with fault_server(steps) as server, PoolTransport() as pool:
        response = await pool.send(request_to(server, stream=True, timeout=Timeout(None, read=60)))
        assert await response.receive(timeout=5) == b"xx"
        with pytest.raises(TransportFailure, match=r"within 0\.01 s") as caught:
            await response.receive(timeout=0.01)
        assert caught.value.kind == "timeout"


async def test_the_trace_tells_the_way_of_a_request() -> None:
    seen: list[str] = []
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        for _ in range(2):
            await fetch(pool, request_to(server, trace=lambda name, facts: seen.append(name)))
    first = ["connect", "request.sent", "head", "body.end"]
    assert seen == first + first[1:]


async def test_a_failing_observer_is_logged_and_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def observe(name: str, facts: object) -> None:
        raise ValueError(name)

    async with fault_server(SERVE) as server, PoolTransport() as pool:
        assert await fetch(pool, request_to(server, trace=observe)) == b'{"ok": true}'
    assert "a trace observer failed on 'head'" in caplog.text
