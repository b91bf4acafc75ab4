"""`responses.run_tools()`: turns, what is sent again, results, failures; what runs have in common is tested over chat."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from msgspec import Struct

from anyopenai import (
    APIError,
    ContentFilterFinishReasonError,
    LengthFinishReasonError,
    OpenAI,
    OpenAIError,
    RateLimitError,
    StreamTruncated,
    ToolLoopLimitError,
    ToolOutput,
    UsageLedger,
    bind_tool,
)
from anyopenai.testing import Answer, FakeTransport
from tools.turns import (
    REQUEST,
    bodies,
    call_item,
    client_of,
    kinds,
    message_item,
    response,
    response_answer,
    response_events,
)

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

REASONING: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs1",
    "summary": [],
    "encrypted_content": "gAAAA",
    "status": None,
    "content": None,
}


class Weather(Struct):
    city: str
    degrees: int


async def weather(city: str) -> str:
    """Tell the weather."""
    await checkpoint()
    return f"sunny in {city}"


def double(number: int) -> dict[str, int]:
    """Double a number."""
    return {"doubled": number * 2}


def run_client(stream: bool, *wholes: dict[str, Any], **options: Any) -> tuple[OpenAI, FakeTransport]:
    return client_of(*(response_answer(whole, stream=stream) for whole in wholes), **options)


@BOTH
async def test_a_run_calls_tools_and_ends_with_an_answer(stream: bool) -> None:
    client, sent = run_client(
        stream,
        response(REASONING, call_item("weather", {"city": "Oslo"}, "a"), call_item("double", {"number": 21}, "b")),
        response(message_item("It is sunny.")),
    )
    async with client.responses.run_tools(**REQUEST, tools=[weather, double], stream=stream) as run:
        events = [event async for event in run]
        assert await run.final_output_text() == await run.final_content() == "It is sunny."
        assert await run.final_response() is run.all_responses()[1]
        assert (await run.total_usage()).calls == 2
    told = kinds(events)
    assert told == [
        *("connect", "response", "item", "item", "item", "function_tool_call", "function_tool_call"),
        *("function_tool_call_result", "function_tool_call_result", "item", "item"),
        *("connect", "response", "item"),
        *("final_response", "final_output_text", "final_function_tool_call"),
        *("final_function_tool_call_result", "total_usage", "end"),
    ]
    first, second = bodies(sent)
    assert [tool["name"] for tool in first["tools"]] == ["weather", "double"]
    assert second["input"] == [
        {"role": "user", "content": "Hi."},
        {"type": "reasoning", "id": "rs1", "summary": [], "encrypted_content": "gAAAA"},
        call_item("weather", {"city": "Oslo"}, "a"),
        call_item("double", {"number": 21}, "b"),
        {"type": "function_call_output", "call_id": "a", "output": "sunny in Oslo"},
        {"type": "function_call_output", "call_id": "b", "output": '{"doubled":42}'},
    ]
    assert [item.get("type") for item in map(dict, run.items)][-1] == "message"


@BOTH
async def test_a_run_can_be_awaited_for_its_result_of_a_type(stream: bool) -> None:
    client, sent = run_client(
        stream,
        response(call_item("weather", {"city": "Oslo"})),
        response(message_item('{"city": "Oslo", "degrees": 4}')),
    )
    result = await client.responses.run_tools(**REQUEST, tools=[weather], text_format=Weather, stream=stream)
    assert result.output_parsed == Weather("Oslo", 4)
    assert (result.function_tool_call_value, len(result.items)) == ("sunny in Oslo", 4)
    assert bodies(sent)[1]["text"]["format"]["name"] == "Weather"


async def test_pieces_of_a_stream_are_among_the_events() -> None:
    client, _ = run_client(True, response(call_item("double", {"number": 4})), response(message_item("Eight it is.")))
    async with client.responses.run_tools(**REQUEST, tools=[double], stream=True) as run:
        events = [event async for event in run]
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert "".join(event.delta for event in deltas) == deltas[-1].snapshot == "Eight it is."
    assert sum(event.type == "response.completed" for event in events) == 2


@BOTH
async def test_with_a_conversation_only_what_is_new_is_sent(stream: bool) -> None:
    client, sent = run_client(
        stream,
        response(REASONING, call_item("double", {"number": 1}, "a")),
        response(call_item("double", {"number": 2}, "b")),
        response(message_item("Four.")),
    )
    async with client.responses.run_tools(**REQUEST, tools=[double], conversation="conv_1", stream=stream) as run:
        async for event in run:
            if event.type == "item" and len(run.items) == 5:
                run.items.append({"role": "user", "content": "Brief."})
    assert [body["input"] for body in bodies(sent)] == [
        [{"role": "user", "content": "Hi."}],
        [{"type": "function_call_output", "call_id": "a", "output": '{"doubled":2}'}],
        [
            {"role": "user", "content": "Brief."},
            {"type": "function_call_output", "call_id": "b", "output": '{"doubled":4}'},
        ],
    ]


async def test_a_prompt_needs_no_input_and_items_are_taken_as_they_are() -> None:
    client, sent = run_client(False, response(message_item("Hello.")))
    await client.responses.run_tools(prompt={"id": "p1"}, tools=[])
    assert "input" not in bodies(sent)[0]
    client, sent = run_client(False, response(message_item("Hello.")))
    given = [{"role": "user", "content": "Hi."}, REASONING]
    result = await client.responses.run_tools(model="m", input=given, tools=[], previous_response_id="r0")
    assert bodies(sent)[0]["input"] == given
    assert bodies(sent)[0]["previous_response_id"] == "r0"
    assert len(given) == 2
    assert len(result.items) == 3


@BOTH
async def test_a_forced_call_ends_the_run_with_its_result(stream: bool) -> None:
    client, sent = run_client(stream, response(call_item("double", {"number": 3})))
    choice = {"type": "function", "name": "double"}
    result = await client.responses.run_tools(**REQUEST, tools=[weather, double], tool_choice=choice, stream=stream)
    assert (result.output_text, result.function_tool_call_value) == ("", {"doubled": 6})
    assert len(sent.requests) == 1


async def test_hosted_tools_are_sent_and_their_calls_are_the_servers() -> None:
    search = {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"type": "search", "query": "x"}}
    done = {"type": "function_call_output", "id": "o1", "call_id": "p", "output": "3", "status": "completed"}
    client, sent = run_client(
        False,
        response(search, call_item("inner", id="p"), done, call_item("double", {"number": 1}, "a")),
        response(message_item("Done.")),
    )
    result = await client.responses.run_tools(**REQUEST, tools=[{"type": "web_search"}, double])
    assert bodies(sent)[0]["tools"][0] == {"type": "web_search"}
    outputs = [item for item in bodies(sent)[1]["input"] if item.get("type") == "function_call_output"]
    assert [item["call_id"] for item in outputs] == ["p", "a"]
    assert result.output_text == "Done."


async def test_calls_that_are_left_to_others_end_the_run_after_its_own() -> None:
    computer = {
        "type": "computer_call",
        "id": "cc",
        "call_id": "k",
        "status": "completed",
        "pending_safety_checks": [],
        "action": {"type": "screenshot"},
    }
    client, sent = run_client(False, response(computer, call_item("double", {"number": 1}, "a")))
    result = await client.responses.run_tools(**REQUEST, tools=[double, {"type": "computer"}])
    assert len(sent.requests) == 1
    assert [dict(item).get("type") for item in result.items[1:]] == [
        *("computer_call", "function_call", "function_call_output")
    ]


async def test_a_program_that_made_a_call_is_named_in_its_output() -> None:
    caller = {"type": "program", "caller_id": "pg1"}
    client, sent = run_client(
        False, response(call_item("double", {"number": 1}, "a", caller=caller)), response(message_item("Done."))
    )
    await client.responses.run_tools(**REQUEST, tools=[double])
    output = bodies(sent)[1]["input"][-1]
    assert (output["caller"], output["type"]) == (caller, "function_call_output")


async def test_custom_tools_take_text_and_outputs_may_have_parts() -> None:
    async def draw(text: str) -> ToolOutput:
        await checkpoint()
        return ToolOutput([{"type": "input_image", "image_url": f"data:{text}", "detail": "auto"}])

    custom = {"type": "custom_tool_call", "id": "i", "call_id": "a", "name": "draw", "input": "a cat"}
    client, sent = run_client(False, response(custom), response(message_item("Nice.")))
    await client.responses.run_tools(**REQUEST, tools=[bind_tool({"type": "custom", "name": "draw"}, draw)])
    assert bodies(sent)[1]["input"][-1] == {
        "type": "custom_tool_call_output",
        "call_id": "a",
        "output": [{"type": "input_image", "image_url": "data:a cat", "detail": "auto"}],
    }


@BOTH
async def test_a_response_that_failed_is_the_runs_error(stream: bool) -> None:
    error = {"code": "rate_limit_exceeded", "message": "too much"}
    client, _ = run_client(stream, response(status="failed", error=error))
    with pytest.raises(RateLimitError, match="too much"):
        await client.responses.run_tools(**REQUEST, tools=[double], stream=stream)


@BOTH
@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("max_output_tokens", LengthFinishReasonError),
        ("content_filter", ContentFilterFinishReasonError),
        ("new", OpenAIError),
    ],
)
async def test_a_response_that_was_cut_calls_no_tool(stream: bool, reason: str, kind: type[Exception]) -> None:
    cut = response(call_item("double", '{"num'), status="incomplete", incomplete_details={"reason": reason})
    client, _ = run_client(stream, cut)
    with pytest.raises(kind):
        await client.responses.run_tools(**REQUEST, tools=[double], stream=stream)


async def test_an_error_event_is_given_and_is_the_runs_error() -> None:
    events = [response_events(response())[0], {"type": "error", "code": "server_error", "message": "oh", "param": None}]
    client, _ = client_of(Answer(events=events))
    async with client.responses.run_tools(**REQUEST, tools=[double], stream=True) as run:
        assert [(await anext(run)).type for _ in range(5)] == [
            *("connect", "response.created", "error", "run_error", "end")
        ]
        with pytest.raises(APIError, match="oh"):
            await anext(run)


async def test_a_stream_that_breaks_off_calls_no_tool() -> None:
    called: list[str] = []

    async def note(city: str) -> None:
        called.append(city)

    events = response_events(response(call_item("note", {"city": "Oslo"})))[:-1]
    client, _ = client_of(Answer(events=events))
    with pytest.raises(StreamTruncated) as caught:
        await client.responses.run_tools(**REQUEST, tools=[note], stream=True)
    partial: Any = caught.value.partial
    assert partial.output[0].arguments == '{"city": "Oslo"}'
    assert called == []


@BOTH
async def test_limits_and_ledgers_hold_for_responses_too(stream: bool) -> None:
    client, _ = run_client(stream, *[response(call_item("double", {"number": 1}))] * 2)
    ledger = UsageLedger()
    with pytest.raises(ToolLoopLimitError) as caught:
        await client.responses.run_tools(**REQUEST, tools=[double], max_turns=2, stream=stream, usage=ledger)
    assert caught.value.usage == ledger.total
    assert len(caught.value.messages) == 5


async def test_a_request_can_be_cancelled() -> None:
    client, _ = client_of(Answer(wait=anyio.Event()))
    with anyio.move_on_after(0.01) as scope:
        await client.responses.run_tools(**REQUEST, tools=[double])
    assert scope.cancelled_caught
    with pytest.raises(TypeError, match="no raw view"):
        client.responses.with_raw_response.run_tools(**REQUEST, tools=[])
