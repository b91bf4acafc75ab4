"""Streams of runs: iteration, hooks in openai-python's order, final results, failures, cancellation, and what is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyopenai import (
    APITimeoutError,
    AsyncAssistantEventHandler,
    BadRequestError,
    InternalServerError,
    OpenAI,
    OpenAIError,
    StreamTruncated,
    Timeout,
)
from anyopenai._codec import BaseModel
from anyopenai.streaming import RunSoFar
from anyopenai.testing import Answer, FakeTransport
from behaviour.clients import client_for
from behaviour.server import Server
from behaviour.server import events as reply_with
from streaming.runs import (
    ASK,
    BEGIN,
    CASES,
    SAID,
    SSE,
    Event,
    calls,
    client_with,
    function,
    message,
    piece,
    run,
    step,
    text,
    whole,
    wire,
)
from transport.cancelling import cancel_at

RECORDED = json.loads((Path(__file__).parent / "recorded_runs.json").read_text("utf-8"))
HOOKS = [name for name in dir(AsyncAssistantEventHandler) if name.startswith("on_")]
KEPT = {"id", "status", "content", "step_details", "value", "annotations", "type", "file_id", "code_interpreter",
        "function", "file_search", "text"}  # fmt: skip


class Noting(AsyncAssistantEventHandler):
    """Notes the hooks that are called, and fails in one of them if asked."""

    def __init__(self, failing: str = "", error: BaseException | None = None) -> None:
        super().__init__()
        self.names: list[str] = []
        self.told: list[Any] = []
        self.failing = failing
        self.error = error or ValueError("of a hook")

    async def note(self, name: str, *facts: Any) -> None:
        self.names.append(name)
        self.told.append([name, [shown(name, fact) for fact in facts], now(self)])
        await checkpoint()
        if name == self.failing:
            raise self.error


def _hook(name: str) -> Callable[..., Any]:
    async def hook(self: Noting, *facts: Any) -> None:
        await self.note(name, *facts)

    return hook


for _name in HOOKS:
    setattr(Noting, _name, _hook(_name))


def bare(value: Any) -> Any:
    """Leave out what is empty, and numbers, which snapshots here do not have."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items() if one is not None and one != [] and name != "index"}
    return [bare(one) for one in value] if isinstance(value, list) else value


def shown(name: str, fact: Any) -> Any:
    if name == "on_event":
        return fact.event
    if not isinstance(fact, BaseModel):
        return fact
    return {member: value for member, value in bare(fact.model_dump(mode="json")).items() if member in KEPT}


def now(stream: AsyncAssistantEventHandler) -> dict[str, object]:
    event: Any = stream.current_event
    run, said, made = stream.current_run, stream.current_message_snapshot, stream.current_run_step_snapshot
    return bare({
        "event": event and event.event, "run": run and run.status, "message": said and said.id, "step": made and made.id,
    })  # fmt: skip


def once(told: list[Any]) -> list[Any]:
    """Leave out what openai-python tells twice: the end of a step's last call, when the run ends as well."""
    found: list[Any] = []
    for one in told:
        if one[0] != "on_tool_call_done" or one[1] not in [other[1] for other in found if other[0] == one[0]]:
            found.append(one)
    return found


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server().running() as server:
        yield server


@pytest.mark.parametrize("name", CASES)
async def test_hooks_and_results_are_those_of_openai_python(name: str) -> None:
    """The record was made with openai-python 3.51.0, from the same events."""
    recorded = RECORDED[name]
    handler = Noting()
    async with client_with(CASES[name]).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        assert stream is handler
        found = [event.event async for event in stream]
        said = [bare({member: one.to_dict()[member] for member in ("id", "status", "content")})
                for one in await stream.get_final_messages()]  # fmt: skip
        assert (await stream.get_final_run()).status == recorded["run"]
    assert handler.told == once(recorded["told"])
    assert found == [event for event, _ in CASES[name]]
    assert said == recorded["messages"]
    async with client_with(CASES[name]).beta.threads.runs.stream(**ASK) as plain:
        assert "".join([delta async for delta in plain.text_deltas]) == recorded["text"]


