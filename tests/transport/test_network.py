"""Links and dialling: which address wins, what a link does at its edges, and httpcore's backends in its place."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpcore
import pytest
from anyio import (
    ClosedResourceError,
    Event,
    create_task_group,
    fail_after,
    wait_all_tasks_blocked,
    wait_readable,
    wait_writable,
)

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import (
    Close,
    Forever,
    Receive,
    Reply,
    Send,
    Stall,
    Wait,
    fault_server,
    response_bytes,
)
from anyopenai.transport import PoolTransport, TransportFailure, network
from anyopenai.transport.link import SocketLink
from anyopenai.transport.network import connect_tcp
from anyopenai.transport.watching import link_over
from transport.exchanges import Authority, assert_all_free, fetch, request_to

OK = Reply(body=b"{}")
SERVE = [Forever(Receive(), OK)]


@asynccontextmanager
async def linked() -> AsyncGenerator[tuple[SocketLink, socket.socket]]:
    """Give a link and the socket at its other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    link = link_over(ours)
    with theirs:
        yield link, theirs
        link.close()


async def test_a_link_sends_receives_and_sees_the_end() -> None:
    async with linked() as (link, other):
        assert link.send_now(b"ping")
        assert other.recv(10) == b"ping"
        other.send(b"pong")
        assert await link.receive(2) == b"po"
        assert await link.receive(10) == b"ng"
        other.shutdown(socket.SHUT_WR)
        assert await link.receive() == b""


async def test_what_the_kernel_does_not_take_is_flushed_in_order() -> None:
    data = bytes(range(256)) * 20_000
    async with linked() as (link, other):
        assert not link.send_now(data)
        assert not link.send_now(b"tail")
        received = bytearray()
        async with create_task_group() as group:
            group.start_soon(link.flush)
            while len(received) < len(data) + 4:
                await wait_readable(other)
                received += other.recv(1 << 20)
        assert bytes(received) == data + b"tail"
        assert link.send_now(b"more")


async def test_a_link_is_stale_once_its_peer_has_closed_or_spoken() -> None:
    async with linked() as (link, other):
        assert not link.is_stale()
        other.send(b"x")
        assert link.is_stale()
        assert await link.receive() == b"x"
        assert not link.is_stale()
        other.close()
        assert link.is_stale()
        link.close()
        assert link.is_stale()


async def test_a_descriptor_s_number_is_kept_until_those_who_waited_for_it_have_woken() -> None:
    async with linked() as (link, _):
        while link.send_now(bytes(65536)):
            pass

        async def writer() -> None:
            with pytest.raises(ClosedResourceError):
                await link.flush()

        async with create_task_group() as group:
            group.start_soon(writer)
            await wait_all_tasks_blocked()
            assert link.close()
            # The lowest free number is the next one to be given away.
            ours, theirs = socket.socketpair()
            with ours, theirs, fail_after(10):
                await wait_writable(ours)


@pytest.mark.parametrize("ending", ["close", "aclose"])
async def test_closing_a_link_wakes_who_waits_for_it(ending: str) -> None:
    async with linked() as (link, _):
        while link.send_now(bytes(65536)):
            pass

        async def reader() -> None:
            with pytest.raises(ClosedResourceError):
                await link.receive()

        async def writer() -> None:
            with pytest.raises(ClosedResourceError):
                await link.flush()

        async with create_task_group() as group:
            group.start_soon(reader)
            group.start_soon(writer)
            await wait_all_tasks_blocked()
            if ending == "close":
                assert link.close()
            else:
                await link.aclose()
        with pytest.raises(ClosedResourceError):
            await link.receive()
        with pytest.raises(ClosedResourceError):
            await link.flush()
        link.close()
        link.abort()
        # The descriptor's number can be used again at once.
        again, more = socket.socketpair()
        with again, more:
            again.setblocking(False)
            more.send(b"x")
            await wait_readable(again)


