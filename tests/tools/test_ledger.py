"""Ledgers: going on after a kill at any point, which checkpoints can be gone on from, and what they keep to themselves."""

from __future__ import annotations

import copy
import json
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.testing.script import RecordedRequest
from anyopenai.tools import AsyncResponsesToolLedger, AsyncResponsesToolRunner, ToolRunnerError, settled_checkpoint
from tools.runner_turns import Bench, answer, call, message, registered, streamed

LAST = [message("last")]
MODES: dict[str, Any] = {"whole": {}, "stream": {"stream": True}, "eager": {"stream": True, "eager": True}}


class Killed(BaseException):
    """The process is gone: nothing that runs after this has an effect."""


def asks(call_id: str) -> dict[str, Any]:
    """Return a call whose arguments say which one it is."""
    return call(call_id, arguments=json.dumps({"n": call_id}))


class World:
    """What outlives processes: the ledger's last checkpoint, and the effects of functions.

    Args:
        plan: The calls of each turn.
        kills: After how many events each process is killed; one more lives.
        mode: How answers come.
        independent: Whether calls run together.
    """

    def __init__(self, plan: list[list[str]], kills: list[int], mode: str, *, independent: bool = False) -> None:
        self.plan = plan
        self.kills = list(kills)
        self.mode = mode
        self.independent = independent
        self.effects: list[str] = []
        self.saved: Any = None
        self.deaths = 0
        self.left = 0

    def event(self) -> None:
        """Let something happen, or be killed just before it does, and before all that follows."""
        if self.left == 0:
            raise Killed
        self.left -= 1

    def answer(self, request: RecordedRequest) -> Answer:
        """Answer as a model does: by what the input has."""
        self.event()
        sent: Any = request.json()
        answered = {item["call_id"] for item in sent["input"] if item.get("type") == "function_call_output"}
        open_turns = [(number, calls) for number, calls in enumerate(self.plan) if not answered.issuperset(calls)]
        number, calls = open_turns[0] if open_turns else (99, [])
        found = answer(number, [asks(one) for one in calls] or LAST)
        return Answer(json=found) if self.mode == "whole" else streamed(found)

    async def save(self, checkpoint: Any) -> None:
        self.event()
        self.saved = checkpoint
        self.event()

    async def execute(self, arguments: Any) -> str:
        self.event()
        self.effects.append(arguments["n"])
        self.event()
        return f"did {arguments['n']}"

    def found_out(self, call_id: str) -> Any:
        """Look where the effect of a call would be, and have it if it is not there, as an operator would."""
        if call_id not in self.effects:
            self.effects.append(call_id)
        return {"type": "function_call_output", "call_id": call_id, "output": f"did {call_id}"}

    async def process(self) -> str:
        """Run, or go on, until killed or done."""
        self.left = self.kills.pop(0) if self.kills else -1
        transport = FakeTransport()
        transport.route("POST", "/responses", self.answer)
        client = OpenAI(api_key="k", transport=transport, max_retries=0)
        params: Any = {"model": "m", "input": "hi"}
        checkpoint = self.saved
        if checkpoint is not None:
            del params["input"]
            returned = checkpoint["returned_call_ids"]
            waiting = [one for one in checkpoint["attempted_call_ids"] if one not in returned]
            checkpoint = settled_checkpoint(checkpoint, [self.found_out(one) for one in waiting])
        runner = AsyncResponsesToolRunner(functions=[registered("f", self.execute, independent=self.independent)])
        ledger = AsyncResponsesToolLedger("run", self.save, checkpoint)
        response = await runner.run(client, params, ledger=ledger, **MODES[self.mode])
        return response.output_text

    async def live(self) -> str:
        """Start one process after another, until one is not killed."""
        while True:
            try:
                return await self.process()
            except BaseExceptionGroup as errors:
                if errors.split(Killed)[1] is not None:
                    raise
            except Killed:
                pass
            self.deaths += 1


