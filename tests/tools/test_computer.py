"""What a computer toolset does with one call: the order of questions and actions, what it refuses, what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.tools.computer import AsyncComputerToolset
from anyopenai.tools.computer_actions import ComputerUseError, checked_screenshot, is_well_formed
from anyopenai.tools.diagnostics import ToolDiagnostic
from anyopenai.tools.lifecycle import ToolsetBusyError, ToolsetClosedError
from tools.computers import ACTIONS, CLICK, SHOT, Computer, computer_call

CHECK = {"id": "sc_1", "code": "malicious", "message": "Look out."}


def told(diagnostics: list[ToolDiagnostic]) -> list[str]:
    assert all(one["api"] == "computer" and one["call_id"] == "call_1" for one in diagnostics)
    return [f"{one['stage']}/{one['reason']}/{one['member']}" for one in diagnostics]


def after(count: int) -> Callable[[], bool]:
    """Say no that many times, then yes."""
    answers = iter([False] * count)
    return lambda: next(answers, True)


async def yes(subject: object) -> bool:
    return True


@pytest.mark.parametrize("name", ACTIONS)
async def test_each_action_reaches_its_method_and_ends_with_a_screenshot(name: str) -> None:
    computer = Computer()
    call = computer_call(ACTIONS[name])
    output = await AsyncComputerToolset(computer).execute(call)
    assert output == {
        "type": "computer_call_output",
        "call_id": "call_1",
        "output": SHOT,
        "acknowledged_safety_checks": [],
    }
    assert computer.names == [name, "screenshot"]
    assert call.actions is not None
    assert computer.done[0] == call.actions[0]


async def test_a_call_of_the_older_kind_with_one_action_works_as_well() -> None:
    computer = Computer()
    await AsyncComputerToolset(computer).execute(computer_call(action=CLICK, actions=None))
    assert computer.names == ["click", "screenshot"]


async def test_a_call_without_a_word_on_safety_checks_has_none() -> None:
    output = await AsyncComputerToolset(Computer()).execute(computer_call(CLICK, pending_safety_checks=None))
    assert output["acknowledged_safety_checks"] == []


async def test_actions_are_asked_about_and_done_one_after_the_other() -> None:
    asked: list[str] = []

    async def before(action: Any) -> bool:
        asked.append(f"{action.type} after {computer.names}")
        return True

    computer, diagnostics = Computer(), list[ToolDiagnostic]()
    await AsyncComputerToolset(computer).execute(
        computer_call(CLICK, {"type": "screenshot"}, {"type": "wait"}),
        before_action=before,
        on_diagnostic=diagnostics.append,
    )
    assert asked == [
        "click after []",
        "screenshot after ['click']",
        "wait after ['click']",
        "screenshot after ['click', 'wait']",
    ]
    assert computer.names == ["click", "wait", "screenshot"]
    assert told(diagnostics) == [
        "approval/completed/click",
        "action/completed/click",
        "approval/completed/screenshot",
        "approval/completed/wait",
        "action/completed/wait",
        "approval/completed/screenshot",
        "action/completed/screenshot",
    ]


async def test_a_screenshot_at_the_end_is_asked_about_and_taken_once() -> None:
    asked: list[str] = []

    async def before(action: Any) -> bool:
        asked.append(action.type)
        return True

    computer = Computer()
    await AsyncComputerToolset(computer).execute(computer_call(CLICK, {"type": "screenshot"}), before_action=before)
    assert asked == ["click", "screenshot"]
    assert computer.names == ["click", "screenshot"]


async def test_callbacks_get_copies_that_they_can_change_without_effect() -> None:
    async def approve(call: Any) -> bool:
        call.actions.clear()
        call.pending_safety_checks.clear()
        return True

    async def before(action: Any) -> bool:
        action.x = 99
        return True

    computer, call = Computer(), computer_call(CLICK, pending_safety_checks=[CHECK])
    output = await AsyncComputerToolset(computer).execute(call, approve_safety_checks=approve, before_action=before)
    assert computer.done[0].x == 1
    assert call == computer_call(CLICK, pending_safety_checks=[CHECK])
    assert output["acknowledged_safety_checks"] == [CHECK]


async def test_safety_checks_without_a_policy_end_the_call_before_anything_is_done() -> None:
    computer, diagnostics = Computer(), list[ToolDiagnostic]()
    with pytest.raises(ComputerUseError, match="require explicit approval"):
        await AsyncComputerToolset(computer).execute(
            computer_call(CLICK, pending_safety_checks=[CHECK]), on_diagnostic=diagnostics.append
        )
    assert computer.names == []
    assert told(diagnostics) == ["approval/refused/None"]


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
async def test_only_true_itself_approves(answer: Any) -> None:
    async def policy(subject: object) -> Any:
        return answer

    computer, diagnostics = Computer(), list[ToolDiagnostic]()
    toolset = AsyncComputerToolset(computer)
    with pytest.raises(ComputerUseError, match="explicit approval"):
        await toolset.execute(
            computer_call(CLICK, pending_safety_checks=[CHECK]),
            approve_safety_checks=policy,
            on_diagnostic=diagnostics.append,
        )
    with pytest.raises(ComputerUseError, match="action was not approved: click"):
        await toolset.execute(computer_call(CLICK), before_action=policy, on_diagnostic=diagnostics.append)
    assert computer.names == []
    assert told(diagnostics) == ["approval/refused/None", "approval/refused/click"]


async def test_what_a_policy_or_a_driver_raises_passes_through() -> None:
    async def policy(subject: object) -> bool:
        raise LookupError("mine")

    def broken(name: str) -> None:
        raise LookupError("mine")

    diagnostics = list[ToolDiagnostic]()
    toolset = AsyncComputerToolset(Computer())
    with pytest.raises(LookupError, match="mine"):
        await toolset.execute(computer_call(CLICK), before_action=policy, on_diagnostic=diagnostics.append)
    with pytest.raises(LookupError, match="mine"):
        await AsyncComputerToolset(Computer(broken)).execute(computer_call(CLICK), on_diagnostic=diagnostics.append)
    assert told(diagnostics) == ["approval/policy_failed/click", "action/driver_failed/click"]
    # The failure ended the call: the toolset takes the next one.
    await toolset.execute(computer_call(CLICK))


async def test_plain_functions_are_refused_in_words() -> None:
    plain: Any = lambda subject: True  # noqa: E731
    with pytest.raises(TypeError, match=r"before_action returned bool.*async def"):
        await AsyncComputerToolset(Computer()).execute(computer_call(CLICK), before_action=plain)

    computer: Any = Computer()
    computer.click = plain
    with pytest.raises(TypeError, match=r"driver\.click returned bool.*async def"):
        await AsyncComputerToolset(computer).execute(computer_call(CLICK))


@pytest.mark.parametrize("driver", [None, object()])
def test_a_driver_without_methods_is_refused_with_their_names(driver: Any) -> None:
    with pytest.raises(ValueError, match=r"driver methods.*click, double_click.*screenshot"):
        AsyncComputerToolset(driver)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"actions": []}, "has no actions"),
        ({"actions": [CLICK], "action": CLICK}, "exactly one of action or actions"),
        ({"actions": None}, "exactly one of action or actions"),
        ({"actions": [CLICK], "status": "in_progress"}, "did not complete.*in_progress"),
        ({"actions": [CLICK], "status": "incomplete"}, "did not complete"),
        ({"actions": [CLICK, {"type": "fly"}]}, "number 2 of call 'call_1'"),
        ({"actions": CLICK}, "Invalid computer action"),
        ({"actions": [CLICK], "call_id": None}, "no call_id"),
        ({"actions": [CLICK], "pending_safety_checks": "careful"}, "safety checks that cannot be read"),
        ({"actions": [CLICK], "pending_safety_checks": [{"id": None}]}, "safety checks that cannot be read"),
        ({"actions": [CLICK], "pending_safety_checks": [{"id": "s", "code": 5}]}, "safety checks that cannot be read"),
        ({"actions": [CLICK], "pending_safety_checks": ["careful"]}, "safety checks that cannot be read"),
    ],
)
async def test_a_call_that_is_not_well_formed_does_nothing(members: dict[str, Any], words: str) -> None:
    computer = Computer()
    with pytest.raises(ComputerUseError, match=words):
        await AsyncComputerToolset(computer).execute(computer_call(**members))
    assert computer.names == []


async def test_something_else_than_a_call_is_refused() -> None:
    call: Any = {"type": "computer_call"}
    with pytest.raises(TypeError, match="ResponseComputerToolCall out of a response, not dict"):
        await AsyncComputerToolset(Computer()).execute(call)


_INTS = st.integers()
_NOT_INTS = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers())
_BAD = {
    "x": _NOT_INTS,
    "y": _NOT_INTS,
    "scroll_x": _NOT_INTS,
    "scroll_y": _NOT_INTS,
    "button": st.none()
    | st.integers()
    | st.text().filter(lambda t: t not in ("left", "right", "wheel", "back", "forward")),
    "keys": st.text() | st.integers() | st.lists(st.integers() | st.none(), min_size=1),
    "text": st.none() | st.integers() | st.lists(st.text()),
    "path": st.none()
    | st.text()
    | st.lists(st.fixed_dictionaries({"x": _NOT_INTS, "y": _INTS}), min_size=1)
    | st.lists(st.integers(), min_size=1),
}


@given(st.data())
def test_an_action_with_one_member_of_the_wrong_kind_is_not_well_formed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in ACTIONS if name != "wait"]))
    action = dict(ACTIONS[name])
    member = data.draw(st.sampled_from([one for one in action if one != "type"]))
    action[member] = data.draw(_BAD[member])
    call = computer_call(action)
    assert call.actions is not None
    assert not is_well_formed(call.actions[0])


@given(
    st.recursive(
        # An object without a type that has a member of an action is taken for the action that fits best: a screenshot.
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text().filter(lambda name: name not in _BAD), v),
    )
)
def test_anything_that_a_server_sends_as_an_action_is_judged_without_an_error(value: Any) -> None:
    call = computer_call(value)
    assert call.actions is not None
    assert not is_well_formed(call.actions[0])


@given(x=_INTS, y=_INTS, keys=st.none() | st.lists(st.text()))
def test_any_point_and_any_keys_are_well_formed(x: int, y: int, keys: list[str] | None) -> None:
    """Bounds are the driver's business, which knows the screen."""
    call = computer_call({**CLICK, "x": x, "y": y, "keys": keys})
    assert call.actions is not None
    assert is_well_formed(call.actions[0])