async def test_aborting_a_link_that_is_waited_for_ends_the_wait() -> None:
    async with linked() as (link, _), create_task_group() as group:
        group.start_soon(link.receive)
        await wait_all_tasks_blocked()
        link.abort()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_a_refused_connection_is_a_typed_failure_that_names_host_and_port() -> None:
    port = free_port()
    async with fault_server() as server, PoolTransport() as pool:
        request = request_to(server)
        request.port = port
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request)
        failure = caught.value
        assert failure.message == f"could not connect to 127.0.0.1:{port}: connection refused"
        assert (failure.kind, failure.phase, failure.sent, failure.fresh) == ("refused", "connect", "none", True)
        assert isinstance(failure.__cause__, ConnectionRefusedError)
        assert_all_free(pool)


async def test_a_name_that_does_not_resolve_is_a_typed_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(host: str, port: int, **_: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(network, "getaddrinfo", unknown)
    async with fault_server() as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure, match=r"host name nowhere\.example could not be resolved") as caught:
            await fetch(pool, request_to(server, host="nowhere.example"))
        assert (caught.value.kind, caught.value.phase) == ("refused", "connect")
        assert_all_free(pool)


async def test_a_name_without_an_address_is_a_typed_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    async with fault_server() as server, PoolTransport() as pool:
        with pytest.raises(TransportFailure, match="no address of a family") as caught:
            await fetch(pool, request_to(server, host="nowhere.example"))
        assert caught.value.kind == "refused"


@pytest.mark.parametrize(("host", "port"), [("a" * 70 + ".example", 80), ("127.0.0.1", 70_000)])
async def test_what_is_no_address_is_a_typed_failure(host: str, port: int) -> None:
    async with fault_server() as server, PoolTransport() as pool:
        request = request_to(server, host=host)
        request.port = port
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request)
        assert caught.value.kind in ("input", "refused")
        assert caught.value.phase == "connect"
        assert_all_free(pool)


async def test_a_connection_that_is_never_accepted_ends_with_the_connect_limit() -> None:
    # A full backlog leaves further connections without an answer.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            async with fault_server() as server, PoolTransport() as pool:
                request = request_to(server, timeout=Timeout(None, connect=0.05))
                request.port = int(address[1])
                with pytest.raises(TransportFailure) as caught:
                    await fetch(pool, request)
                assert (caught.value.kind, caught.value.phase) == ("timeout", "connect")
                assert_all_free(pool)
        finally:
            for filler in fillers:
                filler.close()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(network, "getaddrinfo", resolve)


async def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.1")
    async with fault_server(SERVE) as server, PoolTransport() as pool:
        # Nobody listens on that port of the other loopback addresses.
        assert await fetch(pool, request_to(server, host="several.example")) == b"{}"
        assert server.requests[0].header("host") == f"several.example:{server.port}"


async def test_when_every_address_refuses_all_of_them_are_in_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.3")
    async with fault_server() as server, PoolTransport() as pool:
        request = request_to(server, host="several.example")
        request.port = port = free_port()
        with pytest.raises(TransportFailure, match=f"could not connect to several.example:{port}: connection refused"):
            await fetch(pool, request)
        assert_all_free(pool)


async def test_a_slow_address_is_overtaken_and_its_socket_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.9", "127.0.0.1")
    monkeypatch.setattr(network, "_ATTEMPT_DELAY", 0.0)
    connect = network._connect
    given_up = Event()

    async def slow_first(family: int, address: tuple[str, int]) -> socket.socket:
        if address[0] == "127.0.0.9":
            try:
                await Event().wait()
            finally:
                given_up.set()
        return await connect(family, address)

    monkeypatch.setattr(network, "_connect", slow_first)
    async with fault_server(SERVE) as server:
        link = await connect_tcp("several.example", server.port)
        assert given_up.is_set()
        link.close()


async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "::1", "::2", "127.0.0.1", "127.0.0.2", "::1")
    found = [address for _, (address, _) in await network._resolve("several.example", 80)]
    assert found == ["::1", "127.0.0.1", "::2", "127.0.0.2"]


