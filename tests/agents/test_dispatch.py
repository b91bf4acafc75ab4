"""Calls of an agent answered by handlers: in order, once, off the event loop where they block, and what failures come to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from msgspec import Struct

import anyopenai
from agents.speaking import (
    CONNECTION,
    SESSION,
    Scene,
    added,
    call,
    created,
    of_item,
    of_turn,
    said,
    turn,
    waits_for,
)
from anyopenai import BadRequestError, DeadlineExceeded, InternalServerError
from anyopenai.agents import (
    AgentToolError,
    AgentTurnResultError,
    dispatch,
    function_tool,
    pydantic_function_tool,
)
from anyopenai.testing import Answer
from engine.support import without_waiting

TOLD = {"type": "agent.session.input.tool_result", "turn_id": "turn_1", "call_id": "call_1"}


async def results_of(scene: Scene, handlers: dict[str, Any], **options: Any) -> list[Any]:
    async with scene.stream(tool_handlers=handlers, **options) as stream:
        await stream.until_done()
    return scene.results()


async def test_a_handler_is_called_after_its_event_was_given() -> None:
    """Who reads sees the call first, and the result is sent before the next event is read."""
    seen: list[str] = []
    scene = Scene(turn(added(call(arguments={"city": "Rome"})), waits_for(call()), said("x")))

    async def look(arguments: dict[str, Any]) -> str:
        seen.append(f"called with {arguments}")
        return "sunny"

    async with scene.stream(tool_handlers={"look": look}) as stream:
        async for event in stream:
            seen.append(event.type.removeprefix("agent.session."))
            if event.type == "agent.session.turn.item.added":
                assert scene.results() == []
            if event.type == "agent.session.requires_action":
                assert scene.results() == [{**TOLD, "success": True, "output": "sunny"}]
    assert seen[4:7] == ["turn.item.added", "called with {'city': 'Rome'}", "requires_action"]


async def test_handlers_run_one_after_the_other_each_call_once() -> None:
    calls = [call(), call("find", call_id="call_2"), call("find", call_id="call_3", turn="turn_of_a_subagent")]
    events = [added(one) for one in (*calls, *calls)] + [of_item("done", calls[0])]
    made: list[object] = []
    sent = await results_of(Scene(turn(*events)), {"look": made.append, "find": made.append})
    assert [(one["turn_id"], one["call_id"]) for one in sent] == [
        ("turn_1", "call_1"),
        ("turn_1", "call_2"),
        ("turn_of_a_subagent", "call_3"),
    ]
    assert len(made) == 3


async def test_a_call_without_a_handler_is_left_to_others() -> None:
    assert await results_of(Scene(turn(added(call("theirs")), said("x"))), {"look": str}) == []


async def test_a_plain_handler_runs_in_a_worker_thread_and_an_async_one_here() -> None:
    threads: list[int] = []

    def plain(_: object) -> None:
        threads.append(threading.get_ident())

    async def on_the_loop(_: object) -> None:
        threads.append(threading.get_ident())

    def gives_something_to_await(arguments: object) -> object:
        threads.append(threading.get_ident())
        return on_the_loop(arguments)

    for handler in (plain, on_the_loop, gives_something_to_await):
        await results_of(Scene(turn(added(call()))), {"look": handler})
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [False, True, False, True]


class Place(Struct):
    city: str


async def test_tools_with_types_are_given_their_types() -> None:
    got: list[object] = []

    @function_tool
    async def first(city: str, days: int = 2) -> dict[str, object]:
        got.append((city, days))
        return {"city": city}

    @anyopenai.function_tool
    def second(city: str) -> list[str]:
        got.append(city)
        return [city]

    third = pydantic_function_tool(Place, handler=got.append, name="third")
    names = {"first": first, "second": second, third.name: third}
    events = [added(call(name, {"city": "Rome"}, call_id=name)) for name in names]
    sent = await results_of(Scene(turn(*events)), names)
    assert got == [("Rome", 2), "Rome", Place("Rome")]
    assert [one["output"] for one in sent] == ['{"city":"Rome"}', '["Rome"]', None]


def fails(_: object) -> object:
    raise ValueError("the password is swordfish")


async def fails_async(_: object) -> object:
    raise ValueError("the password is swordfish")


@pytest.mark.parametrize(
    ("handler", "arguments", "stage", "kind"),
    [
        (fails, {}, "execution", ValueError),
        (fails_async, {}, "execution", ValueError),
        (str, "no JSON", "arguments", anyopenai._codec.DecodeFailure),
        (str, [1], "arguments", TypeError),
        (lambda _: object(), {}, "output", TypeError),
        (pydantic_function_tool(Place, handler=str), {"town": 1}, "arguments", anyopenai._codec.DecodeFailure),
    ],
)
async def test_the_agent_is_told_that_a_call_failed_and_the_observer_why(
    handler: Any, arguments: object, stage: str, kind: type[Exception]
) -> None:
    told: list[AgentToolError] = []
    scene = Scene(turn(added(call(arguments=arguments)), said("x")))

    async def observe(error: AgentToolError) -> None:
        assert scene.results() == []
        told.append(error)

    sent = await results_of(scene, {"look": handler}, on_tool_error=observe)
    assert sent == [{**TOLD, "success": False, "error": "Tool handler failed."}]
    (error,) = told
    assert (error.stage, error.tool_name, error.call_id) == (stage, "look", "call_1")
    assert (error.session_id, error.turn_id) == (SESSION, "turn_1")
    assert isinstance(error.error, kind)


async def test_what_an_observer_raises_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(turn(added(call()), said("x")))
    with caplog.at_level(logging.WARNING, "anyopenai"):
        assert len(await results_of(scene, {"look": fails}, on_tool_error=fails)) == 1
    assert "ValueError" in caplog.text
    assert "swordfish" not in caplog.text


async def test_a_failure_without_an_observer_is_told_to_the_agent_only() -> None:
    assert len(await results_of(Scene(turn(added(call()))), {"look": fails})) == 1


async def test_arguments_may_come_as_text() -> None:
    got: list[object] = []
    await results_of(Scene(turn(added(call(arguments='{"a": 1}')))), {"look": got.append})
    assert got == [{"a": 1}]


# -- sending -----------------------------------------------------------------------------------------------------------


def early(call_id: str = "call_1") -> Answer:
    return Answer.error(400, f"Unknown pending tool call: {call_id}", code="invalid_request_error")


async def test_a_result_that_comes_too_early_is_sent_again_under_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "RACE_DELAYS", (0.0, 0.0, 0.0))
    scene = Scene(turn(added(call()), said("x")), taken=[Answer(202), early(), early(), Answer(202)])
    assert len(await results_of(scene, {"look": str})) == 3
    keys = [one.headers["idempotency-key"] for one in scene.transport.requests if one.method == "POST"]
    assert len(set(keys[1:])) == 1
    assert keys[0] != keys[1]


async def test_waiting_for_the_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(dispatch, "sleep", sleep)
    scene = Scene([*turn(added(call())), anyio.Event()], taken=[Answer(202), early()])
    async with scene.stream(tool_handlers={"look": str}) as stream:
        with pytest.raises(BadRequestError, match="Unknown pending"):
            await stream.until_done()
        assert scene.transport.open_responses == 0
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert waited == [0.1, 0.3, 0.6]


@pytest.mark.parametrize("refusal", [early("call_2"), Answer.error(400, "no"), Answer.error(409, "no"), Answer(500)])
async def test_other_refusals_end_the_stream(refusal: Answer) -> None:
    scene = Scene([*turn(added(call())), anyio.Event()], taken=[Answer(202), refusal])
    async with scene.stream(tool_handlers={"look": str}) as stream:
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "observation_failed"
    assert len(scene.results()) == 1
    assert scene.transport.open_responses == 0


async def test_each_result_has_a_key_that_repeats_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    scene = Scene(turn(added(call())), taken=[Answer(202), Answer(500), Answer(202)], max_retries=1)
    await results_of(scene, {"look": str})
    keys = [one.headers["idempotency-key"] for one in scene.transport.requests if one.method == "POST"]
    assert keys[1] == keys[2]


# -- results -----------------------------------------------------------------------------------------------------------


async def test_a_result_waits_for_its_calls() -> None:
    scene = Scene(turn(added(call()), waits_for(call()), said("x")))
    async with scene.stream(tool_handlers={"look": str}) as stream:
        assert (await stream.get_final_result()).output_text == "x"
    assert len(scene.results()) == 1


@pytest.mark.parametrize(
    "needed",
    [waits_for(call("theirs")), waits_for(call(), call("theirs", call_id="call_2")), waits_for(call(), **CONNECTION)],
)
async def test_a_turn_that_needs_something_else_has_no_result(needed: dict[str, Any]) -> None:
    scene = Scene([*turn(added(call()), needed)[:-2], anyio.Event()])
    async with scene.stream(tool_handlers={"look": str}) as stream:
        with pytest.raises(AgentTurnResultError) as caught:
            await stream.get_final_result()
    assert caught.value.reason == "requires_action"
    assert len(caught.value.required_actions) == len(needed["session"]["required_actions"])


async def test_who_does_the_rest_may_read_on_and_have_the_result() -> None:
    scene = Scene(turn(waits_for(call("theirs")), said("x")))
    async with scene.stream().with_result_collection() as stream:
        async for _ in stream:
            pass
        assert (await stream.get_final_result()).output_text == "x"


# -- cancellation ------------------------------------------------------------------------------------------------------


def _blocked(release: threading.Event) -> Callable[[object], object]:
    def handler(_: object) -> object:
        release.wait(10)
        return "late"

    return handler


@pytest.mark.parametrize("plain", [False, True])
async def test_cancelling_a_handler_ends_the_stream_and_sends_nothing(plain: bool) -> None:
    scene = Scene([*turn(added(call())), anyio.Event()])
    began, release = anyio.Event(), threading.Event()

    async def waits(_: object) -> None:
        began.set()
        await anyio.sleep_forever()

    def blocks(arguments: object) -> object:
        anyio.from_thread.run_sync(began.set)
        return _blocked(release)(arguments)

    async with (
        scene.stream(tool_handlers={"look": blocks if plain else waits}) as stream,
        anyio.create_task_group() as group,
    ):
        group.start_soon(stream.get_final_result)
        await began.wait()
        group.cancel_scope.cancel()
    release.set()
    assert scene.results() == []
    assert scene.transport.open_responses == 0


@pytest.mark.parametrize("plain", [False, True])
async def test_a_deadline_bounds_handlers_too(plain: bool) -> None:
    scene, release = Scene([*turn(added(call())), anyio.Event()]), threading.Event()

    async def waits(_: object) -> None:
        await anyio.sleep_forever()

    handler: Any = _blocked(release) if plain else waits
    with pytest.raises(DeadlineExceeded):
        async with scene.stream(tool_handlers={"look": handler}, deadline=0.2) as stream:
            await stream.until_done()
    release.set()
    assert scene.results() == []
    assert scene.transport.open_responses == 0


async def test_leaving_after_a_call_leaves_it_unanswered() -> None:
    scene = Scene(turn(added(call())))
    async with scene.stream(tool_handlers={"look": fails}) as stream:
        async for event in stream:
            if event.type == "agent.session.turn.item.added":
                break
    assert scene.results() == []


async def test_calls_of_a_new_session_are_answered_too() -> None:
    scene = Scene(created(added(call()), waits_for(call()), said("x")))
    stream = await scene.sessions.create(
        environment={"type": "none"}, input="Hi.", stream=True, tool_handlers={"look": str}, extra_headers={"X-A": "1"}
    )
    assert (await stream.get_final_result()).output_text == "x"
    assert len(scene.results()) == 1
    assert [one.headers["x-a"] for one in scene.transport.requests] == ["1", "1"]


async def test_a_new_session_whose_result_cannot_be_sent_is_closed() -> None:
    scene = Scene([*created(added(call()), of_turn("in_progress")), anyio.Event()], taken=[Answer(500)])
    stream = await scene.sessions.create(
        environment={"type": "none"}, input="Hi.", stream=True, tool_handlers={"look": str}
    )
    stream.with_result_collection()
    with pytest.raises(InternalServerError):
        async for _ in stream:
            pass
    assert scene.transport.open_responses == 0
    with pytest.raises(AgentTurnResultError) as caught:
        await stream.get_final_result()
    assert caught.value.reason == "observation_failed"