@pytest.mark.parametrize(
    "shot",
    [
        None,
        "x",
        {},
        {"image_url": "data:,"},
        {"type": "computer_screenshot"},
        {"type": "computer_screenshot", "image_url": ""},
        {"type": "computer_screenshot", "image_url": " "},
        {"type": "computer_screenshot", "image_url": 5},
        {"type": "computer_screenshot", "file_id": ""},
        {"type": "input_image", "image_url": "data:,"},
    ],
)
async def test_something_else_than_a_screenshot_is_refused(shot: Any) -> None:
    diagnostics = list[ToolDiagnostic]()
    with pytest.raises(ComputerUseError, match="computer_screenshot with image_url or file_id"):
        await AsyncComputerToolset(Computer(shot=shot)).execute(computer_call(CLICK), on_diagnostic=diagnostics.append)
    assert told(diagnostics) == ["action/completed/click", "action/driver_failed/screenshot"]


def test_a_screenshot_goes_back_with_what_the_api_knows_of_it() -> None:
    assert checked_screenshot({**SHOT, "file_id": None, "taken_by": object()}) == SHOT
    assert checked_screenshot({"type": "computer_screenshot", "file_id": "f"}) == {
        "type": "computer_screenshot",
        "file_id": "f",
    }


async def test_a_call_can_be_cancelled_between_any_two_steps() -> None:
    """Wherever the question is answered with yes, nothing further is done, and the toolset is free again."""
    asked: list[None] = []

    async def execute(toolset: AsyncComputerToolset, cancelled: Callable[[], bool]) -> None:
        await toolset.execute(
            computer_call(CLICK, {"type": "wait"}, pending_safety_checks=[CHECK]),
            approve_safety_checks=yes,
            before_action=yes,
            cancelled=cancelled,
            on_diagnostic=diagnostics.append,
        )

    diagnostics = list[ToolDiagnostic]()
    await execute(AsyncComputerToolset(Computer()), lambda: bool(asked.append(None)))
    assert len(asked) > 8
    complete = told(diagnostics)
    for count in range(len(asked)):
        diagnostics.clear()
        toolset = AsyncComputerToolset(Computer())
        with pytest.raises(ComputerUseError, match=r"^Computer run was cancelled$"):
            await execute(toolset, after(count))
        lines = told(diagnostics)
        if lines and lines[-1].split("/")[1] == "cancelled":
            lines.pop()
        assert complete[: len(lines)] == lines
        await toolset.execute(computer_call(CLICK))


