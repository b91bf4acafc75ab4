"""`POST /completions`, the older text completions: the same words as chat, in their own shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from .chat import ASSUMED_OUTPUT, usage
from .checks import boolean, integer, number, stops, text
from .exchange import DONE, Events, Json, JsonReply, Reply, Request, Route, Step, event_block, invalid
from .models import Models
from .state import Shared, new_id
from .words import answer, count_tokens, cut, pieces

__all__ = ("Completions",)

# The API's default of `max_tokens` for this endpoint.
_DEFAULT_TOKENS = 16


class Completions:
    """Answers text completions."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [("POST", "/completions", self.create)]

    async def create(self, request: Request) -> Reply:
        """Complete one prompt or several, `n` times each, whole or as a stream."""
        body = await request.json()
        model = self._models.named(body)
        prompts = _prompts(body.get("prompt"))
        copies = integer(body, "n", 1, 128) or 1
        limit = integer(body, "max_tokens", 0, 1 << 20)
        max_tokens = _DEFAULT_TOKENS if limit is None else limit
        number(body, "temperature", 0, 2)
        number(body, "top_p", 0, 1)
        stop, echo, suffix = stops(body), boolean(body, "echo"), text(body, "suffix")
        best_of = integer(body, "best_of", 0, 20)
        if best_of is not None and best_of < copies:
            raise invalid("best_of", f"'best_of' must be at least 'n' ({copies}), not {best_of}.")
        prompt_tokens = sum(count_tokens(prompt) for prompt in prompts)
        allowed = len(prompts) * copies * (max_tokens or ASSUMED_OUTPUT)
        request.reply_headers.update(self._shared.limits.take(prompt_tokens + allowed))

        answers: list[tuple[list[str], bool]] = []
        for prompt in prompts:
            for copy in range(copies):
                tokens, was_cut = cut(answer(prompt, choice=copy, choices=copies) + (suffix or ""), stop, max_tokens)
                answers.append((pieces(prompt) + tokens if echo else tokens, was_cut))
        made = sum(len(tokens) for tokens, _ in answers) - (prompt_tokens * copies if echo else 0)
        head: Json = {
            "id": new_id("cmpl-"),
            "object": "text_completion",
            "created": self._shared.created(),
            "model": model,
            "system_fingerprint": None,
        }
        counted = usage(prompt_tokens, made)
        if boolean(body, "stream"):
            options = body.get("stream_options")
            wanted = isinstance(options, dict) and boolean(cast("Json", options), "include_usage")
            return Events(_stream(head, answers, counted if wanted else None))
        self._shared.stats.tokens += made
        choices = [
            _choice(index, "".join(tokens), "length" if was_cut else "stop")
            for index, (tokens, was_cut) in enumerate(answers)
        ]
        return JsonReply(head | {"choices": choices, "usage": counted})


def _prompts(value: object) -> list[str]:
    """Return the prompts as texts, whichever of its five forms the caller chose."""
    if value is None:
        return [""]
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value:
        items = cast("list[object]", value)
        if all(type(item) is int for item in items):
            return [_words(items)]
        if all(isinstance(item, str) for item in items):
            return cast("list[str]", items)
        if all(isinstance(item, list) for item in items):
            return [_words(cast("list[object]", item)) for item in items]
    raise invalid("prompt", "'prompt' must be a string, strings, token ids, or lists of token ids.", "invalid_type")


def _words(tokens: list[object]) -> str:
    # The stand-in has no vocabulary: a token id is the word that names it.
    return " ".join(f"#{token}" for token in tokens)


def _choice(index: int, words: str, finish_reason: str | None) -> Json:
    return {"text": words, "index": index, "logprobs": None, "finish_reason": finish_reason}


def _stream(head: Json, answers: list[tuple[list[str], bool]], counted: Json | None) -> Iterator[Step]:
    """Give the chunks of a stream: the answers side by side, a token of each in turn."""
    extra: Json = {} if counted is None else {"usage": None}
    for place in range(max(len(tokens) for tokens, _ in answers)):
        for index, (tokens, _) in enumerate(answers):
            if place < len(tokens):
                yield event_block(head | {"choices": [_choice(index, tokens[place], None)]} | extra), 1
    for index, (_, was_cut) in enumerate(answers):
        yield event_block(head | {"choices": [_choice(index, "", "length" if was_cut else "stop")]} | extra), 0
    if counted is not None:
        yield event_block(head | {"choices": list[Json](), "usage": counted}), 0
    yield DONE, 0
