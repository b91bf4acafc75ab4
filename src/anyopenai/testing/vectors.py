"""Lexical vectors: hashed words and character n-grams, signed, of unit length; the same in every process, no model."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

__all__ = ("Embedder",)

# Letters and digits; an underscore separates, so that names in code share words with prose.
_WORD = re.compile(r"[^\W_]+")

# Words that say little about what a text is about count little. Not left out: a text of nothing else has a vector too.
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an and any are as at be but by can do does for from has have how i if in into is it its not of on or so such
        than that the their then there these they this to was we were what when where which who will with you your
        """,
    )
)
_FUNCTION_WEIGHT = 0.1

# Long words are rarer than short ones and say more; without a corpus to count, length stands for rarity.
_RARE_LENGTH = 12

# A word as a whole weighs as much as its n-grams together: equal words matter, and so do `compress` and `compression`.
_WORD_WEIGHT = 1.0
_GRAM_SIZES = (3, 4)

# Words are cut at this length, and at most so many are remembered with their features: both bound the memory, and
# ordinary prose never meets either.
_LONGEST_WORD = 64
_REMEMBERED = 50_000


class Embedder:
    """Turns texts into vectors of one size; near texts (in words and spelling) get near vectors.

    Each word and each of its 3- and 4-character pieces is hashed to a place and a sign. Repeats count by the
    logarithm. Words are remembered with their features, which makes prose several times faster than hashing each
    occurrence.

    Args:
        dimensions: Length of the vectors.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._features: dict[str, tuple[tuple[int, float], ...]] = {}

    def embed(self, text: str) -> array[float]:
        """Return the unit vector of a text, as 32-bit floats."""
        words = _WORD.findall(text.lower())
        # A text without letters or digits still has to have a direction: its characters stand for a word.
        return self._vector(words or [text])

    def embed_tokens(self, tokens: Sequence[int]) -> array[float]:
        """Return the unit vector of token ids, each taken as a word of its own."""
        return self._vector([f"#{token}" for token in tokens])

    def _vector(self, words: list[str]) -> array[float]:
        places: dict[int, float] = {}
        features = self._features
        for word, count in Counter(words).items():
            known = features.get(word)
            if known is None:
                known = self._remember(word)
            weight = 1.0 if count == 1 else 1.0 + math.log(count)
            for place, value in known:
                places[place] = places.get(place, 0.0) + weight * value
        norm = math.sqrt(sum(value * value for value in places.values()))
        vector = array("f", bytes(4 * self.dimensions))
        if norm < 1e-9:
            # Every feature met its opposite; with few dimensions it can happen. Any fixed direction will do.
            vector[crc32(" ".join(words).encode("utf-8", "replace")) % self.dimensions] = 1.0
            return vector
        for place, value in places.items():
            vector[place] = value / norm
        return vector

    def _remember(self, word: str) -> tuple[tuple[int, float], ...]:
        known = tuple(self._hashed(word))
        if len(self._features) >= _REMEMBERED:
            self._features.clear()
        self._features[word] = known
        return known

    def _hashed(self, word: str) -> list[tuple[int, float]]:
        scale = _FUNCTION_WEIGHT if word in _FUNCTION_WORDS else 0.5 + min(len(word), _RARE_LENGTH) / _RARE_LENGTH
        marked = f"<{word[:_LONGEST_WORD]}>"
        grams = [marked[start : start + size] for size in _GRAM_SIZES for start in range(len(marked) - size + 1)]
        # The n-grams of a word together weigh as much whatever its length.
        gram_weight = scale / math.sqrt(len(grams)) if grams else 0.0
        weighted = [(word, scale * _WORD_WEIGHT), *((gram, gram_weight) for gram in grams)]
        return [self._signed(feature, weight) for feature, weight in weighted]

    def _signed(self, feature: str, weight: float) -> tuple[int, float]:
        code = crc32(feature.encode("utf-8", "replace"))
        # The lowest bits choose the place, the highest the sign.
        return code % self.dimensions, weight if code < 0x80000000 else -weight
