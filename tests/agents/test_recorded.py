"""What openai-python 3.51.0 made of scripted sessions, and what is made of them here: events, answers to calls, results.

The recording has, for each script, what was iterated and what the final result was, with handlers registered as below.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.speaking import Scene
from anyopenai import StreamTruncated
from anyopenai.agents import AgentToolError, AgentTurnResultError

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded_sessions.json").read_text("utf-8"))


def fail(_: object) -> None:
    raise ValueError("secret")


HANDLERS: dict[str, Any] = {
    "look": lambda _: "sunny",
    "fail": fail,
    "mapping": lambda _: {"a": [1, None]},
    "parts": lambda _: [{"type": "input_text", "text": "t"}],
    "nothing": lambda _: None,
}


def of_calls(scene: Scene, stages: list[str]) -> dict[str, Any]:
    return {"results": scene.results(), "stages": stages}


@pytest.mark.parametrize("name", RECORDED)
async def test_events_and_answers_are_those_of_openai_python(name: str) -> None:
    scene, stages, found = Scene(RECORDED[name]["wire"]), list[str](), dict[str, Any]()
    events = 0

    def observe(error: AgentToolError) -> None:
        stages.append(error.stage)

    async with scene.stream(tool_handlers=HANDLERS, on_tool_error=observe) as stream:
        try:
            async for _ in stream:
                events += 1
        except StreamTruncated:
            found["cut"] = True
    assert {**found, "events": events, **of_calls(scene, stages)} == RECORDED[name]["iterated"]


@pytest.mark.parametrize("name", RECORDED)
async def test_results_are_those_of_openai_python(name: str) -> None:
    scene, stages = Scene(RECORDED[name]["wire"]), list[str]()
    found: dict[str, Any] = {}

    def observe(error: AgentToolError) -> None:
        stages.append(error.stage)

    async with scene.stream(tool_handlers=HANDLERS, on_tool_error=observe) as stream:
        try:
            result = await stream.get_final_result()
            found = {"text": result.output_text, "turn": result.turn_id}
            messages = result.messages
        except AgentTurnResultError as error:
            found = {
                "reason": error.reason,
                "turn": error.turn and error.turn.id,
                "required": len(error.required_actions),
            }
            messages = error.messages
    ids = [one.id for one in messages]
    assert {**found, "messages": ids, **of_calls(scene, stages)} == RECORDED[name]["final"]
