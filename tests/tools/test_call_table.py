"""What may stand among `tools=`, what is sent of it, and what its calls lead to."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import pydantic
import pytest
from anyio.lowlevel import checkpoint
from msgspec import Struct

from anyopenai import bind_tool, function_tool, pydantic_function_tool
from anyopenai._codec import DecodeFailure
from anyopenai.tools.call_table import is_async, table_of


class Order(Struct):
    """Order a meal."""

    dish: str


@dataclass
class Point:
    x: int


class Table(pydantic.BaseModel):
    """Reserve a table."""

    seats: int


@function_tool(name="decorated")
async def tool(a: int) -> int:
    """Do it."""
    await checkpoint()
    return a


def plain(b: int) -> int:
    """Do the other thing."""
    return b


class Callable:
    async def __call__(self, c: int) -> int:
        return c

    async def method(self, d: int) -> int:
        return d


def one_of(given: Any) -> Any:
    return next(iter(table_of([given], "chat").runnable.values()))


@pytest.mark.parametrize(
    ("given", "name", "arguments", "value"),
    [
        (plain, "plain", '{"b": 2}', 2),
        (function_tool(plain), "plain", '{"b": 2}', 2),
        (function_tool(plain).for_chat(), "plain", '{"b": 2}', 2),
        (function_tool(plain).for_responses(), "plain", '{"b": 2}', 2),
        (bind_tool(Order, lambda order: order.dish), "Order", '{"dish": "soup"}', "soup"),
        (bind_tool(Order, lambda order: order.dish).for_responses(), "Order", '{"dish": "soup"}', "soup"),
        (bind_tool(Point, lambda point: point.x, name="move"), "move", '{"x": 3}', 3),
        (bind_tool(pydantic_function_tool(Table), lambda table: table.seats), "Table", '{"seats": 4}', 4),
        (bind_tool(function_tool(Order), lambda order: order.dish), "Order", '{"dish": "soup"}', "soup"),
        (
            bind_tool({"type": "object", "title": "go", "properties": {"to": {"type": "string"}}}, lambda it: it["to"]),
            *("go", '{"to": "Oslo"}', "Oslo"),
        ),
        (
            bind_tool({"type": "function", "function": {"name": "old", "description": "Old."}}, lambda it: len(it)),
            *("old", '{"a": 1}', 1),
        ),
        (bind_tool({"type": "function", "name": "new", "strict": True}, lambda it: len(it)), "new", '{"a": 1}', 1),
        (bind_tool({"type": "custom", "name": "say"}, str.upper), "say", "hey", "HEY"),
    ],
    ids=str,
)
def test_what_can_be_called(given: Any, name: str, arguments: str, value: object) -> None:
    found = one_of(given)
    assert found.name == name
    assert not found.is_async
    assert found.function(found.decode(arguments)) == value


@pytest.mark.parametrize(
    "function",
    [
        tool.function,
        Callable(),
        Callable().method,
        functools.partial(tool.function, a=1),
        functools.partial(functools.partial(Callable(), 1)),
    ],
    ids=repr,
)
def test_asynchronous_functions_are_known(function: Any) -> None:
    assert is_async(function)
    assert not is_async(plain)
    assert not is_async(functools.partial(plain, 1))


def test_both_apis_are_told_of_a_tool_in_their_form() -> None:
    chat, responses = (table_of([tool, {"type": "web_search"}], api).sent for api in ("chat", "responses"))
    members = tool.members()
    assert chat == [{"type": "function", "function": members}, {"type": "web_search"}]
    assert responses == [{"type": "function", **members}, {"type": "web_search"}]


def test_a_tool_written_by_hand_is_sent_as_it_is_written() -> None:
    schema = {"type": "object", "properties": {"any": {"type": "object", "additionalProperties": {"type": "string"}}}}
    written = {"type": "function", "function": {"name": "loose", "description": "Loose.", "parameters": schema}}
    sent: Any = table_of([bind_tool(written, str)], "chat").sent[0]
    assert sent["function"] == {"name": "loose", "description": "Loose.", "parameters": schema, "strict": False}
    renamed = bind_tool(written, str, name="other", description="Other.")
    assert (renamed.name, renamed.description) == ("other", "Other.")


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (function_tool(Order), ValueError, "'Order' says what the model may call and not what is called"),
        (pydantic_function_tool(Table), ValueError, "'Table'"),
        (Order, ValueError, "use bind_tool"),
        ({"type": "function", "function": {"name": "x"}}, ValueError, "'x'"),
        ({"type": "function", "name": "y"}, ValueError, "'y'"),
        ({"type": "custom", "name": "z"}, ValueError, "'z'"),
        (7, TypeError, "not 7"),
    ],
    ids=str,
)
def test_what_nobody_could_answer_is_refused(given: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        table_of([given], "chat")


def test_a_name_is_given_once_and_a_tool_has_one() -> None:
    with pytest.raises(ValueError, match="two tools are called 'plain'"):
        table_of([plain, bind_tool(Order, str, name="plain")], "responses")
    with pytest.raises(ValueError, match="custom tool has a name"):
        bind_tool({"type": "custom"}, str)  # type: ignore[call-overload]  # what is refused
    with pytest.raises(ValueError, match="function tool has a name"):
        bind_tool({"type": "function"}, str)
    with pytest.raises(ValueError, match="letters"):
        bind_tool(Order, str, name="not a name")


def test_readers_of_streams_leave_what_does_not_fit() -> None:
    table = table_of([plain, bind_tool({"type": "custom", "name": "say"}, str)], "chat")
    assert table.readers.keys() == {"plain"}
    assert table.readers["plain"]('{"b": "x"}') is None
    assert table.readers["plain"](b'{"b": 1}') is not None
    with pytest.raises(DecodeFailure):
        table.runnable["plain"].decode('{"b": "x"}')


def test_tools_say_what_they_are() -> None:
    assert repr(bind_tool(Order, str)) == "<BoundTool Order>"
    assert repr(bind_tool({"type": "custom", "name": "say"}, str)) == "<CustomTool say>"
