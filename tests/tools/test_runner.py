"""The runner of tools: what it takes, what it refuses before anything is called, and how its calls run together."""

from __future__ import annotations

import copy
import pickle
import threading
from functools import partial
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyopenai import OpenAI, OpenAIError, function_tool
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools import (
    AsyncRegisteredFunction,
    AsyncResponsesToolLedger,
    AsyncResponsesToolRunner,
    ResponsesToolRunner,
    ToolRunnerCancelledError,
    ToolRunnerError,
    ToolsetBusyError,
    ToolsetClosedError,
)
from tools.runner_turns import Bench, answer, call, message, reasoning, registered, streamed, tool

LAST = [message("last")]
MODES = {"whole": {}, "stream": {"stream": True}, "eager": {"stream": True, "eager": True}}


def in_mode(mode: str, *outputs: list[dict[str, Any]]) -> list[Any]:
    """Return answers as they come in a mode."""
    answers = [answer(number, output) for number, output in enumerate(outputs)]
    return [Answer(json=one) if mode == "whole" else streamed(one) for one in answers]


async def refused(bench: Bench, params: Any = None, **options: Any) -> ToolRunnerError:
    with pytest.raises(ToolRunnerError) as caught:
        await bench.run(params, **options)
    assert caught.value.attempted_call_ids == bench.runner.attempted_call_ids
    assert caught.value.completed_call_ids == bench.runner.completed_call_ids
    return caught.value


# What it is given


