"""Streams of events: framing, delivery, endings, errors in them, and leaving them."""

from __future__ import annotations

import json as jsonlib

import anyio
import pytest

from anyopenai import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    BadRequestError,
    OpenAI,
    Timeout,
)
from anyopenai.errors import MalformedEvent, StreamTruncated
from behaviour.answers import PROMPT, chat, delta, response_events, text_completion
from behaviour.clients import client_for
from behaviour.server import Cut, Reply, Server, chunked, error, events, frame, json, whole

A = frame(delta("a"))
B = frame(delta("b", "stop"))
DONE = b"data: [DONE]\n\n"
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def text_of(chunk: object) -> str:
    return chunk.choices[0].delta.content or ""


async def texts(client: OpenAI) -> list[str]:
    """Read one chat stream to its end."""
    seen: list[str] = []
    await read_into(seen, client)
    return seen


async def read_into(seen: list[str], client: OpenAI, **options: object) -> None:
    """Read one chat stream, and keep what arrived before it failed."""
    async for chunk in await client.chat.completions.create(**PROMPT, stream=True, **options):
        seen.append(text_of(chunk))


def framing(data: bytes, *, name: str) -> object:
    return pytest.param(data, id=name)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
async def test_any_line_ending_frames_the_same_events(server: Server, client: OpenAI, ending: bytes) -> None:
    server.script(chunked((A + B + DONE).replace(b"\n", ending), headers=EVENT_STREAM))
    assert await texts(client) == ["a", "b"]


@pytest.mark.parametrize(
    "wire",
    [
        framing(A.replace(b"\n", b"\r\n") + B.replace(b"\n", b"\r") + DONE, name="mixed line endings"),
        framing(b"\xef\xbb\xbf" + A + B + DONE, name="byte order mark at the start"),
        framing(
            b": ping\n\n:\n" + A + b"strange: field\nlonely\n: again\n\n" + B + DONE, name="comments and unknown fields"
        ),
        framing(b"id: 7\nretry: 10\n" + A + b"retry: soon\nid\n" + B + DONE, name="ids and retry times, bad ones too"),
        framing(A.replace(b"data: ", b"data:") + B + b"data:[DONE]\n\n", name="no space after the colon"),
        framing(A + b"event: ping\n\n" + B + DONE, name="a named event without data"),
        framing(A + B + DONE + frame(delta("never")), name="an event after [DONE]"),
        framing(A + B + DONE + b"data: not json\n\n", name="garbage after [DONE]"),
        framing(A + B, name="finish reason and no [DONE]"),
        framing(A + B + b"data: [DONE]", name="[DONE] without its blank line"),
        framing(
            A.replace(b'"created": 1, ', b'\ndata: "created": 1,\ndata:\ndata: ') + B + DONE, name="data lines join"
        ),
        framing(b"\n\n\n" + A + b"\n\n" + B + b"\n" + DONE, name="spare blank lines"),
        framing(frame(delta("a", error=None)) + B + DONE, name="a null error"),
    ],
)
async def test_framing_variant_gives_its_two_events(server: Server, client: OpenAI, wire: bytes) -> None:
    server.script(chunked(wire, headers=EVENT_STREAM))
    assert await texts(client) == ["a", "b"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["lf", "crlf"])
async def test_bytes_that_arrive_one_by_one_give_the_same_events(server: Server, client: OpenAI, ending: bytes) -> None:
    # JSON escapes nothing here, so multi-byte characters are cut too.
    wire = 'data: {"choices":[{"index":0,"delta":{"content":"né😀"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    data = wire.encode().replace(b"\n", ending)
    server.script(chunked(*(data[at : at + 1] for at in range(len(data))), headers=EVENT_STREAM))
    assert await texts(client) == ["né😀"]


