"""What type checkers make of runs of tools; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import Any, assert_type

from msgspec import Struct

from anyopenai import OpenAI, Usage, UsageLedger, bind_tool, function_tool, to_response_input_items
from anyopenai.streaming import ContentDeltaEvent, ContentDoneEvent
from anyopenai.tools import (
    BoundTool,
    ChatToolResult,
    ChatToolRun,
    CustomTool,
    ErrorEvent,
    FinalContentEvent,
    FunctionToolCallEvent,
    FunctionToolCallResultEvent,
    ItemEvent,
    LocalTool,
    ResponseToolResult,
    ResponseToolRun,
    ToolCall,
    ToolRunManager,
)
from anyopenai.types.chat import ParsedChatCompletion
from anyopenai.types.responses import ParsedResponse, Response, ResponseInputItemParam


class Weather(Struct):
    city: str


def tell(city: str) -> str:
    return city


async def look(where: Weather) -> None: ...


async def chat_runs_are_of_the_type_that_was_asked_for(client: OpenAI) -> None:
    manager = client.chat.completions.run_tools(
        model="m",
        messages=[],
        tools=[tell, function_tool(tell), bind_tool(Weather, look)],
        response_format=Weather,
    )
    assert_type(manager, ToolRunManager[ChatToolRun[Weather], ChatToolResult[Weather]])
    async with manager as run:
        assert_type(run, ChatToolRun[Weather])
        async for event in run:
            if event.type == "content.delta":
                assert_type(event, ContentDeltaEvent)
            elif event.type == "content.done":
                assert_type(event, ContentDoneEvent[Weather])
            elif event.type == "function_tool_call":
                assert_type(event, FunctionToolCallEvent)
                assert_type(event.call, ToolCall)
            elif event.type == "function_tool_call_result":
                assert_type(event, FunctionToolCallResultEvent)
            elif event.type == "final_content":
                assert_type(event, FinalContentEvent[Weather])
                assert_type(event.parsed, Weather | None)
            elif event.type == "run_error":
                assert_type(event, ErrorEvent)
        assert_type(await run.final_content(), str | None)
        assert_type(await run.final_parsed(), Weather | None)
        assert_type(await run.final_chat_completion(), ParsedChatCompletion[Weather])
        assert_type(await run.final_function_tool_call(), ToolCall | None)
        assert_type(await run.final_function_tool_call_result(), str | None)
        assert_type(await run.total_usage(), Usage)
    result = await client.beta.chat.completions.run_tools(
        model="m", messages=[], tools=[tell], response_format=Weather, usage=UsageLedger().tag("x"), stream=True
    )
    assert_type(result, ChatToolResult[Weather])
    assert_type(result.parsed, Weather | None)


async def lists_of_tools_have_a_type(client: OpenAI) -> None:
    tools: list[LocalTool] = [tell, look, bind_tool(Weather, look)]
    await client.chat.completions.run_tools(model="m", messages=[], tools=tools)
    await client.responses.run_tools(model="m", tools=[*tools, {"type": "web_search"}])


async def without_a_type_nothing_is_parsed(client: OpenAI) -> None:
    assert_type(
        await client.chat.completions.run_tools(model="m", messages=[], tools=[tell], stream=True),
        ChatToolResult[object],
    )
    assert_type(await client.responses.run_tools(model="m", input="x", tools=[tell]), ResponseToolResult[object])


async def response_runs_are_of_the_type_that_was_asked_for(client: OpenAI) -> None:
    async with client.responses.run_tools(
        model="m", input="x", tools=[{"type": "web_search"}, tell], text_format=Weather
    ) as run:
        assert_type(run, ResponseToolRun[Weather])
        async for event in run:
            if event.type == "item":
                assert_type(event, ItemEvent)
            elif event.type == "final_response" or event.type == "response.completed":
                assert_type(event.response, ParsedResponse[Weather])
        assert_type(await run.final_response(), ParsedResponse[Weather])
        assert_type(await run.final_output_parsed(), Weather | None)
        assert_type(await run.final_output_text(), str)


def tools_are_bound_to_handlers_of_their_type(response: Response) -> None:
    assert_type(bind_tool(Weather, look), BoundTool[Weather])
    assert_type(bind_tool({"type": "custom", "name": "x"}, tell), CustomTool)

    def of_mapping(given: dict[str, Any]) -> None: ...

    assert_type(bind_tool({"type": "object", "properties": {}}, of_mapping), BoundTool[dict[str, object]])
    assert_type(to_response_input_items(response), list[ResponseInputItemParam])
