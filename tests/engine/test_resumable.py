"""Streams of responses in the background: they go on over another connection, each event once, or an error says where."""

from __future__ import annotations

import json
import pickle
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    DeadlineExceeded,
    EventStreamResponse,
    NotFoundError,
    OpenAI,
    OpenAIError,
    RateLimitError,
    ResumePoint,
    RetryPolicy,
    StreamGap,
    StreamTruncated,
    Timeout,
    merge,
)
from anyopenai.testing import Answer
from anyopenai.testing.contract.disturbance import Disturbed
from anyopenai.transport import TransportFailure
from engine.background import (
    ASK,
    BEGUN,
    EVENTS,
    FRAMES,
    ID,
    NUMBERS,
    SHORT,
    SSE,
    TEXT,
    WIRE,
    Background,
    Reply,
    cut_at,
    frames,
    gone,
    numbers,
    read,
    response,
    without_pauses,
)
from engine.recordings import typed
from engine.support import Waits
from engine.test_limits import Time

LOST = TransportFailure("reset by peer", kind="lost", phase="body", sent="all")
BROKEN = TransportFailure("no chunk", kind="protocol", phase="body", sent="all")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return without_pauses(monkeypatch)


def lost_after(count: int, failure: Any = LOST) -> Reply:
    """The connection breaks after so many events."""
    return lambda due: [frames(count)(due), failure]  # type: ignore[list-item]  # frames() gives bytes


async def test_a_stream_cut_at_every_byte_goes_on_and_gives_every_event_once(anyio_backend_name: str) -> None:
    """Every byte on one event loop; the other, which has no part in decoding, takes samples."""
    server = Background(events=SHORT)
    client = server.client()
    expected = await read(client)
    length = len(b"".join(SHORT))
    for end in range(0, length + 1, 1 if anyio_backend_name == "asyncio" else 17):
        server.transport.requests.clear()
        server.transport.responses.clear()
        server.replies[:] = [cut_at(end)]
        if end < BEGUN:
            with pytest.raises(StreamTruncated) as caught:
                await read(client)
            assert (caught.value.resume_point, server.asked) == (None, [])
        else:
            assert await read(client) == expected
            assert len(server.asked) == (end < length)
        assert server.transport.open_responses == 0


async def consume(reader: Any, into: list[int]) -> None:
    """Note the numbers of events as they come."""
    async for event in reader:
        into.append(event.sequence_number)


async def undisturbed() -> list[Any]:
    """What a stream gives whose connection holds."""
    return await read(Background().client())


@given(cuts=st.lists(st.integers(0, len(WIRE)), max_size=8), fails=st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=60)
def test_any_cuts_give_the_same_events(cuts: list[int], fails: list[bool]) -> None:
    """Each connection carries any number of bytes of what is left, and ends or breaks."""

    async def main() -> None:
        replies = [
            (lambda due, end=end, fails=fails: [due[:end], LOST] if fails else [due[:end]])
            for end, fails in zip(cuts, fails, strict=False)
        ]
        server = Background(lambda due: due[: BEGUN + 100], *replies)
        policy = RetryPolicy(max_retries=100, initial_delay=0)
        assert numbers(await read(server.client(retry_policy=policy))) == NUMBERS
        assert server.transport.open_responses == 0

    anyio.run(main)


@pytest.mark.parametrize("failure", [LOST, BROKEN, None], ids=["lost", "broken", "ended"])
async def test_every_end_of_a_connection_is_survived(failure: TransportFailure | None) -> None:
    server = Background(*[lost_after(3, failure) if failure else frames(3) for _ in range(7)])
    assert numbers(await read(server.client())) == NUMBERS
    assert server.asked == [2, 5, 8, 11, 14, 17, 20]


