"""Answers of servers that keep to nothing: a run ends, or raises an error of ours; it never calls what it was not told to."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import OpenAIError
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

VALUES: list[Any] = [None, "", 0, -1, True, [], {}, "x", [None], {"type": "y"}, [{}], 3.5, "function", "custom"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every member and item of a value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def spoiled(seed: int, wholes: list[Any]) -> Any:
    """An answer with some members replaced or left out; a seed says which, as drawing each takes long."""
    choose = random.Random(seed)
    value = copy.deepcopy(choose.choice(wholes))
    for _ in range(choose.randint(0, 4)):
        known = places(value)
        if not known:
            break
        *path, last = choose.choice(known)
        holder = value
        for key in path:
            holder = holder[key]
        if choose.random() < 0.5:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(choose.choice(VALUES))
    return value


CHAT = [completion(None, call("note", {"text": "a"}, "a"), call("note", "{", "b")), completion("Done.")]
RESPONSES = [
    response(call_item("note", {"text": "a"}, "a"), call_item("nope", id="b")),
    response(message_item("Done.")),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@settings(max_examples=30)
@given(seed=st.integers(0, 1 << 32))
async def test_a_chat_run_survives_any_answer(stream: bool, seed: int) -> None:
    noted: list[str] = []

    async def note(text: str) -> None:
        noted.append(text)

    if stream:
        cut = spoiled(seed, [chunks(whole) for whole in CHAT])
        answer = Answer(events=[*(json.dumps(one) for one in cut), "[DONE]"])
    else:
        answer = Answer(json=spoiled(seed, CHAT))
    client, _ = client_of(answer, Answer(json=CHAT[1]), Answer(events=[*chunks(CHAT[1]), "[DONE]"]))
    await _run(client.chat.completions.run_tools(**ASK, tools=[note], stream=stream, max_turns=2))
    assert set(noted) <= {"a", "x", "function", "custom", "y", ""}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@settings(max_examples=30)
@given(seed=st.integers(0, 1 << 32))
async def test_a_response_run_survives_any_answer(stream: bool, seed: int) -> None:
    noted: list[str] = []

    async def note(text: str) -> None:
        noted.append(text)

    if stream:
        cut = spoiled(seed, [response_events(whole) for whole in RESPONSES])
        answer = Answer(events=[json.dumps(one) for one in cut])
    else:
        answer = Answer(json=spoiled(seed, RESPONSES))
    client, _ = client_of(answer, Answer(json=RESPONSES[1]), Answer(events=response_events(RESPONSES[1])))
    await _run(client.responses.run_tools(**REQUEST, tools=[note], stream=stream, max_turns=2))
    assert set(noted) <= {"a", "x", "function", "custom", "y", ""}


async def _run(manager: Any) -> None:
    events: list[Any] = []
    try:
        async with manager as run:
            async for event in run:
                events.append(getattr(event, "type", None))
    except OpenAIError:
        assert "run_error" in events
    assert events[-1] == "end"
