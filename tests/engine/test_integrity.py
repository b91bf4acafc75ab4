"""Every kind of stream, cut at every byte, over memory, HTTP/1.1 and HTTP/2: complete, or an error with what there was."""

from __future__ import annotations

import pickle
from typing import Any, cast

import anyio
import pytest

from anyopenai import APIError, APITimeoutError, InternalServerError, OpenAI, OpenAIError, RateLimitError, Timeout
from anyopenai.errors import MalformedEvent, StreamTruncated
from anyopenai.testing import Answer
from anyopenai.testing.faults import Peer, fault_server
from anyopenai.testing.http2 import Data, Head, Http2, Request, ResetStream
from engine.recordings import PROMPT, RECORDINGS, Recording, events, opened, typed
from engine.support import KEY, chunk, client_over

SSE = {"content-type": "text/event-stream"}
KINDS = pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)


def shown(partial: Any) -> Any:
    """What is compared of a partial result: of events their types."""
    return [event.type for event in partial] if isinstance(partial, list) else partial


async def read(recording: Recording, client: OpenAI) -> tuple[list[Any], OpenAIError | None]:
    """Read a stream; its events, and what it raised."""
    found: list[Any] = []
    try:
        async with opened(recording, client) as stream:
            async for event in stream:
                found.append(event)
    except OpenAIError as error:
        return found, error
    return found, None


async def read_chat(client: OpenAI) -> None:
    """Read a chat to its end."""
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        async for _ in stream:
            pass


def check(recording: Recording, end: int, found: list[Any], error: OpenAIError | None, whole: int) -> None:
    """The one rule: whole, or an error that says how far it came."""
    if error is None:
        assert end >= recording.whole_from
        assert len(found) == whole
        return
    assert isinstance(error, StreamTruncated)
    assert end < recording.whole_from or not recording.wire[:end].endswith(b"\n\n")
    assert error.events_received == len(found)


@KINDS
async def test_a_stream_of_every_kind_cut_at_every_byte_is_whole_or_raises(
    recording: Recording, anyio_backend_name: str
) -> None:
    """Every byte on one event loop; the other, which has no part in decoding, takes samples."""
    wire = recording.wire
    whole, nothing = await read(recording, client_over(Answer(pieces=[wire], headers=SSE))[0])
    assert nothing is None
    ends = range(0, len(wire) + 1, 1 if anyio_backend_name == "asyncio" else 13)
    answers = [Answer(pieces=[wire[:end]], headers=SSE) for end in ends]
    client, transport = client_over(*answers, max_retries=0)
    for end in ends:
        found, error = await read(recording, client)
        check(recording, end, found, error, len(whole))
    assert transport.open_responses == 0


@KINDS
async def test_what_a_stream_brought_is_on_its_error(recording: Recording) -> None:
    """Cut right before the event that would have completed it."""
    end = recording.wire.rindex(b"\n\n", 0, recording.wire.rindex(recording.marker)) + 2
    client, _ = client_over(Answer(pieces=[recording.wire[:end]], headers=SSE), max_retries=0)
    _, error = await read(recording, client)
    assert isinstance(error, StreamTruncated)
    partial = shown(error.partial)
    assert (partial[-1:] if isinstance(partial, list) else partial) == recording.partial
    again = pickle.loads(pickle.dumps(error))
    assert again.events_received == error.events_received


@KINDS
async def test_a_stream_that_may_break_off_gives_what_there_is(recording: Recording) -> None:
    wire = recording.wire
    ends = range(0, len(wire) + 1, 31)
    client, _ = client_over(
        *(Answer(pieces=[wire[:end]], headers=SSE) for end in ends), truncated_streams="ignore", max_retries=0
    )
    counts = []
    for _ in ends:
        found, error = await read(recording, client)
        assert error is None
        counts.append(len(found))
    assert counts == sorted(counts)
    warned, _ = client_over(Answer(pieces=[wire[:30]], headers=SSE), truncated_streams="warn", max_retries=0)
    with pytest.warns(RuntimeWarning, match="the answer is not complete"):
        await read(recording, warned)