async def test_a_silence_is_survived_and_those_in_a_row_are_not() -> None:
    never = anyio.Event()
    silent = lost_after(3, never)
    server = Background(silent)
    assert numbers(await read(server.client(timeout=Timeout(60, idle=0.01)))) == NUMBERS
    server = Background(silent, *[lambda due: [never]] * 3)
    with pytest.raises(APITimeoutError, match=r"it was not resumed.*resume_point") as caught:
        await read(server.client(timeout=Timeout(60, idle=0.01, first_event=0.01)))
    assert server.asked == [2, 2]
    assert caught.value.events_received == 3
    assert caught.value.resume_point is not None
    assert caught.value.resume_point.sequence_number == 2
    assert server.transport.open_responses == 0


async def test_what_servers_send_again_is_dropped() -> None:
    """A server that takes no notice of where to go on."""
    server = Background(frames(9), lambda due: WIRE[: -len(FRAMES[-1])], lambda due: WIRE)
    assert numbers(await read(server.client())) == NUMBERS


async def test_a_gap_raises_behind_the_events_before_it() -> None:
    server = Background(frames(11), lambda due: b"".join([FRAMES[11], *FRAMES[13:]]))
    found: list[int] = []
    stream = await server.client().responses.create(**ASK, stream=True)
    with pytest.raises(StreamGap, match="event 13 where 12 was due") as caught:
        await consume(stream, found)
    assert found == NUMBERS[:12]
    error = caught.value
    assert (error.expected, error.found, error.events_received, error.partial) == (12, 13, 12, TEXT[:16])
    again = pickle.loads(pickle.dumps(error))
    assert (again.expected, again.resume_point) == (12, error.resume_point)
    assert server.transport.open_responses == 0


async def test_numbers_that_do_not_grow_by_one_are_given_and_not_resumed() -> None:
    """Nobody could tell a gap from such a server's habit."""
    odd = [{**event, "sequence_number": event["sequence_number"] * 2} for event in EVENTS]
    found = await read(Background(lambda due: typed(*odd)).client())
    assert numbers(found) == [event["sequence_number"] for event in odd]
    with pytest.raises(StreamTruncated, match="do not grow by one"):
        await read(Background(lambda due: typed(*odd[:5])).client())


async def test_events_without_numbers_are_given_and_not_resumed() -> None:
    bare = [{name: value for name, value in event.items() if name != "sequence_number"} for event in EVENTS]
    server = Background(lambda due: typed(*bare))
    assert [event.type for event in await read(server.client())] == [event["type"] for event in EVENTS]
    with pytest.raises(StreamTruncated) as caught:
        await read(Background(lambda due: typed(*bare[:5])).client())
    assert caught.value.resume_point is None


async def test_a_stream_that_was_asked_for_again_goes_on_as_well() -> None:
    server = Background(frames(3), frames(2))
    async with await server.client().responses.retrieve(ID, stream=True, starting_after=7) as stream:
        assert numbers([event async for event in stream]) == NUMBERS[8:]
    assert server.asked == [7, 10, 12]
    server = Background(lambda due: b"", frames(3))
    async with await server.client().responses.retrieve(ID, stream=True) as stream:
        assert numbers([event async for event in stream]) == NUMBERS
    assert server.asked == [None, None, 2]


async def test_a_request_to_go_on_is_like_the_first() -> None:
    server = Background(frames(3), gone(), whole=[Answer(json=response())])
    client = server.client(default_query={"api-version": "1"}, default_headers={"x-team": "a"})
    await read(
        client,
        extra_headers={"x-more": "b", "Idempotency-Key": "k"},
        extra_query={"q": "1"},
        extra_body={"metadata": {}},
        include=["message.output_text.logprobs"],
        stream_options={"include_obfuscation": False},
    )
    first, again, whole = server.transport.requests
    assert first.headers["idempotency-key"] == "k"
    for request in (again, whole):
        assert (request.method, request.body, request.path) == ("GET", b"", f"/v1/responses/{ID}")
        assert {name: request.headers[name] for name in ("authorization", "x-team", "x-more")} == {
            name: first.headers[name] for name in ("authorization", "x-team", "x-more")
        }
        assert "idempotency-key" not in request.headers
        assert {"api-version", "q"} < request.query.keys()
    assert again.headers["accept"].startswith("text/event-stream")
    assert again.query["include[]"] == ["message.output_text.logprobs"]
    assert again.query["include_obfuscation"] == ["false"]
    assert whole.headers["accept"] == "application/json"
    assert not {"stream", "starting_after", "include_obfuscation"} & whole.query.keys()


