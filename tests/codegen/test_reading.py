"""Schemas become shapes: merged, flat, with null said plainly."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai_codegen.facts import KnownName
from anyopenai_codegen.notation import DescriptionError
from anyopenai_codegen.reading import Reader, limits
from anyopenai_codegen.shapes import (
    ANYTHING,
    NONE,
    Alias,
    Choices,
    Either,
    Listed,
    Mapped,
    Named,
    Object,
    Scalar,
    Shape,
    either,
)
from codegen.descriptions import TEXT, described, obj, ref

STR = Scalar("str")


def _read(schema: Any, schemas: dict[str, Any] | None = None, **known: str) -> tuple[Shape, Reader]:
    names = {pointer.replace("__", "/"): KnownName.parsed(entry) for pointer, entry in known.items()}
    reader = Reader(described({"Root": schema, **(schemas or {})}), "response", names)
    return reader.component("Root"), reader


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (TEXT, STR),
        ({"type": "integer"}, Scalar("int")),
        ({"type": "number"}, Scalar("float")),
        ({"type": "number", "format": "unixtime"}, Scalar("time")),
        ({"type": "boolean"}, Scalar("bool")),
        ({"type": "string", "format": "binary"}, Scalar("file")),
        ({"type": "null"}, NONE),
        ({}, ANYTHING),
        ({"type": "object"}, Mapped(ANYTHING)),
        ({"type": "object", "properties": {}, "additionalProperties": False}, Mapped(ANYTHING)),
        ({"type": "object", "additionalProperties": TEXT}, Mapped(STR)),
        ({"type": "array", "items": TEXT}, Listed(STR)),
        ({"items": TEXT}, Listed(STR)),
        ({"type": "array"}, Listed(ANYTHING)),
        ({**TEXT, "nullable": True}, Either((STR, NONE))),
        ({"type": ["string", "null"]}, Either((STR, NONE))),
        ({"anyOf": [TEXT, {"type": "null"}]}, Either((STR, NONE))),
        ({"anyOf": [{"type": "null"}, TEXT, TEXT]}, Either((STR, NONE))),
        ({"enum": ["a", "b"], "type": "string"}, Choices(("a", "b"))),
        ({"enum": ["a", None]}, Either((Choices(("a",)), NONE))),
        ({"const": "a"}, Choices(("a",))),
        ({"anyOf": [TEXT, {"enum": ["a"]}]}, Either((STR, Choices(("a",))))),
        ({"anyOf": [{"enum": ["a"]}, {"oneOf": [{"enum": ["b"]}, TEXT]}]}, Either((Choices(("a", "b")), STR))),
        ({"anyOf": [TEXT, {}]}, ANYTHING),
        ({"allOf": [TEXT]}, STR),
        ({"allOf": [TEXT, {"nullable": True}]}, Either((STR, NONE))),
    ],
)
def test_plain_schemas(schema: Any, shape: Shape) -> None:
    assert _read(schema)[0] == shape


def test_an_all_of_is_one_object_with_the_members_of_all_parts() -> None:
    shape, reader = _read(
        {"allOf": [ref("Base"), {**obj({"b": TEXT}, ("b",)), "nullable": True}, {"required": ["a"]}]},
        {"Base": obj({"a": TEXT, "inner": obj({"x": TEXT})})},
    )
    assert shape == Either((Named("Root"), NONE))
    declared = reader.declared["Root"]
    assert isinstance(declared, Object)
    assert {wire: member.required for wire, member in declared.members.items()} == {
        "a": True,
        "b": True,
        "inner": False,
    }
    inner = reader.declared["Base/properties/inner"]
    assert inner.also_at == ["Root/properties/inner"]


def test_an_object_whose_any_of_only_says_what_is_required_is_that_object() -> None:
    shape, reader = _read({**obj({"a": TEXT, "b": TEXT}), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})
    assert shape == Named("Root")
    declared = reader.declared["Root"]
    assert isinstance(declared, Object)
    assert not any(member.required for member in declared.members.values())


def test_a_schema_within_itself_ends() -> None:
    tree = obj({"children": {"type": "array", "items": ref("Root")}})
    shape, reader = _read(tree)
    assert shape == Named("Root")
    declared = reader.declared["Root"]
    assert isinstance(declared, Object)
    assert declared.members["children"].shape == Listed(Named("Root"))


def test_a_union_within_itself_gets_a_name() -> None:
    shape, reader = _read({"anyOf": [TEXT, {"type": "array", "items": ref("Root")}]})
    declared = reader.declared["Root"]
    assert isinstance(declared, Alias)
    assert declared.shape == Either((STR, Listed(Named("Root"))))
    assert shape in (Named("Root"), declared.shape)


def test_a_recursive_reference_means_the_component_it_stands_in() -> None:
    filters = {"type": "array", "items": {"oneOf": [TEXT, {"$recursiveRef": "#"}]}}
    _, reader = _read(obj({"filters": filters}))
    declared = reader.declared["Root"]
    assert isinstance(declared, Object)
    assert declared.members["filters"].shape == Listed(Either((STR, Named("Root"))))


def test_a_union_that_users_know_by_name_is_an_alias_without_null() -> None:
    schema = obj({"x": {"anyOf": [TEXT, {"type": "integer"}, {"type": "null"}]}})
    _, reader = _read(schema, Root__properties__x=":Either")
    declared = reader.declared["Root"]
    assert isinstance(declared, Object)
    assert declared.members["x"].shape == Either((Named("Root/properties/x"), NONE))
    alias = reader.declared["Root/properties/x"]
    assert isinstance(alias, Alias)
    assert alias.shape == Either((STR, Scalar("int")))


def test_short_sets_of_values_stand_where_they_are_used() -> None:
    schema = obj({"few": {"enum": ["a", "b"]}, "many": {"enum": list("abcdef")}})
    _, reader = _read(schema, Root__properties__few=":Few", Root__properties__many=":Many")
    assert "Root/properties/few" not in reader.declared
    assert "Root/properties/many" in reader.declared


def test_facts_beside_the_type_are_kept() -> None:
    found = limits({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9, "default": 3}, {"type": "null"}]})
    assert (found.minimum, found.maximum, found.default) == (1, 9, 3)
    assert limits({"type": "string", "maxLength": 5, "deprecated": True}).deprecated
    assert limits(True).default is None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "other.json"}, "no component schema"),
        ({"type": "decimal"}, "'decimal'"),
        (ref("Missing"), "'Missing'"),
    ],
)
def test_what_cannot_be_read_is_named(schema: Any, message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        _read(schema)


def test_unions_are_flat_and_without_doubles() -> None:
    assert either((STR,)) == STR
    assert either((NONE, either((STR, NONE)), STR)) == Either((STR, NONE))
    assert either((Named("a"), Either((Named("b"), Named("c")), "type"))) == Either(
        (Named("a"), Named("b"), Named("c")), "type"
    )