@KINDS
async def test_a_stream_knows_what_it_cost(recording: Recording) -> None:
    client, _ = client_over(Answer(pieces=[recording.wire], headers=SSE))
    async with opened(recording, client) as stream:
        assert stream.usage is None
        async for _ in stream:
            pass
        assert (None if stream.usage is None else stream.usage.total_tokens) == recording.usage


# Over the network: the connection goes at every few bytes, and in every way it can.

STEP = 41


@KINDS
async def test_a_stream_whose_http1_connection_goes_is_whole_or_raises(recording: Recording) -> None:
    ends = [*range(0, len(recording.wire), STEP), len(recording.wire)]
    cuts = iter(ends)

    async def serve(peer: Peer) -> None:
        """Each connection carries one answer that is cut: every second one by a reset."""
        await peer.receive_request()
        end = next(cuts)
        body = recording.wire[:end]
        size = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        await peer.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + size
        )

    whole, _ = await read(recording, client_over(Answer(pieces=[recording.wire], headers=SSE))[0])
    async with (
        fault_server([serve]) as server,
        OpenAI(api_key=KEY, base_url=server.url, max_retries=0, http2=False) as client,
    ):
        for end in ends:
            check(recording, end, *await read(recording, client), len(whole))


@KINDS
@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
async def test_a_stream_whose_http2_stream_ends_is_whole_or_raises(recording: Recording, reset: bool) -> None:
    ends = [*range(0, len(recording.wire), STEP), len(recording.wire)]
    scripts = [
        [Request(), Head(headers=SSE), Data(recording.wire[:end], end=not reset), *([ResetStream()] if reset else [])]
        for end in ends
    ]
    http2 = Http2(*cast("Any", scripts))
    whole, _ = await read(recording, client_over(Answer(pieces=[recording.wire], headers=SSE))[0])
    async with (
        fault_server([http2]) as server,
        OpenAI(api_key=KEY, base_url=server.url, max_retries=0, http2=True) as client,
    ):
        for end in ends:
            found, error = await read(recording, client)
            if reset and error is not None and end >= recording.whole_from:
                # A reset may overtake what was sent before it.
                assert isinstance(error, StreamTruncated)
                continue
            check(recording, end, found, error, len(whole))
    assert http2.violations == []


# Errors that the server sends in a stream.

SHAPES: list[tuple[Any, type[APIError], str | None]] = [
    (("error", {"error": {"message": "boom", "code": "rate_limit_exceeded"}}), RateLimitError, "boom"),
    (("error", {"message": "boom", "type": "server_error"}), InternalServerError, "boom"),
    (("error", "boom"), APIError, "boom"),
    (b"event: error\ndata: boom\n\n", APIError, "boom"),
    ({"error": {"message": "boom", "code": 429}}, RateLimitError, "boom"),
    ({"error": "boom"}, APIError, "boom"),
    ({"error": {"code": "server_error"}}, InternalServerError, None),
    ({"object": "error", "message": "boom", "code": 503}, InternalServerError, "boom"),
    ({"type": "error", "error": {"message": "boom", "type": "overloaded_error"}}, InternalServerError, "boom"),
    ({"id": "c", "choices": [], "error": {"message": "boom", "code": 502}}, InternalServerError, "boom"),
    (b'data: {"error"\ndata: : {"message": "boom"}}\n\n', APIError, "boom"),
]


