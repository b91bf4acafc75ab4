"""Tools made from functions and from types: what the model is told, and what its arguments become."""

from __future__ import annotations

import copy
import functools
import pickle
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import pytest
from msgspec import Meta, Struct

import anyopenai
from anyopenai import (
    FunctionTool,
    UnsupportedSchemaError,
    function_tool,
    pydantic_function_tool,
    pydantic_responses_function_tool,
)
from anyopenai._codec import DecodeFailure, encode
from anyopenai.structured import CallableTool
from anyopenai.structured.tool import tool_in


class Place(Struct):
    """Where it is."""

    name: str


class Plain(TypedDict):
    name: str


def weather(city: str, unit: Literal["c", "f"] = "c", *, places: list[Place] | None = None) -> str:
    """Tell the weather.

    Args:
        city: The city.
        unit: Of the degrees.
        places: More of them.
    """
    return f"{city} {unit} {places}"


async def later(city: Annotated[str, Meta(min_length=1)]) -> str:
    return city


def test_a_function_is_described_by_its_signature_and_docstring() -> None:
    tool = function_tool(weather)
    assert isinstance(tool, CallableTool)
    assert tool.for_chat() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather.",
            "strict": True,
            "parameters": {
                "$defs": {
                    "Place": {
                        "title": "Place",
                        "description": "Where it is.",
                        "type": "object",
                        "properties": {"name": {"type": "string"}},
                        "required": ["name"],
                        "additionalProperties": False,
                    }
                },
                "title": "weather",
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city."},
                    "unit": {"type": "string", "enum": ["c", "f"], "description": "Of the degrees."},
                    "places": {
                        "description": "More of them.",
                        "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Place"}}, {"type": "null"}],
                    },
                },
                "required": ["city", "unit", "places"],
                "additionalProperties": False,
            },
        },
    }
    flat: Any = tool.for_responses()
    assert {"type": "function", **tool.for_chat()["function"]} == flat


def test_a_function_is_called_with_what_the_model_wrote() -> None:
    tool = function_tool(weather)
    assert tool.invoke('{"city":"Oslo","unit":"f","places":[{"name":"a"}]}') == "Oslo f [Place(name='a')]"
    assert tool("Rome") == weather("Rome")
    arguments: Any = tool.decode('{"city":"Oslo"}')
    assert (arguments.city, arguments.unit, arguments.places) == ("Oslo", "c", None)
    assert tool.invoke(arguments) == "Oslo c None"
    with pytest.raises(DecodeFailure, match=r"it is not weather: Expected `str`, got `int` - at `\$\.city`"):
        tool.invoke('{"city":1}')


async def test_an_async_function_is_awaited_by_the_caller() -> None:
    tool = function_tool(later)
    assert await tool.invoke('{"city":"Oslo"}') == "Oslo"
    assert tool.description is None


def test_it_decorates() -> None:
    @function_tool
    def plain(a: int, /, b: int) -> int:
        """Divide."""
        return a // b

    @function_tool(name="other", description="Says so.", strict=False)
    def named(a: dict[str, int]) -> int:
        return len(a)

    assert plain.invoke('{"a":6,"b":2}') == plain(6, 2) == 3
    assert (named.name, named.description, named.strict) == ("other", "Says so.", False)
    assert named.invoke('{"a":{"x":1}}') == 1
    assert repr(plain) == "<CallableTool plain>"


def test_annotations_may_describe_parameters_too() -> None:
    class Field:
        description = "As pydantic has it."

    def move(  # noqa: D417 - what is not said is what is tested
        x: Annotated[int, "To the right."], y: Annotated[int, Meta(description="Up.")], z: Annotated[int, 3]
    ) -> None:
        """Move.

        Args:
            x: Not this.
            z: This.
        """

    def jump(x: int) -> None: ...

    jump.__annotations__["x"] = Annotated[int, Field()]
    members = function_tool(move).parameters["properties"]
    assert [members[name]["description"] for name in "xyz"] == ["To the right.", "Up.", "This."]
    assert function_tool(jump).parameters["properties"]["x"]["description"] == "As pydantic has it."


