"""Streams of runs, cut anywhere: a tool is called if its turn has arrived whole, and else the run raises with what came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import StreamTruncated
from anyopenai.testing import Answer
from tools.turns import (
    ASK,
    REQUEST,
    call,
    call_item,
    chunks,
    client_of,
    completion,
    message_item,
    response,
    response_events,
)


def wire(events: list[dict[str, Any]], *, done: bool) -> bytes:
    """Write events as the API frames them."""
    data = [json.dumps(event) for event in events] + (["[DONE]"] if done else [])
    return "".join(f"data: {one}\n\n" for one in data).encode()


CHAT = wire(chunks(completion(None, call("note", {"n": 1}, "a"), call("note", {"n": 2}, "b"))), done=True)
CHAT_END = wire(chunks(completion("Done.")), done=True)
RESPONSE = wire(
    response_events(response(call_item("note", {"n": 1}, "a"), call_item("note", {"n": 2}, "b"))), done=False
)
RESPONSE_END = wire(response_events(response(message_item("Done."))), done=False)
EVENTS = {"content-type": "text/event-stream"}


@pytest.mark.parametrize("api", ["chat", "responses"])
@settings(max_examples=40)
@given(share=st.floats(0, 1))
async def test_a_turn_that_was_cut_calls_nothing(api: str, share: float) -> None:
    noted: list[int] = []

    async def note(n: int) -> None:
        noted.append(n)

    first, last = (CHAT, CHAT_END) if api == "chat" else (RESPONSE, RESPONSE_END)
    # The end marker of a chat is its usage or [DONE], that of a response its last event.
    whole = first.index(b'"choices": [], "usage"') if api == "chat" else first.index(b'"type": "response.completed"')
    # An event ends with the blank line behind it.
    whole = first.index(b"\n\n", whole) + 2
    cut = round(share * len(first))
    client, sent = client_of(Answer(content=first[:cut], headers=EVENTS), Answer(content=last, headers=EVENTS))
    manager: Any = (
        client.chat.completions.run_tools(**ASK, tools=[note], stream=True)
        if api == "chat"
        else client.responses.run_tools(**REQUEST, tools=[note], stream=True)
    )
    try:
        await manager
    except StreamTruncated as error:
        arrived = error.partial
        # Also behind the end marker, in the middle of [DONE].
        assert (noted, len(sent.requests), cut < len(first)) == ([], 1, True)
        assert (arrived is None) is (b"\n\n" not in first[:cut])
    else:
        assert cut >= whole
        assert (noted, len(sent.requests)) == ([1, 2], 2)