async def test_middleware_and_a_beta_header_go_with_every_request() -> None:
    seen: list[str] = []

    async def note(request: Any, call_next: Any) -> Any:
        seen.append(request.target.decode())
        return await call_next(request)

    server = Background(frames(3))
    async with await server.client(middleware=[note]).beta.responses.create(
        **ASK, stream=True, betas=["responses_multi_agent=v1"]
    ) as stream:
        assert numbers([event async for event in stream]) == NUMBERS
    assert seen == ["/v1/responses?beta=true", f"/v1/responses/{ID}?beta=true&stream=true&starting_after=2"]
    first, again = server.transport.requests
    assert again.headers["openai-beta"] == first.headers["openai-beta"]


# What is not resumed.


@pytest.mark.parametrize(
    "options",
    [{"resume_streams": False}, {"extra_body": {"background": False}}, {"max_retries": 0}],
    ids=["turned off", "not in the background", "no retries"],
)
async def test_a_stream_that_is_not_to_go_on_raises(options: dict[str, Any]) -> None:
    server = Background(frames(3))
    with pytest.raises(StreamTruncated):
        await read(server.client(), **options)
    assert server.asked == []


async def test_the_clients_option_holds_where_the_call_does_not_say() -> None:
    off = Background(frames(3)).client(resume_streams=False)
    with pytest.raises(StreamTruncated) as caught:
        await read(off)
    assert caught.value.resume_point == ResumePoint(ID, 2, ("req_fake_1",))
    assert numbers(await read(Background(frames(3)).client(resume_streams=False), resume_streams=True)) == NUMBERS
    assert numbers(await read(Background(frames(3)).client(resume_streams=False).copy(resume_streams=True))) == NUMBERS


async def test_raw_streams_are_not_resumed() -> None:
    server = Background(frames(3), frames(3))
    raw = await server.client().responses.with_raw_response.create(**ASK, stream=True)
    with pytest.raises(StreamTruncated):
        [event async for event in raw.parse()]
    async with server.client().responses.with_streaming_response.create(**ASK, stream=True) as answer:
        with pytest.raises(StreamTruncated):
            [event async for event in await answer.parse()]
    assert server.asked == []


async def test_errors_that_the_server_sends_are_not_resumed() -> None:
    own = {"type": "error", "code": "server_error", "message": "oops", "param": None, "sequence_number": 0}
    server = Background(frames(5), lambda due: typed(own))
    assert numbers(await read(server.client())) == [0, 1, 2, 3, 4, 0]
    server = Background(
        frames(11), lambda due: FRAMES[11] + b'event: error\ndata: {"error": {"message": "slow", "code": 429}}\n\n'
    )
    with pytest.raises(RateLimitError) as caught:
        await read(server.client())
    assert (caught.value.partial, server.asked) == (TEXT[:16], [10])


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_a_refusal_to_go_on_is_the_cause_of_the_error(status: int) -> None:
    server = Background(frames(11), *[gone(status)] * 5)
    with pytest.raises(StreamTruncated, match=f"it was not resumed: Error code: {status}") as caught:
        await read(server.client())
    error = caught.value
    assert getattr(error.__cause__, "status_code", None) == status
    assert (error.partial, error.events_received) == ("Hé", 11)
    # Attempts to go on are counted together with the connections that brought nothing: two, as the policy has it.
    assert len(server.asked) == (2 if status >= 429 else 1)
    assert error.resume_point == ResumePoint(ID, 10, ("req_fake_1", f"req_fake_{1 + len(server.asked)}"))


