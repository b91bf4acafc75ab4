"""Chunks to events and to a completion: every kind of event, snapshots that grow in place, and servers of all sorts."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from anyopenai import ContentFilterFinishReasonError, LengthFinishReasonError, OpenAIError, function_tool
from anyopenai._codec import DecodeFailure
from anyopenai.streaming import ChatCompletionStreamState
from streaming.chunks import calls, choice, chunk, decoded, piece, text

RECORDED = json.loads((Path(__file__).parent / "recorded_chat.json").read_text("utf-8"))


class Weather(Struct):
    city: str
    degrees: int


def run(*chunks: dict[str, Any], state: ChatCompletionStreamState[Any] | None = None) -> tuple[Any, list[Any]]:
    """Return a state that has seen chunks, and its events."""
    state = ChatCompletionStreamState() if state is None else state
    return state, [event for one in chunks for event in state.handle_chunk(decoded(one))]


def shown(event: Any) -> dict[str, Any]:
    """Show an event as the record has it."""
    members = event.model_dump(mode="json", exclude_none=True)
    members.pop("chunk", None)
    return members


@pytest.mark.parametrize("name", RECORDED)
def test_events_and_result_are_those_of_openai_python(name: str) -> None:
    """The record was made with openai-python 3.51.0; `index` of a tool call, which no type of the API has, is left out."""
    case = RECORDED[name]
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState(**case["arguments"])
    events = [shown(event) for one in case["chunks"] for event in state.handle_chunk(decoded(one))]
    assert events == case["events"]
    if case["error"]:
        with pytest.raises(OpenAIError) as caught:
            state.get_final_completion()
        assert type(caught.value).__name__ == case["error"]
    else:
        assert state.get_final_completion().model_dump(mode="json", exclude_none=True) == case["final"]


def test_the_snapshot_is_one_object_that_grows() -> None:
    state, events = run(text("Hel"), text("lo"))
    first = events[0].snapshot
    assert first.choices[0].message.content == "Hello"
    assert first is state.current_completion_snapshot is events[2].snapshot
    message = first.choices[0].message
    run(text("!", "stop"), state=state)
    assert state.get_final_completion() is first
    assert first.choices[0].message is message
    assert (message.content, first.choices[0].finish_reason) == ("Hello!", "stop")


def test_deltas_keep_what_their_snapshot_was() -> None:
    _, events = run(text("Hel"), text("lo"), text("!", "stop"))
    deltas = [event for event in events if event.type == "content.delta"]
    assert [event.snapshot for event in reversed(deltas)] == ["Hello!", "Hello", "Hel"]


def test_before_the_first_chunk_there_is_nothing_to_show() -> None:
    with pytest.raises(OpenAIError, match="no chunk has arrived"):
        _ = ChatCompletionStreamState().current_completion_snapshot


def test_content_of_a_type_is_read_on_the_way_and_at_the_end() -> None:
    state: ChatCompletionStreamState[Weather] = ChatCompletionStreamState(response_format=Weather)
    _, events = run(text('{"city":"Lis'), text('bon","degrees"'), text(":21}"), text("", "stop"), state=state)
    partial = [event.parsed for event in events if event.type == "content.delta"]
    assert partial[-1] == {"city": "Lisbon", "degrees": 21}
    (done,) = [event for event in events if event.type == "content.done"]
    assert done.parsed == Weather("Lisbon", 21)
    assert state.get_final_completion().choices[0].message.parsed is done.parsed


def test_the_partial_value_grows_with_the_stream() -> None:
    state: ChatCompletionStreamState[Weather] = ChatCompletionStreamState(response_format=Weather)
    _, events = run(text('{"city":"Lis'), state=state)
    assert events[1].parsed == {"city": "Lis"}
    assert state.current_completion_snapshot.choices[0].message.parsed == {"city": "Lis"}
    _, events = run(text('bon","deg'), state=state)
    assert events[1].parsed == {"city": "Lisbon"}


def test_arguments_of_a_type_are_read_on_the_way_and_at_the_end() -> None:
    state: ChatCompletionStreamState = ChatCompletionStreamState(input_tools=[function_tool(Weather)])
    begin = calls(piece(0, "a", "Weather", '{"city":"P'))
    _, events = run(begin, calls(piece(0, args='aris","degrees":3}'), finish="tool_calls"), state=state)
    deltas = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
    assert deltas[1].parsed_arguments == {"city": "Paris", "degrees": 3}
    assert events[-1].parsed_arguments == Weather("Paris", 3)
    (call,) = state.get_final_completion().choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.parsed_arguments == Weather("Paris", 3)


def test_what_does_not_fit_fails_when_it_is_complete() -> None:
    state: ChatCompletionStreamState[Weather] = ChatCompletionStreamState(response_format=Weather)
    run(text('{"city":1}'), state=state)
    with pytest.raises(DecodeFailure, match=r"choices\[0\].message.content"):
        run(text("", "stop"), state=state)


@pytest.mark.parametrize(
    ("reason", "error"), [("length", LengthFinishReasonError), ("content_filter", ContentFilterFinishReasonError)]
)
def test_a_cut_type_fails_at_once_and_cut_text_at_the_end(reason: str, error: type[OpenAIError]) -> None:
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState(response_format=Weather)
    with pytest.raises(error) as caught:
        run(text('{"city"'), text(":", reason), state=state)
    if isinstance(caught.value, LengthFinishReasonError):
        assert caught.value.completion.choices[0].message.content == '{"city":'  # type: ignore[attr-defined]  # any completion
    plain, _ = run(text("Hel"), text("lo", reason))
    with pytest.raises(error):
        plain.get_final_completion()


def test_ends_that_no_finish_reason_tells_are_told_at_the_end() -> None:
    state, events = run(text("Hi"), calls(piece(0, "a", "f", "{")))
    assert [event.type for event in events][-2:] == ["tool_calls.function.arguments.delta", "content.done"]
    assert [(event.type, event.arguments) for event in state.finish()] == [("tool_calls.function.arguments.done", "{")]
    assert state.finish() == []


def test_content_after_the_calls_is_told_again_as_a_whole() -> None:
    _, events = run(text("a"), calls(piece(0, "a", "f", "{}")), text("b", "tool_calls"))
    assert [event.content for event in events if event.type == "content.done"] == ["a", "ab"]


@pytest.mark.parametrize(
    "odd",
    [
        chunk(choices=None),
        chunk(),
        chunk(None),  # type: ignore[arg-type]  # what a server may send
        chunk({"index": 0, "delta": None, "finish_reason": None}),
        chunk({"index": 0}),
        chunk({"delta": {"content": ""}}),
        chunk(choice({"content": None, "tool_calls": None, "refusal": None, "role": None}, logprobs=None)),
        chunk(choice({"tool_calls": [None, {}, {"index": 0, "function": None}]})) and chunk(choice({"tool_calls": []})),
        {"choices": [], "usage": None},
        {"prompt_filter_results": [], "choices": [], "id": "", "model": "", "object": "", "created": 0},
    ],
)
def test_odd_chunks_change_nothing(odd: dict[str, Any]) -> None:
    state, _ = run(odd, text("Hel"), odd, text("lo", "stop"), odd)
    final = state.get_final_completion()
    assert (final.id, final.model, final.choices[0].message.content) == ("c1", "m", "Hello")


def test_usage_of_any_chunk_is_kept() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    state, _ = run(text("a", "stop"), chunk(usage=usage), chunk(usage=None))
    assert state.get_final_completion().usage.total_tokens == 3


def test_unknown_members_are_merged() -> None:
    state, _ = run(
        chunk(choice({"reasoning_content": "Let "}), provider="p"),
        chunk(choice({"reasoning_content": "me", "reasoning_details": [{"index": 0, "type": "t", "text": "a"}]})),
        chunk(choice({"content": "x", "reasoning_details": [{"index": 0, "type": "t", "text": "b"}]}, "stop", seen=1)),
    )
    final = state.get_final_completion()
    message = final.choices[0].message
    assert message.reasoning_content == "Let me"
    assert message.reasoning_details == [{"index": 0, "type": "t", "text": "ab"}]
    assert (final.provider, final.choices[0].seen) == ("p", 1)
    assert message.to_dict()["reasoning_content"] == "Let me"


def test_sources_of_an_answer_are_collected() -> None:
    source = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    state, _ = run(
        chunk(choice({"content": "x", "annotations": [source]})), chunk(choice({"annotations": [source]}, "stop"))
    )
    found = state.get_final_completion().choices[0].message.annotations
    assert [one.url_citation.url for one in found] == ["u", "u"]


def test_padding_stays_on_the_chunks() -> None:
    """Behaviour 296."""
    state, events = run({**text("a", "stop"), "obfuscation": "xyz"})
    assert events[0].chunk.obfuscation == "xyz"
    assert "obfuscation" not in state.get_final_completion().to_dict()


def test_events_show_themselves() -> None:
    _, events = run(text("Hi", "stop"))
    assert repr(events[1]) == "ContentDeltaEvent(delta='Hi', snapshot='Hi', parsed=None)"
    assert events[1].to_dict() == {"type": "content.delta", "delta": "Hi", "snapshot": "Hi", "parsed": None}
    assert json.loads(events[2].model_dump_json()) == {"type": "content.done", "content": "Hi", "parsed": None}
    assert json.loads(events[0].to_json())["snapshot"]["choices"][0]["message"]["content"] == "Hi"


@given(data=st.data(), texts=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_any_interleaving_of_choices_gives_the_same_completion(data: st.DataObject, texts: list[str]) -> None:
    whole, _ = run(*(text(one, "stop", index) for index, one in enumerate(texts)))
    queues = []
    for one in texts:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(one)), max_size=4)) | {0, len(one)})
        queues.append([one[start:end] for start, end in itertools.pairwise(cuts)])
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    while any(queues):
        index = data.draw(st.sampled_from([one for one, queue in enumerate(queues) if queue]))
        last = len(queues[index]) == 1
        run(text(queues[index].pop(0), "stop" if last else None, index), state=state)
        if data.draw(st.booleans()):
            _ = state.current_completion_snapshot
    assert state.get_final_completion() == whole.get_final_completion()


def test_spoken_audio_is_empty_where_the_server_has_told_nothing_yet() -> None:
    state, _ = run(chunk(choice({"audio": {"transcript": "Hi"}})))
    audio = state.current_completion_snapshot.choices[0].message.audio
    assert (audio.id, audio.data, audio.transcript, audio.expires_at) == ("", "", "Hi", 0)
    run(
        chunk(choice({"audio": {"id": "audio_1", "data": "AAAA"}})),
        chunk(choice({"audio": {"expires_at": 5}})),
        state=state,
    )
    audio = state.current_completion_snapshot.choices[0].message.audio
    assert (audio.id, audio.data, audio.transcript, audio.expires_at) == ("audio_1", "AAAA", "Hi", 5)
