"""Texts and unknown members as they grow: equal to the whole however they are cut, and nothing is lost."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.streaming.growth import GrowingText, ReadText, fold, plain

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(pieces=st.lists(st.text(max_size=5)), looks=st.sets(st.integers(0, 20)))
def test_a_text_is_its_pieces_whenever_it_is_looked_at(pieces: list[str], looks: set[int]) -> None:
    growing = GrowingText()
    ends = [0]
    for number, piece in enumerate(pieces):
        growing.append(piece)
        ends.append(growing.length)
        if number in looks:
            assert growing.value() == "".join(pieces[: number + 1])
    assert [growing.upto(end) for end in ends] == ["".join(pieces[:count]) for count in range(len(pieces) + 1)]


@given(value=st.dictionaries(st.text(max_size=3), VALUES, max_size=3), cuts=st.lists(st.integers(0, 60)))
def test_json_is_read_however_it_is_cut_and_looked_at(value: dict[str, Any], cuts: list[int]) -> None:
    text = json.dumps(value)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    growing = ReadText()
    for start, end in itertools.pairwise(places):
        assert not growing.complete
        growing.append(text[start:end])
        assert isinstance(growing.partial, dict | None)
    assert growing.complete
    assert growing.partial == value


def test_what_is_no_json_says_what_was_known_before() -> None:
    growing = ReadText()
    growing.append('{"a": 1, ')
    growing.append("oops")
    assert growing.partial == {"a": 1}
    growing.append('"b": 2}')
    assert growing.partial == {"a": 1}
    assert not growing.complete
    assert growing.value() == '{"a": 1, oops"b": 2}'


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["a", "b", None, ""], "ab"),
        ([1, 2], 2),
        ([None, None], None),
        ([{"a": "x", "n": 1}, {"a": "y", "b": "z"}], {"a": "xy", "n": 1, "b": "z"}),
        ([[{"index": 0, "t": "a"}], [{"index": 1, "t": "b"}, {"index": 0, "t": "c"}]],
         [{"index": 0, "t": "ac"}, {"index": 1, "t": "b"}]),
        ([[{"t": "a"}], [{"t": "b"}]], [{"t": "a"}, {"t": "b"}]),
        ([{"type": "t", "id": "i", "text": "a"}, {"type": "t", "id": "i", "text": "b"}],
         {"type": "t", "id": "i", "text": "ab"}),
        (["a", {"b": "c"}], {"b": "c"}),
    ],
)  # fmt: skip
def test_pieces_of_unknown_members_become_one(pieces: list[Any], whole: object) -> None:
    folded: object = None
    for piece in pieces:
        folded = fold(folded, piece)
    assert plain(folded) == whole


@given(value=VALUES)
def test_one_piece_is_the_whole(value: Any) -> None:
    def bare(given_: Any) -> Any:
        """Leave out members that are null, which add nothing, and join what has one index."""
        return plain(fold(None, given_))

    assert bare(bare(value)) == bare(value)
    if isinstance(value, str | int | float | bool):
        assert bare(value) == value
