"""A turn in the shapes of the Responses API: output items, and the events that build them; no request is read here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from .exchange import Json, Step, named_block
from .state import new_id
from .tools import Call
from .turns import Turn

__all__ = ("events_of", "items_of", "part", "unfinished")

_Event = tuple[str, Json, int]


def items_of(turn: Turn) -> list[Json]:
    """Return the output items of a turn: its calls, or one message."""
    if not turn.calls:
        status = "incomplete" if turn.was_cut else "completed"
        content = [part(turn.text)]
        return [{"id": new_id("msg_"), "type": "message", "status": status, "role": "assistant", "content": content}]
    last = len(turn.calls) - 1
    return [
        {
            "id": new_id("fc_"),
            "type": "function_call",
            "status": "incomplete" if turn.was_cut and place == last else "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for place, call in enumerate(turn.calls)
    ]


def part(words: str) -> Json:
    """Return a text as a part of an assistant's message."""
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": []}


def unfinished(final: Json, status: str) -> Json:
    """Return a response as it is before its answer is there."""
    return final | {
        "status": status,
        "completed_at": None,
        "incomplete_details": None,
        "output": list[Json](),
        "usage": None,
    }


def events_of(final: Json, turn: Turn, after: int) -> Iterator[Step]:
    """Give the events of a response with a sequence number above `after`, numbered as they were at first.

    Args:
        final: The whole response.
        turn: What it says.
        after: The last sequence number that is known; -1 for none.
    """
    begun = unfinished(final, "in_progress")
    events: list[_Event] = [
        ("response.created", {"response": begun}, 0),
        ("response.in_progress", {"response": begun}, 0),
    ]
    for place, item in enumerate(cast("list[Json]", final["output"])):
        empty = {"arguments": ""} if turn.calls else {"content": list[Json]()}
        added = item | {"status": "in_progress"} | empty
        events.append(("response.output_item.added", {"output_index": place, "item": added}, 0))
        where: Json = {"item_id": item["id"], "output_index": place}
        events += _call_events(turn.calls[place], where) if turn.calls else _text_events(turn, where)
        events.append(("response.output_item.done", {"output_index": place, "item": item}, 0))
    events.append((f"response.{final['status']}", {"response": final}, 0))
    for sequence_number, (name, members, count) in enumerate(events):
        if sequence_number > after:
            yield named_block(name, {"type": name, "sequence_number": sequence_number} | members), count


def _text_events(turn: Turn, where: Json) -> list[_Event]:
    place = where | {"content_index": 0}
    return [
        ("response.content_part.added", place | {"part": part("")}, 0),
        *(("response.output_text.delta", place | {"delta": token, "logprobs": []}, 1) for token in turn.tokens),
        ("response.output_text.done", place | {"text": turn.text, "logprobs": []}, 0),
        ("response.content_part.done", place | {"part": part(turn.text)}, 0),
    ]


def _call_events(call: Call, where: Json) -> list[_Event]:
    name = "response.function_call_arguments"
    return [
        *((f"{name}.delta", where | {"delta": token}, 1) for token in call.tokens),
        (f"{name}.done", where | {"name": call.name, "arguments": call.arguments}, 0),
    ]
