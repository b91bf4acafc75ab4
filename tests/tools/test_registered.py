"""Registered functions: what the model is told, how arguments are read, which results can be sent."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from msgspec import Struct

from anyopenai import function_tool, pydantic_function_tool
from anyopenai.tools.registered import AsyncRegisteredFunction, RegisteredFunction, checked_output
from tools.runner_turns import registered, tool


class Place(Struct):
    city: str


class Model(pydantic.BaseModel):
    city: str


async def name_of(place: Any) -> str:
    return str(place.city)


@pytest.mark.parametrize("made", [function_tool(Place), function_tool(Place).for_responses(), function_tool(Model)])
def test_arguments_are_read_as_the_tools_type(made: Any) -> None:
    function = AsyncRegisteredFunction.from_tool(made, execute=name_of)
    assert function.arguments('{"city":"Oslo"}').city == "Oslo"  # type: ignore[attr-defined]  # it is a Place or a Model
    declared = function.declaration()
    assert (declared["type"], declared["name"], declared["strict"]) == ("function", function.name, True)
    with pytest.raises(ValueError, match="city"):
        function.arguments('{"city":1}')


def test_a_tool_made_for_chat_is_told_to_responses_in_their_form() -> None:
    declared = AsyncRegisteredFunction.from_tool(pydantic_function_tool(Model), execute=name_of).declaration()
    assert declared["name"] == "Model"
    assert "function" not in declared


async def test_a_tool_made_from_a_function_calls_it() -> None:
    @function_tool
    def plain(city: str) -> str:
        """Say it."""
        return city

    @function_tool
    async def awaited(city: str) -> str:
        """Say it."""
        return city

    execute: Any = AsyncRegisteredFunction.from_tool(plain)
    assert execute.execute(execute.arguments('{"city":"Oslo"}')) == "Oslo"
    execute = AsyncRegisteredFunction.from_tool(awaited)
    assert await execute.execute(execute.arguments('{"city":"Oslo"}')) == "Oslo"


@pytest.mark.parametrize(
    ("given", "said"),
    [(tool(), "not a plain dict"), (function_tool(Place), "cannot be called")],
)
def test_what_is_no_typed_tool(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AsyncRegisteredFunction.from_tool(given)


@pytest.mark.parametrize("text", ["{", "[]", "3", "", '{"a":NaN}', '{"a":Infinity}', None, 3])
def test_arguments_are_a_json_object(text: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's own words
        registered().arguments(text)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (AsyncRegisteredFunction({"type": "custom", "name": "x"}, name_of), "type function"),  # type: ignore[arg-type]  # refused
        (AsyncRegisteredFunction(tool(""), name_of), "with a name"),
        (AsyncRegisteredFunction(3, name_of), "with a name"),  # type: ignore[arg-type]  # refused
        (AsyncRegisteredFunction(tool(), None), "nothing to execute"),  # type: ignore[arg-type]  # refused
        (AsyncRegisteredFunction(tool(), name_of, independent=1), "independent"),  # type: ignore[arg-type]  # refused
        (AsyncRegisteredFunction(tool(), name_of, 1), "allow_output_override"),  # type: ignore[arg-type]  # refused
    ],
)
def test_what_cannot_be_registered(function: AsyncRegisteredFunction, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        function.check()


@pytest.mark.parametrize(
    "given",
    [
        "text",
        "",
        [],
        [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}],
        [{"type": "input_image", "file_id": "f"}, {"type": "input_file", "file_data": "x", "filename": "a.txt"}],
    ],
)
def test_results_that_can_be_sent(given: Any) -> None:
    assert checked_output(given) == given
    if isinstance(given, list):
        assert checked_output(given) is not given


@pytest.mark.parametrize(
    "given", [3, None, {"type": "input_text", "text": "x"}, [{"type": "x"}], ["x"], [{"type": "input_text"}], "\ud800"]
)
def test_results_that_cannot(given: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - some are the encoder's own words
        checked_output(given)


def test_the_older_name_is_the_same_class() -> None:
    assert RegisteredFunction is AsyncRegisteredFunction
