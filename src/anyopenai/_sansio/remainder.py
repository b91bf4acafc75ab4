"""What is left to tell of a response when its events are gone and the response itself is there; plain data, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias, cast

__all__ = ("Delivered", "remaining_events")

Json: TypeAlias = dict[str, object]


class _Text(NamedTuple):
    """A text that grows by events.

    Attributes:
        event: The events' name, without `.delta` and `.done`.
        member: What the text is called where it stands, and in the event that says it whole.
    """

    event: str
    member: str


# By the type of the part, and of the item, that the text belongs to.
_IN_PARTS: Final = {
    "output_text": _Text("response.output_text", "text"),
    "refusal": _Text("response.refusal", "refusal"),
    "reasoning_text": _Text("response.reasoning_text", "text"),
    "summary_text": _Text("response.reasoning_summary_text", "text"),
}
_IN_ITEMS: Final = {
    "function_call": _Text("response.function_call_arguments", "arguments"),
    "mcp_call": _Text("response.mcp_call_arguments", "arguments"),
    "custom_tool_call": _Text("response.custom_tool_call_input", "input"),
    "code_interpreter_call": _Text("response.code_interpreter_call_code", "code"),
}

_SUMMARY_PART: Final = "response.reasoning_summary_part"
_CONTENT_PART: Final = "response.content_part"
_ITEM: Final = "response.output_item"

# An item's lists of parts: their name, how events count them, and what their events are called.
_PARTS: Final = (("summary", "summary_index", _SUMMARY_PART), ("content", "content_index", _CONTENT_PART))

_SUMMARIES: Final = frozenset({_SUMMARY_PART, "response.reasoning_summary_text"})
_DELTAS: Final = {f"{text.event}.delta": text.event for text in (*_IN_PARTS.values(), *_IN_ITEMS.values())}
_STEPS: Final = {
    f"{name}.{step}": (name, step)
    for name in (*_DELTAS.values(), _ITEM, _CONTENT_PART, _SUMMARY_PART)
    for step in ("added", "done")
}

_Key: TypeAlias = tuple[str, int, int]


class Delivered:
    """How far the texts, parts and items of a response have been told; kept in numbers, not in texts."""

    __slots__ = ("lengths", "steps")

    def __init__(self) -> None:
        self.lengths: dict[_Key, int] = {}
        self.steps: dict[_Key, str] = {}

    def note(self, kind: str, output_index: int, content_index: int, summary_index: int, delta: str) -> None:
        """Take notice of one event.

        Args:
            kind: Its type.
            output_index: Which item it belongs to.
            content_index: Which part of the item's content.
            summary_index: Which part of the item's summary.
            delta: The piece of text that it adds.
        """
        name = _DELTAS.get(kind)
        if name is not None:
            key = (name, output_index, summary_index if name in _SUMMARIES else content_index)
            self.lengths[key] = self.lengths.get(key, 0) + len(delta)
            return
        found = _STEPS.get(kind)
        if found is not None:
            name, step = found
            part = 0 if name == _ITEM else summary_index if name in _SUMMARIES else content_index
            self.steps[name, output_index, part] = step


def remaining_events(response: Json, delivered: Delivered, last: int | None) -> list[Json]:
    """Return the events that complete a stream of which some were delivered, the terminal one last.

    Texts go on where they stopped, in one piece each; parts and items that were not complete are completed. What tools
    said of their progress meanwhile is not made up. The numbers go on by one.

    Args:
        response: The response as it has become, decoded from JSON.
        delivered: What has been told already.
        last: The number of the last event; None if there was none.
    """
    events: list[Json] = []
    number = -1 if last is None else last
    for index, item in enumerate(_objects(response.get("output"))):
        for kind, members in _item_events(item, index, delivered):
            number += 1
            events.append({"type": kind, "sequence_number": number, "output_index": index, **members})
    events.append({"type": f"response.{response.get('status')}", "sequence_number": number + 1, "response": response})
    return events


def _item_events(item: Json, index: int, delivered: Delivered) -> Iterator[tuple[str, Json]]:
    """Give what is left to tell of one item."""
    step = delivered.steps.get((_ITEM, index, 0))
    if step == "done":
        return
    here: Json = {"item_id": item.get("id")}
    own = _IN_ITEMS.get(str(item.get("type")))
    if step is None:
        yield f"{_ITEM}.added", {"item": _begun(item, own)}
    if own is not None:
        yield from _text_events(item, own, index, 0, here, delivered)
    for name, counter, event in _PARTS:
        for place, part in enumerate(_objects(item.get(name))):
            step = delivered.steps.get((event, index, place))
            if step == "done":
                continue
            there: Json = {**here, counter: place}
            text = _IN_PARTS.get(str(part.get("type")))
            if step is None:
                yield f"{event}.added", {**there, "part": _begun(part, text)}
            if text is not None:
                yield from _text_events(part, text, index, place, there, delivered)
            yield f"{event}.done", {**there, "part": part}
    yield f"{_ITEM}.done", {"item": item}


def _text_events(
    holder: Json, text: _Text, index: int, place: int, where: Json, delivered: Delivered
) -> Iterator[tuple[str, Json]]:
    """Give the rest of a text, and the whole of it."""
    whole = holder.get(text.member)
    if not isinstance(whole, str) or delivered.steps.get((text.event, index, place)) == "done":
        return
    more: Json = {"logprobs": []} if text.event == "response.output_text" else {}
    rest = whole[delivered.lengths.get((text.event, index, place), 0) :]
    if rest:
        yield f"{text.event}.delta", {**where, "delta": rest, **more}
    if text.event == "response.function_call_arguments":
        more["name"] = holder.get("name")
    yield f"{text.event}.done", {**where, text.member: whole, **more}


def _begun(holder: Json, text: _Text | None) -> Json:
    """Return an item or a part as it was when it began: empty."""
    begun = dict(holder)
    if "status" in begun:
        begun["status"] = "in_progress"
    for name in ("content", "summary", "annotations", "logprobs"):
        if isinstance(begun.get(name), list):
            begun[name] = []
    if text is not None:
        begun[text.member] = ""
    return begun


def _objects(value: object) -> list[Json]:
    """Return the items of a list; none of anything else. What is no object has nothing to tell, and keeps its place."""
    if not isinstance(value, list):
        return []
    return [cast("Json", item) if isinstance(item, dict) else {} for item in cast("list[object]", value)]
