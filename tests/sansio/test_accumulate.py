"""The text of a stream so far: deltas in order, by choice, whatever else the events hold."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from anyopenai._sansio.accumulate import TextSoFar, text_for


class Delta(Struct):
    content: object = None
    role: str | None = None


class Choice(Struct):
    delta: Delta | None = None
    index: int | None = 0
    text: str | None = None


class Chunk(Struct):
    choices: list[Choice] | None


class TextDelta(Struct):
    delta: object
    type: ClassVar[str] = "response.output_text.delta"


class OtherDelta(Struct):
    delta: str
    type: ClassVar[str] = "response.function_call_arguments.delta"


class Named(Struct):
    event: str
    data: object


def folded(name: str | None, *events: object) -> str | dict[int, str] | None:
    text = text_for(name)
    for event in events:
        text.apply(event)
    return text.value()


def chat(content: object, index: int | None = 0) -> Chunk:
    return Chunk([Choice(Delta(content), index)])


def test_chat_deltas_are_joined() -> None:
    assert folded("chat", chat(None), chat(""), chat("Hel"), Chunk([]), chat("lo"), chat(None)) == "Hello"


def test_several_choices_are_kept_apart() -> None:
    both = Chunk([Choice(Delta("C"), 0), Choice(Delta("D"), 1)])
    assert folded("chat", chat("A"), chat("B", 1), both, chat("E", 2)) == {0: "AC", 1: "BD", 2: "E"}


def test_choices_come_in_the_order_of_their_index() -> None:
    value = folded("chat", chat("C", 2), chat("B", 1))
    assert value == {1: "B", 2: "C"}
    assert list(value) == [1, 2]


def test_a_choice_without_an_index_is_the_first() -> None:
    assert folded("chat", chat("A", None), chat("B")) == "AB"


def test_chat_mappings_are_read_like_structs() -> None:
    events = [{"choices": [{"index": 0, "delta": {"content": "A"}}]}, {"choices": [{"delta": {"content": "B"}}]}]
    assert folded("chat", *events) == "AB"


def test_legacy_completions_are_joined() -> None:
    events = [Chunk([Choice(text="A")]), {"choices": [{"text": "B", "index": 0}]}, Chunk([Choice(text="C", index=1)])]
    assert folded("completion", *events) == {0: "AB", 1: "C"}


def test_response_text_deltas_are_joined_and_other_deltas_are_not() -> None:
    events = [TextDelta("A"), OtherDelta("{}"), {"type": "response.output_text.delta", "delta": "B"}, TextDelta("C")]
    assert folded("response", *events) == "ABC"


def test_transcript_deltas_are_joined() -> None:
    assert (
        folded("transcript", {"type": "transcript.text.delta", "delta": "A"}, {"type": "transcript.text.done"}) == "A"
    )


def test_run_message_deltas_are_joined() -> None:
    data = {"delta": {"content": [{"type": "text", "text": {"value": "A"}}, {"type": "image_file"}]}}
    other = {"delta": {"content": [{"type": "text", "text": {"value": "B"}}]}}
    assert folded("run", Named("thread.message.delta", data), Named("thread.run.completed", other)) == "A"


@pytest.mark.parametrize("name", ["image", "speech", "agent_session", "unheard_of", None])
def test_streams_without_text_have_none(name: str | None) -> None:
    assert folded(name, chat("A"), TextDelta("B")) is None


@pytest.mark.parametrize("name", ["chat", "completion", "response", "transcript", "run"])
def test_no_text_is_none(name: str) -> None:
    assert folded(name) is None
    assert folded(name, chat(None), Chunk(None), TextDelta(None)) is None


def test_text_of_a_wrong_type_is_left_out() -> None:
    assert folded("chat", chat(1), chat(b"x"), chat(["y"]), chat({"z": 1}), chat("A")) == "A"
    assert folded("response", TextDelta(1), TextDelta(b"x"), TextDelta("A")) == "A"


def test_one_odd_choice_does_not_repeat_or_hide_the_others() -> None:
    odd = {"choices": [{"index": 0, "delta": {"content": "A"}}, None, 3, {"index": 1}, {"delta": {"content": "B"}}]}
    assert folded("chat", odd, Chunk([Choice(Delta("C")), Choice(None)])) == "ABC"


def test_many_deltas_are_folded_without_joining_in_between() -> None:
    text = text_for("chat")
    event = chat("x")
    for _ in range(10_000):
        text.apply(event)
    assert len(text._parts) == 10_000
    assert text.value() == "x" * 10_000


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "index", "delta", "content", "text", "type", "event", "data", "value"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    name=st.sampled_from(["chat", "completion", "response", "transcript", "run", None]),
    events=st.lists(plain | st.builds(Chunk, plain) | st.builds(TextDelta, plain), max_size=6),  # type: ignore[arg-type]  # wrong on purpose
)
@settings(max_examples=200)
def test_no_event_raises(name: str | None, events: list[object]) -> None:
    value = folded(name, *events)
    assert value is None or isinstance(value, str | dict)


def test_the_plain_class_keeps_nothing() -> None:
    text = TextSoFar()
    text.apply(chat("A"))
    assert text.value() is None
