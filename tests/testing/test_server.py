"""The stand-in on real sockets: HTTP/1.1 and HTTP/2, clear and TLS, its start and its end."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
import trustme
from anyio.lowlevel import checkpoint

from anyopenai._tasks import open_task_group
from anyopenai.errors import MissingExtraError
from anyopenai.testing import Server, StandIn, serve
from testing.probe import probe, probe2

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
STREAM = CHAT | {"stream": True}


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until they have brought something about; the test's time limit ends a vain wait."""
    while not condition():
        await checkpoint()


@asynccontextmanager
async def busy_stream(server: Server) -> AsyncGenerator[None]:
    """Have a stream that will not end by itself under way."""
    async with probe(server.base_url) as client:
        await client.send("POST", "/v1/chat/completions", STREAM)
        assert (await client.head()).status == 200
        await client.chunk()
        yield


async def test_one_connection_carries_many_requests():
    async with serve() as server, probe(server.base_url) as client:
        for _ in range(3):
            assert (await client.ask("GET", "/v1/models")).status == 200
            streamed = await client.ask("POST", "/v1/chat/completions", STREAM)
            assert streamed.body.endswith(b"data: [DONE]\n\n")
            assert (await client.ask("POST", "/v1/nothing", CHAT)).status == 404
        assert (server.stats.connections, server.stats.requests) == (1, 9)


