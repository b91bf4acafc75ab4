"""One call: where it runs, what its value becomes, and which threads it may take."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any

import anyio
import pydantic
import pytest
from anyio.lowlevel import checkpoint
from msgspec import Struct

from anyopenai.tools import ToolCall
from anyopenai.tools.call_running import CallPolicy, run_call
from anyopenai.tools.call_table import table_of


class Point(Struct):
    x: int


@dataclass
class Place:
    name: str


class Seat(pydantic.BaseModel):
    row: int


async def outcome_of(function: Any, arguments: str = "{}", **policy: Any) -> Any:
    tools = table_of([function], "chat").runnable
    call = ToolCall(name=next(iter(tools)), arguments=arguments, call_id="c", index=0, turn=1)
    return await run_call(call, tools, CallPolicy(**policy))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (3, "3"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (Point(1), '{"x":1}'),
        (Place("Oslo"), '{"name":"Oslo"}'),
        (Seat(row=2), '{"row":2}'),
        ([Point(1), Seat(row=2)], '[{"x":1},{"row":2}]'),
    ],
    ids=str,
)
async def test_a_value_becomes_text(value: object, text: str) -> None:
    def gives() -> object:
        return value

    outcome = await outcome_of(gives)
    assert (outcome.content, outcome.value, outcome.error) == (text, value, None)


async def test_a_value_without_a_form_is_the_tools_error() -> None:
    def gives() -> object:
        return {"raw": b"\x00"}

    with pytest.raises(TypeError, match="raw"):
        await outcome_of(gives)
    assert (await outcome_of(gives, on_tool_error="tell")).content == "The tool 'gives' failed with TypeError."


async def test_what_a_plain_function_gives_is_awaited_if_it_can_be() -> None:
    async def later(text: str) -> str:
        await checkpoint()
        return text

    def gives(text: str) -> Any:
        return later(text)

    assert (await outcome_of(gives, '{"text": "x"}')).content == "x"


async def test_a_thread_sees_the_callers_context_and_can_ask_whether_to_go_on() -> None:
    place = contextvars.ContextVar("place", default="nowhere")
    place.set("here")

    def look() -> str:
        anyio.from_thread.check_cancelled()
        return place.get()

    assert (await outcome_of(look)).content == "here"


async def test_threads_are_bounded_by_the_limiter_that_is_given() -> None:
    limiter = anyio.CapacityLimiter(1)

    def borrowed() -> int:
        return limiter.borrowed_tokens

    assert (await outcome_of(borrowed, threads=limiter)).value == 1
    assert (await outcome_of(borrowed)).value == 0


async def test_a_cancelled_thread_that_asks_ends() -> None:
    ended = anyio.Event()
    begun = anyio.Event()

    def asks() -> None:
        anyio.from_thread.run_sync(begun.set)
        try:
            while True:
                anyio.from_thread.check_cancelled()
                anyio.from_thread.run(checkpoint)
        finally:
            ended_threads.append(1)

    ended_threads: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outcome_of, asks)
        await begun.wait()
        tasks.cancel_scope.cancel()
    while not ended_threads:
        await checkpoint()
    assert not ended.is_set()


async def test_custom_calls_of_functions_and_calls_of_custom_tools_are_none() -> None:
    def plain() -> None: ...

    tools = table_of([plain], "chat").runnable
    call = ToolCall(name="plain", arguments="{}", call_id="c", index=0, turn=1, kind="custom")
    outcome = await run_call(call, tools, CallPolicy())
    assert outcome.content == "There is no tool 'plain'; those that can be called are: 'plain'."
    assert (await run_call(call, {}, CallPolicy())).content == (
        "There is no tool 'plain'; those that can be called are: none."
    )