@pytest.mark.parametrize(
    "text",
    ["\u2028 \u2029 \x85 \x0b \x0c \x1c", "one\ntwo\n\nthree\r\nfour", 'say "data: x"', "\0", "é" * 50],
    ids=["unicode line ends", "escaped newlines", "looks like a field", "nul", "multi-byte"],
)
async def test_text_that_looks_like_framing_stays_text(server: Server, client: OpenAI, text: str) -> None:
    # The raw form puts what JSON allows unescaped on the wire.
    raw = ("data: " + jsonlib.dumps(delta(text, "stop"), ensure_ascii=False) + "\n\n").encode()
    server.script(chunked(raw, DONE, headers=EVENT_STREAM))
    assert await texts(client) == [text]


async def test_an_event_of_three_megabytes_arrives_intact(server: Server, client: OpenAI) -> None:
    text = "0123456789abcdef" * (3 * 2**16)
    server.script(events(delta(text, "stop")))
    assert await texts(client) == [text]


async def test_two_thousand_events_in_one_write_are_all_yielded(server: Server, client: OpenAI) -> None:
    wire = b"".join(frame(delta(str(number))) for number in range(2000))
    server.script(chunked(wire + B + DONE, headers=EVENT_STREAM))
    assert await texts(client) == [*map(str, range(2000)), "b"]


async def test_an_event_is_delivered_before_the_next_is_sent(server: Server, client: OpenAI) -> None:
    gates = [anyio.Event() for _ in range(3)]
    server.script(events(delta("0"), gates[0], delta("1"), gates[1], delta("2", "stop"), gates[2]))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    for number, gate in enumerate(gates):
        assert text_of(await anext(stream)) == str(number)
        gate.set()
    assert [chunk async for chunk in stream] == []


async def test_a_usage_chunk_without_choices_is_yielded(server: Server, client: OpenAI) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    server.script(events(delta("a", "stop"), {**delta(), "choices": [], "usage": usage}))
    stream = await client.chat.completions.create(**PROMPT, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 3


# How a stream ends.


@pytest.mark.parametrize(
    ("sent", "delivered"),
    [([], []), (["a"], ["a"]), (["a", b'data: {"choices": ['], ["a"]), (["a", b"data: [DO"], ["a"])],
    ids=["nothing at all", "no finish reason", "half an event", "half an end marker"],
)
async def test_a_stream_that_ends_early_raises_after_what_arrived(
    server: Server, client: OpenAI, sent: list[object], delivered: list[str]
) -> None:
    server.script(events(*(delta(item) if isinstance(item, str) else item for item in sent), done=False))
    seen: list[str] = []
    with pytest.raises(StreamTruncated) as caught:
        await read_into(seen, client)
    assert seen == delivered
    assert caught.value.events_received == len(delivered)
    assert (caught.value.partial is not None) == bool(delivered)


@pytest.mark.parametrize("last", ["finish reason", "[DONE]"])
@pytest.mark.parametrize("then", [*Cut, None], ids=["closed", "reset", "silence"])
async def test_a_complete_answer_is_complete_whatever_the_connection_does_next(
    server: Server, client: OpenAI, last: str, then: Cut | None
) -> None:
    if last == "[DONE]":
        server.script(events(delta("a"), "[DONE]", then or anyio.Event()))
    else:
        # After a finish reason alone there may be more, so silence is waited for.
        server.script(events(delta("a", "stop"), then or "[DONE]"))
    assert await texts(client) == ["a"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (json({"error": {"message": "It broke."}}), APIError),
        (json(chat()), APIResponseValidationError),
        (whole(b"<html>Sign in</html>", headers={"content-type": "text/html"}), APIResponseValidationError),
        (events(b"event: error\ndata: It broke.\n\n"), APIError),
        (events("null"), MalformedEvent),
        (events([1]), MalformedEvent),
    ],
    ids=["an error document", "an answer in one piece", "a page", "an error in words", "null", "a list"],
)
async def test_what_is_no_stream_of_answers_raises(
    server: Server, client: OpenAI, reply: Reply, expected: type[APIError]
) -> None:
    server.script(reply)
    with pytest.raises(expected) as caught:
        await texts(client)
    assert type(caught.value) is expected


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", None])
async def test_a_stream_is_read_under_another_content_type(server: Server, client: OpenAI, kind: str | None) -> None:
    server.script(whole(A + B, headers={} if kind is None else {"content-type": kind}))
    assert await texts(client) == ["a", "b"]


