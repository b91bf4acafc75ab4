"""Turns of runs in few words: answers that call tools or speak, streamed or not; no test lives here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
REQUEST: dict[str, Any] = {"model": "m", "input": "Hi."}

Json = dict[str, Any]


def call(name: str, arguments: object = None, id: str = "c1") -> Json:
    """Write a call of a chat message; arguments that are no text become JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return {"id": id, "type": "function", "function": {"name": name, "arguments": text}}


def completion(content: str | None = None, *calls: Json, tokens: int = 3, finish: str | None = None) -> Json:
    """Write a completion that says something, or calls tools."""
    message: Json = {"role": "assistant", "content": content, "refusal": None}
    if calls:
        message["tool_calls"] = list(calls)
    reason = finish or ("tool_calls" if calls else "stop")
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": reason, "message": message, "logprobs": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": tokens - 1, "total_tokens": tokens},
    }


def chunks(whole: Json) -> list[Json]:
    """Cut a completion into chunks: contents and arguments in pieces of a few characters, calls one piece each in turn."""
    choice = whole["choices"][0]
    message = choice["message"]
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[Json] = [{"role": "assistant", "content": None}]
    deltas += [{"content": piece} for piece in _pieces(message["content"] or "")]
    rest: list[tuple[int, list[str]]] = []
    for index, one in enumerate(message.get("tool_calls", ())):
        function = {"name": one["function"]["name"], "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": one["id"], "type": "function", "function": function}]})
        rest.append((index, _pieces(one["function"]["arguments"])))
    while any(pieces for _, pieces in rest):
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": pieces.pop(0)}}]}
            for index, pieces in rest
            if pieces
        ]
    found = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    found.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    found.append({**head, "choices": [], "usage": whole["usage"]})
    return found


def _pieces(text: str, size: int = 5) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def chat_answer(whole: Json, *, stream: bool) -> Answer:
    """Answer with a completion, as a stream or at once."""
    return Answer(events=[*chunks(whole), "[DONE]"]) if stream else Answer(json=whole)


def message_item(text: str, id: str = "m1") -> Json:
    """Write the item of a response that is a message."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": id, "role": "assistant", "status": "completed", "content": [part]}


def call_item(name: str, arguments: object = None, id: str = "c1", **more: Any) -> Json:
    """Write the item of a response that calls a function."""
    text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    known = {"type": "function_call", "id": f"f{id}", "call_id": id, "name": name, "arguments": text}
    return {**known, "status": "completed", **more}


def response(*items: Json, tokens: int = 3, status: str = "completed", **more: Any) -> Json:
    """Write a response."""
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": 1, "output_tokens": tokens - 1, "total_tokens": tokens},
        **more,
    }


def response_events(whole: Json) -> list[Json]:
    """Cut a response into events: items as they begin and end, texts and arguments in pieces."""
    events: list[Json] = [{"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}}]
    for index, item in enumerate(whole["output"]):
        at = {"output_index": index, "item_id": item.get("id", "")}
        added = {**item, "status": "in_progress"}
        if item["type"] == "message":
            added["content"] = []
        elif item["type"] == "function_call":
            added["arguments"] = ""
        events.append({"type": "response.output_item.added", "output_index": index, "item": added})
        if item["type"] == "message":
            text = item["content"][0]["text"]
            here = {**at, "content_index": 0}
            part = {**item["content"][0], "text": ""}
            events.append({"type": "response.content_part.added", **here, "part": part})
            events += [
                {"type": "response.output_text.delta", **here, "delta": one, "logprobs": []} for one in _pieces(text)
            ]
            events.append({"type": "response.output_text.done", **here, "text": text, "logprobs": []})
            events.append({"type": "response.content_part.done", **here, "part": item["content"][0]})
        elif item["type"] == "function_call":
            name = "response.function_call_arguments"
            events += [{"type": f"{name}.delta", **at, "delta": one} for one in _pieces(item["arguments"])]
            events.append({"type": f"{name}.done", **at, "name": item["name"], "arguments": item["arguments"]})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def response_answer(whole: Json, *, stream: bool) -> Answer:
    """Answer with a response, as a stream or at once."""
    return Answer(events=response_events(whole)) if stream else Answer(json=whole)


def client_of(*answers: Any, **options: Any) -> tuple[OpenAI, FakeTransport]:
    """Make a client with scripted answers, and return what takes down its requests."""
    transport = FakeTransport(*answers)
    return OpenAI(api_key="k", transport=transport, max_retries=0, **options), transport


def bodies(transport: FakeTransport) -> list[Json]:
    """Return the bodies that were sent."""
    found: list[Any] = [request.json() for request in transport.requests]
    return found


def kinds(events: Iterable[Any]) -> list[str]:
    """Name the events of a run without the pieces of streams."""
    return [
        event.type for event in events if not event.type.startswith(("chunk", "response.", "content.", "tool_calls."))
    ]