@pytest.mark.parametrize(("mode", "independent"), [("whole", False), ("whole", True), ("stream", False)])
async def test_a_run_goes_on_after_a_kill_at_any_point(mode: str, independent: bool) -> None:
    """Nothing that a checkpoint says was attempted is done again, and nothing is lost: each effect is there once."""
    for number in range(1000):
        world = World([["a"], ["b", "c"]], [number], mode, independent=independent)
        assert await world.live() == "last"
        assert sorted(world.effects) == ["a", "b", "c"]
        assert [world.saved["phase"], world.saved["returned_call_ids"]] == [
            "final",
            ["a", *world.saved["returned_call_ids"][1:]],
        ]
        if world.deaths == 0:
            break
    # Two events for each of 14 checkpoints, two for each of three calls, one for each of three requests.
    assert number == 37


@given(
    plan=st.lists(st.integers(1, 3), max_size=3),
    kills=st.lists(st.integers(0, 40), max_size=4),
    mode=st.sampled_from(["whole", "stream"]),
    independent=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
@settings(max_examples=40)
def test_a_run_goes_on_after_any_number_of_kills(
    plan: list[int], kills: list[int], mode: str, independent: bool, backend: str
) -> None:
    numbers = iter("abcdefghi")
    named = [[next(numbers) for _ in range(count)] for count in plan]
    world = World(named, kills, mode, independent=independent)
    assert anyio.run(world.live, backend=backend) == "last"
    assert sorted(world.effects) == [one for calls in named for one in calls]


async def test_an_eager_run_that_was_killed_while_it_was_answered_is_not_gone_on_from() -> None:
    """What the model was about to say is not known; what was called is, and is never called again."""
    refused = 0
    for number in range(1000):
        world = World([["a"], ["b", "c"]], [number], "eager")
        try:
            assert await world.live() == "last"
        except ValueError as error:
            refused += 1
            assert "is not known" in str(error)  # noqa: PT017 - both ends are fine
            assert set(world.effects) <= set(world.saved["attempted_call_ids"])
        assert len(set(world.effects)) == len(world.effects)
        if world.deaths == 0:
            break
    assert refused > 5


# Checkpoints that cannot be gone on from


async def checkpoints() -> list[Any]:
    """Return the checkpoints of a run of two calls."""
    bench = Bench([call("a"), call("b", "g")], LAST)
    await bench.run(ledger=bench.ledger())
    return bench.saved


BOUNDARY, PENDING, FINAL = 6, 1, 8


@pytest.mark.parametrize(
    ("which", "change", "said"),
    [
        (BOUNDARY, {"version": 2}, "version"),
        (BOUNDARY, {"run_id": "other"}, "run_id"),
        (BOUNDARY, {"tools": []}, "tools"),
        (BOUNDARY, {"output_override_names": ["f"]}, "output_override_names"),
        (BOUNDARY, {"more": 1}, "more"),
        (BOUNDARY, {"history": "x"}, "history"),
        (BOUNDARY, {"history": ["x"]}, "history"),
        (BOUNDARY, {"history": []}, "lacks calls"),
        (BOUNDARY, {"revision": True}, "revision"),
        (BOUNDARY, {"revision": 0}, "numbers"),
        (BOUNDARY, {"consumed_requests": 21}, "numbers"),
        (BOUNDARY, {"attempted_call_ids": ["a", "a"]}, "call ids"),
        (BOUNDARY, {"attempted_call_ids": ["a", 3]}, "attempted_call_ids"),
        (BOUNDARY, {"returned_call_ids": ["a", "z"]}, "call ids"),
        (BOUNDARY, {"returned_call_ids": ["a"]}, "on its way"),
        (BOUNDARY, {"pending_items": [{}]}, "on its way"),
        (BOUNDARY, {"phase": "other"}, "unknown phase"),
        (BOUNDARY, {"final_response": {}}, "final_response"),
        (FINAL, {"final_response": None}, "final_response"),
        (PENDING, {"inspected": False}, "not known"),
        (PENDING, {"attempted_call_ids": ["a"]}, "on their way: a"),
        (PENDING, {"pending_items": [], "attempted_call_ids": ["a"], "returned_call_ids": ["a"]}, "lacks calls"),
    ],
)
async def test_a_checkpoint_that_was_changed_is_refused(which: int, change: Any, said: str) -> None:
    found = {**(await checkpoints())[which], **change}
    bench = Bench(LAST)
    with pytest.raises(ValueError, match=said):
        bench.iterate({"input": None}, ledger=bench.ledger(resume_from=found))


@pytest.mark.parametrize("given", [3, "x", []])
async def test_what_is_no_checkpoint(given: Any) -> None:
    bench = Bench(LAST)
    with pytest.raises(ValueError, match="resume_from"):
        bench.iterate(ledger=bench.ledger(resume_from=given))


async def test_a_history_with_an_open_call_is_refused() -> None:
    found = (await checkpoints())[BOUNDARY]
    found["history"] = found["history"][:-1]
    bench = Bench(LAST)
    with pytest.raises(ValueError, match="without an output: b"):
        bench.iterate({"input": None}, ledger=bench.ledger(resume_from=found))


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([call("x")], "without an output"),
        ([{"type": "function_call_output", "call_id": "x", "output": ""}], "not before it"),
        ([{"type": "item_reference", "id": "x"}], "reference"),
        ([call("x"), call("x")], "another call"),
    ],
)
async def test_a_ledger_begins_with_a_conversation_that_is_whole(history: Any, said: str) -> None:
    bench = Bench(LAST)
    with pytest.raises(ValueError, match=said):
        bench.iterate({"input": history}, ledger=bench.ledger())
    await bench.run({"input": history})


