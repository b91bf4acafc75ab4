"""Nearest texts by cosine similarity, over vectors in memory; who made them is not known here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ("Index",)


class Index:
    """Vectors to be searched.

    Args:
        vectors: One row for each text.
    """

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A vector of zeros is near nothing; dividing by its length would make it near nobody knows what.
        self._rows = vectors / np.where(lengths == 0, 1, lengths)

    def nearest(self, vector: Sequence[float], count: int) -> list[tuple[int, float]]:
        """Return the rows nearest to a vector, best first, each with its cosine similarity.

        Args:
            vector: What is searched for.
            count: How many rows at most.
        """
        query = np.asarray(vector, dtype=np.float32)
        query = query / (np.linalg.norm(query) or 1.0)
        scores = self._rows @ query
        best = np.argsort(-scores, kind="stable")[:count]
        return [(int(row), float(scores[row])) for row in best]
