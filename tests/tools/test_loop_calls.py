"""The calls of one turn: whatever the order in which they end, the model is told in the order in which it called."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.turns import ASK, bodies, call, chat_answer, client_of, completion


@st.composite
def endings(draw: st.DrawFn) -> tuple[list[int], int, frozenset[int]]:
    """The order in which the gates of some calls open, how many run at once, and which of them raise."""
    count = draw(st.integers(1, 7))
    order = draw(st.permutations(range(count)))
    failing = draw(st.frozensets(st.integers(0, count - 1)))
    return list(order), draw(st.integers(1, count)), failing


# Each example runs an event loop: few of them say enough.
@settings(max_examples=30)
@given(endings())
async def test_outputs_keep_the_order_of_the_calls(ending: tuple[list[int], int, frozenset[int]]) -> None:
    order, limit, failing = ending
    gates = [anyio.Event() for _ in order]
    began: list[int] = []
    ended: list[int] = []

    async def wait(number: int) -> int:
        began.append(number)
        await gates[number].wait()
        ended.append(number)
        if number in failing:
            raise KeyError(number)
        return number

    calls = [call("wait", {"number": number}, f"c{number}") for number in range(len(order))]
    client, sent = client_of(
        chat_answer(completion(None, *calls), stream=False), chat_answer(completion("Done."), stream=False)
    )
    results: list[str] = []

    async with anyio.create_task_group() as tasks:

        async def follow() -> None:
            async with client.chat.completions.run_tools(
                **ASK, tools=[wait], max_concurrent_calls=limit, on_tool_error="tell"
            ) as run:
                async for event in run:
                    if event.type == "function_tool_call_result":
                        results.append(event.call_id)

        tasks.start_soon(follow)
        while len(began) < limit:
            await checkpoint()
        for number in order:
            assert len(began) - len(ended) <= limit
            gates[number].set()
            await checkpoint()
    told = bodies(sent)[1]["messages"][2:]
    assert [message["tool_call_id"] for message in told] == [f"c{number}" for number in range(len(order))]
    assert [message["content"] for message in told] == [
        "The tool 'wait' failed with KeyError." if number in failing else str(number) for number in range(len(order))
    ]
    assert sorted(ended) == sorted(order)
    assert results == [f"c{number}" for number in ended]
    if limit == len(order):
        assert ended == order


@settings(max_examples=30)
@given(endings())
async def test_the_first_failure_ends_all_and_is_the_one_that_is_raised(
    ending: tuple[list[int], int, frozenset[int]],
) -> None:
    order, limit, failing = ending
    gates = [anyio.Event() for _ in order]
    running: set[int] = set()
    failed: list[int] = []

    async def wait(number: int) -> None:
        running.add(number)
        try:
            await gates[number].wait()
            if number in failing:
                failed.append(number)
                raise KeyError(number)
        except BaseException:
            # What happens on the way out must not take the first one's place.
            if number not in failing:
                raise ValueError("cleaning up") from None
            raise
        finally:
            running.discard(number)

    calls = [call("wait", {"number": number}, f"c{number}") for number in range(len(order))]
    client, _ = client_of(
        chat_answer(completion(None, *calls), stream=False), chat_answer(completion("Done."), stream=False)
    )
    raised: list[Any] = []

    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            try:
                await client.chat.completions.run_tools(**ASK, tools=[wait], max_concurrent_calls=limit)
            except KeyError as error:
                raised.append(error.args[0])
                assert running == set()

        tasks.start_soon(run)
        while len(running) < limit:
            await checkpoint()
        for number in order:
            gates[number].set()
            await checkpoint()
    assert raised == failed[:1]


async def test_calls_begin_in_their_order() -> None:
    began: list[int] = []

    async def note(number: int) -> None:
        began.append(number)
        await checkpoint()

    def plain(number: int) -> None:
        began.append(number)

    for limit in (1, 3, 20):
        calls = [call("note", {"number": number}, f"c{number}") for number in range(9)]
        client, _ = client_of(
            chat_answer(completion(None, *calls), stream=False), chat_answer(completion("Done."), stream=False)
        )
        await client.chat.completions.run_tools(**ASK, tools=[note], max_concurrent_calls=limit)
        assert began == list(range(9))
        began.clear()
    calls = [call("plain", {"number": number}, f"c{number}") for number in range(5)]
    client, _ = client_of(
        chat_answer(completion(None, *calls), stream=False), chat_answer(completion("Done."), stream=False)
    )
    await client.chat.completions.run_tools(**ASK, tools=[plain], max_concurrent_calls=1)
    assert began == list(range(5))


@pytest.mark.parametrize("shielded", [False, True])
async def test_a_failure_is_raised_when_the_other_calls_have_cleaned_up(shielded: bool) -> None:
    cleaned = 0

    async def slow() -> None:
        nonlocal cleaned
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=shielded):
                if shielded:
                    await checkpoint()
                cleaned += 1

    async def fails() -> None:
        await anyio.wait_all_tasks_blocked()
        raise KeyError("x")

    client, _ = client_of(
        chat_answer(completion(None, call("slow", id="a"), call("slow", id="b"), call("fails", id="c")), stream=False)
    )
    async with client.chat.completions.run_tools(**ASK, tools=[slow, fails]) as run:
        with pytest.raises(KeyError):
            await run.done()
        assert cleaned == 2
