"""Answers of a model that has tools, whole and streamed, for the tests of runners; no runner here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools.ledger import AsyncResponsesToolLedger
from anyopenai.tools.registered import AsyncRegisteredFunction
from anyopenai.tools.runner import AsyncResponsesToolRunner


def answer(number: int, output: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a response with an output."""
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 4,
    }
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
        **more,
    }


def message(text: str = "Done.", **more: Any) -> dict[str, Any]:
    """Return a message of the model."""
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {
        "id": f"msg_{text}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
        **more,
    }


def call(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    """Return a call of a function."""
    return {
        "id": f"fc_{call_id}",
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": "completed",
        **more,
    }


def reasoning(number: str = "1") -> dict[str, Any]:
    """Return what a model thought, encrypted."""
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [], "encrypted_content": "x"}


def tool(name: str = "f", **more: Any) -> Any:
    """Return the declaration of a function without parameters."""
    parameters = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    return {"type": "function", "name": name, "strict": True, "parameters": parameters, **more}


def registered(name: str = "f", execute: Any = None, **more: Any) -> AsyncRegisteredFunction:
    """Return a function that does nothing, or what is given, registered."""

    async def nothing(_: object) -> str:
        return "ok"

    return AsyncRegisteredFunction(tool(name), execute or nothing, **more)


def wire_events(response: Mapping[str, Any], end: str = "completed") -> list[dict[str, Any]]:
    """Return the events of a response that is streamed."""
    events: list[dict[str, Any]] = []

    def add(kind: str, **members: Any) -> None:
        events.append({"type": f"response.{kind}", "sequence_number": len(events), **members})

    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    add("created", response=begun)
    add("in_progress", response=begun)
    for index, item in enumerate(response["output"]):
        place = {"output_index": index, "item_id": item["id"]} if "id" in item else {"output_index": index}
        begun = {**item, "status": "in_progress"} if "status" in item else item
        if item["type"] == "function_call":
            add("output_item.added", output_index=index, item={**begun, "arguments": ""})
            add("function_call_arguments.delta", **place, delta=item["arguments"])
            add("function_call_arguments.done", **place, arguments=item["arguments"], name=item["name"])
        elif item["type"] == "message":
            add("output_item.added", output_index=index, item={**begun, "content": []})
            for number, part in enumerate(item["content"]):
                add("content_part.added", **place, content_index=number, part={**part, "text": ""})
                add("output_text.delta", **place, content_index=number, delta=part.get("text", ""), logprobs=[])
                add("output_text.done", **place, content_index=number, text=part.get("text", ""), logprobs=[])
                add("content_part.done", **place, content_index=number, part=part)
        else:
            add("output_item.added", output_index=index, item=begun)
        add("output_item.done", output_index=index, item=item)
    add(end, response={**response, "status": end})
    return events


def streamed(response: Mapping[str, Any], end: str = "completed", count: int | None = None) -> Answer:
    """Return an answer that streams a response, or its first events."""
    return Answer(events=[(event["type"], event) for event in wire_events(response, end)][:count])


class Bench:
    """A runner, a client with scripted answers, and what came of them."""

    def __init__(self, *answers: Any, functions: Any = None, **runner: Any) -> None:
        self.log: list[Any] = []
        self.saved: list[Any] = []
        self.told: list[Any] = []
        given = [
            Answer(json=answer(number, one)) if isinstance(one, list) else one for number, one in enumerate(answers)
        ]
        self.transport = FakeTransport(*given)
        self.client = OpenAI(api_key="k", transport=self.transport, max_retries=0)
        self.runner = AsyncResponsesToolRunner(
            functions=[registered("f", self.does("f")), registered("g", self.does("g"))]
            if functions is None
            else functions,
            **runner,
        )

    def does(self, name: str, result: object = "ok") -> Any:
        """Return a function that writes down that it was called."""

        async def execute(arguments: Any) -> Any:
            self.log.append((name, arguments))
            return result

        return execute

    async def save(self, checkpoint: Any) -> None:
        """Keep a checkpoint."""
        self.saved.append(checkpoint)

    def ledger(self, **more: Any) -> AsyncResponsesToolLedger:
        """Return a ledger that keeps checkpoints here."""
        return AsyncResponsesToolLedger("run", self.save, **more)

    async def run(self, params: Any = None, **options: Any) -> Any:
        """Run to the end."""
        asked = {"model": "m", "input": "hi", **(params or {})}
        return await self.runner.run(self.client, asked, on_diagnostic=self.told.append, **options)

    def iterate(self, params: Any = None, **options: Any) -> Any:
        """Return the turns."""
        return self.runner.iterate(self.client, {"model": "m", "input": "hi", **(params or {})}, **options)

    @property
    def sent(self) -> list[Any]:
        """What was asked."""
        return [request.json() for request in self.transport.requests]

    @property
    def stages(self) -> list[tuple[str, str, str | None]]:
        """What the observer was told."""
        return [(one["stage"], one["reason"], one["call_id"]) for one in self.told]
