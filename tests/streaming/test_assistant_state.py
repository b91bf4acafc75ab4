"""Events of runs to runs, messages and steps: however pieces are numbered, cut and mixed, at a cost linear in them."""

from __future__ import annotations

import itertools
import json
import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai._codec import decoder_for
from anyopenai.streaming.assistant_state import GrowingRun
from anyopenai.types.beta.assistant_stream_event import AssistantStreamEvent
from streaming.runs import BEGIN, CITATION, Event, calls, code, function, image, message, piece, run, step, text, whole

DECODE: Callable[[bytes], Any] = decoder_for(AssistantStreamEvent).decode  # type: ignore[arg-type]  # a union
EVERY = frozenset({"on_message_created", "on_message_delta", "on_message_done", "on_text_created", "on_text_delta",
                   "on_text_done", "on_image_file_done", "on_run_step_created", "on_run_step_delta", "on_run_step_done",
                   "on_tool_call_created", "on_tool_call_delta", "on_tool_call_done"})  # fmt: skip
NONE: frozenset[str] = frozenset()
CALLED = step("created")


def decoded(event: Event) -> Any:
    return DECODE(json.dumps({"event": event[0], "data": event[1]}).encode())


def after(*events: Event, wanted: frozenset[str] = EVERY) -> GrowingRun:
    """Return what events become."""
    state = GrowingRun()
    for event in events:
        state.take(decoded(event), wanted)
    return state


def told(*events: Event) -> list[tuple[Any, ...]]:
    """Return the hooks that are called, with the text or the arguments of what they are called with last."""
    state = GrowingRun()
    found: list[tuple[Any, ...]] = []
    for event in events:
        for name, *facts in state.take(decoded(event), EVERY):
            shown: Any = facts[-1]
            for member in ("value", "function", "code_interpreter"):
                shown = getattr(shown, member, shown)
            found.append((name, getattr(shown, "arguments", getattr(shown, "input", shown))))
    return found