@pytest.mark.parametrize(("run_id", "save"), [("", print), (3, print), ("x", None)])
async def test_a_ledger_has_a_name_and_saves(run_id: Any, save: Any) -> None:
    with pytest.raises(ValueError, match="a ledger needs"):
        Bench(LAST).iterate(ledger=AsyncResponsesToolLedger(run_id, save))


# Going on


async def test_new_input_comes_after_what_the_checkpoint_has() -> None:
    found = (await checkpoints())[BOUNDARY]
    bench = Bench(LAST)
    await bench.run({"input": "And now?"}, ledger=bench.ledger(resume_from=found))
    assert bench.sent[0]["input"] == [*found["history"], {"role": "user", "content": "And now?"}]
    assert [one["revision"] for one in bench.saved] == [8, 9]
    assert bench.saved[-1]["consumed_requests"] == 2


async def test_calls_that_were_not_begun_are_made() -> None:
    """openai-python leaves all of a turn to its user."""
    found = (await checkpoints())[3]
    assert (found["phase"], found["attempted_call_ids"], found["returned_call_ids"]) == ("pending", ["a"], ["a"])
    bench = Bench(LAST)
    await bench.run({"input": "Then?"}, ledger=bench.ledger(resume_from=found))
    assert [name for name, _ in bench.log] == ["g"]
    outputs = ["function_call_output", "function_call_output"]
    assert [one.get("type", one.get("role")) for one in bench.sent[0]["input"]] == [
        *("user", "function_call", "function_call", *outputs, "user")
    ]


async def test_a_run_that_is_over_gives_its_response_without_a_request() -> None:
    found = (await checkpoints())[FINAL]
    bench = Bench()
    response = await bench.run({"input": None}, ledger=bench.ledger(resume_from=found))
    assert (response.output_text, bench.sent, bench.saved) == ("last", [], [])
    with pytest.raises(ValueError, match="is over"):
        bench.iterate({"input": "more"}, ledger=bench.ledger(resume_from=found))


async def test_the_limit_is_that_of_the_whole_run() -> None:
    bench = Bench([call("a")], LAST)
    await bench.run(ledger=bench.ledger(), max_steps=2)
    again = Bench(LAST)
    with pytest.raises(ValueError, match="max_steps=2"):
        again.iterate({"input": None}, ledger=again.ledger(resume_from=bench.saved[4]), max_steps=3)
    spent = {**bench.saved[4], "consumed_requests": 2}
    with pytest.raises(ToolRunnerError, match="max_steps"):
        await again.run({"input": None}, ledger=again.ledger(resume_from=spent))
    assert again.sent == []


async def test_what_was_proposed_must_still_fit() -> None:
    found = copy.deepcopy((await checkpoints())[PENDING])
    found["pending_items"][0]["arguments"] = "{"
    bench = Bench(LAST)
    with pytest.raises(ToolRunnerError, match="do not fit 'f' any more"):
        bench.iterate({"input": None}, ledger=bench.ledger(resume_from=found))


