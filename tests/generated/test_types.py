"""Generated types take what the API sends, and anything a server may send instead."""

from __future__ import annotations

import json
import pickle
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from anyopenai._codec import UnknownObject, decoder_for
from anyopenai.types import CreateEmbeddingResponse, Model
from anyopenai.types.chat import ChatCompletion, ChatCompletionChunk
from anyopenai.types.responses import Response, ResponseInputItem, ResponseItem, ResponseOutputItem, ResponseStreamEvent
from codec.documents import document, plain, seeds


@settings(max_examples=100)
@given(rand=seeds)
def test_any_json_object_at_all_decodes_to_something(rand: Random) -> None:
    data = json.dumps({"type": plain(rand), "object": plain(rand), "data": plain(rand), "output": plain(rand)}).encode()
    for kind in (ChatCompletion, Response, ResponseStreamEvent, ResponseItem, CreateEmbeddingResponse):
        decoder_for(kind).decode(data)


@settings(max_examples=50)
@given(rand=seeds)
def test_what_is_encoded_again_says_what_was_sent(rand: Random) -> None:
    """Members that were null where they may be absent are the one thing that is lost."""
    given_ = _without_null(document(ChatCompletion, rand))
    value = decoder_for(ChatCompletion).decode(json.dumps(given_).encode())
    assert _without_null(json.loads(msgspec.json.encode(value))) == given_
    assert _without_null(json.loads(value.to_json())) == given_


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    return value


RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1741476542,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "temperature": 1,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1,
}


def _response(**changed: Any) -> Response:
    return decoder_for(Response).decode(json.dumps({**RESPONSE, **changed}).encode())


def test_output_text_joins_the_text_of_every_message() -> None:
    def message(*parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": list(parts)}

    text = {"type": "output_text", "annotations": [], "logprobs": []}
    response = _response(
        output=[
            {"type": "reasoning", "id": "r", "summary": []},
            message({**text, "text": "Hello, "}, {"type": "refusal", "refusal": "no"}),
            {"type": "a_kind_of_next_year", "content": [{"type": "output_text", "text": "unheard"}]},
            message({**text, "text": "world"}, {"type": "output_sound", "text": "la"}),
        ]
    )
    assert response.output_text == "Hello, world"
    assert isinstance(response.output[2], UnknownObject)


@pytest.mark.parametrize("output", [[], None, "text", [None, 3, {}], [{"type": "message", "content": None}]])
def test_output_text_is_empty_where_there_is_none(output: Any) -> None:
    assert _response(output=output).output_text == ""


def test_output_text_is_empty_where_output_was_left_out() -> None:
    data = {name: value for name, value in RESPONSE.items() if name != "output"}
    assert decoder_for(Response).decode(json.dumps(data).encode()).output_text == ""


def test_items_are_told_apart_by_type_then_role() -> None:
    decode = decoder_for(list[ResponseInputItem]).decode
    items = decode(
        json.dumps(
            [
                {"role": "user", "content": "plain"},
                {"type": "message", "role": "assistant", "id": "m", "status": "completed", "content": []},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "item_reference", "id": "i"},
                {
                    "type": "web_search_call",
                    "id": "w",
                    "status": "completed",
                    "action": {"type": "search", "query": "q"},
                },
            ]
        ).encode()
    )
    assert [type(item).__name__ for item in items] == [
        "EasyInputMessage",
        "ResponseOutputMessage",
        "ResponseFunctionToolCall",
        "ItemReference",
        "ResponseFunctionWebSearch",
    ]


def test_a_tag_with_several_values_gives_the_class_users_know() -> None:
    from anyopenai.types.responses import WebSearchTool

    tools = _response(tools=[{"type": "web_search"}, {"type": "web_search_2025_08_26"}]).tools
    assert all(isinstance(tool, WebSearchTool) for tool in tools)
    assert [tool.type for tool in tools] == ["web_search", "web_search_2025_08_26"]
    assert repr(tools) == "[WebSearchTool(), WebSearchTool()]"
    assert pickle.loads(pickle.dumps(tools)) == tools
    assert json.loads(msgspec.json.encode(tools)) == [{"type": "web_search"}, {"type": "web_search_2025_08_26"}]


def test_an_event_of_an_unknown_type_is_given_as_it_is() -> None:
    event: Any = decoder_for(ResponseStreamEvent).decode(b'{"type":"response.sung","note":"a"}')
    assert isinstance(event, UnknownObject)
    assert event.note == "a"


def test_a_value_that_no_version_knew_is_kept() -> None:
    chunk = decoder_for(ChatCompletionChunk).decode(
        b'{"id":"c","created":1,"model":"m","object":"chat.completion.chunk",'
        b'"choices":[{"index":0,"delta":{"role":"oracle"},"finish_reason":"enlightened"}]}'
    )
    assert (chunk.choices[0].delta.role, chunk.choices[0].finish_reason) == ("oracle", "enlightened")


def test_events_of_the_beta_of_realtime_have_its_own_types() -> None:
    from anyopenai.types.beta import realtime as beta
    from anyopenai.types.realtime import RealtimeServerEvent, ResponseAudioDoneEvent

    data = b'{"type":"%s","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0}'
    old = decoder_for(beta.RealtimeServerEvent).decode(data % b"response.audio.done")
    new = decoder_for(RealtimeServerEvent).decode(data % b"response.output_audio.done")
    assert type(old) is beta.ResponseAudioDoneEvent
    assert type(new) is ResponseAudioDoneEvent


def test_text_without_log_probabilities_is_whole() -> None:
    """Most servers leave them out: such texts are read without the lenient pass, and can be made without them."""
    from anyopenai.types.responses import ResponseOutputText

    data = b'{"type":"output_text","text":"Hi","annotations":[]}'
    made = ResponseOutputText(text="Hi", annotations=[])
    assert msgspec.json.decode(data, type=ResponseOutputText) == made
    assert made.logprobs is None


def test_members_have_the_names_users_know() -> None:
    from anyopenai.types.moderation import Categories

    data = {"hate": True, "hate/threatening": False, "self-harm/intent": True}
    categories = decoder_for(Categories).decode(json.dumps(data).encode())
    assert (categories.hate_threatening, categories.self_harm_intent) == (False, True)
    assert json.loads(msgspec.json.encode(categories))["self-harm/intent"] is True


def test_types_can_be_made_by_hand() -> None:
    model = Model(id="m", created=1, object="model", owned_by="me")
    assert model == decoder_for(Model).decode(b'{"id":"m","created":1,"object":"model","owned_by":"me"}')
    with pytest.raises(TypeError):
        Model("m", 1, "model", "me")  # type: ignore[misc]


def test_unions_are_plain_unions_to_whoever_looks() -> None:
    assert ResponseItem is not ResponseOutputItem
    assert "ResponseOutputMessage" in str(ResponseOutputItem)
