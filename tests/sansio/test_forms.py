"""Nested values as query strings and form fields: what a server decodes is what was given."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, deque
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._contract import omit
from anyopenai._sansio.forms import encode_pairs, encode_query, flatten_fields


class Filter(msgspec.Struct, omit_defaults=True):
    key: str
    value: int | None = None


class Word(str, enum.Enum):  # noqa: UP042 - what users have; str() of it is not its value
    ASC = "asc"


class Kind(enum.Enum):
    FILE = "file"


class Level(enum.IntEnum):
    LOW = 1


# The right column is what openai-python 3.51.0 sends, decoded by parse_qsl; seen through a transport of a test.
@pytest.mark.parametrize(
    ("params", "pairs"),
    [
        ({}, []),
        ({"limit": 20, "order": "asc"}, [("limit", "20"), ("order", "asc")]),
        ({"include": ["a", "b"]}, [("include[]", "a"), ("include[]", "b")]),
        ({"metadata": {"a": "b"}}, [("metadata[a]", "b")]),
        ({"a": {"b": {"c": 1}}}, [("a[b][c]", "1")]),
        (
            {"a": True, "b": False, "c": 1.5, "d": -3, "e": 1.0},
            [("a", "true"), ("b", "false"), ("c", "1.5"), ("d", "-3"), ("e", "1.0")],
        ),
        ({"a": None, "b": ""}, [("b", "")]),
        ({"a": [{"b": 1}, [1, None, [2]]]}, [("a[][b]", "1"), ("a[][]", "1"), ("a[][][]", "2")]),
        ({"a": [], "b": {}, "c": [None], "d": {"e": None}}, []),
        ({"a b": "c d+&=é;#%/?"}, [("a b", "c d+&=é;#%/?")]),
        ({"a": 1e20}, [("a", "1e+20")]),
        ({"a": 10**30}, [("a", str(10**30))]),
    ],
)
def test_parameters_decode_to_what_was_given(params: dict[str, object], pairs: list[tuple[str, str]]) -> None:
    query = encode_query(params)
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)) == pairs
    assert flatten_fields(params) == pairs


def test_what_is_omitted_is_left_out_at_any_depth() -> None:
    params = {"a": omit, "b": {"c": omit, "d": 1}, "e": [omit, 2, omit], "f": [omit]}
    assert encode_query(params) == "b%5Bd%5D=1&e%5B%5D=2"


def test_arrays_may_be_any_collection_and_generators() -> None:
    given = [
        (1, 2),
        {3},
        frozenset({4}),
        (n for n in (5, 6)),
        deque([7]),
        {8: 0}.keys(),
        {0: 9}.values(),
        range(10, 11),
    ]
    assert flatten_fields(dict(zip("abcdefgh", given, strict=True))) == [
        (f"{name}[]", str(number)) for name, number in zip("aabcddefgh", range(1, 11), strict=True)
    ]


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_bytes_are_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="parameter 'a' holds bytes, and only text can be sent here"):
        encode_query({"a": value})


def test_objects_may_be_any_mapping() -> None:
    params = {"a": MappingProxyType({"b": 1}), "c": OrderedDict(d=2), "e": {1: "x"}}
    assert flatten_fields(params) == [("a[b]", "1"), ("c[d]", "2"), ("e[1]", "x")]


def test_structs_are_objects_and_their_defaults_are_not_sent() -> None:
    assert flatten_fields({"f": Filter("a"), "g": [Filter("b", 2)]}) == [
        ("f[key]", "a"),
        ("g[][key]", "b"),
        ("g[][value]", "2"),
    ]


def test_enums_and_dates_are_sent_by_value() -> None:
    params = {"a": Word.ASC, "b": Kind.FILE, "c": Level.LOW, "d": datetime(2026, 1, 2, tzinfo=UTC)}
    assert [value for _, value in flatten_fields(params)] == ["asc", "file", "1", "2026-01-02T00:00:00Z"]


def test_numbers_keep_all_their_digits() -> None:
    assert encode_query({"a": 0.1 + 0.2, "b": 2**64}) == "a=0.30000000000000004&b=18446744073709551616"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused_by_name(number: float) -> None:
    with pytest.raises(ValueError, match=r"parameter 'a\[b\]' is -?(nan|inf)"):
        encode_query({"a": {"b": number}})


def test_text_that_is_not_unicode_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="parameter 'a' holds text that is not valid Unicode"):
        encode_query({"a": "\ud800"})


def test_values_of_no_known_kind_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"parameter 'a\[\]' has a value of type object"):
        encode_query({"a": [object()]})


def test_a_value_inside_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested deeper than 64 levels"):
        encode_query({"a": endless})


def test_the_callers_values_are_not_changed() -> None:
    params = {"a": [1, None], "b": {"c": omit}}
    encode_query(params)
    assert params == {"a": [1, None], "b": {"c": omit}}


def test_only_unreserved_characters_stay_as_they_are() -> None:
    printable = "".join(map(chr, range(32, 127)))
    encoded = encode_query({"x": printable}).removeprefix("x=")
    assert {c for c in encoded if not c.isalnum()} == set("-._~%")


@given(pairs=st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=8))
@settings(max_examples=100)
def test_any_text_decodes_to_what_was_given(pairs: list[tuple[str, str]]) -> None:
    encoded = encode_pairs(pairs)
    assert encoded.isascii()
    assert parse_qsl(encoded, keep_blank_values=True) == pairs


@given(
    params=st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
@settings(max_examples=100)
def test_any_nested_value_is_sent_field_by_field(params: dict[str, object]) -> None:
    fields = flatten_fields(params)
    assert parse_qsl(encode_query(params), keep_blank_values=True) == fields
    assert len(fields) == leaves(params)


def leaves(value: object) -> int:
    """How many values a nested value holds, None left out."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    if isinstance(value, list):
        return sum(map(leaves, value))
    return value is not None


def test_form_fields_of_the_api_have_their_usual_names() -> None:
    body = {
        "purpose": "batch",
        "timestamp_granularities": ["word", "segment"],
        "expires_after": {"anchor": "created_at", "seconds": 3600},
        "stream": True,
        "temperature": 0.2,
        "prompt": omit,
        "language": None,
    }
    assert flatten_fields(body) == [
        ("purpose", "batch"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("stream", "true"),
        ("temperature", "0.2"),
    ]