async def test_a_step_that_was_cancelled_is_told_as_such() -> None:
    flag, diagnostics = [False], list[ToolDiagnostic]()

    def during(name: str) -> None:
        flag[0] = True

    with pytest.raises(ComputerUseError, match="cancelled"):
        await AsyncComputerToolset(Computer(during)).execute(
            computer_call(CLICK), cancelled=lambda: flag[0], on_diagnostic=diagnostics.append
        )
    assert told(diagnostics) == ["action/cancelled/click"]


async def test_an_asynchronous_question_whether_to_go_on_is_refused() -> None:
    async def cancelled() -> bool:
        return True

    asked: Any = cancelled
    with pytest.raises(TypeError, match="plain function"):
        await AsyncComputerToolset(Computer()).execute(computer_call(CLICK), cancelled=asked)


async def test_cancelling_the_task_passes_through_and_leaves_the_toolset_free() -> None:
    diagnostics = list[ToolDiagnostic]()
    reached = anyio.Event()

    async def forever() -> None:
        reached.set()
        await anyio.sleep_forever()

    hanging = Computer(lambda name: forever())
    toolset = AsyncComputerToolset(hanging)
    async with anyio.create_task_group() as group:

        async def work() -> None:
            await toolset.execute(computer_call(CLICK), on_diagnostic=diagnostics.append)
            raise AssertionError("it went on")

        group.start_soon(work)
        await reached.wait()
        with pytest.raises(ToolsetBusyError, match="Computer toolset is busy with another call"):
            await toolset.execute(computer_call(CLICK))
        assert toolset.close() == {"status": "draining"}
        group.cancel_scope.cancel()
    assert hanging.names == ["click"]
    assert diagnostics == []
    assert toolset.close() == {"status": "closed"}
    with pytest.raises(ToolsetClosedError, match="Computer toolset is closed"):
        await toolset.execute(computer_call(CLICK))
    # The driver was not the toolset's to close.
    assert toolset.driver is hanging