async def test_connections_that_bring_nothing_are_counted_and_each_event_begins_anew(waits: Waits) -> None:
    policy = RetryPolicy(max_retries=2, initial_delay=1, max_delay=10, jitter=0)
    nothing = lost_after(0)
    server = Background(frames(3), nothing, frames(1), nothing, nothing, nothing)
    with pytest.raises(StreamTruncated, match="2 retries"):
        await read(server.client(retry_policy=policy))
    assert server.asked == [2, 2, 3, 3]
    assert waits == [1, 2, 1, 2]


async def test_a_connection_that_cannot_be_made_counts(waits: Waits) -> None:
    refused = TransportFailure("refused", kind="refused", phase="connect", sent="none")
    server = Background(frames(3))
    client = server.client(retry_policy=RetryPolicy(max_retries=2, initial_delay=1, jitter=0))
    stream = await client.responses.create(**ASK, stream=True)
    server.transport.add(refused)
    async with stream:
        assert numbers([event async for event in stream]) == NUMBERS
    assert waits == [1, 2]
    stream = await Background(frames(3)).client().responses.create(**ASK, stream=True)
    transport: Any = stream._resumption.engine.carrier.transport  # type: ignore[attr-defined]  # it is a ResumableStream
    transport.add(refused, refused)
    with pytest.raises(StreamTruncated, match="no connection"):
        [event async for event in stream]


async def test_a_truncated_stream_may_be_ignored_when_it_cannot_go_on() -> None:
    server = Background(frames(3), gone(403))
    assert numbers(await read(server.client(truncated_streams="ignore"))) == NUMBERS[:3]
    with pytest.warns(RuntimeWarning, match="it was not resumed: Error code: 403"):
        await read(Background(frames(3), gone(403)).client(truncated_streams="warn"))


async def test_what_is_no_stream_is_asked_for_as_a_whole() -> None:
    """A server that knows no streams of responses that exist."""
    server = Background(
        frames(11), lambda due: Answer(json=response("in_progress")), whole=[Answer(json=response("completed"))]
    )
    assert (await read(server.client()))[-1].response.output_text == TEXT


# When the events are gone.


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_the_rest_is_made_of_the_response_when_the_events_are_gone(status: int, waits: Waits) -> None:
    whole = [
        Answer(json=response("queued"), headers={"openai-poll-after-ms": "250"}),
        Answer(json=response("queued"), headers={"openai-poll-after-ms": "1000000000"}),
        Answer(json=response("in_progress")),
        Answer(json=response()),
    ]
    server = Background(frames(12), gone(status), whole=whole)
    policy = RetryPolicy(initial_delay=1, jitter=0)
    async with await server.client(retry_policy=policy).responses.create(**ASK, stream=True) as stream:
        assert not stream.polled
        found = [event async for event in stream]
        assert stream.polled
        assert stream.complete
        assert stream.usage is not None
        assert stream.usage.total_tokens == 9
    assert numbers(found) == list(range(len(found)))
    assert "".join(event.delta for event in found if event.type == "response.output_text.delta") == TEXT
    assert found[-1].response == (await undisturbed())[-1].response
    assert waits == [1, 0.25, 120, 4]
    assert server.transport.open_responses == 0


async def test_connections_that_end_without_events_say_that_they_are_gone() -> None:
    server = Background(frames(11), *[frames(0)] * 2, whole=[Answer(json=response())])
    assert (await read(server.client()))[-1].response.output_text == TEXT
    assert server.asked == [10, 10, None]
    lost = Background(frames(11), *[lost_after(0)] * 2, whole=[Answer(json=response())])
    with pytest.raises(StreamTruncated, match="2 retries"):
        await read(lost.client())


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled"])
async def test_the_last_event_says_how_the_response_ended(status: str) -> None:
    output = [{**event["item"]} for event in EVENTS[7:8]]
    server = Background(frames(11), gone(), whole=[Answer(json=response(status, output))])
    found = await read(server.client())
    assert [event.type for event in found[11:]] == [f"response.{status}"]


