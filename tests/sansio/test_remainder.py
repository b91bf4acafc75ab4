"""What is left to tell of a response: with what was told it is what the server would have told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._sansio.remainder import Delivered, remaining_events
from engine.background import EVENTS, OUTPUT, response


def delivered(events: list[dict[str, Any]]) -> Delivered:
    found = Delivered()
    for event in events:
        places = [event.get(name, 0) for name in ("output_index", "content_index", "summary_index")]
        found.note(event["type"], *places, event.get("delta", ""))
    return found


def in_one_piece(events: list[dict[str, Any]], last: int) -> list[dict[str, Any]]:
    """The server's events with each text's pieces as one, numbered anew; what begins the response is not told again."""
    found: list[dict[str, Any]] = []
    for event in events:
        if event["type"] in ("response.created", "response.in_progress"):
            continue
        if found and event["type"].endswith(".delta") and found[-1]["type"] == event["type"]:
            found[-1] = {**found[-1], "delta": found[-1]["delta"] + event["delta"]}
        else:
            found.append(event)
    return [{**event, "sequence_number": number} for number, event in enumerate(found, last + 1)]


@pytest.mark.parametrize("count", range(len(EVENTS)))
def test_behind_any_event_the_rest_is_what_the_server_would_have_told(count: int) -> None:
    last = count - 1 if count else None
    rest = remaining_events(response(), delivered(EVENTS[:count]), last)
    assert rest == in_one_piece(EVENTS[count:], count - 1)


# What each kind of item tells by, beside those of the recorded response.
KINDS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "mcp_call", "arguments": "abc"}, "response.mcp_call_arguments", "arguments"),
    ({"type": "custom_tool_call", "input": "abc"}, "response.custom_tool_call_input", "input"),
    ({"type": "code_interpreter_call", "code": "abc"}, "response.code_interpreter_call_code", "code"),
    ({"type": "message", "content": [{"type": "refusal", "refusal": "abc"}]}, "response.refusal", "refusal"),
    ({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "abc"}]}, "response.reasoning_text", "text"),
]


@pytest.mark.parametrize(("item", "name", "member"), KINDS, ids=[kind[1] for kind in KINDS])
@pytest.mark.parametrize("told", ["", "a", "abc"])
def test_every_text_goes_on_where_it_stopped(item: dict[str, Any], name: str, member: str, told: str) -> None:
    item = {"id": "i", **item}
    before = Delivered()
    before.note(f"{name}.delta", 0, 0, 0, told)
    rest = remaining_events(response(output=[item]), before, 0)
    assert "".join(event["delta"] for event in rest if event["type"] == f"{name}.delta") == "abc"[len(told) :]  # type: ignore[misc]  # a delta is text
    (done,) = [event for event in rest if event["type"] == f"{name}.done"]
    assert (done[member], done["item_id"]) == ("abc", "i")
    assert rest[0]["type"] == "response.output_item.added"
    assert "abc" not in str(rest[0])
    assert [event["type"] for event in rest[-2:]] == ["response.output_item.done", "response.completed"]
    before.note("response.output_item.done", 0, 0, 0, "")
    assert len(remaining_events(response(output=[item]), before, 0)) == 1


def test_items_of_other_kinds_begin_and_end() -> None:
    item = {"id": "ws", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    added, done, _ = remaining_events(response(output=[item]), Delivered(), None)
    assert (added["type"], added["sequence_number"], added["item"]) == (
        "response.output_item.added",
        0,
        {**item, "status": "in_progress"},
    )
    assert (done["type"], done["item"]) == ("response.output_item.done", item)


def test_a_response_is_not_changed() -> None:
    before = repr(OUTPUT)
    remaining_events(response(), Delivered(), None)
    assert repr(OUTPUT) == before


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "summary", "text", "status", "arguments"]), inner)
    ),
)


@given(output=JSON, status=JSON)
def test_whatever_a_server_calls_a_response_gives_events_and_an_end(output: object, status: object) -> None:
    events = remaining_events({"output": output, "status": status}, Delivered(), 7)
    assert [event["sequence_number"] for event in events] == list(range(8, 8 + len(events)))
    assert events[-1]["type"] == f"response.{status}"
