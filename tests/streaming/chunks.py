"""Chunks of chat completions in few words, and what carries them; no test lives here."""

from __future__ import annotations

import json
from typing import Any

from anyopenai import OpenAI
from anyopenai.streaming.chat_chunk import ChatCompletionChunk
from anyopenai.testing import Answer, FakeTransport

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}


def choice(
    delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **more: Any
) -> dict[str, Any]:
    """Write a choice of a chunk."""
    return {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish, **more}


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a chunk."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": list(choices), **more}


def text(piece: str, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    """Write a chunk with a piece of text."""
    return chunk(choice({"content": piece}, finish, index))


def piece(
    index: int | None = 0, id: str | None = None, name: str | None = None, args: str | None = None
) -> dict[str, Any]:
    """Write a piece of a tool call."""
    function = {key: value for key, value in (("name", name), ("arguments", args)) if value is not None}
    members: dict[str, Any] = {"function": function}
    if index is not None:
        members["index"] = index
    if id is not None:
        members.update(id=id, type="function")
    return members


def calls(*pieces: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """Write a chunk with pieces of tool calls."""
    return chunk(choice({"tool_calls": list(pieces)}, finish))


def decoded(members: dict[str, Any]) -> ChatCompletionChunk:
    """Decode a chunk as an answer would be, unknown members kept."""
    return ChatCompletionChunk.model_validate(members)


def wire(*items: dict[str, Any], done: bool = True) -> bytes:
    """Frame items as an event stream."""
    data = [json.dumps(item) for item in items] + (["[DONE]"] if done else [])
    return "".join(f"data: {one}\n\n" for one in data).encode()


def client_with(*items: dict[str, Any], done: bool = True, cut: int | None = None, **options: Any) -> OpenAI:
    """Make a client whose one answer is a stream of these items, cut after some bytes."""
    answer = Answer(content=wire(*items, done=done)[:cut], headers={"content-type": "text/event-stream"})
    return OpenAI(api_key="k", transport=FakeTransport(answer), max_retries=0, **options)