async def test_without_hooks_the_same_comes_out() -> None:
    for events in CASES.values():
        hooked, plain = Noting(), AsyncAssistantEventHandler()
        client = client_with(events, events)
        results = []
        for handler in (hooked, plain):
            async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
                results.append(
                    (
                        await stream.get_final_run(),
                        await stream.get_final_messages(),
                        await stream.get_final_run_steps(),
                    )
                )
        assert results[0] == results[1]


async def test_events_are_given_after_their_hooks() -> None:
    handler = Noting()
    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        async for event in stream:
            handler.names.append(event.event)
            assert stream.current_event is None
    assert handler.names[-10:] == [
        "on_event", "on_text_done", "on_message_done", "thread.message.completed",
        "on_event", "on_run_step_done", "thread.run.step.completed", "on_event", "thread.run.completed", "on_end",
    ]  # fmt: skip
    assert [event async for event in stream] == []
    assert handler.names.count("on_end") == 1


async def test_steps_are_given_as_they_were_at_their_end() -> None:
    """Where openai-python gives them as they were before."""
    async with client_with(SAID).beta.threads.runs.stream(**ASK) as stream:
        (made,) = await stream.get_final_run_steps()
        assert made.status == "completed"
        assert made.usage is not None
        assert made.usage.total_tokens == 2
        assert (await stream.get_final_run()).usage is not None
    assert stream.current_run_step_snapshot is None


async def test_a_run_without_messages_and_steps_has_none() -> None:
    """Where openai-python raises."""
    async with client_with([*BEGIN, run("completed")]).beta.threads.runs.stream(**ASK) as stream:
        assert await stream.get_final_messages() == []
        assert await stream.get_final_run_steps() == []


async def test_a_stream_that_tells_nothing_of_the_run_has_no_final_run() -> None:
    async with client_with([message("created"), piece(text("a"))]).beta.threads.runs.stream(**ASK) as stream:
        assert [one.id for one in await stream.get_final_messages()] == ["msg_1"]
        with pytest.raises(OpenAIError, match="of the run as a whole"):
            await stream.get_final_run()


async def test_the_head_of_the_answer_is_there_in_hooks_too() -> None:
    class Asking(AsyncAssistantEventHandler):
        async def on_end(self) -> None:
            seen.append(self.response.status_code)

    seen: list[int] = []
    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=Asking()) as stream:
        await stream.until_done()
    assert seen == [200]


async def test_a_handler_may_have_names_of_its_own() -> None:
    """Those that other streams have beside the API's are no obstacle."""

    class Own(AsyncAssistantEventHandler):
        def __init__(self) -> None:  # what the base class begins with is not needed
            self.response = "x"  # type: ignore[assignment, misc]  # what users may have written
            self.usage = self.request_id = self._raw = self._partial = self._events = "y"

        async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
            self.usage += delta.value

    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=Own()) as stream:
        await stream.until_done()
    assert (stream.response, stream.usage) == ("x", "yHello")


async def test_a_hook_may_be_set_on_a_handler() -> None:
    seen = []

    async def note(text: Any) -> None:
        seen.append(text.value)

    handler = AsyncAssistantEventHandler()
    handler.on_text_done = note  # type: ignore[method-assign]  # what users may do
    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        await stream.until_done()
    assert seen == ["Hello"]


# Failures.


@pytest.mark.parametrize("hook", sorted(set(HOOKS) - {"on_exception", "on_timeout", "on_image_file_done"}))
async def test_what_a_hook_raises_ends_the_stream_and_is_raised(hook: str) -> None:
    class Looking(Noting):
        async def on_exception(self, exception: Exception) -> None:
            assert transport.open_responses == 0
            await super().on_exception(exception)

    events = [*CASES["tools"][:-1], *SAID[2:]]
    transport = FakeTransport(Answer(content=wire(events, done=False), headers=SSE))
    client = OpenAI(api_key="k", transport=transport)
    handler = Looking(hook)
    async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        with pytest.raises(ValueError, match="of a hook"):
            await stream.until_done()
        assert transport.open_responses == 0
        assert handler.names.count("on_end") == 1
        if hook == "on_end":
            assert "on_exception" not in handler.names
        else:
            assert handler.names[-3:] == [hook, "on_exception", "on_end"]
            assert handler.told[-2][1] == [handler.error]
            with pytest.raises(OpenAIError, match="closed before its end"):
                await stream.get_final_run()
        assert [event async for event in stream] == []


