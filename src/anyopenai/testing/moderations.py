"""`POST /moderations`: a short word list stands in for the classifier; its verdicts are for tests only."""

from __future__ import annotations

import re
from typing import cast

from .checks import required, text
from .exchange import Json, JsonReply, Request, Route, invalid
from .models import Models
from .state import Shared, new_id
from .words import count_tokens

__all__ = ("Moderations",)

# The API's categories with the words that raise them here. Long enough to show a flagged and an unflagged text, and
# no more: whoever needs a verdict needs the model.
_WORDS: dict[str, tuple[str, ...]] = {
    "harassment": ("idiot", "loser"),
    "harassment/threatening": (),
    "hate": ("subhuman",),
    "hate/threatening": (),
    "illicit": ("counterfeit", "shoplift"),
    "illicit/violent": ("bomb",),
    "self-harm": ("suicide",),
    "self-harm/instructions": (),
    "self-harm/intent": (),
    "sexual": ("porn",),
    "sexual/minors": (),
    "violence": ("attack", "bomb", "kill", "murder"),
    "violence/graphic": ("gore",),
}
_TAKES_IMAGES = {
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "violence",
    "violence/graphic",
}
_WORD = re.compile(r"[a-z]+")

# Scores that no classifier gives: certain, or nothing found.
_FOUND, _NOT_FOUND = 1.0, 0.0


class Moderations:
    """Answers moderation requests."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [("POST", "/moderations", self.create)]

    async def create(self, request: Request) -> JsonReply:
        """Classify a text, several texts, or one input of text and image parts."""
        body = await request.json()
        model = text(body, "model", "stand-in-moderation") or ""
        self._models.check(model)
        inputs = _inputs(required(body, "input"))
        tokens = sum(count_tokens(words) for words, _ in inputs)
        request.reply_headers.update(self._shared.limits.take(tokens))
        results = [_result(words, has_image) for words, has_image in inputs]
        return JsonReply({"id": new_id("modr-"), "model": model, "results": results})


def _inputs(value: object) -> list[tuple[str, bool]]:
    """Return each input's words, and whether an image came with them."""
    if isinstance(value, str):
        return [(value, False)]
    if not isinstance(value, list) or not value:
        raise invalid("input", "'input' must be a string, or a list with at least one item.", "invalid_type")
    items = cast("list[object]", value)
    if all(isinstance(item, str) for item in items):
        return [(cast("str", item), False) for item in items]
    words: list[str] = []
    has_image = False
    for place, item in enumerate(items):
        part = cast("Json", item) if isinstance(item, dict) else {}
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            words.append(cast("str", part["text"]))
        elif part.get("type") == "image_url":
            has_image = True
        else:
            raise invalid(
                f"input[{place}]", f"'input[{place}]' must be a text part or an image_url part.", "invalid_type"
            )
    # Parts are one input together.
    return [("\n".join(words), has_image)]


def _result(words: str, has_image: bool) -> Json:
    present = set(_WORD.findall(words.lower()))
    found = {name: not present.isdisjoint(listed) for name, listed in _WORDS.items()}
    applied = ["text"] if words or not has_image else []
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {name: _FOUND if hit else _NOT_FOUND for name, hit in found.items()},
        "category_applied_input_types": {
            name: [*applied, *(["image"] if has_image and name in _TAKES_IMAGES else [])] for name in _WORDS
        },
    }
