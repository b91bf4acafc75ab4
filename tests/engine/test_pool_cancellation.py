"""Clients over real connections: a thousand cancelled calls leave a pool that serves the next hundred."""

from __future__ import annotations

import random

import anyio
from anyio.lowlevel import checkpoint

from anyopenai import OpenAI
from anyopenai.testing.faults import Forever, Receive, Reply, fault_server
from anyopenai.transport.pool import PoolTransport
from engine.support import KEY

MODEL = b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}'


async def test_a_thousand_cancelled_calls_leave_every_slot_free() -> None:
    pool = PoolTransport(max_connections=10)
    chances = random.Random(7)
    done = cancelled = 0
    async with (
        fault_server([Forever(Receive(), Reply(body=MODEL, headers={"content-type": "application/json"}))]) as server,
        OpenAI(api_key=KEY, base_url=server.url, transport=pool) as client,
    ):

        async def call(steps: int) -> None:
            """Make a call, and cancel it after a number of turns of the event loop."""
            nonlocal done, cancelled
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(cancel_after, scope, steps)
                    await client.models.retrieve("m")
                    done += 1
                    group.cancel_scope.cancel()
            cancelled += scope.cancelled_caught

        async def cancel_after(scope: anyio.CancelScope, steps: int) -> None:
            for _ in range(steps):
                await checkpoint()
            scope.cancel()

        for _ in range(20):
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(call, chances.randrange(0, 120))
        stats = pool.stats()
        assert (stats.in_use, stats.waiting) == (0, 0)

        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(client.models.retrieve, "m")
        assert pool.stats().in_use == 0
    # A call can be done and the scope around it be cancelled all the same.
    assert done + cancelled >= 1000