def test_methods_and_callable_objects_are_functions() -> None:
    class Station:
        def read(self, sensor: int) -> int:
            """Read one."""
            return sensor

        def __call__(self, sensor: str) -> str:
            return sensor

    assert function_tool(Station().read).invoke('{"sensor":3}') == 3
    assert function_tool(Station(), name="station").invoke('{"sensor":"a"}') == "a"
    partial = functools.partial(weather, unit="f")
    with pytest.raises(UnsupportedSchemaError, match="has no name that a model could call"):
        function_tool(partial)


@dataclass
class Point:
    x: int


@pytest.mark.parametrize("kind", [Place, Plain, Point, {"type": "object", "properties": {}, "title": "Bare"}])
def test_types_and_schemas_are_tools(kind: Any) -> None:
    tool = function_tool(kind)
    assert type(tool) is FunctionTool
    assert tool.name == getattr(kind, "__name__", "Bare")
    assert tool.strict
    assert tool.parameters["additionalProperties"] is False


def test_arguments_come_back_as_the_type() -> None:
    tool = function_tool(Place, name="place")
    assert tool.description == "Where it is."

    class Call:
        arguments = '{"name":"a"}'

    assert tool.arguments_of(Call()) == Place("a")


def no_annotation(a) -> None:  # type: ignore[no-untyped-def]
    """Take something."""


def any_number(*a: int) -> None: ...


def any_name(**a: int) -> None: ...


def any_mapping(a: dict[str, int]) -> None: ...


@pytest.mark.parametrize(
    ("function", "path", "said"),
    [
        (no_annotation, "no_annotation.a", "has no annotation"),
        (any_number, "any_number.a", "any number of arguments"),
        (any_name, "any_name.a", "any number of arguments"),
        (any_mapping, "any_mapping.a", "mapping with any names"),
        (lambda a: a, "name", "no name that a model could call"),
    ],
)
def test_functions_that_cannot_be_described_are_refused(function: Any, path: str, said: str) -> None:
    with pytest.raises(UnsupportedSchemaError, match=said) as failure:
        function_tool(function)
    assert failure.value.path == path


def test_an_annotation_that_cannot_be_read_is_refused() -> None:
    def lost(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UnsupportedSchemaError, match="define the type at module level"):
        function_tool(lost)


def test_names_that_the_api_does_not_take_are_refused() -> None:
    with pytest.raises(ValueError, match="letters"):
        function_tool(weather, name="the weather")
    with pytest.raises(TypeError, match="not int"):
        function_tool(3)  # type: ignore[call-overload]  # what is tested


def test_the_param_remembers_its_tool_and_is_a_dict_to_the_rest() -> None:
    param: Any = pydantic_function_tool(Place)
    tool = tool_in(param)
    assert tool is not None
    assert tool.decode('{"name":"a"}') == Place("a")
    assert tool_in({**param}) is tool
    assert tool_in(function_tool(Place).for_responses()) is not None
    assert param["function"].model is Place
    assert tool_in({"type": "function", "function": {"name": "x"}}) is None
    assert tool_in(3) is None
    assert encode({"tools": [param]}).startswith(b'{"tools":[{"type":"function","function":{"name":"Place"')
    assert pickle.loads(pickle.dumps(param)) == param
    for copied in (copy.deepcopy(param), [copy.copy(param["function"])][0]):
        assert tool_in(copied) is tool


def test_the_param_for_responses_says_whether_it_is_loaded_later() -> None:
    param: Any = pydantic_responses_function_tool(Place, name="find", description="Find it.")
    assert param == function_tool(Place, name="find", description="Find it.").for_responses()
    assert (param["type"], param["name"], param["strict"]) == ("function", "find", True)
    for later in (True, False):
        deferred: Any = pydantic_responses_function_tool(Place, defer_loading=later)
        assert deferred["defer_loading"] is later
        assert tool_in(deferred) is not None
        assert encode(deferred) == encode({**function_tool(Place).for_responses(), "defer_loading": later})


def test_tools_are_public_names() -> None:
    assert anyopenai.pydantic_responses_function_tool is pydantic_responses_function_tool
    assert anyopenai.pydantic_function_tool is pydantic_function_tool
    assert anyopenai.structured.function_tool is function_tool
    assert {"Output", "function_tool"} <= set(dir(anyopenai.structured))
    with pytest.raises(AttributeError, match="nonsense"):
        anyopenai.structured.nonsense  # noqa: B018 - reading it is what raises
