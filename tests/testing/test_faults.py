"""The fault server, looked at with plain sockets: each step does what it says, and all that comes is recorded."""

from __future__ import annotations

import socket
from email.utils import parsedate_to_datetime

import pytest
from anyio import Event, connect_tcp, create_task_group, fail_after, wait_all_tasks_blocked
from anyio.abc import SocketStream
from anyio.to_thread import run_sync

from anyopenai.testing.faults import (
    BAD_CHUNK,
    Close,
    Drip,
    FaultServer,
    Forever,
    HalfClose,
    Peer,
    Receive,
    Reply,
    Reset,
    Send,
    Set,
    Stall,
    Wait,
    fault_server,
    http_date,
    rate_limited,
    response_bytes,
)

GET = b"GET /x?y=1 HTTP/1.1\r\nHost: h\r\nX-A:  b \r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello"


async def client(server: FaultServer) -> SocketStream:
    return await connect_tcp(server.host, server.port)


def ask(server: FaultServer, *requests: bytes) -> bytes:
    """Send requests over a plain blocking socket and return everything up to the end."""
    received = bytearray()
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        for request in requests:
            sock.sendall(request)
        while data := sock.recv(65536):
            received += data
    return bytes(received)


async def test_each_connection_has_its_script_and_the_last_one_serves_the_rest() -> None:
    async with fault_server([Send(b"one")], [Send(b"two")]) as server:
        assert [await run_sync(ask, server) for _ in range(3)] == [b"one", b"two", b"two"]
        assert len(server.connections) == 3
        assert server.url == f"http://127.0.0.1:{server.port}"


async def test_requests_are_recorded_whole() -> None:
    chunked = (
        b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;x=y\r\nhello\r\nA\r\n 0123456 \n\r\n0\r\ntrailer: t\r\n\r\n"
    )
    async with fault_server([Receive(), Receive(), Receive(), Send(b"done")]) as server:
        assert await run_sync(ask, server, GET, POST, chunked) == b"done"
        get, post, put = server.requests
    assert (get.method, get.target, get.body, get.connection) == ("GET", "/x?y=1", b"", 0)
    assert get.headers == (("host", "h"), ("x-a", "b"))
    assert get.header("X-A") == "b"
    assert get.header("x-b") is None
    assert get.raw == GET
    assert post.body == b"hello"
    assert put.body == b"hello 0123456 \n"
    assert server.connections[0].requests == [get, post, put]
    assert server.connections[0].bytes_received == len(GET + POST + chunked)
    assert server.connections[0].bytes_sent == 4


async def test_the_body_can_be_left_unread() -> None:
    async with fault_server([Receive(body=False), Send(b"done")]) as server:
        async with await client(server) as stream:
            await stream.send(POST)
            assert await stream.receive() == b"done"
        assert server.requests[0].body == b""


async def test_bytes_drip_one_by_one() -> None:
    async with fault_server([Drip(b"abc"), Drip(b"defgh", 2)]) as server:
        assert await run_sync(ask, server) == b"abcdefgh"
        assert server.connections[0].bytes_sent == 8


async def test_a_reply_can_be_cut() -> None:
    whole = response_bytes(404, b"missing", {"X-Id": "1"})
    assert whole == b"HTTP/1.1 404 Not Found\r\nx-id: 1\r\ncontent-length: 7\r\n\r\nmissing"
    reply = Reply(404, b"missing", {"X-Id": "1"})
    async with fault_server([reply], [Reply(404, b"missing", {"X-Id": "1"}, cut=20)]) as server:
        assert await run_sync(ask, server) == whole
        assert await run_sync(ask, server) == whole[:20]


def test_a_reply_in_chunks_ends_with_an_empty_one() -> None:
    assert response_bytes(chunks=[b"ab", b"c"]) == (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    assert b"content-length: 99\r\n" in response_bytes(body=b"x", headers={"Content-Length": "99"})
    assert BAD_CHUNK.endswith(b"not-a-size\r\n")


async def test_a_reset_is_one() -> None:
    def provoke(server: FaultServer) -> None:
        def connect_and_read() -> None:
            with socket.create_connection((server.host, server.port), timeout=10) as sock:
                while sock.recv(1):
                    pass

        # On a busy machine the reset comes before connecting has even returned.
        with pytest.raises(ConnectionResetError):
            connect_and_read()

    async with fault_server([Send(b"x"), Reset(), Send(b"never")]) as server:
        await run_sync(provoke, server)
        await server.until(lambda s: s.open_connections == 0)
        assert server.connections[0].bytes_sent == 1


async def test_steps_after_close_are_not_taken() -> None:
    async with fault_server([Close(), Send(b"never")]) as server:
        assert await run_sync(ask, server) == b""


async def test_a_half_closed_connection_still_receives() -> None:
    async with fault_server([HalfClose(), Receive()]) as server, await client(server) as stream:
        await server.until(lambda s: len(s.connections) == 1)
        await stream.send(GET)
        await server.until(lambda s: len(s.requests) == 1)


async def test_a_hang_up_is_noticed_while_a_script_stalls_receives_or_writes() -> None:
    async with fault_server([Stall()], [Receive()], [Forever(Send(b"x" * 1000))]) as server:
        for number in (1, 2, 3):
            async with await client(server):
                await server.until(lambda s, number=number: len(s.connections) == number)  # type: ignore[misc]  # the default binds it
            with fail_after(5):
                await server.connections[-1].ended.wait()
            assert server.hang_ups == number


async def test_a_script_waits_for_a_gate_and_tells_how_far_it_is() -> None:
    gate, reached = Event(), Event()
    async with fault_server([Set(reached), Wait(gate), Send(b"done")]) as server, await client(server) as stream:
        await reached.wait()
        await wait_all_tasks_blocked()
        gate.set()
        assert await stream.receive() == b"done"


async def test_a_server_that_does_not_read_is_felt_by_who_writes() -> None:
    async with (
        fault_server([Wait(Event())]) as server,
        await client(server) as stream,
        create_task_group() as group,
    ):
        group.start_soon(stream.send, bytes(30_000_000))
        await wait_all_tasks_blocked()
        assert server.connections[0].bytes_received == 0
        group.cancel_scope.cancel()


async def test_an_error_in_a_step_of_one_s_own_ends_the_block() -> None:
    async def broken(peer: Peer) -> None:
        raise LookupError(f"on connection {peer.index}")

    with pytest.raises(LookupError, match="on connection 0"):
        async with fault_server([broken]) as server, await client(server):
            await Event().wait()


async def test_leaving_the_block_ends_every_connection_and_the_listener() -> None:
    async with fault_server() as server:
        streams = [await client(server) for _ in range(3)]
        await server.until(lambda s: len(s.connections) == 3)
    assert server.open_connections == 0
    with pytest.raises(OSError, match=r".+"):
        await client(server)
    for stream in streams:
        await stream.aclose()


def test_a_rate_limit_says_when_to_come_back() -> None:
    assert rate_limited(2).headers["retry-after"] == "2"
    assert rate_limited(2.0).headers["retry-after"] == "2"
    assert rate_limited(0.5).headers["retry-after"] == "0.5"
    dated = rate_limited(http_date(90, now=1_800_000_000.0), b"{}")
    assert (dated.status, dated.body) == (429, b"{}")
    assert parsedate_to_datetime(dated.headers["retry-after"]).timestamp() == 1_800_000_090


def test_a_loop_shows_its_steps() -> None:
    assert repr(Forever(Receive(), Send(b"x"))) == "Forever(Receive(body=True), Send(data=b'x'))"
