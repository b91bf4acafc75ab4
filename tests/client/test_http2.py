"""The whole client over HTTP/2: the stand-in by itself and behind nginx and nghttpx, which nobody here wrote."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from anyio import create_task_group, fail_after, wait_all_tasks_blocked

from anyopenai import APIConnectionError, APITimeoutError, OpenAI
from anyopenai.testing import Server, StandIn, serve
from anyopenai.testing.faults import fault_server
from anyopenai.testing.http2 import (
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    GoAway,
    Head,
    HoldStream,
    Http2,
    Request,
    ResetStream,
)
from transport.serving import Keys, Site, make_keys, nghttpx, nginx

USER: Any = [{"role": "user", "content": "Say hello to all of us here, one by one"}]
FRONTS = ["stand-in", "nginx", "nghttpx"]


class Seen:
    """An observer that counts connections and protocols."""

    def __init__(self) -> None:
        self.connects = 0
        self.versions: Counter[object] = Counter()

    def __call__(self, name: str, facts: Mapping[str, object]) -> None:
        if name == "connect":
            self.connects += 1
        elif name == "head":
            self.versions[facts["http_version"]] += 1


class Setup(NamedTuple):
    """A client, what it talks to, and what it was seen to do."""

    client: OpenAI
    server: Server
    seen: Seen
    site: Site | None


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Return a certificate."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@asynccontextmanager
async def connected(
    front: str, keys: Keys, place: Path, app: StandIn | None = None, settings: str = ""
) -> AsyncGenerator[Setup]:
    """Serve the stand-in, put a server before it, and make a client that tries everything once."""
    seen = Seen()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(app))
        site = None
        if front == "nginx":
            site = stack.enter_context(nginx(keys, server.port, server=settings, place=place))
        elif front == "nghttpx":
            site = stack.enter_context(nghttpx(keys, server.port, *settings.split()))
        url = f"https://127.0.0.1:{site.tls}/v1" if site else server.base_url
        options: dict[str, Any] = {"ssl_context": keys.client} if site else {"http2": True}
        client = OpenAI(api_key="k", base_url=url, max_retries=0, timeout=15, trace=seen, **options)
        yield Setup(await stack.enter_async_context(client), server, seen, site)


@pytest.mark.parametrize("front", FRONTS)
async def test_calls_of_every_kind_share_one_connection(front: str, keys: Keys, tmp_path: Path) -> None:
    async with connected(front, keys, tmp_path) as (client, server, seen, _):
        vectors = await client.embeddings.create(model="m", input=["one", "two"])
        assert len(vectors.data) == 2
        completion = await client.chat.completions.create(model="m", messages=USER)
        stream = await client.chat.completions.create(model="m", messages=USER, stream=True)
        text = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert "".join(text) == completion.choices[0].message.content
        data = bytes(range(256)) * 8000
        made = await client.files.create(file=("f.bin", data), purpose="user_data")
        assert (await client.files.content(made.id)).content == data
        for _ in range(3):
            left = await client.chat.completions.create(model="m", messages=USER, stream=True)
            async with left:
                await anext(left)
        async with create_task_group() as group:
            for _ in range(20):
                group.start_soon(client.models.retrieve, "stand-in-chat")
        assert seen.versions == {"HTTP/2": 28}
        assert seen.connects == 1
        assert server.stats.crashed == 0


@pytest.mark.parametrize("front", FRONTS)
async def test_a_stream_that_is_left_early_stops_the_model(front: str, keys: Keys, tmp_path: Path) -> None:
    app = StandIn(token_delay=0.02)
    async with connected(front, keys, tmp_path, app) as (client, server, seen, _):
        stream = await client.responses.create(model="m", input="word " * 200, stream=True)
        async with stream:
            await anext(stream)
        with fail_after(10):
            while not server.stats.disconnects:
                await client.models.list()
        assert server.stats.streams_finished == 0
        assert seen.connects == 1


async def test_no_call_fails_while_nginx_reloads(keys: Keys, tmp_path: Path) -> None:
    async with connected("nginx", keys, tmp_path) as (client, _, seen, site):
        done = 0
        assert site is not None

        async def some() -> None:
            nonlocal done
            while seen.connects < 4:
                answer = await client.embeddings.create(model="m", input=f"text {done}")
                assert len(answer.data) == 1
                done += 1
                if done % 70 == 0:
                    site.tell(signal.SIGHUP)

        with fail_after(18):
            async with create_task_group() as group:
                for _ in range(10):
                    group.start_soon(some)


@pytest.mark.parametrize(
    ("front", "settings"),
    [
        ("nginx", "keepalive_requests 7; http2_max_concurrent_streams 4;"),
        ("nghttpx", "--frontend-max-requests=7 --frontend-http2-max-concurrent-streams=4"),
    ],
)
async def test_no_call_fails_where_connections_are_short_and_narrow(
    front: str, settings: str, keys: Keys, tmp_path: Path
) -> None:
    async with connected(front, keys, tmp_path, settings=settings) as (client, _, seen, _):
        with fail_after(18):
            async with create_task_group() as group:
                for _ in range(100):
                    group.start_soon(client.models.retrieve, "stand-in-chat")
        assert seen.connects >= 10


MODEL = Answer(body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "o"}')


def client_of(server: Any, **options: Any) -> OpenAI:
    """Return a client for a fault server."""
    return OpenAI(api_key="k", base_url=f"{server.url}/v1", http2=True, **options)


@pytest.mark.parametrize("code", [ErrorCodes.CANCEL, ErrorCodes.INTERNAL_ERROR, ErrorCodes.ENHANCE_YOUR_CALM])
async def test_a_reset_is_retried_and_is_a_connection_error_in_the_end(code: int) -> None:
    reset = [Request(), ResetStream(code)]
    async with fault_server([Http2(reset, [Request(), MODEL], reset)]) as server:
        async with client_of(server, max_retries=1) as client:
            assert (await client.models.retrieve("m")).id == "m"
        async with client_of(server, max_retries=0) as client:
            with pytest.raises(APIConnectionError, match=ErrorCodes(code).name) as caught:
                await client.models.retrieve("m")
            assert caught.value.request_sent == "all"


async def test_what_no_server_began_with_is_sent_again_without_a_retry() -> None:
    http2 = Http2([ResetStream(ErrorCodes.REFUSED_STREAM)], [GoAway(1)])
    async with fault_server([http2], [Http2([Request(), MODEL])]) as server, client_of(server, max_retries=0) as client:
        assert (await client.models.retrieve("m")).id == "m"
        assert http2.violations == []


async def test_a_silent_stream_is_a_timeout_and_its_siblings_go_on() -> None:
    begun = [Request(), Head(headers={"content-type": "text/event-stream"})]
    event = b'data: {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}\n\n'

    async def wait(exchange: Exchange) -> None:
        others = exchange.session.exchanges
        while len(others) < 2 or not others[3].gone.is_set():
            await exchange.session.next_event()

    http2 = Http2([*begun, Data(event), wait, Data(b"data: [DONE]\n\n", end=True)], [*begun, HoldStream()])
    async with fault_server([http2]) as server, client_of(server, max_retries=0) as client:
        patient = await client.chat.completions.create(model="m", messages=USER, stream=True)
        await anext(patient)
        with pytest.raises(APITimeoutError):
            await anext(await client.chat.completions.create(model="m", messages=USER, stream=True, timeout=0.05))
        assert [chunk async for chunk in patient] == []
        assert http2.sessions[0].resets == {3: ErrorCodes.CANCEL}
        assert len(server.connections) == 1
        await wait_all_tasks_blocked()
        assert http2.violations == []