async def test_polls_are_a_second_apart_where_retries_are_not(waits: Waits) -> None:
    whole = [Answer(json=response("in_progress")), Answer(json=response())]
    await read(Background(frames(11), gone(), whole=whole).client(retry_policy=RetryPolicy(initial_delay=0)))
    assert waits == [0, 1]


async def test_a_response_that_is_gone_as_well_raises() -> None:
    server = Background(frames(11), gone(), whole=[Answer.error(404, "no such response")])
    with pytest.raises(StreamTruncated, match=r"events are gone.*then.*no such response") as caught:
        await read(server.client())
    assert isinstance(caught.value.__cause__, NotFoundError)
    assert caught.value.partial == "Hé"


@pytest.mark.parametrize("document", [{"status": "resting"}, {"status": ["completed"]}, [], "x", {}])
async def test_what_is_no_response_raises(document: object) -> None:
    server = Background(frames(11), gone(), whole=[Answer(json=document)])
    with pytest.raises(OpenAIError, match=r"is no response|status that is not known") as caught:
        await read(server.client())
    assert getattr(caught.value, "partial", None) == "Hé"
    assert server.transport.open_responses == 0


# Time.


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """A clock that waits move, and nothing else."""
    time = Time()
    monkeypatch.setattr("anyopenai._engine.engine.CancelScope", time.scope)
    for module in ("engine", "resumable"):
        monkeypatch.setattr(f"anyopenai._engine.{module}.sleep", time.sleep)
    for module in ("engine", "call", "reader", "resumable", "resumption"):
        monkeypatch.setattr(f"anyopenai._engine.{module}.current_time", time)
    return time


async def test_the_deadline_bounds_the_polls(time: Time) -> None:
    server = Background(frames(11), gone(), whole=[Answer(json=response("in_progress"))])
    began = time()
    with pytest.raises(DeadlineExceeded, match="deadline of 60 s") as caught:
        await read(server.client(), deadline=60)
    assert time() == began + 60
    assert (caught.value.partial, caught.value.events_received) == ("Hé", 11)
    assert caught.value.resume_point is not None


async def test_the_deadline_bounds_the_wait_for_another_connection(time: Time) -> None:
    server = Background(frames(11), lambda due: Answer(pieces=[due], headers=SSE, wait=time))
    began = time()
    with pytest.raises(DeadlineExceeded, match="deadline of 60 s") as caught:
        await read(server.client(), deadline=60)
    assert time() == began + 60
    assert (caught.value.partial, caught.value.events_received) == ("Hé", 11)
    assert server.transport.open_responses == 0


async def test_nothing_is_waited_for_that_passes_the_deadline(time: Time) -> None:
    with pytest.raises(StreamTruncated, match="pass the deadline"):
        await read(
            Background(frames(11)).client(retry_policy=RetryPolicy(initial_delay=60, max_delay=60, jitter=0)),
            deadline=60,
        )


# Other tasks.


async def test_closing_a_stream_ends_its_going_on() -> None:
    gate = anyio.Event()
    waiting = anyio.Event()

    class Gate:
        async def wait(self) -> None:
            waiting.set()
            await gate.wait()

    server = Background(frames(2), lambda due: Answer(pieces=[due], headers=SSE, wait=Gate()))
    stream = await server.client().responses.create(**ASK, stream=True)
    found: list[int] = []

    async def interrupted() -> None:
        with pytest.raises(APIConnectionError, match="closed while a task was waiting"):
            await consume(stream, found)

    async with anyio.create_task_group() as group:
        group.start_soon(interrupted)
        await waiting.wait()
        with pytest.raises(OpenAIError, match="another task"):
            await anext(stream)
        await stream.aclose()
    assert found == [0, 1]
    assert server.transport.open_responses == 0
    assert [event async for event in stream] == []


