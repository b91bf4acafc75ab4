"""`TurnRecord`: which turn it is, when it is over, and which messages are its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.speaking import (
    CONNECTION,
    HELLO,
    SESSION,
    decoded,
    kind,
    message,
    of_item,
    of_session,
    of_turn,
    said,
    turn,
    waits_for,
)
from anyopenai._codec import UnknownObject
from anyopenai.agents.turn import TurnRecord


def after(*events: dict[str, Any], collecting: bool = True) -> TurnRecord:
    record = TurnRecord()
    record.collecting = collecting
    for event in events:
        record.take(decoded(event))
    return record


def texts(record: TurnRecord) -> list[str]:
    return ["".join(part.text for part in one.content if part.type == "output_text") for one in record.messages()]


def test_a_turn_is_over_when_the_session_rests_after_it() -> None:
    """Idle before the turn says nothing, and the turn's own end is not yet the end."""
    record = TurnRecord()
    over = []
    for event in HELLO:
        record.take(decoded(event))
        over.append(record.over)
    assert over == [False] * (len(HELLO) - 1) + [True]
    assert record.reason() is None


def test_turns_of_subagents_begin_and_end_nothing() -> None:
    before = [of_turn("created", "other", "sub"), of_turn("completed", "other", "sub"), of_session("idle")]
    record = after(of_session("idle"), *before)
    assert (record.turn, record.over) == (None, False)
    record = after(*before, *turn(said("x", turn="other", id="theirs"), said("Mine.")))
    assert record.over
    assert texts(record) == ["Mine."]


def test_another_turn_s_end_is_not_this_one_s() -> None:
    record = after(of_turn("created"), of_turn("completed", "turn_2"), of_session("idle"))
    assert (record.over, record.reason()) == (False, "incomplete")


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "incomplete"),
        ([of_turn("created")], "incomplete"),
        ([of_turn("created"), of_turn("completed")], "incomplete"),
        ([of_turn("created"), of_turn("failed"), of_session("idle")], "failed"),
        ([of_turn("created"), of_turn("failed")], "failed"),
        ([of_turn("created"), of_turn("cancelled"), of_session("idle")], "cancelled"),
        ([of_session("failed")], "failed"),
        ([of_turn("created"), of_turn("completed"), of_session("failed")], "failed"),
        ([of_turn("created"), waits_for(**CONNECTION)], "requires_action"),
        ([of_turn("created"), waits_for(**CONNECTION), of_session("in_progress")], "incomplete"),
        ([of_turn("created"), waits_for(**CONNECTION), of_turn("completed"), of_session("idle")], None),
    ],
)
def test_a_turn_without_a_result_says_why(events: list[dict[str, Any]], reason: str | None) -> None:
    assert after(*events).reason() == reason


def test_messages_are_the_final_ones_of_the_turn() -> None:
    record = after(
        said("early", id="m0"),
        *turn(
            said("thinking", id="m1", phase="commentary"),
            said("half", id="m2", status="incomplete"),
            of_item("added", message("not done", id="m3")),
            said("second", id="m5", index=5, phase=None),
            said("fir", "st", id="m4", index=4),
            said("replaced", id="m6", index=6),
            said("third", id="m6", index=6),
        ),
        said("late", id="m7", index=7),
    )
    assert texts(record) == ["first", "second", "third", "late"]
    assert [one.role for one in record.messages()] == ["assistant"] * 4


def test_messages_are_kept_only_when_they_are_asked_for() -> None:
    record = after(*HELLO, collecting=False)
    assert record.over
    assert record.messages() == []


def test_a_part_of_an_unknown_kind_stays_as_it_is() -> None:
    item = message("a")
    item["content"].append({"type": "hologram", "depth": 3})
    (one,) = after(*turn(of_item("done", item))).messages()
    part: Any = one.content[1]
    assert isinstance(part, UnknownObject)
    assert part.depth == 3


def test_the_session_is_known_from_its_first_event() -> None:
    assert after(of_session("created")).session_id == SESSION


@given(
    st.lists(
        st.sampled_from(
            [*{kind(one) for one in HELLO}, "agent.session.requires_action", "agent.session.failed"]
        ).flatmap(
            lambda name: st.fixed_dictionaries(
                {"type": st.just(name)},
                optional=dict.fromkeys(
                    ("turn", "session", "item", "output_index"),
                    st.none() | st.integers() | st.just({}) | st.just({"id": "t", "content": None, "type": "message"}),
                ),
            )
        )
    )
)
def test_events_that_lack_anything_raise_nothing(events: list[dict[str, Any]]) -> None:
    after(*events).messages()


@given(st.lists(st.sampled_from([*HELLO, of_turn("cancelled"), of_session("failed"), waits_for(**CONNECTION)])))
def test_events_in_any_order_raise_nothing(events: list[dict[str, Any]]) -> None:
    record = after(*events)
    assert (record.reason() is None) <= record.over