async def test_events_arrive_one_by_one():
    async with serve(StandIn(token_delay=0.001)) as server, probe(server.base_url) as client:
        await client.send("POST", "/v1/chat/completions", STREAM | {"max_tokens": 3})
        head = await client.head()
        assert head.headers["content-type"] == "text/event-stream; charset=utf-8"
        chunks = []
        while chunk := await client.chunk():
            chunks.append(chunk)
        assert len(chunks) == 6
        assert all(chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") for chunk in chunks)


async def test_a_client_that_leaves_a_stream_ends_its_generation():
    async with serve(StandIn(token_delay=0.001)) as server:
        async with busy_stream(server):
            assert server.stats.active_requests == 1
        await until(lambda: server.stats.disconnects == 1)
        assert (server.stats.active_requests, server.stats.streams_finished) == (0, 0)


async def test_http2_works_with_prior_knowledge_and_many_streams_at_once():
    async with serve() as server, probe2(server.base_url) as client:
        ids = [await client.send("POST", "/v1/chat/completions", STREAM | {"max_tokens": n}) for n in range(1, 16)]
        answers = [await client.answer(stream_id) for stream_id in ids]
        assert {answer.status for answer in answers} == {200}
        assert [answer.body.count(b"data: ") for answer in answers] == [n + 3 for n in range(1, 16)]
        assert (server.stats.connections, server.stats.streams_finished) == (1, 15)


async def test_an_http2_stream_that_is_reset_ends_its_generation_and_no_other():
    async with serve(StandIn(token_delay=0.001)) as server, probe2(server.base_url) as client:
        left = await client.send("POST", "/v1/chat/completions", STREAM)
        while left not in client.answers:
            await client.receive()
        client.http.reset_stream(left)
        await client.flush()
        await until(lambda: server.stats.disconnects == 1)
        assert (await client.answer(await client.send("GET", "/v1/models"))).status == 200


async def test_a_large_http2_answer_keeps_to_the_window():
    async with serve() as server, probe2(server.base_url) as client:
        body = {"model": "m", "input": [f"text {number}" for number in range(200)]}
        answer = await client.answer(await client.send("POST", "/v1/embeddings", body))
        assert len(answer.json()["data"]) == 200
        assert len(answer.body) > 10 * 65535


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def contexts(authority: trustme.CA, *protocols: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server and of a client that trusts it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    client = ssl.create_default_context()
    authority.configure_trust(client)
    client.set_alpn_protocols(list(protocols))
    return server, client


async def test_tls_carries_http1(authority: trustme.CA):
    mine, theirs = contexts(authority, "http/1.1")
    async with serve(ssl_context=mine) as server, probe(server.base_url, theirs) as client:
        assert server.base_url.startswith("https://")
        assert (await client.ask("GET", "/v1/models")).status == 200


async def test_tls_carries_http2_where_both_offer_it(authority: trustme.CA):
    mine, theirs = contexts(authority, "h2")
    async with serve(ssl_context=mine) as server, probe2(server.base_url, theirs) as client:
        assert (await client.answer(await client.send("GET", "/v1/models"))).status == 200


async def test_a_client_that_refuses_the_certificate_or_speaks_no_tls_disturbs_nobody(authority: trustme.CA):
    mine, theirs = contexts(authority, "http/1.1")
    async with serve(ssl_context=mine) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            async with probe(server.base_url, ssl.create_default_context()):
                pass
        async with probe(server.base_url) as plain:
            await plain.send("GET", "/v1/models")
            assert await plain.at_end()
        async with probe(server.base_url, theirs) as client:
            assert (await client.ask("GET", "/v1/models")).status == 200


async def test_connections_are_closed_when_the_block_ends():
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve())
        async with probe(server.base_url) as idle, probe(server.base_url) as half:
            await idle.ask("GET", "/v1/models")
            await half.stream.send(b"GET /v1/mod")
            await until(lambda: server.stats.connections == 2)
            await stack.aclose()
            assert await idle.at_end()
            assert await half.at_end()
    with pytest.raises(OSError, match=r"All connection attempts failed|refused"):
        await anyio.connect_tcp(server.host, server.port)


async def test_a_request_under_way_may_end_within_the_time_it_is_given():
    async with open_task_group() as tasks:
        bodies: list[bytes] = []

        async def use(base_url: str, started: anyio.Event) -> None:
            async with probe(base_url) as client:
                await client.send("POST", "/v1/chat/completions", STREAM | {"max_tokens": 20})
                await client.head()
                started.set()
                while chunk := await client.chunk():
                    bodies.append(chunk)

        started = anyio.Event()
        async with serve(StandIn(token_delay=0.002), shutdown_timeout=15) as server:
            tasks.start_soon(use, server.base_url, started)
            await started.wait()
        assert server.stats.streams_finished == 1
    assert bodies[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize("shutdown_timeout", [0.0, 0.01])
async def test_a_request_under_way_is_cut_after_that_time(shutdown_timeout: float):
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(StandIn(token_delay=30), shutdown_timeout=shutdown_timeout))
        async with busy_stream(server):
            await stack.aclose()
    assert (server.stats.active_requests, server.stats.streams_finished) == (0, 0)


@pytest.mark.parametrize("http2", [False, True])
async def test_a_client_that_does_not_read_cannot_hold_the_server(http2: bool):
    """The answer is larger than every buffer on its way, and nobody takes it."""
    body = {"model": "m", "input": [f"text {number}" for number in range(1000)]}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(shutdown_timeout=0.01))
        if http2:
            async with probe2(server.base_url) as two:
                await two.send("POST", "/v1/embeddings", body)
                await until(lambda: server.stats.active_requests == 1)
                await stack.aclose()
        else:
            async with probe(server.base_url) as client:
                await client.send("POST", "/v1/embeddings", body)
                await client.head()
                await stack.aclose()
        assert server.stats.active_requests == 0


async def test_cancelling_the_block_ends_everything():
    with anyio.CancelScope() as scope:
        async with serve(StandIn(token_delay=30)) as server, busy_stream(server):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert server.stats.active_requests == 0


async def test_an_error_in_the_block_comes_out_as_itself():
    with pytest.raises(ZeroDivisionError):
        async with serve():
            raise ZeroDivisionError


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + bytes(50)])
async def test_bytes_that_are_not_http_end_their_connection_only(garbage: bytes):
    async with serve() as server:
        async with probe(server.base_url) as client:
            await client.stream.send(garbage)
            assert (await client.head()).status == 400
            assert await client.at_end()
        async with probe(server.base_url) as client:
            assert (await client.ask("GET", "/v1/models")).status == 200


