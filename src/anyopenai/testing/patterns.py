"""Texts that match a regular expression, the same ones every time: a reader of patterns and a writer; no other constraint.

Read are the parts that JSON schemas share with Python: characters, classes, groups, alternatives, quantifiers, anchors. Who
asks for more (looking around, going back to a group) is told that it takes a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from warnings import catch_warnings, simplefilter

__all__ = ("PatternError", "text_from_pattern")

# What negated classes and the dot are chosen from; letters first, as they read best.
_PLAIN: Final = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,:;!?/@#%&+=*'\"()[]{}<>|~^$\\`\t\n\r"
)
_CLASSES: Final = {
    "d": "0123456789",
    "w": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
    "s": " \t\n\r",
}
_CONTROL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_REPEATED: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")

# A text longer than this is not written, and a quantifier is not stretched further.
_LONGEST: Final = 100_000
_MOST_STRETCH: Final = 12

# Deeper groups than this are nobody's pattern, and would end in a RecursionError.
_DEEPEST: Final = 50


class PatternError(ValueError):
    """A pattern has a part that is not read here, or is none."""


@dataclass(frozen=True)
class _One:
    """One of several characters."""

    choices: str


@dataclass(frozen=True)
class _Either:
    """One of several sequences."""

    sequences: tuple[tuple[_Part, ...], ...]


@dataclass(frozen=True)
class _Repeat:
    """A part, so many times."""

    part: _Part
    least: int
    most: int


_Part = _One | _Either | _Repeat


def text_from_pattern(pattern: str, variant: int = 0, least: int = 0, most: float = float("inf")) -> str | None:
    """Return a text that matches a pattern; None if none of the lengths asked for is found.

    Args:
        pattern: A regular expression; without anchors it may match anywhere, and all of the text matches it.
        variant: Which of several texts, from 0: characters of classes and alternatives move on with it.
        least: How many characters the text has at least.
        most: And at most.

    Raises:
        PatternError: The pattern has a part that is not read here, or is none.
    """
    root = _Reader(pattern).read()
    try:
        with catch_warnings():
            # Of what a later Python may read in another way, such as "[[": today it is what the pattern's author means.
            simplefilter("ignore", FutureWarning)
            matches = re.compile(pattern).search
    except re.error as error:
        raise PatternError(f"is no pattern that Python knows ({error})") from None
    for stretch in _stretches(root, variant, least):
        text = _Writer(variant, stretch).write(root)
        if text is not None and least <= len(text) <= most and matches(text):
            return text
    return None


def _stretches(root: _Either, variant: int, least: int) -> Iterator[int]:
    """Give what to try: the shortest texts first, and then the one that should be just long enough."""
    yield from range(_MOST_STRETCH)
    short, longer = (len(_Writer(variant, stretch).write(root) or "") for stretch in (0, 1))
    if longer > short:
        yield -((short - least) // (longer - short))


class _Reader:
    """Reads one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    def read(self) -> _Either:
        found = self._either(0)
        if self._place < len(self._pattern):
            raise PatternError("has a parenthesis that closes nothing")
        return found

    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _take(self) -> str:
        character = self._next()
        if not character:
            raise PatternError("ends too early")
        self._place += 1
        return character

    def _take_if(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._place)
        self._place += len(text) if found else 0
        return found

    def _either(self, depth: int) -> _Either:
        if depth > _DEEPEST:
            raise PatternError("has too many groups within groups")
        sequences = [self._sequence(depth)]
        while self._take_if("|"):
            sequences.append(self._sequence(depth))
        return _Either(tuple(sequences))

    def _sequence(self, depth: int) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        while self._next() not in ("", "|", ")"):
            part = self._part(depth)
            if part is not None:
                parts.append(self._repeated(part))
        return tuple(parts)

    def _part(self, depth: int) -> _Part | None:
        """Return the next part; None for an anchor, which the whole text meets."""
        character = self._take()
        match character:
            case "^" | "$":
                return None
            case ".":
                return _One(_PLAIN[:-3])
            case "[":
                return self._class()
            case "(":
                return self._group(depth)
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise PatternError(f"has a {character!r} that repeats nothing")
            case _:
                return _One(character)

    def _group(self, depth: int) -> _Either:
        if self._take_if("?") and not self._take_if(":"):
            if not (self._take_if("P<") or (self._take_if("<") and self._next() not in ("=", "!"))):
                raise PatternError("looks around, or sets flags, which this stand-in does not follow")
            while self._take() != ">":
                continue
        found = self._either(depth + 1)
        if not self._take_if(")"):
            raise PatternError("has a parenthesis that is not closed")
        return found

    def _escaped(self) -> _One | None:
        if self._next() in ("A", "Z", "b", "B"):
            self._place += 1
            return None
        return _One(self._set())

    def _set(self) -> str:
        """Return the characters that an escape stands for; the backslash has been read."""
        character = self._take()
        if character in _CONTROL:
            return _CONTROL[character]
        if character.lower() in _CLASSES:
            known = _CLASSES[character.lower()]
            return known if character.islower() else "".join(one for one in _PLAIN if one not in known)
        if character in ("x", "u"):
            digits = self._pattern[self._place : self._place + (2 if character == "x" else 4)]
            self._place += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise PatternError(f"has the escape {character + digits!r}") from None
        if character.isalnum():
            raise PatternError(f"has the escape {character!r}, which this stand-in does not follow")
        return character

    def _class(self) -> _One:
        negated = self._take_if("^")
        listed = ""
        first = True
        while first or self._next() != "]":
            first = False
            low = self._set() if self._take_if("\\") else self._take()
            if (
                len(low) == 1
                and self._next() == "-"
                and self._pattern[self._place + 1 : self._place + 2] not in ("]", "")
            ):
                self._place += 1
                high = self._set() if self._take_if("\\") else self._take()
                if len(high) != 1 or high < low:
                    raise PatternError(f"has the range {low}-{high}")
                # A range of all characters is cut: some of them are enough.
                low = "".join(map(chr, range(ord(low), min(ord(high), ord(low) + 255) + 1)))
            listed += low
        self._place += 1
        if negated:
            listed = "".join(one for one in _PLAIN if one not in listed)
        if not listed:
            raise PatternError("has a class without a character that is written here")
        return _One(listed)

    def _repeated(self, part: _Part) -> _Part:
        least, most = 1, 1
        if self._take_if("*"):
            least, most = 0, _LONGEST
        elif self._take_if("+"):
            least, most = 1, _LONGEST
        elif self._take_if("?"):
            least, most = 0, 1
        elif (counted := _REPEATED.match(self._pattern, self._place)) is not None:
            self._place = counted.end()
            least = int(counted[1])
            most = least if counted[2] is None else int(counted[3] or _LONGEST)
        else:
            return part
        if most < least:
            raise PatternError(f"repeats from {least} to {most} times")
        if self._take_if("+"):
            raise PatternError("repeats possessively, which this stand-in does not follow")
        self._take_if("?")
        return _Repeat(part, least, most)


class _Writer:
    """Writes one text.

    Args:
        variant: Which of several.
        stretch: How often more than the least each quantifier repeats.
    """

    def __init__(self, variant: int, stretch: int) -> None:
        self._variant = variant
        self._stretch = stretch
        self._length = 0
        self._pieces: list[str] = []

    def write(self, root: _Part) -> str | None:
        """Return the text; None if it would be too long."""
        return "".join(self._pieces) if self._add(root) else None

    def _add(self, part: _Part) -> bool:
        if isinstance(part, _One):
            # Each character moves on from the one before it, so that long texts are not one letter.
            self._pieces.append(part.choices[(self._length + self._variant) % len(part.choices)])
            self._length += 1
            return self._length <= _LONGEST
        if isinstance(part, _Either):
            return all(self._add(one) for one in part.sequences[self._variant % len(part.sequences)])
        return all(self._add(part.part) for _ in range(min(part.most, part.least + self._stretch, _LONGEST)))
