"""`sessions.stream()`: what is asked in which order, what is given, how it ends, and what breaks."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from msgspec import Struct

from agents.speaking import (
    BRIEF,
    CONNECTION,
    EVENTS,
    HELLO,
    SESSION,
    Scene,
    added,
    call,
    created,
    kind,
    of_session,
    of_turn,
    said,
    turn,
    waits_for,
    wire,
)
from anyopenai import (
    APIConnectionError,
    APIError,
    BadRequestError,
    DeadlineExceeded,
    InternalServerError,
    OpenAIError,
    StreamTruncated,
    Timeout,
)
from anyopenai.agents import AgentOutputParseError, AgentTurnResultError
from anyopenai.testing import Answer
from anyopenai.transport import TransportFailure
from engine.support import without_waiting


class City(Struct):
    city: str


async def test_the_session_is_looked_at_then_followed_then_told() -> None:
    """In this order no event of the turn is missed."""
    scene = Scene(HELLO)
    async with scene.stream() as stream:
        assert scene.asked() == [f"GET /{SESSION}", f"GET /{SESSION}/events", f"POST /{SESSION}/events"]
        assert [event.type async for event in stream] == [kind(event) for event in HELLO]
    message = {"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    assert scene.inputs() == [{"type": "agent.session.input.message", "input": [message]}]
    assert scene.transport.open_responses == 0


async def test_messages_are_sent_as_they_are() -> None:
    scene = Scene(HELLO)
    messages = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    async with scene.stream(input=iter(messages)) as stream:
        assert await stream.until_done() is stream
    assert scene.inputs() == [{"type": "agent.session.input.message", "input": messages}]


async def test_the_stream_ends_with_the_turn_although_the_server_goes_on() -> None:
    """A session's events go on; a turn's do not."""
    scene = Scene(Answer(events=[*HELLO, anyio.Event()]))
    async with scene.stream() as stream:
        await stream.until_done()
        assert scene.transport.open_responses == 0
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_the_result_is_the_turn_with_its_text() -> None:
    scene = Scene(HELLO)
    async with scene.stream() as stream:
        result = await stream.get_final_result()
        assert await stream.get_final_result() is result
    assert await stream.get_final_result() is result
    assert result.output_text == "Hello."
    assert (result.session_id, result.turn_id, result.turn.status) == (SESSION, "turn_1", "completed")
    assert result.output_parsed is None


async def test_the_answer_is_read_as_a_type() -> None:
    scene = Scene(turn(said('{"city": "Rome"}')))
    async with scene.stream(output_type=City) as stream:
        assert (await stream.get_final_result()).output_parsed == City("Rome")


async def test_an_answer_that_does_not_fit_keeps_its_text() -> None:
    scene = Scene(turn(said('{"town": "Rome"}')))
    async with scene.stream(output_type=City) as stream:
        for _ in range(2):
            with pytest.raises(AgentOutputParseError, match="city") as caught:
                await stream.get_final_result()
    assert caught.value.result.output_text == '{"town": "Rome"}'


async def test_an_event_that_comes_again_is_given_once() -> None:
    """Its id tells; what has none is given as it comes."""
    bare = [{name: value for name, value in event.items() if name != "event_id"} for event in HELLO]
    again = [*HELLO[:3], *HELLO[1:5], HELLO[0], *HELLO[5:]]
    for events, count in ((again, len(HELLO)), ([bare[0], *bare], len(HELLO) + 1)):
        async with Scene(events).stream() as stream:
            assert len([event async for event in stream]) == count


async def test_a_text_stream_gives_the_text_alone() -> None:
    async with Scene(HELLO).stream() as stream:
        assert [piece async for piece in stream.text_stream] == ["Hel", "lo."]


async def test_events_and_result_are_both_had_by_asking_first() -> None:
    async with Scene(HELLO).stream().with_result_collection() as stream:
        types = [event.type async for event in stream]
        assert types == [kind(event) for event in HELLO]
        assert (await stream.get_final_result()).output_text == "Hello."


async def test_a_result_that_is_asked_for_late_is_refused_and_the_stream_goes_on() -> None:
    async with Scene(HELLO).stream() as stream:
        await anext(stream)
        with pytest.raises(OpenAIError, match="with_result_collection"):
            await stream.get_final_result()
        with pytest.raises(OpenAIError, match="with_result_collection"):
            stream.with_result_collection()
        assert len([event async for event in stream]) == len(HELLO) - 1


@pytest.mark.parametrize("status", ["in_progress", "requires_action", "failed"])
async def test_a_session_that_is_not_idle_is_left_alone(status: str) -> None:
    scene = Scene(HELLO, status=status)
    with pytest.raises(ValueError, match=f"is {status}"):
        async with scene.stream():
            pass
    assert scene.asked() == [f"GET /{SESSION}"]


@pytest.mark.parametrize(
    ("changed", "what"), [({"session_id": ""}, "session_id"), ({"input": ""}, "input"), ({"input": []}, "input")]
)
def test_nothing_to_say_and_nobody_to_tell_are_refused(changed: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=f"{what} is empty"):
        Scene().sessions.stream(**{"session_id": SESSION, "input": "Hi.", **changed})


async def test_a_stream_that_was_not_opened_says_how() -> None:
    stream = Scene(HELLO).stream()
    for use in (stream.__anext__, stream.until_done, stream.get_final_result):
        with pytest.raises(OpenAIError, match="async with"):
            await use()
    with pytest.raises(OpenAIError, match="async with"):
        _ = stream.response
    assert "not opened" in repr(stream)
    await stream.close()


async def test_a_stream_is_opened_once() -> None:
    stream = Scene(HELLO).stream()
    async with stream:
        pass
    with pytest.raises(OpenAIError, match="once"):
        await stream.__aenter__()


def test_the_raw_view_has_no_streams() -> None:
    with pytest.raises(TypeError, match="raw view"):
        Scene().sessions.with_raw_response.stream(SESSION, input="Hi.")


# -- ends --------------------------------------------------------------------------------------------------------------


async def test_a_stream_cut_anywhere_is_whole_or_says_that_it_is_not() -> None:
    """Never silence: every event and the result, or an error with the text that came."""
    whole = wire(BRIEF)
    for cut in range(len(whole) + 1):
        answer = Answer(content=whole[:cut], headers={"content-type": "text/event-stream"})
        scene = Scene(answer)
        async with scene.stream().with_result_collection() as stream:
            if cut == len(whole):
                assert [event.type async for event in stream] == [kind(event) for event in BRIEF]
                assert (await stream.get_final_result()).output_text == "Hé."
                continue
            with pytest.raises(StreamTruncated) as broken:
                await stream.until_done()
            assert broken.value.partial == ("Hé." if whole[:cut].count(b"\n\n") > 2 else None)
            with pytest.raises(AgentTurnResultError) as caught:
                await stream.get_final_result()
            assert caught.value.reason == "observation_failed"
            assert caught.value.__cause__ is broken.value
        assert scene.transport.open_responses == 0


async def test_a_lost_connection_is_a_cut_also_where_the_session_was_idle_before() -> None:
    lost = TransportFailure("reset", kind="lost", phase="body", sent="all")
    for events in ([HELLO[0], lost], [*HELLO[:-1], lost]):
        async with Scene(events).stream() as stream:
            with pytest.raises(StreamTruncated):
                await stream.until_done()
        async with Scene(events).stream() as stream:
            with pytest.raises(AgentTurnResultError) as caught:
                await stream.get_final_result()
        assert isinstance(caught.value.__cause__, APIConnectionError)
        assert caught.value.session_id == SESSION


async def test_a_client_may_ignore_cuts_and_has_no_result_then() -> None:
    async with Scene(HELLO[:-1], truncated_streams="ignore").stream().with_result_collection() as stream:
        assert len([event async for event in stream]) == len(HELLO) - 1
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "incomplete"
    assert caught.value.messages[0].id == "msg_1"


@pytest.mark.parametrize("events", [HELLO[:-1], HELLO[:1]])
async def test_a_client_may_be_warned_of_cuts(events: list[Any]) -> None:
    """Once, whether the session was at work or at rest."""
    async with Scene(events, truncated_streams="warn").stream() as stream:
        with pytest.warns(RuntimeWarning, match="the stream ended before") as warned:
            await stream.until_done()
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (
            [
                of_turn("created"),
                of_turn("failed", error={"code": "sandbox_error", "message": "boom"}),
                of_session("idle"),
            ],
            "failed",
        ),
        ([of_turn("created"), of_turn("cancelled"), of_session("idle")], "cancelled"),
        ([of_turn("created"), said("part"), of_session("failed")], "failed"),
        ([of_turn("created"), waits_for(**CONNECTION)], "requires_action"),
    ],
)
async def test_a_turn_that_was_not_completed_is_seen_and_has_no_result(events: list[Any], reason: str) -> None:
    scene = Scene([of_session("idle"), *events, anyio.Event()])
    async with scene.stream() as stream:
        for _ in range(2):
            with pytest.raises(AgentTurnResultError, match=reason) as caught:
                await stream.get_final_result()
    assert caught.value.reason == reason
    assert caught.value.turn is not None
    assert scene.transport.open_responses == 0
    assert "boom" in str(caught.value) or reason != "failed" or caught.value.turn.error is None


async def test_a_stream_that_was_closed_early_has_no_result() -> None:
    scene = Scene([*HELLO, anyio.Event()])
    async with scene.stream().with_result_collection() as stream:
        async for event in stream:
            if event.type == "agent.session.turn.item.done":
                break
        await stream.close()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "incomplete"
    assert [one.id for one in caught.value.messages] == ["msg_1"]


async def test_an_error_that_the_server_sends_is_raised() -> None:
    error = {
        "type": "error",
        "event_id": "e",
        "session_id": SESSION,
        "error": {"type": "server_error", "message": "boom"},
    }
    async with Scene([*HELLO[:3], error]).stream() as stream:
        with pytest.raises(APIError, match="boom"):
            await stream.until_done()


async def test_input_that_is_refused_closes_the_events() -> None:
    scene = Scene([*HELLO, anyio.Event()], taken=[Answer.error(400, "no")])
    with pytest.raises(BadRequestError):
        async with scene.stream():
            pass
    assert scene.transport.open_responses == 0


# -- options -----------------------------------------------------------------------------------------------------------


async def test_each_input_has_a_key_that_repeats_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    scene = Scene(HELLO, taken=[Answer(500), Answer(202)], max_retries=1)
    async with scene.stream():
        pass
    first, second = (one.headers["idempotency-key"] for one in scene.transport.requests if one.method == "POST")
    assert first == second


@pytest.mark.parametrize(
    "given", [{"idempotency_key": "mine"}, {"extra_headers": {"Idempotency-Key": "mine", "X-A": "1"}}]
)
async def test_a_key_of_the_user_s_is_the_input_s_alone(given: dict[str, Any]) -> None:
    scene = Scene(turn(added(call()), said("x")))
    async with scene.stream(tool_handlers={"look": str}, **given) as stream:
        await stream.until_done()
    keys = [one.headers.get("idempotency-key") for one in scene.transport.requests]
    assert keys[:3] == [None, None, "mine"]
    assert keys[3] not in (None, "mine")
    assert {one.headers.get("x-a") for one in scene.transport.requests} == {"1" if "extra_headers" in given else None}


async def test_options_hold_for_each_request() -> None:
    scene = Scene(turn(added(call()), said("x")))
    async with scene.stream(
        tool_handlers={"look": str}, extra_query={"q": "1"}, extra_body={"b": 1}, timeout=Timeout(9, connect=5)
    ) as stream:
        await stream.until_done()
    assert all(one.query == {"q": ["1"]} for one in scene.transport.requests)
    assert [one.json().get("b") for one in scene.transport.requests if one.method == "POST"] == [1, None]
    assert {one.wire.timeout.connect for one in scene.transport.requests} == {5}


async def test_a_deadline_bounds_the_whole() -> None:
    scene = Scene(HELLO)
    with pytest.raises(DeadlineExceeded):
        async with scene.stream(deadline=0):
            pass


async def test_a_failing_look_sends_nothing() -> None:
    scene = Scene(HELLO)
    scene.transport.add(Answer(500))
    with pytest.raises(InternalServerError):
        async with scene.stream():
            pass
    assert scene.asked() == [f"GET /{SESSION}"]


async def test_cancelling_a_step_hangs_up() -> None:
    scene = Scene([*HELLO[:3], anyio.Event()])
    async with scene.stream() as stream:
        with anyio.move_on_after(0.01) as scope:
            await stream.get_final_result()
        assert scope.cancelled_caught
        assert scene.transport.open_responses == 0
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "incomplete"


async def test_the_events_of_a_new_session_are_followed_the_same_way() -> None:
    """An event that says that the session was made changes nothing."""
    async with Scene(created(said("Hello."))).stream() as stream:
        assert (await stream.get_final_result()).output_text == "Hello."


async def test_head_usage_and_name_are_there() -> None:
    scene = Scene(HELLO)
    async with scene.stream() as stream:
        assert stream.response.status_code == 200
        assert stream.request_id
        assert SESSION in repr(stream)
        assert stream.usage is None
    assert EVENTS in stream.response.url
