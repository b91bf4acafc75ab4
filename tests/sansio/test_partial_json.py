"""JSON read piece by piece: what is known after every piece, and what is refused."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._sansio.json_string import InvalidJSON
from anyopenai._sansio.partial_json import MAX_NUMBER, PartialJSON

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """JSON of any value, written in one of the usual ways."""
    return json.dumps(
        draw(VALUES),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 1])),
        separators=draw(st.sampled_from([None, (",", ":")])),
    )


def is_part(part: object, whole: object) -> bool:
    """Tell whether a value is what another one may look like on its way."""
    if isinstance(whole, dict):
        return (
            isinstance(part, dict)
            and list(part) == list(whole)[: len(part)]
            and all(is_part(item, whole[name]) for name, item in part.items())
        )
    if isinstance(whole, list):
        return (
            isinstance(part, list)
            and len(part) <= len(whole)
            and all(is_part(one, other) for one, other in zip(part, whole, strict=False))
        )
    if isinstance(whole, str):
        return isinstance(part, str) and whole.startswith(part)
    return type(part) is type(whole) and part == whole


@given(documents())
def test_every_prefix_gives_a_part_of_the_whole(document: str) -> None:
    whole = json.loads(document)
    parser = PartialJSON()
    before: object = None
    for letter in document:
        parser.feed(letter)
        value = parser.value
        assert not parser.begun or is_part(value, whole)
        if parser.begun and before is not None:
            assert is_part(before, value)
        before = copy.deepcopy(value)
    assert parser.finish() == whole
    assert parser.complete


@given(documents(), st.lists(st.integers(0, 400), max_size=6))
def test_the_value_does_not_depend_on_how_the_text_is_cut(document: str, cuts: list[int]) -> None:
    places = sorted({min(cut, len(document)) for cut in cuts} | {0, len(document)})
    parser = PartialJSON()
    for start, end in pairwise(places):
        parser.feed(document[start:end])
        reference = PartialJSON()
        reference.feed(document[:end])
        assert parser.value == reference.value
    assert parser.finish() == json.loads(document)


@given(documents(), st.booleans())
def test_bytes_are_read_one_by_one_through_any_character(document: str, marked: bool) -> None:
    parser = PartialJSON()
    for byte in document.encode("utf-8-sig" if marked else "utf-8", "surrogatepass"):
        parser.feed(bytes([byte]))
        assert not parser.begun or is_part(parser.value, json.loads(document))
    assert parser.finish() == json.loads(document)


@given(documents())
def test_without_open_strings_each_string_is_whole_or_absent(document: str) -> None:
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in strings(item)]
        if isinstance(value, list):
            return [text for item in value for text in strings(item)]
        return [value] if isinstance(value, str) else []

    whole = strings(json.loads(document))
    parser = PartialJSON(open_strings=False)
    for letter in document:
        parser.feed(letter)
        found = strings(parser.value)
        assert found == whole[: len(found)]
    assert parser.finish() == json.loads(document)


@given(st.text(alphabet='{}[]",:\\ntrue01.-eE+ u\ud83d\x00ab', max_size=30) | st.text(max_size=20))
def test_any_text_is_read_as_json_loads_does_or_refused_with_a_place(text: str) -> None:
    parser = PartialJSON()
    failure: InvalidJSON | None = None
    try:
        for letter in text:
            parser.feed(letter)
        parser.finish()
    except InvalidJSON as error:
        failure = error
    try:
        # Python's own decoder takes NaN and Infinity, which JSON does not have.
        expected = json.loads(text, parse_constant=int)
    except ValueError:
        assert failure is not None
        assert 0 <= failure.position <= len(text)
    else:
        assert failure is None
        assert parser.value == expected


@given(st.binary(max_size=20))
def test_any_bytes_give_a_value_or_the_documented_error(data: bytes) -> None:
    parser = PartialJSON()
    try:
        parser.feed(data)
        parser.finish()
    except InvalidJSON:
        pass


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a": ', {}),
        ('{"a": "', {"a": ""}),
        ('{"a": {"b": [', {"a": {"b": []}}),
        ('["a\\', ["a"]),
        ('["a\\u00e', ["a"]),
        ('["a\\ud83d', ["a"]),
        ('["a\\ud83d\\ude0', ["a"]),
        ('["a\\ud83d\\ude00', ["a😀"]),
        ('["a\\ud83dx', ["a\ud83dx"]),
        ("[12", []),
        ("[12,", [12]),
        ("[-", []),
        ("[1e", []),
        ("[tru", []),
        ("[true", [True]),
        ('{"a": 1, "b": nul', {"a": 1}),
        ("12", None),
    ],
)
def test_a_cut_shows_what_is_certain(text: str, value: object) -> None:
    parser = PartialJSON()
    parser.feed(text)
    assert parser.value == value
    assert not parser.complete


def test_half_a_character_waits_for_its_other_half() -> None:
    parser = PartialJSON()
    wire = '["é'.encode()
    parser.feed(wire[:-1])
    assert parser.value == [""]
    parser.feed(wire[-1:])
    assert parser.value == ["é"]


def test_the_value_is_the_same_object_while_it_grows() -> None:
    parser = PartialJSON()
    parser.feed('{"items": [{"name": "a"}')
    value = parser.value
    assert isinstance(value, dict)
    first = value["items"][0]
    parser.feed(', {"name": "b')
    assert parser.value is value
    assert value["items"] == [{"name": "a"}, {"name": "b"}]
    assert value["items"][0] is first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a" 1}', "'1}' at character 5, where ':' belongs"),
        ("[1,]", "']' at character 3, where a value belongs"),
        ("{,}", "where a member's name or '}' belongs"),
        ('{"a":1,}', "where a member's name belongs"),
        ("[1 2]", "where ',' or an end belongs"),
        ('{"a": 1]', "']' at character 7, where ',' or an end belongs"),
        ("{} x", "'x' at character 3, where nothing more belongs"),
        ("nope", "'nope' at character 0"),
        ("[01]", "'01]' at character 1"),
        ("[NaN]", "'NaN]' at character 1"),
        ('["\\x"]', "unknown escape '\\\\x' at character 2"),
        ('["\\u12g4"]', "broken escape"),
        ('["a\nb"]', "bare control character '\\n' in a string at character 3"),
        ("[" * 6, "nests deeper than 5 levels at character 5"),
        ("[" + "1" * (MAX_NUMBER + 1), "number of more than 4300 characters"),
    ],
)
def test_what_is_not_json_is_refused_where_it_stands(text: str, said: str) -> None:
    parser = PartialJSON(max_depth=5)
    with pytest.raises(InvalidJSON) as failure:
        parser.feed(text)
    assert said in str(failure.value)
    with pytest.raises(InvalidJSON) as again:
        parser.feed("1")
    assert again.value is failure.value
    with pytest.raises(InvalidJSON):
        parser.finish()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "after 0 characters, where a value should follow"),
        ('{"a": [1, ', "where a value should follow"),
        ('["abc', "after 5 characters, where the rest of a string should follow"),
        ("1.", "after 2 characters, where the rest of '1.' should follow"),
        ("tru", "where the rest of 'tru' should follow"),
    ],
)
def test_a_document_that_has_not_ended_is_told_at_its_end(text: str, said: str) -> None:
    parser = PartialJSON()
    parser.feed(text)
    with pytest.raises(InvalidJSON, match=said.replace("[", r"\[").replace(".", r"\.")):
        parser.finish()


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    parser = PartialJSON()
    with pytest.raises(InvalidJSON, match="not UTF-8"):
        parser.feed(b'["\xff"]')
    cut = PartialJSON()
    cut.feed('["é'.encode()[:-1])
    with pytest.raises(InvalidJSON, match="not UTF-8"):
        cut.finish()


def test_a_number_at_the_top_ends_with_the_document() -> None:
    parser = PartialJSON()
    parser.feed("-12")
    parser.feed(".5e1")
    assert not parser.complete
    assert parser.finish() == -125.0
    assert parser.complete


def test_a_name_that_comes_twice_has_its_last_value() -> None:
    parser = PartialJSON()
    parser.feed('{"a": {"b": 1}, "a": "x')
    assert parser.value == {"a": "x"}


def test_errors_are_pickled_with_their_place() -> None:
    parser = PartialJSON()
    with pytest.raises(InvalidJSON) as failure:
        parser.feed("[}")
    copied = pickle.loads(pickle.dumps(failure.value))
    assert (str(copied), copied.position) == (str(failure.value), 1)


def test_a_document_needs_at_least_one_level() -> None:
    with pytest.raises(ValueError, match="max_depth must be at least 1"):
        PartialJSON(max_depth=0)