async def test_cancelling_while_a_stream_goes_on_hangs_up() -> None:
    gate = anyio.Event()
    server = Background(frames(2), lambda due: Answer(pieces=[due], headers=SSE, wait=gate))
    stream = await server.client().responses.create(**ASK, stream=True)
    with anyio.CancelScope() as scope:
        async for event in stream:
            if event.sequence_number == 1:
                scope.cancel()
    assert scope.cancelled_caught
    assert [event async for event in stream] == []
    assert server.transport.open_responses == 0


async def test_the_point_to_go_on_from_is_behind_what_was_given_out() -> None:
    """All events arrive in one read."""
    async with await Background().client().responses.create(**ASK, stream=True) as stream:
        assert stream.resume_point is None
        for number in range(3):
            await anext(stream)
            assert stream.resume_point == ResumePoint(ID, number, ("req_fake_1",))


async def test_an_error_says_where_another_process_can_go_on() -> None:
    server = Background(frames(11))
    with pytest.raises(StreamTruncated) as caught:
        await read(server.client(resume_streams=False))
    point = pickle.loads(pickle.dumps(caught.value)).resume_point
    assert point == ResumePoint(ID, 10, ("req_fake_1",))
    client: OpenAI = server.client()
    async with client.responses.stream(response_id=point.response_id, starting_after=point.sequence_number) as stream:
        assert numbers([event async for event in stream]) == NUMBERS[11:]
        assert (await stream.get_final_response()).output_text == TEXT


# What is made of streams.


async def test_text_readers_and_merged_streams_go_on() -> None:
    async with (
        await Background(frames(11), frames(2)).client().responses.create(**ASK, stream=True)
    ).text_stream as text:
        assert "".join([piece async for piece in text]) == TEXT
    found: list[list[int]] = [[], []]
    stream = await Background(frames(11), frames(2)).client().responses.create(**ASK, stream=True)
    async with stream.tee(2) as readers, anyio.create_task_group() as group:
        for reader, into in zip(readers, found, strict=True):
            group.start_soon(consume, reader, into)
    assert found == [NUMBERS, NUMBERS]
    calls = {
        tag: Background(*cuts).client().responses.create(**ASK, stream=True)
        for tag, cuts in (("a", [frames(3)]), ("b", [frames(9), frames(1)]), ("c", []))
    }
    merged: dict[str, list[int]] = {tag: [] for tag in calls}
    async with merge(calls) as events:
        async for tag, event in events:
            merged[tag].append(event.sequence_number)
    assert merged == dict.fromkeys("abc", NUMBERS)


@pytest.mark.parametrize("polled", [False, True])
async def test_snapshots_of_a_helpers_stream_grow_over_connections(polled: bool) -> None:
    for end in range(1, len(EVENTS)):
        server = Background(frames(end), *([gone()] if polled else []), whole=[Answer(json=response())])
        async with server.client().responses.stream(**ASK) as stream:
            text = ""
            async for event in stream:
                if event.type == "response.output_text.delta":
                    text += event.delta
                    assert event.snapshot == text
                    assert stream.current_response_snapshot.output_text == text
            final = await stream.get_final_response()
            assert stream.polled is polled
            assert stream.resume_point is not None
        assert text == final.output_text == TEXT
        assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]


async def test_the_partial_of_a_helpers_stream_is_what_all_connections_brought() -> None:
    server = Background(frames(11), frames(2), gone(401))
    with pytest.raises(StreamTruncated) as caught:
        async with server.client().responses.stream(**ASK) as stream:
            await stream.until_done()
    partial: Any = caught.value.partial
    assert partial.output_text == TEXT
    assert isinstance(caught.value.__cause__, AuthenticationError)


