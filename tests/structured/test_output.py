"""Types as outputs: their schemas and names, what reads them, and what is kept of them."""

from __future__ import annotations

import enum
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import msgspec
import pytest
from msgspec import Meta, Struct

from anyopenai import UnsupportedSchemaError
from anyopenai._codec import DecodeFailure
from anyopenai.structured import (
    PartialJSON,
    output_of,
    response_format_of,
    text_format_of,
    type_to_response_format_param,
)

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct):
    """An inner."""

    x: Annotated[int, Meta(description="the x", ge=0, le=10)]
    y: str | None = None


class Node(Struct):
    value: int
    children: list[Node] = []


class Cat(Struct, tag_field="kind", tag="cat"):
    lives: int


class Dog(Struct, tag_field="kind", tag="dog"):
    name: str


class Page(Struct, Generic[T]):
    items: list[T]


class Renamed(Struct, rename="camel"):
    first_name: str


class Everything(Struct):
    """All there is."""

    inner: Inner
    node: Node
    pets: list[Cat | Dog]
    color: Color = Color.RED
    kind: Literal["a", "b"] = "a"
    maybe: Inner | None = None


class Row(TypedDict):
    name: str
    note: NotRequired[str]


@dataclass
class Listed:
    name: Annotated[str, Meta(min_length=2)]
    tags: list[str] = field(default_factory=list)


def test_a_struct_with_everything_in_it() -> None:
    output = output_of(Everything)
    schema = output.schema
    assert (output.name, schema["description"]) == ("Everything", "All there is.")
    assert schema["required"] == ["inner", "node", "pets", "color", "kind", "maybe"]
    assert set(schema["$defs"]) == {"Inner", "Node", "Cat", "Dog", "Color"}
    assert schema["properties"]["pets"]["items"] == {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert schema["$defs"]["Cat"]["properties"]["kind"] == {"type": "string", "enum": ["cat"]}
    assert schema["properties"]["maybe"] == {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]}
    assert schema["$defs"]["Color"]["type"] == "string"
    read = output.decode(
        '{"inner":{"x":1,"y":null},"node":{"value":1,"children":[{"value":2,"children":[]}]},'
        '"pets":[{"kind":"dog","name":"Rex"}],"color":"blue","kind":"b","maybe":null}'
    )
    assert read == Everything(Inner(1), Node(1, [Node(2)]), [Dog("Rex")], Color.BLUE, "b", None)


class Early(Struct, tag_field="kind", tag="early"):
    at: str


class Late(Struct, tag_field="kind", tag="late"):
    at: datetime


class Dated(Struct, Generic[T]):
    lists: list[Early | Late]
    value: T
    moment: datetime
    times: list[time | None]
    either: Annotated[datetime, Meta(tz=True)] | int
    inner: Inner | None
    again: Dated[datetime] | None
    day: date


