"""Cosine similarity."""

from __future__ import annotations

import numpy as np

from anyopenai.cli.search import Index


def test_the_nearest_vectors_come_first_whatever_their_length() -> None:
    index = Index(np.array([[0, 1], [3, 0], [5, 5]], np.float32))
    assert [(row, round(score, 3)) for row, score in index.nearest([2.0, 0.0], 2)] == [(1, 1.0), (2, 0.707)]


def test_a_vector_of_zeros_is_near_nothing() -> None:
    index = Index(np.array([[0, 0], [1, 0]], np.float32))
    assert index.nearest([1.0, 0.0], 5) == [(1, 1.0), (0, 0.0)]
    assert index.nearest([0.0, 0.0], 1) == [(0, 0.0)]