async def test_observers_are_told_of_one_stream() -> None:
    told: list[tuple[str, Any]] = []
    counted: list[int] = []
    server = Background(frames(11), frames(2))
    client = server.client(
        trace=lambda name, facts: told.append((name, dict(facts))), usage=lambda usage: counted.append(usage.calls)
    )
    await read(client)
    assert [facts["starting_after"] for name, facts in told if name == "resume"] == [10, 12]
    assert [facts["events"] for name, facts in told if name == "stream.end"] == [len(EVENTS)]
    assert "the stream ended before" in json.dumps(told)
    assert counted == [1]


async def test_the_head_is_that_of_the_last_connection() -> None:
    server = Background(frames(3))
    async with await server.client().responses.create(**ASK, stream=True) as stream:
        assert (stream.request_id, stream.response.request.method) == ("req_fake_1", "POST")
        [event async for event in stream]
        assert (stream.request_id, stream.response.request.method) == ("req_fake_2", "GET")


async def test_a_closed_client_ends_its_streams() -> None:
    server = Background(frames(3))
    client = server.client()
    stream = await client.responses.create(**ASK, stream=True)
    await anext(stream)
    await client.close()
    with pytest.raises(OpenAIError):
        [event async for event in stream]


async def test_a_helpers_stream_of_a_response_that_exists_goes_on() -> None:
    """It is read from its beginning, and what is known already is not given."""
    server = Background(frames(5), frames(3))
    async with server.client().responses.stream(response_id=ID, starting_after=5) as stream:
        assert numbers([event async for event in stream]) == NUMBERS[6:]
        assert (await stream.get_final_response()).output_text == TEXT
    assert server.asked == [None, 4, 7]


async def test_a_stream_that_is_dropped_after_going_on_gives_its_connection_back_and_warns() -> None:
    server = Background(frames(3), lambda due: [due[:900], anyio.Event()])
    stream = await server.client().responses.create(**ASK, stream=True)
    for _ in range(5):
        await anext(stream)
    assert server.transport.open_responses == 1
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        del stream
    assert server.transport.open_responses == 0


async def test_a_stream_whose_bytes_are_passed_on_stays_with_its_connection() -> None:
    """Bytes that a browser has cannot be told from those that come again."""
    server = Background(frames(3))
    sent: list[Any] = []

    async def receive() -> Any:
        await anyio.sleep_forever()

    async def send(message: Any) -> None:
        sent.append(message)

    answer = EventStreamResponse(await server.client().responses.create(**ASK, stream=True))
    await answer({"type": "http"}, receive, send)
    assert server.asked == []
    assert b"stream_truncated" in b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("polled", [False, True])
async def test_closing_anywhere_in_going_on_ends_the_reader_and_leaves_nothing_open(polled: bool) -> None:
    """Another task closes the stream at each suspension of the one that reads it."""
    whole = [Answer(json=response("in_progress")), Answer(json=response())]
    for k in range(1, 200):
        server = Background(frames(3), *([gone()] if polled else [frames(2)]), whole=list(whole))
        stream = await server.client().responses.create(**ASK, stream=True)
        outcome: list[object] = []

        async def reading(stream: Any = stream, outcome: list[object] = outcome) -> None:
            try:
                outcome.append(len([event async for event in stream]))
            except APIConnectionError as error:
                outcome.append(error)

        async with anyio.create_task_group() as group:
            reader = Disturbed(reading(), k, lambda _, group=group, stream=stream: group.start_soon(stream.aclose))
            await reader
        (ended,) = outcome
        assert server.transport.open_responses == 0
        if reader.suspensions < k:
            assert isinstance(ended, int)
            return
        assert isinstance(ended, int) or "was closed while a task was waiting" in str(ended)
    raise AssertionError("it did not come to its end")
