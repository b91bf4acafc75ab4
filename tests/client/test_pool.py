"""The client's own connections: what it tells of them, and whose event loop they belong to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import anyio
import pytest
from anyio import Event, create_task_group, wait_all_tasks_blocked

from anyopenai import ConnectionLimits, OpenAI
from anyopenai.errors import WrongEventLoopError
from anyopenai.testing import FakeTransport
from anyopenai.testing.faults import Forever, Receive, Reply, Wait, fault_server
from engine.support import KEY

MODEL = Reply(body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}')


async def test_a_client_tells_how_full_its_pool_is() -> None:
    gate = Event()
    client = OpenAI(api_key=KEY, limits=ConnectionLimits(max_connections=2))
    assert client.pool_stats() == (0, 0, 0, 0, 0, 0, 0, 0)
    async with fault_server([Forever(Receive(), Wait(gate), MODEL)]) as server, client:
        view = client.with_options(base_url=server.url)
        async with create_task_group() as group:
            for _ in range(5):
                group.start_soon(view.models.retrieve, "m")
            while len(server.requests) < 2:
                await wait_all_tasks_blocked()
            stats = client.pool_stats()
            assert stats is not None
            assert stats == view.pool_stats()
            assert (stats.connections, stats.in_use, stats.waiting, stats.inflight, stats.streams) == (2, 2, 3, 2, 0)
            gate.set()
        stats = client.pool_stats()
        assert stats is not None
        assert (stats.connections, stats.idle, stats.waiting, stats.opened) == (2, 2, 0, 2)
    assert client.pool_stats() == (0, 0, 0, 0, 2, 0, 0, 0)


async def test_a_client_over_another_transport_has_no_pool_to_tell_of() -> None:
    assert OpenAI(api_key=KEY, transport=FakeTransport()).pool_stats() is None


@pytest.fixture
def url() -> Iterator[str]:
    """Return the address of a server that outlives a test's event loops."""
    ready, stop, urls = threading.Event(), threading.Event(), list[str]()

    async def serve() -> None:
        async with fault_server([Forever(Receive(), MODEL)]) as server:
            urls.append(server.url)
            ready.set()
            await anyio.to_thread.run_sync(stop.wait)

    thread = threading.Thread(target=anyio.run, args=(serve,))
    thread.start()
    ready.wait()
    yield urls[0]
    stop.set()
    thread.join()


def test_a_client_goes_on_from_run_to_run(url: str) -> None:
    client = OpenAI(api_key=KEY, base_url=url)

    async def ask() -> str:
        return (await client.models.retrieve("m")).id

    assert asyncio.run(ask()) == "m"
    assert asyncio.run(ask()) == "m"
    assert anyio.run(ask, backend="trio") == "m"
    assert asyncio.run(ask()) == "m"
    loop = asyncio.new_event_loop()
    # As notebooks and old scripts do: one loop that runs, stops and runs again keeps its connection.
    for _ in range(2):
        assert loop.run_until_complete(ask()) == "m"
    stats = client.pool_stats()
    assert stats is not None
    assert (stats.connections, stats.opened) == (1, 5)
    loop.run_until_complete(client.close())
    loop.close()


@pytest.mark.parametrize("backends", [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")])
def test_of_two_threads_that_share_a_client_at_once_one_is_told_so(backends: tuple[str, str], url: str) -> None:
    for _ in range(5):
        client = OpenAI(api_key=KEY, base_url=url)
        start, end = threading.Barrier(2), threading.Barrier(2)
        outcomes: list[str] = []

        async def ask(
            client: OpenAI = client,
            start: threading.Barrier = start,
            end: threading.Barrier = end,
            outcomes: list[str] = outcomes,
        ) -> None:
            # Both event loops run from here to the end.
            start.wait()
            try:
                outcomes.append((await client.models.retrieve("m")).id)
            except WrongEventLoopError:
                outcomes.append("told")
            end.wait()

        threads = [threading.Thread(target=anyio.run, args=(ask,), kwargs={"backend": name}) for name in backends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["m", "told"]
        anyio.run(client.close)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_threads_with_a_client_each_do_not_meet(backend: str, url: str) -> None:
    answers: list[str] = []

    async def ask() -> None:
        async with OpenAI(api_key=KEY, base_url=url) as client:
            for _ in range(5):
                answers.append((await client.models.retrieve("m")).id)

    threads = [threading.Thread(target=anyio.run, args=(ask,), kwargs={"backend": backend}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["m"] * 20