@KINDS
@pytest.mark.parametrize("place", ["first", "middle", "last"])
async def test_every_shape_of_error_in_every_stream_raises_with_what_arrived(recording: Recording, place: str) -> None:
    frames = recording.wire.split(b"\n\n")
    # Before the event that completes the stream.
    last = next(i for i, frame in enumerate(frames) if len(b"\n\n".join(frames[: i + 1])) + 2 >= recording.whole_from)
    at = {"first": 0, "middle": last // 2, "last": last}[place]
    before, after = (b"".join(frame + b"\n\n" for frame in part) for part in (frames[:at], frames[at:-1]))
    for shape, kind, text in SHAPES:
        client, transport = client_over(Answer(pieces=[before + events(shape) + after], headers=SSE), max_retries=0)
        found, error = await read(recording, client)
        assert type(error) is kind, shape
        assert isinstance(error, APIError)
        assert text is None or error.message == text
        assert error.events_received == len(found)
        if place == "last" and not isinstance(error.partial, list):
            assert error.partial == recording.partial
        assert transport.open_responses == 0


async def test_the_responses_apis_own_error_event_is_yielded_and_ends_the_stream() -> None:
    wire = typed({"type": "error", "code": "server_error", "message": "oops", "param": None, "sequence_number": 1})
    client, transport = client_over(Answer(pieces=[wire], headers=SSE))
    async with await client.responses.create(model="m", input="x", stream=True) as stream:
        assert [event.type async for event in stream] == ["error"]
    assert transport.responses[0].complete


async def test_a_stream_that_goes_silent_raises_with_what_arrived() -> None:
    never = anyio.Event()
    client, _ = client_over(
        Answer(events=[chunk("Hel"), never, chunk("late")]), timeout=Timeout(60, idle=0.01), max_retries=0
    )
    with pytest.raises(APITimeoutError) as caught:
        await read_chat(client)
    assert (caught.value.partial, caught.value.events_received) == ("Hel", 1)


async def test_an_event_that_cannot_be_read_raises_with_what_arrived() -> None:
    client, _ = client_over(Answer(events=[chunk("Hel"), "{broken"]))
    with pytest.raises(MalformedEvent) as caught:
        await read_chat(client)
    assert (caught.value.partial, caught.value.events_received) == ("Hel", 1)


async def test_an_event_above_the_clients_limit_is_refused_and_says_how_to_raise_it() -> None:
    answer = Answer(events=[chunk("Hel"), chunk("x" * 1000)])
    client, transport = client_over(answer, answer, max_event_bytes=500)
    with pytest.raises(MalformedEvent, match=r"larger than 500 bytes.*max_event_bytes") as caught:
        await read_chat(client)
    assert caught.value.partial == "Hel"
    assert transport.open_responses == 0
    larger = client.with_options(max_event_bytes=5000, truncated_streams="ignore")
    async with await larger.chat.completions.create(**PROMPT, stream=True) as stream:
        assert len([event async for event in stream]) == 2
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(ValueError, match="max_event_bytes"):
            OpenAI(api_key=KEY, max_event_bytes=cast("int", wrong))


# What compatible servers send, as USERS of them met it: openai-python fails on each of these.

ODD: list[tuple[bytes, str]] = [
    (b"id: 1\n: ping\n\n", "a ping behind an id"),
    (b"event: ping\n\n", "an event without data"),
    (b"retry: 1000\n\n", "a retry alone"),
    (b"data:\n\n", "empty data"),
    (b"data: \n\n", "blank data"),
    (b": OPENROUTER PROCESSING\n\n", "a comment"),
]


@pytest.mark.parametrize(("odd", "name"), ODD, ids=[name for _, name in ODD])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
async def test_what_is_no_event_disturbs_no_stream(odd: bytes, name: str, end: bytes) -> None:
    good = events(chunk("Hé\u2028"), end=b"\n"), events(chunk(finish="stop"), end=b"\n"), b"data:[DONE]\n\n"
    wire = b"\xef\xbb\xbf" + odd + odd.join(good) + odd
    wire = wire.replace(b"\n", end)
    answers = [
        Answer(pieces=[wire[i : i + size] for i in range(0, len(wire), size)], headers=SSE) for size in (1, 2, 3, 50)
    ]
    client, _ = client_over(*answers)
    for _ in answers:
        async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
            assert [event.choices[0].delta.content async for event in stream] == ["Hé\u2028", None]


async def test_choices_that_are_null_end_nothing() -> None:
    client, _ = client_over(Answer(events=[{**chunk(), "choices": None}, chunk(finish="stop"), "[DONE]"]))
    async with await client.chat.completions.create(**PROMPT, stream=True) as stream:
        first, _ = [event async for event in stream]
    assert not first.choices
