"""Documents as the API sends them, small enough to read at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PROMPT: Final = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
"""Arguments of the smallest chat call."""

MODEL: Final = {"id": "m", "object": "model", "created": 1, "owned_by": "me"}


def chat(text: str = "Hello!", **members: object) -> dict[str, object]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": text, "refusal": None},
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        **members,
    }


def delta(text: str | None = None, finish: str | None = None, **members: object) -> dict[str, object]:
    """One chunk of a streamed chat completion."""
    content = {} if text is None else {"content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": content, "finish_reason": finish}],
        **members,
    }


def text_completion(text: str, finish: str | None = None) -> dict[str, object]:
    """One chunk of a streamed legacy completion."""
    choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}


def response(text: str = "Hello!", status: str = "completed", **members: object) -> dict[str, object]:
    """A Responses API answer."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "output": output if text else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **members,
    }


def response_events(*texts: str) -> list[dict[str, object]]:
    """The events of a streamed Responses API answer."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    found: list[dict[str, object]] = [{"type": "response.created", "response": response("", "in_progress")}]
    found += [{"type": "response.output_text.delta", "delta": text, "logprobs": [], **place} for text in texts]
    found += [{"type": "response.completed", "response": response("".join(texts))}]
    return [{"sequence_number": number, **event} for number, event in enumerate(found)]


def model_list(*ids: str, **members: object) -> dict[str, object]:
    """A page whose items are models."""
    return {"object": "list", "data": [{**MODEL, "id": name} for name in ids], **members}


def batch(id: str) -> dict[str, object]:
    """A batch job."""
    return {
        "id": id,
        "object": "batch",
        "completion_window": "24h",
        "created_at": 1,
        "endpoint": "/v1/embeddings",
        "input_file_id": "file-1",
        "status": "completed",
    }


def batch_list(*ids: str, **members: object) -> dict[str, object]:
    """A page whose items are batches."""
    return {"object": "list", "data": [batch(name) for name in ids], **members}


def file(id: str = "file-1") -> dict[str, object]:
    """An uploaded file."""
    return {
        "id": id,
        "object": "file",
        "bytes": 3,
        "created_at": 1,
        "filename": "a.txt",
        "purpose": "assistants",
        "status": "processed",
    }


def embeddings(vectors: Iterable[object]) -> dict[str, object]:
    """An answer with vectors, as number lists or base64."""
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
