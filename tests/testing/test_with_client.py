"""The client against the stand-in and the fake transport: every endpoint once, and what only the two together show."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

import anyopenai
from anyopenai import OpenAI, RetryPolicy
from anyopenai.testing import Answer, FakeTransport, Server, StandIn, serve
from anyopenai.transport.base import TransportFailure

USER: Any = [{"role": "user", "content": "Say hello"}]


@asynccontextmanager
async def connected(app: StandIn | None = None, **options: Any) -> AsyncGenerator[tuple[OpenAI, Server]]:
    async with serve(app) as server, OpenAI(api_key="k", base_url=server.base_url, **options) as client:
        yield client, server


async def test_chat_whole_streamed_and_stored():
    async with connected() as (client, server):
        made = await client.chat.completions.create(model="m", messages=USER, store=True, metadata={"a": "b"})
        assert "no model" in (made.choices[0].message.content or "")
        stream = await client.chat.completions.create(
            model="m", messages=USER, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == made.choices[0].message.content
        assert chunks[-1].usage == made.usage
        listed = [row.id async for row in client.chat.completions.list(metadata={"a": "b"})]
        assert listed == [made.id]
        messages = [row.content async for row in client.chat.completions.messages.list(made.id)]
        assert messages == ["Say hello"]
        assert (await client.chat.completions.update(made.id, metadata={"c": "d"})).metadata == {"c": "d"}
        assert (await client.chat.completions.delete(made.id)).deleted
        assert server.stats.connections == 1


async def test_text_completions():
    async with connected() as (client, _):
        made = await client.completions.create(model="m", prompt="x")
        stream = await client.completions.create(model="m", prompt="x", stream=True)
        assert "".join([chunk.choices[0].text async for chunk in stream]) == made.choices[0].text


async def test_responses_whole_streamed_and_stored():
    async with connected() as (client, _):
        first = await client.responses.create(model="m", input="Say hello")
        assert "no model" in first.output_text
        second = await client.responses.create(model="m", input="Again", previous_response_id=first.id)
        assert "turn 2" in second.output_text
        stream = await client.responses.create(model="m", input="Say hello", stream=True)
        events = [event async for event in stream]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.completed"
        assert (await client.responses.retrieve(first.id)).output_text == first.output_text
        items = [item async for item in client.responses.input_items.list(first.id)]
        assert len(items) == 1
        assert (await client.responses.input_tokens.count(model="m", input="one two")).input_tokens == 5
        waiting = await client.responses.create(model="m", input="x", background=True)
        assert (await client.responses.cancel(waiting.id)).status == "cancelled"
        await client.responses.delete(first.id)
        with pytest.raises(anyopenai.NotFoundError):
            await client.responses.retrieve(first.id)


async def test_embeddings_have_the_same_numbers_in_both_forms():
    async with connected() as (client, _):
        packed = await client.embeddings.create(model="m", input=["cats and dogs", "dogs and cats", "tax law"])
        plain = await client.embeddings.create(model="m", input="cats and dogs", encoding_format="float")
        one, two, other = (item.embedding for item in packed.data)
        assert list(plain.data[0].embedding) == list(one)
        assert sum(a * b for a, b in zip(one, two, strict=True)) > 0.99
        assert sum(a * b for a, b in zip(one, other, strict=True)) < 0.5


async def test_files_batches_models_and_moderations():
    async with connected() as (client, _):
        content = bytes(range(256)) * 2000
        made = await client.files.create(file=('nä "q".jsonl', content), purpose="batch")
        assert (made.filename, made.bytes) == ('nä "q".jsonl', len(content))
        other = await client.files.create(file=b"", purpose="user_data")
        assert [file.id async for file in client.files.list(limit=1)] == [other.id, made.id]
        assert (await client.files.content(made.id)).content == content
        batch = await client.batches.create(input_file_id=made.id, endpoint="/v1/embeddings", completion_window="24h")
        assert [row.id async for row in client.batches.list()] == [batch.id]
        assert (await client.batches.cancel(batch.id)).status == "cancelled"
        assert (await client.files.delete(made.id)).deleted
        assert len([model async for model in client.models.list()]) == 5
        verdict = await client.moderations.create(input=["murder", "hello"])
        assert [result.flagged for result in verdict.results] == [True, False]


async def test_errors_are_typed_and_carry_the_request_id():
    async with connected() as (client, _):
        with pytest.raises(anyopenai.BadRequestError) as caught:
            await client.embeddings.create(model="m", input=["a", ""])
        assert (caught.value.param, caught.value.code) == ("input[1]", "invalid_value")
        assert (caught.value.request_id or "").startswith("req_")
        with pytest.raises(anyopenai.NotFoundError, match="There is nothing at GET"):
            await client.get("/nothing", cast_to=object)


async def test_a_raw_response_shows_the_servers_fields():
    async with connected(StandIn(requests_per_minute=10)) as (client, _):
        raw = await client.embeddings.with_raw_response.create(model="m", input="a")
        assert raw.headers["x-ratelimit-remaining-requests"] == "9"
        assert raw.headers["openai-processing-ms"].isdigit()


async def test_a_stream_left_early_ends_the_generation():
    async with connected(StandIn(token_delay=0.001)) as (client, server):
        stream = await client.chat.completions.create(model="m", messages=USER, stream=True)
        async with stream:
            await anext(stream)
        while server.stats.disconnects == 0:
            await checkpoint()
        assert server.stats.streams_finished == 0
        assert (await client.models.list()).data


async def test_a_full_minute_is_waited_out_as_the_server_says():
    """The stand-in's clock runs ahead, so that its 429 asks for a few milliseconds."""
    ticks = iter([0.0, 59.99, 120.0])
    app = StandIn(requests_per_minute=1, clock=lambda: next(ticks))
    async with connected(app) as (client, server):
        await client.embeddings.create(model="m", input="a")
        await client.embeddings.create(model="m", input="a")
        assert (server.stats.requests, server.stats.rate_limited) == (3, 1)