async def test_a_hook_that_fails_in_the_middle_hangs_up(server: Server) -> None:
    server.script(reply_with(*SAID[:-4], anyio.Event(), done=False))
    async with (
        client_for(server, max_retries=0) as client,
        client.beta.threads.runs.stream(**ASK, event_handler=Noting("on_text_delta")) as stream,
    ):
        with pytest.raises(ValueError, match="of a hook"):
            await stream.until_done()
        await server.connections[0].hung_up.wait()


async def test_a_stream_that_breaks_off_tells_its_hooks_and_raises_with_what_came() -> None:
    """Where openai-python takes it for the whole."""
    handler = Noting()
    async with client_with(wire(SAID[:-3], done=False)).beta.threads.runs.stream(
        **ASK, event_handler=handler
    ) as stream:
        with pytest.raises(StreamTruncated) as caught:
            await stream.until_done()
        assert handler.names[-2:] == ["on_exception", "on_end"]
        assert handler.told[-2][1] == [caught.value]
        with pytest.raises(StreamTruncated):
            await stream.get_final_run()
    partial = caught.value.partial
    assert isinstance(partial, RunSoFar)
    assert partial.run is stream.current_run
    assert partial.messages[0].content[0].to_dict() == whole("Hello")
    assert [one.status for one in partial.steps] == ["in_progress"]


async def test_an_error_event_raises_the_error_it_tells() -> None:
    error: Event = ("error", {"code": "server_error", "message": "Boom.", "type": "server_error", "param": None})
    handler = Noting()
    events = [*SAID[:-3], error]
    async with client_with(events).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        with pytest.raises(InternalServerError, match="Boom") as caught:
            await stream.until_done()
        with pytest.raises(InternalServerError):
            await stream.get_final_messages()
    assert caught.value.partial == "Hello"
    assert handler.names[-2:] == ["on_exception", "on_end"]


@pytest.mark.parametrize("hook", ["on_timeout", "on_exception", "on_end"])
async def test_what_the_hooks_of_failures_raise_takes_the_place_of_the_failure(hook: str) -> None:
    class Late(Noting):
        async def on_message_created(self, message: object) -> None:
            raise TimeoutError("late")

    handler = Late(hook)
    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        with pytest.raises(ValueError, match="of a hook") as caught:
            await stream.until_done()
    assert isinstance(caught.value.__context__, TimeoutError)
    assert handler.names[-2:] == (["on_timeout", "on_end"] if hook == "on_timeout" else ["on_exception", "on_end"])


async def test_a_silence_calls_on_timeout_first(server: Server) -> None:
    server.script(reply_with(*SAID[:4], anyio.Event(), done=False))
    handler = Noting()
    async with (
        client_for(server, max_retries=0) as client,
        client.beta.threads.runs.stream(**ASK, event_handler=handler, timeout=Timeout(10, idle=0.05)) as stream,
    ):
        with pytest.raises(APITimeoutError):
            await stream.until_done()
    assert handler.names[-3:] == ["on_timeout", "on_exception", "on_end"]


async def test_a_timeout_of_a_hook_calls_on_timeout_too() -> None:
    handler = Noting("on_message_created", TimeoutError("late"))
    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        with pytest.raises(TimeoutError, match="late"):
            await stream.until_done()
    assert handler.names[-4:] == ["on_message_created", "on_timeout", "on_exception", "on_end"]


async def test_a_refused_request_calls_no_hook_and_leaves_the_handler_as_it_was() -> None:
    handler = Noting()
    transport = FakeTransport(Answer.error(400, "No."), Answer(content=wire(SAID), headers=SSE))
    client = OpenAI(api_key="k", transport=transport, max_retries=0)
    with pytest.raises(BadRequestError):
        async with client.beta.threads.runs.stream(**ASK, event_handler=handler):
            raise AssertionError("nothing to enter")
    assert handler.names == []
    async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        assert (await stream.get_final_run()).status == "completed"


# Leaving, and cancellation.


