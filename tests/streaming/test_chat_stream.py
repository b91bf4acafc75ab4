"""`chat.completions.stream()`: entered, read, cut, refused, left and cancelled."""

from __future__ import annotations

import json as jsonlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from msgspec import Struct

from anyopenai import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    BadRequestError,
    LengthFinishReasonError,
    OpenAI,
    OpenAIError,
    RateLimitError,
    StreamTruncated,
)
from anyopenai.testing import Answer, FakeTransport
from anyopenai.testing.faults import fault_server
from anyopenai.testing.http2 import Data, Exchange, Head, HoldStream, Http2, Request
from behaviour.clients import client_for
from behaviour.server import Cut, Server, error, events
from streaming.chunks import ASK, choice, chunk, client_with, text, wire

HELLO = (text("Hel"), text("lo"), chunk(choice(finish="stop")))


class Weather(Struct):
    city: str


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as server:
        yield server


@asynccontextmanager
async def waiting(protocol: str) -> AsyncIterator[tuple[OpenAI, Any]]:
    """A client of a server that sends one chunk and then nothing, and what waits for that server to see it leave."""
    if protocol == "h1":
        async with Server().running() as server, client_for(server, max_retries=0) as client:
            server.script(events(HELLO[0], anyio.Event(), done=False))

            async def left() -> None:
                await server.connections[0].hung_up.wait()

            yield client, left
        return
    gone = anyio.Event()

    async def tell(exchange: Exchange) -> None:
        gone.set()

    head = Head(200, {"content-type": "text/event-stream"})
    script = Http2([Request(), head, Data(wire(HELLO[0], done=False)), HoldStream(), tell])
    async with (
        fault_server([script]) as faults,
        OpenAI(api_key="k", base_url=f"{faults.url}/v1", max_retries=0, http2=True) as client,
    ):
        yield client, gone.wait


async def test_events_and_the_completion_come_from_one_pass() -> None:
    """Behaviours 280, 292 and 293."""
    client = client_with(*HELLO, keep_unknown_fields=True)
    async with client.chat.completions.stream(**ASK) as stream:
        kinds = [event.type async for event in stream]
        assert stream.current_completion_snapshot.choices[0].message.content == "Hello"
    assert kinds == ["chunk", "content.delta", "chunk", "content.delta", "chunk", "content.done"]
    assert (await stream.get_final_completion()).choices[0].message.content == "Hello"
    assert stream.response.status_code == 200
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_the_final_completion_reads_the_stream_by_itself() -> None:
    async with client_with(*HELLO).beta.chat.completions.stream(**ASK) as stream:
        final = await stream.get_final_completion()
        assert await stream.until_done() is stream
    assert final.choices[0].message.content == "Hello"


async def test_text_alone() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    items = (text("other", index=1), *HELLO, text("", "stop", index=1), chunk(usage=usage))
    async with client_with(*items).chat.completions.stream(**ASK, n=2) as stream:
        assert [piece async for piece in stream.text_stream] == ["Hel", "lo"]
        assert stream.usage is not None
        assert stream.usage.total_tokens == 3


async def test_the_request_is_that_of_a_stream() -> None:
    transport = FakeTransport(Answer(content=wire(*HELLO), headers={"content-type": "text/event-stream"}))
    client = OpenAI(api_key="k", transport=transport)
    manager = client.chat.completions.stream(**ASK, response_format=Weather, temperature=0.5)
    assert not transport.requests
    async with manager as stream:
        await anext(stream)
    sent = jsonlib.loads(transport.requests[0].body)
    assert (sent["stream"], sent["temperature"]) == (True, 0.5)
    assert sent["response_format"]["json_schema"]["name"] == "Weather"


async def test_a_stream_is_entered_and_entered_once() -> None:
    manager = client_with(*HELLO).chat.completions.stream(**ASK)
    with pytest.raises(OpenAIError, match="write `async with"):
        async for _ in manager:  # type: ignore[attr-defined]  # what a user may write
            pass
    with pytest.raises(OpenAIError, match="write `async with"):
        await manager  # type: ignore[misc]  # what a user may write
    with pytest.raises(OpenAIError, match="no get_final_completion yet"):
        manager.get_final_completion()  # type: ignore[attr-defined]  # what a user may write
    assert not hasattr(manager, "other")
    async with manager as stream:
        await stream.until_done()
    with pytest.raises(OpenAIError, match="opened once"):
        await manager.__aenter__()


async def test_there_is_no_raw_view() -> None:
    client = client_with(*HELLO)
    with pytest.raises(TypeError, match="no raw view"):
        client.with_raw_response.chat.completions.stream(**ASK)  # type: ignore[attr-defined]  # what a user may write


async def test_a_refused_request_raises_on_entry(server: Server) -> None:
    """Behaviour 295."""
    server.script(error(400, "No."))
    async with client_for(server) as client:
        manager = client.chat.completions.stream(**ASK)
        with pytest.raises(BadRequestError):
            await manager.__aenter__()


