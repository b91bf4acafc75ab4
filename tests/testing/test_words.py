"""Tokens and answers of the stand-in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.testing.words import answer, count_tokens, cut, pieces


@settings(max_examples=80)
@given(text=st.text(max_size=200))
def test_tokens_joined_are_the_text(text: str):
    assert "".join(pieces(text)) == text
    assert count_tokens(text) == len(pieces(text))


@settings(max_examples=60)
@given(text=st.text(max_size=80), stop=st.lists(st.text(min_size=1, max_size=3), max_size=3), most=st.integers(0, 20))
def test_a_cut_text_has_no_stop_sequence_and_no_token_too_many(text: str, stop: list[str], most: int):
    tokens, was_cut = cut(text, stop, most)
    assert len(tokens) <= most
    assert text.startswith("".join(tokens))
    assert not any(sequence in "".join(tokens) for sequence in stop)
    assert was_cut is (len(cut(text, stop, None)[0]) > most)


@pytest.mark.parametrize(("text", "count"), [("", 0), (" ", 1), ("one", 1), ("one two\n", 3), ("x" * 25, 3)])
def test_tokens_are_words_of_at_most_twelve_characters(text: str, count: int):
    assert count_tokens(text) == count


def test_an_answer_says_what_it_is_and_quotes_the_prompt():
    text = answer("Tell me about the quick brown foxes, quick!")
    assert text.startswith("This answer comes from a local stand-in: no model computed it. Your message has 8 words:")
    assert text.endswith("Repeated in it: quick.")
    assert answer("one two").endswith("“one two”.")


def test_a_long_prompt_is_quoted_in_part():
    text = answer(" ".join(f"w{number}" for number in range(100)))
    assert "w23 …”" in text
    assert "w24" not in text


def test_an_empty_prompt_is_said_to_be_empty():
    assert "Your message is empty." in answer("  ")


def test_turns_and_choices_are_named():
    assert answer("x", choice=1, choices=2, turn=3).endswith(
        "It is turn 3 of this conversation. This is answer 2 of 2."
    )
