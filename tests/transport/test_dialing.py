"""Ways to an origin: through HTTP and SOCKS proxies and over Unix sockets, and everything that can go wrong on them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from traceback import TracebackException
from urllib.parse import quote

import httpcore
import pytest
import trustme
from anyio import create_task_group, wait_readable
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from anyopenai._sansio.proxies import rules_from
from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import (
    Close,
    FaultServer,
    Forever,
    Peer,
    Receive,
    Reply,
    Reset,
    Send,
    Stall,
    Step,
    fault_server,
    response_bytes,
)
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest, network
from anyopenai.transport.connection import Origin
from anyopenai.transport.dialing import Dialing, Http2, open_link
from transport.cancelling import cancel_at
from transport.exchanges import NO_LIMIT, Authority, assert_all_free, fetch, request_to
from transport.h2peer import h2_server, serve_all
from transport.proxying import ESTABLISHED, Connect, Socks, login_of
from transport.test_network import free_port

Backend = Callable[[], httpcore.AsyncNetworkBackend | None]

OK = Reply(body=b"{}")
SERVE = [Forever(Receive(), OK)]
LOGIN = "us%40er:p%3Ass%2Fword%20%C3%BC"
PLAIN_LOGIN = "us@er:p:ss/word ü"


def url_of(proxy: FaultServer, scheme: str | None = None, login: str = "") -> str:
    """Return a proxy's URL."""
    scheme = scheme or ("https" if proxy.tls else "http")
    return f"{scheme}://{login}{'@' if login else ''}{proxy.host}:{proxy.port}"


