"""`merge`: several streams read at the same time, with one buffer and one rule for failures."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from anyopenai import OpenAI, RateLimitError, Stream, StreamTruncated, merge, tee
from anyopenai.testing import Answer
from engine.support import PROMPT, STREAM, chunk, client_over

LATE = {"error": {"message": "slow", "code": 429}}


async def numbers(count: int) -> AsyncGenerator[int]:
    for number in range(count):
        await anyio.lowlevel.checkpoint()
        yield number


class Counted:
    """A stream that says how far it was read."""

    def __init__(self, count: int) -> None:
        self.given = 0
        self.closed = False
        self._count = count

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        await anyio.lowlevel.checkpoint()
        if self.given == self._count:
            raise StopAsyncIteration
        self.given += 1
        return self.given

    async def aclose(self) -> None:
        self.closed = True


def ask(client: OpenAI) -> Any:
    return client.chat.completions.create(**PROMPT, stream=True)


async def test_events_of_all_streams_come_tagged_and_in_each_streams_order() -> None:
    sources = {"a": Counted(30), "b": Counted(50)}
    found: dict[str, list[int]] = {"a": [], "b": []}
    async with merge(sources, buffer=3) as events:
        async for tag, event in events:
            found[tag].append(event)
    assert found == {"a": list(range(1, 31)), "b": list(range(1, 51))}
    assert sources["a"].closed
    assert sources["b"].closed


async def test_streams_without_tags_are_told_apart_by_position() -> None:
    async with merge(Counted(2), Counted(1)) as events:
        found = [event async for event in events]
    assert sorted(found) == [(0, 1), (0, 2), (1, 1)]
    assert {event.tag for event in found} == {0, 1}


async def test_no_streams_are_over_at_once() -> None:
    async with merge() as events:
        assert [event async for event in events] == []
    async with merge({}) as events:
        assert [event async for event in events] == []


async def test_streams_are_read_at_the_same_time() -> None:
    first, second = anyio.Event(), anyio.Event()
    client, _ = client_over(Answer(events=[first, *STREAM]), Answer(events=[second, *STREAM]))
    async with merge(await ask(client), await ask(client)) as events:
        second.set()
        assert [(await anext(events)).tag for _ in range(3)] == [1, 1, 1]
        first.set()
        assert [event.tag async for event in events] == [0, 0, 0]


async def test_calls_helpers_and_iterators_are_taken_too() -> None:
    client, transport = client_over(*[Answer(events=STREAM)] * 2)

    @asynccontextmanager
    async def helper() -> AsyncGenerator[Stream[Any]]:
        async with await ask(client) as stream:
            yield stream

    plain = Counted(2)
    async with merge({"call": ask(client), "helper": helper(), "plain": plain}) as events:
        tags = [event.tag async for event in events]
    assert {tag: tags.count(tag) for tag in tags} == {"call": 3, "helper": 3, "plain": 2}
    assert transport.open_responses == 0


async def test_the_events_of_helpers_are_merged_and_shared_like_any_others() -> None:
    client, transport = client_over(*[Answer(events=STREAM)] * 3)
    helpers = {name: client.chat.completions.stream(**PROMPT) for name in "ab"}
    async with merge(helpers) as events:
        texts = [tag async for tag, event in events if event.type == "content.done"]
    assert sorted(texts) == ["a", "b"]
    async with client.chat.completions.stream(**PROMPT) as stream, tee(stream) as (first, second):
        kinds = [[event.type async for event in reader] for reader in (first, second)]
    assert kinds[0] == kinds[1]
    assert "content.done" in kinds[0]
    assert transport.open_responses == 0


async def test_a_full_buffer_holds_all_streams_back() -> None:
    one, two = Counted(50), Counted(50)
    async with merge(one, two, buffer=4) as events:
        await anyio.wait_all_tasks_blocked()
        # What waits, and of each stream the event that finds no room.
        assert one.given + two.given == 6
        await anext(events)
        await anyio.wait_all_tasks_blocked()
        assert one.given + two.given == 7


async def test_a_failure_stops_the_others_and_comes_behind_earlier_events() -> None:
    never = anyio.Event()
    client, transport = client_over(
        Answer(events=[chunk("a"), never, chunk("late")]), Answer(events=[chunk("b"), LATE])
    )
    async with merge(await ask(client), await ask(client)) as events:
        await anyio.wait_all_tasks_blocked()
        assert transport.open_responses == 0
        assert {(await anext(events)).tag for _ in range(2)} == {0, 1}
        with pytest.raises(RateLimitError, match="slow") as caught:
            await anext(events)
        assert caught.value.partial == "b"
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_failure_may_wait_for_the_others() -> None:
    client, _ = client_over(Answer(events=[LATE]), Answer(events=STREAM))
    async with merge(await ask(client), await ask(client), on_error="finish") as events:
        assert [(await anext(events)).tag for _ in range(3)] == [1, 1, 1]
        with pytest.raises(RateLimitError):
            await anext(events)


async def test_several_failures_are_a_group() -> None:
    client, _ = client_over(Answer(events=[LATE]), Answer(events=[chunk("a")]), Answer(events=STREAM))
    streams = [await ask(client) for _ in range(3)]
    with pytest.raises(ExceptionGroup) as caught:
        async with merge(*streams, on_error="finish") as events:
            [event async for event in events]
    assert {type(error) for error in caught.value.exceptions} == {RateLimitError, StreamTruncated}


async def test_a_call_that_fails_is_a_failure_of_its_stream() -> None:
    client, transport = client_over(Answer.error(429), Answer(events=STREAM), max_retries=0)
    with pytest.raises(RateLimitError):
        async with merge(ask(client), ask(client)) as events:
            [event async for event in events]
    assert transport.open_responses == 0


async def test_leaving_the_block_early_closes_every_stream() -> None:
    never = anyio.Event()
    client, transport = client_over(*[Answer(events=[chunk("a"), never, chunk("late")])] * 3)
    unread = Counted(5)
    async with merge(await ask(client), await ask(client), ask(client), unread) as events:
        await anext(events)
    assert transport.open_responses == 0
    assert unread.closed


async def test_leaving_before_anything_ran_closes_what_nobody_came_to() -> None:
    client, transport = client_over(*[Answer(events=STREAM)] * 2)
    with anyio.CancelScope() as scope:
        stream = await ask(client)
        scope.cancel()
        async with merge(stream, ask(client)):
            pass
    assert transport.open_responses == 0


async def test_a_step_that_is_cancelled_loses_nothing() -> None:
    gate = anyio.Event()
    client, _ = client_over(Answer(events=[gate, *STREAM]))
    async with merge(await ask(client)) as events:
        async with anyio.create_task_group() as group:
            group.start_soon(anext, events)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        gate.set()
        assert len([event async for event in events]) == 3


async def test_an_error_in_the_block_is_the_users_own() -> None:
    source = Counted(5)
    with pytest.raises(ZeroDivisionError):
        async with merge(source):
            raise ZeroDivisionError
    assert source.closed


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="buffer"):
        merge(buffer=0)
    with pytest.raises(ValueError, match="on_error"):
        merge(on_error="ignore")  # type: ignore[arg-type]  # wrong on purpose
