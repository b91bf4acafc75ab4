"""Each line of the table in docs/migration.md that maps openai-node's runner to ours, run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from anyopenai import ToolLoopAborted
from anyopenai.testing import Answer
from anyopenai.tools import ChatToolRun
from tools.turns import ASK, call, chat_answer, chunks, client_of, completion

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
ROWS = re.findall(r"^\| (`.+`.*) \| (`.+`.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)

# What openai-node 6.49.0 emitted in a run of one call, recorded; each turn's events without regard to their order, as results
# come before the messages that are made of them here.
NODE = [
    ["connect", "chatCompletion", "message", "functionToolCall", "message", "functionToolCallResult"],
    ["connect", "chatCompletion", "message", "content"],
    ["finalChatCompletion", "finalMessage", "finalContent", "finalFunctionToolCall", "finalFunctionToolCallResult"],
    ["totalUsage", "end"],
]

METHODS = re.findall(r"`(\w+)`", re.search(r"Python's spelling: (.+?)\. They", PAGE.read_text(), re.DOTALL)[1])  # type: ignore[index]  # the page has the sentence


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell.partition(";")[0])


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


async def get(a: int) -> dict[str, int]:
    await checkpoint()
    return {"v": a}


async def fails() -> None:
    raise KeyError("x")


async def seen(*wholes: Any, stream: bool = False, stop: bool = False) -> list[Any]:
    """Run and return the events, however it ends."""
    answers = [whole if not isinstance(whole, dict) else chat_answer(whole, stream=stream) for whole in wholes]
    client, _ = client_of(*answers)
    events: list[Any] = []
    raised: Exception | None
    try:
        async with client.chat.completions.run_tools(**ASK, tools=[get, fails], stream=stream) as run:
            async for event in run:
                events.append(event)
                if stop:
                    run.abort()
                    stop = False
    except (KeyError, ToolLoopAborted) as error:
        raised = error
    else:
        raised = None
    assert getattr(events[-2], "error", None) is raised
    return events


CALL = completion(None, call("get", {"a": 1}))


def with_logprobs(kind: str) -> Any:
    """Stream an answer with log probabilities of its content or refusal."""
    token = {"token": "H", "logprob": -0.1, "bytes": [72], "top_logprobs": []}
    whole = completion("Hey")
    events = chunks(whole)
    for event in events:
        for choice in event["choices"]:
            if choice["delta"].get("content"):
                choice["logprobs"] = {"content": None, "refusal": None, kind: [token]}
                if kind == "refusal":
                    choice["delta"] = {"refusal": choice["delta"]["content"]}
    return Answer(events=[*events, "[DONE]"])


def scenario(name: str) -> dict[str, Any]:
    """Say which run gives an event of the runner."""
    if name == "error":
        return {"wholes": (completion(None, call("fails")),)}
    if name == "abort":
        return {"wholes": (CALL,), "stop": True}
    if name.startswith(("logprobs.content", "logprobs.refusal", "refusal")):
        return {"wholes": (with_logprobs("refusal" if "refusal" in name else "content"),), "stream": True}
    streamed = name == "chunk" or "." in name
    return {"wholes": (CALL, completion("Hey")), "stream": streamed}


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=[row[0] for row in ROWS])
async def test_an_event_of_the_runner_is_an_event_here(theirs: str, ours: str) -> None:
    for position, name in enumerate(names(theirs)):
        how = scenario(name)
        found = [event.type for event in await seen(*how.pop("wholes"), **how)]
        meant = names(ours)
        if name == "content":
            assert "content.done" in found
            assert "content.delta" in [event.type for event in await seen(CALL, completion("Hey"), stream=True)]
        else:
            assert meant[position] in found
        assert found[-1] == "end"


def test_the_table_has_every_event_of_the_runner() -> None:
    listed = {name for theirs, _ in ROWS for name in names(theirs)}
    assert {event for turn in NODE for event in turn} | {"chunk", "error", "abort"} <= listed
    for theirs, ours in ROWS:
        for one, other in zip(names(theirs), names(ours), strict=False):
            assert snake(one) == other or one in {"content", "error"}


async def test_a_run_tells_what_openai_nodes_runner_emitted() -> None:
    events = await seen(CALL, completion("done"))
    table = {name: names(ours) for theirs, ours in ROWS for name in names(theirs)}
    expected = [["content.done" if name == "content" else table[name][0] for name in turn] for turn in NODE]
    told = [event.type for event in events]
    begin = 0
    for turn in expected:
        part = told[begin : begin + len(turn)]
        begin += len(turn)
        assert sorted(part) == sorted(turn)
    assert begin == len(told)
    by_type = {event.type: event for event in events}
    assert by_type["final_content"].content == "done"
    assert by_type["final_function_tool_call"].call.arguments == '{"a": 1}'
    assert by_type["final_function_tool_call_result"].content == '{"v":1}'
    assert by_type["total_usage"].usage.total_tokens == 6


def test_its_methods_are_there_under_pythons_names() -> None:
    assert "messages" in METHODS
    for name in METHODS:
        # `messages` is an attribute of the instance.
        assert hasattr(ChatToolRun, snake(name)) or name == "messages"
