"""Texts for patterns: each matches, keeps the lengths, and is the same every time; what is not read is said."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anyopenai.testing.patterns import PatternError, text_from_pattern

ATOMS = st.sampled_from(
    [
        "a",
        "Z",
        "é",
        r"\d",
        r"\w",
        r"\s",
        r"\D",
        r"\W",
        r"\S",
        ".",
        "[a-f]",
        "[^a-f]",
        "[]x]",
        r"[\d_-]",
        r"\.",
        r"\x41",
        r"\u00e9",
    ]
)
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,}", "*?", "{2,}?"])
PATTERNS = st.recursive(
    st.builds(str.__add__, ATOMS, QUANTIFIERS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4).map("".join)
        | st.builds("({}){}".format, inner, QUANTIFIERS)
        | st.builds("(?:{}|{})".format, inner, inner)
        | st.builds("(?P<n>{})".format, st.sampled_from(["a", "[bc]+"]))
    ),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(pattern=PATTERNS, variant=st.integers(0, 7), anchored=st.booleans())
def test_a_text_matches_its_pattern(pattern: str, variant: int, anchored: bool) -> None:
    pattern = f"^(?:{pattern})$" if anchored else pattern
    try:
        compiled = re.compile(pattern)
    except re.error:  # a group's name that stands twice
        with pytest.raises(PatternError):
            text_from_pattern(pattern, variant)
        return
    text = text_from_pattern(pattern, variant)
    assert text is not None
    assert compiled.search(text)
    assert text_from_pattern(pattern, variant) == text


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@given(pattern=st.text("ab|()[]{}*+?^$\\-,.01dwx<=!:P", max_size=12))
@example(pattern="[[]")
def test_any_garbage_gives_a_text_or_says_why_not(pattern: str) -> None:
    try:
        text = text_from_pattern(pattern)
    except PatternError:
        return
    assert text is None or re.search(pattern, text)


@given(least=st.integers(0, 40), size=st.integers(0, 10))
def test_quantifiers_stretch_to_the_length(least: int, size: int) -> None:
    text = text_from_pattern("^[a-z]+$", 0, least, least + size)
    assert text is None if least + size == 0 else text is not None and least <= len(text) <= least + size


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", ["0123-56-89", "1234-67-90"]),
        ("^(red|green|blue)$", ["red", "green"]),
        (r"^#[0-9a-fA-F]{6}$", ["#123456", "#234567"]),
        (r"(?<year>\d)?x", None),
        ("colou?r", ["color", "color"]),
    ],
)
def test_texts_are_the_plain_ones(pattern: str, texts: list[str] | None) -> None:
    if texts is None:  # a form of other languages
        with pytest.raises(PatternError):
            text_from_pattern(pattern)
        return
    assert [text_from_pattern(pattern, variant) for variant in (0, 1)] == texts


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)b", "looks around"),
        ("(?i)a", "looks around"),
        (r"(a)\1", "escape"),
        ("(a", "not closed"),
        ("a)", "closes nothing"),
        ("*a", "repeats nothing"),
        ("[b-a]", "range"),
        ("[a", "too early"),
        ("a\\", "too early"),
        (r"\xzz", "escape"),
        ("a{3,1}", "from 3 to 1"),
        ("(" * 60 + ")" * 60, "groups within groups"),
        (r"[^\d\D]", "without a character"),
    ],
)
def test_what_is_not_read_is_said(pattern: str, said: str) -> None:
    with pytest.raises(PatternError, match=said):
        text_from_pattern(pattern)


def test_a_text_that_would_be_too_long_is_not_written() -> None:
    assert text_from_pattern("((a{1000}){1000}){1000}") is None


def test_a_class_that_has_its_own_bracket_warns_of_nothing() -> None:
    """Warnings are errors here."""
    assert text_from_pattern("^[[x]b$") == "[b"
