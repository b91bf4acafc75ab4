"""`AiohttpTransport`: what of a configured session stays in force, what is refused, and where it does not run."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from anyopenai import APIConnectionError, ClientClosedError, DefaultAioHttpClient, OpenAI, WrongEventLoopError
from anyopenai.testing import Close, Forever, Receive, Reply, Send, fault_server
from anyopenai.transport import AiohttpTransport, TransportFailure, WireRequest
from transport.adapters.clients import aiohttp_session
from transport.exchanges import NO_LIMIT, Authority, Source, request_to

aiohttp = pytest.importorskip("aiohttp")

JSON = {"content-type": "application/json"}
MODEL = b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}'

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_it_says_what_to_use_instead() -> None:
    client = OpenAI(api_key="k", http_client=DefaultAioHttpClient(), max_retries=0)
    with pytest.raises(WrongEventLoopError, match=r"aiohttp runs on asyncio only.*httpx"):
        await client.models.list()
    await client.close()


@asyncio_only
async def test_a_session_that_adds_to_every_request_is_refused_without_showing_values() -> None:
    with warnings.catch_warnings(action="ignore"):
        auth = aiohttp.BasicAuth("user", "secret-value")  # deprecated from aiohttp 3.14 on
    for options, said in (
        ({"headers": {"x-key": "secret-value"}}, r"adds headers .*x-key"),
        ({"auth": auth}, "adds auth"),
        ({"cookies": {"session": "secret-value"}}, r"adds cookies .*session"),
    ):
        with warnings.catch_warnings(action="ignore"):
            session = aiohttp_session(**options)
        with pytest.raises(TypeError, match=said) as caught:
            OpenAI(api_key="k", http_client=session)
        assert "secret-value" not in str(caught.value)
        await session.close()


@asyncio_only
async def test_trace_configs_and_middlewares_of_a_session_run() -> None:
    seen: list[str] = []

    async def on_start(session: Any, context: Any, params: Any) -> None:
        seen.append(params.method)

    async def middleware(request: Any, handler: Any) -> Any:
        seen.append("middleware")
        return await handler(request)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_start)
    session = aiohttp_session(trace_configs=[config], middlewares=[middleware])
    async with (
        fault_server([Forever(Receive(), Reply(200, MODEL, JSON))]) as server,
        OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=session) as client,
    ):
        assert (await client.models.retrieve("m")).id == "m"
    assert seen == ["GET", "middleware"]
    assert session.trace_configs == [config]


@asyncio_only
async def test_raising_for_status_and_redirects_of_a_session_are_off() -> None:
    session = aiohttp_session(raise_for_status=True)
    async with fault_server([Forever(Receive(), Reply(302, headers={"location": "/elsewhere"}))]) as server:
        transport = AiohttpTransport(session)
        response = await transport.send(request_to(server))
        assert response.status == 302
        await response.read(10)
        assert len(server.requests) == 1
        await transport.aclose()


@asyncio_only
async def test_the_observer_is_told_of_everything_once() -> None:
    events: list[str] = []

    def trace(name: str, info: object) -> None:
        events.append(name)

    async with fault_server([Forever(Receive(), Reply(200, b"x"))]) as server:
        transport = AiohttpTransport(aiohttp_session())
        for body in (b"", b"body"):
            await (await transport.send(request_to(server, body, trace=trace))).read(10)
        await transport.aclose()
    assert events == ["connect", *["request.sent", "head", "body.end"] * 2]


@asyncio_only
async def test_an_answer_that_comes_early_does_not_cut_the_upload() -> None:
    from anyio import Event

    gate = Event()

    class Gated(Source):
        def open(self) -> Any:
            reading = super().open()
            read = reading.read

            async def read_when_allowed() -> bytes:
                if self.opened and self.pieces and reading_started:
                    await gate.wait()
                reading_started.append(1)
                return await read()

            reading_started: list[int] = []
            reading.read = read_when_allowed  # type: ignore[method-assign]  # a gate before the second piece
            return reading

    start = Send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
    source = Gated([b"first", b"second"], 11)

    async def answer(peer: Any) -> None:
        head = await peer.receive_head()
        await start(peer)
        body = await peer.receive_exactly(int(head.header("content-length")))
        await peer.send(body[:4])

    async with fault_server([answer]) as server:
        transport = AiohttpTransport(aiohttp_session())
        response = await transport.send(request_to(server, source))
        gate.set()
        assert await response.read(10) == b"firs"
        assert (source.opened, source.closed) == (1, 1)
        await transport.aclose()


@asyncio_only
async def test_an_untrusted_certificate_is_a_tls_failure(authority: Authority) -> None:
    async with fault_server([Forever(Receive(), Reply())], tls=authority.server) as server:
        transport = AiohttpTransport(aiohttp_session())
        with pytest.raises(TransportFailure, match="certificate") as caught:
            await transport.send(request_to(server))
        assert (caught.value.kind, caught.value.sent) == ("tls", "none")
        await transport.aclose()


@asyncio_only
async def test_a_host_that_does_not_exist_is_refused_with_its_name() -> None:
    transport = AiohttpTransport(aiohttp_session())
    request = WireRequest("GET", "http", "host.invalid", 80, b"/", [], timeout=NO_LIMIT)
    with pytest.raises(TransportFailure, match=r"host\.invalid") as caught:
        await transport.send(request)
    assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("refused", "connect", "none")
    await transport.aclose()


@asyncio_only
async def test_a_header_that_is_not_utf_8_is_refused() -> None:
    async with fault_server([Forever(Receive(), Reply())]) as server:
        transport = AiohttpTransport(aiohttp_session())
        with pytest.raises(TransportFailure, match="UTF-8"):
            await transport.send(request_to(server, headers=[(b"x-a", b"\xff")]))
        await transport.aclose()


@asyncio_only
async def test_no_exception_of_the_library_reaches_a_user() -> None:
    async with fault_server([Forever(Receive(), Close())]) as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "max_retries": 0}
        async with OpenAI(api_key="k", http_client=aiohttp_session(), **options) as client:
            with pytest.raises(APIConnectionError) as caught:
                await client.models.retrieve("m")
            assert caught.value.request_sent == "all"


@asyncio_only
async def test_the_session_is_closed_with_ours_unless_it_is_shared() -> None:
    session = aiohttp_session()
    shared = AiohttpTransport(session, close_session=False)
    await shared.aclose()
    assert not session.closed
    client = OpenAI(api_key="k", http_client=session)
    await client.close()
    assert session.closed
    with pytest.raises(ClientClosedError):
        await OpenAI(api_key="k", http_client=session).models.list()


@asyncio_only
async def test_a_session_is_made_with_the_first_request() -> None:
    made: list[Any] = []

    def make() -> Any:
        made.append(aiohttp_session())
        return made[0]

    async with fault_server([Forever(Receive(), Reply(200, MODEL, JSON))]) as server:
        async with OpenAI(api_key="k", base_url=f"{server.url}/v1", transport=AiohttpTransport(make)) as client:
            assert made == []
            for _ in range(2):
                await client.models.retrieve("m")
        assert len(made) == 1
        assert made[0].closed


@asyncio_only
async def test_the_default_session_works() -> None:
    async with (
        fault_server([Forever(Receive(), Reply(200, MODEL, JSON))]) as server,
        OpenAI(api_key="k", base_url=f"{server.url}/v1", http_client=DefaultAioHttpClient()) as client,
    ):
        assert (await client.models.retrieve("m")).id == "m"


@asyncio_only
@pytest.mark.parametrize(("status", "kind"), [(407, "proxy"), (403, "proxy"), (502, "refused")])
async def test_a_proxy_that_forbids_is_told_from_one_that_has_trouble(status: int, kind: str) -> None:
    async with fault_server([Receive(), Reply(status, headers={"connection": "close"}), Close()]) as server:
        transport = AiohttpTransport(aiohttp_session(proxy=server.url))
        request = WireRequest("GET", "https", "host.invalid", 443, b"/", [], timeout=NO_LIMIT)
        with pytest.raises(TransportFailure) as caught:
            await transport.send(request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == (kind, "connect", "none")
        assert [request.method for request in server.requests] == ["CONNECT"]
        await transport.aclose()


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"needs an aiohttp\.ClientSession.* not int"):
        AiohttpTransport(7)  # type: ignore[arg-type]  # what is tested
