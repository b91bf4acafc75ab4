"""Counts of a bulk job, and what is shown of them."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from anyio import create_task_group, wait_all_tasks_blocked
from rich.console import Console

from anyopenai.cli.progress import Meter, show
from anyopenai.transport.base import WireRequest, WireResponse

REQUEST = cast("WireRequest", object())


async def answer(request: WireRequest) -> WireResponse:
    return cast("WireResponse", request)


async def fail(request: WireRequest) -> WireResponse:
    raise ConnectionError


async def test_attempts_beyond_the_first_of_a_call_are_retries() -> None:
    meter = Meter()
    with meter.call():
        assert meter.in_flight == 1
        with pytest.raises(ConnectionError):
            await meter.middleware(REQUEST, fail)
        assert await meter.middleware(REQUEST, answer) is cast("Any", REQUEST)
    with meter.call():
        await meter.middleware(REQUEST, answer)
    assert (meter.in_flight, meter.retries) == (0, 1)


async def test_concurrent_calls_count_their_own_attempts() -> None:
    meter = Meter()

    async def one_call(attempts: int) -> None:
        with meter.call():
            for _ in range(attempts):
                await meter.middleware(REQUEST, answer)

    async with create_task_group() as tasks:
        for attempts in (1, 3, 1, 2):
            tasks.start_soon(one_call, attempts)
    assert meter.retries == 3


async def test_requests_that_no_call_is_counted_for_are_left_alone() -> None:
    meter = Meter()
    await meter.middleware(REQUEST, answer)
    await meter.middleware(REQUEST, answer)
    assert meter.retries == 0


async def shown(meter: Meter, console: Console) -> str:
    async with create_task_group() as tasks:
        tasks.start_soon(show, meter, console, "Embedding")
        await wait_all_tasks_blocked()
        meter.items, meter.retries = 1500, 1
        meter.stop()
        tasks.cancel_scope.cancel()
    return cast("io.StringIO", console.file).getvalue()


async def test_a_terminal_gets_a_bar_with_the_final_counts() -> None:
    text = await shown(Meter(2000), Console(file=io.StringIO(), force_terminal=True, width=120))
    assert "━" in text
    assert "1,500/2,000 items" in text
    assert "items/s, 0 in flight, 1 retry" in text


async def test_a_file_gets_plain_lines_without_cursor_movements() -> None:
    text = await shown(Meter(), Console(file=io.StringIO(), force_terminal=False, width=20))
    assert text.startswith("Embedding: 1,500 items, ")
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\r" not in text
