"""Limits of time: whose limit applies, what they raise, and that the client goes on after them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import anyio
import pytest
from anyio.abc import SocketAttribute

from anyopenai import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    DeadlineExceeded,
    OpenAI,
    OpenAIError,
    Timeout,
)
from behaviour.answers import MODEL, PROMPT, delta
from behaviour.clients import client_for
from behaviour.server import Cut, Reply, Server, chunk, events, head, json

SHORT = 0.01
LONG = 60.0


async def never_answered(client: OpenAI, **options: object) -> None:
    """Call with nobody answering; return when the limit has passed."""
    with pytest.raises(APITimeoutError):
        await client.with_options(max_retries=0).models.retrieve("m", **options)


async def test_no_answer_within_the_clients_timeout_raises(server: Server) -> None:
    server.script(Reply(anyio.Event()))
    async with client_for(server, timeout=SHORT) as client:
        await never_answered(client)


async def test_a_calls_own_timeout_is_shorter_than_the_clients(server: Server) -> None:
    server.script(Reply(anyio.Event()))
    async with client_for(server, timeout=LONG) as client:
        await never_answered(client, timeout=SHORT)


async def test_a_views_timeout_is_its_own(server: Server) -> None:
    server.script(Reply(anyio.Event()))
    async with client_for(server, timeout=LONG) as client:
        await never_answered(client.with_options(timeout=SHORT))
        assert client.timeout == LONG


@pytest.mark.parametrize("longer", [LONG, None, Timeout(LONG)], ids=["a minute", "none", "a Timeout"])
async def test_a_longer_timeout_of_a_call_outlives_the_clients(server: Server, longer: object) -> None:
    gate = anyio.Event()
    server.script(Reply(gate, *json(MODEL).parts), Reply(anyio.Event()))
    async with client_for(server, timeout=SHORT, max_retries=0) as client, anyio.create_task_group() as tasks:

        async def patient() -> None:
            assert (await client.models.retrieve("m", timeout=longer)).id == "m"

        tasks.start_soon(patient)
        await server.received(1)
        # The client's own limit passes while the patient call waits.
        await never_answered(client)
        gate.set()


@pytest.mark.parametrize("kind", ["json", "binary"])
async def test_a_body_that_stalls_raises_a_timeout(server: Server, kind: str) -> None:
    server.script(Reply(head(200, {"content-length": "100"}) + b'{"id":', anyio.Event()))
    async with client_for(server, timeout=Timeout(30, read=SHORT), max_retries=0) as client:
        with pytest.raises(APITimeoutError):
            await (client.models.retrieve("m") if kind == "json" else client.files.content("file-1"))


async def test_a_timeout_in_the_body_is_retried_like_one_before_the_head(server: Server) -> None:
    half = Reply(head(200, {"transfer-encoding": "chunked"}) + chunk(b"{"), anyio.Event())
    server.script(half, half, json(MODEL))
    async with client_for(server, timeout=Timeout(30, read=SHORT)) as client:
        assert (await client.models.retrieve("m")).id == "m"


@pytest.fixture
def full_listener() -> Iterator[str]:
    """The address of a listening socket that accepts nobody, its queue full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for queued in waiting:
            queued.setblocking(False)
            queued.connect_ex(address)
        yield f"http://{address[0]}:{address[1]}/v1"
        for queued in waiting:
            queued.close()


async def test_a_connection_that_is_never_accepted_raises_a_timeout(full_listener: str) -> None:
    async with OpenAI(api_key="k", base_url=full_listener, timeout=SHORT, max_retries=0) as client:
        with pytest.raises(APITimeoutError):
            await client.models.list()


async def test_a_tls_handshake_that_is_never_answered_raises_a_timeout() -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener:
        port = listener.extra(SocketAttribute.local_port)
        url = f"https://127.0.0.1:{port}/v1"
        async with OpenAI(api_key="k", base_url=url, timeout=SHORT, max_retries=0) as client:
            with pytest.raises(APITimeoutError):
                await client.models.list()


async def test_a_refused_connection_raises_with_cause_and_request() -> None:
    # Bound and not listening: nobody else can take the port, and nobody answers on it.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        async with OpenAI(api_key="k", base_url=url) as client:
            with pytest.raises(APIConnectionError) as caught:
                await client.models.list()
    assert not isinstance(caught.value, APITimeoutError)
    assert caught.value.__cause__ is not None
    assert (caught.value.request.method, str(caught.value.request.url)) == ("GET", f"{url}/models")


def test_timeout_errors_are_connection_errors_are_api_errors() -> None:
    assert issubclass(APITimeoutError, APIConnectionError)
    assert issubclass(APIConnectionError, APIError)
    assert issubclass(APIError, OpenAIError)


async def test_a_granular_timeout_is_accepted(server: Server) -> None:
    server.script(json(MODEL))
    limits = Timeout(connect=5, read=10, write=15, pool=20)
    async with client_for(server, timeout=limits) as client:
        assert client.timeout == limits
        assert (await client.models.retrieve("m", timeout=limits)).id == "m"


def test_the_default_timeout_is_ten_minutes() -> None:
    client = OpenAI(api_key="k")
    assert isinstance(client.timeout, Timeout)
    assert client.timeout.read == 600


# After a call that did not end well.


async def test_cancelling_a_waiting_request_hangs_up_and_the_client_goes_on(server: Server, client: OpenAI) -> None:
    server.script(Reply(anyio.Event()), json(MODEL))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.models.retrieve, "m")
        await server.received(1)
        tasks.cancel_scope.cancel()
    await server.connections[0].hung_up.wait()
    assert (await client.models.retrieve("m")).id == "m"


async def test_after_a_timeout_the_client_goes_on(server: Server, client: OpenAI) -> None:
    stalled = Reply(anyio.Event())
    server.script(stalled)
    await never_answered(client, timeout=Timeout(30, read=SHORT))
    server.script(json(MODEL))
    assert (await client.models.retrieve("m")).id == "m"


async def test_after_a_lost_connection_the_client_goes_on(server: Server, client: OpenAI) -> None:
    server.script(Reply(Cut.RESET), Reply(Cut.RESET), Reply(Cut.RESET), json(MODEL))
    with pytest.raises(APIConnectionError):
        await client.models.retrieve("m")
    assert (await client.models.retrieve("m")).id == "m"


@pytest.mark.parametrize("limits", [None, Timeout(30, idle=None), Timeout(30, first_event=None)], ids=repr)
async def test_a_stream_without_limits_is_read_to_its_end(server: Server, client: OpenAI, limits: object) -> None:
    gate = anyio.Event()
    server.script(events(delta("a"), gate, delta("b", "stop")))
    stream = await client.chat.completions.create(**PROMPT, stream=True, timeout=limits)
    assert (await anext(stream)).choices[0].delta.content == "a"
    gate.set()
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["b"]


async def test_a_deadline_bounds_a_stream_that_keeps_sending(server: Server, client: OpenAI) -> None:
    server.script(events(*[delta("a")] * 50, anyio.Event()))

    async def read() -> None:
        async for _ in await client.chat.completions.create(**PROMPT, stream=True, deadline=0.05):
            pass

    with pytest.raises(DeadlineExceeded, match="deadline"):
        await read()
