"""JSON schemas in strict form: what is kept, what is left out, and what is refused with its place."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import OpenAIError, UnsupportedSchemaError
from anyopenai.structured import strict_schema


def strict(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return strict_schema({"type": "object", "properties": properties, **more}, name="T")


def member(schema: dict[str, Any], **more: Any) -> Any:
    """Return what one member's schema becomes."""
    return strict({"a": schema}, **more)["properties"]["a"]


SCALARS = st.sampled_from(
    [
        {"type": "string", "minLength": 2, "default": "x"},
        {"type": "integer", "minimum": 1},
        {"type": ["number", "null"]},
        {"enum": ["a", 1]},
        {"const": True},
        {"$ref": "#/$defs/Leaf"},
        {"$ref": "#/$defs/Ring", "description": "a ring"},
    ]
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from("abc"), inner, max_size=3).flatmap(
        lambda members: st.builds(
            lambda required: {"type": "object", "properties": members, "required": required},
            st.lists(st.sampled_from(sorted(members) or [""]), unique=True, max_size=3),
        )
    )


NODES = st.recursive(
    SCALARS,
    lambda inner: (
        objects(inner)
        | st.builds(lambda item: {"type": "array", "items": item, "uniqueItems": True}, inner)
        | st.builds(lambda one, two: {"oneOf": [one, two]}, inner, inner)
    ),
    max_leaves=8,
)
DEFINITIONS = {
    "Leaf": {"type": "object", "properties": {"x": {"type": "string", "default": ""}}},
    "Ring": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Ring"}, "leaf": {"$ref": "#/$defs/Leaf"}}},
}


def parts(schema: Any) -> list[dict[str, Any]]:
    """List the schemas within one."""
    found: list[dict[str, Any]] = [schema]
    for group in (schema.get("properties", {}), schema.get("$defs", {})):
        found += [part for inner in group.values() for part in parts(inner)]
    for inner in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        found += parts(inner)
    return found


@given(objects(NODES), st.booleans())
def test_a_strict_schema_has_what_strict_mode_demands(root: dict[str, Any], optional: bool) -> None:
    schema = {**root, "$defs": DEFINITIONS}
    before = copy.deepcopy(schema)
    result = strict_schema(schema, name="T", optional_as_null=optional)
    assert schema == before
    for part in parts(result):
        assert not part.keys() & {"default", "oneOf", "uniqueItems", "minLength"}
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in result["$defs"]
    assert strict_schema(result, name="T") == result


def test_words_and_what_strict_mode_takes_are_kept() -> None:
    assert member({"type": "string", "title": "A", "description": "B", "pattern": "^x", "format": "uuid"}) == {
        "type": "string",
        "title": "A",
        "description": "B",
        "pattern": "^x",
        "format": "uuid",
    }
    assert member({"type": "integer", "multipleOf": 2, "exclusiveMaximum": 9, "minimum": 0})["multipleOf"] == 2
    assert member({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3})["maxItems"] == 3


@pytest.mark.parametrize(
    "dropped", [{"minLength": 1}, {"maxLength": 2}, {"format": "binary"}, {"default": "x"}, {"examples": ["x"]}]
)
def test_what_only_narrows_a_value_is_left_out(dropped: dict[str, Any]) -> None:
    assert member({"type": "string", **dropped}) == {"type": "string"}


def test_constants_say_their_type() -> None:
    assert member({"enum": ["a", "b"]}) == {"type": "string", "enum": ["a", "b"]}
    assert member({"enum": [1, "b", None]})["type"] == ["integer", "string", "null"]
    assert member({"const": 1.5}) == {"type": "number", "const": 1.5}


def test_references_with_words_are_written_out_and_others_stay() -> None:
    definitions = {"In": {"type": "object", "properties": {"x": {"type": "string"}}, "description": "own"}}
    whole = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    found = strict(
        {"a": {"$ref": "#/$defs/In", "description": "other", "default": None}, "b": {"$ref": "#/$defs/In"}},
        **{"$defs": definitions},
    )
    assert found["properties"]["a"] == {**whole, "additionalProperties": False, "description": "other"}
    assert found["properties"]["b"] == {"$ref": "#/$defs/In"}
    assert found["$defs"]["In"]["description"] == "own"
    unused = strict({"a": {"type": "null"}}, **{"$defs": definitions})
    assert "$defs" not in unused


