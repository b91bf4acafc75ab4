"""`Stream`: what it yields, when it is complete, what ends it early, and what it leaves behind."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from typing import Any

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    OpenAIError,
    RateLimitError,
    Stream,
)
from anyopenai.errors import MalformedEvent, StreamTruncated
from anyopenai.testing import Answer, FakeTransport
from anyopenai.transport.base import TransportFailure
from engine.support import KEY, MODEL, PROMPT, STREAM, chunk, client_over, ok

WIRE = b"".join(b"data: %b\n\n" % (e.encode() if isinstance(e, str) else msgspec.json.encode(e)) for e in STREAM)
FINISHED = WIRE.index(b"[DONE]") - len(b"data: ")
"""Where the event with the finish reason has ended: from there on nothing is missing."""


async def opened(*answers: Any, **options: Any) -> tuple[Stream[Any], FakeTransport]:
    client, transport = client_over(*answers, **options)
    return await client.chat.completions.create(**PROMPT, stream=True), transport


def drop(kept: list[Any]) -> None:
    """Let go of the last reference."""
    kept.clear()
    gc.collect()


async def texts(stream: Stream[Any]) -> list[str]:
    return [event.choices[0].delta.content or "" async for event in stream]


async def test_a_complete_stream_yields_everything_and_gives_its_connection_back() -> None:
    stream, transport = await opened(Answer(events=STREAM))
    assert await texts(stream) == ["Hel", "lo", ""]
    assert transport.responses[0].complete
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@settings(max_examples=60, deadline=None)
@given(end=st.integers(0, len(WIRE)), size=st.integers(1, 200))
def test_a_stream_cut_anywhere_is_whole_or_raises(end: int, size: int) -> None:
    """However far it came and however its bytes were cut: the text is complete, or the error has what there was."""

    async def read() -> None:
        wire = WIRE[:end]
        pieces = [wire[start : start + size] for start in range(0, end, size)]
        stream, transport = await opened(
            Answer(pieces=pieces, headers={"content-type": "text/event-stream"}), max_retries=0
        )
        arrived: list[str] = []
        try:
            async for event in stream:
                arrived.append(event.choices[0].delta.content or "")
        except StreamTruncated as error:
            truncated = error
        else:
            truncated = None
        if truncated is None:
            assert end >= FINISHED
            assert "".join(arrived) == "Hello"
        else:
            assert end < FINISHED or not WIRE[:end].endswith(b"\n\n")
            assert truncated.events_received == len(arrived)
            assert truncated.partial == ("".join(arrived) or None)
        assert transport.open_responses == 0

    anyio.run(read)


async def test_a_lost_connection_is_a_truncated_stream_with_its_text() -> None:
    failure = TransportFailure("reset by peer", kind="lost", phase="body", sent="all")
    stream, _ = await opened(Answer(events=[chunk("Hel"), failure]))
    assert (await anext(stream)).choices[0].delta.content == "Hel"
    with pytest.raises(StreamTruncated, match="the connection was lost") as caught:
        await anext(stream)
    assert caught.value.partial == "Hel"
    assert caught.value.events_received == 1
    assert isinstance(caught.value.__cause__, TransportFailure)


@pytest.mark.parametrize("events", [[], [chunk("Hel")], [chunk("Hel"), b'data: {"half']], ids=len)
async def test_truncated_streams_may_be_ignored(events: Sequence[Any]) -> None:
    stream, _ = await opened(Answer(events=events), truncated_streams="ignore")
    assert len(await texts(stream)) == min(len(events), 1)


async def test_truncated_streams_may_warn() -> None:
    stream, _ = await opened(Answer(events=[chunk("Hel")]), truncated_streams="warn")
    with pytest.warns(RuntimeWarning, match="the stream ended before"):
        assert await texts(stream) == ["Hel"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "boom", "code": "rate_limit_exceeded", "type": "tokens"}, RateLimitError),
        ({"message": "boom", "type": "insufficient_quota"}, RateLimitError),
        ({"message": "boom", "code": 429}, RateLimitError),
        ({"message": "boom", "code": "502"}, InternalServerError),
        ({"message": "boom", "type": "server_error"}, InternalServerError),
        ({"message": "boom", "code": "invalid_api_key"}, AuthenticationError),
        ({"message": "boom", "code": "model_not_found"}, NotFoundError),
        ({"message": "boom", "code": "something_new"}, APIError),
        ({"message": "boom", "code": "99999"}, APIError),
        ("boom", APIError),
    ],
    ids=str,
)
async def test_an_error_in_a_stream_has_the_class_of_its_code(error: object, kind: type[APIError]) -> None:
    stream, transport = await opened(Answer(events=[chunk("Hel"), {"error": error}, chunk("lo")]))
    await anext(stream)
    with pytest.raises(APIError) as caught:
        await anext(stream)
    assert type(caught.value) is kind
    assert caught.value.message == "boom"
    assert caught.value.body == error
    if isinstance(caught.value, APIStatusError):
        assert caught.value.status_code >= 400
        assert caught.value.response.status_code == 200
        assert caught.value.request_id == "req_fake_1"
    assert transport.open_responses == 0


async def test_the_word_error_in_a_text_is_no_error() -> None:
    stream, _ = await opened(Answer(events=[chunk('say "error"'), {**chunk(finish="stop"), "error": None}, "[DONE]"]))
    assert await texts(stream) == ['say "error"', ""]


async def test_broken_json_raises_with_the_event() -> None:
    stream, transport = await opened(Answer(events=[chunk("a"), "{broken"]))
    await anext(stream)
    with pytest.raises(MalformedEvent) as caught:
        await anext(stream)
    assert caught.value.raw == b"{broken"
    assert isinstance(caught.value, APIResponseValidationError)
    assert transport.open_responses == 0


async def test_an_event_named_error_that_is_no_json_is_an_error_with_its_text() -> None:
    stream, _ = await opened(Answer(events=[b"event: error\ndata: upstream went away\n\n"]))
    with pytest.raises(APIError, match="upstream went away"):
        await anext(stream)


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            Answer(content="<html>Sign in</html>", headers={"content-type": "text/html"}),
            APIResponseValidationError,
            "one document",
        ),
        (Answer(json={"error": {"message": "boom"}}), APIError, "boom"),
        (Answer(json={"error": {"message": "slow down", "type": "requests"}}), RateLimitError, "slow down"),
        (Answer(json=MODEL), APIResponseValidationError, "one document"),
    ],
    ids=["page", "error", "rate limit", "document"],
)
async def test_a_document_instead_of_a_stream_is_raised_by_the_call(
    answer: Answer, kind: type[APIError], text: str
) -> None:
    client, transport = client_over(answer)
    with pytest.raises(kind, match=text) as caught:
        await client.chat.completions.create(**PROMPT, stream=True)
    assert caught.value.request is not None
    assert transport.open_responses == 0


@pytest.mark.parametrize("content_type", ["text/event-stream;charset=utf-8", "text/plain", ""])
async def test_a_stream_is_read_whatever_a_small_server_calls_it(content_type: str) -> None:
    stream, _ = await opened(Answer(events=STREAM, headers={"content-type": content_type}))
    assert len(await texts(stream)) == 3


async def test_the_rest_behind_the_end_marker_is_read_away() -> None:
    stream, transport = await opened(Answer(events=[*STREAM, b": trailing\n\n"]))
    await texts(stream)
    assert transport.responses[0].complete
    assert not transport.responses[0].closed


async def test_a_server_that_never_ends_the_body_costs_the_connection_and_no_error() -> None:
    never = anyio.Event()
    stream, transport = await opened(Answer(events=[*STREAM, never]))
    assert len(await texts(stream)) == 3
    assert transport.responses[0].closed


async def test_breaking_off_after_the_last_event_keeps_the_connection() -> None:
    done = {"type": "response.completed", "response": {"id": "r", "output": []}, "sequence_number": 1}
    client, transport = client_over(Answer(events=[done, b": trailing\n\n"]))
    stream = await client.responses.create(model="m", input="x", stream=True)
    async with stream:
        async for event in stream:
            assert event.type == "response.completed"
            break
    assert transport.responses[0].complete


async def test_nothing_after_the_end_marker_is_yielded() -> None:
    stream, _ = await opened(Answer(events=[*STREAM, chunk("more")]))
    assert await texts(stream) == ["Hel", "lo", ""]


async def test_events_of_one_read_are_handed_out_without_waiting() -> None:
    """Other tasks do not get in between; the event loop is asked once per read."""
    stream, _ = await opened(Answer(pieces=[WIRE], headers={"content-type": "text/event-stream"}))
    await anext(stream)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        await anext(stream)
        await anext(stream)
        assert turns == 0
        group.cancel_scope.cancel()
    await stream.close()


async def test_two_tasks_on_one_stream_are_told_apart() -> None:
    never = anyio.Event()
    stream, _ = await opened(Answer(events=[never]))
    async with anyio.create_task_group() as group:
        group.start_soon(anext, stream, None)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(OpenAIError, match="another task"):
            await anext(stream)
        group.cancel_scope.cancel()


async def test_closing_in_one_task_wakes_the_other() -> None:
    gate = anyio.Event()
    stream, transport = await opened(Answer(events=[gate, chunk("late")]))
    errors: list[Exception] = []

    async def read() -> None:
        try:
            await anext(stream)
        except APIConnectionError as error:
            errors.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        await stream.close()
        gate.set()
    assert len(errors) == 1
    assert transport.open_responses == 0


async def test_closing_twice_and_after_the_end_is_harmless() -> None:
    stream, _ = await opened(Answer(events=STREAM))
    await stream.close()
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_cancelled_step_ends_the_stream() -> None:
    never = anyio.Event()
    stream, transport = await opened(Answer(events=[never]))
    with anyio.move_on_after(0.01):
        await anext(stream)
    assert transport.open_responses == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_dropped_stream_gives_up_its_connection_first_and_warns_last() -> None:
    stream, transport = await opened(Answer(events=STREAM))
    await anext(stream)
    kept = [stream]
    del stream
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        drop(kept)
    assert transport.open_responses == 0


async def test_a_stream_read_to_its_end_may_be_dropped() -> None:
    stream, _ = await opened(Answer(events=STREAM))
    await texts(stream)
    del stream
    gc.collect()


async def test_a_stream_knows_the_answers_head() -> None:
    stream, _ = await opened(Answer(events=STREAM, headers={"x-model": "m"}))
    assert stream.response.status_code == 200
    assert stream.response.headers["X-Model"] == "m"
    assert stream.request_id == "req_fake_1"
    assert KEY not in repr(stream.response.request.headers)
    assert stream.response.request.headers["authorization"] == "<redacted>"
    await stream.close()


async def test_named_events_keep_their_names() -> None:
    from anyopenai._contract import Operation

    operation: Operation[Any] = Operation(
        name="threads.runs.create",
        verb="POST",
        path="/threads/runs",
        returns=object,
        body="json",
        event=dict,
        named_events=True,
        ending="run",
    )
    client, _ = client_over(
        Answer(
            events=[
                ("thread.run.created", {"id": "run"}),
                ("thread.run.completed", {"id": "run"}),
                b"event: done\ndata: [DONE]\n\n",
            ]
        )
    )
    stream = await client._caller.call(operation, stream=True, options={})
    assert [event async for event in stream] == [
        {"event": "thread.run.created", "data": {"id": "run"}},
        {"event": "thread.run.completed", "data": {"id": "run"}},
    ]


async def test_a_stream_is_asked_for_again_while_none_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyopenai._engine.engine.random", lambda: 1.0)
    transport = FakeTransport(Answer.error(500, headers={"retry-after-ms": "1"}), Answer(events=STREAM))
    client = OpenAI(api_key=KEY, transport=transport)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert len(await texts(stream)) == 3
    assert [json.loads(request.body)["stream"] for request in transport.requests] == [True, True]


async def test_a_raw_response_that_is_dropped_with_its_stream_warns() -> None:
    client, transport = client_over(Answer(events=STREAM), ok())
    raw = await client.chat.completions.with_raw_response.create(**PROMPT, stream=True)
    assert not raw.is_closed
    with pytest.raises(OpenAIError, match="use parse"):
        raw.text  # noqa: B018 - reading it is what raises
    kept = [raw]
    del raw
    with pytest.warns(ResourceWarning, match="before parse"):
        drop(kept)
    assert transport.open_responses == 0


async def test_leaving_a_streaming_response_closes_the_stream_it_gave() -> None:
    client, transport = client_over(Answer(events=STREAM))
    async with client.chat.completions.with_streaming_response.create(**PROMPT, stream=True) as response:
        stream = await response.parse()
        await anext(stream)
    assert transport.open_responses == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    kept = [stream, response]
    del stream, response
    drop(kept)


async def test_closing_a_raw_response_closes_the_stream_it_gave() -> None:
    client, transport = client_over(Answer(events=STREAM))
    raw = await client.chat.completions.with_raw_response.create(**PROMPT, stream=True)
    stream = raw.parse()
    await anext(stream)
    await raw.close()
    assert transport.open_responses == 0
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_trace_sees_the_end_of_a_stream() -> None:
    seen: list[tuple[str, Any]] = []
    stream, _ = await opened(Answer(events=STREAM), trace=lambda name, info: seen.append((name, info)))
    await texts(stream)
    assert seen == [("stream.end", {"events": 3, "bytes": len(WIRE), "complete": True})]


@pytest.mark.parametrize("keep", [False, True])
async def test_events_keep_members_that_no_type_has_where_asked_for(keep: bool) -> None:
    odd = chunk("Hi")
    odd["choices"][0]["delta"]["reasoning_content"] = "Why"
    client, _ = client_over(Answer(events=[odd, chunk(finish="stop"), "[DONE]"]), keep_unknown_fields=keep)
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        first, _ = [event async for event in stream]
    delta: Any = first.choices[0].delta
    assert getattr(delta, "reasoning_content", None) == ("Why" if keep else None)
    assert ("reasoning_content" in first.to_dict()["choices"][0]["delta"]) == keep


@pytest.mark.parametrize("value", [7, 1, 0, "yes", [], {}])
async def test_a_stream_that_is_neither_true_nor_false_is_refused_before_anything_is_sent(value: Any) -> None:
    client, transport = client_over()
    with pytest.raises(TypeError, match=r"stream of chat\.completions\.create\(\) must be True or False, not "):
        await client.chat.completions.create(**PROMPT, stream=value)
    with pytest.raises(TypeError, match="must be True or False"):
        await client.responses.with_raw_response.create(model="m", input="x", stream=value)
    assert transport.requests == []
