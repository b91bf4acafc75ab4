"""Structured outputs: what is sent, what comes back parsed, and what is refused, for chat completions and responses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypedDict, cast

import pytest
from msgspec import Struct

from anyopenai import (
    APIResponseValidationError,
    ContentFilterFinishReasonError,
    LengthFinishReasonError,
    OpenAI,
    UnsupportedSchemaError,
    function_tool,
    pydantic_function_tool,
)
from anyopenai.structured import output_of
from anyopenai.types.chat import ParsedChatCompletion, ParsedFunctionToolCall
from anyopenai.types.responses import ParsedResponse, ParsedResponseFunctionToolCall
from behaviour import answers
from behaviour.server import Server, json

pydantic = pytest.importorskip("pydantic")
attrs = pytest.importorskip("attrs")

TEXT = '{"city":"Lisbon","degrees":21}'
ARGUMENTS: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
INPUT: Any = {"model": "m", "input": "hi"}


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class WeatherStruct(Struct):
    city: str
    degrees: int


@dataclass
class WeatherDataclass:
    city: str
    degrees: int


class WeatherDict(TypedDict):
    city: str
    degrees: int


@attrs.define
class WeatherAttrs:
    city: str
    degrees: int


class WeatherModel(pydantic.BaseModel):  # type: ignore[name-defined, misc]  # imported if it is installed
    city: str
    degrees: int


class Search(pydantic.BaseModel):  # type: ignore[name-defined, misc]  # imported if it is installed
    """Look for it."""

    words: list[str]


KINDS = [WeatherStruct, WeatherDataclass, WeatherAttrs, WeatherModel, WeatherDict]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


def chat(content: str | None = TEXT, finish: str = "stop", **members: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content, "refusal": None, **members}
    choice = {"index": 0, "finish_reason": finish, "logprobs": None, "message": message}
    return answers.chat(choices=[choice])


def call(arguments: str, name: str = "Search") -> dict[str, object]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def function_call(arguments: str, name: str = "Search") -> dict[str, object]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def bare(schema: object) -> object:
    """Leave out titles and descriptions."""
    if isinstance(schema, dict):
        return {name: bare(item) for name, item in schema.items() if name not in ("title", "description")}
    return [bare(item) for item in schema] if isinstance(schema, list) else schema


def sent(server: Server) -> dict[str, Any]:
    return cast("dict[str, Any]", server.last.json())


# -- chat completions --------------------------------------------------------------------------------------------------


async def test_without_a_format_content_is_as_usual_and_nothing_is_parsed(server: Server, client: OpenAI) -> None:
    """Behaviour 262."""
    server.script(json(chat("Hello!")))
    answer = await client.chat.completions.parse(**ARGUMENTS, tools=cast("Any", None))
    assert isinstance(answer, ParsedChatCompletion)
    assert answer.choices[0].message.content == "Hello!"
    assert answer.choices[0].message.parsed is None
    assert "response_format" not in sent(server)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_type_is_sent_as_a_strict_schema_and_comes_back(server: Server, client: OpenAI, kind: Any) -> None:
    """Behaviours 263 and 264."""
    server.script(json(chat()))
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=kind)
    parsed: Any = answer.choices[0].message.parsed
    if kind is WeatherDict:
        assert parsed == {"city": "Lisbon", "degrees": 21}
    else:
        assert type(parsed) is kind
        assert (parsed.city, parsed.degrees) == ("Lisbon", 21)
    asked = sent(server)["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["name"] == kind.__name__
    assert asked["json_schema"]["strict"] is True
    assert bare(asked["json_schema"]["schema"]) == SCHEMA


async def test_enums_and_nested_classes_come_back(server: Server, client: OpenAI) -> None:
    """Behaviours 264 and 387."""

    @dataclass
    class Reading:
        unit: Unit
        kind: Literal["air", "water"]
        places: list[WeatherStruct]

    server.script(json(chat('{"unit":"f","kind":"air","places":[{"city":"Oslo","degrees":-3}]}')))
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=Reading)
    parsed = answer.choices[0].message.parsed
    assert parsed == Reading(Unit.FAHRENHEIT, "air", [WeatherStruct("Oslo", -3)])


async def test_each_choice_is_parsed(server: Server, client: OpenAI) -> None:
    """Behaviour 265."""
    choices = [
        {
            "index": number,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": f'{{"city":"A","degrees":{number}}}', "refusal": None},
        }
        for number in range(3)
    ]
    server.script(json(answers.chat(choices=choices)))
    answer = await client.chat.completions.parse(**ARGUMENTS, n=3, response_format=WeatherStruct)
    assert [choice.message.parsed for choice in answer.choices] == [WeatherStruct("A", n) for n in range(3)]


async def test_a_refusal_leaves_parsed_none(server: Server, client: OpenAI) -> None:
    """Behaviour 266."""
    server.script(json(chat(None, refusal="I will not.")), json(chat(TEXT, refusal="I will not.")))
    for _ in range(2):
        answer = await client.chat.completions.parse(**ARGUMENTS, response_format=WeatherStruct)
        assert answer.choices[0].message.refusal == "I will not."
        assert answer.choices[0].message.parsed is None


async def test_empty_content_is_not_parsed(server: Server, client: OpenAI) -> None:
    server.script(json(chat("")))
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=WeatherStruct)
    assert answer.choices[0].message.parsed is None


@pytest.mark.parametrize("asked", [{}, {"response_format": WeatherStruct}])
async def test_an_answer_cut_by_its_limit_raises_with_the_completion(
    server: Server, client: OpenAI, asked: dict[str, Any]
) -> None:
    """Behaviour 267."""
    server.script(json(chat('{"city":"Li', "length")))
    with pytest.raises(LengthFinishReasonError, match="after 2 tokens") as failure:
        await client.chat.completions.parse(**ARGUMENTS, **asked)
    completion = failure.value.completion
    assert isinstance(completion, ParsedChatCompletion)
    assert completion.choices[0].message.content == '{"city":"Li'
    assert completion.usage is not None


@pytest.mark.parametrize("asked", [{}, {"response_format": WeatherStruct}])
async def test_a_filtered_answer_raises(server: Server, client: OpenAI, asked: dict[str, Any]) -> None:
    """Behaviour 268."""
    server.script(json(chat("", "content_filter")))
    with pytest.raises(ContentFilterFinishReasonError):
        await client.chat.completions.parse(**ARGUMENTS, **asked)


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        (WeatherStruct, '{"city":"Lisbon","degrees":"hot"}', "Expected `int`, got `str` - at `$.degrees`"),
        (WeatherDataclass, '{"city":"Lisbon"}', "missing required field `degrees`"),
        (WeatherModel, '{"city":"Lisbon"}', "Field required - at `$.degrees`"),
        (WeatherModel, '{"city":', "EOF while parsing"),
        (WeatherStruct, "Sure, here it is", "malformed"),
        (WeatherStruct, "[]", "Expected `object`, got `array`"),
    ],
)
async def test_content_that_does_not_fit_raises_and_says_where(
    server: Server, client: OpenAI, kind: Any, content: str, said: str
) -> None:
    """Behaviour 269."""
    server.script(json(chat(content)))
    with pytest.raises(APIResponseValidationError) as failure:
        await client.chat.completions.parse(**ARGUMENTS, response_format=kind)
    message = str(failure.value)
    assert f"choices[0].message.content: it is not {kind.__name__}" in message
    assert said in message
    assert failure.value.status_code == 200
    if kind is WeatherModel:
        assert failure.value.__cause__ is not None
        assert isinstance(failure.value.__cause__.__cause__, pydantic.ValidationError)
    assert cast("Any", failure.value.response.json())["choices"][0]["message"]["content"] == content


async def test_a_form_that_says_itself_what_it_is_is_sent_as_it_is(server: Server, client: OpenAI) -> None:
    """Behaviour 270."""
    server.script(json(chat()))
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    for one in (form, {"type": "json_object"}):
        answer = await client.chat.completions.parse(**ARGUMENTS, response_format=one)
        assert answer.choices[0].message.parsed is None
        assert sent(server)["response_format"] == one


async def test_a_json_schema_is_made_strict_and_comes_back_as_a_dict(server: Server, client: OpenAI) -> None:
    server.script(json(chat('{"city":"Rome","note":null}')))
    schema = {
        "title": "Trip",
        "type": "object",
        "properties": {"city": {"type": "string"}, "note": {"type": "string"}},
        "required": ["city"],
    }
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=schema)
    assert answer.choices[0].message.parsed == {"city": "Rome", "note": None}
    asked = sent(server)["response_format"]["json_schema"]
    assert asked["name"] == "Trip"
    assert asked["schema"]["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert asked["schema"]["required"] == ["city", "note"]
    assert asked["schema"]["additionalProperties"] is False


async def test_an_output_brings_its_name_and_description(server: Server, client: OpenAI) -> None:
    server.script(json(chat()))
    output = output_of(WeatherStruct, name="weather", description="The weather now.")
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=output)
    assert answer.choices[0].message.parsed == WeatherStruct("Lisbon", 21)
    asked = sent(server)["response_format"]["json_schema"]
    assert (asked["name"], asked["description"]) == ("weather", "The weather now.")


@pytest.mark.parametrize("kind", [int, list[int], "Weather", WeatherStruct | WeatherDataclass])
async def test_what_is_no_object_is_refused_before_anything_is_sent(server: Server, client: OpenAI, kind: Any) -> None:
    with pytest.raises(TypeError) as failure:
        await client.chat.completions.parse(**ARGUMENTS, response_format=kind)
    assert isinstance(failure.value, UnsupportedSchemaError)
    with pytest.raises(UnsupportedSchemaError):
        await client.responses.parse(**INPUT, text_format=kind)
    assert server.requests == []


@pytest.mark.parametrize("tool", [pydantic_function_tool(Search), function_tool(Search)])
async def test_a_model_tool_is_strict_and_its_arguments_come_back(server: Server, client: OpenAI, tool: Any) -> None:
    """Behaviour 271."""
    server.script(json(chat(None, "tool_calls", tool_calls=[call('{"words":["a"]}')])))
    answer = await client.chat.completions.parse(**ARGUMENTS, tools=[tool])
    (found,) = answer.choices[0].message.tool_calls or []
    assert isinstance(found, ParsedFunctionToolCall)
    assert found.function.parsed_arguments == Search(words=["a"])
    (asked,) = sent(server)["tools"]
    assert asked["type"] == "function"
    assert asked["function"]["name"] == "Search"
    assert asked["function"]["description"] == "Look for it."
    assert asked["function"]["strict"] is True
    assert asked["function"]["parameters"]["additionalProperties"] is False


async def test_a_tool_takes_a_name_and_a_description(server: Server, client: OpenAI) -> None:
    """Behaviour 272."""
    server.script(json(chat(None, "tool_calls", tool_calls=[call('{"city":"A","degrees":1}', "now")])))
    tools = [pydantic_function_tool(Search), pydantic_function_tool(WeatherStruct, name="now", description="Now.")]
    answer = await client.chat.completions.parse(**ARGUMENTS, tools=tools)
    (found,) = answer.choices[0].message.tool_calls or []
    assert isinstance(found, ParsedFunctionToolCall)
    assert found.function.parsed_arguments == WeatherStruct("A", 1)
    assert sent(server)["tools"][1]["function"]["description"] == "Now."


STRICT = {"type": "function", "function": {"name": "Search", "strict": True, "parameters": SCHEMA}}


async def test_a_strict_tool_that_is_a_dict_gives_a_dict(server: Server, client: OpenAI) -> None:
    """Behaviour 273."""
    server.script(json(chat(None, "tool_calls", tool_calls=[call('{"city":"A","degrees":1}'), call("{}", "other")])))
    tools: Any = [STRICT]
    answer = await client.chat.completions.parse(**ARGUMENTS, tools=tools)
    found = [one for one in answer.choices[0].message.tool_calls or [] if isinstance(one, ParsedFunctionToolCall)]
    assert [one.function.parsed_arguments for one in found] == [{"city": "A", "degrees": 1}, None]


async def test_a_tool_that_is_not_strict_is_refused_before_anything_is_sent(server: Server, client: OpenAI) -> None:
    """Behaviour 274."""
    tools: Any = [{"type": "function", "function": {"name": "Search"}}]
    with pytest.raises(ValueError, match="'Search' is not strict"):
        await client.chat.completions.parse(**ARGUMENTS, tools=tools)
    assert server.requests == []


async def test_arguments_that_do_not_fit_raise_and_say_where(server: Server, client: OpenAI) -> None:
    server.script(json(chat(None, "tool_calls", tool_calls=[call('{"words":"a"}')])))
    with pytest.raises(APIResponseValidationError) as failure:
        await client.chat.completions.parse(**ARGUMENTS, tools=[pydantic_function_tool(Search)])
    assert "choices[0].message.tool_calls[0].function.arguments of 'Search'" in str(failure.value)
    assert "Input should be a valid array - at `$.words`" in str(failure.value)


async def test_calls_of_custom_tools_stay_as_they_are(server: Server, client: OpenAI) -> None:
    custom = {"id": "call_1", "type": "custom", "custom": {"name": "x", "input": "y"}}
    server.script(json(chat(None, "tool_calls", tool_calls=[custom])))
    tools: Any = [{"type": "custom", "custom": {"name": "x"}}]
    answer = await client.chat.completions.parse(**ARGUMENTS, tools=tools)
    (found,) = answer.choices[0].message.tool_calls or []
    assert found.type == "custom"


async def test_an_answer_without_choices_does_not_crash(server: Server, client: OpenAI) -> None:
    """As some servers send it."""
    server.script(json(answers.chat(choices=None)), json(answers.chat(choices=[{"index": 0, "message": None}])))
    for expected in (0, 1):
        answer = await client.chat.completions.parse(**ARGUMENTS, response_format=WeatherStruct)
        assert len(answer.choices) == expected


async def test_raw_and_streaming_views_give_the_parsed_completion(server: Server, client: OpenAI) -> None:
    """Behaviour 275."""
    server.script(json(chat()))
    raw = await client.chat.completions.with_raw_response.parse(**ARGUMENTS, response_format=WeatherStruct)
    assert raw.status_code == 200
    assert raw.parse().choices[0].message.parsed == WeatherStruct("Lisbon", 21)
    assert raw.parse(to=dict)["object"] == "chat.completion"
    view = client.chat.completions.with_streaming_response
    async with view.parse(**ARGUMENTS, response_format=WeatherStruct) as response:
        assert (await response.parse()).choices[0].message.parsed == WeatherStruct("Lisbon", 21)


async def test_it_stands_under_beta_too(server: Server, client: OpenAI) -> None:
    server.script(json(chat()))
    answer = await client.beta.chat.completions.parse(**ARGUMENTS, response_format=WeatherStruct)
    assert answer.choices[0].message.parsed == WeatherStruct("Lisbon", 21)


async def test_what_was_parsed_is_shown_and_not_sent_back(server: Server, client: OpenAI) -> None:
    server.script(json(chat(tool_calls=[call('{"words":["a"]}')])))
    answer = await client.chat.completions.parse(
        **ARGUMENTS, response_format=WeatherModel, tools=[pydantic_function_tool(Search)]
    )
    message = answer.choices[0].message
    assert "parsed=WeatherModel(city='Lisbon', degrees=21)" in repr(answer)
    dumped: Any = answer.to_dict()
    assert dumped["choices"][0]["message"]["parsed"] == {"city": "Lisbon", "degrees": 21}
    assert '"parsed_arguments":{"words":["a"]}' in answer.model_dump_json()
    await client.chat.completions.create(model="m", messages=[message])
    (returned,) = sent(server)["messages"]
    assert "parsed" not in returned
    assert returned["tool_calls"] == [call('{"words":["a"]}')]


async def test_the_model_refuses_a_class_in_create(client: OpenAI) -> None:
    """Behaviour 183."""
    with pytest.raises(TypeError, match="parse"):
        await client.chat.completions.create(**ARGUMENTS, response_format=cast("Any", WeatherModel))


async def test_large_answers_are_parsed_too(server: Server, client: OpenAI) -> None:
    text = '{"city":"%s","degrees":1}' % ("x" * 2**21)
    server.script(json(chat(text)))
    answer = await client.chat.completions.parse(**ARGUMENTS, response_format=WeatherStruct)
    parsed = answer.choices[0].message.parsed
    assert parsed is not None
    assert len(parsed.city) == 2**21


# -- responses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_response_is_asked_for_and_read_as_a_type(server: Server, client: OpenAI, kind: Any) -> None:
    """Behaviour 278."""
    server.script(json(answers.response(TEXT)))
    answer = await client.responses.parse(**INPUT, text_format=kind)
    assert isinstance(answer, ParsedResponse)
    parsed: Any = answer.output_parsed
    expected = {"city": "Lisbon", "degrees": 21} if kind is WeatherDict else kind(city="Lisbon", degrees=21)
    assert parsed == expected
    assert answer.output_text == TEXT
    asked = sent(server)["text"]["format"]
    assert (asked["type"], asked["name"], asked["strict"]) == ("json_schema", kind.__name__, True)
    assert bare(asked["schema"]) == SCHEMA


async def test_text_settings_stay_and_a_second_format_is_refused(server: Server, client: OpenAI) -> None:
    server.script(json(answers.response(TEXT)))
    await client.responses.parse(**INPUT, text_format=WeatherStruct, text={"verbosity": "low"})
    assert sent(server)["text"]["verbosity"] == "low"
    assert sent(server)["text"]["format"]["name"] == "WeatherStruct"
    with pytest.raises(TypeError, match="text has a format"):
        await client.responses.parse(**INPUT, text_format=WeatherStruct, text={"format": {"type": "text"}})


async def test_it_can_be_read_as_another_type_than_was_asked_for(server: Server, client: OpenAI) -> None:
    server.script(json(answers.response(TEXT)))
    other = await client.responses.parse(**INPUT, text_format=WeatherModel, parse_as=WeatherStruct)
    assert other.output_parsed == WeatherStruct("Lisbon", 21)
    assert sent(server)["text"]["format"]["name"] == "WeatherModel"
    plain = await client.responses.parse(**INPUT, text_format=WeatherModel, parse_as=None)
    assert plain.output_parsed is None
    unasked = await client.responses.parse(**INPUT, parse_as=WeatherStruct)
    assert unasked.output_parsed == WeatherStruct("Lisbon", 21)
    assert "text" not in sent(server)


async def test_items_that_are_not_parsed_are_kept(server: Server, client: OpenAI) -> None:
    """Behaviour 279."""
    text = {"type": "output_text", "text": TEXT, "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "program", "id": "p", "call_id": "c", "code": "1", "fingerprint": "f"},
        {"type": "something_new", "id": "n"},
        message,
        function_call('{"words":[]}'),
    ]
    server.script(json(answers.response(output=output)))
    answer = await client.responses.parse(**INPUT, text_format=WeatherStruct)
    assert [item.type for item in answer.output] == [item["type"] for item in output]
    assert answer.output_parsed == WeatherStruct("Lisbon", 21)
    await client.responses.create(model="m", input=answer.output)
    assert sent(server)["input"] == output


async def test_a_refused_response_has_nothing_parsed(server: Server, client: OpenAI) -> None:
    refusal = {"type": "refusal", "refusal": "I will not."}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [refusal]}
    server.script(json(answers.response(output=[message])), json(answers.response(output=None)))
    for _ in range(2):
        answer = await client.responses.parse(**INPUT, text_format=WeatherStruct)
        assert answer.output_parsed is None


@pytest.mark.parametrize("tool", [pydantic_function_tool(Search), function_tool(Search)])
async def test_tools_of_both_apis_give_parsed_arguments(server: Server, client: OpenAI, tool: Any) -> None:
    output = [function_call('{"words":["a"]}')]
    server.script(json(answers.response(output=output)))
    answer = await client.responses.parse(**INPUT, tools=[tool])
    (item,) = answer.output
    assert isinstance(item, ParsedResponseFunctionToolCall)
    assert item.parsed_arguments == Search(words=["a"])
    (asked,) = sent(server)["tools"]
    assert (asked["type"], asked["name"], asked["strict"]) == ("function", "Search", True)
    assert asked["description"] == "Look for it."
    await client.responses.create(model="m", input=answer.output)
    assert sent(server)["input"] == output


@pytest.mark.parametrize(("strict", "parsed"), [(True, {"words": []}), (False, None)])
async def test_tools_that_are_dicts_give_dicts_if_they_are_strict(
    server: Server, client: OpenAI, strict: bool, parsed: object
) -> None:
    server.script(json(answers.response(output=[function_call('{"words":[]}')])))
    tools: Any = [{"type": "function", "name": "Search", "strict": strict, "parameters": {}}]
    answer = await client.responses.parse(**INPUT, tools=tools)
    (item,) = answer.output
    assert isinstance(item, ParsedResponseFunctionToolCall)
    assert item.parsed_arguments == parsed


async def test_text_that_does_not_fit_raises_and_says_where(server: Server, client: OpenAI) -> None:
    server.script(json(answers.response('{"city":1}')))
    with pytest.raises(APIResponseValidationError, match=r"output\[0\]\.content\[0\]\.text: it is not WeatherStruct"):
        await client.responses.parse(**INPUT, text_format=WeatherStruct)
    server.script(json(answers.response(output=[function_call("{}")])))
    with pytest.raises(APIResponseValidationError, match=r"output\[0\]\.arguments of 'Search'"):
        await client.responses.parse(**INPUT, tools=[pydantic_function_tool(Search)])


async def test_a_response_that_was_cut_says_so(server: Server, client: OpenAI) -> None:
    cut = answers.response('{"city":"Li', "incomplete", incomplete_details={"reason": "max_output_tokens"})
    server.script(json(cut))
    with pytest.raises(LengthFinishReasonError) as failure:
        await client.responses.parse(**INPUT, text_format=WeatherStruct)
    assert isinstance(failure.value.completion, ParsedResponse)
    server.script(json({**cut, "incomplete_details": {"reason": "content_filter"}}))
    with pytest.raises(ContentFilterFinishReasonError):
        await client.responses.parse(**INPUT, text_format=WeatherStruct)


async def test_views_of_a_parsed_response(server: Server, client: OpenAI) -> None:
    server.script(json(answers.response(TEXT)))
    raw = await client.responses.with_raw_response.parse(**INPUT, text_format=WeatherStruct)
    assert raw.parse().output_parsed == WeatherStruct("Lisbon", 21)
    async with client.responses.with_streaming_response.parse(**INPUT, text_format=WeatherStruct) as response:
        assert (await response.parse()).output_parsed == WeatherStruct("Lisbon", 21)
    with pytest.raises(TypeError, match="stream"):
        await client.responses.parse(**INPUT, stream=True)
    server.script(json(answers.response("{}")))
    raw = await client.responses.with_raw_response.parse(**INPUT, text_format=WeatherStruct)
    with pytest.raises(APIResponseValidationError):
        raw.parse()