async def test_http2_bytes_against_the_rules_end_their_connection_only():
    async with serve() as server:
        async with probe2(server.base_url) as client:
            await client.stream.send(b"\x00\x00\x01\x05\x04\x00\x00\x00\x01\x00")  # PUSH_PROMISE from a client
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await client.answer(1)
        async with probe(server.base_url) as other:
            assert (await other.ask("GET", "/v1/models")).status == 200


async def test_an_upload_that_is_refused_early_is_read_and_the_connection_lives_on():
    async with serve() as server, probe(server.base_url) as client:
        await client.send("POST", "/v1/files", body=b"x" * 300_000, content_type="text/plain")
        assert (await client.answer()).status == 400
        assert (await client.ask("GET", "/v1/models")).status == 200
        assert server.stats.connections == 1


async def test_a_client_that_expects_100_is_told_to_continue():
    async with serve() as server, probe(server.base_url) as client:
        head = b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\nauthorization: Bearer k\r\nexpect: 100-continue\r\n"
        await client.stream.send(head + b"content-length: 24\r\n\r\n")
        assert (await client.head()).status == 100
        await client.stream.send(b'{"model":"m","input":"x"}'[:24])
        assert (await client.answer()).status == 400


async def test_a_websocket_is_refused():
    async with serve() as server, probe(server.base_url) as client:
        key = {"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==", "sec_websocket_version": "13"}
        await client.send("GET", "/v1/realtime", connection="Upgrade", upgrade="websocket", **key)
        assert (await client.head()).status == 403


async def test_an_application_that_fails_ends_its_request_only(caplog: pytest.LogCaptureFixture):
    class Broken(StandIn):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/v1/broken":
                raise ZeroDivisionError
            await super().__call__(scope, receive, send)

    async with serve(Broken()) as server, probe(server.base_url) as client, probe2(server.base_url) as two:
        assert (await client.ask("GET", "/v1/broken")).status == 500
        assert (await two.answer(await two.send("GET", "/v1/models"))).status == 200
    assert "the application failed on GET /v1/broken" in caplog.text


async def test_a_chosen_port_is_used_and_a_taken_one_is_an_error():
    async with serve() as first:
        with pytest.raises(OSError, match="in use"):
            async with serve(port=first.port):
                pass
    async with serve(port=first.port) as second:
        assert second.base_url == f"http://127.0.0.1:{first.port}/v1"


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
async def test_the_base_url_of_any_host_can_be_connected_to(host: str):
    async with serve(host=host) as server, probe(server.base_url) as client:
        assert (await client.ask("GET", "/v1/models")).status == 200
        assert "0.0.0.0" not in server.base_url


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_is_bracketed():
    try:
        async with serve(host="::1") as server:
            assert server.base_url == f"http://[::1]:{server.port}/v1"
            async with probe(server.base_url) as client:
                assert (await client.ask("GET", "/v1/models")).status == 200
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


async def test_a_missing_hypercorn_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "anyopenai.testing.worker", raising=False)
    monkeypatch.setitem(sys.modules, "hypercorn.config", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'anyopenai\[server\]'"):
        async with serve():
            pass


async def test_nothing_is_printed_or_logged(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        async with serve() as server, probe(server.base_url) as client:
            await client.ask("GET", "/v1/models")
            await client.ask("POST", "/v1/nothing")
        assert repr(server) == f"<Server {server.base_url}>"
    assert [record for record in caplog.records if not record.name.startswith("asyncio")] == []
    assert capfd.readouterr() == ("", "")


async def test_two_servers_run_side_by_side():
    async with serve() as one, serve() as two:
        assert one.port != two.port
        async with probe(one.base_url) as client:
            await client.ask("GET", "/v1/models")
        assert (one.stats.requests, two.stats.requests) == (1, 0)
