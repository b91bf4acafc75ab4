"""`HttpxTransport`: what of a configured client stays in force, what does not, and how its errors come out."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Mapping
from typing import Any

import pytest
import trustme
from anyio import CancelScope, create_task_group, lowlevel

from anyopenai import APIConnectionError, APIStatusError, ClientClosedError, OpenAI, WrongEventLoopError
from anyopenai.testing import Close, Forever, Receive, Reply, Send, Stall, fault_server, serve
from anyopenai.transport import HttpxTransport, TransportFailure, WireRequest
from transport.adapters.clients import HTTPX, httpx_client
from transport.exchanges import NO_LIMIT, Authority, request_to

JSON = {"content-type": "application/json"}
MODEL = b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}'


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Name the event loop that a test runs on."""
    return request.param


@pytest.fixture(params=HTTPX)
def library(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(str(request.param))
    return str(request.param)


async def test_a_clients_own_headers_and_auth_go_with_credentials_only(library: str) -> None:
    client = httpx_client(library, headers={"x-corp": "1", "x-both": "theirs"}, auth=("user", "pass"))
    async with fault_server([Forever(Receive(), Reply())]) as server:
        transport = HttpxTransport(client)
        for headers in ([(b"authorization", b"Bearer key"), (b"x-both", b"ours")], [(b"x-both", b"ours")]):
            await (await transport.send(request_to(server, headers=headers))).read(10)
        with_key, without = server.requests
        assert with_key.header("x-corp") == "1"
        assert with_key.header("authorization") == "Basic dXNlcjpwYXNz"
        assert [value for name, value in with_key.headers if name == "x-both"] == ["ours"]
        assert {"x-corp", "authorization"}.isdisjoint({name for name, _ in without.headers})
        await transport.aclose()


async def test_cookies_query_and_base_url_of_a_client_are_not_used(library: str) -> None:
    client = httpx_client(library, cookies={"a": "1"}, params={"p": "1"}, base_url="http://elsewhere.example/")
    async with fault_server([Forever(Receive(), Reply(headers={"set-cookie": "b=2"}))]) as server:
        transport = HttpxTransport(client)
        for _ in range(2):
            await (await transport.send(request_to(server))).read(10)
        assert {request.target for request in server.requests} == {"/v1/things"}
        assert all(request.header("cookie") is None for request in server.requests)
        await transport.aclose()


async def test_event_hooks_run_and_may_read_the_answer(library: str) -> None:
    seen: list[Any] = []

    async def on_request(request: Any) -> None:
        seen.append(request.method)

    async def on_response(response: Any) -> None:
        await response.aread()
        seen.append(response.content)

    body = gzip.compress(MODEL)
    client = httpx_client(library, event_hooks={"request": [on_request], "response": [on_response]})
    async with (
        fault_server([Forever(Receive(), Reply(200, body, {**JSON, "content-encoding": "gzip"}))]) as server,
        OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=client) as openai,
    ):
        # Decoded by httpx, and not once more by us.
        assert (await openai.models.retrieve("m")).id == "m"
        assert seen == ["GET", MODEL]


async def test_a_hook_that_raises_for_status_gives_the_status_error_of_every_transport(library: str) -> None:
    async def on_response(response: Any) -> None:
        response.raise_for_status()

    client = httpx_client(library, event_hooks={"response": [on_response]})
    async with (
        fault_server([Forever(Receive(), Reply(418, b"{}", {"x-request-id": "req_1"}))]) as server,
        OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=client, max_retries=0) as openai,
    ):
        with pytest.raises(APIStatusError) as caught:
            await openai.models.retrieve("m")
        assert (caught.value.status_code, caught.value.request_id) == (418, "req_1")


async def test_what_a_hook_raises_itself_reaches_the_caller(library: str) -> None:
    async def on_request(request: Any) -> None:
        raise ZeroDivisionError("a bug")

    client = httpx_client(library, event_hooks={"request": [on_request]})
    async with OpenAI(api_key="k", base_url="http://127.0.0.1:9/v1", http_client=client) as openai:
        with pytest.raises(ZeroDivisionError):
            await openai.models.retrieve("m")


async def test_a_custom_transport_of_a_client_is_used(library: str) -> None:
    module = pytest.importorskip(library)

    def answer(request: Any) -> Any:
        assert request.headers["authorization"] == "Bearer k"
        return module.Response(200, content=MODEL, headers=JSON)

    client = module.AsyncClient(transport=module.MockTransport(answer))
    async with OpenAI(api_key="k", http_client=client) as openai:
        assert (await openai.models.retrieve("m")).id == "m"


async def test_a_body_is_given_again_where_an_authentication_asks_for_it(library: str) -> None:
    module = pytest.importorskip(library)

    class Twice(module.Auth):  # type: ignore[name-defined, misc]  # the module is chosen at run time
        def auth_flow(self, request: Any) -> Any:
            response = yield request
            if response.status_code == 401:
                request.headers["x-answer"] = "42"
                yield request

    async with fault_server([Receive(), Reply(401), Receive(), Reply(200, b"yes")]) as server:
        transport = HttpxTransport(httpx_client(library, auth=Twice()))
        headers = [(b"authorization", b"Bearer k")]
        response = await transport.send(request_to(server, b"the body", headers=headers))
        assert await response.read(10) == b"yes"
        assert [request.body for request in server.requests] == [b"the body", b"the body"]
        await transport.aclose()


async def test_an_untrusted_certificate_is_a_tls_failure(library: str, authority: Authority) -> None:
    async with fault_server([Forever(Receive(), Reply())], tls=authority.server) as server:
        transport = HttpxTransport(httpx_client(library))
        with pytest.raises(TransportFailure, match="certificate") as caught:
            await transport.send(request_to(server))
        assert (caught.value.kind, caught.value.sent) == ("tls", "none")
        await transport.aclose()


