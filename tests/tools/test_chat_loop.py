"""`chat.completions.run_tools()`: turns, their events and results, limits, failures and ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from msgspec import Struct

from anyopenai import (
    APIError,
    BadRequestError,
    DeadlineExceeded,
    InvalidToolCallError,
    LengthFinishReasonError,
    OpenAI,
    OpenAIError,
    StreamTruncated,
    ToolLoopAborted,
    ToolLoopLimitError,
    ToolOutput,
    Usage,
    UsageLedger,
    bind_tool,
)
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools import ToolCall
from tools.turns import ASK, bodies, call, chat_answer, chunks, client_of, completion, kinds

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


class Weather(Struct):
    city: str
    degrees: int


async def weather(city: str) -> str:
    """Tell the weather."""
    await checkpoint()
    return f"sunny in {city}"


def double(number: int) -> dict[str, int]:
    """Double a number."""
    return {"doubled": number * 2}


async def followed(manager: Any, events: list[Any], seen: Callable[[Any, Any], None] | None = None) -> None:
    """Enter a run and take down its events until it ends or raises."""
    async with manager as run:
        async for event in run:
            events.append(event)
            if seen is not None:
                seen(run, event)


def run_client(stream: bool, *wholes: dict[str, Any], **options: Any) -> tuple[OpenAI, FakeTransport]:
    return client_of(*(chat_answer(whole, stream=stream) for whole in wholes), **options)


@BOTH
async def test_a_run_calls_tools_and_ends_with_an_answer(stream: bool) -> None:
    client, sent = run_client(
        stream,
        completion(None, call("weather", {"city": "Oslo"}, "a"), call("double", {"number": 21}, "b")),
        completion("It is sunny."),
    )
    async with client.chat.completions.run_tools(**ASK, tools=[weather, double], stream=stream) as run:
        events = [event async for event in run]
        assert await run.final_content() == "It is sunny."
        last = await run.final_function_tool_call()
        assert last is not None
        assert (last.name, last.call_id, last.turn) == ("double", "b", 1)
        assert await run.final_function_tool_call_result() == '{"doubled":42}'
        assert (await run.total_usage()).total_tokens == 6
        assert (await run.final_message()).content == "It is sunny."
        assert await run.final_chat_completion() is run.all_chat_completions()[1]
    told = kinds(events)
    # Two calls run at the same time, and may end in either order.
    assert told == [
        *("connect", "chat_completion", "message", "function_tool_call", "function_tool_call"),
        *("function_tool_call_result", "function_tool_call_result", "message", "message"),
        *("connect", "chat_completion", "message"),
        *("final_chat_completion", "final_message", "final_content", "final_function_tool_call"),
        *("final_function_tool_call_result", "total_usage", "end"),
    ]
    first, second = bodies(sent)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["weather", "double"]
    assert second["messages"][-2:] == [
        {"role": "tool", "tool_call_id": "a", "content": "sunny in Oslo"},
        {"role": "tool", "tool_call_id": "b", "content": '{"doubled":42}'},
    ]
    assert second["messages"][1]["tool_calls"][0]["id"] == "a"
    assert len(run.messages) == 5


@BOTH
async def test_a_run_can_be_awaited_for_its_result(stream: bool) -> None:
    client, _ = run_client(stream, completion(None, call("weather", {"city": "Oslo"})), completion("Sunny."))
    result = await client.chat.completions.run_tools(**ASK, tools=[weather], stream=stream)
    assert (result.content, result.usage.calls, len(result.completions)) == ("Sunny.", 2, 2)
    assert result.function_tool_call_result == result.function_tool_call_value == "sunny in Oslo"
    assert [message["role"] for message in (m if isinstance(m, dict) else m.to_dict() for m in result.messages)] == [
        *("user", "assistant", "tool", "assistant")
    ]


async def test_pieces_and_snapshots_of_a_stream_are_among_the_events() -> None:
    client, sent = run_client(True, completion(None, call("double", {"number": 4})), completion("Eight it is."))
    async with client.chat.completions.run_tools(**ASK, tools=[double], stream=True) as run:
        events = [event async for event in run]
    assert "".join(event.delta for event in events if event.type == "content.delta") == "Eight it is."
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [(event.name, event.arguments) for event in done] == [("double", '{"number": 4}')]
    assert [event.content for event in events if event.type == "content.done"] == ["Eight it is."]
    assert bodies(sent)[0]["stream_options"] == {"include_usage": True}


async def test_the_beta_name_is_the_same_method() -> None:
    client, _ = run_client(False, completion("Hello."))
    assert (await client.beta.chat.completions.run_tools(**ASK, tools=[])).content == "Hello."


@BOTH
async def test_the_answer_is_read_as_a_type(stream: bool) -> None:
    client, sent = run_client(
        stream, completion(None, call("weather", {"city": "Oslo"})), completion('{"city": "Oslo", "degrees": 4}')
    )
    async with client.chat.completions.run_tools(**ASK, tools=[weather], response_format=Weather, stream=stream) as run:
        assert await run.final_parsed() == Weather("Oslo", 4)
    assert (await run.final_message()).parsed == Weather("Oslo", 4)
    assert bodies(sent)[1]["response_format"]["json_schema"]["name"] == "Weather"


@BOTH
async def test_calls_that_are_none_are_told_to_the_model(stream: bool) -> None:
    client, sent = run_client(
        stream,
        completion(None, call("wether", {}, "a"), call("weather", {"city": 7}, "b"), call("weather", '{"ci', "c")),
        completion("Sorry."),
    )
    result = await client.chat.completions.run_tools(**ASK, tools=[weather, double], stream=stream)
    outputs = [message["content"] for message in bodies(sent)[1]["messages"][-3:]]
    assert outputs[0] == "There is no tool 'wether'; those that can be called are: 'weather', 'double'."
    assert outputs[1].startswith("The arguments of 'weather' do not fit: ")
    assert "$.city" in outputs[1]
    assert outputs[2].startswith("The arguments of 'weather' do not fit: ")
    assert result.content == "Sorry."


async def test_what_the_model_is_told_of_calls_that_are_none_can_be_chosen() -> None:
    async def told(call: ToolCall, error: InvalidToolCallError) -> str | None:
        await checkpoint()
        return f"no {error.name}" if call.name == "nothing" else None

    client, sent = run_client(False, completion(None, call("nothing")), completion(None, call("weather", {"city": 1})))
    with pytest.raises(InvalidToolCallError, match="do not fit") as caught:
        await client.chat.completions.run_tools(**ASK, tools=[weather], on_invalid_call=told)
    assert bodies(sent)[1]["messages"][-1]["content"] == "no nothing"
    assert caught.value.arguments == '{"city": 1}'


@BOTH
async def test_what_a_tool_raises_ends_the_run_and_its_other_tools(stream: bool) -> None:
    cancelled = anyio.Event()
    begun = anyio.Event()

    async def waits() -> None:
        try:
            begun.set()
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    async def fails() -> None:
        await begun.wait()
        raise ZeroDivisionError("password hunter2")

    client, sent = run_client(stream, completion(None, call("waits", id="a"), call("fails", id="b")))
    events: list[Any] = []
    manager = client.chat.completions.run_tools(**ASK, tools=[waits, fails], stream=stream)
    with pytest.raises(ZeroDivisionError, match="hunter2"):
        await followed(manager, events)
    assert cancelled.is_set()
    assert kinds(events)[-2:] == ["run_error", "end"]
    assert isinstance(events[-2].error, ZeroDivisionError)
    assert len(sent.requests) == 1


async def test_a_failed_run_says_again_why_it_failed() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    client, _ = run_client(False, completion(None, call("fails")))
    async with client.chat.completions.run_tools(**ASK, tools=[fails]) as run:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await run.final_content()
        assert run.errored
        assert run.ended
        with pytest.raises(ZeroDivisionError):
            await anext(run)


async def test_a_tool_that_ends_an_iteration_does_not_end_the_run_as_if_it_were_done() -> None:
    async def fails() -> None:
        raise StopAsyncIteration

    client, _ = run_client(False, completion(None, call("fails")))
    with pytest.raises(RuntimeError, match="StopAsyncIteration"):
        await followed(client.chat.completions.run_tools(**ASK, tools=[fails]), [])


async def test_the_model_is_told_nothing_of_an_error_but_its_type() -> None:
    def fails() -> None:
        raise ConnectionError("postgres://user:hunter2@db refused")

    client, sent = run_client(False, completion(None, call("fails")), completion("Pity."))
    async with client.chat.completions.run_tools(**ASK, tools=[fails], on_tool_error="tell") as run:
        results = [event async for event in run if event.type == "function_tool_call_result"]
    assert bodies(sent)[1]["messages"][-1]["content"] == "The tool 'fails' failed with ConnectionError."
    assert "hunter2" not in sent.requests[1].body.decode()
    assert [event.error for event in results] == ["ConnectionError"]
    assert isinstance(results[0].outcome.error, ConnectionError)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_what_the_model_is_told_of_an_error_can_be_chosen(asynchronous: bool) -> None:
    def plain(call: ToolCall, error: Exception) -> str | None:
        return f"{call.name}: {error}" if isinstance(error, KeyError) else None

    async def told(call: ToolCall, error: Exception) -> str | None:
        await checkpoint()
        return plain(call, error)

    async def fails(kind: str) -> None:
        raise KeyError(1) if kind == "key" else ValueError("other")

    client, sent = run_client(
        False, completion(None, call("fails", {"kind": "key"})), completion(None, call("fails", {"kind": "x"}))
    )
    with pytest.raises(ValueError, match="other"):
        await client.chat.completions.run_tools(**ASK, tools=[fails], on_tool_error=told if asynchronous else plain)
    assert bodies(sent)[1]["messages"][-1]["content"] == "fails: 1"


@BOTH
async def test_a_forced_call_ends_the_run_with_its_result(stream: bool) -> None:
    choice = {"type": "function", "function": {"name": "double"}}
    client, sent = run_client(
        stream,
        completion(None, call("weather", {"city": "Oslo"})),
        completion(None, call("double", {"number": "x"})),
        completion(None, call("double", {"number": 3})),
    )
    result = await client.chat.completions.run_tools(**ASK, tools=[weather, double], tool_choice=choice, stream=stream)
    assert (result.content, result.function_tool_call_value) == (None, {"doubled": 6})
    assert (
        bodies(sent)[1]["messages"][-1]["content"] == "'weather' was called where only 'double' may be; call 'double'."
    )
    assert "do not fit" in bodies(sent)[2]["messages"][-1]["content"]
    assert all(body["tool_choice"] == choice for body in bodies(sent))


@BOTH
async def test_too_many_turns_raise_with_everything_that_happened(stream: bool) -> None:
    turn = completion(None, call("double", {"number": 1}))
    client, sent = run_client(stream, *[turn] * 3)
    with pytest.raises(ToolLoopLimitError, match="max_turns=3") as caught:
        await client.chat.completions.run_tools(**ASK, tools=[double], max_turns=3, stream=stream)
    error = caught.value
    assert (error.limit, error.value, error.turns, error.usage.total_tokens) == ("max_turns", 3, 3, 9)
    # The calls of the last turn have been answered, so that the conversation can go on.
    assert error.messages[-1] == {"role": "tool", "tool_call_id": "c1", "content": '{"doubled":2}'}
    assert len(error.answers) == len(sent.requests) == 3


async def test_tokens_are_bounded_between_requests() -> None:
    turn = completion(None, call("double", {"number": 1}), tokens=40)
    client, _ = run_client(False, turn, turn, turn)
    with pytest.raises(ToolLoopLimitError, match="max_total_tokens=80") as caught:
        await client.chat.completions.run_tools(**ASK, tools=[double], max_total_tokens=80)
    assert (caught.value.limit, caught.value.turns) == ("max_total_tokens", 2)
    client, _ = run_client(False, completion("Dear.", tokens=900))
    assert (await client.chat.completions.run_tools(**ASK, tools=[double], max_total_tokens=80)).content == "Dear."


def long_ago(run: Any, event: Any) -> None:
    """Have a run begin a thousand seconds earlier, once its tools are about to begin."""
    if event.type == "function_tool_call":
        run._begun_at -= 1000


@BOTH
async def test_time_is_bounded_while_tools_run_and_while_the_model_answers(stream: bool) -> None:
    async def waits() -> None:
        await anyio.sleep_forever()

    client, _ = run_client(stream, completion(None, call("waits")))
    manager = client.chat.completions.run_tools(**ASK, tools=[waits], max_seconds=500, stream=stream)
    with pytest.raises(ToolLoopLimitError, match="while tools ran") as caught:
        await followed(manager, [], long_ago)
    assert (caught.value.limit, caught.value.value, caught.value.turns) == ("max_seconds", 500, 1)
    client, _ = client_of(Answer(wait=anyio.Event()))
    with pytest.raises(ToolLoopLimitError, match="while the model answered") as caught:
        await client.chat.completions.run_tools(**ASK, tools=[waits], max_seconds=0.01, stream=stream)
    assert caught.value.turns == 0


async def test_a_deadline_bounds_tools_and_requests() -> None:
    async def waits() -> None:
        await anyio.sleep_forever()

    client, _ = run_client(False, completion(None, call("waits")))
    manager = client.chat.completions.run_tools(**ASK, tools=[waits], deadline=500)
    with pytest.raises(DeadlineExceeded, match="the run's deadline of 500 s passed while its tools ran"):
        await followed(manager, [], long_ago)
    client, _ = client_of(Answer(wait=anyio.Event()))
    with pytest.raises(DeadlineExceeded):
        await client.chat.completions.run_tools(**ASK, tools=[waits], deadline=0.05, max_seconds=60)


@pytest.mark.parametrize(
    "given",
    [
        *({"max_turns": 0}, {"max_seconds": 0}, {"max_total_tokens": -1}, {"max_concurrent_calls": 0}),
        *({"on_tool_error": "ignore"}, {"on_invalid_call": None}),
    ],
    ids=str,
)
def test_limits_and_policies_that_are_none_are_refused(given: dict[str, Any]) -> None:
    client, _ = client_of()
    with pytest.raises(ValueError, match=next(iter(given))):
        client.chat.completions.run_tools(**ASK, tools=[], **given)


@BOTH
async def test_an_abort_ends_the_run_and_says_so(stream: bool) -> None:
    client, sent = run_client(stream, completion(None, call("double", {"number": 1})), completion("Two."))
    events: list[Any] = []
    called: list[int] = []
    tools = [bind_tool(double, called.append)]

    def stop(run: Any, event: Any) -> None:
        if event.type == "function_tool_call":
            run.abort()

    manager = client.chat.completions.run_tools(**ASK, tools=tools, stream=stream)
    with pytest.raises(ToolLoopAborted, match="abort") as caught:
        await followed(manager, events, stop)
    assert [event.type for event in events[-2:]] == ["abort", "end"]
    assert (called, caught.value.turns) == ([], 1)
    assert events[-2].error is caught.value
    assert len(sent.requests) == 1


async def test_an_abort_by_another_task_reaches_who_waits() -> None:
    client, _ = client_of(Answer(wait=anyio.Event()))
    async with client.chat.completions.run_tools(**ASK, tools=[]) as run, anyio.create_task_group() as tasks:

        async def abort() -> None:
            await anyio.wait_all_tasks_blocked()
            run.abort()

        tasks.start_soon(abort)
        with pytest.raises(ToolLoopAborted):
            await run.final_content()
        assert (run.aborted, run.errored, run.ended) == (True, True, True)
        run.abort()


async def test_a_tool_can_abort_the_run_it_is_called_by() -> None:
    runs: list[Any] = []

    async def stop() -> None:
        runs[0].abort()
        await checkpoint()

    client, _ = run_client(False, completion(None, call("stop")))
    async with client.chat.completions.run_tools(**ASK, tools=[stop]) as run:
        runs.append(run)
        with pytest.raises(ToolLoopAborted):
            await run.done()


async def test_leaving_early_cancels_tools_and_leaves_no_result() -> None:
    cancelled = anyio.Event()

    async def waits() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    client, _ = run_client(False, completion(None, call("waits", id="a"), call("double", {"number": 1}, "b")))
    async with client.chat.completions.run_tools(**ASK, tools=[waits, double]) as run:
        async for event in run:
            if event.type == "function_tool_call_result":
                break
    assert cancelled.is_set()
    with pytest.raises(OpenAIError, match="left before its end"):
        await run.final_content()
    assert [event async for event in run] == []


async def test_what_is_left_of_a_run_can_be_awaited_after_some_events() -> None:
    client, _ = run_client(True, completion(None, call("double", {"number": 1})), completion("Two."))
    async with client.chat.completions.run_tools(**ASK, tools=[double], stream=True) as run:
        async for event in run:
            if event.type == "function_tool_call":
                break
        assert (await run.result()).content == "Two."
        assert [event async for event in run] == []
        assert (run.turns, run.usage.calls, repr(run)) == (2, 2, "<ChatToolRun ended, 2 turns>")


async def test_a_tool_may_run_tools_itself() -> None:
    client, sent = run_client(
        False,
        completion(None, call("ask", {"what": "number"}, "a"), call("ask", {"what": "number"}, "b")),
        *[completion("An inner answer.")] * 2,
        completion("An outer answer."),
    )

    async def ask(what: str) -> str | None:
        inner = await client.chat.completions.run_tools(**ASK, tools=[double], usage=ledger)
        return inner.content

    ledger = UsageLedger()
    result = await client.chat.completions.run_tools(**ASK, tools=[ask], usage=ledger)
    assert (result.content, result.usage.calls, ledger.total.calls) == ("An outer answer.", 2, 4)
    assert [message["content"] for message in bodies(sent)[3]["messages"][-2:]] == ["An inner answer."] * 2


async def test_one_task_reads_a_run() -> None:
    client, _ = client_of(Answer(wait=anyio.Event()))
    async with client.chat.completions.run_tools(**ASK, tools=[]) as run, anyio.create_task_group() as tasks:
        tasks.start_soon(run.__anext__)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(OpenAIError, match="another task"):
            await anext(run)
        tasks.cancel_scope.cancel()


async def test_a_run_happens_once_and_says_how_it_is_used() -> None:
    client, _ = run_client(False, completion("Hello."))
    manager: Any = client.chat.completions.run_tools(**ASK, tools=[])
    with pytest.raises(OpenAIError, match="async with"):
        aiter(manager)
    with pytest.raises(OpenAIError, match="no final_content yet"):
        await manager.final_content()
    with pytest.raises(AttributeError):
        _ = manager.nothing
    await manager
    with pytest.raises(OpenAIError, match="happens once"):
        await manager
    with pytest.raises(TypeError, match="no raw view"):
        client.chat.completions.with_raw_response.run_tools(**ASK, tools=[])


@BOTH
async def test_a_refused_request_is_the_runs_error(stream: bool) -> None:
    client, _ = client_of(
        chat_answer(completion(None, call("double", {"number": 1})), stream=stream), Answer.error(400)
    )
    async with client.chat.completions.run_tools(**ASK, tools=[double], stream=stream) as run:
        with pytest.raises(BadRequestError):
            await run.done()
    assert len(run.all_chat_completions()) == 1
    assert len(run.messages) == 3


async def test_a_stream_that_breaks_off_calls_no_tool() -> None:
    called: list[Any] = []

    async def note(city: str) -> None:
        called.append(city)

    whole = completion(None, call("note", {"city": "Oslo"}))
    client, _ = client_of(Answer(events=chunks(whole)[:-2]))
    with pytest.raises(StreamTruncated) as caught:
        await client.chat.completions.run_tools(**ASK, tools=[note], stream=True)
    partial: Any = caught.value.partial
    assert partial.choices[0].message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
    assert called == []


@BOTH
async def test_an_answer_that_was_cut_calls_no_tool(stream: bool) -> None:
    client, _ = run_client(stream, completion(None, call("double", {"number": 1}), finish="length"))
    with pytest.raises(LengthFinishReasonError):
        await client.chat.completions.run_tools(**ASK, tools=[double], stream=stream)


async def test_an_answer_without_a_message_is_an_error() -> None:
    client, _ = client_of(Answer(json={**completion("x"), "choices": []}))
    with pytest.raises(OpenAIError, match="no message"):
        await client.chat.completions.run_tools(**ASK, tools=[])


async def test_an_error_in_a_stream_is_the_runs_error() -> None:
    client, _ = client_of(Answer(events=[chunks(completion("x"))[0], {"error": {"message": "over", "code": "x"}}]))
    with pytest.raises(APIError, match="over"):
        await client.chat.completions.run_tools(**ASK, tools=[double], stream=True)


async def test_what_is_added_between_turns_is_sent() -> None:
    client, sent = run_client(False, completion(None, call("double", {"number": 1})), completion("Two."))
    async with client.chat.completions.run_tools(**ASK, tools=[double]) as run:
        async for event in run:
            if event.type == "message" and len(run.messages) == 3:
                run.messages.append({"role": "user", "content": "Be brief."})
    assert bodies(sent)[1]["messages"][-1] == {"role": "user", "content": "Be brief."}


async def test_each_turn_has_an_idempotency_key_of_its_own() -> None:
    client, sent = run_client(False, completion(None, call("double", {"number": 1})), completion("Two."))
    await client.chat.completions.run_tools(**ASK, tools=[double], idempotency_key="k1")
    assert [request.headers["idempotency-key"] for request in sent.requests] == ["k1", "k1-2"]


async def test_usage_goes_to_a_ledger() -> None:
    client, _ = run_client(True, completion(None, call("double", {"number": 1})), completion("Two.", tokens=5))
    ledger = UsageLedger()
    result = await client.chat.completions.run_tools(**ASK, tools=[double], stream=True, usage=ledger.tag("run"))
    assert ledger["run"] == result.usage == Usage(calls=2, input_tokens=2, output_tokens=6, total_tokens=8)


async def test_runs_of_one_client_share_nothing() -> None:
    def answer(request: Any) -> Answer:
        messages = request.json()["messages"]
        name = messages[0]["content"]
        if len(messages) == 1:
            return Answer(json=completion(None, call("echo", {"text": name})))
        return Answer(json=completion(f"{name} {messages[-1]['content']}"))

    transport = FakeTransport(*[answer] * 20)
    client = OpenAI(api_key="k", transport=transport, max_retries=0)
    found: dict[str, Any] = {}

    async def echo(text: str) -> str:
        await checkpoint()
        return text.upper()

    async def one(name: str) -> None:
        asked = [{"role": "user", "content": name}]
        found[name] = await client.chat.completions.run_tools(model="m", messages=asked, tools=[echo])

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(one, f"run{number}")
    assert {name: result.content for name, result in found.items()} == {
        f"run{number}": f"run{number} RUN{number}" for number in range(10)
    }
    assert all(len(result.messages) == 4 and result.usage.calls == 2 for result in found.values())


async def test_calls_run_at_the_same_time_within_a_limit() -> None:
    at_once: list[int] = []
    running = 0
    full = anyio.Event()

    async def busy() -> None:
        nonlocal running
        running += 1
        at_once.append(running)
        if running == 3:
            full.set()
        await full.wait()
        await checkpoint()
        running -= 1

    client, _ = run_client(
        False, completion(None, *(call("busy", id=str(number)) for number in range(9))), completion("Done.")
    )
    await client.chat.completions.run_tools(**ASK, tools=[busy], max_concurrent_calls=3)
    assert (len(at_once), max(at_once)) == (9, 3)


async def test_plain_functions_run_in_threads_and_async_ones_do_not() -> None:
    names: dict[str, bool] = {}

    def plain() -> None:
        names["plain"] = threading.current_thread() is threading.main_thread()

    async def task() -> None:
        names["task"] = threading.current_thread() is threading.main_thread()

    client, _ = run_client(False, completion(None, call("plain", id="a"), call("task", id="b")), completion("Done."))
    await client.chat.completions.run_tools(**ASK, tools=[plain, task], thread_limiter=anyio.CapacityLimiter(1))
    assert names == {"plain": False, "task": True}


async def test_a_thread_is_left_behind_when_the_run_is_cancelled() -> None:
    go_on = threading.Event()
    ended = threading.Event()
    begun = anyio.Event()

    def blocks() -> None:
        anyio.from_thread.run_sync(begun.set)
        go_on.wait(10)
        ended.set()

    client, _ = run_client(False, completion(None, call("blocks")))
    try:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def cancel() -> None:
                    await begun.wait()
                    scope.cancel()

                tasks.start_soon(cancel)
                await client.chat.completions.run_tools(**ASK, tools=[blocks])
        assert scope.cancelled_caught
        assert not ended.is_set()
    finally:
        go_on.set()
    await anyio.to_thread.run_sync(ended.wait, 10)


async def test_a_tool_may_say_itself_what_is_sent() -> None:
    async def shows() -> ToolOutput:
        await checkpoint()
        return ToolOutput([{"type": "text", "text": "a "}, {"type": "text", "text": "picture"}], value=b"\x89PNG")

    client, sent = run_client(False, completion(None, call("shows")), completion("Nice."))
    result = await client.chat.completions.run_tools(**ASK, tools=[shows])
    assert bodies(sent)[1]["messages"][-1]["content"] == [
        {"type": "text", "text": "a "},
        {"type": "text", "text": "picture"},
    ]
    assert (result.function_tool_call_result, result.function_tool_call_value) == ("a picture", b"\x89PNG")


async def test_custom_tools_take_text_and_unknown_kinds_are_told_to_the_model() -> None:
    async def shout(text: str) -> str:
        await checkpoint()
        return text.upper()

    tool = bind_tool({"type": "custom", "custom": {"name": "shout"}}, shout)
    custom = {"id": "a", "type": "custom", "custom": {"name": "shout", "input": "hey {"}}
    client, sent = run_client(False, completion(None, custom, {"id": "b", "type": "novel"}), completion("Done."))
    await client.chat.completions.run_tools(**ASK, tools=[tool])
    assert bodies(sent)[0]["tools"] == [{"type": "custom", "custom": {"name": "shout"}}]
    assert [message["content"] for message in bodies(sent)[1]["messages"][-2:]] == [
        "HEY {",
        "There is no tool 'novel'; those that can be called are: 'shout'.",
    ]
