"""Everything the fault server can do wrong: a typed error, the same on both backends, and no connection slot lost."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyopenai import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    BadRequestError,
    OpenAI,
    RateLimitError,
    Timeout,
)
from anyopenai.testing.faults import (
    BAD_CHUNK,
    MALFORMED_STATUS,
    Close,
    Drip,
    Forever,
    HalfClose,
    Receive,
    Reply,
    Reset,
    Send,
    Stall,
    Step,
    fault_server,
    http_date,
    rate_limited,
)
from anyopenai.transport.pool import PoolTransport
from behaviour.answers import PROMPT, delta, file
from behaviour.clients import KEY
from behaviour.server import frame

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
OK = Reply(body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}', headers=JSON)
EVENT = frame(delta("a"))
assert isinstance(EVENT, bytes)

PATIENT = Timeout(30)
HASTY = Timeout(30, read=0.01)


async def retrieve(client: OpenAI) -> object:
    return await client.models.retrieve("m")


async def download(client: OpenAI) -> object:
    return await client.files.content("file-1")


async def streamed_download(client: OpenAI) -> object:
    async with client.files.with_streaming_response.content("file-1") as response:
        return [piece async for piece in response.iter_bytes()]


async def stream(client: OpenAI) -> object:
    return [chunk async for chunk in await client.chat.completions.create(**PROMPT, stream=True)]


async def upload(client: OpenAI) -> object:
    return await client.files.create(file=b"x" * 300_000, purpose="assistants")


async def walk(client: OpenAI) -> object:
    return [batch async for batch in client.batches.list()]


CALLS = (retrieve, download, streamed_download, stream, upload, walk)

LOST, LATE, REFUSED = APIConnectionError, APITimeoutError, RateLimitError

# What a connection does, how patient the client is, and what it raises whatever was called.
FAULTS: dict[str, tuple[Sequence[Step], Timeout, type[APIError]]] = {
    "closed at once": ([Close()], PATIENT, LOST),
    "reset at once": ([Reset()], PATIENT, LOST),
    "closed before an answer": ([Receive(), Close()], PATIENT, LOST),
    "reset before an answer": ([Receive(), Reset()], PATIENT, LOST),
    "half closed": ([Receive(), HalfClose(), Stall()], PATIENT, LOST),
    "silent": ([Receive(), Stall()], HASTY, LATE),
    "silent in the head": ([Receive(), Reply(cut=12), Stall()], HASTY, LATE),
    "silent in the body": ([Receive(), Reply(body=b"x" * 99, cut=60), Stall()], HASTY, LATE),
    "cut in the status line": ([Receive(), Reply(cut=10), Close()], PATIENT, LOST),
    "cut in the head": ([Receive(), Reply(body=b"x", cut=30), Close()], PATIENT, LOST),
    "cut in the body": ([Receive(), Reply(body=b"x" * 99, cut=60), Close()], PATIENT, LOST),
    "reset in the body": ([Receive(), Reply(body=b"x" * 99, cut=60), Reset()], PATIENT, LOST),
    "cut between chunks": (
        [Receive(), Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"), Close()],
        PATIENT,
        LOST,
    ),
    "malformed status": ([Receive(), Send(MALFORMED_STATUS)], PATIENT, LOST),
    "bad chunk": ([Receive(), Send(BAD_CHUNK)], PATIENT, LOST),
    "no http": ([Receive(), Drip(b"SSH-2.0-OpenSSH_9.6\r\n")], PATIENT, LOST),
    "endless head": (
        [Receive(), Send(b"HTTP/1.1 200 OK\r\n"), Forever(Send(b"x-more: " + b"x" * 8000 + b"\r\n"))],
        PATIENT,
        LOST,
    ),
    "endless interim answers": ([Receive(), Forever(Send(b"HTTP/1.1 100 Continue\r\n\r\n" * 99))], PATIENT, LOST),
    "two lengths": (
        [Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x")],
        PATIENT,
        LOST,
    ),
    "a length that is none": ([Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}")], PATIENT, LOST),
    "broken gzip": ([Receive(), Reply(body=b"no gzip", headers={"content-encoding": "gzip"})], PATIENT, LOST),
    "a coding nobody asked for": ([Receive(), Reply(body=b"xx", headers={"content-encoding": "br"})], PATIENT, LOST),
    "rate limited until tomorrow": ([Receive(), rate_limited(http_date(86_400))], PATIENT, REFUSED),
    "rate limited, and broken off": ([Receive(), Reply(429, b"x" * 99, cut=80), Reset()], PATIENT, REFUSED),
    "rate limited, and silent": ([Receive(), Reply(429, b"x" * 99, cut=80), Stall()], HASTY, REFUSED),
    "refused before the body was read": ([Receive(body=False), Reply(400, b"{}"), Close()], PATIENT, BadRequestError),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_gives_a_typed_error_and_loses_no_slot(
    name: str, call: Callable[[OpenAI], Awaitable[object]]
) -> None:
    steps, patience, expected = FAULTS[name]
    pool = PoolTransport(max_connections=1)
    async with (
        fault_server(steps, [Forever(Receive(), OK)]) as server,
        OpenAI(api_key=KEY, base_url=server.url, transport=pool, max_retries=0, timeout=patience) as client,
    ):
        with pytest.raises(expected) as caught:
            await call(client)
        assert isinstance(caught.value, APITimeoutError) == (expected is APITimeoutError)
        stats = pool.stats()
        assert (stats.in_use, stats.waiting) == (0, 0)
        # The only slot there is serves the next request.
        assert (await client.with_options(timeout=30).models.retrieve("m")).id == "m"


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault[2] is LOST and fault[1] is PATIENT])
async def test_a_fault_that_passes_is_not_seen(name: str) -> None:
    steps, patience, _ = FAULTS[name]
    async with (
        fault_server(steps, [Forever(Receive(), OK)]) as server,
        OpenAI(api_key=KEY, base_url=server.url, timeout=patience) as client,
    ):
        if "gzip" in name or "coding" in name:
            # The same document would come again.
            with pytest.raises(APIConnectionError):
                await retrieve(client)
        else:
            assert (await client.models.retrieve("m")).id == "m"


@pytest.mark.parametrize("call", CALLS)
async def test_calls_cancelled_at_any_moment_leave_a_pool_that_serves_the_next(
    call: Callable[[OpenAI], Awaitable[object]],
) -> None:
    pool = PoolTransport(max_connections=5)
    chances = random.Random(11)
    replies: dict[str, Reply] = {
        "/models/m": OK,
        "/files": Reply(body=json.dumps(file()).encode(), headers=JSON),
        "/files/file-1/content": Reply(chunks=[b"one", b"two"]),
        "/chat/completions": Reply(chunks=[EVENT] * 3 + [b"data: [DONE]\n\n"], headers=EVENTS),
        "/batches": Reply(body=b'{"object": "list", "data": [], "has_more": false}', headers=JSON),
    }

    async def answer(peer: Any) -> None:
        request = await peer.receive_request()
        await replies[request.target](peer)

    async with (
        fault_server([Forever(answer)]) as server,
        OpenAI(api_key=KEY, base_url=server.url, transport=pool, max_retries=0) as client,
    ):

        async def cancelled(turns: int) -> None:
            """Make a call that is cancelled after some turns of the event loop."""
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ended, tasks.cancel_scope)
                for _ in range(turns):
                    await checkpoint()
                tasks.cancel_scope.cancel()

        async def ended(scope: anyio.CancelScope) -> None:
            await call(client)
            scope.cancel()

        for _ in range(4):
            async with anyio.create_task_group() as tasks:
                for _ in range(40):
                    tasks.start_soon(cancelled, chances.randrange(90))
            stats = pool.stats()
            assert (stats.in_use, stats.waiting) == (0, 0)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(client.models.retrieve, "m")
        assert pool.stats().in_use == 0
        assert pool.stats().connections <= 5
