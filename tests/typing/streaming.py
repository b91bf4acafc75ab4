"""What type checkers make of the helpers for streams; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

from msgspec import Struct

from anyopenai import AsyncAssistantEventHandler, OpenAI, ResumePoint, StreamGap, StreamTruncated, TextStream
from anyopenai.streaming import (
    AsyncAssistantStreamManager,
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
from anyopenai.types.beta import AssistantStreamEvent
from anyopenai.types.beta.threads import Message, Run, Text, TextDelta
from anyopenai.types.beta.threads.runs import RunStep
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


class Typewriter(AsyncAssistantEventHandler):
    """A handler of somebody's."""

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        assert_type(self.current_run, Run | None)

    def mine(self) -> int:
        return 1


async def streams_of_runs_give_their_handler(client: OpenAI) -> None:
    plain = client.beta.threads.runs.stream(thread_id="t", assistant_id="a")
    assert_type(plain, AsyncAssistantStreamManager[AsyncAssistantEventHandler])
    async with plain as stream:
        assert_type(stream, AsyncAssistantEventHandler)
        async for event in stream:
            assert_type(event, AssistantStreamEvent)
            if event.event == "thread.message.completed":
                assert_type(event.data, Message)
        assert_type(stream.text_deltas, TextStream)
        assert_type(await stream.get_final_run(), Run)
        assert_type(await stream.get_final_run_steps(), list[RunStep])
        assert_type(await stream.get_final_messages(), list[Message])
        assert_type(stream.current_run_step_snapshot, RunStep | None)
    own = client.beta.threads.runs.submit_tool_outputs_stream(
        "r", thread_id="t", tool_outputs=[], event_handler=Typewriter()
    )
    assert_type(own, AsyncAssistantStreamManager[Typewriter])
    async with own as typewriter:
        assert_type(typewriter.mine(), int)
    async with client.beta.threads.create_and_run_stream(assistant_id="a", event_handler=Typewriter()) as started:
        assert_type(started, Typewriter)
    async with client.beta.threads.runs.create_and_stream("t", assistant_id="a", event_handler=None) as same:
        assert_type(same, AsyncAssistantEventHandler)


async def polls_give_runs(client: OpenAI) -> None:
    runs = client.beta.threads.runs
    assert_type(await runs.poll("r", "t", poll_interval_ms=100), Run)
    assert_type(await runs.create_and_poll("t", assistant_id="a"), Run)
    assert_type(await runs.submit_tool_outputs_and_poll("r", thread_id="t", tool_outputs=[]), Run)
    assert_type(await client.beta.threads.create_and_run_poll(assistant_id="a", deadline=60), Run)


async def where_to_go_on_is_known(client: OpenAI) -> None:
    stream = await client.responses.create(model="m", input="x", background=True, stream=True, resume_streams=False)
    assert_type(stream.resume_point, ResumePoint | None)
    assert_type(stream.polled, bool)
    try:
        await anext(stream)
    except StreamGap as gap:
        assert_type((gap.expected, gap.found), tuple[int, int])
    except StreamTruncated as error:
        if error.resume_point is not None:
            known, number, request_ids = error.resume_point
            assert_type(known, str)
            assert_type(number, int | None)
            assert_type(request_ids, tuple[str, ...])
            async with client.responses.stream(response_id=known, starting_after=number) as again:
                assert_type(again.resume_point, ResumePoint | None)
