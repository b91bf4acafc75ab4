"""What a run of the computer tool sends, when it ends, and what ends it early."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from anyopenai import BadRequestError, OpenAI, omit
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools.computer import AsyncComputerToolset
from anyopenai.tools.computer_actions import ComputerUseError
from anyopenai.tools.diagnostics import ToolDiagnostic
from anyopenai.tools.lifecycle import ToolsetBusyError, ToolsetClosedError
from anyopenai.types.responses import Response
from tools.computers import ACTIONS, CLICK, SHOT, Computer, call_document, message, response

REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "secret"}
ASKED: Any = {"model": "m", "input": "Look it up."}
OUTPUT = {"type": "computer_call_output", "call_id": "call_1", "output": SHOT, "acknowledged_safety_checks": []}


class Desk:
    """A run against recorded answers."""

    def __init__(self, *answers: dict[str, Any] | Answer, computer: Computer | None = None) -> None:
        self.computer = computer or Computer()
        self.toolset = AsyncComputerToolset(self.computer)
        self.transport = FakeTransport(*(one if isinstance(one, Answer) else Answer(json=one) for one in answers))

    async def run(self, params: dict[str, Any] | None = None, **options: Any) -> Response:
        given: Any = {**ASKED, **(params or {})}
        async with OpenAI(api_key="k", transport=self.transport, max_retries=0) as client:
            return await self.toolset.run(client, given, **options)

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.transport.requests]


ONE_CALL = (response(REASONING, call_document(CLICK)), response(message()))


async def test_a_response_with_a_message_is_the_last_word() -> None:
    desk = Desk(response(message("Hello.")))
    final = await desk.run()
    assert final.output_text == "Hello."
    assert desk.sent == [
        {
            "model": "m",
            "input": [{"role": "user", "content": "Look it up."}],
            "tools": [{"type": "computer"}],
            "include": ["reasoning.encrypted_content"],
            "stream": False,
        }
    ]
    assert desk.computer.names == []


async def test_calls_are_answered_with_everything_that_was_said() -> None:
    desk, diagnostics = Desk(*ONE_CALL), list[ToolDiagnostic]()
    assert (await desk.run(on_diagnostic=diagnostics.append)).output_text == "Done."
    assert desk.sent[1]["input"] == [*desk.sent[0]["input"], REASONING, call_document(CLICK), OUTPUT]
    assert desk.computer.names == ["click", "screenshot"]
    assert [one["member"] for one in diagnostics] == ["click", "screenshot"]


async def test_several_calls_of_one_response_are_done_in_order() -> None:
    second = call_document(ACTIONS["type"], id="cu_2", call_id="call_2")
    desk = Desk(response(call_document(CLICK), second), response(message()))
    await desk.run()
    assert desk.computer.names == ["click", "screenshot", "type", "screenshot"]
    assert [item["call_id"] for item in desk.sent[1]["input"][-2:]] == ["call_1", "call_2"]


async def test_a_run_goes_on_over_many_responses() -> None:
    turns = [response(call_document(CLICK, id=f"cu_{i}", call_id=f"call_{i}")) for i in range(5)]
    desk = Desk(*turns, response(message()))
    await desk.run(max_steps=6)
    assert [len(one["input"]) for one in desk.sent] == [1, 3, 5, 7, 9, 11]


async def test_what_the_caller_asked_for_is_sent_with_every_request_and_stays_as_it_was() -> None:
    params: dict[str, Any] = {
        "input": [{"role": "user", "content": "x"}],
        "tools": ({"type": "computer_use_preview", "display_width": 1, "display_height": 1, "environment": "mac"},),
        "include": ["message.output_text.logprobs"],
        "store": False,
        "truncation": "auto",
        "instructions": omit,
        "previous_response_id": None,
    }
    before = dict(params)
    desk = Desk(*ONE_CALL)
    await desk.run(params)
    assert params == before
    assert len(params["input"]) == 1
    for sent in desk.sent:
        assert sent["tools"] == list(params["tools"])
        assert sent["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
        assert (sent["store"], sent["truncation"], "instructions" in sent) == (False, "auto", False)


@pytest.mark.parametrize(
    ("choice", "then"),
    [
        ("required", "auto"),
        ("auto", "auto"),
        ("none", "none"),
        ({"type": "computer"}, "auto"),
        ({"type": "computer_use_preview"}, "auto"),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "computer"}]},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "computer"}]},
        ),
    ],
)
async def test_a_choice_that_forces_a_call_forces_only_the_first(choice: Any, then: Any) -> None:
    desk = Desk(*ONE_CALL)
    await desk.run({"tool_choice": choice})
    assert [one["tool_choice"] for one in desk.sent] == [choice, then]


@pytest.mark.parametrize("given", [{"extra_headers": {"Idempotency-Key": "k1", "x-a": "b"}}, {"idempotency_key": "k1"}])
async def test_an_idempotency_key_is_for_the_first_request_alone(given: dict[str, Any]) -> None:
    """With the same key the API would repeat its first answer."""
    turns = [response(call_document(CLICK, id=f"cu_{i}", call_id=f"call_{i}")) for i in range(2)]
    desk = Desk(*turns, response(message()))
    await desk.run(given)
    keys = [request.headers["idempotency-key"] for request in desk.transport.requests]
    assert keys[0] == "k1"
    assert len(set(keys)) == 3
    assert {request.headers.get("x-a") for request in desk.transport.requests} == {
        given.get("extra_headers", {}).get("x-a")
    }


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
async def test_a_limit_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="max_steps must be a positive integer"):
        await Desk().run(max_steps=value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"stream": True}, "non-streaming, foreground"),
        ({"background": True}, "non-streaming, foreground"),
        ({"previous_response_id": "resp_0"}, "complete input history"),
        ({"conversation": "conv_1"}, "complete input history"),
        ({"tools": []}, "exactly one computer tool"),
        ({"tools": None}, "exactly one computer tool"),
        ({"tools": [{"type": "computer"}, {"type": "web_search"}]}, "exactly one computer tool"),
        ({"tools": [{"type": "computer"}] * 2}, "exactly one computer tool"),
        ({"tools": [{"type": "web_search"}]}, "exactly one computer tool"),
        ({"input": None}, "text or a list of items"),
        ({"input": {"role": "user"}}, "text or a list of items"),
    ],
)
async def test_arguments_of_which_no_run_can_be_made_are_refused(params: dict[str, Any], words: str) -> None:
    desk = Desk()
    with pytest.raises(ValueError, match=words):
        await desk.run(params)
    assert desk.sent == []


@pytest.mark.parametrize("status", ["in_progress", "failed", "incomplete", "cancelled", "queued"])
async def test_a_response_that_is_not_complete_ends_the_run(status: str) -> None:
    desk = Desk(response(call_document(CLICK), status=status))
    with pytest.raises(ComputerUseError, match=f"Response did not complete.*{status}") as caught:
        await desk.run()
    assert caught.value.response is not None
    assert caught.value.response.status == status
    assert desk.computer.names == []


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ([], "no final message or computer call"),
        ([REASONING], "no final message or computer call"),
        (None, "no final message or computer call"),
        ([message(status="incomplete")], "no final message or computer call"),
        ([message(phase="commentary")], "no final message or computer call"),
        ([{"type": "song"}, message()], "does not handle: song"),
        (
            [{"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"}],
            "does not handle: function_call",
        ),
        ([call_document(CLICK), call_document(CLICK)], "duplicate computer call identity: 'call_1'"),
        ([call_document(CLICK), call_document(CLICK, call_id="call_2")], "duplicate output item identity: 'cu_1'"),
        (
            [call_document(CLICK), call_document({"type": "fly"}, id="cu_2", call_id="call_2")],
            "Invalid computer action",
        ),
        ([call_document(CLICK, status="incomplete")], "Computer call did not complete"),
    ],
)
async def test_a_response_that_cannot_be_acted_on_ends_the_run_before_anything_is_done(
    output: list[dict[str, Any]], words: str
) -> None:
    desk = Desk({**response(), "output": output})
    with pytest.raises(ComputerUseError, match=words) as caught:
        await desk.run()
    assert caught.value.response is not None
    assert desk.computer.names == []


async def test_a_call_that_was_answered_before_is_not_done_again() -> None:
    for desk, params in (
        (Desk(response(call_document(CLICK)), response(call_document(CLICK))), {}),
        (Desk(response(call_document(CLICK))), {"input": [call_document(CLICK), OUTPUT]}),
    ):
        with pytest.raises(ComputerUseError, match="duplicate computer call identity"):
            await desk.run(params)
        assert desk.computer.names.count("click") == len(desk.sent) - 1


async def test_the_last_request_may_bring_the_last_word_but_no_further_call() -> None:
    desk = Desk(*ONE_CALL)
    await desk.run(max_steps=2)
    desk = Desk(*ONE_CALL)
    with pytest.raises(ComputerUseError, match="max_steps before completion"):
        await desk.run(max_steps=1)
    assert desk.computer.names == []


async def test_an_error_of_the_api_passes_through() -> None:
    refused = Answer(400, json={"error": {"message": "no"}})
    with pytest.raises(BadRequestError):
        await Desk(ONE_CALL[0], refused).run()


async def test_what_a_driver_raises_passes_through_and_frees_the_toolset() -> None:
    def broken(name: str) -> None:
        raise LookupError(name)

    desk = Desk(*ONE_CALL, computer=Computer(broken))
    with pytest.raises(LookupError, match="click"):
        await desk.run()
    assert desk.toolset.close() == {"status": "closed"}


async def test_a_refusal_brings_the_response_along() -> None:
    async def policy(action: object) -> bool:
        return False

    with pytest.raises(ComputerUseError, match="not approved") as caught:
        await Desk(*ONE_CALL).run(before_action=policy)
    assert caught.value.response is not None
    assert caught.value.response.id == "resp_1"


async def test_a_run_can_be_cancelled_before_and_after_each_request() -> None:
    def after(count: int) -> Callable[[], bool]:
        answers = iter([False] * count)
        return lambda: next(answers, True)

    first = Desk(*ONE_CALL)
    with pytest.raises(ComputerUseError, match="cancelled") as caught:
        await first.run(cancelled=after(0))
    assert (caught.value.response, first.sent) == (None, [])
    second = Desk(*ONE_CALL)
    with pytest.raises(ComputerUseError, match="cancelled") as caught:
        await second.run(cancelled=after(1))
    assert caught.value.response is not None
    assert second.computer.names == []


async def test_a_toolset_makes_one_run_at_a_time_and_none_when_closed() -> None:
    desk, other = Desk(*ONE_CALL), Desk(*ONE_CALL)
    other.toolset = desk.toolset

    async def again(action: Any) -> bool:
        with pytest.raises(ToolsetBusyError):
            await other.run()
        return True

    await desk.run(before_action=again)
    desk.toolset.close()
    with pytest.raises(ToolsetClosedError):
        await other.run()
    assert other.sent == []