# httpcore's backends in place of bare sockets.


@pytest.fixture(params=[False, True], ids=["clear", "tls"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_a_backend_of_httpcore_carries_exchanges(encrypted: bool, authority: Authority) -> None:
    tls = authority.server if encrypted else None
    backend = httpcore.AnyIOBackend()
    async with (
        fault_server(SERVE, tls=tls) as server,
        PoolTransport(network_backend=backend, ssl_context=authority.client) as pool,
    ):
        for _ in range(3):
            assert await fetch(pool, request_to(server, b"x" * 500_000)) == b"{}"
        assert pool.stats().opened == 1


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([Receive(), Close()], "lost"),
        ([Receive(), Stall()], "timeout"),
        ([Receive(), Send(b"nonsense\r\n\r\n")], "protocol"),
    ],
)
async def test_faults_behind_a_backend_are_the_same_failures(
    steps: list[object], kind: str, encrypted: bool, authority: Authority
) -> None:
    tls = authority.server if encrypted else None
    backend = httpcore.AnyIOBackend()
    async with (
        fault_server(steps, SERVE, tls=tls) as server,  # type: ignore[arg-type]  # steps of several types
        PoolTransport(network_backend=backend, ssl_context=authority.client) as pool,
    ):
        timeout = Timeout(None, read=0.05 if kind == "timeout" else None)
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, timeout=timeout))
        assert caught.value.kind == kind
        assert_all_free(pool)
        assert await fetch(pool, request_to(server)) == b"{}"
        await server.until(lambda s: s.connections[0].ended.is_set())


async def test_a_stream_over_a_backend_that_is_left_early_hangs_up() -> None:
    wire = response_bytes(body=b"xyz")[:-1]
    async with (
        fault_server([Receive(), Send(wire), Stall()]) as server,
        PoolTransport(network_backend=httpcore.AnyIOBackend()) as pool,
    ):
        response = await pool.send(request_to(server, stream=True))
        assert await response.receive() == b"xy"
        await response.aclose()
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_a_refused_connection_behind_a_backend_is_the_same_failure() -> None:
    async with fault_server() as server, PoolTransport(network_backend=httpcore.AnyIOBackend()) as pool:
        request = request_to(server)
        request.port = free_port()
        with pytest.raises(TransportFailure, match="connection refused") as caught:
            await fetch(pool, request)
        assert caught.value.kind == "refused"
        assert_all_free(pool)


async def test_a_mock_backend_of_httpcore_answers_without_a_socket() -> None:
    backend = httpcore.AsyncMockBackend([response_bytes(body=b"mocked")])
    gate = Event()
    gate.set()
    async with fault_server([Wait(gate)]) as server, PoolTransport(network_backend=backend) as pool:
        assert await fetch(pool, request_to(server)) == b"mocked"


async def test_a_system_without_ipv6_connects_by_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some containers resolve to both families and refuse sockets, or routes, of one of them."""
    resolve_to(monkeypatch, "::1", "127.0.0.1")
    real = socket.socket

    def without_ipv6(family: int = socket.AF_INET, *rest: int, **more: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest, **more)

    async with fault_server(SERVE) as server:
        monkeypatch.setattr(network.socket, "socket", without_ipv6)
        link = await connect_tcp("several.example", server.port)
        link.close()


async def test_a_family_without_a_route_is_overtaken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No head start is waited for where an attempt has failed already."""
    resolve_to(monkeypatch, "::1", "127.0.0.1")
    monkeypatch.setattr(network, "_ATTEMPT_DELAY", 3600.0)
    connect = network._connect

    async def unreachable(family: int, address: tuple[str, int]) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return await connect(family, address)

    monkeypatch.setattr(network, "_connect", unreachable)
    async with fault_server(SERVE) as server:
        link = await connect_tcp("several.example", server.port)
        link.close()
