"""`AsyncContextBudget`: how much one request may send, and what is left out where it is more; arithmetic on plain items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Required, TypedDict, cast

from .._codec import encode
from .runner_items import CALLS, Item, call_id_of, is_made_by_model, output_of, plain

if TYPE_CHECKING:
    from ..types.responses.response_input_param import ResponseInputParam
else:
    ResponseInputParam = list[Mapping[str, object]]

__all__ = (
    "AsyncContextBudget",
    "ContextBudget",
    "ContextBudgetDecision",
    "ContextBudgetSnapshot",
    "check_budget",
    "compacted",
    "droppable",
    "exceeds",
    "images_in",
    "size_of",
    "snapshot_of",
)

_LIMITS: Final = {"max_input_bytes": 1, "max_input_images": 0, "keep_recent_screenshots": 1}
"""The budget's numbers, each with the least it may be."""

_DROPPABLE: Final = frozenset({"function_call", "computer_call"})


class ContextBudgetSnapshot(TypedDict):
    """What would be sent, for `compact` to decide on; a copy.

    Attributes:
        history: The items.
        eligible_call_ids: Calls that may be left out together with their outputs.
        input_bytes: What the items take as JSON, in bytes.
        input_images: How many images are in them.
    """

    history: ResponseInputParam
    eligible_call_ids: list[str]
    input_bytes: int
    input_images: int


class ContextBudgetDecision(TypedDict, total=False):
    """What to leave out.

    Attributes:
        drop_call_ids: Calls to leave out with their outputs, of the eligible ones.
        summary: What the model is told in their place, beside their ids.
    """

    drop_call_ids: Required[list[str]]
    summary: str


class AsyncContextBudget(TypedDict, total=False):
    """How much one request may send; a ledger keeps everything all the same.

    Attributes:
        max_input_bytes: Most bytes of the input as JSON.
        max_input_images: Most images in it.
        keep_recent_screenshots: How many of the last computer calls are not eligible for being left out; 1 by default.
        compact: Decides what is left out of a request that is too large; async, or plain and called in a worker thread.
            Without it such a request ends the run.
    """

    max_input_bytes: Required[int]
    max_input_images: Required[int]
    keep_recent_screenshots: int
    compact: (
        Callable[[ContextBudgetSnapshot], Awaitable[ContextBudgetDecision]]
        | Callable[[ContextBudgetSnapshot], ContextBudgetDecision]
    )


ContextBudget = AsyncContextBudget


def check_budget(budget: Mapping[str, Any]) -> None:
    """Refuse a budget that says nothing clear.

    Raises:
        ValueError: What is wrong.
    """
    unknown = sorted(budget.keys() - {*_LIMITS, "compact"})
    if unknown:
        raise ValueError(f"context_budget has unknown members: {', '.join(unknown)}")
    for name, least in _LIMITS.items():
        if name not in budget and name == "keep_recent_screenshots":
            continue
        number: object = budget.get(name)
        # A bool is an int to isinstance.
        if type(number) is not int or number < least:
            raise ValueError(f"context_budget needs {name}, a whole number from {least} up, not {number!r}")
    if "compact" in budget and not callable(budget["compact"]):
        raise ValueError("compact of the context_budget is a function")


def size_of(history: Sequence[Item]) -> int:
    """Return how many bytes items take in a request, as JSON."""
    return len(encode(list(history)))


def images_in(history: Sequence[Item]) -> int:
    """Return how many images are sent with items: in messages, in outputs, and as screenshots."""
    found = 0
    for item in history:
        for holder in (item.get("content"), item.get("output")):
            parts: list[object] = [holder]
            if isinstance(holder, list):
                parts = cast("list[object]", holder)
            found += sum(
                isinstance(part, dict) and cast("Item", part).get("type") in ("input_image", "computer_screenshot")
                for part in parts
            )
        # The picture itself goes back with the call that made it.
        found += item.get("type") == "image_generation_call" and bool(item.get("result"))
    return found


def exceeds(budget: Mapping[str, Any], history: Sequence[Item]) -> str | None:
    """Say what of a budget items exceed, with the numbers; None for nothing."""
    size, images = size_of(history), images_in(history)
    if size > budget["max_input_bytes"]:
        return f"{size} bytes of input where the context_budget allows {budget['max_input_bytes']}"
    if images > budget["max_input_images"]:
        return f"{images} images where the context_budget allows {budget['max_input_images']}"
    return None


def droppable(history: Sequence[Item], keep_screenshots: int = 1) -> list[str]:
    """Return the calls that may be left out, in order: those with an output, but not the last computer calls."""
    answered = {found for item in history if (found := output_of(item)) is not None}
    made = [item for item in history if item.get("type") in _DROPPABLE and call_id_of(item) in answered]
    shots = [call_id_of(item) for item in made if item.get("type") == "computer_call"]
    kept = set(shots[-keep_screenshots:])
    return [str(call_id) for item in made if (call_id := call_id_of(item)) not in kept]


def snapshot_of(budget: Mapping[str, Any], history: Sequence[Item]) -> ContextBudgetSnapshot:
    """Return what `compact` is shown."""
    return ContextBudgetSnapshot(
        history=cast("ResponseInputParam", plain(list(history))),
        eligible_call_ids=droppable(history, budget.get("keep_recent_screenshots", 1)),
        input_bytes=size_of(history),
        input_images=images_in(history),
    )


def compacted(history: Sequence[Item], eligible: Sequence[str], decision: object) -> list[Item]:
    """Return the items without the calls that a decision leaves out, and with a message that says so.

    Reasoning that led to nothing but calls left out goes with them, since the API takes none without what follows it.

    Raises:
        ValueError: The decision is none, or leaves out what may not be left out.
    """
    dropped, summary = _read(decision, eligible)
    if not dropped:
        return list(history)
    gone = [call_id_of(item) in dropped or output_of(item) in dropped for item in history]
    # A turn's items stand together, and reasoning is followed by what it led to.
    led = kept = False
    for place in range(len(history) - 1, -1, -1):
        if not is_made_by_model(history[place]):
            led = kept = False
        elif history[place].get("type") != "reasoning":
            led, kept = True, kept or not gone[place]
        else:
            gone[place] = led and not kept
    first = gone.index(True)
    names = [
        {name: item[name] for name in ("call_id", "type", "name") if name in item}
        for item in history
        if item.get("type") in CALLS and call_id_of(item) in dropped
    ]
    text = f"Left out to keep this short: {encode(names).decode()}. These calls ended, and were answered at the time."
    if summary:
        text = f"{text} What they came to: {summary}"
    note: Item = {"role": "user", "content": text}
    rest = [item for item, left_out in zip(history[first:], gone[first:], strict=True) if not left_out]
    return [*history[:first], note, *rest]


def _read(decision: object, eligible: Sequence[str]) -> tuple[set[str], str]:
    """Read what `compact` decided.

    Raises:
        ValueError: It is no decision.
    """
    members: Mapping[str, object] = cast("Mapping[str, object]", decision) if isinstance(decision, Mapping) else {}
    dropped, summary = members.get("drop_call_ids"), members.get("summary", "")
    if not isinstance(dropped, list) or not isinstance(summary, str) or members.keys() - {"drop_call_ids", "summary"}:
        raise ValueError("compact() gave no decision; give {'drop_call_ids': [...]} with a 'summary' if there is one")
    ids = cast("list[str]", dropped)
    wrong = [one for one in ids if one not in eligible]
    if wrong or len(set(ids)) < len(ids):
        raise ValueError(f"compact() leaves out what is not eligible, or twice: {wrong or ids}")
    return set(ids), summary