@pytest.fixture(params=[False, True], ids=["clear", "tls"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=["http", "https", "socks5", "socks5h"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def proxied(
    kind: str, authority: Authority, *, encrypted: bool, login: bool = False
) -> AsyncGenerator[tuple[FaultServer, FaultServer, PoolTransport]]:
    """Give an origin, a proxy and a pool that goes through it."""
    wanted = PLAIN_LOGIN if login else None
    step: Step = Socks(wanted) if kind.startswith("socks") else Connect(wanted)
    if kind in ("http", "https") and not encrypted:
        step = Forever(Receive(), OK)
    async with (
        fault_server(SERVE, tls=authority.server if encrypted else None) as origin,
        fault_server([step], tls=authority.server if kind == "https" else None) as proxy,
        PoolTransport(proxy=url_of(proxy, kind, LOGIN if login else ""), ssl_context=authority.client) as pool,
    ):
        yield origin, proxy, pool


@pytest.mark.parametrize("login", [False, True], ids=["open", "login"])
async def test_requests_go_through_every_kind_of_proxy_and_keep_their_connection(
    kind: str, encrypted: bool, login: bool, authority: Authority
) -> None:
    async with proxied(kind, authority, encrypted=encrypted, login=login) as (origin, proxy, pool):
        for _ in range(3):
            body = bytes(range(256)) * 1000
            assert await fetch(pool, request_to(origin, body, headers=[(b"authorization", b"Bearer key")])) == b"{}"
        assert pool.stats().opened == 1
        assert len(proxy.connections) == 1
        if kind in ("http", "https"):
            asked = proxy.requests[0]
            assert login_of(asked.header("proxy-authorization")) == (PLAIN_LOGIN if login else None)
            if encrypted:
                assert (asked.method, asked.target) == ("CONNECT", f"127.0.0.1:{origin.port}")
                assert asked.header("host") == asked.target
                assert asked.header("authorization") is None
            else:
                assert asked.target == f"http://127.0.0.1:{origin.port}/v1/things"
                assert asked.header("host") == f"127.0.0.1:{origin.port}"
                assert origin.connections == []
        for request in origin.requests:
            assert request.target == "/v1/things"
            assert request.header("proxy-authorization") is None
            assert request.header("authorization") == "Bearer key"


async def test_a_socks5_proxy_is_given_an_address_and_socks5h_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    async with fault_server(SERVE) as origin:
        step = Socks(to=(origin.host, origin.port))
        async with fault_server([step]) as proxy:
            monkeypatch.setattr(network, "getaddrinfo", resolve)
            for scheme in ("socks5", "socks5h"):
                async with PoolTransport(proxy=url_of(proxy, scheme)) as pool:
                    assert await fetch(pool, request_to(origin, host="some.example")) == b"{}"
    assert step.asked == [("127.0.0.1", origin.port), ("some.example", origin.port)]


async def test_each_origin_has_the_way_that_the_rules_give_it() -> None:
    async with fault_server(SERVE) as origin, fault_server(SERVE) as proxy:
        rules = {"all": url_of(proxy), "http://127.0.0.1": None}
        async with PoolTransport(proxy=rules) as pool:
            await fetch(pool, request_to(origin))
            await fetch(pool, request_to(origin, host="other.example"))
            await fetch(pool, request_to(origin))
            assert pool.stats().opened == 2
    assert len(origin.requests) == 2
    assert [request.target for request in proxy.requests] == [f"http://other.example:{origin.port}/v1/things"]


async def hang_up_on_greeting(peer: Peer) -> None:
    """Read what SOCKS begins with, and say nothing to it."""
    await peer.receive_exactly(3)
    await Close()(peer)


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
async def test_no_name_is_looked_up_that_a_proxy_looks_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> list[object]:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(network, "getaddrinfo", refuse)
    async with fault_server([Close()]) as proxy, PoolTransport(proxy=url_of(proxy, kind)) as pool:
        request = WireRequest("GET", "https", "secret.example", 443, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure):
            await pool.send(request)


# What goes wrong.


@pytest.mark.parametrize(
    ("script", "failure_kind", "status", "said"),
    [
        ([Receive(), Reply(407)], "proxy", 407, "it wants a user name and a password"),
        ([Receive(), Reply(403)], "proxy", 403, "answered CONNECT 127.0.0.1:1 with 403"),
        ([Receive(), Reply(501)], "proxy", 501, "with 501"),
        ([Receive(), Reply(502)], "refused", 502, "with 502"),
        ([Receive(), Reply(503)], "refused", 503, "with 503"),
        ([Receive(), Reply(429)], "refused", 429, "with 429"),
        ([Receive(), Send(b"HTTP/1.1 101 Odd\r\n\r\n")], "proxy", 101, "with 101 Odd"),
        ([Receive(), Send(b"SSH-2.0-server\r\n")], "protocol", None, "did not answer CONNECT in HTTP/1.1"),
        ([Receive(), Send(b"\x15\x03\x01\x00\x02\x02\x46")], "protocol", None, "write https:// in its URL"),
        ([Receive(), Send(b"HTTP/1.1 abc\r\n\r\n")], "protocol", None, "did not answer CONNECT in HTTP/1.1"),
        ([Receive(), Send(ESTABLISHED + b"more")], "protocol", None, "more bytes than its answer"),
        ([Receive(), Send(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000)], "protocol", None, "more than 65536 bytes"),
        ([Receive(), Close()], "refused", None, "hung up without an answer"),
        ([Receive(), Reset()], "refused", None, "connection reset"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, list) else "",
)
async def test_an_http_proxy_that_gives_no_tunnel_is_a_typed_failure(
    script: list[Step], failure_kind: str, status: int | None, said: str
) -> None:
    async with fault_server(script) as proxy, PoolTransport(proxy=url_of(proxy, login="")) as pool:
        request = WireRequest("GET", "https", "127.0.0.1", 1, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure) as caught:
            await pool.send(request)
        failure = caught.value
        assert said in failure.message
        assert failure.message.startswith(f"the proxy http://127.0.0.1:{proxy.port}: ")
        assert (failure.kind, failure.phase, failure.sent) == (failure_kind, "connect", "none")
        assert (failure.proxy, failure.proxy_status) == (url_of(proxy), status)
        assert_all_free(pool)
        await proxy.until(lambda s: s.open_connections == 0)


@pytest.mark.parametrize(
    ("step", "failure_kind", "status", "said"),
    [
        (Socks("u:p"), "proxy", 255, "it wants a user name and a password"),
        (Socks(reply=1), "refused", 1, "failed for a reason of its own"),
        (Socks(reply=2), "proxy", 2, "its rules do not allow this connection"),
        (Socks(reply=3), "refused", 3, "the network is unreachable from there"),
        (Socks(reply=4), "refused", 4, "the host is unreachable from there"),
        (Socks(reply=5), "refused", 5, "the host refused the connection"),
        (Socks(reply=6), "refused", 6, "TTL expired"),
        (Socks(reply=7), "proxy", 7, "does not support the command"),
        (Socks(reply=8), "proxy", 8, "does not support this type of address"),
        (Socks(reply=99), "proxy", 99, "a reply that SOCKS5 does not know (SOCKS reply 99)"),
        (Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol", None, "write http:// in its URL"),
        (Send(b"\x05\x02"), "protocol", None, "a way to log in that was not offered"),
        (Send(b"\x05\x00\x05\x00\x00\x07\x00"), "protocol", None, "more bytes than SOCKS5"),
        (hang_up_on_greeting, "refused", None, "hung up before there was a connection"),
    ],
    ids=lambda value: "",
)
async def test_a_socks_proxy_that_gives_no_connection_is_a_typed_failure(
    step: Step, failure_kind: str, status: int | None, said: str
) -> None:
    async def linger(peer: Peer) -> None:
        await step(peer)
        await Stall()(peer)

    async with fault_server([linger]) as proxy, PoolTransport(proxy=url_of(proxy, "socks5h")) as pool:
        request = WireRequest("GET", "https", "some.example", 1, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure) as caught:
            await pool.send(request)
        failure = caught.value
        assert said in failure.message
        assert (failure.kind, failure.phase, failure.sent) == (failure_kind, "connect", "none")
        assert (failure.proxy, failure.proxy_status) == (url_of(proxy, "socks5h"), status)
        assert_all_free(pool)
        await proxy.until(lambda s: s.open_connections == 0)


async def test_a_proxy_that_is_not_there_is_named(kind: str) -> None:
    port = free_port()
    async with PoolTransport(proxy=f"{kind}://user:secret@127.0.0.1:{port}") as pool:
        request = WireRequest("GET", "http", "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure, match="connection refused") as caught:
            await pool.send(request)
        failure = caught.value
        assert (failure.kind, failure.proxy) == ("refused", f"{kind}://127.0.0.1:{port}")
        assert "secret" not in str(failure)
        assert_all_free(pool)


async def test_a_proxy_whose_name_does_not_resolve_is_told_from_an_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(host: str, port: int, **_: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(network, "getaddrinfo", unknown)
    request = WireRequest("GET", "https", "api.example", 443, b"/", [], timeout=NO_LIMIT)
    async with PoolTransport(proxy="http://proxy.example:3128") as pool:
        with pytest.raises(TransportFailure, match=r"proxy\.example could not be resolved.*check the proxy's URL"):
            await pool.send(request)
    async with PoolTransport(proxy="socks5://127.0.0.1:1") as pool:
        with pytest.raises(TransportFailure, match=r"api\.example could not be resolved.*check base_url") as caught:
            await pool.send(request)
        assert caught.value.proxy is None


async def test_the_connect_limit_bounds_the_whole_way(kind: str, authority: Authority) -> None:
    tls = authority.server if kind == "https" else None
    async with (
        fault_server([Stall()], tls=tls) as proxy,
        PoolTransport(proxy=url_of(proxy, kind), ssl_context=authority.client) as pool,
    ):
        limit = Timeout(None, connect=0.1)
        request = WireRequest("GET", "https", "127.0.0.1", 9, b"/", [], timeout=limit)
        with pytest.raises(TransportFailure) as caught:
            await pool.send(request)
        assert (caught.value.kind, caught.value.phase) == ("timeout", "connect")
        assert f"127.0.0.1:9 through the proxy {url_of(proxy, kind)} within 0.1 s" in caught.value.message
        assert_all_free(pool)
        await proxy.until(lambda s: s.open_connections == 0)


async def test_a_proxy_s_own_certificate_is_checked(authority: Authority) -> None:
    async with fault_server(tls=authority.server) as proxy, PoolTransport(proxy=url_of(proxy)) as pool:
        request = WireRequest("GET", "https", "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure, match=r"the proxy .* the certificate of .* was refused") as caught:
            await pool.send(request)
        assert (caught.value.kind, caught.value.proxy) == ("tls", url_of(proxy))
        assert proxy.requests == []


async def test_a_proxy_cannot_stand_in_for_the_origin(authority: Authority) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(stranger)
    async with fault_server(SERVE, tls=stranger) as impostor:
        step = Connect(to=(impostor.host, impostor.port))
        async with (
            fault_server([step]) as proxy,
            PoolTransport(proxy=url_of(proxy), ssl_context=authority.client) as pool,
        ):
            request = WireRequest("GET", "https", "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT)
            with pytest.raises(TransportFailure, match=r"certificate of 127\.0\.0\.1:9 was refused") as caught:
                await pool.send(request)
            assert (caught.value.kind, caught.value.proxy) == ("tls", None)
            assert impostor.requests == []


async def test_a_proxy_that_wants_a_login_for_a_plain_request_is_a_typed_failure() -> None:
    async with fault_server([Forever(Receive(), Reply(407))]) as proxy:
        for login, said in (("", "wants a user name"), ("u:wrong", "does not accept")):
            async with PoolTransport(proxy=url_of(proxy, login=login)) as pool:
                request = WireRequest("GET", "http", "api.example", 80, b"/", [], timeout=NO_LIMIT)
                with pytest.raises(TransportFailure, match=said) as caught:
                    await pool.send(request)
                assert (caught.value.kind, caught.value.proxy_status) == ("proxy", 407)
                assert "wrong" not in str(caught.value)
                assert_all_free(pool)
        assert proxy.requests[0].target == "http://api.example/"


@pytest.mark.parametrize("ending", [Close(), Reset(), Reply(407), Send(b"\x05\x02\x01\x01")], ids=repr)
async def test_credentials_are_in_no_report_of_what_went_wrong(
    kind: str, ending: Step, encrypted: bool, authority: Authority
) -> None:
    """Reports of exceptions, such as pytest's and Sentry's, show the local variables of every frame."""

    async def end(peer: Peer) -> None:
        await peer.receive_some()
        await ending(peer)

    async with (
        fault_server([end], tls=authority.server if kind == "https" else None) as proxy,
        PoolTransport(proxy=url_of(proxy, kind, "us3r:p4ssword"), ssl_context=authority.client) as pool,
    ):
        scheme = "https" if encrypted else "http"
        request = WireRequest("GET", scheme, "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure) as caught:
            await pool.send(request)
    # Without the frame of this test, which has made the URL.
    trace = caught.tb.tb_next
    report = "".join(TracebackException(type(caught.value), caught.value, trace, capture_locals=True).format())
    assert "exchange" in report or "open_link" in report
    for secret in ("p4ssword", "us3r", "dXMzcjpwNHNzd29yZA"):
        assert secret not in report


async def test_a_provisional_answer_to_connect_is_passed_over(authority: Authority) -> None:
    async with fault_server(SERVE, tls=authority.server) as origin:
        step = Connect(lead=b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        async with (
            fault_server([step]) as proxy,
            PoolTransport(proxy=url_of(proxy), ssl_context=authority.client) as pool,
        ):
            assert await fetch(pool, request_to(origin)) == b"{}"


async def test_a_kept_connection_that_the_proxy_has_closed_is_not_used_again(kind: str, authority: Authority) -> None:
    async with proxied(kind, authority, encrypted=True) as (origin, proxy, pool):
        await fetch(pool, request_to(origin))
        await proxy.connections[0].aclose()
        await proxy.connections[0].ended.wait()
        assert await fetch(pool, request_to(origin)) == b"{}"
        assert pool.stats().opened == 2


@pytest.mark.parametrize("backend", [lambda: None, httpcore.AnyIOBackend], ids=["bare", "httpcore"])
async def test_cancelling_anywhere_on_the_way_leaves_nothing_open(
    kind: str, encrypted: bool, backend: Backend, authority: Authority
) -> None:
    async with proxied(kind, authority, encrypted=encrypted, login=True) as (origin, proxy, _):
        url = url_of(proxy, kind, LOGIN)
        for k in range(1, 60):
            async with PoolTransport(proxy=url, ssl_context=authority.client, network_backend=backend()) as pool:
                reached = await cancel_at(fetch(pool, request_to(origin)), k)
                assert_all_free(pool)
            if not reached:
                break
        assert k > 2
        assert not reached
        await proxy.until(lambda s: s.open_connections == 0)
        await origin.until(lambda s: s.open_connections == 0)


# HTTP/2.


async def test_http2_goes_through_every_kind_of_proxy(
    kind: str, encrypted: bool, h2_authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(h2_authority.pem)
    step: Step = Socks(PLAIN_LOGIN) if kind.startswith("socks") else Connect(PLAIN_LOGIN)
    spoken: list[object] = []

    def observe(name: str, facts: Mapping[str, object]) -> None:
        if name == "head":
            spoken.append(facts["http_version"])

    async with (
        h2_server(serve_all, tls=h2_authority.server if encrypted else None) as origin,
        fault_server([step], tls=h2_authority.server if kind == "https" else None) as proxy,
        PoolTransport(
            proxy=url_of(proxy, kind, LOGIN), cert_file=str(bundle), http2="auto" if encrypted else True
        ) as pool,
    ):
        scheme = "https" if encrypted else "http"

        async def ask(size: int) -> None:
            request = WireRequest(
                "POST", scheme, origin.host, origin.port, b"/", [], bytes(size), timeout=NO_LIMIT, trace=observe
            )
            assert await fetch(pool, request) == b"%d" % size

        async with create_task_group() as group:
            for size in range(20):
                group.start_soon(ask, size)
        assert spoken == ["HTTP/2"] * 20
        assert pool.stats().opened == 1
        assert_all_free(pool)


async def test_everybody_in_wait_for_a_shared_connection_learns_which_proxy_refused() -> None:
    refused: list[tuple[str | None, int | None]] = []
    async with (
        fault_server([Receive(), Reply(403), Stall()]) as proxy,
        PoolTransport(proxy=url_of(proxy), http2=True) as pool,
    ):

        async def ask() -> None:
            with pytest.raises(TransportFailure) as caught:
                await pool.send(WireRequest("GET", "https", "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT))
            refused.append((caught.value.proxy, caught.value.proxy_status))

        async with create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
        assert refused == [(url_of(proxy), 403)] * 5
        assert_all_free(pool)


@pytest.mark.parametrize(
    ("http2", "offered", "speaks", "said"),
    [
        (True, [], ["http/1.1"], "does not offer HTTP/2, which http2=True demands"),
        (True, ["http/1.1"], ["h2", "http/1.1"], r"ssl_context\.set_alpn_protocols\(\[\"h2\"\]\)"),
        (False, ["h2"], ["h2", "http/1.1"], r"ssl_context\.set_alpn_protocols\(\[\"http/1\.1\"\]\)"),
    ],
)
async def test_a_protocol_that_is_ruled_out_is_a_final_failure(
    http2: Http2, offered: list[str], speaks: list[str], said: str, tmp_path: Path
) -> None:
    ca = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server_context)
    server_context.set_alpn_protocols(speaks)
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    context = None
    if offered:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(context)
        context.set_alpn_protocols(offered)
    async with (
        fault_server(tls=server_context) as server,
        PoolTransport(cert_file=str(bundle), ssl_context=context, http2=http2) as pool,
    ):
        with pytest.raises(TransportFailure, match=said) as caught:
            await fetch(pool, request_to(server))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("input", "connect", "none")
        assert_all_free(pool)
        await server.until(lambda s: s.open_connections == 0)


# The way for others than the pool.


class Echo:
    """A WebSocket server's handshake, and its first message sent back."""

    async def __call__(self, peer: Peer) -> None:
        from websockets.http11 import Request
        from websockets.server import ServerProtocol

        protocol = ServerProtocol()
        while True:
            protocol.receive_data(await peer.receive_some())
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
                else:
                    protocol.send_text(event.data)  # type: ignore[union-attr]  # a frame
            for data in protocol.data_to_send():
                await peer.send(data)


async def test_a_websocket_goes_through_every_kind_of_proxy(kind: str, encrypted: bool, authority: Authority) -> None:
    async with fault_server([Echo()], tls=authority.server if encrypted else None) as origin:
        step: Step = Socks(PLAIN_LOGIN) if kind.startswith("socks") else Connect(PLAIN_LOGIN)
        async with fault_server([step], tls=authority.server if kind == "https" else None) as proxy:
            dialing = Dialing(
                ssl_context=authority.client, proxies=rules_from(url_of(proxy, kind, LOGIN)), http2="auto"
            )
            where = Origin("https" if encrypted else "http", origin.host, origin.port)
            opened = await open_link(where, dialing, offer=("http/1.1",), tunnel=True, seconds=5)
            assert opened.forward is None
            link = opened.link
            uri = parse_uri(f"{'wss' if encrypted else 'ws'}://{origin.host}:{origin.port}/v1/realtime")
            protocol = ClientProtocol(uri)
            protocol.send_request(protocol.connect())
            said: list[bytes] = []
            while not said:
                for data in protocol.data_to_send():
                    if not link.send_now(data):
                        await link.flush()
                protocol.receive_data(await link.receive())
                for event in protocol.events_received():
                    if hasattr(event, "status_code"):
                        assert event.status_code == 101
                        protocol.send_text(b"through")
                    else:
                        said.append(bytes(event.data))  # type: ignore[union-attr]  # a frame
            assert said == [b"through"]
            link.close()
            assert login_of(proxy.requests[0].header("proxy-authorization") if proxy.requests else None) in (
                PLAIN_LOGIN,
                None,
            )


async def test_the_trace_tells_of_each_part_of_the_way(authority: Authority) -> None:
    async with proxied("https", authority, encrypted=True) as (origin, proxy, pool):
        seen: list[tuple[str, object]] = []
        await fetch(pool, request_to(origin, trace=lambda name, facts: seen.append((name, facts.get("port")))))
        assert [name for name, _ in seen][:4] == ["connect", "tls", "proxy", "tls"]
        assert dict(seen[:1])["connect"] == proxy.port
        assert dict(seen[2:3])["proxy"] == origin.port


async def test_proxies_work_over_a_backend_of_httpcore(kind: str, encrypted: bool, authority: Authority) -> None:
    async with proxied(kind, authority, encrypted=encrypted, login=True) as (origin, proxy, _):
        async with PoolTransport(
            proxy=url_of(proxy, kind, LOGIN), ssl_context=authority.client, network_backend=httpcore.AnyIOBackend()
        ) as pool:
            for _ in range(2):
                assert await fetch(pool, request_to(origin)) == b"{}"
            assert pool.stats().opened == 1
        await proxy.until(lambda s: s.open_connections == 0)


async def test_a_refusal_over_a_backend_of_httpcore_leaves_nothing_open() -> None:
    async with (
        fault_server([Receive(), Reply(403), Stall()]) as proxy,
        PoolTransport(proxy=url_of(proxy), network_backend=httpcore.AnyIOBackend()) as pool,
    ):
        with pytest.raises(TransportFailure, match="with 403"):
            await pool.send(WireRequest("GET", "https", "127.0.0.1", 9, b"/", [], timeout=NO_LIMIT))
        await proxy.until(lambda s: s.open_connections == 0)


# Unix sockets.


@asynccontextmanager
async def unix_server(path: Path) -> AsyncGenerator[list[bytes]]:
    """Serve on a Unix socket; gives the requests."""
    heads: list[bytes] = []

    async def handle(sock: socket.socket) -> None:
        buffer = b""
        with sock:
            while True:
                await wait_readable(sock)
                data = sock.recv(65536)
                if not data:
                    return
                buffer += data
                while b"\r\n\r\n" in buffer:
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    heads.append(head)
                    sock.send(response_bytes(body=b"{}"))

    async def serve(listener: socket.socket) -> None:
        while True:
            await wait_readable(listener)
            sock, _ = listener.accept()
            sock.setblocking(False)
            group.start_soon(handle, sock)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.setblocking(False)
        listener.bind(str(path))
        listener.listen()
        async with create_task_group() as group:
            group.start_soon(serve, listener)
            yield heads
            group.cancel_scope.cancel()


def unix_request(path: Path, timeout: Timeout = NO_LIMIT) -> WireRequest:
    return WireRequest("GET", "http+unix", quote(str(path), safe=""), 0, b"/v1/models", [], timeout=timeout)


@pytest.mark.parametrize("backend", [lambda: None, httpcore.AnyIOBackend], ids=["bare", "httpcore"])
async def test_a_server_on_a_unix_socket_is_reached(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "a server.sock"
    # A proxy leads to hosts, so it has nothing to do with sockets on this machine.
    async with unix_server(path) as heads, PoolTransport(proxy="http://127.0.0.1:1", network_backend=backend()) as pool:
        for _ in range(3):
            assert await fetch(pool, unix_request(path)) == b"{}"
        assert pool.stats().opened == 1
    assert [head.split(b"\r\n")[:2] for head in heads] == [[b"GET /v1/models HTTP/1.1", b"host: localhost"]] * 3


async def test_a_unix_socket_where_nobody_listens_is_a_typed_failure(tmp_path: Path) -> None:
    async with PoolTransport() as pool:
        with pytest.raises(TransportFailure, match=r"could not connect to /.*nobody\.sock: No such file") as caught:
            await pool.send(unix_request(tmp_path / "nobody.sock"))
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("refused", "connect", "none")
        with pytest.raises(TransportFailure, match="path too long"):
            await pool.send(unix_request(tmp_path / ("x" * 200)))
        assert_all_free(pool)


async def test_a_system_without_unix_sockets_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with PoolTransport() as pool:
        with monkeypatch.context() as patch:
            patch.delattr(socket, "AF_UNIX")
            with pytest.raises(TransportFailure, match="this system has no Unix sockets"):
                await pool.send(unix_request(tmp_path / "x.sock"))
