"""Events of runs in few words, runs as a server streams them, and what carries them; no test lives here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport

ASK: Final[dict[str, Any]] = {"thread_id": "thread_1", "assistant_id": "asst_1"}
SSE: Final = {"content-type": "text/event-stream"}

Event = tuple[str, dict[str, Any]]


def run(status: str, **more: Any) -> Event:
    """Write an event of a run."""
    data = {"id": "run_1", "object": "thread.run", "created_at": 1, "thread_id": "thread_1", "assistant_id": "asst_1",
            "status": "queued" if status == "created" else status, "required_action": None, "last_error": None,
            "expires_at": 2, "started_at": None, "cancelled_at": None, "failed_at": None, "completed_at": None,
            "incomplete_details": None, "model": "m", "instructions": "i", "tools": [], "metadata": {}, "usage": None,
            "max_prompt_tokens": None, "max_completion_tokens": None, "truncation_strategy": None, "tool_choice": "auto",
            "parallel_tool_calls": True, "response_format": "auto", **more}  # fmt: skip
    return f"thread.run.{status}", data


def step(event: str, id: str = "step_1", calls: Sequence[dict[str, Any]] | None = (), **more: Any) -> Event:
    """Write an event of a step; one with `calls` None makes a message."""
    if calls is None:
        details: dict[str, Any] = {"type": "message_creation", "message_creation": {"message_id": "msg_1"}}
    else:
        details = {"type": "tool_calls", "tool_calls": list(calls)}
    status = "in_progress" if event in {"created", "in_progress"} else event
    data = {"id": id, "object": "thread.run.step", "created_at": 1, "assistant_id": "asst_1", "thread_id": "thread_1",
            "run_id": "run_1", "type": details["type"], "status": status, "step_details": details, "last_error": None,
            "expired_at": None, "cancelled_at": None, "failed_at": None, "completed_at": None, "metadata": {},
            "usage": None, **more}  # fmt: skip
    return f"thread.run.step.{event}", data


def calls(*pieces: dict[str, Any], id: str = "step_1") -> Event:
    """Write a delta of a step."""
    delta = {"step_details": {"type": "tool_calls", "tool_calls": list(pieces)}}
    return "thread.run.step.delta", {"id": id, "object": "thread.run.step.delta", "delta": delta}


def function(index: int | None, id: str | None = None, **members: Any) -> dict[str, Any]:
    """Write a piece of a call of a function."""
    numbered = {} if index is None else {"index": index}
    return {**numbered, "type": "function", **({"id": id} if id else {}), "function": members}


def code(index: int, id: str | None = None, **members: Any) -> dict[str, Any]:
    """Write a piece of a call of the code interpreter."""
    return {"index": index, "type": "code_interpreter", **({"id": id} if id else {}), "code_interpreter": members}


def message(event: str, *content: dict[str, Any], id: str = "msg_1", **more: Any) -> Event:
    """Write an event of a message."""
    status = "in_progress" if event in {"created", "in_progress"} else event
    data = {"id": id, "object": "thread.message", "created_at": 1, "thread_id": "thread_1", "status": status,
            "incomplete_details": None, "completed_at": None, "incomplete_at": None, "role": "assistant",
            "content": list(content), "assistant_id": "asst_1", "run_id": "run_1", "attachments": [], "metadata": {},
            **more}  # fmt: skip
    return f"thread.message.{event}", data


def piece(*content: dict[str, Any], id: str = "msg_1") -> Event:
    """Write a delta of a message."""
    return "thread.message.delta", {"id": id, "object": "thread.message.delta", "delta": {"content": list(content)}}


def text(value: str, index: int | None = 0, **more: Any) -> dict[str, Any]:
    """Write a piece of a text."""
    numbered = {} if index is None else {"index": index}
    return {**numbered, "type": "text", "text": {"value": value, **more}}


def image(index: int, file_id: str = "f1") -> dict[str, Any]:
    """Write an image of a delta."""
    return {"index": index, "type": "image_file", "image_file": {"file_id": file_id}}


def whole(value: str) -> dict[str, Any]:
    """Write a text of a message."""
    return {"type": "text", "text": {"value": value, "annotations": []}}


def wire(events: Sequence[Event], *, done: bool = True) -> bytes:
    """Frame events as a server does."""
    framed = [f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events]
    return "".join([*framed, *(["event: done\ndata: [DONE]\n\n"] if done else [])]).encode()


def client_with(*streams: Sequence[Event] | bytes, **options: Any) -> OpenAI:
    """Make a client whose requests are answered with streams of events."""
    bodies = [stream if isinstance(stream, bytes) else wire(stream) for stream in streams]
    transport = FakeTransport(*(Answer(content=body, headers=SSE) for body in bodies))
    return OpenAI(**{"api_key": "k", "transport": transport, "max_retries": 0, **options})


CITATION: Final = {
    "type": "file_citation",
    "text": "[1]",
    "start_index": 1,
    "end_index": 2,
    "file_citation": {"file_id": "f"},
}
THREAD: Final[Event] = ("thread.created", {"id": "thread_1", "object": "thread", "created_at": 1, "metadata": {},
                                           "tool_resources": None})  # fmt: skip
BEGIN: Final = (run("created"), run("in_progress"))
USAGE: Final = {"completion_tokens": 1, "prompt_tokens": 1, "total_tokens": 2}
SAID: Final = (
    *BEGIN,
    step("created", calls=None),
    step("in_progress", calls=None),
    message("created"),
    message("in_progress"),
    piece(text("Hel", annotations=[])),
    piece(text("lo")),
    message("completed", whole("Hello")),
    step("completed", calls=None, usage=USAGE),
    run("completed", usage=USAGE),
)

# Streams as the API sends them: what openai-python makes of each is in recorded_runs.json.
CASES: Final[dict[str, Sequence[Event]]] = {
    "text": (THREAD, *SAID),
    "texts and images": (
        *BEGIN,
        message("created"),
        piece(text("Hel", annotations=[])),
        piece(text("lo")),
        piece(image(1)),
        piece(text(" B", 2)),
        piece(text("ye", 2, annotations=[{"index": 0, **CITATION}])),
        message("completed", whole("Hello"), {"type": "image_file", "image_file": {"file_id": "f1"}}, whole(" Bye")),
        run("completed"),
    ),
    "an image alone": (
        *BEGIN,
        message("created"),
        piece(image(0)),
        message("completed", {"type": "image_file", "image_file": {"file_id": "f1"}}),
        run("completed"),
    ),
    "two texts in one piece": (
        *BEGIN,
        message("created"),
        piece(text("a"), text("b", 1)),
        message("incomplete", whole("a"), whole("b")),
        run("incomplete"),
    ),
    "a refusal and a link": (
        *BEGIN,
        message("created"),
        piece({"index": 0, "type": "refusal", "refusal": "no"}),
        piece({"index": 0, "type": "refusal", "refusal": "pe"}),
        piece({"index": 1, "type": "image_url", "image_url": {"url": "x"}}),
        message("completed", {"type": "refusal", "refusal": "nope"}, {"type": "image_url", "image_url": {"url": "x"}}),
        run("completed"),
    ),
    "tools": (
        *BEGIN,
        step("created"),
        step("in_progress"),
        calls(code(0, "c1", input="", outputs=[])),
        calls(code(0, input="from ")),
        calls(code(0, input="sympy")),
        calls(code(0, outputs=[{"index": 0, "type": "logs", "logs": "a"}])),
        calls(code(0, outputs=[{"index": 0, "type": "logs", "logs": "b"}])),
        calls(code(0, outputs=[{"index": 1, "type": "image", "image": {"file_id": "f"}}])),
        calls(function(1, "c2", name="f", arguments="", output=None)),
        calls(function(1, arguments='{"a"')),
        calls(function(1, arguments=":1}")),
        calls({"index": 2, "id": "c3", "type": "file_search", "file_search": {}}),
        step("completed", calls=[{"id": "c3", "type": "file_search", "file_search": {}}]),
        run("completed"),
    ),
    "functions that wait": (
        *BEGIN,
        step("created"),
        calls(function(0, "c1", name="f", arguments="")),
        calls(function(0, arguments="{}")),
        calls(function(1, "c2", name="g", arguments="")),
        calls(function(1, arguments='{"x":1}')),
        run("requires_action"),
    ),
    "a step that fails": (
        *BEGIN,
        step("created"),
        calls(function(0, "c1", name="f", arguments="{}")),
        step("failed", calls=[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]),
        run("failed"),
    ),
    "a step that expires": (*BEGIN, step("created"), step("expired"), run("expired")),
    "a run that is cancelled": (*BEGIN, step("created"), step("cancelled"), run("cancelling"), run("cancelled")),
    "a message that goes on": (*BEGIN, message("created", whole("A")), piece(text("b")), run("completed")),
    "events to come": (*BEGIN, ("thread.brand.new", {"id": "x"}), run("completed")),
}
