"""Agents' `FunctionTool`: what agents are told of functions and types, and how these are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
import pytest
from msgspec import Struct

from anyopenai import UnsupportedSchemaError
from anyopenai._codec import DecodeFailure
from anyopenai.agents import FunctionTool, function_tool, pydantic_function_tool
from anyopenai.agents.outputs import output_from


class Place(Struct):
    """Where it is."""

    city: str
    country: str = "it"


def look(city: Annotated[str, "a city"], days: int = 2, near: Place | None = None) -> str:
    """Look at the weather.

    Args:
        city: The city.
        days: How far ahead.
        near: What it is near to.
    """
    return f"{city} {days} {near}"


class Station:
    def measure(self, what: Literal["wind", "rain"]) -> str:
        """Measure something."""
        return what


def test_a_function_is_told_with_its_parameters_and_defaults() -> None:
    assert function_tool(look).definition == {
        "type": "function",
        "name": "look",
        "description": "Look at the weather.",
        "parameters": {
            "title": "look",
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "a city"},
                "days": {"type": "integer", "description": "How far ahead.", "default": 2},
                "near": {
                    "anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}],
                    "description": "What it is near to.",
                    "default": None,
                },
            },
            "required": ["city"],
            "additionalProperties": False,
            "$defs": {
                "Place": {
                    "title": "Place",
                    "description": "Where it is.",
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "country": {"type": "string", "default": "it"}},
                    "required": ["city"],
                }
            },
        },
    }


def test_a_decorator_takes_a_name_and_more() -> None:
    @function_tool(name="lookup", description="D", defer_loading=True)
    async def function(days: int) -> None: ...

    definition = function.definition
    assert (definition["name"], definition["description"], definition["defer_loading"]) == ("lookup", "D", True)
    assert "defer_loading" not in function_tool(look).definition
    assert isinstance(function, FunctionTool)
    assert repr(function) == "<FunctionTool lookup>"


def test_a_bound_method_is_a_function() -> None:
    tool = function_tool(Station().measure)
    assert tool({"what": "wind"}) == "wind"
    with pytest.raises(DecodeFailure):
        tool({"what": "love"})


async def test_calls_are_checked_and_give_what_the_agent_is_sent() -> None:
    tool = function_tool(look)
    assert tool({"city": "Rome", "near": {"city": "Ostia"}}) == "Rome 2 Place(city='Ostia', country='it')"
    with pytest.raises(DecodeFailure, match="city"):
        tool({"days": 1})

    @function_tool
    async def later(days: int) -> dict[str, int]:
        return {"days": days}

    awaitable: Any = later({"days": 3})
    assert await awaitable == '{"days":3}'


def test_arguments_that_a_function_does_not_take_are_left_out() -> None:
    assert function_tool(look)({"city": "Rome", "mood": "good"}) == "Rome 2 None"


@dataclass
class Data:
    city: str


class Model(pydantic.BaseModel):
    """Where it is."""

    city: str


@pytest.mark.parametrize("kind", [Place, Data, Model])
def test_arguments_may_be_any_kind_of_type(kind: Any) -> None:
    got: list[object] = []
    tool = pydantic_function_tool(kind, handler=got.append)
    assert tool.name == kind.__name__
    assert tool.definition["description"] == ("" if kind is Data else "Where it is.")
    assert tool.definition["parameters"]["type"] == "object"
    assert tool({"city": "Rome"}) is None
    assert got == [kind(city="Rome")]


def test_names_and_words_may_be_given() -> None:
    tool = pydantic_function_tool(Place, handler=str, name="place", description="", defer_loading=False)
    assert (tool.name, tool.definition["description"], tool.definition["defer_loading"]) == ("place", "", False)


def no_annotation(city): ...  # type: ignore[no-untyped-def]  # what is refused
def any_number(*cities: str) -> None: ...


@pytest.mark.parametrize("function", [no_annotation, any_number, lambda city: city, object()])
def test_functions_that_cannot_be_told_are_refused(function: Any) -> None:
    with pytest.raises(UnsupportedSchemaError):
        function_tool(function)


@pytest.mark.parametrize("kind", [int, list[Place], Place | Data])
def test_arguments_that_are_no_object_are_refused(kind: Any) -> None:
    with pytest.raises(UnsupportedSchemaError):
        pydantic_function_tool(kind, handler=str, name="x")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_names_that_the_api_does_not_take_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names"):
        function_tool(look, name=name)


def test_a_default_that_has_no_json_is_not_told_and_holds() -> None:
    marker = object()

    def function(city: str | None = marker) -> bool:  # type: ignore[assignment]  # a marker of the user's own
        return city is marker

    tool = function_tool(function)
    parameters: Any = tool.definition["parameters"]
    assert "default" not in parameters["properties"]["city"]
    assert tool({}) == "true"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None),
        ("text", "text"),
        ({"a": 1, "é": [1]}, '{"a":1,"é":[1]}'),
        (5, "5"),
        (True, "true"),
        ([], "[]"),
        ([1, "a"], '[1,"a"]'),
        (Place("Rome"), '{"city":"Rome","country":"it"}'),
        (Model(city="Rome"), '{"city":"Rome"}'),
        ([{"type": "input_text", "text": "t"}], [{"type": "input_text", "text": "t"}]),
        (({"type": "input_image", "image_url": "u"},), [{"type": "input_image", "image_url": "u"}]),
        (iter([{"type": "input_text", "text": "t"}]), [{"type": "input_text", "text": "t"}]),
        ([{"type": "input_text"}], '[{"type":"input_text"}]'),
        ({"type": "input_text", "text": "t"}, '{"type":"input_text","text":"t"}'),
    ],
)
def test_what_a_handler_returns_is_sent_as_text_parts_or_json(value: object, sent: object) -> None:
    assert output_from(value) == sent


@pytest.mark.parametrize("value", [object(), {"x": float("nan")}, "\ud800"])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        output_from(value)
