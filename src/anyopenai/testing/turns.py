"""One turn of the stand-in: a text, JSON in a form, or calls of tools, within the limits; the APIs' shapes are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import msgspec

from .exchange import Json
from .schemas import answer_in_form, form_of
from .tools import Call, Choice, Talk, calls_for
from .words import answer, cut

__all__ = ("Turn", "turn_for")


@dataclass(frozen=True)
class Turn:
    """What the stand-in says: a text, or calls of tools.

    Attributes:
        tokens: The text, cut into tokens; empty where tools are called.
        calls: The calls, in order.
        was_cut: Whether the token limit ended it.
    """

    tokens: list[str]
    calls: list[Call]
    was_cut: bool

    @property
    def text(self) -> str:
        """The text."""
        return "".join(self.tokens)

    @property
    def count(self) -> int:
        """How many tokens it has."""
        return len(self.tokens) + sum(len(call.tokens) for call in self.calls)


def turn_for(
    talk: Talk,
    choice: Choice,
    form: object,
    param: str,
    *,
    rounds: int,
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
    number: int = 0,
    of: int = 1,
) -> Turn:
    """Return what comes next in a conversation.

    Args:
        talk: What the conversation has come to.
        choice: What the request says about tools.
        form: The form that it asks for: `response_format`, or `text.format`.
        param: The form's name.
        rounds: How often functions are called before a text comes.
        stop: What ends a text.
        max_tokens: How many tokens it may have.
        number: Which of several answers this is, from 0.
        of: How many answers were asked for.

    Raises:
        Refusal: It takes a model to follow a schema.
    """
    calls = calls_for(choice, talk, rounds)
    schema = form_of(form, param)
    if calls:
        return _cut_calls(calls, max_tokens)
    if schema is not None:
        # What the tools gave comes first: the answer is about it.
        words = " ".join([*(output for _, output in talk.outputs), talk.prompt])
        text = answer_in_form(schema, words, param)
    else:
        text = answer(talk.prompt, choice=number, choices=of, turn=max(1, talk.turn), outputs=talk.outputs)
        if isinstance(form, dict) and cast("Json", form).get("type") == "json_object":
            text = msgspec.json.encode({"answer": text}).decode()
    tokens, was_cut = cut(text, stop, max_tokens)
    return Turn(tokens, [], was_cut)


def _cut_calls(calls: list[Call], max_tokens: int | None) -> Turn:
    """Return as much of the calls as a token limit leaves: the last one's arguments may break off, as a model's do."""
    room = max_tokens if max_tokens is not None else sum(len(call.tokens) for call in calls)
    kept: list[Call] = []
    for call in calls:
        kept.append(replace(call, tokens=call.tokens[:room]))
        if room < len(call.tokens):
            return Turn([], kept, was_cut=True)
        room -= len(call.tokens)
    return Turn([], kept, was_cut=False)
