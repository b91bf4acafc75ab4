"""Unions are told apart by a tag where one fits, and by a table where none does."""

from __future__ import annotations

from typing import Any

from anyopenai_codegen.facts import KnownName
from anyopenai_codegen.naming import Layout
from anyopenai_codegen.reading import Reader
from anyopenai_codegen.shapes import Named, inner
from anyopenai_codegen.unions import Tag, Unions, decide
from codegen.descriptions import TEXT, described, obj, ref


def _decided(schemas: dict[str, Any]) -> Unions:
    names = {name: KnownName.parsed(f"m:{name}") for name in schemas}
    reader = Reader(described(schemas), "response", names)
    keys = [part.key for part in inner(reader.component("Root")) if isinstance(part, Named)]
    return decide(Layout("response", reader.declared, keys, names))


def _variant(**constants: Any) -> dict[str, Any]:
    values = {name: {"enum": [value] if isinstance(value, str) else list(value)} for name, value in constants.items()}
    return obj({**values, "x": TEXT}, tuple(constants))


def _one_of(*names: str, tag: str | None = None) -> dict[str, Any]:
    union: dict[str, Any] = {"oneOf": [ref(name) for name in names]}
    return obj({"u": {**union, "discriminator": {"propertyName": tag}} if tag else union})


def test_a_declared_tag_is_taken() -> None:
    decided = _decided(
        {"Root": _one_of("A", "B", tag="role"), "A": _variant(type="t", role="a"), "B": _variant(type="u", role="b")}
    )
    assert decided.tags == {"A": Tag("role", ("a",)), "B": Tag("role", ("b",))}
    assert not decided.tables


def test_an_undeclared_tag_is_found() -> None:
    decided = _decided({"Root": _one_of("A", "B"), "A": _variant(type="a"), "B": _variant(type=("b", "c"))})
    assert decided.tags == {"A": Tag("type", ("a",)), "B": Tag("type", ("b", "c"))}


def test_values_that_overlap_are_no_tag() -> None:
    schemas = {
        "Root": _one_of("A", "B"),
        "A": _variant(type="m", role=("u", "s")),
        "B": _variant(type="m", role=("a", "s")),
    }
    decided = _decided(schemas)
    assert decided.tags == {}
    assert decided.tables == {("A", "B")}


def test_a_second_member_is_a_tag_where_the_first_is_shared() -> None:
    decided = _decided(
        {"Root": _one_of("A", "B"), "A": _variant(type="m", role="u"), "B": _variant(type="m", role="a")}
    )
    assert decided.tags == {"A": Tag("role", ("u",)), "B": Tag("role", ("a",))}


def test_objects_without_constants_need_a_table() -> None:
    decided = _decided({"Root": _one_of("A", "B"), "A": obj({"x": TEXT}), "B": obj({"y": TEXT})})
    assert decided.tables == {("A", "B")}


def test_of_two_unions_that_disagree_the_larger_has_its_tag() -> None:
    schemas = {
        "Root": obj({"big": {"oneOf": [ref("A"), ref("B"), ref("C")]}, "small": {"oneOf": [ref("A"), ref("D")]}}),
        "A": _variant(type="a", role="x"),
        "B": _variant(type="b", role="x"),
        "C": _variant(type="c", role="x"),
        "D": _variant(type="a", role="y"),
    }
    decided = _decided(schemas)
    assert {key: tag.wire for key, tag in decided.tags.items()} == {"A": "type", "B": "type", "C": "type"}
    assert decided.tables == {("A", "D")}