def functions(*pieces: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return id, name and arguments of the calls that deltas of a step become."""
    state = after(*BEGIN, CALLED, *(calls(*one) for one in pieces))
    details: Any = state.steps[0].step_details
    return [(call.id, call.function.name, call.function.arguments) for call in details.tool_calls]


BOTH = [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([[function(0, "a", name="f", arguments=""), function(1, "b", name="g", arguments="")],
                      [function(1, arguments='{"y"')], [function(0, arguments='{"x"')],
                      [function(0, arguments=":1}"), function(1, arguments=":2}")]], id="interleaved"),
        pytest.param([[function(0, "a", name="f", arguments='{"x":1}')], [function(0, "b", name="g", arguments='{"y":2}')]],
                     id="always index 0"),
        pytest.param([[function(None, "a", name="f", arguments='{"x"')], [function(None, arguments=":1}")],
                      [function(None, "b", name="g", arguments='{"y":2}')]], id="no index"),
        pytest.param([[function(None, "a", name="f", arguments=""), function(None, "b", name="g", arguments="")],
                      [function(None, arguments='{"x"'), function(None, arguments='{"y"')],
                      [function(None, "b", arguments=":2}")], [function(None, "a", arguments=":1}")]],
                     id="no index, by place and id"),
        pytest.param([[function(0, "a", name="f", arguments='{"x"')], [function(0, "a", name="f", arguments=":1}")],
                      [function(1, "b", name="g", arguments='{"y":2}')]], id="id and name repeated"),
        pytest.param([[function(5, "a", name="f", arguments='{"x":1}')], [function(9, "b", name="g", arguments='{"y":2}')]],
                     id="any indexes"),
    ],
)  # fmt: skip
def test_calls_come_out_apart(pieces: list[list[dict[str, Any]]]) -> None:
    """USERS row 26."""
    assert functions(*pieces) == BOTH


def test_calls_without_ids_begin_with_a_name_after_complete_arguments() -> None:
    assert functions(
        [function(0, name="f", arguments="{}")], [function(0, name="f", arguments="{}")], [function(0, name="g", arguments="{")]
    ) == [("", "f", "{}"), ("", "f", "{}"), ("", "g", "{")]  # fmt: skip


def test_another_kind_of_tool_begins_a_call() -> None:
    state = after(
        CALLED,
        calls(code(0, "a", input="x")),
        calls(function(0, name="f", arguments="{}")),
        calls({"index": 0, "type": "file_search", "file_search": {}}),
        calls({"index": 0, "type": "brand_new", "brand_new": {"said": "a"}}),
        calls({"index": 0, "type": "brand_new", "brand_new": {"said": "b"}}),
    )
    details: Any = state.steps[0].step_details
    assert [call.type for call in details.tool_calls] == ["code_interpreter", "function", "file_search", "brand_new"]
    assert details.tool_calls[3] == {"type": "brand_new", "brand_new": {"said": "ab"}, "index": 0}


def test_a_kind_that_is_left_out_is_the_member_that_is_there() -> None:
    bare = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}
    assert functions([bare], [{"index": 0, "function": {"arguments": "}"}}]) == [("a", "f", "{}")]
    state = after(
        message("created"), piece({"index": 0, "text": {"value": "a"}}), piece({"index": 0, "text": {"value": "b"}})
    )
    assert state.messages[0].content[0].to_dict() == whole("ab")


def test_interleaved_calls_are_told_once_and_whole() -> None:
    """Where openai-python tells another beginning with every change."""
    found = told(
        CALLED,
        calls(function(0, "a", name="f", arguments="")),
        calls(function(1, "b", name="g", arguments="")),
        calls(function(0, arguments='{"x"')),
        calls(function(1, arguments='{"y"')),
        calls(function(0, arguments=":1}"), function(1, arguments=":2}")),
        run("requires_action"),
    )
    assert [one for one in found if one[0] == "on_tool_call_created"] == [("on_tool_call_created", "")] * 2
    assert sum(one[0] == "on_tool_call_delta" for one in found) == 4
    assert [one for one in found if one[0] == "on_tool_call_done"] == [
        ("on_tool_call_done", '{"x":1}'),
        ("on_tool_call_done", '{"y":2}'),
    ]


def test_what_goes_on_after_its_end_is_told_once_more_when_it_is_whole() -> None:
    done = told(
        message("created"),
        piece(text("a")),
        piece(text("b", 1)),
        piece(text("c")),
        piece(text("d", 1)),
        piece(text("e")),
        message("completed", whole("ace"), whole("bd")),
    )
    assert [one[1] for one in done if one[0] == "on_text_done"] == ["a", "b", "ace", "bd"]
    ran = told(
        CALLED,
        calls(code(0, "a", input="x")),
        calls(code(1, "b", input="y")),
        calls(code(0, input="z")),
        step("completed"),
        run("completed"),
    )
    assert [one[1] for one in ran if one[0] == "on_tool_call_done"] == ["x", "y", "xz"]


def test_messages_and_steps_that_are_mixed_stay_apart() -> None:
    """Where openai-python adds every piece to the latest message."""
    state = after(
        message("created"),
        message("created", id="msg_2"),
        piece(text("b"), id="msg_2"),
        piece(text("a")),
        step("created"),
        step("created", id="step_2"),
        calls(function(0, "x", name="f", arguments="1")),
        calls(function(0, "y", name="g", arguments="2"), id="step_2"),
        calls(function(0, arguments="0")),
    )
    assert [one.content[0].to_dict() for one in state.messages] == [whole("a"), whole("b")]
    assert state.message is not None
    assert state.message.snapshot().id == "msg_1"
    details: list[Any] = [one.step_details for one in state.steps]
    assert [[call.function.arguments for call in one.tool_calls] for one in details] == [["10"], ["2"]]


def test_pieces_whose_beginning_was_not_told_have_one() -> None:
    """Where openai-python fails."""
    state = after(run("in_progress"), piece(text("a")), calls(function(0, "x", name="f", arguments="{}")))
    (said,) = state.messages
    assert (said.id, said.role, said.thread_id, said.status) == ("msg_1", "assistant", "thread_1", "in_progress")
    assert said.content[0].to_dict() == whole("a")
    (made,) = state.steps
    assert (made.id, made.run_id, made.type) == ("step_1", "run_1", "tool_calls")
    assert "created_at" not in said.to_dict()


def test_parts_stand_in_the_order_of_their_numbers() -> None:
    state = after(
        message("created"), piece(text("c", 3)), piece(text("a", 1)), piece(image(2, "b")), piece(text("!", 3))
    )
    assert [part.to_dict() for part in state.messages[0].content] == [
        whole("a"), {"type": "image_file", "image_file": {"file_id": "b"}}, whole("c!")]  # fmt: skip


def test_parts_without_numbers_and_of_another_kind_at_one_number_stay_apart() -> None:
    state = after(message("created"), piece(text("a", None), text("b", None)), piece(text("c", None)), piece(image(0)))
    shown = [part.to_dict() for part in state.messages[0].content]
    assert shown == [whole("a"), whole("bc"), {"type": "image_file", "image_file": {"file_id": "f1"}}]


def test_an_unknown_part_grows_too() -> None:
    new = {"index": 0, "type": "brand_new", "said": "a"}
    state = after(message("created"), piece(new), piece({**new, "said": "b"}))
    assert state.messages[0].content == [{"type": "brand_new", "said": "ab", "index": 0}]


def test_annotations_come_whole_in_pieces_and_without_numbers() -> None:
    first = {"index": 0, "type": "file_citation", "text": "[", "file_citation": {"file_id": "f"}}
    rest = {"index": 0, "type": "file_citation", "text": "1]", "start_index": 1, "end_index": 2}
    state = after(message("created"), piece(text("a", annotations=[first])))
    shown: Any = state.messages[0].content[0]
    assert shown.text.annotations[0].text == "["
    state.take(decoded(piece(text("", annotations=[rest]))), EVERY)
    state.take(
        decoded(piece(text("", annotations=[{"type": "file_path", "text": "p"}, {"type": "new", "x": 1}]))), EVERY
    )
    assert state.messages[0].content[0] is shown
    assert [one.to_dict() for one in shown.text.annotations] == [
        CITATION, {"type": "file_path", "text": "p"}, {"type": "new", "x": 1}]  # fmt: skip


def test_outputs_of_code_grow_apart() -> None:
    """Where openai-python mixes outputs whose numbers do not come in order."""
    state = after(
        CALLED,
        calls(code(0, "a", input="x")),
        calls(code(0, outputs=[{"index": 1, "type": "image", "image": {"file_id": "f"}}, {"index": 0, "type": "logs", "logs": "l"}])),
        calls(code(0, outputs=[{"index": 0, "type": "logs", "logs": "m"}, {"type": "brand_new", "x": 1}])),
    )  # fmt: skip
    details: Any = state.steps[0].step_details
    assert [one.to_dict() for one in details.tool_calls[0].code_interpreter.outputs] == [
        {"type": "image", "image": {"file_id": "f"}},
        {"type": "logs", "logs": "lm"},
        {"type": "brand_new", "x": 1},
    ]


def test_results_of_a_search_are_added() -> None:
    """Where openai-python refuses the second one."""
    found = [{"file_id": name, "file_name": "n", "score": 0.5} for name in "fg"]

    def search(**members: Any) -> Event:
        return calls({"index": 0, "id": "a", "type": "file_search", "file_search": members})

    ranking = {"ranker": "auto", "score_threshold": 0.0}
    state = after(CALLED, search(), search(results=found[:1], ranking_options=ranking), search(results=found[1:]))
    details: Any = state.steps[0].step_details
    assert details.tool_calls[0].to_dict()["file_search"] == {"ranking_options": ranking, "results": found}


def test_a_call_that_has_begun_in_the_step_goes_on() -> None:
    begun = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"', "output": None}}
    state = GrowingRun()
    created = decoded(step("created", calls=[begun]))
    state.take(created, EVERY)
    state.take(decoded(calls(function(0, arguments=":1}", output="o"))), EVERY)
    details: Any = state.steps[0].step_details
    assert details.tool_calls[0].to_dict()["function"] == {"name": "f", "arguments": '{"x":1}', "output": "o"}
    assert created.data.step_details.to_dict()["tool_calls"][0]["function"]["arguments"] == '{"x"'


def test_what_is_left_out_at_the_end_is_what_was_streamed() -> None:
    state = after(
        message("created"), piece(text("a")), message("completed"),
        step("created"), calls(function(0, "x", name="f", arguments="{}")), step("completed"),
    )  # fmt: skip
    assert (state.messages[0].status, state.messages[0].content[0].to_dict()) == ("completed", whole("a"))
    details: Any = state.steps[0].step_details
    assert (state.steps[0].status, details.tool_calls[0].id) == ("completed", "x")


def test_snapshots_are_one_object_and_leave_events_as_they_were() -> None:
    state = GrowingRun()
    created = decoded(message("created", whole("a")))
    state.take(created, NONE)
    shown = state.messages[0]
    part = shown.content[0]
    first = decoded(piece(text("b")))
    for event in (first, decoded(piece(text("c"))), decoded(message("in_progress", metadata={"a": "b"}))):
        state.take(event, NONE)
    assert state.messages[0] is shown
    assert shown.content[0] is part
    assert part.to_dict() == whole("abc")
    assert shown.metadata == {"a": "b"}
    assert created.data.content[0].to_dict() == whole("a")
    assert first.data.delta.content[0].text.value == "b"
    last = decoded(message("completed", whole("abc")))
    state.take(last, NONE)
    assert state.messages[0] is last.data


ODD: list[Event] = [
    ("thread.message.delta", {}),
    ("thread.message.delta", {"id": None, "delta": None}),
    ("thread.message.delta", {"id": "msg_1", "delta": {"content": None, "role": "user"}}),
    ("thread.message.delta", {"id": "msg_1", "delta": {"content": [None, 1, {"index": "x"}, {"type": "text", "text": None}]}}),
    ("thread.message.delta", {"id": "msg_1", "delta": {"content": [text(None, annotations=[None, 1])]}}),  # type: ignore[arg-type]  # odd
    ("thread.message.created", {}),
    ("thread.message.completed", {"id": "msg_1", "content": None}),
    ("thread.message.in_progress", {"id": "msg_9"}),
    ("thread.run.step.delta", {}),
    ("thread.run.step.delta", {"id": "step_1", "delta": {"step_details": None}}),
    ("thread.run.step.delta", {"id": "step_1", "delta": {"step_details": {"type": "tool_calls", "tool_calls": [None, 1, {}]}}}),
    calls({"index": 0, "type": "function"}, {"type": "code_interpreter"}, {"type": "file_search", "file_search": 1}),
    calls(code(4, outputs=[None, {}, {"type": "logs"}, {"type": "image"}])),
    ("thread.run.step.delta", {"id": "step_1", "delta": {"step_details": {"type": "message_creation",
                               "message_creation": {"message_id": "m"}}}}),
    ("thread.run.step.created", {"id": "step_3"}),
    ("thread.run.step.completed", {"id": "step_1", "step_details": None}),
    ("thread.run.step.in_progress", {"id": "step_7", "step_details": {"type": "new"}}),
    ("thread.run.completed", {}),
    ("thread.run.brand_new", {"id": "r"}),
    ("brand.new", {}),
]  # fmt: skip


@given(st.lists(st.sampled_from([*ODD, message("created"), step("created"), piece(text("a")), calls(code(0, input="b"))])),
       st.sampled_from([EVERY, NONE]))  # fmt: skip
def test_nothing_that_a_server_sends_breaks_it(events: list[Event], wanted: frozenset[str]) -> None:
    state = after(*events, wanted=wanted)
    for shown in (*state.messages, *state.steps):
        shown.to_json()
    pickle.dumps(state.partial())


@given(data=st.data(), texts=st.lists(st.tuples(st.sampled_from("tcf"), st.text(min_size=1, max_size=8)), max_size=5))
def test_any_cut_and_any_mixture_of_pieces_gives_the_same(data: st.DataObject, texts: list[tuple[str, str]]) -> None:
    """Texts of messages, code, and arguments, each with a number of its own."""
    make: dict[str, Callable[[int, str], Event]] = {
        "t": lambda number, value: piece(text(value, number)),
        "c": lambda number, value: calls(code(number, input=value)),
        "f": lambda number, value: calls(function(number, arguments=value)),
    }
    queues = []
    for number, (kind, value) in enumerate(texts):
        cuts = sorted(data.draw(st.sets(st.integers(0, len(value)), max_size=3)) | {0, len(value)})
        queues.append([make[kind](number, value[start:end]) for start, end in itertools.pairwise(cuts)])
    state = after(message("created"), step("created"))
    while any(queues):
        number = data.draw(st.sampled_from([one for one, queue in enumerate(queues) if queue]))
        state.take(decoded(queues[number].pop(0)), data.draw(st.sampled_from([EVERY, NONE])))
        if data.draw(st.booleans()):
            _ = (state.messages, state.steps)
    assert [part.to_dict() for part in state.messages[0].content] == [
        whole(value) for kind, value in texts if kind == "t"
    ]
    details: Any = state.steps[0].step_details
    found = {
        "".join(getattr(getattr(call, call.type), name, "") for name in ("input", "arguments"))
        for call in details.tool_calls
    }
    assert found == {value for kind, value in texts if kind != "t"}


def work_of(events: Sequence[Any], wanted: frozenset[str]) -> int:
    """Return how many functions are called for events, those written in C included."""
    state = GrowingRun()
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for event in events:
            state.take(event, wanted)
    finally:
        sys.setprofile(before)
    return count


GROWTH: dict[str, Callable[[int], Event]] = {
    "one text": lambda number: piece(text("word ")),
    "many texts": lambda number: piece(text("word ", number)),
    "annotations": lambda number: piece(text("", annotations=[{"index": number, **CITATION}])),
    "one call": lambda number: calls(function(0, name="f" if not number else None, arguments='{"a":"' if not number else "b")),
    "many calls": lambda number: calls(function(number, f"c{number}", name="f", arguments="{}")),
    "code": lambda number: calls(code(0, input="x = 1\n")),
    "one log": lambda number: calls(code(0, outputs=[{"index": 0, "type": "logs", "logs": "word "}])),
    "many logs": lambda number: calls(code(0, outputs=[{"index": number, "type": "logs", "logs": "word "}])),
}  # fmt: skip


@pytest.mark.parametrize("wanted", [EVERY, NONE], ids=["looked at with every piece", "looked at once"])
@pytest.mark.parametrize("name", GROWTH)
def test_the_work_is_in_proportion_to_the_pieces(name: str, wanted: frozenset[str]) -> None:
    begin = [decoded(message("created")), decoded(step("created"))]
    events = [*begin, *(decoded(GROWTH[name](number)) for number in range(800))]
    few, many = (work_of(events[:count], wanted) for count in (202, 802))
    assert many <= 4.2 * few


def test_a_hundred_thousand_pieces_become_one_message_and_one_call() -> None:
    state = after(message("created"), step("created"))
    said, made = decoded(piece(text("word "))), decoded(calls(code(0, input="x = 1\n")))
    for number in range(100_000):
        state.take(said, NONE)
        state.take(made, NONE)
        if number % 1000 == 0:
            _ = (state.messages, state.steps)
    assert state.messages[0].content[0].to_dict() == whole("word " * 100_000)
    details: Any = state.steps[0].step_details
    assert details.tool_calls[0].code_interpreter.input == "x = 1\n" * 100_000