async def test_leaving_early_hangs_up_and_calls_no_hook(server: Server) -> None:
    server.script(reply_with(*SAID[:-2], anyio.Event(), done=False))
    handler = Noting()
    async with client_for(server, max_retries=0) as client:
        async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
            async for event in stream:
                if event.event == "thread.message.delta":
                    break
            told = len(handler.names)
        await server.connections[0].hung_up.wait()
    assert len(handler.names) == told
    assert [event async for event in stream] == []
    with pytest.raises(OpenAIError, match="closed before its end"):
        await stream.get_final_run()


async def test_a_hook_may_close_the_stream() -> None:
    class Brief(AsyncAssistantEventHandler):
        async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
            await self.close()

    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=Brief()) as stream:
        assert [event.event async for event in stream][-1] == "thread.message.delta"


async def test_a_hook_that_reads_its_own_stream_is_refused() -> None:
    class Deep(AsyncAssistantEventHandler):
        async def on_message_created(self, message: Any) -> None:
            await self.until_done()

    async with client_with(SAID).beta.threads.runs.stream(**ASK, event_handler=Deep()) as stream:
        with pytest.raises(OpenAIError, match="not in its hooks"):
            await stream.until_done()


async def read(client: OpenAI, handler: AsyncAssistantEventHandler) -> None:
    async with client.beta.threads.runs.stream(**ASK, event_handler=handler) as stream:
        await stream.get_final_run()


async def test_cancelling_anywhere_leaves_no_answer_open_and_tells_the_end() -> None:
    frames = [frame + b"\n\n" for frame in wire(SAID).split(b"\n\n")[:-1]]
    k, reached = 0, True
    while reached:
        k += 1
        transport = FakeTransport(Answer(pieces=frames, headers=SSE))
        handler = Noting()
        reached = await cancel_at(read(OpenAI(api_key="k", transport=transport), handler), k)
        assert transport.open_responses == 0
        assert handler.names.count("on_end") == (1 if handler.names else 0), k
        assert "on_exception" not in handler.names
    assert k > 2 * len(SAID)
    assert handler.names[-1] == "on_end"


@pytest.mark.parametrize("hook", ["on_event", "on_text_delta", "on_exception"])
async def test_cancelling_in_a_hook_hangs_up(server: Server, hook: str) -> None:
    async def wait(self: Noting, *facts: object) -> None:
        waiting.set()
        await anyio.sleep_forever()

    waiting = anyio.Event()
    handler = type("Waiting", (Noting,), {hook: wait})("on_message_created" if hook == "on_exception" else "")
    server.script(reply_with(*SAID[:-2], anyio.Event(), done=False))
    async with client_for(server, max_retries=0) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read, client, handler)
            await waiting.wait()
            tasks.cancel_scope.cancel()
        await server.connections[0].hung_up.wait()
    assert handler.names[-1] == "on_end"


async def test_the_end_has_a_second_when_it_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(AsyncAssistantEventHandler):
        async def on_text_created(self, text: object) -> None:
            scope.cancel()
            await checkpoint()

        async def on_end(self) -> None:
            seen.append("begun")
            await checkpoint()
            seen.append("shielded")
            await anyio.sleep_forever()

    seen: list[str] = []
    monkeypatch.setattr("anyopenai._tasks.GRACE_SECONDS", 0.01)
    monkeypatch.setattr("anyopenai._tasks.grace.__defaults__", (0.01,))
    with anyio.CancelScope() as scope:
        await read(client_with(SAID), Slow())
    assert scope.cancelled_caught
    assert seen == ["begun", "shielded"]


# Being entered, and what is sent.


async def test_a_handler_serves_one_stream() -> None:
    client = client_with(SAID, SAID)
    handler = AsyncAssistantEventHandler()
    await read(client, handler)
    manager = client.beta.threads.runs.stream(**ASK, event_handler=handler)
    with pytest.raises(OpenAIError, match="make another one"):
        await manager.__aenter__()
    fresh = client.beta.threads.runs.stream(**ASK)
    async with fresh as stream:
        await stream.until_done()
    with pytest.raises(OpenAIError, match="opened once"):
        await fresh.__aenter__()