@pytest.mark.parametrize("cut", Cut)
async def test_a_connection_lost_after_every_finish_reason_costs_nothing(
    server: Server, client: OpenAI, cut: Cut
) -> None:
    lost = anyio.Event()
    server.script(chunked(A + B, lost, cut, headers=EVENT_STREAM))
    seen = []
    async for chunk in await client.chat.completions.create(**PROMPT, stream=True):
        seen.append(text_of(chunk))
        if len(seen) == 2:
            lost.set()
    assert seen == ["a", "b"]


@pytest.mark.parametrize("cut", Cut)
async def test_a_connection_lost_in_a_stream_raises_after_what_arrived(
    server: Server, client: OpenAI, cut: Cut
) -> None:
    lost = anyio.Event()
    server.script(events(delta("a"), lost, cut))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert text_of(await anext(stream)) == "a"
    lost.set()
    with pytest.raises(APIConnectionError):
        await anext(stream)


async def test_a_stream_that_goes_silent_raises_a_timeout(server: Server) -> None:
    server.script(events(delta("a"), anyio.Event()))
    async with client_for(server, timeout=Timeout(30, idle=0.01)) as client:
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        assert text_of(await anext(stream)) == "a"
        with pytest.raises(APITimeoutError, match="silent"):
            await anext(stream)