async def test_encryption_works_and_is_told_of(library: str, authority: Authority) -> None:
    module = pytest.importorskip(library)
    events: list[str] = []
    async with fault_server([Forever(Receive(), Reply(200, b"x"))], tls=authority.server) as server:
        transport = HttpxTransport(module.AsyncClient(verify=authority.client))
        request = request_to(server, trace=lambda name, info: events.append(name))
        assert await (await transport.send(request)).read(10) == b"x"
        await transport.aclose()
    assert events == ["connect", "tls", "request.sent", "head", "body.end"]


async def test_a_host_that_does_not_exist_is_refused_with_its_name(library: str) -> None:
    transport = HttpxTransport(httpx_client(library, trust_env=False))
    request = WireRequest("GET", "http", "host.invalid", 80, b"/", [], timeout=NO_LIMIT)
    with pytest.raises(TransportFailure, match=r"host\.invalid") as caught:
        await transport.send(request)
    assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("refused", "connect", "none")
    await transport.aclose()


async def test_no_exception_of_the_library_reaches_a_user(library: str) -> None:
    async with fault_server([Forever(Receive(), Close())]) as server:
        client = httpx_client(library)
        async with OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=client, max_retries=0) as openai:
            with pytest.raises(APIConnectionError) as caught:
                await openai.models.retrieve("m")
            assert caught.value.request_sent == "all"


async def test_the_client_is_closed_with_ours_unless_it_is_shared(library: str) -> None:
    client = httpx_client(library)
    await HttpxTransport(client, close_client=False).aclose()
    assert not client.is_closed
    openai = OpenAI(api_key="k", http_client=client)
    await openai.close()
    assert client.is_closed
    with pytest.raises(ClientClosedError):
        await OpenAI(api_key="k", http_client=client).models.list()


async def test_a_second_event_loop_is_refused_with_a_typed_error(library: str) -> None:
    client = httpx_client(library)
    transport = HttpxTransport(client)
    transport._home.native = object()  # as if another event loop had used it
    with pytest.raises(WrongEventLoopError, match="another event loop"):
        await OpenAI(api_key="k", transport=transport).models.list()
    await client.aclose()


async def test_an_exchange_that_a_finalizer_gives_up_frees_the_connection_for_who_waits(library: str) -> None:
    half = Send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
    async with fault_server([Receive(), half, Stall()], [Forever(Receive(), Reply(200, b"second"))]) as server:
        transport = HttpxTransport(httpx_client(library, max_connections=1))
        response = await transport.send(request_to(server, stream=True))
        bodies: list[bytes] = []

        async def second() -> None:
            bodies.append(await (await transport.send(request_to(server))).read(10))

        async with create_task_group() as group:
            group.start_soon(second)
            for _ in range(10):
                await lowlevel.checkpoint()
            response.abandon()
        assert bodies == [b"second"]
        await transport.aclose()


async def test_cancelling_between_head_and_return_leaves_nothing_open(library: str) -> None:
    async with fault_server([Forever(Receive(), Reply(200, b"x"))]) as server:
        transport = HttpxTransport(httpx_client(library, max_connections=2))
        first = await transport.send(request_to(server))  # so that the next send sweeps
        with CancelScope() as scope:
            send = transport._send

            async def cancel_then_return(outgoing: Any) -> Any:
                response = await send(outgoing)
                scope.cancel()
                return response

            transport._send = cancel_then_return  # type: ignore[method-assign]  # to hit that moment
            await transport.send(request_to(server))
        transport._send = send  # type: ignore[method-assign]  # as it was
        assert await first.read(10) == b"x"
        assert await (await transport.send(request_to(server))).read(10) == b"x"
        assert transport._exchanges == 0
        await transport.aclose()


@pytest.mark.parametrize(("status", "kind"), [(407, "proxy"), (403, "proxy"), (502, "refused")])
async def test_a_proxy_that_forbids_is_told_from_one_that_has_trouble(library: str, status: int, kind: str) -> None:
    async with fault_server([Receive(), Reply(status, headers={"connection": "close"}), Close()]) as server:
        transport = HttpxTransport(httpx_client(library, proxy=server.url, trust_env=False))
        request = WireRequest("GET", "https", "host.invalid", 443, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure) as caught:
            await transport.send(request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == (kind, "connect", "none")
        assert [request.method for request in server.requests] == ["CONNECT"]
        await transport.aclose()


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"needs an httpx\.AsyncClient or an httpx2\.AsyncClient, not SSLContext"):
        HttpxTransport(ssl.create_default_context())  # type: ignore[arg-type]  # what is tested


async def test_http2_of_a_client_carries_requests_and_survives_streams_that_are_left(library: str) -> None:
    module = pytest.importorskip(library)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    versions: list[object] = []

    def trace(name: str, info: Mapping[str, object]) -> None:
        if name == "head":
            versions.append(info["http_version"])

    theirs = module.AsyncClient(http2=True, http1=False, verify=trusting)
    async with (
        serve(ssl_context=context) as server,
        OpenAI(api_key="k", base_url=server.base_url, http_client=theirs, trace=trace) as client,
    ):
        async with await client.responses.create(model="m", input="Hello there", stream=True) as stream:
            await anext(stream)
        uploaded = await client.files.create(file=bytes(300_000), purpose="batch")
        assert uploaded.bytes == 300_000
        assert (await client.models.list()).data
    assert versions == ["HTTP/2"] * 3
    assert server.stats.connections == 1
