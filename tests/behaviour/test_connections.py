"""Connections: reused after every good ending, many at once, and no failure that spreads."""

from __future__ import annotations

import anyio
import pytest

import anyopenai
from anyopenai import AuthenticationError, OpenAI
from behaviour.answers import MODEL, PROMPT, delta
from behaviour.clients import client_for
from behaviour.server import Cut, Reply, Server, error, events, json


@pytest.fixture
def server(server: Server) -> Server:
    """Every request is answered with a model unless a test says otherwise."""
    server.script(json(MODEL))
    return server


async def test_ten_requests_in_turn_use_one_connection(server: Server, client: OpenAI) -> None:
    for _ in range(10):
        await client.models.retrieve("m")
    assert len(server.connections) == 1


async def test_a_refused_request_leaves_its_connection_usable(server: Server, client: OpenAI) -> None:
    server.script(error(404, "x" * 5000), json(MODEL))
    with pytest.raises(anyopenai.NotFoundError):
        await client.models.retrieve("m")
    await client.models.retrieve("m")
    assert len(server.connections) == 1


@pytest.mark.parametrize("ending", ["finish reason", "[DONE]"])
async def test_a_stream_read_to_its_end_leaves_its_connection_usable(
    server: Server, client: OpenAI, ending: str
) -> None:
    server.script(events(delta("a", "stop"), done=ending == "[DONE]"))
    for _ in range(3):
        async for _ in await client.chat.completions.create(**PROMPT, stream=True):
            pass
    assert len(server.connections) == 1


async def test_thirty_requests_at_once_all_succeed(server: Server, client: OpenAI) -> None:
    found: list[str] = []

    async def ask(number: int) -> None:
        found.append((await client.models.retrieve(str(number))).id)

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(ask, number)
    assert found == ["m"] * 30
    assert sorted(int(request.path.rsplit("/", 1)[1]) for request in server.requests) == list(range(30))


async def test_thirty_streams_at_once_do_not_block_one_another(server: Server, client: OpenAI) -> None:
    gate = anyio.Event()
    server.script(events(delta("a"), gate, delta("b", "stop")))
    begun = 0

    async def read() -> None:
        nonlocal begun
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        await anext(stream)
        begun += 1
        if begun == 30:
            # Every stream has its first event while none can end.
            gate.set()
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["b"]

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(read)


async def test_one_failing_request_does_not_disturb_the_others(server: Server, client: OpenAI) -> None:
    server.script(lambda request: error(401) if request.path.endswith("bad") else json(MODEL))
    found: list[str] = []

    async def ask(name: str) -> None:
        try:
            found.append((await client.models.retrieve(name)).id)
        except AuthenticationError:
            found.append("refused")

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, "bad" if number == 7 else "good")
    assert sorted(found) == ["m"] * 19 + ["refused"]


async def test_a_connection_that_breaks_takes_only_its_own_request_along(server: Server, client: OpenAI) -> None:
    server.script(lambda request: Reply(Cut.RESET) if request.path.endswith("bad") else json(MODEL))
    outcomes: list[str] = []

    async def ask(name: str) -> None:
        try:
            outcomes.append((await client.with_options(max_retries=0).models.retrieve(name)).id)
        except anyopenai.APIConnectionError:
            outcomes.append("lost")

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(ask, "bad" if number % 5 == 0 else "good")
    assert sorted(outcomes) == ["lost"] * 4 + ["m"] * 16


async def test_proxies_are_not_asked_for_hosts_in_no_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    async with client_for(server) as client:
        assert (await client.models.retrieve("m")).id == "m"
