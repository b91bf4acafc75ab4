"""The stand-in's language: counting tokens, and answers made from the words of the prompt; no model and no chance here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import cast

from .exchange import Json, invalid

__all__ = ("answer", "count_tokens", "cut", "pieces", "text_of")

# A token of the stand-in: up to 12 characters of a word with the white space before it. Real tokenizers cut finer or
# coarser by language; usage figures of a stand-in are for arithmetic, not for bills.
_PIECE = re.compile(r"\s*\S{1,12}|\s+\Z")
_LONGER_WORD = re.compile(r"[^\W\d_]{4,}")

# How many words of the prompt an answer repeats.
_QUOTED = 24


def pieces(text: str) -> list[str]:
    """Cut a text into tokens; joined again they are the text."""
    return _PIECE.findall(text)


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return len(_PIECE.findall(text))


def answer(
    prompt: str,
    *,
    choice: int = 0,
    choices: int = 1,
    turn: int = 1,
    outputs: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the text the stand-in gives for a prompt: it says what it is and what it was asked.

    Args:
        prompt: What the user wrote last.
        choice: Which of the answers, from 0.
        choices: How many answers were asked for.
        turn: Which turn of a conversation this is, from 1.
        outputs: What tools have given since the prompt, each with the tool's name.
    """
    words = prompt.split()
    parts = ["This answer comes from a local stand-in: no model computed it."]
    if not words:
        parts.append("Your message is empty.")
    else:
        parts.append(f"Your message has {len(words)} {'word' if len(words) == 1 else 'words'}: {_quote(words)}.")
        counts = Counter(_LONGER_WORD.findall(prompt.lower())).most_common(3)
        if repeated := [word for word, count in counts if count > 1]:
            parts.append(f"Repeated in it: {', '.join(repeated)}.")
    parts += [f"The tool {name} gave {_quote(output.split())}." for name, output in outputs]
    if turn > 1:
        parts.append(f"It is turn {turn} of this conversation.")
    if choices > 1:
        parts.append(f"This is answer {choice + 1} of {choices}.")
    return " ".join(parts)


def _quote(words: list[str]) -> str:
    return f"“{' '.join(words[:_QUOTED])}{' …' if len(words) > _QUOTED else ''}”"


def cut(text: str, stop: Sequence[str], max_tokens: int | None) -> tuple[list[str], bool]:
    """Return the tokens of a text up to its first stop sequence and its token limit, and whether the limit cut it."""
    ends = [place for place in (text.find(sequence) for sequence in stop) if place >= 0]
    tokens = pieces(text[: min(ends)] if ends else text)
    if max_tokens is not None and len(tokens) > max_tokens:
        return tokens[:max_tokens], True
    return tokens, False


def text_of(content: object, param: str) -> str:
    """Return the words in a message's content: a string, or a list of parts of which the text ones count.

    Raises:
        Refusal: It is neither.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(param, f"{param!r} must be a string or a list of content parts.", "invalid_type")
    texts: list[str] = []
    for place, part in enumerate(cast("list[object]", content)):
        if not isinstance(part, dict):
            raise invalid(f"{param}[{place}]", f"'{param}[{place}]' must be an object.", "invalid_type")
        value = cast("Json", part).get("text")
        if isinstance(value, str):
            texts.append(value)
    return "\n".join(texts)