async def test_a_handler_without_a_stream_says_so() -> None:
    handler = AsyncAssistantEventHandler()
    found = (
        handler.current_event,
        handler.current_run,
        handler.current_run_step_snapshot,
        handler.current_message_snapshot,
    )
    assert found == (None, None, None, None)
    for read_ in (
        handler.__anext__,
        handler.until_done,
        handler.get_final_run,
        handler.get_final_messages,
        handler.get_final_run_steps,
    ):
        with pytest.raises(OpenAIError, match="has no stream yet"):
            await read_()
    await handler.close()
    manager: Any = client_with(SAID).beta.threads.runs.stream(**ASK)
    for name in ("get_final_run", "get_final_messages", "get_final_run_steps", "text_deltas", "until_done"):
        with pytest.raises(OpenAIError, match="was not opened"):
            getattr(manager, name)
    with pytest.raises(TypeError, match="no raw view"):
        client_with(SAID).beta.threads.with_raw_response.create_and_run_stream(assistant_id="a")  # type: ignore[attr-defined]  # what users may write


INCLUDE: Any = ["step_details.tool_calls[*].file_search.results[*].content"]


@pytest.mark.parametrize(
    ("ask", "path", "sent"),
    [
        (lambda threads: threads.runs.stream(**ASK, temperature=1), "/v1/threads/thread_1/runs",
         {"assistant_id": "asst_1", "temperature": 1}),
        (lambda threads: threads.runs.stream("thread_1", assistant_id="a", include=INCLUDE), "/v1/threads/thread_1/runs",
         {"assistant_id": "a"}),
        (lambda threads: threads.runs.create_and_stream(**ASK, model="m", top_p=0.5), "/v1/threads/thread_1/runs",
         {"assistant_id": "asst_1", "model": "m", "top_p": 0.5}),
        (lambda threads: threads.create_and_run_stream(assistant_id="a", thread={"messages": []}), "/v1/threads/runs",
         {"assistant_id": "a", "thread": {"messages": []}}),
        (lambda threads: threads.runs.submit_tool_outputs_stream(
            thread_id="t", run_id="r", tool_outputs=[{"tool_call_id": "c", "output": "o"}]),
         "/v1/threads/t/runs/r/submit_tool_outputs", {"tool_outputs": [{"tool_call_id": "c", "output": "o"}]}),
    ],
)  # fmt: skip
async def test_requests_are_those_of_openai_python(ask: Callable[[Any], Any], path: str, sent: dict[str, Any]) -> None:
    transport = FakeTransport(Answer(content=wire(SAID), headers=SSE))
    client = OpenAI(api_key="k", transport=transport)
    async with ask(client.beta.threads) as stream:
        assert transport.requests[0].path == path
        assert transport.requests[0].json() == {**sent, "stream": True}
        assert transport.requests[0].headers["openai-beta"] == "assistants=v2"
        assert (await stream.get_final_run()).status == "completed"
    if "include" in str(transport.requests[0].query):
        assert transport.requests[0].query == {"include[]": INCLUDE}


async def test_nothing_is_sent_before_entering() -> None:
    transport = FakeTransport(Answer(content=wire(SAID), headers=SSE))
    manager = OpenAI(api_key="k", transport=transport).beta.threads.runs.stream(**ASK)
    assert transport.requests == []
    async with manager as stream:
        assert [piece async for piece in stream.text_stream] == ["Hel", "lo"]


async def test_a_run_that_waits_goes_on_in_another_stream() -> None:
    """The step that waited ends in the second one."""
    waiting = [*BEGIN, step("created"), calls(function(0, "c1", name="f", arguments="{}")), run("requires_action")]
    going_on = [step("completed", calls=[function(None, "c1", name="f", arguments="{}", output="o")]), *SAID[2:]]
    client = client_with(waiting, going_on)
    async with client.beta.threads.runs.stream(**ASK) as stream:
        (made,) = await stream.get_final_run_steps()
        assert (await stream.get_final_run()).status == "requires_action"
    handler = Noting()
    async with client.beta.threads.runs.submit_tool_outputs_stream(
        thread_id="thread_1", run_id="run_1", tool_outputs=[], event_handler=handler
    ) as stream:
        steps = await stream.get_final_run_steps()
    assert made.id == "step_1"
    assert handler.names[:3] == ["on_event", "on_run_step_done", "on_event"]
    assert steps[0].status == "completed"
