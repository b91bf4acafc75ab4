"""The short form of schemas stands for what it says."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai_codegen import facts
from anyopenai_codegen.notation import SPELLING, DescriptionError, expanded
from codegen.descriptions import ref


@pytest.mark.parametrize(
    ("short", "schema"),
    [
        ("str", {"type": "string"}),
        ("any", {}),
        ("map", {"type": "object", "additionalProperties": {}}),
        ("time", {"type": "number", "format": "unixtime"}),
        ("Thing", ref("Thing")),
        ("'a'", {"const": "a"}),
        ("'a'|'b'", {"enum": ["a", "b"]}),
        ("'a|b'", {"const": "a|b"}),
        (r"'it\u0027s'", {"const": "it's"}),
        ("=true", {"const": True}),
        ("=3|=4", {"enum": [3, 4]}),
        ("str|null", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("null | 'a' | 'b'", {"anyOf": [{"type": "null"}, {"enum": ["a", "b"]}]}),
        ("[int]", {"type": "array", "items": {"type": "integer"}}),
        ("{Thing|null}", {"type": "object", "additionalProperties": {"anyOf": [ref("Thing"), {"type": "null"}]}}),
        ("[[float]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        (
            {"a": "str", "b?": "bool"},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "required": ["a"]},
        ),
        (
            {"async_?": "bool", "from_": "Thing", "id_": "str"},
            {
                "type": "object",
                "properties": {
                    "async": {"type": "boolean", SPELLING: "async_"},
                    "from": {**ref("Thing"), SPELLING: "from_"},
                    "id_": {"type": "string"},
                },
                "required": ["from", "id_"],
            },
        ),
        ([{"a": "str"}], {"type": "array", "items": expanded({"a": "str"})}),
        ({"|": ["str", {"a": "str"}]}, {"anyOf": [{"type": "string"}, expanded({"a": "str"})]}),
        ({"{}": {"a": "str"}}, {"type": "object", "additionalProperties": expanded({"a": "str"})}),
    ],
)
def test_a_short_form_is_a_schema(short: Any, schema: Any) -> None:
    assert expanded(short) == schema


@pytest.mark.parametrize("wrong", ["", "|", "str|", "[str", "str]", "str str", "'open", "{str", "=maybe", 3, None])
def test_what_is_no_short_form_is_named(wrong: Any) -> None:
    with pytest.raises(DescriptionError, match="no short form"):
        expanded(wrong)


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(DescriptionError):
        expanded(text)


def test_every_schema_of_the_tables_is_read() -> None:
    tables = facts.load()
    for table in (tables.supplement["schemas"], tables.patches["schemas"], tables.supplement["webhooks"]):
        for short in table.values():
            expanded(short)
