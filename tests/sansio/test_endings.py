"""When a stream is complete: the table of end markers, on Structs, mappings and nonsense."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from anyopenai._sansio.endings import Ending, ending_for

NAMES = ["chat", "completion", "response", "run", "image", "speech", "transcript", "agent_session", "unheard_of", None]


class Choice(Struct):
    index: int | None = 0
    finish_reason: str | None = None


class Chunk(Struct):
    choices: list[Choice] | None = None
    usage: dict[str, int] | None = None


class Completed(Struct):
    type: ClassVar[str] = "response.completed"


class Named(Struct):
    event: str
    data: object = None


class Typed(Struct):
    type: str


def chunk(*finished: int, going: tuple[int, ...] = (), usage: bool = False) -> Chunk:
    choices = [Choice(index, "stop") for index in finished] + [Choice(index) for index in going]
    return Chunk(choices, {"total_tokens": 1} if usage else None)


def complete_after(ending: Ending, *events: object) -> bool:
    for event in events:
        assert ending.observe(event) is False
    return ending.complete


@pytest.mark.parametrize("name", ["chat", "completion"])
def test_a_chat_is_complete_with_its_finish_reason(name: str) -> None:
    ending = ending_for(name, {})
    assert not complete_after(ending, chunk(going=(0,)), Chunk([]), chunk(going=(0,)))
    assert ending.expected == "[DONE] or a finish reason"
    assert complete_after(ending, chunk(0))
    # What comes between the finish reason and [DONE] changes nothing.
    assert complete_after(ending, Chunk([], {"total_tokens": 1}), chunk(going=(0,)))


@pytest.mark.parametrize("name", NAMES)
def test_done_completes_every_stream(name: str | None) -> None:
    ending = ending_for(name, {"n": 3, "stream_options": {"include_usage": True}})
    ending.saw_done()
    assert ending.complete


@pytest.mark.parametrize("name", ["chat", "completion"])
def test_every_choice_that_was_asked_for_needs_its_finish_reason(name: str) -> None:
    ending = ending_for(name, {"n": 3})
    assert not complete_after(ending, chunk(1), chunk(0), chunk(1))
    assert ending.expected == "[DONE] or finish reasons on 3 choices"
    assert complete_after(ending, chunk(2))


def test_several_choices_may_finish_in_one_chunk() -> None:
    assert complete_after(ending_for("chat", {"n": 2}), chunk(0, 1))
    assert not complete_after(ending_for("chat", {"n": 2}), chunk(0, going=(1,)))


def test_choices_without_an_index_count_by_place() -> None:
    ending = ending_for("chat", {"n": 2})
    assert complete_after(ending, Chunk([Choice(None, "stop"), Choice(None, "length")]))


@pytest.mark.parametrize(
    ("prompt", "count"), [("one", 1), (["one"], 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1], [2], [3]], 3), ([], 1)]
)
def test_every_prompt_of_a_list_has_its_choices(prompt: object, count: int) -> None:
    ending = ending_for("completion", {"prompt": prompt, "n": 2})
    assert not complete_after(ending, *[chunk(index) for index in range(2 * count - 1)])
    assert complete_after(ending, chunk(2 * count - 1))


def test_the_usage_is_awaited_where_it_was_asked_for() -> None:
    ending = ending_for("chat", {"stream_options": {"include_usage": True}})
    assert not complete_after(ending, chunk(0))
    assert ending.expected == "[DONE] or the usage chunk that include_usage asks for"
    assert complete_after(ending, Chunk([], {"total_tokens": 3}))


def test_the_usage_may_come_with_the_finish_reason() -> None:
    ending = ending_for("chat", {"stream_options": {"include_usage": True}})
    assert not complete_after(ending, chunk(going=(0,), usage=True))
    assert complete_after(ending, chunk(0, usage=True))


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": None}, "nonsense"])
def test_the_usage_is_not_awaited_where_it_was_not_asked_for(options: object) -> None:
    assert complete_after(ending_for("chat", {"stream_options": options}), chunk(0))


@pytest.mark.parametrize("n", [None, 1, 0, -1, "2", 1.5, True])
def test_a_senseless_number_of_choices_is_one(n: object) -> None:
    assert complete_after(ending_for("chat", {"n": n}), chunk(0))


@pytest.mark.parametrize("kind", ["completed", "failed", "incomplete", "cancelled"])
def test_a_response_ends_with_its_terminal_event(kind: str) -> None:
    ending = ending_for("response", {})
    assert not complete_after(
        ending, Typed("response.created"), Typed("response.output_text.done"), Typed("response.output_item.done")
    )
    assert "response.completed" in ending.expected
    assert ending.observe(Typed(f"response.{kind}"))
    assert ending.complete


def test_a_response_ends_with_the_apis_own_error_event() -> None:
    ending = ending_for("response", {})
    assert ending.observe(Typed("error"))
    assert ending.complete


def test_a_type_may_be_a_constant_of_the_class_or_a_member_of_a_mapping() -> None:
    assert ending_for("response", {}).observe(Completed())
    assert ending_for("response", {}).observe({"type": "response.completed"})


def test_mappings_are_read_like_structs() -> None:
    ending = ending_for("chat", {"n": 2})
    assert not complete_after(ending, {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]})
    assert complete_after(ending, {"choices": [{"index": 1, "finish_reason": "stop"}], "usage": None})


@pytest.mark.parametrize("event", ["completed", "failed", "cancelled", "expired", "incomplete", "requires_action"])
def test_a_run_ends_with_its_terminal_event_and_done_follows(event: str) -> None:
    ending = ending_for("run", {})
    assert not complete_after(ending, Named("thread.run.created"), Named("thread.run.step.completed"))
    assert complete_after(ending, Named(f"thread.run.{event}"))
    assert ending.observe(Named("done", "[DONE]"))


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_images_end_with_the_last_of_them(kind: str) -> None:
    ending = ending_for("image", {"n": 2})
    assert not complete_after(ending, Typed(f"{kind}.partial_image"), Typed(f"{kind}.completed"))
    assert ending.observe(Typed(f"{kind}.completed"))
    assert ending.complete


@pytest.mark.parametrize(
    ("name", "delta", "last"),
    [
        ("speech", "speech.audio.delta", "speech.audio.done"),
        ("transcript", "transcript.text.delta", "transcript.text.done"),
    ],
)
def test_audio_ends_with_its_done_event(name: str, delta: str, last: str) -> None:
    ending = ending_for(name, {})
    assert not complete_after(ending, Typed(delta))
    assert ending.expected == last
    assert ending.observe(Typed(last))


def test_an_agent_session_may_end_where_it_rests() -> None:
    ending = ending_for("agent_session", {})
    assert not complete_after(ending, Typed("agent.session.created"), Typed("agent.session.turn.in_progress"))
    assert complete_after(ending, Typed("agent.session.idle"))
    assert not complete_after(ending, Typed("agent.session.turn.created"))
    assert complete_after(ending, Typed("agent.session.requires_action"), Typed("agent.session.environment.ready"))


@pytest.mark.parametrize("name", ["unheard_of", None, ""])
def test_a_stream_without_a_rule_may_end_anywhere(name: str | None) -> None:
    ending = ending_for(name, {})
    assert ending.complete
    assert complete_after(ending, Typed("x"))
    assert ending.expected


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "index", "finish_reason", "usage", "type", "event", "data"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(
    name=st.sampled_from(NAMES),
    body=st.dictionaries(st.sampled_from(["n", "prompt", "stream_options"]), plain),
    events=st.lists(plain | st.builds(Typed, plain) | st.builds(Named, plain), max_size=5),  # type: ignore[arg-type]  # wrong on purpose
)
@settings(max_examples=200)
def test_no_event_and_no_body_raises(name: str | None, body: dict[str, object], events: list[object]) -> None:
    ending = ending_for(name, body)
    for event in events:
        assert ending.observe(event) in (True, False)
    assert ending.complete in (True, False)
    assert isinstance(ending.expected, str)


FRAMES = [
    ("", b'{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}'),
    ("", b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'),
    ("", b'{"choices":[{"finish_reason":null},{"finish_reason":"stop"}]}'),
    ("", b'{"choices":[{"finish_reason":null},{"finish_reason":null}]}'),
    ("", b'{"choices":[],"usage":{"total_tokens":1}}'),
    ("", b"[DONE]"),
    ("response.output_text.delta", b'{"type":"response.output_text.delta","delta":"x"}'),
    ("response.completed", b'{"type":"response.completed"}'),
    ("", b'{"type":"response.completed"}'),
    ("message", b'{"type":"response.failed"}'),
    ("error", b'{"type":"error"}'),
    ("thread.message.delta", b"{}"),
    ("thread.run.completed", b"{}"),
    ("done", b"[DONE]"),
]


@given(name=st.sampled_from(NAMES), frames=st.lists(st.sampled_from(FRAMES), min_size=1, max_size=8))
@example(name="response", frames=[("done", b"[DONE]")])
@example(name="chat", frames=[FRAMES[3], FRAMES[4]])
def test_events_that_surely_go_on_are_none_that_is_wanted(name: str | None, frames: list[tuple[str, bytes]]) -> None:
    ending = ending_for(name, {})
    wire = b"".join((f"event: {event}\n".encode() if event else b"") + b"data: %b\n\n" % data for event, data in frames)
    if ending.goes_on([event for event, _ in frames], wire):
        for event, data in frames:
            assert not ending.wants(event, data)
            assert data != b"[DONE]"


@pytest.mark.parametrize(("name", "frame"), [("chat", FRAMES[0]), ("response", FRAMES[6]), ("run", FRAMES[11])])
def test_usual_events_surely_go_on(name: str, frame: tuple[str, bytes]) -> None:
    assert ending_for(name, {}).goes_on([frame[0]] * 5, (b"data: %b\n\n" % frame[1]) * 5)