async def test_the_fake_transport_answers_a_client():
    transport = FakeTransport(
        TransportFailure("gone", kind="lost", phase="head", sent="all"),
        Answer.error(503, "busy", headers={"retry-after-ms": "1"}),
    )
    transport.route("GET", "/models/*", Answer(json={"id": "m", "object": "model", "created": 0, "owned_by": "me"}))
    async with OpenAI(api_key="k", transport=transport) as client:
        model = await client.with_options(max_retries=2).models.retrieve("m")
    assert model.id == "m"
    assert [request.path for request in transport.requests] == ["/v1/models/m"] * 3
    assert transport.open_responses == 0


async def test_a_scripted_stream_waits_at_its_gate():
    gate = anyio.Event()
    head: Any = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    chunks = [
        head | {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}
        for text, reason in (("Hel", None), ("lo", "stop"))
    ]
    transport = FakeTransport(Answer(events=[chunks[0], gate, chunks[1], "[DONE]"]))
    async with OpenAI(api_key="k", transport=transport) as client:
        stream = await client.chat.completions.create(model="m", messages=USER, stream=True)
        async with stream:
            assert (await anext(stream)).choices[0].delta.content == "Hel"
            gate.set()
            assert [chunk.choices[0].delta.content async for chunk in stream] == ["lo"]
    assert transport.open_responses == 0


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_a_response_in_the_background_breaks_off_and_goes_on(http2: bool):
    """Only in the background: another stream carries all of its events."""
    app = StandIn(break_off_after=5)
    async with connected(app, http2=http2, retry_policy=RetryPolicy(initial_delay=0)) as (client, server):
        stream = await client.responses.create(model="m", input="Say hello", background=True, stream=True)
        numbers = [event.sequence_number async for event in stream]
        assert numbers == list(range(len(numbers)))
        assert server.stats.streams == server.stats.requests == -(-len(numbers) // 5)
        assert server.stats.streams_finished == 1
        whole = await client.responses.create(model="m", input="Say hello", stream=True)
        assert len([event async for event in whole]) == len(numbers)
        assert server.stats.streams_finished == 2


def test_a_connection_carries_at_least_one_event():
    with pytest.raises(ValueError, match="break_off_after"):
        StandIn(break_off_after=0)