async def test_a_fixed_idempotency_key_differs_in_the_next_process() -> None:
    found = (await checkpoints())[0]
    bench = Bench(LAST)
    await bench.run({"input": None, "idempotency_key": "k"}, ledger=bench.ledger(resume_from=found))
    assert bench.transport.requests[0].headers["idempotency-key"] == "k-2"


@pytest.mark.parametrize("outputs", [[("z", "x")], [("b", "x")], [("a", 3)], [("a", "x"), ("a", "x")]])
async def test_only_what_was_begun_and_did_not_return_is_settled(outputs: Any) -> None:
    found = (await checkpoints())[2]
    given = [{"type": "function_call_output", "call_id": one, "output": text} for one, text in outputs]
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
        settled_checkpoint(found, given)  # type: ignore[arg-type]  # dicts, as users write them
    settled = settled_checkpoint(found, [{"type": "function_call_output", "call_id": "a", "output": "x"}])
    assert (settled["returned_call_ids"], found["returned_call_ids"]) == (["a"], [])


# Saving


@pytest.mark.parametrize("number", range(1, 10))
async def test_a_ledger_that_fails_ends_the_run_and_is_not_asked_again(number: int) -> None:
    saved = 0

    async def save(_: object) -> None:
        nonlocal saved
        saved += 1
        if saved == number:
            raise OSError("secret")

    bench = Bench([call("a"), call("b")], LAST)
    with pytest.raises(ToolRunnerError) as caught:
        await bench.run(ledger=AsyncResponsesToolLedger("run", save))
    assert isinstance(caught.value.__cause__, OSError)
    assert "secret" not in str(caught.value)
    assert saved == number
    assert len(caught.value.completed_call_ids) == len(bench.log)


async def test_a_checkpoint_is_a_copy_that_can_be_written_as_json() -> None:
    bench = Bench([call("a")], LAST)

    async def save(checkpoint: Any) -> None:
        bench.saved.append(json.loads(json.dumps(checkpoint)))
        checkpoint.clear()

    await bench.run(ledger=AsyncResponsesToolLedger("run", save))
    assert [one["revision"] for one in bench.saved] == list(range(1, 8))


def test_a_plain_save_runs_in_a_thread() -> None:
    async def main() -> None:
        bench = Bench([call("a")], LAST)
        ledger = AsyncResponsesToolLedger(
            "run", lambda one: (anyio.from_thread.check_cancelled(), bench.saved.append(one))[1]
        )
        await bench.run(ledger=ledger)
        assert len(bench.saved) == 7

    anyio.run(main)


async def test_credentials_of_mcp_servers_are_not_saved() -> None:
    server = {
        "type": "mcp",
        "server_label": "s",
        "server_url": "https://user:pw@x.y/z?k=1",
        "authorization": "secret",
        "headers": {"a": "secret"},
        "require_approval": "never",
    }
    bench = Bench(LAST)
    await bench.run({"tools": [server]}, ledger=bench.ledger())
    assert bench.sent[0]["tools"][-1] == server
    kept = bench.saved[0]["tools"][-1]
    assert kept.keys() == {"type", "server_label", "server_url", "require_approval"}
    assert kept["server_url"].startswith("sha256:")
    assert bench.saved[0]["phase"] == "pending"
    again = Bench(LAST)
    other = {**server, "server_url": "https://else.where"}
    with pytest.raises(ValueError, match="tools"):
        again.iterate({"tools": [other], "input": None}, ledger=again.ledger(resume_from=bench.saved[0]))


async def test_saves_of_calls_that_run_together_come_one_after_another() -> None:
    inside = 0

    async def save(checkpoint: Any) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        await anyio.lowlevel.checkpoint()
        inside -= 1
        bench.saved.append(checkpoint)

    bench = Bench([call(one) for one in "abc"], LAST, functions=[registered(independent=True)])
    await bench.run(ledger=AsyncResponsesToolLedger("run", save), max_concurrent_calls=3)
    assert [one["revision"] for one in bench.saved] == list(range(1, 12))
    assert bench.saved[-1]["attempted_call_ids"] == ["a", "b", "c"]
