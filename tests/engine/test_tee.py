"""`tee`: every reader gets everything, at the pace of the slowest or without it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from anyopenai import APIError, OpenAIError, RateLimitError, StreamTruncated, tee
from anyopenai._engine.tee import TeeReader
from anyopenai.testing import Answer
from engine.support import PROMPT, STREAM, chunk, client_over


class Numbers:
    """A source that says how far it was read and whether it was closed."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.given = 0
        self.closed = False
        self._count = count
        self._error = error

    async def __anext__(self) -> int:
        await anyio.lowlevel.checkpoint()
        if self.given == self._count:
            raise StopAsyncIteration if self._error is None else self._error
        self.given += 1
        return self.given

    async def aclose(self) -> None:
        self.closed = True


async def collect(reader: TeeReader[Any], into: list[Any]) -> None:
    async for event in reader:
        into.append(event)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("buffer", [1, 3, 100])
async def test_every_reader_gets_every_event_in_order(n: int, buffer: int) -> None:
    source = Numbers(50)
    found: list[list[int]] = [[] for _ in range(n)]
    async with tee(source, n, buffer=buffer) as readers, anyio.create_task_group() as group:
        for reader, into in zip(readers, found, strict=True):
            group.start_soon(collect, reader, into)
    assert found == [list(range(1, 51))] * n
    assert source.closed


async def test_a_stream_is_read_once_for_all() -> None:
    client, transport = client_over(Answer(events=STREAM))
    found: list[list[Any]] = [[], []]
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    async with stream.tee(2) as readers, anyio.create_task_group() as group:
        for reader, into in zip(readers, found, strict=True):
            group.start_soon(collect, reader, into)
    assert [len(into) for into in found] == [3, 3]
    assert found[0][0] is found[1][0]
    assert transport.responses[0].complete


async def test_the_slowest_reader_sets_the_pace() -> None:
    source = Numbers(50)
    fast: list[int] = []
    async with tee(source, 2, buffer=3) as (first, second), anyio.create_task_group() as group:
        group.start_soon(collect, first, fast)
        await anyio.wait_all_tasks_blocked()
        # What waits for the slow one, and the event that finds no room.
        assert (len(fast), source.given) == (3, 4)
        assert await anext(second) == 1
        await anyio.wait_all_tasks_blocked()
        assert (len(fast), source.given) == (4, 5)
        await second.aclose()
    assert fast == list(range(1, 51))


async def test_a_reader_that_is_too_slow_is_dropped_and_says_so() -> None:
    source = Numbers(50)
    fast: list[int] = []
    async with tee(source, 2, buffer=3, drop_after=0) as (first, second), anyio.create_task_group() as group:
        group.start_soon(collect, first, fast)
        await anyio.wait_all_tasks_blocked()
        assert fast == list(range(1, 51))
        assert second.dropped
        assert not first.dropped
        # What it has, it still gets.
        assert [await anext(second) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(OpenAIError, match=r"was dropped.*longer than 0 s"):
            await anext(second)


async def test_the_last_reader_is_never_dropped() -> None:
    source = Numbers(9)
    async with tee(source, 3, buffer=2, drop_after=0) as readers:
        await anyio.wait_all_tasks_blocked()
        assert [reader.dropped for reader in readers] == [True, True, False]
        assert [event async for event in readers[2]] == list(range(1, 10))


async def test_an_error_reaches_each_reader_behind_its_events() -> None:
    client, transport = client_over(Answer(events=[chunk("Hel"), {"error": {"message": "slow", "code": 429}}]))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    errors: list[APIError] = []
    async with stream.tee(2) as readers:
        for reader in readers:
            assert (await anext(reader)).choices[0].delta.content == "Hel"
            with pytest.raises(RateLimitError, match="slow") as caught:
                await anext(reader)
            errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert [error.partial for error in errors] == ["Hel", "Hel"]
    assert transport.open_responses == 0


async def test_an_error_that_cannot_be_copied_is_raised_as_it_is() -> None:
    class OddError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("odd")

    error = OddError(1, 2)
    async with tee(Numbers(0, error), 2) as readers:
        for reader in readers:
            with pytest.raises(OddError) as caught:
                await anext(reader)
            assert caught.value is error


async def test_a_truncated_stream_keeps_its_cause_for_each_reader() -> None:
    client, _ = client_over(Answer(events=[chunk("Hel")]))
    async with (await client.chat.completions.create(**PROMPT, stream=True)).tee(1) as (reader,):
        with pytest.raises(StreamTruncated) as caught:
            [event async for event in reader]
    assert caught.value.partial == "Hel"


async def test_leaving_the_block_early_resets_the_stream() -> None:
    never = anyio.Event()
    client, transport = client_over(Answer(events=[chunk("Hel"), never, chunk("late")]))
    async with (await client.chat.completions.create(**PROMPT, stream=True)).tee(2) as (first, second):
        await anext(first)
    assert transport.open_responses == 0
    for reader in (first, second):
        if reader is second:
            await anext(reader)
        with pytest.raises(StopAsyncIteration):
            await anext(reader)


async def test_the_stream_is_read_no_further_when_no_reader_is_left() -> None:
    never = anyio.Event()
    client, transport = client_over(Answer(events=[chunk("Hel"), never, chunk("late")]))
    async with (await client.chat.completions.create(**PROMPT, stream=True)).tee(2) as (first, second):
        await anext(first)
        await first.aclose()
        async with second:
            await anyio.wait_all_tasks_blocked()
            assert transport.open_responses == 1
        await anyio.wait_all_tasks_blocked()
        assert transport.open_responses == 0


async def test_a_reader_whose_step_is_cancelled_loses_nothing() -> None:
    gate = anyio.Event()
    client, _ = client_over(Answer(events=[gate, *STREAM]))
    async with (await client.chat.completions.create(**PROMPT, stream=True)).tee(2) as (first, second):
        async with anyio.create_task_group() as group:
            group.start_soon(anext, first)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        gate.set()
        assert [len([event async for event in reader]) for reader in (first, second)] == [3, 3]


async def test_an_error_in_the_block_is_the_users_own() -> None:
    source = Numbers(5)
    with pytest.raises(ZeroDivisionError):
        async with tee(source, 2):
            raise ZeroDivisionError
    assert source.closed


@pytest.mark.parametrize(("n", "buffer", "drop_after"), [(0, 1, None), (1, 0, None), (1, 1, -1), (1, 1, float("nan"))])
def test_numbers_out_of_range_are_refused(n: int, buffer: int, drop_after: float | None) -> None:
    with pytest.raises(ValueError, match="must be"):
        tee(Numbers(1), n, buffer=buffer, drop_after=drop_after)