def test_a_root_that_refers_to_itself_keeps_its_definition() -> None:
    schema = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    found = strict_schema(schema, name="Node")
    assert found["properties"] == {"next": {"$ref": "#/$defs/Node"}}
    assert found["$defs"]["Node"]["required"] == ["next"]
    assert strict({"a": {"$ref": "#"}})["properties"]["a"] == {"$ref": "#"}


def test_definitions_within_are_brought_to_the_root() -> None:
    inner = {"type": "object", "properties": {"y": {"$ref": "#/$defs/Y"}}, "$defs": {"Y": {"type": "string"}}}
    assert strict({"a": inner})["$defs"] == {"Y": {"type": "string"}}
    other = {"type": "object", "properties": {}, "$defs": {"Y": {"type": "integer"}}}
    with pytest.raises(UnsupportedSchemaError, match="two different definitions called 'Y'"):
        strict({"a": inner, "b": other})


def test_one_schema_of_several_is_merged() -> None:
    assert member({"allOf": [{"type": "string"}], "description": "d"}) == {"type": "string", "description": "d"}


def test_optional_members_may_be_null_where_that_is_asked_for() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": ["string", "null"]},
            "c": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "d": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "e": {"type": "null"},
            "f": {"type": "string"},
        },
        "required": ["f"],
    }
    found = strict_schema(schema, name="T", optional_as_null=True)["properties"]
    assert found["a"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert found["b"] == {"type": ["string", "null"]}
    assert found["c"]["anyOf"][-1] == {"type": "null"}
    assert len(found["d"]["anyOf"]) == 2
    assert found["e"] == {"type": "null"}
    assert found["f"] == {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({}, "T.a", "may be anything"),
        (True, "T.a", "may be anything"),
        ({"type": "object"}, None, ""),
        ({"type": "object", "additionalProperties": True}, "T.a", "mapping with any names"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "T.a", "mapping with any names"),
        ({"type": "array"}, "T.a", "list of anything"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, "T.a[][]", "may be anything"),
        ({"type": "array", "prefixItems": []}, "T.a", "tuple with a type for each place"),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": True}]}, "T.a|2", "list of anything"),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, "T.a", "combines several schemas"),
        ({"not": {"type": "string"}}, "T.a", "values that are ruled out"),
        ({"type": "object", "patternProperties": {}}, "T.a", "members named by a pattern"),
        ({"type": "object", "properties": {"b": {"if": {}}}}, "T.a.b", "conditions"),
        ({"type": "tuple"}, "T.a", "unknown type 'tuple'"),
        ({"$ref": "#/$defs/Nowhere"}, "T.a", "no definition of the schema"),
        ({"$ref": "https://example.org/schema"}, "T.a", "no definition of the schema"),
        ({"$ref": "#/$defs/In"}, "In.b", "may be anything"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_its_place(schema: Any, path: str | None, said: str) -> None:
    definitions = {"In": {"type": "object", "properties": {"b": {}}}}
    if path is None:
        assert member(schema) == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        return
    with pytest.raises(UnsupportedSchemaError) as failure:
        member(schema, **{"$defs": definitions})
    assert failure.value.path == path
    assert str(failure.value).startswith(path)
    assert said in str(failure.value)
    assert isinstance(failure.value, TypeError)
    assert isinstance(failure.value, OpenAIError)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array", "items": {"type": "string"}}, "T is a list"),
        ({"type": "integer"}, "T is an integer"),
        ({"anyOf": [{"type": "object"}]}, "T is one of several types"),
        ({}, "T is no object"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "is defined as itself"),
    ],
)
def test_the_whole_must_be_an_object(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedSchemaError, match=said):
        strict_schema(schema, name="T")


def test_refusals_are_pickled_with_their_place() -> None:
    with pytest.raises(UnsupportedSchemaError) as failure:
        member({})
    copied = pickle.loads(pickle.dumps(failure.value))
    assert (str(copied), copied.path) == (str(failure.value), "T.a")
