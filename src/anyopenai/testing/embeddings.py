"""`POST /embeddings`: real lexical vectors in the API's forms; how a vector is made lives in `vectors`."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import cast

import msgspec
from anyio.lowlevel import checkpoint

from .checks import integer, required, text
from .exchange import Json, RawReply, Refusal, Request, Route, invalid
from .models import Models
from .state import Shared
from .vectors import Embedder
from .words import count_tokens

__all__ = ("Embeddings",)

# The API's limits: https://platform.openai.com/docs/api-reference/embeddings/create
_MOST_INPUTS = 2048
_MOST_TOKENS = 8192
_MOST_TOKENS_TOGETHER = 300_000

# Work between two steps to the event loop, in tokens: half a millisecond, at the 500 tokens per millisecond measured
# over the standard library's docstrings. Making an item at all, and writing numbers as text, count as tokens too.
_TOKENS_PER_STEP = 250
_TOKENS_PER_ITEM = 30
_NUMBERS_PER_TOKEN = 16

_LARGEST_SIZE = 4096


class Embeddings:
    """Answers embedding requests, in small steps so that the event loop stays responsive."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models
        self._embedders: dict[int, Embedder] = {}

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [("POST", "/embeddings", self.create)]

    async def create(self, request: Request) -> RawReply:
        """Embed a text, texts, token ids, or lists of token ids."""
        body = await request.json()
        model = self._models.named(body)
        form = text(body, "encoding_format", "float")
        if form not in ("float", "base64"):
            raise invalid("encoding_format", f"'encoding_format' must be 'float' or 'base64', not {form!r}.")
        native = self._models.dimensions(model)
        size = integer(body, "dimensions", 1, native or _LARGEST_SIZE) or native or 1536
        items = _items(body)
        costs = [_checked_cost(item, place) for place, item in enumerate(items)]
        total = sum(costs)
        if total > _MOST_TOKENS_TOGETHER:
            raise invalid(
                "input",
                f"The inputs have {total} tokens together; at most {_MOST_TOKENS_TOGETHER} are taken in one request.",
                "max_tokens_per_request",
            )
        request.reply_headers.update(self._shared.limits.take(total))
        embedder = self._embedders.setdefault(size, Embedder(size))
        pieces = [b'{"object":"list","data":[']
        since_step = 0
        for place, (item, cost) in enumerate(zip(items, costs, strict=True)):
            vector = embedder.embed(item) if isinstance(item, str) else embedder.embed_tokens(item)
            pieces.append(_encoded(vector, place, form))
            since_step += cost + _TOKENS_PER_ITEM + (size // _NUMBERS_PER_TOKEN if form == "float" else 0)
            if since_step >= _TOKENS_PER_STEP:
                since_step = 0
                await checkpoint()
        usage = {"prompt_tokens": total, "total_tokens": total}
        pieces.append(b'],"model":%b,"usage":%b}' % (msgspec.json.encode(model), msgspec.json.encode(usage)))
        return RawReply(_grouped(pieces), "application/json")


def _items(body: Json) -> list[str | list[int]]:
    """Return the inputs as a list, whichever of its four forms the caller chose."""
    value = required(body, "input")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not value:
        raise invalid("input", "'input' must be a string, or a list with at least one item.", "invalid_type")
    items = cast("list[object]", value)
    if _all_integers(items):
        return [cast("list[int]", items)]
    if len(items) > _MOST_INPUTS:
        raise invalid("input", f"'input' has {len(items)} items; at most {_MOST_INPUTS} are taken.", "array_too_long")
    if all(isinstance(item, str) for item in items):
        return cast("list[str | list[int]]", items)
    if all(isinstance(item, list) and _all_integers(cast("list[object]", item)) for item in items):
        return cast("list[str | list[int]]", items)
    raise invalid(
        "input", "'input' must hold strings only, token ids only, or lists of token ids only.", "invalid_type"
    )


def _all_integers(items: Sequence[object]) -> bool:
    return all(type(item) is int for item in items)


def _checked_cost(item: str | list[int], place: int) -> int:
    """Return the tokens of one input.

    Raises:
        Refusal: It is empty or too long.
    """
    if not item:
        raise invalid(f"input[{place}]", f"'input[{place}]' is empty; leave it out or give it some text.")
    # White space alone has a vector, so it counts as something.
    cost = max(1, count_tokens(item)) if isinstance(item, str) else len(item)
    if cost > _MOST_TOKENS:
        raise Refusal(
            400,
            f"'input[{place}]' has {cost} tokens; the model takes at most {_MOST_TOKENS}. Split or shorten it.",
            code="context_length_exceeded",
            param=f"input[{place}]",
        )
    return cost


def _encoded(vector: array[float], place: int, form: str) -> bytes:
    """Return one item of `data`, with the comma that follows the one before."""
    if form == "float":
        numbers = msgspec.json.encode(vector.tolist())
    else:
        # Little-endian 32-bit floats, as every client decodes them; `array` has the machine's own order.
        numbers = b'"%b"' % b64encode(_little_endian(vector).tobytes())
    return b'%b{"object":"embedding","index":%d,"embedding":%b}' % (b"," if place else b"", place, numbers)


def _little_endian(vector: array[float]) -> array[float]:
    if array("H", [1]).tobytes() == b"\x00\x01":
        vector.byteswap()
    return vector


def _grouped(pieces: list[bytes], size: int = 65536) -> list[bytes]:
    """Join small pieces to ones of about 64 KiB: fewer writes, and never the whole body in one copy."""
    groups: list[bytes] = []
    group: list[bytes] = []
    length = 0
    for piece in pieces:
        group.append(piece)
        length += len(piece)
        if length >= size:
            groups.append(b"".join(group))
            group, length = [], 0
    groups.append(b"".join(group))
    return groups