def test_times_say_what_text_they_are() -> None:
    schema = output_of(Dated[datetime]).schema
    members = schema["properties"]
    assert members["value"] == {"type": "string", "format": "date-time"}
    assert schema["$defs"]["Early"]["properties"]["at"] == {"type": "string"}
    assert schema["$defs"]["Late"]["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert members["moment"] == {"type": "string", "format": "date-time"}
    assert {"type": "string", "format": "time"} in members["times"]["items"]["anyOf"]
    assert {"type": "string", "format": "date-time"} in members["either"]["anyOf"]
    assert members["day"] == {"type": "string", "format": "date"}
    assert "format" not in str(output_of(Inner).schema)


def test_names_are_made_to_fit_the_api() -> None:
    assert output_of(Page[Inner]).name == "Page_Inner"
    assert output_of(Inner, name="inner-1").name == "inner-1"
    for name in ("", "a b", "x" * 65):
        with pytest.raises(ValueError, match="1 to 64 letters"):
            output_of(Inner, name=name)
    assert output_of({"type": "object", "properties": {}, "title": "My schema!"}).name == "My_schema"
    assert output_of({"type": "object", "properties": {}}).name == "output"


def test_generic_and_renamed_structs_are_read() -> None:
    assert output_of(Page[Inner]).decode('{"items":[{"x":1,"y":"a"}]}') == Page([Inner(1, "a")])
    assert list(output_of(Renamed).schema["properties"]) == ["firstName"]
    assert output_of(Renamed).decode('{"firstName":"A"}') == Renamed("A")


def test_typed_dicts_and_dataclasses_are_read() -> None:
    assert output_of(Row).schema["required"] == ["name", "note"]
    assert output_of(Row).decode('{"name":"a","note":"b"}') == {"name": "a", "note": "b"}
    assert output_of(Listed).decode('{"name":"ab","tags":["x"]}') == Listed("ab", ["x"])


def test_constraints_that_were_not_sent_hold_when_the_answer_is_read() -> None:
    assert "minLength" not in output_of(Listed).schema["properties"]["name"]
    with pytest.raises(DecodeFailure, match=r"it is not Listed: .*length >= 2.*\$\.name.*it begins '"):
        output_of(Listed).decode('{"name":"a","tags":[]}')


def test_pydantic_models_dataclasses_and_models_within_structs_are_read() -> None:
    pydantic: Any = pytest.importorskip("pydantic")
    from pydantic.dataclasses import dataclass as pydantic_dataclass

    class Place(pydantic.BaseModel):  # type: ignore[misc]  # Any at the time of checking
        name: str

    class Trip(pydantic.BaseModel):  # type: ignore[misc]  # Any at the time of checking
        """Going there."""

        to: Place
        day: int = pydantic.Field(ge=1, description="The day.")

    @pydantic_dataclass
    class Stop:
        name: str

    class Route(Struct):
        places: list[Place]

    trip = output_of(Trip)
    assert trip.schema["properties"]["day"]["description"] == "The day."
    assert trip.decode('{"to":{"name":"A"},"day":1}') == Trip(to=Place(name="A"), day=1)
    with pytest.raises(DecodeFailure) as failure:
        trip.decode('{"to":{"name":1},"day":0}')
    assert "at `$.to.name`, " in str(failure.value)
    assert "at `$.day`" in str(failure.value)
    assert isinstance(failure.value.__cause__, pydantic.ValidationError)
    assert output_of(Stop).decode('{"name":"A"}') == Stop(name="A")
    route: Any = msgspec.defstruct("Route", [("places", list[Place])])
    assert output_of(route).decode('{"places":[{"name":"A"}]}').places == [Place(name="A")]
    assert output_of(route).schema["properties"]["places"]["items"]["properties"]["name"]["type"] == "string"


def test_attrs_classes_are_read() -> None:
    attrs: Any = pytest.importorskip("attrs")
    place: Any = attrs.make_class("Place", {"name": attrs.field(type=str)})
    assert output_of(place).schema["properties"] == {"name": {"type": "string"}}
    assert output_of(place).decode('{"name":"A"}') == place(name="A")


@pytest.mark.parametrize("kind", [object, int, dict[str, int], list[Inner], Inner | Node, print])
def test_what_is_no_object_is_refused(kind: Any) -> None:
    with pytest.raises(UnsupportedSchemaError):
        output_of(kind)


class Free(Struct):
    data: dict[str, int]


class Table(Struct):
    cells: dict[str, list[tuple[int, complex]]]


class Sheet(Struct):
    name: str
    table: Table | None


class Book(TypedDict):
    sheets: list[Sheet]


@pytest.mark.parametrize(
    ("kind", "path", "foreign"),
    [(Sheet, "Sheet.table.cells", "complex"), (Book, "Book.sheets.table.cells", "complex")],
)
def test_a_class_without_a_schema_is_named_with_its_place(kind: type, path: str, foreign: str) -> None:
    with pytest.raises(
        UnsupportedSchemaError, match=f"^{path} .*is of type {foreign}, which has no JSON schema"
    ) as failure:
        output_of(kind)
    assert failure.value.path == path


def test_a_mapping_is_refused_and_goes_without_strict_mode() -> None:
    with pytest.raises(UnsupportedSchemaError, match=r"^Free\.data .*mapping.*strict=False"):
        output_of(Free)
    output = output_of(Free, strict=False)
    assert output.decode('{"data":{"a":1}}') == Free({"a": 1})
    assert response_format_of(output)["json_schema"].get("strict") is False


def test_each_type_has_one_output_that_is_kept() -> None:
    assert output_of(Inner) is output_of(Inner)
    assert output_of(output_of(Inner)) is output_of(Inner)
    assert output_of(Inner, name="other") is not output_of(Inner)
    unhashable: Any = Annotated[Inner, ["a list"]]
    assert output_of(unhashable).decode('{"x":1,"y":null}') == Inner(1)


def test_a_schema_of_ones_own_gives_dicts() -> None:
    output = output_of({"type": "object", "properties": {"a": {"type": "string"}}})
    assert output.decode('{"a":null}') == {"a": None}
    for text in ("[]", '{"a"', ""):
        with pytest.raises(DecodeFailure):
            output.decode(text)


def test_formats_for_both_apis() -> None:
    output = output_of(Inner, description="An x.")
    schema = output.schema
    assert response_format_of(output) == {
        "type": "json_schema",
        "json_schema": {"name": "Inner", "schema": schema, "strict": True, "description": "An x."},
    }
    assert text_format_of(output) == {
        "type": "json_schema",
        "name": "Inner",
        "schema": schema,
        "strict": True,
        "description": "An x.",
    }
    assert type_to_response_format_param(Inner) == response_format_of(output_of(Inner))
    assert type_to_response_format_param({"type": "json_object"}) == {"type": "json_object"}


def test_an_output_is_read_while_it_arrives() -> None:
    parser = output_of(Inner).partial()
    assert isinstance(parser, PartialJSON)
    parser.feed('{"x": 1, "y": "ab')
    assert parser.value == {"x": 1, "y": "ab"}


def test_pydantic_is_not_imported_for_other_types() -> None:
    code = (
        "import sys, dataclasses\n"
        "from anyopenai.structured import output_of, function_tool\n"
        "@dataclasses.dataclass\n"
        "class A:\n    x: int\n"
        "output_of(A).decode('{\"x\":1}')\n"
        "function_tool(lambda x: x, name='f') if 0 else None\n"
        "assert not {'pydantic', 'attrs', 'attr', 'anyio'} & set(sys.modules), sorted(sys.modules)"
    )
    from pathlib import Path

    import anyopenai

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(anyopenai.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
