"""`.stream()` with its events, its snapshots and its final result, from bytes in memory; no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.harness.clock import Meter
from benchmarks.harness.driver import on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_CHAT: Final = "chat, 2,000 deltas"
_CHAT_LONG: Final = "chat, 100,000 deltas"
_CALL: Final = "chat, arguments of a call in 2,000 deltas"
_RESPONSE: Final = "responses, 2,000 deltas"
_RESPONSE_LONG: Final = "responses, 100,000 deltas"
_RUN: Final = "a run, 2,000 deltas"
_RUN_LONG: Final = "a run, 100,000 deltas"
_HEADERS: Final = {"content-type": "text/event-stream"}


def _cases(scale: Scale) -> Sequence[Case]:
    few, many = scale.pick(2_000, 2_000, 20), scale.pick(100_000, 100_000, 40)
    both, ours = ("anyopenai", "anyopenai (trio)", "openai"), ("anyopenai",)

    def case(name: str, who: Sequence[str], kind: str, deltas: int, times: int) -> Case:
        return Case(name, who, {"kind": kind, "deltas": deltas, "times": times})

    times = scale.pick(10, 2, 1)
    return [
        case(_CHAT, both, "chat", few, times),
        case(_CALL, both, "call", few, times),
        case(_RESPONSE, both, "response", few, times),
        case(_RUN, both, "run", few, times),
        # The peer's cost grows with what there is: minutes.
        case(_CHAT_LONG, ours, "chat", many, 1),
        case(_RESPONSE_LONG, ours, "response", many, 1),
        case(_RUN_LONG, ours, "run", many, 1),
    ]


SCENARIO = Scenario(
    title="Helpers for streams: `.stream()` read to its final result, from bytes in memory",
    unit="delta",
    cases=_cases,
    targets=(
        Target("chat: at most 1/10 of openai-python's helper", _CHAT, 1 / 10, over=(_CHAT, "openai")),
        Target("arguments: at most 1/10 of openai-python's helper", _CALL, 1 / 10, over=(_CALL, "openai")),
        Target("responses: at most 1/10 of openai-python's helper", _RESPONSE, 1 / 10, over=(_RESPONSE, "openai")),
        Target("runs: at most 1/10 of openai-python's helper", _RUN, 1 / 10, over=(_RUN, "openai")),
        Target("chat, linear: a delta of 100,000 costs at most 1.5 times one of 2,000", _CHAT_LONG, 1.5,
               over=(_CHAT, "anyopenai")),
        Target("responses, linear: the same", _RESPONSE_LONG, 1.5, over=(_RESPONSE, "anyopenai")),
        Target("runs, linear: the same", _RUN_LONG, 1.5, over=(_RUN, "anyopenai")),
    ),
    note="Every contender takes every event and the final result; snapshots are not looked at.",
)  # fmt: skip


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _chat(deltas: int) -> list[dict[str, Any]]:
    return [_chunk({"role": "assistant", "content": ""}), *[_chunk({"content": " word"})] * deltas, _chunk({}, "stop")]


def _call(deltas: int) -> list[dict[str, Any]]:
    def piece(**function: str) -> dict[str, Any]:
        begins = {"id": "call_1", "type": "function"} if "name" in function else {}
        return _chunk({"tool_calls": [{"index": 0, **begins, "function": function}]})

    return [
        piece(name="f", arguments='{"text":"'),
        *[piece(arguments=" word")] * deltas,
        piece(arguments='"}'),
        _chunk({}, "tool_calls"),
    ]


def _response(deltas: int) -> list[dict[str, Any]]:
    text = " word" * deltas
    whole = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "m", "output": [],
                "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "metadata": {}}  # fmt: skip
    done = {**message, "status": "completed", "content": [whole]}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", **at, "delta": " word", "logprobs": []}
    items: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {"type": "response.content_part.added", **at, "part": {**whole, "text": ""}},
        *[delta] * deltas,
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": whole},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": {**response, "status": "completed", "output": [done]}},
    ]
    return [{**item, "sequence_number": number} for number, item in enumerate(items)]


def _run(deltas: int) -> list[dict[str, Any]]:
    text = {"type": "text", "text": {"value": " word" * deltas, "annotations": []}}
    run = {"id": "run_1", "object": "thread.run", "created_at": 1, "thread_id": "thread_1", "assistant_id": "asst_1",
           "status": "in_progress", "required_action": None, "last_error": None, "expires_at": None, "started_at": 1,
           "cancelled_at": None, "failed_at": None, "completed_at": None, "incomplete_details": None, "model": "m",
           "instructions": "", "tools": [], "metadata": {}, "usage": None, "max_prompt_tokens": None,
           "max_completion_tokens": None, "truncation_strategy": None, "tool_choice": "auto",
           "parallel_tool_calls": True, "response_format": "auto"}  # fmt: skip
    message = {"id": "msg_1", "object": "thread.message", "created_at": 1, "thread_id": "thread_1", "run_id": "run_1",
               "assistant_id": "asst_1", "status": "in_progress", "incomplete_details": None, "completed_at": None,
               "incomplete_at": None, "role": "assistant", "content": [], "attachments": [], "metadata": {}}  # fmt: skip
    word = {"index": 0, "type": "text", "text": {"value": " word"}}
    delta = {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": [word]}}
    return [
        {"event": "thread.run.in_progress", "data": run},
        {"event": "thread.message.created", "data": message},
        *[{"event": "thread.message.delta", "data": delta}] * deltas,
        {"event": "thread.message.completed", "data": {**message, "status": "completed", "content": [text]}},
        {"event": "thread.run.completed", "data": {**run, "status": "completed"}},
    ]


_KINDS: Final = {"chat": _chat, "call": _call, "response": _response, "run": _run}


def _wire(kind: str, deltas: int) -> bytes:
    items = _KINDS[kind](deltas)
    if kind == "run":
        framed = [
            b"event: %b\ndata: %b\n\n" % (item["event"].encode(), json.dumps(item["data"]).encode()) for item in items
        ]
        return b"".join(framed) + b"event: done\ndata: [DONE]\n\n"
    end = b"" if kind == "response" else b"data: [DONE]\n\n"
    return b"".join(b"data: %b\n\n" % json.dumps(item).encode() for item in items) + end


def _client(contender: Contender, body: bytes) -> Any:
    if contender.name == "openai":
        import httpx2  # pyright: ignore
        from openai import AsyncOpenAI  # pyright: ignore

        def answer(request: Any) -> Any:
            return httpx2.Response(200, content=body, headers=_HEADERS)

        return AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
    from anyopenai import OpenAI
    from anyopenai.testing import Answer, FakeTransport

    transport = FakeTransport()
    transport.route("*", "/**", Answer(content=body, headers=_HEADERS))
    return OpenAI(api_key="k", transport=transport)


async def _read(client: Any, kind: str) -> int:
    seen = 0
    if kind == "response":
        async with client.responses.stream(model="m", input="x") as stream:
            async for event in stream:
                seen += event.type == "response.output_text.delta"
            await stream.get_final_response()
        return seen
    if kind == "run":
        async with client.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
            async for event in stream:
                seen += event.event == "thread.message.delta"
            await stream.get_final_messages()
        return seen
    wanted = "content.delta" if kind == "chat" else "tool_calls.function.arguments.delta"
    async with client.chat.completions.stream(model="m", messages=[]) as stream:
        async for event in stream:
            seen += event.type == wanted
        await stream.get_final_completion()
    return seen


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    kind, deltas = facts["kind"], facts["deltas"]
    body = _wire(kind, deltas)
    times = max(1, round(facts["times"] * facts["share"]))

    async def main() -> Figures:
        client = _client(contender, body)
        # Builds what is built once.
        await _read(_client(contender, _wire(kind, 3)), kind)
        with Meter() as meter:
            for _ in range(times):
                seen = await _read(client, kind)
                assert seen >= deltas, (seen, deltas)
        return meter.figures(times * deltas)

    return on_loop(contender.loop, main)
