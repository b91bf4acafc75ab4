"""The runner does what openai-python 3.51.0 does: its record of what is sent, saved, called and told, and in which order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools.diagnostics import ToolDiagnostic
from anyopenai.tools.ledger import AsyncResponsesToolLedger
from anyopenai.tools.registered import AsyncRegisteredFunction
from anyopenai.tools.runner import AsyncResponsesToolRunner
from anyopenai.tools.runner_errors import ToolRunnerError
from tools.runner_turns import answer, streamed, tool

RECORDED = {
    case["name"]: case for case in json.loads((Path(__file__).parent / "recorded_runner.json").read_text("utf-8"))
}

# Where a streamed answer is unfit, openai-python tells that the request failed; ours, as without streaming, that it
# completed and which call is unfit.
TOLD_OTHERWISE = ("stream: arguments that are no JSON", "stream: a call id twice")

# In eager runs openai-python looks at what MCP servers did when the request has completed; ours at once.
TOLD_AT_ONCE = (
    "eager: a server without consent",
    "eager: a server that asks though it needs none",
    "eager: another call than consented to",
)


class Scene:
    """What a case says, played with our runner, and what came of it."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.log: list[list[Any]] = []
        self.checkpoints: list[Any] = []
        self.turns: list[list[Any]] = []
        self.told: list[ToolDiagnostic] = []
        self.error: Exception | None = None
        answers = [answer(number, output) for number, output in enumerate(case["answers"], 1)]
        given = [Answer(json=one) if case["mode"] == "whole" else streamed(one) for one in answers]
        self.transport = FakeTransport(*given, Answer.error(500))

    def function(self, said: dict[str, Any]) -> AsyncRegisteredFunction:
        name = said["name"]

        async def execute(arguments: dict[str, object]) -> Any:
            self.log.append(["exec", name, arguments])
            if said.get("raises"):
                raise LookupError("told by nobody")
            return said.get("result", "ok")

        return AsyncRegisteredFunction(
            tool(name, description="d", **said.get("tool", {})),
            execute,
            allow_output_override=said.get("allow_output_override", False),
        )

    async def save(self, checkpoint: Any) -> None:
        self.checkpoints.append(checkpoint)
        self.log.append(["save", checkpoint["revision"], checkpoint["phase"]])

    async def approve(self, request: Any) -> bool:
        self.log.append(["approve", request.id])
        return bool(self.case["approve"])

    async def before_early(self, _: object) -> Any:
        return self.case["before_early"]

    async def play(self) -> str:
        case = self.case
        options: dict[str, Any] = {}
        if "approve" in case:
            options["approve_mcp"] = self.approve
        if "before_early" in case:
            options["before_early_call"] = self.before_early
        client = OpenAI(api_key="k", transport=self.transport, max_retries=0)
        runner = AsyncResponsesToolRunner(
            functions=[self.function(said) for said in case["functions"]], early_execution=case.get("early")
        )
        try:
            async with runner.iterate(
                client,
                {"model": "m", "input": "hi", **case.get("params", {})},
                stream=case["mode"] != "whole",
                eager=case["mode"] == "eager",
                max_steps=case.get("max_steps"),
                ledger=AsyncResponsesToolLedger("run", self.save),
                on_diagnostic=self.told.append,
                **options,
            ) as turns:
                async for turn in turns:
                    ids = [list(turn.attempted_call_ids), list(turn.completed_call_ids)]
                    self.turns.append([turn.step, turn.final, turn.tools_executed, *ids])
                    if turn.step == 1:
                        self.act(turn)
        except (ToolRunnerError, ValueError) as error:
            self.error = error
            return type(error).__name__
        return "completed"

    def act(self, turn: Any) -> None:
        if "supply" in self.case:
            given = self.case["supply"].items()
            turn.supply_outputs(
                [{"type": "function_call_output", "call_id": one, "output": text} for one, text in given]
            )
        for text in self.case.get("append", []):
            turn.append_user_text(text)


def without_nulls(value: Any) -> Any:
    """Leave out nulls, which openai-python keeps where an answer had them."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def changes(checkpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each checkpoint what is new in it."""
    left_out = ("version", "run_id", "max_steps", "tools", "final_response", "inspected")
    known: dict[str, Any] = {}
    result = []
    for checkpoint in checkpoints:
        found = {name: value for name, value in checkpoint.items() if name not in left_out}
        result.append({name: value for name, value in found.items() if known.get(name, known) != value})
        known = found
    return result


def same_story(saved: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out checkpoints that say nothing new: an eager run of ours saves once more when its turn is known as a whole."""
    return [without_nulls(one) for one in (dict(one) for one in saved) if (one.pop("revision", None), one)[1]]


@pytest.mark.parametrize("name", RECORDED)
async def test_a_run_is_as_openai_python_makes_it(name: str) -> None:
    case = RECORDED[name]
    scene = Scene(case)
    expected = case["expected"]
    assert await scene.play() == expected["outcome"]
    assert scene.turns == expected["turns"]
    sent: list[Any] = [request.json() for request in scene.transport.requests]
    assert [without_nulls(one["input"]) for one in sent] == without_nulls(expected["inputs"])
    assert [one.get("name", one["type"]) for one in (sent[0]["tools"] if sent else [])] == expected["tools"]
    assert same_story(changes(scene.checkpoints)) == same_story(expected["checkpoints"])
    calls = [one for one in scene.log if one[0] != "save"]
    assert calls == [one for one in expected["log"] if one[0] != "save"]
    told = [[one["stage"], one["reason"], one["call_id"], one["member"]] for one in scene.told]
    if name in TOLD_AT_ONCE:
        assert told.pop() == ["request", "api_failed", None, None]
        told.append(["request", "completed", None, None])
    whole = RECORDED[name.replace("stream", "whole")] if name in TOLD_OTHERWISE else case
    assert told == whole["expected"]["diagnostics"]
    if isinstance(scene.error, ToolRunnerError):
        assert list(scene.error.attempted_call_ids) == expected["attempted"]
        assert list(scene.error.completed_call_ids) == expected["completed"]
        assert "told by nobody" not in str(scene.error)


@pytest.mark.parametrize("name", RECORDED)
async def test_what_was_attempted_is_saved_before_it_is_made(name: str) -> None:
    scene = Scene(RECORDED[name])
    await scene.play()
    attempted: list[str] = []
    for number, one in enumerate(scene.log):
        if one[0] == "save":
            (checkpoint,) = (saved for saved in scene.checkpoints if saved["revision"] == one[1])
            attempted = checkpoint["attempted_call_ids"]
            returned = checkpoint["returned_call_ids"]
        elif one[0] in ("exec", "approve"):
            assert scene.log[number - 1][0] == "save"
            assert len(attempted) == len(returned) + 1
