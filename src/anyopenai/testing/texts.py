"""Texts of the lengths, the formats and the patterns that a JSON schema gives, made of given words; no other values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, cast

from .exchange import Json
from .patterns import text_from_pattern

__all__ = ("WORDS_IN_A_TEXT", "is_text_within", "text_within")

WORDS_IN_A_TEXT: Final = 4

# A request of a few bytes must not fill the memory of a test.
_LONGEST: Final = 100_000

_FORMATS: Final[dict[str, Callable[[int], str]]] = {
    "date-time": lambda nth: f"2026-01-{nth % 27 + 2:02}T03:04:05Z",
    "date": lambda nth: f"2026-01-{nth % 27 + 2:02}",
    "time": lambda nth: f"03:04:{nth % 55 + 5:02}Z",
    "duration": lambda nth: f"P{nth + 1}D",
    "email": lambda nth: f"someone{nth or ''}@example.com",
    "hostname": lambda nth: f"{f'host{nth}.' if nth else ''}example.com",
    "ipv4": lambda nth: f"192.0.2.{nth % 254 + 1}",
    "ipv6": lambda nth: f"2001:db8::{nth + 1:x}",
    "uri": lambda nth: f"https://example.com/{nth or ''}",
    "uuid": lambda nth: f"12345678-1234-5678-1234-{0x567812345678 + nth:012x}",
}

# What a listed value beside a format must look like; not whether the day exists.
_LOOKS: Final = {
    "date-time": r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d.*",
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d:\d\d.*",
    "duration": r"P[\dYMDTHSW.,]+",
    "email": r"[^@\s]+@[^@\s]+",
    "hostname": r"[\w-]+(\.[\w-]+)*",
    "ipv4": r"\d+(\.\d+){3}",
    "ipv6": r"[\da-fA-F:.]*:[\da-fA-F:.]*",
    "uri": r"[a-zA-Z][\w+.-]*:\S*",
    "uuid": r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}",
}


def text_within(keywords: Json, words: Sequence[str], start: int, variant: int) -> str | None:
    """Return a text of the length, the format and the pattern that a schema takes; None if none is found.

    Args:
        keywords: The schema's.
        words: What it is made of.
        start: From which word on.
        variant: Which of several texts, from 0.

    Raises:
        PatternError: The pattern is none, or has a part that takes a model.
    """
    least, most = _lengths(keywords)
    if least > min(most, _LONGEST):
        return None
    if "pattern" in keywords:
        found = text_from_pattern(str(keywords["pattern"]), variant, int(least), most)
        return found if found is not None and is_text_within(keywords, found) else None
    form = _FORMATS.get(str(keywords.get("format")))
    if form is not None:
        text = form(variant)
        return text if least <= len(text) <= most else None
    count = len(words)
    text = " ".join(words[(start + place) % count] for place in range(min(count, WORDS_IN_A_TEXT)))
    if len(text) < least:
        text = (f"{text} " * (int(least) // (len(text) + 1) + 1))[: int(least)]
    tail = f" {variant + 1}" if variant else ""
    if len(text) + len(tail) <= most:
        return text + tail
    room = int(most) - len(tail)
    return text[:room] + tail if room >= 0 else text[: int(most)]


def is_text_within(keywords: Json, text: str) -> bool:
    """Tell whether a text keeps the length, the format and the pattern of a schema."""
    least, most = _lengths(keywords)
    return (
        least <= len(text) <= most
        and re.fullmatch(_LOOKS.get(str(keywords.get("format")), "(?s:.*)"), text) is not None
        and re.search(str(keywords.get("pattern", "")), text) is not None
    )


def _lengths(keywords: Json) -> tuple[float, float]:
    return cast("float", keywords.get("minLength", 0)), cast("float", keywords.get("maxLength", float("inf")))