async def test_a_finished_stream_says_so_again_and_again(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a", "stop")))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert len([chunk async for chunk in stream]) == 1
    for _ in range(3):
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_stream_that_ends_early_may_be_taken_as_it_is(server: Server) -> None:
    server.script(events(delta("a"), done=False))
    async with client_for(server, truncated_streams="ignore") as client:
        assert await texts(client) == ["a"]
        with pytest.warns(RuntimeWarning, match="not complete"):
            assert await texts(client.with_options(truncated_streams="warn")) == ["a"]
        with pytest.raises(StreamTruncated):
            await texts(client.with_options(truncated_streams="raise"))


# Errors in a stream.


@pytest.mark.parametrize("name", ["", "error"], ids=["unnamed event", "event named error"])
async def test_an_error_object_ends_the_stream_with_its_facts(server: Server, client: OpenAI, name: str) -> None:
    inner = {"message": "Overloaded.", "code": "overloaded", "type": "server_error", "param": "model"}
    event = {"error": inner}
    server.script(events(delta("a"), (name, event) if name else event, delta("never"), done=False))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert text_of(await anext(stream)) == "a"
    with pytest.raises(APIError, match="Overloaded") as caught:
        await anext(stream)
    problem = caught.value
    assert (problem.code, problem.type, problem.param, problem.body) == ("overloaded", "server_error", "model", inner)


@pytest.mark.parametrize(
    "value",
    ["broken", True, 42, ["x"], {"code": "x"}, {"message": None}, {"message": ""}, {"message": {"deep": 1}}],
    ids=repr,
)
async def test_an_error_without_a_sentence_still_raises(server: Server, client: OpenAI, value: object) -> None:
    server.script(events({"error": value}))
    with pytest.raises(APIError) as caught:
        await texts(client)
    assert caught.value.message
    assert not isinstance(caught.value, StreamTruncated)


async def test_the_responses_error_event_is_yielded_and_ends_the_stream(server: Server, client: OpenAI) -> None:
    event = {"type": "error", "code": "x", "message": "Sorry.", "param": None, "sequence_number": 1}
    server.script(events(response_events()[0], ("error", event), done=False))
    stream = await client.responses.create(model="m", input="Hello", stream=True)
    seen = [found async for found in stream]
    assert [found.type for found in seen] == ["response.created", "error"]
    assert seen[1].message == "Sorry."


@pytest.mark.parametrize("data", ["{", "not json", "[1,", '{"a": 1} extra', "\x01"])
async def test_broken_json_in_an_event_raises_and_shows_it(server: Server, client: OpenAI, data: str) -> None:
    server.script(events(delta("a"), data, delta("never", "stop")))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert text_of(await anext(stream)) == "a"
    with pytest.raises(MalformedEvent) as caught:
        await anext(stream)
    assert caught.value.raw == data.encode()


async def test_an_http_error_on_a_streaming_request_is_raised_by_the_call(server: Server, client: OpenAI) -> None:
    server.script(error(400, "No such thing."))
    with pytest.raises(BadRequestError, match="No such thing"):
        await client.chat.completions.create(**PROMPT, stream=True)


# Leaving a stream.


async def test_leaving_a_stream_early_hangs_up(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a"), anyio.Event()))
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        await anext(stream)
    await server.connections[0].hung_up.wait()


@pytest.mark.parametrize("name", ["close", "aclose"])
async def test_closing_a_stream_hangs_up(server: Server, client: OpenAI, name: str) -> None:
    server.script(events(delta("a"), anyio.Event()))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    await getattr(stream, name)()
    await server.connections[0].hung_up.wait()


async def test_cancelling_the_wait_for_an_event_hangs_up(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a"), anyio.Event()))
    first = anyio.Event()

    async def read() -> None:
        async for _ in await client.chat.completions.create(**PROMPT, stream=True):
            first.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await first.wait()
        tasks.cancel_scope.cancel()
    await server.connections[0].hung_up.wait()


# Which streams there are.


async def test_a_streaming_request_asks_for_events(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a", "stop")))
    await texts(client)
    assert server.last.json() == {**PROMPT, "stream": True}
    assert any(kind in server.last["accept"] for kind in ("text/event-stream", "*/*"))


async def test_legacy_completions_stream(server: Server, client: OpenAI) -> None:
    server.script(events(text_completion("Once "), text_completion("more", "stop")))
    stream = await client.completions.create(model="m", prompt="Hello", stream=True)
    assert [chunk.choices[0].text async for chunk in stream] == ["Once ", "more"]


async def test_responses_stream_typed_events(server: Server, client: OpenAI) -> None:
    sent = response_events("Hel", "lo")
    server.script(events(*((event["type"], event) for event in sent), done=False))
    stream = await client.responses.create(model="m", input="Hello", stream=True)
    seen = [event async for event in stream]
    assert [type(event).__name__ for event in seen] == [
        "ResponseCreatedEvent",
        "ResponseTextDeltaEvent",
        "ResponseTextDeltaEvent",
        "ResponseCompletedEvent",
    ]
    assert seen[-1].response.output_text == "Hello"


async def test_an_event_of_an_unknown_type_is_yielded(server: Server, client: OpenAI) -> None:
    created, *rest = response_events("Hello")
    strange = {"type": "response.telepathy.delta", "thought": "x", "sequence_number": 9}
    server.script(events(created, strange, *rest, done=False))
    stream = await client.responses.create(model="m", input="Hello", stream=True)
    seen = [event async for event in stream]
    assert [event.type for event in seen][1] == "response.telepathy.delta"
    assert seen[1].thought == "x"


async def test_two_streams_read_in_turn_do_not_mix(server: Server, client: OpenAI) -> None:
    server.script(
        *(events(*(delta(f"{name}{number}") for number in range(5)), delta(None, "stop")) for name in ("x", "y"))
    )
    first = await client.chat.completions.create(**PROMPT, stream=True)
    second = await client.chat.completions.create(**PROMPT, stream=True)
    pairs = [(text_of(await anext(first)), text_of(await anext(second))) for _ in range(5)]
    assert pairs == [(f"x{number}", f"y{number}") for number in range(5)]
    assert [text_of(chunk) for stream in (first, second) async for chunk in stream] == ["", ""]