async def test_a_stream_cut_anywhere_is_whole_or_raises_with_what_came() -> None:
    outcomes = set()
    for at in range(len(wire(*HELLO)) + 1):
        async with client_with(*HELLO, cut=at).chat.completions.stream(**ASK) as stream:
            try:
                final = await stream.get_final_completion()
            except StreamTruncated as truncated:
                partial: Any = truncated.partial
                outcomes.add(partial and partial.choices[0].message.content)
                with pytest.raises(StreamTruncated):
                    await stream.get_final_completion()
            else:
                assert final.choices[0].message.content == "Hello"
                outcomes.add("whole")
    assert outcomes == {None, "Hel", "Hello", "whole"}


async def test_an_error_in_the_stream_keeps_what_came() -> None:
    client = client_with(HELLO[0], {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, done=False)
    async with client.chat.completions.stream(**ASK) as stream:
        with pytest.raises(APIError) as caught:
            await stream.until_done()
        assert isinstance(caught.value, RateLimitError)
        assert stream.current_completion_snapshot.choices[0].message.content == "Hel"
        with pytest.raises(RateLimitError):
            await stream.get_final_completion()


async def test_content_that_does_not_fit_raises_and_hangs_up() -> None:
    client = client_with(text('{"city":1}'), chunk(choice(finish="stop")))
    async with client.chat.completions.stream(**ASK, response_format=Weather) as stream:
        with pytest.raises(APIResponseValidationError, match=r"choices\[0\].message.content"):
            await stream.until_done()
        with pytest.raises(APIResponseValidationError):
            await stream.get_final_completion()


async def test_a_cut_answer_of_a_type_raises() -> None:
    """Behaviour 291."""
    client = client_with(text('{"ci'), text("", "length"))
    async with client.chat.completions.stream(**ASK, response_format=Weather) as stream:
        with pytest.raises(LengthFinishReasonError):
            await stream.until_done()


async def test_a_typed_answer_is_parsed() -> None:
    """Behaviour 287."""
    client = client_with(text('{"city":'), text('"Rome"}', "stop"))
    async with client.chat.completions.stream(**ASK, response_format=Weather) as stream:
        done = [event.parsed async for event in stream if event.type == "content.done"]
        assert done == [Weather("Rome")]
        assert (await stream.get_final_completion()).choices[0].message.parsed == Weather("Rome")


async def test_a_closed_stream_has_no_final_completion_unless_it_was_whole() -> None:
    async with client_with(*HELLO).chat.completions.stream(**ASK) as stream:
        await anext(stream)
    with pytest.raises(OpenAIError, match="closed before its end"):
        await stream.get_final_completion()
    async with client_with(*HELLO).chat.completions.stream(**ASK) as stream:
        async for event in stream:
            if event.type == "content.done":
                break
    assert (await stream.get_final_completion()).choices[0].message.content == "Hello"


@pytest.mark.parametrize("count", range(1, 40))
async def test_a_closed_stream_whose_rest_had_arrived_has_no_final_completion(count: int) -> None:
    """Whether events are decoded one by one or many at a time is nothing that a result may depend on."""
    async with client_with(*[text("a")] * count, chunk(choice(finish="stop"))).chat.completions.stream(**ASK) as stream:
        await anext(stream)
    with pytest.raises(OpenAIError, match="closed before its end"):
        await stream.get_final_completion()


@pytest.mark.parametrize("protocol", ["h1", "h2"])
async def test_leaving_early_hangs_up(protocol: str) -> None:
    """Behaviour 294."""
    async with waiting(protocol) as (client, left):
        async with client.chat.completions.stream(**ASK) as stream:
            assert (await anext(stream)).type == "chunk"
        await left()


@pytest.mark.parametrize("protocol", ["h1", "h2"])
@pytest.mark.parametrize("way", ["iteration", "text", "final"])
async def test_cancelling_a_wait_hangs_up(protocol: str, way: str) -> None:
    async with waiting(protocol) as (client, left):
        with anyio.CancelScope() as scope:
            async with client.chat.completions.stream(**ASK) as stream:
                await anext(stream)
                await anext(stream)
                async with anyio.create_task_group() as tasks:

                    async def wait() -> None:
                        if way == "final":
                            await stream.get_final_completion()
                        elif way == "text":
                            await anext(stream.text_stream)
                        else:
                            await anext(stream)

                    tasks.start_soon(wait)
                    await anyio.wait_all_tasks_blocked()
                    scope.cancel()
        assert scope.cancelled_caught
        await left()
        assert stream.current_completion_snapshot.choices[0].message.content == "Hel"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_lost_connection_raises_with_what_came(server: Server) -> None:
    server.script(events(HELLO[0], Cut.RESET, done=False))
    async with client_for(server, max_retries=0) as client, client.chat.completions.stream(**ASK) as stream:
        with pytest.raises(APIConnectionError) as caught:
            await stream.until_done()
    assert isinstance(caught.value, StreamTruncated)
    partial: Any = caught.value.partial
    assert partial is stream.current_completion_snapshot
    assert partial.choices[0].message.content == "Hel"
