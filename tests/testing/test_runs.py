"""Assistants, threads and runs: through the client's own helpers, whole and streamed, with functions and without."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from anyopenai import BadRequestError, NotFoundError, OpenAI
from anyopenai.testing import StandIn, serve
from anyopenai.types import beta
from anyopenai.types.beta import threads
from anyopenai.types.beta.threads import runs
from testing.asgi import ask
from testing.test_shapes import fits

FUNCTION = {
    "type": "function",
    "function": {"name": "temperature", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@asynccontextmanager
async def opened(app: StandIn | None = None, **client_options: Any) -> AsyncGenerator[OpenAI]:
    async with (
        serve(app or StandIn()) as server,
        OpenAI(api_key="any", base_url=server.base_url, **client_options) as client,
    ):
        yield client


async def begun(client: OpenAI, *tools: Any, words: str = "How warm is Oslo") -> tuple[str, str]:
    """Return the ids of a thread with one message, and of an assistant."""
    assistant = await client.beta.assistants.create(model="m", instructions="Be brief.", tools=list(tools))
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": words}])
    return thread.id, assistant.id


async def text_of_last(client: OpenAI, thread_id: str) -> str:
    page = await client.beta.threads.messages.list(thread_id, limit=1)
    (part,) = page.data[0].content
    assert part.type == "text"
    return part.text.value


async def test_a_run_goes_one_state_further_with_each_look() -> None:
    async with opened() as client:
        thread, assistant = await begun(client)
        run = await client.beta.threads.runs.create(thread, assistant_id=assistant)
        seen = [run.status]
        for _ in range(3):
            seen.append((await client.beta.threads.runs.retrieve(run.id, thread_id=thread)).status)
        assert seen == ["queued", "in_progress", "completed", "completed"]
        assert "“How warm is Oslo”" in await text_of_last(client, thread)
        (step,) = (await client.beta.threads.runs.steps.list(run.id, thread_id=thread)).data
        assert (step.type, step.status) == ("message_creation", "completed")


@pytest.mark.parametrize("http2", [False, True])
async def test_a_streamed_run_calls_functions_and_goes_on_with_their_outputs(http2: bool) -> None:
    async with opened(http2=http2) as client:
        thread, assistant = await begun(client, FUNCTION)
        manager = client.beta.threads.runs.stream(thread, assistant_id=assistant)
        async with manager as stream:
            names = [event.event async for event in stream]
            run = await stream.get_final_run()
        assert names[:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
        assert names[-1] == "thread.run.requires_action"
        assert run.required_action is not None
        (call,) = run.required_action.submit_tool_outputs.tool_calls
        assert (call.function.name, call.function.arguments) == ("temperature", '{"city":"How warm is Oslo"}')
        async with client.beta.threads.runs.submit_tool_outputs_stream(
            run.id, thread_id=thread, tool_outputs=[{"tool_call_id": call.id, "output": "-3 degrees"}]
        ) as stream:
            text = "".join([piece async for piece in stream.text_deltas])
            messages = await stream.get_final_messages()
            steps = await stream.get_final_run_steps()
            final = await stream.get_final_run()
        assert final.status == "completed"
        assert "The tool temperature gave “-3 degrees”." in text
        (part,) = messages[0].content
        assert part.type == "text"
        assert part.text.value == text == await text_of_last(client, thread)
        assert [step.type for step in steps] == ["tool_calls", "message_creation"]


async def test_a_thread_is_opened_and_run_at_once_and_polled() -> None:
    async with opened() as client:
        assistant = await client.beta.assistants.create(model="m", tools=[FUNCTION])
        run = await client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "hi"}]}, poll_interval_ms=1
        )
        assert run.status == "requires_action"
        assert run.required_action is not None
        outputs: Any = [
            {"tool_call_id": call.id, "output": "x"} for call in run.required_action.submit_tool_outputs.tool_calls
        ]
        run = await client.beta.threads.runs.submit_tool_outputs_and_poll(
            run.id, thread_id=run.thread_id, tool_outputs=outputs, poll_interval_ms=1
        )
        assert run.status == "completed"
        async with client.beta.threads.create_and_run_stream(assistant_id=assistant.id) as stream:
            names = [event.event async for event in stream]
        assert names[0] == "thread.created"


async def test_a_token_limit_leaves_a_run_incomplete() -> None:
    async with opened() as client:
        thread, assistant = await begun(client)
        async with client.beta.threads.runs.stream(thread, assistant_id=assistant, max_completion_tokens=4) as stream:
            run = await stream.get_final_run()
        assert run.status == "incomplete"
        assert await text_of_last(client, thread) == "This answer comes from"


async def test_what_an_active_run_forbids_is_refused_until_it_is_cancelled() -> None:
    async with opened() as client:
        thread, assistant = await begun(client, FUNCTION)
        run = await client.beta.threads.runs.create(thread, assistant_id=assistant)
        with pytest.raises(BadRequestError, match="is active"):
            await client.beta.threads.runs.create(thread, assistant_id=assistant)
        with pytest.raises(BadRequestError, match="is active"):
            await client.beta.threads.messages.create(thread, role="user", content="x")
        with pytest.raises(BadRequestError, match="waits for no outputs"):
            await client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=[])
        assert (await client.beta.threads.runs.cancel(run.id, thread_id=thread)).status == "cancelled"
        with pytest.raises(BadRequestError, match="cannot be cancelled"):
            await client.beta.threads.runs.cancel(run.id, thread_id=thread)
        await client.beta.threads.messages.create(thread, role="user", content="x")


@pytest.mark.parametrize(
    ("outputs", "said"),
    [([], "missing: call_"), ([{"tool_call_id": "call_x", "output": "x"}], "'call_x'"), ("x", "must be a list")],
)
async def test_outputs_that_are_not_those_of_the_calls_are_refused(outputs: Any, said: str) -> None:
    async with opened() as client:
        thread, assistant = await begun(client, FUNCTION)
        run = await client.beta.threads.runs.create_and_poll(
            thread_id=thread, assistant_id=assistant, poll_interval_ms=1
        )
        with pytest.raises(BadRequestError, match=said):
            await client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs)


async def test_things_are_kept_listed_changed_and_deleted() -> None:
    async with opened() as client:
        thread, assistant = await begun(client)
        listed = [one.id async for one in client.beta.assistants.list()]
        assert listed == [assistant]
        changed = await client.beta.assistants.update(assistant, name="Ada", metadata={"a": "b"})
        assert (changed.name, changed.metadata, changed.instructions) == ("Ada", {"a": "b"}, "Be brief.")
        assert (await client.beta.threads.update(thread, metadata={"c": "d"})).metadata == {"c": "d"}
        message = await client.beta.threads.messages.create(
            thread, role="assistant", content=[{"type": "text", "text": "x"}]
        )
        newest, oldest = [one.id async for one in client.beta.threads.messages.list(thread, limit=1)]
        assert newest == message.id != oldest
        assert (await client.beta.threads.messages.update(message.id, thread_id=thread, metadata={"e": "f"})).metadata
        assert (await client.beta.threads.messages.delete(message.id, thread_id=thread)).deleted
        with pytest.raises(NotFoundError):
            await client.beta.threads.messages.retrieve(message.id, thread_id=thread)
        assert (await client.beta.assistants.delete(assistant)).deleted
        with pytest.raises(NotFoundError):
            await client.beta.threads.runs.create(thread, assistant_id=assistant)
        assert (await client.beta.threads.delete(thread)).deleted
        with pytest.raises(NotFoundError):
            await client.beta.threads.runs.list(thread)


async def test_every_answer_and_event_fits_its_type() -> None:
    app = StandIn()

    async def answer(method: str, path: str, json: object = None) -> Any:
        reply = await ask(app, method, f"/v1{path}", json)
        assert reply.status == 200, reply
        return reply.json()

    assistant = fits(beta.Assistant, await answer("POST", "/assistants", {"model": "m", "tools": [FUNCTION]}))
    thread = fits(beta.Thread, await answer("POST", "/threads", {"messages": [{"role": "user", "content": "hi"}]}))
    path = f"/threads/{thread.id}"
    run = fits(threads.Run, await answer("POST", f"{path}/runs", {"assistant_id": assistant.id}))
    await answer("GET", f"{path}/runs/{run.id}")
    waiting = fits(threads.Run, await answer("GET", f"{path}/runs/{run.id}"))
    assert waiting.required_action is not None
    outputs = [
        {"tool_call_id": one.id, "output": "x"} for one in waiting.required_action.submit_tool_outputs.tool_calls
    ]
    body = {"tool_outputs": outputs, "stream": True}
    reply = await ask(app, "POST", f"/v1{path}/runs/{run.id}/submit_tool_outputs", body)
    found = [("thread.run.step.completed", None)]
    for name, data in reply.events():
        if data != "[DONE]":
            assert name is not None
            fits(beta.AssistantStreamEvent, {"event": name, "data": data})
            found.append((name, data))
    assert found[-1][0] == "thread.run.completed"
    for data in (await answer("GET", f"{path}/runs/{run.id}/steps"))["data"]:
        fits(runs.RunStep, await answer("GET", f"{path}/runs/{run.id}/steps/{data['id']}"))
    for data in (await answer("GET", f"{path}/messages"))["data"]:
        fits(threads.Message, await answer("GET", f"{path}/messages/{data['id']}"))
    fits(threads.Run, await answer("POST", f"{path}/runs/{run.id}", {"metadata": {"a": "b"}}))


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/assistants", {}, "model"),
        ("/assistants", {"model": "m", "tools": 3}, "tools"),
        ("/threads", {"messages": 3}, "messages"),
        ("/threads", {"messages": [3]}, "messages[0]"),
        ("/threads", {"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"),
        ("/threads/runs", {}, "assistant_id"),
        ("/threads/runs", {"thread": 3}, "thread"),
    ],
)
async def test_bad_members_are_blamed_by_name(path: str, body: object, param: str) -> None:
    reply = await ask(StandIn(), "POST", f"/v1{path}", body)
    assert (reply.status, reply.error["param"]) == (400, param)
