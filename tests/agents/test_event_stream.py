"""`sessions.create(stream=True)`: a stream like any other, and its first turn's result."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from msgspec import Struct

from agents.speaking import (
    BRIEF,
    CONNECTION,
    SESSION,
    Scene,
    call,
    created,
    delta,
    kind,
    of_session,
    said,
    session,
    waits_for,
    wire,
)
from anyopenai import OpenAIError, Stream, StreamTruncated, UnsupportedSchemaError, tee
from anyopenai.agents import AgentOutputParseError, AgentTurnResultError, AsyncAgentSessionEventStream
from anyopenai.testing import Answer
from anyopenai.transport import TransportFailure

HELLO = created(delta("Hel"), delta("lo."), said("Hello."))
NONE: dict[str, Any] = {"type": "none"}


class City(Struct):
    city: str


async def streamed(scene: Scene, **options: Any) -> Any:
    return await scene.sessions.create(**{"environment": NONE, "input": "Hi.", "stream": True, **options})


async def test_it_is_a_stream_of_all_events_to_the_server_s_end() -> None:
    """Behaviours of streams hold for it: it is one."""
    after = [of_session("in_progress"), of_session("idle")]
    stream = await streamed(Scene([*HELLO, *after]))
    assert isinstance(stream, Stream)
    assert isinstance(stream, AsyncAgentSessionEventStream)
    assert [event.type async for event in stream] == [kind(event) for event in [*HELLO, *after]]
    assert stream.complete
    assert stream.response.status_code == 200


async def test_the_result_needs_no_more_than_the_turn() -> None:
    scene = Scene([*HELLO, anyio.Event()])
    stream = await streamed(scene)
    result = await stream.get_final_result()
    assert (result.output_text, result.session_id) == ("Hello.", SESSION)
    assert await stream.get_final_result() is result
    assert scene.transport.open_responses == 0


async def test_events_and_result_are_both_had_by_asking_first() -> None:
    async with (await streamed(Scene(HELLO))).with_result_collection() as stream:
        assert len([event async for event in stream]) == len(HELLO)
        assert (await stream.get_final_result()).output_text == "Hello."


async def test_a_result_that_is_asked_for_late_is_refused() -> None:
    async with await streamed(Scene(HELLO)) as stream:
        await anext(stream)
        with pytest.raises(OpenAIError, match="with_result_collection"):
            await stream.get_final_result()


async def test_text_and_several_readers_work_as_on_any_stream() -> None:
    async with await streamed(Scene(HELLO)) as stream:
        assert [piece async for piece in stream.text_stream] == ["Hel", "lo."]
    async with await streamed(Scene(HELLO)) as stream, tee(stream) as (reader, _):
        assert (await anext(reader)).type == "agent.session.created"


async def test_a_type_is_asked_for_and_read() -> None:
    scene = Scene(created(said('{"city": "Rome"}')))
    stream = await streamed(scene, output_type=City, agent={"model": "m", "text": {"verbosity": "low"}})
    assert (await stream.get_final_result()).output_parsed == City("Rome")
    sent = json.loads(scene.transport.requests[0].body)
    assert sent["agent"]["model"] == "m"
    assert sent["agent"]["text"] == {
        "verbosity": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "title": "City",
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


async def test_a_type_without_a_stream_is_only_asked_for() -> None:
    scene = Scene()
    scene.transport.add(Answer(json=session()))
    answer = await scene.sessions.create(environment=NONE, output_type=City, agent_id="a")
    assert answer.id == SESSION
    sent: Any = scene.transport.requests[0].json()
    assert sent["agent"]["text"]["format"]["type"] == "json_schema"
    assert "stream" not in sent


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tool_handlers": {"look": str}, "stream": False}, ValueError, "stream=True"),
        ({"output_type": City, "agent": {"text": {"format": {"type": "text"}}}}, ValueError, "one of the two"),
        ({"output_type": int}, UnsupportedSchemaError, "integer"),
        ({"output_type": "City"}, UnsupportedSchemaError, "no type"),
        ({"output_type": {"type": "json_object"}}, UnsupportedSchemaError, "give a type"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    scene = Scene(HELLO)
    with pytest.raises(error, match=words):
        await streamed(scene, **options)
    assert scene.transport.requests == []


async def test_an_answer_that_does_not_fit_keeps_its_text() -> None:
    stream = await streamed(Scene(created(said("Rome"))), output_type=City)
    with pytest.raises(AgentOutputParseError) as caught:
        await stream.get_final_result()
    assert caught.value.result.output_text == "Rome"


async def test_a_stream_cut_anywhere_is_whole_or_says_that_it_is_not() -> None:
    whole = wire([{"type": "agent.session.created", "session": {"id": "s"}}, *BRIEF])
    silent = []
    for cut in range(len(whole)):
        answer = Answer(content=whole[:cut], headers={"content-type": "text/event-stream"})
        async with (await streamed(Scene(answer))).with_result_collection() as stream:
            try:
                async for _ in stream:
                    pass
                silent.append(cut)
            except StreamTruncated:
                pass
            with pytest.raises(AgentTurnResultError):
                await stream.get_final_result()
    assert silent == []


async def test_a_connection_that_is_lost_before_the_turn_is_a_cut() -> None:
    """Also where the session was idle, so that nothing seems to be missing."""
    lost = TransportFailure("reset", kind="lost", phase="body", sent="all")
    async with await streamed(Scene([of_session("created"), of_session("idle"), {"what": "?"}, lost])) as stream:
        with pytest.raises(StreamTruncated, match="before the turn began"):
            async for _ in stream:
                pass


async def test_one_that_is_closed_ends() -> None:
    stream = await streamed(Scene(HELLO))
    await stream.close()
    assert [event async for event in stream] == []


async def test_a_server_that_tells_little_of_a_turn_is_believed() -> None:
    """There is no result, and nothing is missing."""
    events = [of_session("created"), of_session("in_progress"), delta("Hi."), of_session("idle")]
    async with (await streamed(Scene(events))).with_result_collection() as stream:
        assert len([event async for event in stream]) == 4
        with pytest.raises(AgentTurnResultError, match="incomplete"):
            await stream.get_final_result()


async def test_a_session_without_input_may_end_idle() -> None:
    events = [of_session("created"), of_session("idle")]
    async with (await streamed(Scene(events), input=None)).with_result_collection() as stream:
        assert len([event async for event in stream]) == 2
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "incomplete"


@pytest.mark.parametrize("mode", ["ignore", "warn"])
async def test_a_client_may_take_cuts(mode: str) -> None:
    async with await streamed(Scene([of_session("created"), of_session("idle")], truncated_streams=mode)) as stream:
        if mode == "warn":
            with pytest.warns(RuntimeWarning, match="before the turn began"):
                assert len([event async for event in stream]) == 2
        else:
            assert len([event async for event in stream]) == 2


async def test_a_turn_that_needs_something_has_no_result_although_the_server_waits() -> None:
    scene = Scene([*HELLO[:3], waits_for(call(), **CONNECTION), anyio.Event()])
    stream = await streamed(scene)
    with pytest.raises(AgentTurnResultError) as caught:
        await stream.get_final_result()
    assert caught.value.reason == "requires_action"
    assert scene.transport.open_responses == 0


async def test_the_raw_views_give_the_same_stream() -> None:
    scene = Scene(HELLO)
    raw = await scene.sessions.with_raw_response.create(environment=NONE, input="Hi.", stream=True)
    assert (await raw.parse().get_final_result()).output_text == "Hello."
    async with scene.sessions.with_streaming_response.create(environment=NONE, input="Hi.", stream=True) as opened:
        stream = await opened.parse()
        assert (await stream.get_final_result()).output_text == "Hello."


async def test_one_that_is_dropped_unread_warns_once() -> None:
    scene = Scene(HELLO)
    held = [await streamed(scene)]
    with pytest.warns(ResourceWarning, match="dropped before its end") as warned:
        held.clear()
    assert len(warned) == 1
    assert scene.transport.open_responses == 0