@pytest.mark.parametrize(
    "params",
    [{"previous_response_id": "r"}, {"conversation": "c"}, {"background": True}, {"stream": True}],
)
async def test_the_conversation_is_kept_here(params: Any) -> None:
    bench = Bench(LAST)
    with pytest.raises(ValueError, match="whole conversation"):
        await bench.run(params)
    assert bench.sent == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tools": [tool("h")]}, "h"),
        ({"tools": [{"type": "custom", "name": "c"}]}, "c"),
        ({"tools": [function_tool({"title": "typed", "type": "object"})]}, "answer for: typed"),
        ({"tools": [{"type": "shell"}]}, "shell"),
        ({"tools": [{"type": "computer"}]}, "computer="),
        ({"tool_choice": "required"}, "never end"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "never end"),
        ({"tool_choice": {"type": "computer_use_preview"}}, "never end"),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
            "end",
        ),
        ({"tools": [{"type": "mcp", "server_url": "https://x"}]}, "labels"),
        ({"tools": [{"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "a"}]}, "unique"),
        ({"tools": [{"type": "mcp", "server_label": "a", "require_approval": "perhaps"}]}, "perhaps"),
        ({"input": 3}, "not int"),
        ({"input": ["x"]}, "no item"),
    ],
)
async def test_params_that_no_run_can_be_made_of(params: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Bench(LAST).iterate(params)


@pytest.mark.parametrize(
    "options",
    [
        {"max_steps": 0},
        {"max_steps": True},
        {"max_concurrent_calls": 0},
        {"max_concurrent_calls": 1.0},
        {"eager": True},
        {"context_budget": {}},
    ],
)
async def test_options_that_no_run_can_be_made_of(options: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
        Bench(LAST).iterate(**options)


async def test_an_unknown_argument_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(TypeError, match="inputs"):
        Bench(LAST).iterate({"inputs": "x"})


@pytest.mark.parametrize("early", [{"functions": ["h"]}, {"functions": ["f", "f"]}, {"computer": True}, {"x": 1}])
def test_early_execution_names_what_there_is(early: Any) -> None:
    with pytest.raises(ValueError, match="early_execution"):
        Bench(LAST, early_execution=early)


def test_names_of_functions_are_unique() -> None:
    with pytest.raises(ValueError, match="unique"):
        AsyncResponsesToolRunner(functions=[registered(), registered()])


async def test_what_is_sent() -> None:
    """The conversation as it is; reasoning in encrypted form is asked for, so that it can go back."""
    bench = Bench([reasoning(), call("a")], LAST)
    params = {
        "input": (item for item in [{"role": "user", "content": "q"}]),
        "instructions": "Be brief.",
        "include": ["file_search_call.results"],
        "tools": [{"type": "web_search"}],
        "metadata": {"a": "b"},
        "timeout": 5.0,
        "extra_headers": {"x-mine": "1"},
    }
    await bench.run(params)
    first, second = bench.sent
    assert (first["input"], first["instructions"]) == ([{"role": "user", "content": "q"}], "Be brief.")
    assert first["include"] == ["file_search_call.results", "reasoning.encrypted_content"]
    assert [one.get("name", one["type"]) for one in first["tools"]] == ["f", "g", "web_search"]
    output = {"type": "function_call_output", "call_id": "a", "output": "ok"}
    assert second == {**first, "input": [*first["input"], reasoning(), call("a"), output]}
    assert [request.headers["x-mine"] for request in bench.transport.requests] == ["1", "1"]


@pytest.mark.parametrize("where", ["idempotency_key", "extra_headers"])
async def test_a_fixed_idempotency_key_is_not_used_twice(where: str) -> None:
    """A server that keeps to the key would answer every request with the first one's answer."""
    bench = Bench([call("a")], LAST)
    await bench.run({where: "k" if where == "idempotency_key" else {"Idempotency-Key": "k"}})
    assert [request.headers["idempotency-key"] for request in bench.transport.requests] == ["k", "k-2"]


async def test_streams_send_what_whole_answers_send() -> None:
    sent = []
    for mode, options in MODES.items():
        bench = Bench(*in_mode(mode, [reasoning(), call("a")], LAST))
        response = await bench.run({"extra_body": {"more": 1}}, **options)
        assert response.output_text == "last"
        sent.append([{name: value for name, value in one.items() if name != "stream"} for one in bench.sent])
    assert sent[0] == sent[1] == sent[2]
    assert sent[0][0]["more"] == 1


# What is refused


BAD = {
    "a call without an id": call(""),
    "a namespace": call("a", namespace="n"),
    "an unknown item": {"type": "shell_call", "id": "s", "call_id": "a", "status": "completed"},
    "a computer": {
        "type": "computer_call",
        "id": "c",
        "call_id": "a",
        "actions": [{"type": "wait"}],
        "status": "completed",
    },
    "a message of an unknown kind": message(content=[{"type": "output_audio"}]),
    "an unfinished message": message(status="incomplete"),
    "arguments": call("a", arguments="[]"),
    "a name that is none": call("a", name=3),
    "an item of tomorrow": {"type": "telepathy", "id": "t", "thought": "x"},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BAD)
async def test_nothing_of_an_unfit_turn_is_called(name: str, mode: str) -> None:
    bench = Bench(*in_mode(mode, [BAD[name], call("b")]))
    error = await refused(bench, **MODES[mode])
    assert error.attempted_call_ids == ()
    assert bench.log == []


@pytest.mark.parametrize("status", ["incomplete", "failed", "cancelled", None])
async def test_an_answer_that_did_not_complete(status: Any) -> None:
    bench = Bench(
        Answer(json=answer(1, [call("a")], status=status, incomplete_details={"reason": "max_output_tokens"}))
    )
    assert "max_output_tokens" in str(await refused(bench))
    assert bench.log == []


async def test_an_id_of_the_input_is_not_answered_with_again() -> None:
    history = [call("a"), {"type": "function_call_output", "call_id": "a", "output": "x"}]
    bench = Bench([call("a", id="other")])
    assert "'a'" in str(await refused(bench, {"input": history}))


async def test_a_message_without_a_status_is_whole() -> None:
    """Servers of other makers leave it out."""
    bare = {name: value for name, value in message("last").items() if name != "status"}
    assert (await Bench([bare]).run()).output_text == "last"


async def test_text_that_is_no_unicode_is_refused_as_output() -> None:
    """Sent, it would fail the next request, when the call counts as completed."""
    bench = Bench([call("a")], functions=[registered(execute=Bench().does("f", "\ud800"))])
    error = await refused(bench)
    assert (error.attempted_call_ids, error.completed_call_ids) == (("a",), ())
    assert bench.stages[-1] == ("output", "invalid_output", "a")


async def test_the_end_of_a_stream_must_say_what_was_streamed() -> None:
    """What was called early would be something else than what the conversation goes on with."""
    whole = answer(1, [call("a")])
    events = list(streamed(whole).items)
    events[-1] = streamed(answer(1, [call("a", arguments='{"x":1}')])).items[-1]
    bench = Bench(Answer(pieces=events, headers={"content-type": "text/event-stream"}))
    error = await refused(bench, stream=True, eager=True)
    assert (error.completed_call_ids, bench.log) == (("a",), [("f", {})])


async def test_what_a_callback_does_to_an_event_changes_no_call() -> None:
    bench = Bench(*in_mode("eager", [call("a")], LAST))

    def meddle(event: Any) -> None:
        if event.type == "response.output_item.done":
            event.item.arguments = '{"evil":1}'

    await bench.run(stream=True, eager=True, on_event=meddle)
    assert bench.log == [("f", {})]
    assert bench.sent[1]["input"][1]["arguments"] == "{}"


# How calls run


class Together:
    """A function that waits until as many run as are expected to."""

    def __init__(self, expected: int) -> None:
        self.running = 0
        self.most = 0
        self.expected = expected
        self.met = anyio.Event()

    async def __call__(self, arguments: object) -> str:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == self.expected:
            self.met.set()
        await self.met.wait()
        await checkpoint()
        self.running -= 1
        return "ok"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("limit", "expected"), [(2, 2), (3, 3), (9, 4)])
async def test_independent_calls_of_a_turn_run_together(mode: str, limit: int, expected: int) -> None:
    """Also with a ledger, and without streaming; openai-python does so in eager runs without a ledger alone."""
    together = Together(expected)
    calls = [call(name) for name in "abcd"]
    bench = Bench(*in_mode(mode, calls, LAST), functions=[registered("f", together, independent=True)])
    await bench.run(max_concurrent_calls=limit, ledger=bench.ledger(), **MODES[mode])
    assert together.most == expected
    outputs = [item["call_id"] for item in bench.sent[1]["input"] if item.get("type") == "function_call_output"]
    assert outputs == list("abcd")


@pytest.mark.parametrize("independent", [False, True])
async def test_an_eager_call_is_made_while_the_rest_still_streams(independent: bool) -> None:
    """The rest waits for the call to begin."""
    begun = anyio.Event()

    async def execute(arguments: object) -> str:
        begun.set()
        return "ok"

    turn = answer(1, [call("a"), message("beside")])
    pieces = list(streamed(turn).items)
    gated = Answer(pieces=[*pieces[:6], begun, *pieces[6:]], headers={"content-type": "text/event-stream"})
    functions = [registered(execute=execute, independent=independent)]
    bench = Bench(gated, *in_mode("stream", LAST), functions=functions)
    await bench.run(stream=True, eager=True)
    assert bench.sent[1]["input"][-1]["output"] == "ok"


async def test_an_item_without_an_id_is_taken() -> None:
    """Servers of other makers give calls no id beside their call id."""
    bare = [{name: value for name, value in call(one).items() if name != "id"} for one in "ab"]
    bench = Bench(bare, LAST)
    await bench.run()
    assert bench.runner.completed_call_ids == ("a", "b")


@pytest.mark.parametrize("said", [None, True, "later"])
async def test_an_early_call_is_executed_or_deferred(said: Any) -> None:
    bench = Bench(*in_mode("eager", [call("a")], LAST))
    with pytest.raises(ToolRunnerError, match="defer"):
        await bench.run(stream=True, eager=True, before_early_call=lambda _: said)
    assert bench.log == []


async def test_a_choice_that_may_end_with_a_server_tool_is_fine() -> None:
    bench = Bench([call("a")], LAST)
    await bench.run({"tool_choice": "required", "tools": [{"type": "web_search"}]})
    assert bench.log == [("f", {})]


async def test_a_partial_of_an_async_function_is_awaited() -> None:
    bench = Bench([call("a")], LAST)
    bench.runner = AsyncResponsesToolRunner(functions=[registered(execute=partial(bench.does("f")))])
    await bench.run()
    assert bench.log == [("f", {})]


async def test_calls_that_all_are_told_to_stop_end_the_run_as_cancelled() -> None:
    stop = anyio.Event()
    both = Together(2)

    async def execute(arguments: object) -> str:
        await both(arguments)
        stop.set()
        return "ok"

    bench = Bench([call("a"), call("b")], LAST, functions=[registered(execute=execute, independent=True)])
    with pytest.raises(ToolRunnerCancelledError) as caught:
        await bench.run(cancelled=stop.is_set)
    assert caught.value.attempted_call_ids == ("a", "b")
    assert caught.value.completed_call_ids == bench.runner.completed_call_ids


async def test_an_output_that_comes_while_another_call_is_written_down_is_saved_when_cancelled() -> None:
    writing, returned = anyio.Event(), anyio.Event()
    kept: list[Any] = []

    async def save(found: Any) -> None:
        if found["attempted_call_ids"] == ["a", "b"] and not writing.is_set():
            writing.set()
            await anyio.sleep_forever()
        kept.append(found)

    async def execute(arguments: object) -> str:
        await writing.wait()
        returned.set()
        return "ok"

    bench = Bench([call("a"), call("b")], LAST, functions=[registered(execute=execute, independent=True)])
    async with anyio.create_task_group() as group:

        async def run() -> None:
            await bench.run(ledger=AsyncResponsesToolLedger("run", save))

        group.start_soon(run)
        await returned.wait()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert bench.runner.completed_call_ids == ("a",)
    assert kept[-1]["returned_call_ids"] == ["a"]


async def test_an_answer_without_output_is_no_answer() -> None:
    bench = Bench(Answer(json={"id": "r", "object": "response", "status": "completed"}))
    assert "neither" in str(await refused(bench))


async def test_a_ledger_that_fails_when_a_run_is_cancelled_does_not_hide_that() -> None:
    """The output of a call that was made is saved once more, and what that raises is not what ends the run."""
    scope = anyio.CancelScope()
    saves = 0

    async def save(_: object) -> None:
        nonlocal saves
        saves += 1
        if saves == 4:
            scope.cancel()
            await checkpoint()
        if saves == 5:
            raise LookupError

    bench = Bench([call("a")], LAST)
    with scope:
        await bench.run(ledger=AsyncResponsesToolLedger("run", save))
    assert (scope.cancelled_caught, saves, bench.runner.completed_call_ids) == (True, 5, ("a",))


async def test_what_a_callback_for_events_raises_ends_the_run() -> None:
    bench = Bench(*in_mode("stream", [call("a")], LAST))

    def fail(event: object) -> None:
        raise LookupError("secret")

    error = await refused(bench, stream=True, on_event=fail)
    assert isinstance(error.__cause__, LookupError)
    assert (bench.log, "secret" in str(error)) == ([], False)
    assert bench.transport.open_responses == 0


async def test_a_call_that_is_not_independent_runs_alone() -> None:
    running: list[str] = []

    async def execute(arguments: Any) -> str:
        running.append(arguments["n"])
        assert "alone" not in running or len(running) == 1
        await checkpoint()
        running.remove(arguments["n"])
        return "ok"

    calls = [call(f"{n}", "g" if n == 2 else "f", f'{{"n":"{"alone" if n == 2 else n}"}}') for n in range(5)]
    functions = [registered("f", execute, independent=True), registered("g", execute)]
    assert (await Bench(calls, LAST, functions=functions).run()).output_text == "last"


async def test_a_plain_function_runs_in_a_thread() -> None:
    threads = []

    def execute(arguments: Any) -> str:
        threads.append(threading.get_ident())
        return "ok"

    await Bench([call("a")], LAST, functions=[registered(execute=execute)]).run()
    assert threads != [threading.get_ident()]


async def test_a_call_that_fails_cancels_those_beside_it() -> None:
    begun = anyio.Event()
    ended = []

    async def execute(arguments: Any) -> str:
        if arguments:
            await begun.wait()
            raise LookupError("secret")
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)
        return "never"

    bench = Bench(
        [call("a"), call("b", arguments='{"fail":1}')], functions=[registered(execute=execute, independent=True)]
    )
    error = await refused(bench)
    assert (error.attempted_call_ids, error.completed_call_ids, ended) == (("a", "b"), (), [True])
    assert isinstance(error.__cause__, LookupError)
    assert "secret" not in str(error)
    assert ("action", "cancelled", "a") in bench.stages


async def test_two_calls_that_fail_are_the_cause_together() -> None:
    async def execute(arguments: Any) -> str:
        try:
            await checkpoint()
        finally:
            raise LookupError

    bench = Bench([call("a"), call("b")], functions=[registered(execute=execute, independent=True)])
    error = await refused(bench)
    assert isinstance(error.__cause__, ExceptionGroup)


async def test_a_typed_tool_is_called_with_its_type() -> None:
    @function_tool
    async def forecast(city: str) -> str:
        """Say how the weather will be."""
        return f"Rain in {city}."

    bench = Bench(
        [call("a", "forecast", '{"city":"Oslo"}')], LAST, functions=[AsyncRegisteredFunction.from_tool(forecast)]
    )
    await bench.run()
    assert bench.sent[1]["input"][-1]["output"] == "Rain in Oslo."


# Turns in hand


async def test_a_turn_can_be_looked_at_before_it_is_called() -> None:
    bench = Bench([call("a")], LAST)
    async with bench.iterate() as turns:
        first = await anext(turns)
        assert (first.step, first.final, bench.log) == (1, False, [])
        first.response.output.clear()
        last = await anext(turns)
        assert (last.step, last.final, last.completed_call_ids) == (2, True, ("a",))
        with pytest.raises(ValueError, match="gone on"):
            first.supply_outputs([])
        with pytest.raises(ValueError, match="no text"):
            last.append_user_text("more")
        with pytest.raises(AttributeError):
            last.step = 3
        assert [turn async for turn in turns] == []
    assert bench.log == [("f", {})]
    assert "2" in repr(last)


OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "given"}


@pytest.mark.parametrize(
    "outputs",
    [
        [{**OUTPUT, "call_id": "b"}],
        [{**OUTPUT, "call_id": "z"}],
        [OUTPUT, OUTPUT],
        [{**OUTPUT, "output": 3}],
        [{**OUTPUT, "status": "completed"}],
        [{**OUTPUT, "type": "computer_call_output"}],
    ],
)
async def test_outputs_that_cannot_be_supplied_change_nothing(outputs: Any) -> None:
    functions = [registered("f", allow_output_override=True), registered("g")]
    bench = Bench([call("a"), call("b", "g")], LAST, functions=functions)
    async for turn in bench.iterate():
        if turn.step == 1:
            turn.supply_outputs([OUTPUT])
            with pytest.raises(ValueError):  # noqa: PT011 - each says it in its own words
                turn.supply_outputs(outputs)
            with pytest.raises(ValueError, match="not empty"):
                turn.append_user_text("")
    assert [item["output"] for item in bench.sent[1]["input"] if "output" in item] == ["given", "ok"]


async def test_leaving_the_block_leaves_the_calls_alone() -> None:
    bench = Bench([call("a")], [message("x")])
    async with bench.iterate() as turns:
        await anext(turns)
    assert bench.log == []
    await turns.close()
    assert (turns.attempted_call_ids, turns.completed_call_ids) == ((), ())
    assert "1 of 20 requests" in repr(turns)
    assert [turn async for turn in turns] == []
    assert (await bench.run()).output_text == "x"


async def test_a_run_that_is_dropped_frees_the_runner_and_warns() -> None:
    bench = Bench([call("a")], LAST)
    turns = bench.iterate()
    await anext(turns)
    with pytest.warns(ResourceWarning, match="dropped before its end"):
        del turns
    assert (await bench.run()).output_text == "last"


async def test_a_run_is_iterated_by_one_task() -> None:
    begun, go = anyio.Event(), anyio.Event()

    async def wait(arguments: Any) -> str:
        begun.set()
        await go.wait()
        return "ok"

    async def go_on() -> None:
        # Closed meanwhile, so that this step is the last.
        assert await anext(turns, None) is None

    bench = Bench([call("a")], LAST, functions=[registered(execute=wait)])
    turns = bench.iterate()
    await anext(turns)
    async with anyio.create_task_group() as group:
        group.start_soon(go_on)
        await begun.wait()
        with pytest.raises(RuntimeError, match="another task"):
            await anext(turns)
        with pytest.raises(ToolsetBusyError):
            await bench.run()
        await turns.aclose()
        go.set()
    assert bench.runner.close() == {"status": "closed"}


async def test_closing_refuses_further_runs() -> None:
    bench = Bench([call("a")], LAST)
    async with bench.iterate() as turns:
        await anext(turns)
        assert bench.runner.close() == {"status": "draining"}
        assert (await anext(turns)).final
    assert bench.runner.close() == {"status": "closed"}
    with pytest.raises(ToolsetClosedError):
        await bench.run()


# Ends


@pytest.mark.parametrize("mode", MODES)
async def test_cancelled_is_asked_between_all_parts(mode: str) -> None:
    """Wherever it says to stop, the error says what was done, what was called is in it, and nothing more is done."""
    number = 0
    seen = set()
    while True:
        number += 1
        bench = Bench(*in_mode(mode, [call("a"), call("b")], LAST))
        asked = iter(range(1, 1000))
        stopped: ToolRunnerCancelledError | None = None
        try:
            await bench.run(
                cancelled=lambda asked=asked, number=number: next(asked) == number, ledger=bench.ledger(), **MODES[mode]
            )
        except ToolRunnerCancelledError as error:
            stopped = error
        if stopped is None:
            break
        done = len(bench.log)
        seen.add((len(bench.saved), done, len(bench.sent)))
        assert len(stopped.completed_call_ids) == done
        assert done <= len(stopped.attempted_call_ids) <= done + 1
        assert not bench.saved or tuple(bench.saved[-1]["attempted_call_ids"]) == stopped.attempted_call_ids
    assert number > 10
    assert {done for _, done, _ in seen} == {0, 1, 2}
    assert {sent for _, _, sent in seen} == {0, 1, 2}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", ["request", "f", "save 3", "save 4", "save 7", "event"])
async def test_cancelling_passes_and_leaves_the_evidence(place: str, mode: str) -> None:
    reached = anyio.Event()

    async def hang(*_: object) -> Any:
        reached.set()
        await anyio.sleep_forever()

    answers = in_mode(mode, [call("a"), call("b")], LAST)
    bench = Bench(hang if place == "request" else answers[0], *answers[1:])
    if place == "f":
        bench.runner = AsyncResponsesToolRunner(functions=[registered("f", hang)])
    if place == "event" and mode == "whole":
        return
    kept: list[Any] = []

    async def save(found: Any) -> None:
        if place == f"save {found['revision']}" and not reached.is_set():
            await hang()
        kept.append(found)

    ledger = bench.ledger()
    ledger.save = save
    errors: list[BaseException] = []

    async def run() -> None:
        try:
            await bench.run(ledger=ledger, on_event=hang if place == "event" else None, **MODES[mode])
        except BaseException as error:
            errors.append(error)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await reached.wait()
        group.cancel_scope.cancel()
    assert isinstance(errors[0], anyio.get_cancelled_exc_class())
    assert bench.runner.close() == {"status": "closed"}
    assert len(bench.log) == len(bench.runner.completed_call_ids)
    # Outputs that exist are in the ledger, also where saving them was what was cancelled.
    returned = kept[-1]["returned_call_ids"] if kept else []
    assert tuple(returned) == bench.runner.completed_call_ids


@pytest.mark.parametrize("count", range(12))
@pytest.mark.parametrize("mode", ["stream", "eager"])
async def test_a_stream_that_breaks_off_is_no_answer(mode: str, count: int) -> None:
    """Wherever it does: eager calls may have been made by then, and the error says which."""
    whole = answer(1, [call("a"), call("b")])
    assert len(streamed(whole).items) == 11
    bench = Bench(streamed(whole, count=count), *in_mode("stream", LAST))
    if count >= 11:
        await bench.run(**MODES[mode])
        return
    error = await refused(bench, **MODES[mode])
    assert type(error.__cause__).__name__ == "StreamTruncated"
    early = 0 if mode == "stream" else (count >= 6) + (count >= 10)
    assert len(bench.log) == len(error.completed_call_ids) == early
    assert bench.stages[-1] == ("request", "api_failed", None)


@pytest.mark.parametrize("end", ["incomplete", "failed"])
async def test_a_stream_that_ends_otherwise_is_no_answer(end: str) -> None:
    bench = Bench(streamed(answer(1, [call("a")]), end))
    error = await refused(bench, stream=True)
    assert isinstance(error.__cause__, OpenAIError)
    assert bench.log == []


async def test_events_come_in_order_before_what_they_lead_to() -> None:
    bench = Bench(*in_mode("eager", [call("a")], LAST))

    async def show(event: Any) -> None:
        bench.log.append(event.type.removeprefix("response."))

    await bench.run(stream=True, eager=True, on_event=show)
    assert bench.log[:7] == [
        *("created", "in_progress", "output_item.added", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done", ("f", {})),
    ]


def test_errors_travel_and_say_what_was_done() -> None:
    for error in (ToolRunnerError("It stopped.", ["a", "b"], ["a"]), ToolRunnerCancelledError(["a"], [])):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert again.attempted_call_ids == error.attempted_call_ids
        assert isinstance(error, OpenAIError | RuntimeError)
    assert "attempted: a, b; completed: a" in str(ToolRunnerError("It stopped.", ["a", "b"], ["a"]))
    assert "attempted: 2 others, c, d, e, f, g; completed: none" in str(ToolRunnerError("It stopped.", "abcdefg"))


def test_the_older_name_is_the_same_class() -> None:
    assert ResponsesToolRunner is AsyncResponsesToolRunner


async def test_a_client_of_ones_own_works_as_well() -> None:
    """Options of a view hold for each request."""
    transport = FakeTransport(Answer(json=answer(1, LAST)))
    client = OpenAI(api_key="k", transport=transport).with_options(default_headers={"x-view": "1"})
    await AsyncResponsesToolRunner().run(client, {"model": "m", "input": "hi"})
    assert transport.requests[0].headers["x-view"] == "1"
    assert transport.requests[0].json()["tools"] == []  # type: ignore[index]  # it is a dict
