"""Values written for JSON schemas: each satisfies its schema, ends, and is the same one every time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from anyopenai.testing.nodes import Unwritable
from anyopenai.testing.values import value_from_schema
from testing.schema_rules import faults

NAMES = st.sampled_from(["a", "b", "c", "left", "right"])
REFERENCES = st.sampled_from(["#/$defs/One", "#/$defs/Two", "#/$defs/Three"]).map(lambda name: {"$ref": name})
SMALL = st.integers(-20, 20)


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    for name in draw(st.sets(st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]))):
        schema[name] = draw(SMALL | SMALL.map(lambda value: value / 4))
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 7, 0.1, 0.25, 1.5]))
    return schema


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if draw(st.integers(0, 5)) == 0:
        return schema | {"pattern": draw(st.sampled_from([r"^\d{3}-\d{4}$", "[a-z]+@[a-z]+", "^(yes|no)$", r"^\S*$"]))}
    if draw(st.integers(0, 3)) == 0:
        schema["format"] = draw(
            st.sampled_from(
                ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"]
            )
        )
        return schema
    low = draw(st.integers(0, 40))
    if draw(st.booleans()):
        schema["minLength"] = low
    if draw(st.booleans()):
        schema["maxLength"] = low + draw(st.integers(0, 20))
    return schema


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    members = draw(st.dictionaries(NAMES, inner, max_size=4))
    schema: dict[str, Any] = {"type": "object", "properties": members}
    schema["required"] = draw(st.lists(st.sampled_from(sorted(members)), unique=True)) if members else []
    further = draw(st.sampled_from([None, False, True, "schema"]))
    if further is not None:
        schema["additionalProperties"] = draw(inner) if further == "schema" else further
    if further in (True, "schema") and draw(st.booleans()):
        schema["minProperties"] = draw(st.integers(0, 6))
    return schema


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(inner)}
    low = draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["minItems"] = low
    if draw(st.booleans()):
        schema["maxItems"] = low + draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["uniqueItems"] = True
    if draw(st.integers(0, 3)) == 0:
        schema["prefixItems"] = draw(st.lists(inner, max_size=3))
    return schema


LEAVES = (
    numbers()
    | texts()
    | st.just({"type": "boolean"})
    | st.just({"type": "null"})
    | st.lists(st.sampled_from(["x", "y", 3, None, True, 1.5]), min_size=1, max_size=3).map(
        lambda found: {"enum": found}
    )
    | st.sampled_from(["x", 7, False, None]).map(lambda value: {"const": value})
    | st.lists(st.sampled_from(["string", "null", "integer", "boolean"]), min_size=1, max_size=3, unique=True).map(
        lambda kinds: {"type": kinds}
    )
    | REFERENCES
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        objects(inner)
        | arrays(inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda found: {"anyOf": found})
        | st.lists(inner, min_size=1, max_size=2).map(lambda found: {"allOf": found})
    ),
    max_leaves=12,
)
DOCUMENTS = st.builds(
    lambda root, one, two, three: root | {"$defs": {"One": one, "Two": two, "Three": three}},
    objects(SCHEMAS),
    SCHEMAS,
    SCHEMAS,
    SCHEMAS,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(schema=DOCUMENTS, variant=st.integers(0, 5))
def test_a_value_satisfies_its_schema_and_is_the_same_every_time(schema: dict[str, Any], variant: int):
    try:
        found = value_from_schema(schema, ["one", "two", "three"], variant)
    except Unwritable:
        assume(False)
        raise
    assert list(faults(found, schema, schema)) == []
    assert value_from_schema(schema, ["one", "two", "three"], variant) == found


@given(low=SMALL, size=st.integers(0, 30), variant=st.integers(0, 100))
def test_every_variant_of_a_number_keeps_within_its_bounds(low: int, size: int, variant: int):
    schema = {"type": "integer", "minimum": low, "maximum": low + size}
    assert low <= value_from_schema(schema, ["x"], variant) <= low + size  # type: ignore[operator] - an object to mypy
    found = {value_from_schema(schema, ["x"], one) for one in range(size + 1)}
    assert found == set(range(low, low + size + 1))


TREE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}, "minItems": 0},
        **{f"part{number}": {"anyOf": [{"$ref": "#"}, {"type": "null"}]} for number in range(10)},
    },
    "required": ["name", "children", *(f"part{number}" for number in range(10))],
    "additionalProperties": False,
}


def test_a_schema_that_leads_to_itself_many_times_ends_within_bounds():
    found = value_from_schema(TREE, ["x"])
    assert list(faults(found, TREE, TREE)) == []
    assert len(repr(found)) < 200_000


def test_alternatives_that_never_end_are_left_for_those_that_do():
    schema = {
        "type": "object",
        "properties": {
            "a": {"anyOf": [{"$ref": "#/$defs/Endless"}, {"type": "integer"}]},
            "b": {"$ref": "#/$defs/Endless"},
        },
        "$defs": {"Endless": {"type": "object", "properties": {"on": {"$ref": "#/$defs/Endless"}}, "required": ["on"]}},
        "required": ["a"],
    }
    assert value_from_schema(schema, ["x"]) == {"a": 1}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"a": {"type": ["null", "string"]}}}, {"a": "hello"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"hello": 1}),
        ({"allOf": [{"type": "number", "minimum": 2}, {"type": "integer", "maximum": 3}]}, 2),
        ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"const": 4}}}, 4),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "multipleOf": 0.1, "exclusiveMaximum": 0.4, "minimum": 0.25}, 0.3),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
        ({"type": "array", "prefixItems": [{"const": "a"}], "items": False}, ["a"]),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "uniqueItems": True}, ["a", "b"]),
        ({"minimum": 5}, 5),
        (
            {"required": ["a"], "dependentRequired": {"a": ["b"]}, "properties": {"b": {"const": 1}}},
            {"b": 1, "a": "hello"},
        ),
        ({"type": ["string", "null"], "enum": [None, 3, "z"]}, None),
        (True, "hello"),
        ({"type": "string", "pattern": r"^[A-Z]{2}-\d{3,5}$"}, "AB-345"),
        ({"type": "string", "pattern": "x+", "minLength": 3}, "xxx"),
    ],
)
def test_values_are_the_plain_ones(schema: Any, expected: object):
    assert value_from_schema(schema, ["hello"]) == expected


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (False, "no value"),
        ({"$ref": "#/$defs/Nowhere"}, "which is not there"),
        ({"$ref": "https://example.com/schema.json"}, "which is not there"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, "leads to itself"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "no value"),
        ({"allOf": [{"const": 1}, {"const": 2}]}, "contradicts itself"),
        ({"not": {"type": "string"}}, "uses 'not'"),
        ({"type": "string", "minLength": 1 << 40}, "no text of the length"),
        ({"type": "string", "format": "date", "maxLength": 3}, "no text of the length, the format"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1 << 40}, "more than 10000 values"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True}, "items that differ"),
        ({"type": "object", "additionalProperties": False, "minProperties": 1}, "contradicts itself"),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, "no number"),
        ({"properties": 3}, "has 3 for 'properties'"),
        ({"required": [1]}, "for 'required'"),
        ({"type": 7}, "for 'type'"),
        ({"type": "elephant"}, "'elephant', which JSON does not have"),
        ({"type": "number", "multipleOf": 0}, "has 0 for 'multipleOf'"),
        ({"type": "string", "pattern": "("}, "does not know"),
        ({"type": "object", "patternProperties": {"(": {}}}, "does not know"),
        ({"type": "string", "pattern": "^ab$", "maxLength": 1}, "no text of the length, the format and the pattern"),
        ({"type": "string", "pattern": "^ab$", "format": "date"}, "no text of the length, the format and the pattern"),
    ],
)
def test_what_has_no_value_is_said(schema: Any, said: str):
    with pytest.raises(Unwritable, match=said):
        value_from_schema(schema, ["x"])
