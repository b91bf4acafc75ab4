"""Lexical vectors: unit length, the same everywhere, near for near texts."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.testing.vectors import Embedder

EMBEDDER = Embedder(256)


def similarity(one: array[float], other: array[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@settings(max_examples=60)
@given(text=st.text(min_size=1, max_size=200), size=st.sampled_from([1, 2, 7, 256]))
def test_every_text_has_a_vector_of_unit_length(text: str, size: int):
    vector = Embedder(size).embed(text)
    assert len(vector) == size
    assert math.isclose(similarity(vector, vector), 1.0, abs_tol=1e-5)


@settings(max_examples=60)
@given(tokens=st.lists(st.integers(0, 200_000), min_size=1, max_size=30))
def test_token_ids_have_vectors_of_unit_length(tokens: list[int]):
    vector = EMBEDDER.embed_tokens(tokens)
    assert math.isclose(similarity(vector, vector), 1.0, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("open a network connection", "opening of network connections", "sort a list of numbers"),
        ("Compress a block of data", "data compression", "Return the day of the week"),
        ("JSON parser", "parse some json", "draw a circle"),
        ("größere Übung", "die Übungen", "something else"),
    ],
)
def test_near_texts_are_nearer_than_others(text: str, near: str, far: str):
    vector = EMBEDDER.embed(text)
    assert similarity(vector, EMBEDDER.embed(near)) > similarity(vector, EMBEDDER.embed(far)) + 0.1


def test_case_and_order_do_not_matter():
    assert EMBEDDER.embed("Hello brave WORLD") == EMBEDDER.embed("world hello, brave!")


def test_a_vector_is_the_same_in_another_process():
    code = "from anyopenai.testing.vectors import Embedder; print(Embedder(8).embed('hello world').tobytes().hex())"
    source = str(Path(__file__).parents[2] / "src")
    env = {"PYTHONPATH": source, "PYTHONHASHSEED": "7", "PATH": os.environ.get("PATH", "")}
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == Embedder(8).embed("hello world").tobytes().hex()


def test_remembered_words_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("anyopenai.testing.vectors._REMEMBERED", 10)
    embedder = Embedder(16)
    first = embedder.embed("word0")
    for number in range(50):
        embedder.embed(f"word{number}")
    assert len(embedder._features) <= 10
    assert embedder.embed("word0") == first


def test_features_that_cancel_out_still_give_a_direction():
    """With one dimension, words of opposite sign and equal weight leave nothing."""
    embedder = Embedder(1)
    embedder._features = {"a": ((0, 1.0),), "b": ((0, -1.0),)}
    assert embedder.embed("a b").tolist() == [1.0]
