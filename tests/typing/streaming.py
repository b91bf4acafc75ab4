"""What type checkers make of the helpers for streams; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

from msgspec import Struct

from anyopenai import OpenAI
from anyopenai.streaming import (
    AsyncChatCompletionStream,
    AsyncChatCompletionStreamManager,
    AsyncResponseStream,
    AsyncResponseStreamManager,
    ChatCompletionStreamState,
    ChunkEvent,
    ContentDeltaEvent,
    ContentDoneEvent,
    FunctionToolCallArgumentsDoneEvent,
    ResponseCompletedEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from anyopenai.types.chat import ChatCompletionChunk, ParsedChatCompletion
from anyopenai.types.responses import ParsedResponse


class Weather(Struct):
    city: str


async def events_are_told_apart_by_their_type(client: OpenAI) -> None:
    manager = client.chat.completions.stream(model="m", messages=[], response_format=Weather)
    assert_type(manager, AsyncChatCompletionStreamManager[Weather])
    async with manager as stream:
        assert_type(stream, AsyncChatCompletionStream[Weather])
        async for event in stream:
            if event.type == "chunk":
                assert_type(event, ChunkEvent)
                assert_type(event.chunk, ChatCompletionChunk)
            elif event.type == "content.delta":
                assert_type(event, ContentDeltaEvent)
                assert_type(event.snapshot, str)
                assert_type(event.parsed, object | None)
            elif event.type == "content.done":
                assert_type(event, ContentDoneEvent[Weather])
                assert_type(event.parsed, Weather | None)
            elif event.type == "tool_calls.function.arguments.done":
                assert_type(event, FunctionToolCallArgumentsDoneEvent)
        assert_type(stream.current_completion_snapshot, ParsedChatCompletion[Weather])
        assert_type((await stream.get_final_completion()).choices[0].message.parsed, Weather | None)
        async for piece in stream.text_stream:
            assert_type(piece, str)
        assert_type(await stream.until_done(), AsyncChatCompletionStream[Weather])


async def without_a_type_nothing_is_parsed(client: OpenAI) -> None:
    async with client.beta.chat.completions.stream(model="m", messages=[]) as stream:
        assert_type(await stream.get_final_completion(), ParsedChatCompletion[object])


def a_state_knows_its_type_too(chunk: ChatCompletionChunk) -> None:
    state = ChatCompletionStreamState(response_format=Weather)
    for event in state.handle_chunk(chunk):
        if event.type == "content.done":
            assert_type(event.parsed, Weather | None)
    assert_type(state.get_final_completion().choices[0].message.parsed, Weather | None)


async def events_of_responses_too(client: OpenAI) -> None:
    manager = client.responses.stream(model="m", input="x", text_format=Weather)
    assert_type(manager, AsyncResponseStreamManager[Weather])
    async with manager as stream:
        assert_type(stream, AsyncResponseStream[Weather])
        async for event in stream:
            if event.type == "response.output_text.delta":
                assert_type(event, ResponseTextDeltaEvent)
                assert_type(event.snapshot, str)
            elif event.type == "response.output_text.done":
                assert_type(event, ResponseTextDoneEvent[Weather])
                assert_type(event.parsed, Weather | None)
            elif event.type == "response.completed":
                assert_type(event, ResponseCompletedEvent[Weather])
                assert_type(event.response.output_parsed, Weather | None)
        assert_type(stream.current_response_snapshot, ParsedResponse[Weather])
        assert_type((await stream.get_final_response()).output_parsed, Weather | None)
    async with client.responses.stream(response_id="r", starting_after=3) as again:
        assert_type(await again.get_final_response(), ParsedResponse[object])
