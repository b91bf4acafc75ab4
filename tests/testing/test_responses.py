"""The Responses API: whole, streamed, stored, in the background, and going on from one another."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask

BODY = {"model": "m", "input": "Say hello to the world"}


async def create(app: StandIn | None = None, **members: object) -> Any:
    return (await ask(app or StandIn(), "POST", "/v1/responses", BODY | members)).json()


async def stream(app: StandIn | None = None, **members: object) -> list[Any]:
    reply = await ask(app or StandIn(), "POST", "/v1/responses", BODY | {"stream": True} | members)
    assert reply.ended
    assert all(name == data["type"] for name, data in reply.events())
    return [data for _, data in reply.events()]


def text_of(response: Any) -> str:
    return response["output"][0]["content"][0]["text"]


async def test_an_answer_says_that_no_model_computed_it_and_repeats_the_input():
    answer = await create(instructions="Be brief.")
    assert "no model computed it" in text_of(answer)
    assert "“Say hello to the world”" in text_of(answer)
    assert (answer["object"], answer["status"], answer["error"]) == ("response", "completed", None)
    assert answer["usage"]["input_tokens"] == 5 + 3 + 2
    assert answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]


async def test_settings_come_back_in_the_answer():
    answer = await create(temperature=0, top_p=0.5, metadata={"a": "b"}, user="u", reasoning={"effort": "low"})
    assert (answer["temperature"], answer["top_p"], answer["metadata"], answer["user"]) == (0, 0.5, {"a": "b"}, "u")
    assert answer["reasoning"] == {"effort": "low", "summary": None}


async def test_a_token_limit_leaves_the_answer_incomplete():
    answer = await create(max_output_tokens=16)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert answer["usage"]["output_tokens"] == 16
    assert answer["output"][0]["status"] == "incomplete"


async def test_the_events_of_a_stream_come_in_their_order_and_are_numbered():
    events = await stream()
    names = [event["type"] for event in events]
    assert names[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert names[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert set(names[4:-4]) == {"response.output_text.delta"}
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["response"]["output"] == []
    assert "".join(event["delta"] for event in events[4:-4]) == text_of(events[-1]["response"])


async def test_a_cut_stream_ends_with_incomplete():
    assert (await stream(max_output_tokens=16))[-1]["type"] == "response.incomplete"


async def test_a_stream_can_be_taken_up_again_after_any_event():
    app = StandIn()
    events = await stream(app)
    key = events[0]["response"]["id"]
    reply = await ask(app, "GET", f"/v1/responses/{key}", query="stream=true&starting_after=3")
    assert [data for _, data in reply.events()] == events[4:]


async def test_a_response_is_stored_unless_told_otherwise():
    app = StandIn()
    kept, dropped = await create(app), await create(app, store=False)
    assert (await ask(app, "GET", f"/v1/responses/{kept['id']}")).json() == kept
    assert (await ask(app, "GET", f"/v1/responses/{dropped['id']}")).status == 404
    assert (await ask(app, "DELETE", f"/v1/responses/{kept['id']}")).json()["deleted"] is True
    assert (await ask(app, "GET", f"/v1/responses/{kept['id']}")).status == 404


async def test_a_conversation_goes_on_from_the_previous_response():
    app = StandIn()
    first = await create(app)
    second = await create(app, previous_response_id=first["id"])
    assert "turn 2" in text_of(second)
    assert second["usage"]["input_tokens"] == first["usage"]["total_tokens"] + 5 + 3
    error = (await create(app, previous_response_id="resp_x"))["error"]
    assert error["code"] == "previous_response_not_found"


async def test_the_input_items_of_a_response_are_listed_in_their_long_form():
    app = StandIn()
    made = await create(
        app,
        input=[
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": "Yes."},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "4"},
            {"role": "user", "content": [{"type": "input_text", "text": "And?"}]},
        ],
    )
    page = (await ask(app, "GET", f"/v1/responses/{made['id']}/input_items", query="order=asc&limit=4")).json()
    kinds = ["message", "message", "function_call", "function_call_output"]
    assert [item["type"] for item in page["data"]] == kinds
    assert [item["content"][0]["type"] for item in page["data"][:2]] == ["input_text", "output_text"]
    assert page["has_more"] is True
    newest = (await ask(app, "GET", f"/v1/responses/{made['id']}/input_items", query="limit=1")).json()
    assert newest["data"][0]["content"] == [{"type": "input_text", "text": "And?"}]


async def test_a_background_response_goes_on_each_time_it_is_looked_at():
    app = StandIn()
    made = await create(app, background=True)
    assert (made["status"], made["output"], made["usage"]) == ("queued", [], None)
    path = f"/v1/responses/{made['id']}"
    seen = [(await ask(app, "GET", path)).json() for _ in range(3)]
    assert [response["status"] for response in seen] == ["in_progress", "completed", "completed"]
    assert "no model" in text_of(seen[1])


async def test_only_background_responses_can_be_cancelled():
    app = StandIn()
    running, done = await create(app, background=True), await create(app)
    cancelled = await ask(app, "POST", f"/v1/responses/{running['id']}/cancel")
    assert (cancelled.status, cancelled.json()["status"]) == (200, "cancelled")
    assert (await ask(app, "GET", f"/v1/responses/{running['id']}")).json()["status"] == "cancelled"
    assert (await ask(app, "POST", f"/v1/responses/{done['id']}/cancel")).status == 400


async def test_input_tokens_are_counted_without_an_answer():
    reply = await ask(StandIn(), "POST", "/v1/responses/input_tokens", {"input": "one two"})
    assert reply.json() == {"object": "response.input_tokens", "input_tokens": 5}
    assert (await ask(StandIn(), "POST", "/v1/responses/input_tokens", {})).json()["input_tokens"] == 0


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"input": 3}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"background": True, "store": False}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"text": "plain"}, "text"),
        ({"reasoning": 1}, "reasoning"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"instructions": 1}, "instructions"),
    ],
)
async def test_bad_members_are_blamed_by_name(members: dict[str, object], param: str):
    reply = await ask(StandIn(), "POST", "/v1/responses", BODY | members)
    assert (reply.status, reply.error["param"]) == (400, param)
