"""Events of one read are decoded many at a time: nobody can tell, whatever is among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import OpenAIError
from anyopenai.testing import Answer
from engine.support import PROMPT, chunk, client_over

SSE = {"content-type": "text/event-stream"}


def frame(item: object, name: str = "") -> bytes:
    data = item if isinstance(item, bytes) else msgspec.json.encode(item)
    return (f"event: {name}\n".encode() if name else b"") + b"data: %b\n\n" % data


def delta(number: int) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0,
            "delta": f"<{number}>", "logprobs": [], "sequence_number": number}  # fmt: skip


RESPONSE = {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [],
            "error": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip

ODD_CHUNKS = [
    frame(b"[DONE]"),
    frame({"error": {"message": "boom", "code": "server_error"}}),
    frame({**chunk("late"), "error": {"message": "boom"}}),
    frame({**chunk("no error"), "error": None}),
    frame(b"boom", "error"),
    frame({"message": "boom"}, "error"),
    frame(b'{"half'),
    frame({"choices": []}),
    frame({**chunk("x"), "choices": None}),
    frame({**chunk("x"), "id": 7}),
    frame(chunk('a text with "error" in it')),
    frame(chunk(finish="stop")),
    frame([1]),
    b": a comment\n\n",
    b"data: \n\n",
]
ODD_EVENTS = [
    frame({"type": "response.completed", "sequence_number": 9, "response": RESPONSE}, "response.completed"),
    frame({"type": "response.created", "sequence_number": 9, "response": RESPONSE}),
    frame({"type": "error", "message": "boom", "code": None, "param": None, "sequence_number": 9}, "error"),
    frame({"error": {"message": "boom"}}),
    frame({"type": "response.unheard_of", "sequence_number": 9}),
    frame({"type": "response.output_text.delta", "delta": None}),
    frame(b"[DONE]"),
]


async def outcome(kind: str, pieces: Sequence[bytes]) -> tuple[list[object], object]:
    """Read a stream to its end: its events, and what it ended with."""
    client, transport = client_over(Answer(pieces=pieces, headers=SSE), max_retries=0)
    stream: Any
    if kind == "chat":
        stream = await client.chat.completions.create(**PROMPT, stream=True)
    else:
        stream = await client.responses.create(model="m", input="x", stream=True)
    events: list[object] = []
    try:
        async for event in stream:
            events.append(event)
    except OpenAIError as error:
        facts = [getattr(error, name, None) for name in ("partial", "events_received", "body")]
        end: object = (type(error), str(error), *facts)
    else:
        end = None
    assert transport.open_responses == 0
    return events, end


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["chat", "responses"]))
def test_how_many_events_one_read_brings_makes_no_difference(data: st.DataObject, kind: str) -> None:
    if kind == "chat":
        usual, odd = [frame(chunk(f"<{number}>")) for number in range(40)], ODD_CHUNKS
    else:
        usual, odd = [frame(delta(number), "response.output_text.delta") for number in range(40)], ODD_EVENTS
    frames = usual[: data.draw(st.integers(0, 40))]
    for _ in range(data.draw(st.integers(0, 3))):
        frames.insert(data.draw(st.integers(0, len(frames))), data.draw(st.sampled_from(odd)))
    wire = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=3)))
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True) if start < end]

    async def compare() -> None:
        assert await outcome(kind, pieces) == await outcome(kind, frames)

    anyio.run(compare)


async def test_an_error_that_is_cut_in_two_behind_many_events_is_raised() -> None:
    wire = b"".join(frame(chunk(f"<{number}>")) for number in range(20)) + frame(
        {**chunk("late"), "error": {"message": "boom"}}
    )
    cut = wire.index(b"error") + 2
    events, end = await outcome("chat", [wire[:cut], wire[cut:], frame(b"[DONE]")])
    assert len(events) == 20
    assert isinstance(end, tuple)
    assert "boom" in end[1]


async def test_a_stream_that_is_left_counts_the_events_that_were_given_out() -> None:
    told: list[tuple[str, Any]] = []
    wire = b"".join(frame(chunk(f"<{number}>")) for number in range(40))
    client, _ = client_over(
        Answer(pieces=[wire], headers=SSE), trace=lambda name, facts: told.append((name, dict(facts)))
    )
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        for _ in range(3):
            await anext(stream)
        assert "3 events" in repr(stream)
    assert [facts["events"] for name, facts in told if name == "stream.end"] == [3]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_leaving_between_the_last_events_of_a_read_gives_out_no_more() -> None:
    wire = b"".join([*map(frame, map(chunk, "abc")), frame(chunk(finish="stop")), frame(b"[DONE]")])
    client, transport = client_over(Answer(pieces=[wire], headers=SSE))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    await stream.close()
    assert [event async for event in stream] == []
    assert transport.open_responses == 0
