"""The runner with a computer, a browser and a context budget: who is asked, what is left out, and how it stops."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.tools import AsyncBrowserToolset, AsyncComputerToolset, ToolRunnerCancelledError, ToolRunnerError
from tools.browsers import ARGUMENTS, Browser, function_call
from tools.computers import CLICK, Computer
from tools.runner_turns import Bench, answer, call, message, registered, streamed

LAST = [message("last")]


def click(call_id: str = "k", **more: Any) -> dict[str, Any]:
    return {
        "type": "computer_call",
        "id": f"cu_{call_id}",
        "call_id": call_id,
        "actions": [CLICK],
        "pending_safety_checks": [],
        "status": "completed",
        **more,
    }


def with_computer(*answers: Any, computer: Computer | None = None, **more: Any) -> tuple[Bench, Computer]:
    used = computer or Computer()
    return Bench(*answers, computer=AsyncComputerToolset(used), **more), used


async def approve(_: object) -> bool:
    return True


@pytest.mark.parametrize("declared", [[], [{"type": "computer"}]])
async def test_the_computer_is_declared_once(declared: Any) -> None:
    bench, computer = with_computer([call("a"), click()], LAST)
    await bench.run({"tools": declared})
    assert [one.get("name", one["type"]) for one in bench.sent[0]["tools"]] == ["f", "g", "computer"]
    assert computer.names == ["click", "screenshot"]
    assert [one.get("type") for one in bench.sent[1]["input"]][-2:] == ["function_call_output", "computer_call_output"]


@pytest.mark.parametrize("way", ["whole", "eager", "early", "late"])
async def test_the_computer_is_used_in_the_order_of_calls(way: str) -> None:
    early: Any = {"early": {"computer": True}, "late": {"functions": ["f"]}}.get(way)
    turn = answer(1, [click(), call("a")])
    given = [[click(), call("a")], LAST] if way == "whole" else [streamed(turn), streamed(answer(2, LAST))]
    bench, computer = with_computer(*given, early_execution=early)
    await bench.run(stream=way != "whole", eager=way != "whole")
    assert computer.names == ["click", "screenshot"]
    assert bench.runner.attempted_call_ids == ("k", "a")


async def test_safety_checks_and_actions_are_approved() -> None:
    checks = [{"id": "c", "code": "malicious_instructions", "message": "m"}]
    bench, computer = with_computer([click(pending_safety_checks=checks)], LAST)
    with pytest.raises(ToolRunnerError) as caught:
        await bench.run()
    assert (caught.value.attempted_call_ids, caught.value.completed_call_ids, computer.names) == (("k",), (), [])
    assert type(caught.value.__cause__).__name__ == "ComputerUseError"
    bench, computer = with_computer([click(pending_safety_checks=checks)], LAST)
    asked: list[str] = []

    async def before(action: Any) -> bool:
        asked.append(action.type)
        return True

    await bench.run(approve_safety_checks=approve, before_action=before)
    assert asked == ["click", "screenshot"]
    assert bench.sent[1]["input"][-1]["acknowledged_safety_checks"] == checks


@pytest.mark.parametrize(
    "unfit", [click(status="incomplete"), click(actions=[]), click(actions=[{"type": "fly"}]), click(actions=None)]
)
async def test_nothing_is_called_where_a_computer_call_is_unfit(unfit: Any) -> None:
    bench, computer = with_computer([call("a"), unfit])
    with pytest.raises(ToolRunnerError, match="not fit"):
        await bench.run()
    assert (bench.log, computer.names) == ([], [])


async def test_a_toolset_that_is_told_to_stop_stops_the_run_as_cancelled() -> None:
    stopping = False

    def during(name: str) -> None:
        nonlocal stopping
        stopping = True

    bench, computer = with_computer([click()], LAST, computer=Computer(during))
    with pytest.raises(ToolRunnerCancelledError) as caught:
        await bench.run(cancelled=lambda: stopping)
    assert (caught.value.attempted_call_ids, caught.value.completed_call_ids) == (("k",), ())
    assert computer.names == ["click"]


async def test_functions_of_a_browser_are_called() -> None:
    browser = Browser()
    toolset = AsyncBrowserToolset(browser, members=["read_page", "list_tabs"])
    item = function_call("read_page").to_dict(mode="json")
    bench = Bench([item, call("a")], LAST, browser=toolset)
    await bench.run()
    names = [one["name"] for one in bench.sent[0]["tools"]]
    assert names == ["browser_read_page", "browser_list_tabs", "f", "g"]
    assert "read_page" in browser.done
    assert bench.runner.completed_call_ids == ("call_1", "a")
    assert ("action", "completed", "call_1") in bench.stages
    with pytest.raises(ValueError, match="unique"):
        Bench(browser=toolset, functions=[registered("browser_read_page")])
    assert "read_page" in ARGUMENTS


# The context budget


TURNS = [[call(name)] for name in "abc"]


def budget(most: int, **more: Any) -> Any:
    return {"max_input_bytes": most, "max_input_images": 9, **more}


async def test_a_request_that_is_too_large_ends_the_run() -> None:
    bench = Bench(*TURNS, LAST)
    with pytest.raises(ToolRunnerError, match="bytes of input where the context_budget allows 250") as caught:
        await bench.run(context_budget=budget(250))
    assert len(bench.sent) == 2
    assert caught.value.completed_call_ids == ("a", "b")


async def test_what_is_left_out_is_left_out_of_that_request_alone() -> None:
    """The ledger has everything, and the next decision begins with everything again."""
    functions = [registered("f", Bench().does("f", "x" * 500))]
    bench = Bench(*TURNS, LAST, functions=functions)
    shown = []

    async def compact(snapshot: Any) -> Any:
        shown.append(snapshot["eligible_call_ids"])
        snapshot["history"].clear()
        return {"drop_call_ids": snapshot["eligible_call_ids"], "summary": "Nothing yet."}

    await bench.run(context_budget=budget(1000, compact=compact), ledger=bench.ledger())
    assert shown == [["a", "b"], ["a", "b", "c"]]
    assert [len(one["input"]) for one in bench.sent] == [1, 3, 2, 2]
    assert "Nothing yet." in bench.sent[3]["input"][1]["content"]
    assert len(bench.saved[-1]["history"]) == 7
    assert bench.saved[-1]["attempted_call_ids"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"drop_call_ids": []}, "still"),
        ({"drop_call_ids": ["a"], "summary": "x" * 500}, "still"),
        ({"drop_call_ids": ["z"]}, "no decision"),
        (None, "no decision"),
    ],
)
async def test_a_decision_that_does_not_help_ends_the_run(decision: Any, said: str) -> None:
    bench = Bench(*TURNS, LAST)
    with pytest.raises(ToolRunnerError, match=said):
        await bench.run(context_budget=budget(250, compact=lambda _: decision))
    assert len(bench.sent) == 2


async def test_the_last_screenshots_are_kept() -> None:
    bench, _ = with_computer(*([click(f"{number}")] for number in range(4)), LAST)
    shown = []

    def compact(snapshot: Any) -> Any:
        shown.append((snapshot["input_images"], snapshot["eligible_call_ids"]))
        return {"drop_call_ids": snapshot["eligible_call_ids"]}

    given = {"max_input_bytes": 10**6, "max_input_images": 2, "keep_recent_screenshots": 2, "compact": compact}
    await bench.run(context_budget=given)
    assert shown == [(3, ["0"]), (4, ["0", "1"])]
