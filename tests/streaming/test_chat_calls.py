"""Calls of tools out of their pieces, in the ways in which servers say which call a piece belongs to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.streaming import ChatCompletionStreamState
from streaming.chunks import calls, choice, chunk, decoded, piece

Call = tuple[str, str, str]


def folded(*chunks: dict[str, Any]) -> list[Call]:
    """Return id, name and arguments of the calls that chunks become, after checking what the events say."""
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    events = [event for one in chunks for event in state.handle_chunk(decoded(one))]
    found = state.get_final_completion().choices[0].message.tool_calls or []
    result = [(call.id, call.function.name, call.function.arguments) for call in found if call.type == "function"]
    done = [(event.index, event.name, event.arguments) for event in events if event.type.endswith("arguments.done")]
    assert sorted(done) == [(number, name, text) for number, (_, name, text) in enumerate(result)]
    joined: dict[int, str] = {}
    for event in events:
        if event.type == "tool_calls.function.arguments.delta":
            joined[event.index] = joined.get(event.index, "") + event.arguments_delta
            assert event.arguments == joined[event.index]
    assert joined == {number: text for number, (_, _, text) in enumerate(result)}
    return result


END = chunk(choice(finish="tool_calls"))
BOTH: list[Call] = [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([calls(piece(0, "a", "f", ""), piece(1, "b", "g", "")),
                      calls(piece(1, args='{"y"')), calls(piece(0, args='{"x"')),
                      calls(piece(0, args=":1}"), piece(1, args=":2}"))], id="interleaved"),
        pytest.param([calls(piece(0, "a", "f", '{"x":1}')), calls(piece(0, "b", "g", '{"y":2}'))],
                     id="always index 0"),
        pytest.param([calls(piece(0, "a", "f", "")), calls(piece(0, None, None, '{"x":1}')),
                      calls(piece(0, "b", "g", "")), calls(piece(0, None, None, '{"y":2}'))],
                     id="always index 0, in pieces"),
        pytest.param([calls(piece(None, "a", "f", '{"x":1}')), calls(piece(None, "b", "g", '{"y":2}'))], id="no index"),
        pytest.param([calls(piece(None, "a", "f", "")), calls(piece(None, None, None, '{"x":1}')),
                      calls(piece(None, "b", "g", "")), calls(piece(None, None, None, '{"y":2}'))],
                     id="no index, in pieces"),
        pytest.param([calls(piece(None, "a", "f", ""), piece(None, "b", "g", "")),
                      calls(piece(None, args='{"x"'), piece(None, args='{"y"')),
                      calls(piece(None, args=":1}"), piece(None, args=":2}"))], id="no index, by place"),
        pytest.param([calls(piece(None, "a", "f", "")), calls(piece(None, "b", "g", "")),
                      calls(piece(None, "b", None, '{"y":2}')), calls(piece(None, "a", None, '{"x":1}'))],
                     id="no index, interleaved by id"),
        pytest.param([calls(piece(0, "a", "f", '{"x"')), calls(piece(0, "a", "f", ":1}")),
                      calls(piece(1, "b", "g", '{"y"')), calls(piece(1, "b", "g", ":2}"))], id="id and name repeated"),
        pytest.param([calls(piece(0, "a", "f", '{"x"')), calls(piece(0, "", "", ":1}")),
                      calls(piece(1, "b", "g", '{"y":2}'))], id="empty id and name"),
        pytest.param([calls(piece(3, "a", "f", '{"x":1}')), calls(piece(7, "b", "g", '{"y":2}'))], id="any indexes"),
    ],
)  # fmt: skip
def test_two_calls_come_out_apart(chunks: list[dict[str, Any]]) -> None:
    assert folded(*chunks, END) == BOTH


@pytest.mark.parametrize("index", [0, None])
def test_calls_without_ids_begin_with_a_name_after_complete_arguments(index: int | None) -> None:
    chunks = [calls(piece(index, None, "f", '{"x"')), calls(piece(index, None, "f", ":1}")),
              calls(piece(index, None, "f", '{"x":2}')), calls(piece(index, None, "g", "{}"))]  # fmt: skip
    assert folded(*chunks, END) == [("", "f", '{"x":1}'), ("", "f", '{"x":2}'), ("", "g", "{}")]


def test_an_id_that_comes_late_belongs_to_the_call() -> None:
    assert folded(calls(piece(0, None, "f", "{")), calls(piece(0, "a", None, "}")), END) == [("a", "f", "{}")]


def test_a_name_in_pieces_is_joined() -> None:
    assert folded(calls(piece(0, "a", "get_", "")), calls(piece(0, None, "time", "{}")), END) == [
        ("a", "get_time", "{}")
    ]


def test_a_finished_call_is_told_when_the_next_begins() -> None:
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    state.handle_chunk(decoded(calls(piece(0, "a", "f", "{}"))))
    kinds = [event.type for event in state.handle_chunk(decoded(calls(piece(1, "b", "g", ""))))]
    assert kinds[1:] == ["tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"]


def test_a_custom_tools_call_is_kept_as_it_is() -> None:
    begin = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}
    more = {"index": 0, "custom": {"input": " 1"}}
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    events = [event.type for one in (calls(begin), calls(more), END) for event in state.handle_chunk(decoded(one))]
    (call,) = state.get_final_completion().choices[0].message.tool_calls or []
    assert call.type == "custom"
    assert (call.id, call.custom.name, call.custom.input) == ("a", "sql", "SELECT 1")
    assert events == ["chunk", "chunk", "chunk"]


@given(
    data=st.data(),
    bodies=st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=9)), min_size=1, max_size=4),
)
def test_any_interleaving_of_the_pieces_gives_the_same_calls(data: st.DataObject, bodies: list[dict[str, str]]) -> None:
    import json

    whole = [(f"id{number}", f"f{number}", json.dumps(body)) for number, body in enumerate(bodies)]
    queues = []
    for _, _, arguments in whole:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(arguments)), max_size=4)) | {0, len(arguments)})
        queues.append([arguments[start:end] for start, end in itertools.pairwise(cuts)])
    chunks = [calls(*(piece(number, id_, name, "") for number, (id_, name, _) in enumerate(whole)))]
    while any(queues):
        number = data.draw(st.sampled_from([one for one, queue in enumerate(queues) if queue]))
        chunks.append(calls(piece(number, args=queues[number].pop(0))))
    assert folded(*chunks, END) == whole


def test_a_call_has_no_index_of_its_own() -> None:
    state: ChatCompletionStreamState = ChatCompletionStreamState()
    for one in (calls(piece(0, "a", "f", "{}")), END):
        state.handle_chunk(decoded(one))
    for completion in (state.current_completion_snapshot, state.get_final_completion()):
        (call,) = completion.choices[0].message.tool_calls or []
        assert (call.id, "index" in call.to_dict(), hasattr(call, "index")) == ("a", False, False)
