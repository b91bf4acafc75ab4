"""What is left without being closed: it hangs up, says so once, and takes no connection along."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import anyopenai
from anyopenai import APIConnectionError, APITimeoutError, OpenAI, OpenAIError, Timeout
from anyopenai.transport.pool import PoolTransport
from behaviour.answers import MODEL, PROMPT, delta
from behaviour.clients import client_for
from behaviour.server import Server, chunked, events, json


async def stream(client: OpenAI) -> object:
    found = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(found)
    return found


async def untouched_stream(client: OpenAI) -> object:
    return await client.chat.completions.create(**PROMPT, stream=True)


async def raw_stream(client: OpenAI) -> object:
    return await client.chat.completions.with_raw_response.create(**PROMPT, stream=True)


async def parsed_raw_stream(client: OpenAI) -> object:
    return (await client.chat.completions.with_raw_response.create(**PROMPT, stream=True)).parse()


async def opened(client: OpenAI) -> object:
    opening = client.chat.completions.with_streaming_response.create(**PROMPT, stream=True)
    return await opening.__aenter__()


@pytest.mark.parametrize("leave", [stream, untouched_stream, raw_stream, parsed_raw_stream, opened])
async def test_what_is_dropped_open_gives_its_connection_back_and_warns(
    server: Server, leave: Callable[[OpenAI], Awaitable[object]]
) -> None:
    pool = PoolTransport(max_connections=1)
    server.script(events(delta("a"), anyio.Event()), json(MODEL))
    async with client_for(server, transport=pool) as client:
        left = await leave(client)
        assert pool.stats().in_use == 1
        with pytest.warns(ResourceWarning, match="open|dropped"):  # noqa: PT031 - it is dropped, then collected
            del left
            gc.collect()
        assert pool.stats().in_use == 0
        assert (await client.models.retrieve("m")).id == "m"
    await server.connections[0].hung_up.wait()


@pytest.mark.parametrize("how", ["read to its end", "closed", "block left"])
async def test_what_is_ended_in_any_way_warns_of_nothing(server: Server, client: OpenAI, how: str) -> None:
    server.script(events(delta("a"), delta("b", "stop")))
    found = await client.chat.completions.create(**PROMPT, stream=True)
    if how == "read to its end":
        assert len([chunk async for chunk in found]) == 2
    elif how == "closed":
        await found.close()
    else:
        async with found:
            await anext(found)
    del found
    gc.collect()


async def test_a_call_that_is_never_awaited_takes_nothing(server: Server, client: OpenAI) -> None:
    client.models.retrieve("m").close()
    client.models.list()
    gc.collect()
    assert server.connections == []


async def test_waiting_for_a_free_connection_has_its_own_limit(server: Server) -> None:
    server.script(events(delta("a"), anyio.Event()))
    pool = PoolTransport(max_connections=1)
    async with client_for(server, transport=pool, timeout=Timeout(30, pool=0.01), max_retries=0) as client:
        async with await client.chat.completions.create(**PROMPT, stream=True):
            with pytest.raises(APITimeoutError, match="no connection was free"):
                await client.models.retrieve("m")
        assert (pool.stats().in_use, pool.stats().waiting) == (0, 0)


async def test_a_stream_that_two_tasks_read_says_so(server: Server, client: OpenAI) -> None:
    gate = anyio.Event()
    server.script(events(delta("a"), gate, delta("b", "stop")))
    found = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(found)
    seen: list[object] = []

    async def read() -> None:
        seen.append(await anext(found))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(OpenAIError, match="another task"):
            await anext(found)
        gate.set()
    assert len(seen) == 1
    await found.close()


async def test_closing_a_stream_ends_the_wait_of_another_task(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a"), anyio.Event()))
    found = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(found)
    outcomes: list[type[BaseException]] = []

    async def read() -> None:
        try:
            await anext(found)
        except (APIConnectionError, StopAsyncIteration) as problem:
            outcomes.append(type(problem))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        await found.close()
    assert outcomes == [APIConnectionError]


async def test_closing_the_client_ends_every_call_on_its_way(server: Server) -> None:
    client = client_for(server)
    server.script(chunked(b"x", anyio.Event()))
    outcomes: list[type[BaseException]] = []

    async def call() -> None:
        try:
            await client.models.retrieve("m")
        except OpenAIError as problem:
            outcomes.append(type(problem))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
        await server.received(3)
        await client.close()
    assert len(outcomes) == 3


def test_no_other_sdk_and_no_event_loop_is_loaded() -> None:
    code = """
import sys, anyopenai
assert not {"asyncio", "trio", "anyio", "ssl"} & set(sys.modules)
for name in anyopenai.__all__:
    getattr(anyopenai, name)
client = anyopenai.OpenAI(api_key="k")
client.chat.completions, client.responses.input_items, client.embeddings, client.files
assert not {"openai", "httpx", "pydantic", "requests", "aiohttp"} & set(sys.modules)
"""
    source = Path(anyopenai.__file__).parents[1]
    done: Any = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={"PYTHONPATH": str(source)}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
