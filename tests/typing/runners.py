"""What type checkers make of runners of tools; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import Literal, assert_type

from msgspec import Struct

from anyopenai import OpenAI, function_tool
from anyopenai.lib.responses_tool_runner import ToolRunnerCancelledError, ToolRunnerError
from anyopenai.streaming import ResponseStreamEvent
from anyopenai.tools import (
    AsyncContextBudget,
    AsyncDecisionsToolRunner,
    AsyncRegisteredFunction,
    AsyncResponsesToolLedger,
    AsyncResponsesToolRunner,
    CloseStatus,
    ContextBudgetDecision,
    ContextBudgetSnapshot,
    DecisionCandidate,
    DecisionObservation,
    DecisionsRunResult,
    DecisionsToolRunnerError,
    EarlyExecution,
    RegisteredFunction,
    ResponsesRunnerTurn,
    ResponsesToolCheckpoint,
    ResponsesToolRun,
    ResponsesToolRunner,
    settled_checkpoint,
)
from anyopenai.types.responses import Response, ResponseComputerToolCall, ResponseFunctionToolCall
from anyopenai.types.responses.response_output_item import McpApprovalRequest


class Place(Struct):
    city: str


async def forecast(place: Place) -> str:
    return place.city


def forecast_now(place: Place) -> str:
    return place.city


async def raw(arguments: dict[str, object]) -> str:
    return str(arguments)


async def wrong(arguments: int) -> str:
    return str(arguments)


def functions_are_registered_async_or_plain() -> None:
    tool = function_tool(Place)
    assert_type(AsyncRegisteredFunction.from_tool(tool, execute=forecast), AsyncRegisteredFunction)
    RegisteredFunction.from_tool(tool, execute=forecast_now, independent=True)
    AsyncRegisteredFunction(tool.for_responses(), raw, allow_output_override=True)
    AsyncRegisteredFunction.from_tool(tool, execute=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the tool's type is another


async def save(checkpoint: ResponsesToolCheckpoint) -> None:
    assert_type(checkpoint["phase"], Literal["boundary", "pending", "final"])
    assert_type(checkpoint["attempted_call_ids"], list[str])


def save_now(checkpoint: ResponsesToolCheckpoint) -> None: ...


async def compact(snapshot: ContextBudgetSnapshot) -> ContextBudgetDecision:
    return {"drop_call_ids": snapshot["eligible_call_ids"]}


async def show(event: ResponseStreamEvent[object]) -> None: ...


async def consent(request: McpApprovalRequest) -> bool:
    return request.name == "look_up"


async def before_early_call(
    call: ResponseFunctionToolCall | ResponseComputerToolCall,
) -> Literal["execute", "defer"]:
    return "execute"


async def runs(client: OpenAI) -> None:
    early: EarlyExecution = {"functions": ["Place"]}
    budget: AsyncContextBudget = {"max_input_bytes": 1000, "max_input_images": 0, "compact": compact}
    runner = AsyncResponsesToolRunner(functions=[], early_execution=early)
    response = await runner.run(
        client,
        {"model": "m", "input": "Hi."},
        ledger=AsyncResponsesToolLedger("run", save),
        context_budget=budget,
        on_event=show,
        approve_mcp=consent,
        before_early_call=before_early_call,
    )
    assert_type(response, Response)
    assert_type(runner.attempted_call_ids, tuple[str, ...])
    assert_type(runner.close(), CloseStatus)
    async with ResponsesToolRunner().iterate(
        client, {"model": "m"}, ledger=AsyncResponsesToolLedger("run", save_now)
    ) as turns:
        assert_type(turns, ResponsesToolRun)
        async for turn in turns:
            assert_type(turn, ResponsesRunnerTurn)
            assert_type(turn.response, Response)
            turn.supply_outputs([{"type": "function_call_output", "call_id": "c", "output": "x"}])


def ended(error: ToolRunnerError, checkpoint: ResponsesToolCheckpoint) -> None:
    assert_type(error.completed_call_ids, tuple[str, ...])
    assert_type(settled_checkpoint(checkpoint, []), ResponsesToolCheckpoint)
    cancelled: ToolRunnerError = ToolRunnerCancelledError([], [])
    del cancelled


async def decisions(client: OpenAI) -> None:
    async def observe() -> DecisionObservation:
        return "page"

    def act() -> None: ...

    async def candidates(seen: DecisionObservation) -> list[DecisionCandidate]:
        return [
            {"id": "a", "description": "Act.", "execute": act},
            {"id": "z", "description": "Done.", "done": True},
        ]

    runner = AsyncDecisionsToolRunner(observe=observe, candidates=candidates)
    result = await runner.run(client, {"model": "m", "input": "Do it."})
    assert_type(result, DecisionsRunResult)
    assert_type(result["status"], Literal["verified", "unverified", "refused"])
    error = DecisionsToolRunnerError("failed", [], [])
    assert_type(error.attempted_candidate_ids, tuple[str, ...])
