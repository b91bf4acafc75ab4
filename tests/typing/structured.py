"""What type checkers make of structured outputs and tools; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, assert_type

from msgspec import Struct

from anyopenai import FunctionTool, OpenAI, function_tool, pydantic_function_tool
from anyopenai._engine.response import RawResponse
from anyopenai.structured import CallableTool, Output, output_of
from anyopenai.types.chat import ChatCompletionFunctionToolParam, ParsedChatCompletion
from anyopenai.types.chat.parsed_function_tool_call import ParsedFunctionToolCall
from anyopenai.types.responses import ParsedResponse
from anyopenai.types.responses.parsed_response import ParsedResponseFunctionToolCall, ParsedResponseOutputText


class Weather(Struct):
    city: str
    degrees: float


@dataclass
class Place:
    name: str


class Row(TypedDict):
    name: str


SCHEMA: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}


async def the_answer_has_the_type_that_was_asked_for(client: OpenAI) -> None:
    answer = await client.chat.completions.parse(model="m", messages=[], response_format=Weather)
    assert_type(answer, ParsedChatCompletion[Weather])
    assert_type(answer.choices[0].message.parsed, Weather | None)
    assert_type((await client.chat.completions.parse(model="m", messages=[])).choices[0].message.parsed, object | None)
    placed = await client.beta.chat.completions.parse(model="m", messages=[], response_format=Place)
    assert_type(placed.choices[0].message.parsed, Place | None)
    row = await client.chat.completions.parse(model="m", messages=[], response_format=Row)
    assert_type(row.choices[0].message.parsed, Row | None)
    plain = await client.chat.completions.parse(model="m", messages=[], response_format=SCHEMA)
    assert_type(plain.choices[0].message.parsed, object | None)
    named = await client.chat.completions.parse(
        model="m", messages=[], response_format=output_of(Weather, name="weather")
    )
    assert_type(named.choices[0].message.parsed, Weather | None)
    for call in answer.choices[0].message.tool_calls or []:
        if call.type == "function":
            assert_type(call, ParsedFunctionToolCall)
            assert_type(call.function.parsed_arguments, object | None)


async def responses_have_it_too(client: OpenAI) -> None:
    answer = await client.responses.parse(model="m", input="x", text_format=Weather)
    assert_type(answer, ParsedResponse[Weather])
    assert_type(answer.output_parsed, Weather | None)
    assert_type(answer.output_text, str)
    for item in answer.output:
        if item.type == "message":
            for part in item.content:
                if part.type == "output_text":
                    assert_type(part, ParsedResponseOutputText[Weather])
                    assert_type(part.parsed, Weather | None)
        elif item.type == "function_call":
            assert_type(item, ParsedResponseFunctionToolCall)
    await client.responses.create(model="m", input=[*answer.output, {"role": "user", "content": "And then?"}])


async def the_views_keep_the_type(client: OpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.parse(model="m", messages=[], response_format=Weather)
    assert_type(raw, RawResponse[ParsedChatCompletion[Weather]])
    async with client.responses.with_streaming_response.parse(model="m", input="x", text_format=Weather) as response:
        assert_type((await response.parse()).output_parsed, Weather | None)


def an_output_reads_its_type() -> None:
    assert_type(output_of(Weather), Output[Weather])
    assert_type(output_of(Weather).decode("{}"), Weather)
    assert_type(output_of(SCHEMA), Output[dict[str, object]])


def look_up(city: str, unit: Literal["c", "f"] = "c") -> float:
    raise NotImplementedError


@function_tool
async def wait_for(city: str) -> str:
    raise NotImplementedError


@function_tool(name="renamed")
def renamed(city: str) -> int:
    raise NotImplementedError


async def tools_have_types(client: OpenAI) -> None:
    tool = function_tool(Weather)
    assert_type(tool, FunctionTool[Weather])
    assert_type(tool.decode("{}"), Weather)
    assert_type(function_tool(look_up).invoke("{}"), float)
    assert_type(function_tool(look_up)("x", unit="f"), float)
    assert_type(await wait_for("x"), str)
    assert_type(await wait_for.invoke("{}"), str)
    assert_type(renamed("x"), int)
    assert_type(pydantic_function_tool(Weather), ChatCompletionFunctionToolParam)
    answer = await client.chat.completions.parse(
        model="m", messages=[], tools=[tool, wait_for, pydantic_function_tool(Weather)]
    )
    for call in answer.choices[0].message.tool_calls or []:
        if call.type == "function":
            assert_type(tool.arguments_of(call.function), Weather)
    await client.responses.parse(model="m", input="x", tools=[tool, pydantic_function_tool(Weather)])
    await client.chat.completions.create(model="m", messages=[], tools=[tool.for_chat()])
    await client.responses.create(model="m", input="x", tools=[tool.for_responses()])


def a_tool_is_one_of_functions(tool: CallableTool[[str], int]) -> FunctionTool[object]:
    return tool
