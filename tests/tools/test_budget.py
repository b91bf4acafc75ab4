"""The context budget: how much items are, what may be left out, and what is left when it is; arithmetic on any history."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._codec import encode
from anyopenai.tools.budget import check_budget, compacted, droppable, exceeds, images_in, size_of, snapshot_of
from anyopenai.tools.runner_items import call_id_of, check_answered, output_of
from tools.runner_turns import call, message, reasoning

SHOT = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AA=="}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}


def answered(call_id: str, output: Any = "ok") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def clicked(call_id: str) -> list[dict[str, Any]]:
    made = {"type": "computer_call", "id": f"cu_{call_id}", "call_id": call_id, "actions": [], "status": "completed"}
    return [made, {"type": "computer_call_output", "call_id": call_id, "output": SHOT}]


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A conversation of turns: thoughts, messages, calls, then outputs, then perhaps words of the user."""
    history: list[dict[str, Any]] = [{"role": "user", "content": draw(st.text(max_size=5))}]
    numbers = iter(range(1000))
    for _ in range(draw(st.integers(0, 5))):
        outputs = []
        for kind in draw(st.lists(st.sampled_from(["thought", "words", "call", "click"]), max_size=5)):
            number = f"{next(numbers)}"
            if kind == "thought":
                history.append(reasoning(number))
            elif kind == "words":
                history.append(message(number))
            elif kind == "call":
                history.append(call(number))
                outputs.append(answered(number, draw(st.sampled_from(["ok", "é" * 20, [IMAGE], [IMAGE, IMAGE]]))))
            else:
                made, output = clicked(number)
                history.append(made)
                outputs.append(output)
        history += outputs
        if draw(st.booleans()):
            history.append({"role": "user", "content": "go on"})
    return history


@given(history=histories())
def test_the_size_is_what_is_sent(history: list[dict[str, Any]]) -> None:
    assert size_of(history) == len(encode(history))
    budget = {"max_input_bytes": size_of(history), "max_input_images": images_in(history)}
    assert exceeds(budget, history) is None
    assert "bytes" in str(exceeds({**budget, "max_input_bytes": size_of(history) - 1}, history))
    if images_in(history):
        assert "images" in str(exceeds({**budget, "max_input_images": images_in(history) - 1}, history))


@given(history=histories(), keep=st.integers(1, 3), data=st.data())
def test_what_is_left_stands_on_its_own(history: list[dict[str, Any]], keep: int, data: st.DataObject) -> None:
    """Whatever is left out, calls and outputs stay in pairs, nothing else goes but thoughts that led to nothing left."""
    eligible = droppable(history, keep)
    dropped = data.draw(st.lists(st.sampled_from(eligible), unique=True) if eligible else st.just([]))
    left = compacted(history, eligible, {"drop_call_ids": dropped, "summary": "short"})
    check_answered(left)
    note = [item for item in left if item not in history]
    assert len(note) == bool(dropped)
    kept = [item for item in left if item in history]
    gone = [item for item in history if item not in kept]
    assert [item for item in history if item in kept] == kept
    assert {found for item in gone if (found := call_id_of(item)) is not None} == set(dropped)
    assert {found for item in gone if (found := output_of(item)) is not None} == set(dropped)
    assert {item.get("type") for item in gone} <= {
        *("function_call", "computer_call", "reasoning", "function_call_output", "computer_call_output")
    }
    if dropped:
        assert all(f'"{one}"' in note[0]["content"] for one in dropped)
        assert "short" in note[0]["content"]


@given(history=histories(), keep=st.integers(1, 3))
def test_the_last_screenshots_are_not_eligible(history: list[dict[str, Any]], keep: int) -> None:
    shots = [str(call_id_of(item)) for item in history if item.get("type") == "computer_call"]
    eligible = droppable(history, keep)
    assert not set(shots[-keep:]) & set(eligible)
    assert set(shots[:-keep]) <= set(eligible)
    snapshot = snapshot_of({"keep_recent_screenshots": keep}, history)
    assert (snapshot["eligible_call_ids"], snapshot["input_images"]) == (eligible, images_in(history))
    assert snapshot["history"] == history
    assert all(one is not other for one, other in zip(snapshot["history"], history, strict=True))


def test_a_thought_goes_with_all_that_it_led_to() -> None:
    """The API refuses reasoning without the item that followed it; openai-python leaves it behind."""
    history = [{"role": "user", "content": "q"}, reasoning("1"), call("a"), answered("a"), reasoning("2"), message("m")]
    left = compacted(history, ["a"], {"drop_call_ids": ["a"]})
    assert [item.get("type", item.get("role")) for item in left] == ["user", "user", "reasoning", "message"]


def test_a_thought_stays_with_what_is_left_of_its_turn() -> None:
    history = [reasoning("1"), call("a"), call("b"), answered("a"), answered("b")]
    left = compacted(history, ["a", "b"], {"drop_call_ids": ["a"]})
    assert [item.get("type", item.get("role")) for item in left] == [
        *("reasoning", "user", "function_call", "function_call_output")
    ]


def test_the_note_stands_where_the_first_call_stood() -> None:
    """What stands before it is unchanged, so that it stays cached."""
    history = [
        {"role": "user", "content": "q"},
        message("m"),
        call("a"),
        answered("a"),
        {"role": "user", "content": "r"},
    ]
    left = compacted(history, ["a"], {"drop_call_ids": ["a"]})
    assert [*left[:2], left[3]] == [*history[:2], history[4]]
    assert '"call_id":"a"' in left[2]["content"]  # type: ignore[operator]  # it is a text


def test_calls_without_an_output_are_not_eligible() -> None:
    assert droppable([call("a"), call("b"), answered("b")]) == ["b"]


def test_images_of_every_place_count() -> None:
    history = [
        {"role": "user", "content": [IMAGE, {"type": "input_text", "text": "x"}]},
        answered("a", [IMAGE]),
        *clicked("b"),
        {"type": "image_generation_call", "id": "i", "status": "completed", "result": "AA=="},
        {"type": "image_generation_call", "id": "j", "status": "completed", "result": None},
    ]
    assert images_in(history) == 4


@pytest.mark.parametrize(
    "decision",
    [
        None,
        {},
        {"drop_call_ids": "a"},
        {"drop_call_ids": ["other"]},
        {"drop_call_ids": ["a", "a"]},
        {"drop_call_ids": [], "summary": 3},
        {"drop_call_ids": [], "more": 1},
    ],
)
def test_what_is_no_decision(decision: Any) -> None:
    with pytest.raises(ValueError, match=r"compact\(\)"):
        compacted([call("a"), answered("a")], ["a"], decision)


@pytest.mark.parametrize(
    "budget",
    [
        {},
        {"max_input_bytes": 1},
        {"max_input_bytes": 0, "max_input_images": 0},
        {"max_input_bytes": True, "max_input_images": 0},
        {"max_input_bytes": 1.0, "max_input_images": 0},
        {"max_input_bytes": 1, "max_input_images": -1},
        {"max_input_bytes": 1, "max_input_images": 0, "keep_recent_screenshots": 0},
        {"max_input_bytes": 1, "max_input_images": 0, "compact": 3},
        {"max_input_bytes": 1, "max_input_images": 0, "more": 3},
    ],
)
def test_what_is_no_budget(budget: Any) -> None:
    with pytest.raises(ValueError, match="context_budget"):
        check_budget(budget)
