"""`to_response_input_items`: items of outputs go back in, in their order and without what no request takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Required, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from anyopenai import to_response_input_items
from anyopenai._codec import decoder_for
from anyopenai.tools import to_response_input_item
from anyopenai.tools.response_items import _NULLS
from anyopenai.types.beta import BetaResponse
from anyopenai.types.responses import Response
from anyopenai.types.responses.parsed_response import ParsedResponse
from anyopenai.types.responses.response_input_item_param import ResponseInputItemParam
from tools.turns import call_item, message_item, response


def decoded(kind: Any, members: dict[str, Any]) -> Any:
    return decoder_for(kind).decode(json.dumps(members).encode())


def test_the_items_of_a_response_go_back_in_order() -> None:
    reasoning = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "s"}]}
    encrypted = {**reasoning, "id": "rs2", "encrypted_content": "gAAA"}
    items = [reasoning, call_item("f", {"a": 1}, "a"), encrypted, call_item("f", {"a": 2}, "b"), message_item("Hi.")]
    for kind in (Response, ParsedResponse, BetaResponse):
        assert to_response_input_items(decoded(kind, response(*items))) == items


def test_what_was_parsed_and_who_made_it_is_not_sent() -> None:
    answer = decoded(ParsedResponse, response(message_item('{"a": 1}'), call_item("f", {}, created_by="someone")))
    from anyopenai._codec.extras import derive

    derive(answer.output[0].content[0], "parsed", {"a": 1})
    first, second = to_response_input_items(answer)
    assert first == message_item('{"a": 1}')
    assert "created_by" not in second


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"type": "reasoning", "id": "r", "summary": [], "status": None, "content": None, "encrypted_content": None},
            {"type": "reasoning", "id": "r", "summary": []},
        ),
        (
            {
                "type": "code_interpreter_call",
                "id": "c",
                "status": "completed",
                "code": None,
                "outputs": None,
                "x": None,
            },
            {"type": "code_interpreter_call", "id": "c", "status": "completed", "code": None, "outputs": None},
        ),
        (
            {
                "type": "custom_tool_call_output",
                "call_id": "c",
                "output": "o",
                "status": "completed",
                "created_by": "u",
            },
            {"type": "custom_tool_call_output", "call_id": "c", "output": "o"},
        ),
        (
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "timeout"}, "created_by": "u"}],
            },
            {
                "type": "shell_call_output",
                "call_id": "c",
                "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "timeout"}}],
            },
        ),
        ({"role": "user", "content": "Hi."}, {"role": "user", "content": "Hi."}),
        ({"type": "of_tomorrow", "id": "t", "deep": [1]}, {"type": "of_tomorrow", "id": "t", "deep": [1]}),
    ],
    ids=lambda value: value.get("type", "role"),
)
def test_an_item_is_sent_as_requests_take_it(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert to_response_input_items([given]) == [kept]
    assert given.keys() >= kept.keys()


def test_an_item_of_an_unknown_kind_in_an_answer_is_passed_on() -> None:
    answer = decoded(Response, response({"type": "of_tomorrow", "id": "t", "deep": {"a": [1]}}))
    assert to_response_input_items(answer) == [{"type": "of_tomorrow", "id": "t", "deep": {"a": [1]}}]


def test_a_text_is_no_item() -> None:
    with pytest.raises(TypeError, match="not str"):
        to_response_input_item("Hi.")  # type: ignore[arg-type]  # what is refused


def _params() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in get_args(ResponseInputItemParam):
        if is_typeddict(kind):
            hints = get_type_hints(kind, include_extras=True)
            tag = hints.get("type")
            while tag is not None and get_origin(tag) is Required:
                (tag,) = get_args(tag)
            name = next((one for one in get_args(tag) if isinstance(one, str)), "message")
            yield name, hints


def test_the_nulls_that_are_kept_are_those_that_requests_must_have() -> None:
    """Read off the generated types, so that a new kind of item is noticed."""
    needed = {
        name: {
            member
            for member, hint in hints.items()
            if get_origin(hint) is Required and type(None) in get_args(get_args(hint)[0])
        }
        for name, hints in _params()
    }
    assert {name: members for name, members in needed.items() if members} == {
        name: set(members) for name, members in _NULLS.items()
    }


def test_no_request_takes_what_is_left_out() -> None:
    for name, hints in _params():
        assert "created_by" not in hints, name
        if name.startswith("custom_tool_call"):
            assert "status" not in hints
