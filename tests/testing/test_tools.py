"""Tool calls of the stand-in: who is called, with what, when, and which conversations are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask
from testing.schema_rules import faults

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 2, "maximum": 7},
        "near": {"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
    },
    "required": ["city", "unit", "days", "near"],
    "additionalProperties": False,
    "$defs": {
        "Place": {
            "type": "object",
            "properties": {"lat": {"type": "number"}, "seen": {"type": "string", "format": "date"}},
            "required": ["lat", "seen"],
            "additionalProperties": False,
        }
    },
}
CLOCK = {"type": "object", "properties": {"zone": {"type": "string"}}}
TOOLS = [("get_weather", WEATHER, True), ("get_time", CLOCK, False)]
FLAT = [{"type": "function", "name": name, "parameters": schema, "strict": strict} for name, schema, strict in TOOLS]
NESTED = [
    {"type": "function", "function": {"name": name, "parameters": schema, "strict": strict}}
    for name, schema, strict in TOOLS
]


class Api:
    """One of the two APIs, asked the same things."""

    def __init__(self, app: StandIn | None = None) -> None:
        self.app = app or StandIn()
        self.history: list[Any] = []

    async def say(self, words: str, **members: Any) -> Any:
        self.history.append({"role": "user", "content": words})
        return await self.go_on(**members)

    async def go_on(self, **members: Any) -> Any:
        raise NotImplementedError


class Chat(Api):
    tools = NESTED

    async def go_on(self, **members: Any) -> Any:
        body = {"model": "m", "messages": self.history, "tools": self.tools} | members
        reply = await ask(self.app, "POST", "/v1/chat/completions", body)
        assert reply.status == 200, reply
        (choice,) = reply.json()["choices"]
        self.history.append(choice["message"])
        self.reason = choice["finish_reason"]
        return choice["message"]["content"]

    def calls(self) -> list[tuple[str, Any]]:
        return [
            (call["function"]["name"], msgspec.json.decode(call["function"]["arguments"]))
            for call in self.history[-1].get("tool_calls", [])
        ]

    def answer(self, *outputs: str) -> None:
        calls = self.history[-1]["tool_calls"]
        for call, output in zip(calls, outputs, strict=True):
            self.history.append({"role": "tool", "tool_call_id": call["id"], "content": output})

    @staticmethod
    def named(name: str) -> Any:
        return {"type": "function", "function": {"name": name}}

    @staticmethod
    def allowed(mode: str, name: str) -> Any:
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [Chat.named(name)]}}


class Responses(Api):
    tools = FLAT

    async def go_on(self, **members: Any) -> Any:
        body = {"model": "m", "input": self.history, "tools": self.tools} | members
        reply = await ask(self.app, "POST", "/v1/responses", body)
        assert reply.status == 200, reply
        self.output = reply.json()["output"]
        self.history += self.output
        return None if self.output[0]["type"] == "function_call" else self.output[0]["content"][0]["text"]

    def calls(self) -> list[tuple[str, Any]]:
        return [(item["name"], msgspec.json.decode(item["arguments"])) for item in self.output if "arguments" in item]

    def answer(self, *outputs: str) -> None:
        for item, output in zip(self.output, outputs, strict=True):
            self.history.append({"type": "function_call_output", "call_id": item["call_id"], "output": output})

    @staticmethod
    def named(name: str) -> Any:
        return {"type": "function", "name": name}

    @staticmethod
    def allowed(mode: str, name: str) -> Any:
        return {"type": "allowed_tools", "mode": mode, "tools": [Responses.named(name)]}


both = pytest.mark.parametrize("kind", [Chat, Responses])


@both
async def test_every_function_is_called_once_and_the_answer_quotes_what_they_gave(kind: type[Any]):
    api = kind()
    assert await api.say("How warm is it in Paris") is None
    (weather, first), (clock, second) = api.calls()
    assert (weather, clock) == ("get_weather", "get_time")
    assert list(faults(first, WEATHER, WEATHER)) == []
    assert first["city"] == "How warm is it"
    assert list(faults(second, CLOCK, CLOCK)) == []
    api.answer("21 degrees", "noon")
    text = await api.go_on()
    assert "The tool get_weather gave “21 degrees”." in text
    assert "The tool get_time gave “noon”." in text
    assert api.calls() == []
    assert await api.say("And in Rome") is None
    assert len(api.calls()) == 2


@both
async def test_functions_that_the_prompt_names_are_called_as_often_as_it_names_them(kind: type[Any]):
    api = kind()
    await api.say('First get_time, then get_weather({"city": "(Oslo)"}), then get_time again, but not get_times')
    assert [name for name, _ in api.calls()] == ["get_time", "get_weather", "get_time"]
    first, weather, second = (arguments for _, arguments in api.calls())
    assert weather == {"city": "(Oslo)"}
    assert first != second


@both
async def test_one_call_at_a_time_is_made_where_they_must_not_be_parallel(kind: type[Any]):
    api = kind()
    await api.say("hello", parallel_tool_calls=False)
    assert [name for name, _ in api.calls()] == ["get_weather"]
    api.answer("warm")
    await api.go_on(parallel_tool_calls=False)
    assert [name for name, _ in api.calls()] == ["get_time"]
    api.answer("late")
    assert "gave “warm”" in await api.go_on(parallel_tool_calls=False)


@both
async def test_rounds_of_calls_can_be_asked_for(kind: type[Any]):
    api = kind(StandIn(tool_rounds=2))
    await api.say("hello")
    api.answer("a", "b")
    await api.go_on()
    api.answer("c", "d")
    assert "gave “d”" in await api.go_on()
    assert await kind(StandIn(tool_rounds=0)).say("hello") is not None


@both
async def test_the_choice_of_tools_is_respected(kind: type[Any]):
    assert await kind().say("hello", tool_choice="none") is not None
    api = kind(StandIn(tool_rounds=0))
    for choice in ("required", kind.named("get_time"), kind.allowed("required", "get_time")):
        await api.say("get_time", tool_choice=choice)
        assert [name for name, _ in api.calls()] == ["get_time"]
        api.answer("noon")
    assert await api.go_on(tool_choice="required") is None
    api.answer("noon")
    assert await api.go_on(tool_choice=kind.allowed("auto", "get_weather")) is not None


@both
async def test_an_answer_in_a_form_comes_after_the_calls(kind: type[Any]):
    form = {"name": "n", "schema": {"type": "object", "properties": {"said": {"type": "string"}}}}
    asked = (
        {"response_format": {"type": "json_schema", "json_schema": form}}
        if kind is Chat
        else {"text": {"format": {"type": "json_schema"} | form}}
    )
    api = kind()
    assert await api.say("hello", **asked) is None
    api.answer("one two", "three")
    assert msgspec.json.decode(await api.go_on(**asked)) == {"said": "one two three hello"}


async def test_only_a_function_that_is_demanded_by_name_ends_with_stop():
    api = Chat()
    await api.say("hello")
    assert api.reason == "tool_calls"
    api.answer("a", "b")
    await api.go_on(tool_choice="required")
    assert api.reason == "tool_calls"
    api.answer("a", "b")
    await api.go_on(tool_choice=Chat.named("get_time"))
    assert api.reason == "stop"


async def test_a_response_goes_on_from_the_calls_of_the_one_before_it():
    app = StandIn()
    body = {"model": "m", "input": "hello", "tools": FLAT, "parallel_tool_calls": False}
    first = (await ask(app, "POST", "/v1/responses", body)).json()
    (call,) = first["output"]
    output = {
        "type": "function_call_output",
        "call_id": call["call_id"],
        "output": [{"type": "input_text", "text": "21"}],
    }
    following = body | {"previous_response_id": first["id"]}
    reply = await ask(app, "POST", "/v1/responses", following | {"input": "and?"})
    assert call["call_id"] in reply.error["message"]
    second = (await ask(app, "POST", "/v1/responses", following | {"input": [output]})).json()
    assert second["output"][0]["name"] == "get_time"
    reply = await ask(app, "POST", "/v1/responses", following | {"input": [output | {"call_id": "call_x"}]})
    assert "call_x" in reply.error["message"]
    reference = {"type": "item_reference", "id": call["id"]}
    third = await ask(app, "POST", "/v1/responses", body | {"input": [reference, output]})
    assert third.status == 200
    unknown = await ask(app, "POST", "/v1/responses", body | {"input": [{"type": "item_reference", "id": "fc_x"}]})
    assert unknown.status == 404


@pytest.mark.parametrize("members", [{}, {"n": 2}, {"max_tokens": 3}, {"tool_choice": Chat.named("get_time")}])
async def test_a_chat_stream_carries_the_same_calls_as_the_whole_answer(members: dict[str, Any]):
    body = {"model": "m", "messages": [{"role": "user", "content": "hello there"}], "tools": NESTED} | members
    whole = (await ask(StandIn(), "POST", "/v1/chat/completions", body)).json()
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", body | {"stream": True})
    chunks = [data for _, data in reply.events()][:-1]
    for choice in whole["choices"]:
        parts = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == choice["index"]]
        found: list[dict[str, Any]] = []
        for part in parts:
            for delta in part["delta"].get("tool_calls", []):
                if delta["index"] == len(found):
                    found.append({"name": delta["function"]["name"], "arguments": "", "id": delta["id"]})
                found[delta["index"]]["arguments"] += delta["function"]["arguments"]
        expected = [call["function"] for call in choice["message"]["tool_calls"]]
        assert [{name: call[name] for name in ("name", "arguments")} for call in found] == expected
        assert len({call["id"] for call in found}) == len(found)
        assert parts[0]["delta"]["content"] is None
        assert parts[-1]["finish_reason"] == choice["finish_reason"]


async def test_a_stream_of_calls_has_the_events_of_each():
    reply = await ask(StandIn(), "POST", "/v1/responses", {"model": "m", "input": "hi", "tools": FLAT, "stream": True})
    events = [data for _, data in reply.events()]
    final = events[-1]["response"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for place, item in enumerate(final["output"]):
        mine = [event for event in events if event.get("output_index") == place]
        deltas = [event for event in mine if event["type"].endswith(".delta")]
        assert [event["type"] for event in mine if event not in deltas] == [
            "response.output_item.added",
            "response.function_call_arguments.done",
            "response.output_item.done",
        ]
        assert mine[0]["item"] == item | {"arguments": "", "status": "in_progress"}
        assert "".join(event["delta"] for event in deltas) == item["arguments"] == mine[-2]["arguments"]
        assert mine[-1]["item"] == item


async def test_a_limit_breaks_the_arguments_off():
    reply = await ask(
        StandIn(),
        "POST",
        "/v1/responses",
        {"model": "m", "input": "a " * 99, "tools": FLAT * 2, "max_output_tokens": 16},
    )
    answer = reply.json()
    assert (answer["status"], answer["output"][-1]["status"]) == ("incomplete", "incomplete")
    assert answer["usage"]["output_tokens"] == 16


USER = {"role": "user", "content": "hello"}
CALLS = {
    "role": "assistant",
    "tool_calls": [
        {"id": name, "type": "function", "function": {"name": "get_time", "arguments": "{}"}} for name in ("one", "two")
    ],
}


def tool(call_id: object) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": call_id, "content": "x"}


@pytest.mark.parametrize(
    ("messages", "param", "said"),
    [
        ([USER, tool("one")], "messages[1].tool_call_id", "'one'"),
        ([USER, CALLS, tool("three")], "messages[2].tool_call_id", "'three'"),
        ([USER, CALLS, tool("one")], "messages[2]", "two"),
        ([USER, CALLS, tool("two"), USER, tool("one")], "messages[3]", "one"),
        ([USER, CALLS], "messages[1]", "one, two"),
        ([USER, CALLS, tool(None)], "messages[2].tool_call_id", "missing"),
        ([USER, {"role": "assistant", "tool_calls": 3}], "messages[1].tool_calls", "a list"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "x"}]}], "messages[1].tool_calls[0]", "what it calls"),
    ],
)
async def test_calls_without_outputs_and_outputs_without_calls_are_refused(messages: Any, param: str, said: str):
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", {"model": "m", "messages": messages})
    assert (reply.status, reply.error["param"]) == (400, param)
    assert said in reply.error["message"]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{"type": "function_call_output", "call_id": "c", "output": "x"}], "'c'"),
        ([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}], "lacks those of: c"),
        ([{"type": "computer_call_output", "output": {"type": "computer_screenshot"}}], "call_id"),
    ],
)
async def test_the_same_is_refused_in_an_input(items: Any, said: str):
    reply = await ask(StandIn(), "POST", "/v1/responses", {"model": "m", "input": items})
    assert (reply.status, said in reply.error["message"]) == (400, True), reply


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": 3}, "tools"),
        ({"tools": [3]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "array"}}}]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": CLOCK, "strict": True}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": NESTED, "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": NESTED, "tool_choice": Chat.named("nobody")}, "tool_choice"),
        ({"tools": NESTED, "tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "tool_choice"),
        ({"tools": NESTED, "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": NESTED, "parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"tool_choice": "auto"}, "tool_choice"),
    ],
)
async def test_bad_tools_are_blamed_by_name(members: dict[str, object], param: str):
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", {"model": "m", "messages": [USER]} | members)
    assert (reply.status, reply.error["param"]) == (400, param)


async def test_tools_of_other_kinds_are_passed_over():
    tools = [{"type": "web_search"}, *FLAT[1:]]
    reply = await ask(StandIn(), "POST", "/v1/responses", {"model": "m", "input": "hi", "tools": tools})
    assert [item["name"] for item in reply.json()["output"]] == ["get_time"]
