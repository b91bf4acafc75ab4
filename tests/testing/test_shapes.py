"""Every answer of the stand-in fits the type that the client reads it as: nothing missing, nothing unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, cast

import msgspec
import pytest

from anyopenai import types
from anyopenai._codec import BaseModel, decoder_for
from anyopenai.testing import StandIn
from anyopenai.types import chat, responses
from testing.asgi import ask, upload

T = TypeVar("T")

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
RESPONSE = {"model": "m", "input": "hello", "instructions": "Be brief.", "metadata": {"a": "b"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOLS = {"tools": [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in "fg"]}
FLAT = {"tools": [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in "fg"]}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def unknown_members(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or ())
        for field in msgspec.structs.fields(type(value)):
            yield from unknown_members(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from unknown_members(item, f"{path}[{place}]")


def fits(kind: type[T], data: object) -> T:
    """Decode strictly, and see that no member was left over."""
    encoded = msgspec.json.encode(data)
    value = decoder_for(kind, strict=True).decode(encoded)
    assert list(unknown_members(decoder_for(kind, keep_unknown=True).decode(encoded))) == []
    return value


async def answer(method: str, path: str, json: object = None, app: StandIn | None = None) -> Any:
    reply = await ask(app or StandIn(), method, path, json)
    assert reply.status == 200, reply
    return reply.json()


async def events(path: str, json: object) -> list[Any]:
    reply = await ask(StandIn(), "POST", path, json)
    return [data for _, data in reply.events() if data != "[DONE]"]


@pytest.mark.parametrize("members", [{}, {"n": 2, "max_tokens": 2}, TOOLS])
async def test_chat_completions_fit(members: dict[str, Any]):
    completion = fits(chat.ChatCompletion, await answer("POST", "/v1/chat/completions", CHAT | members))
    assert completion.usage is not None
    for chunk in await events("/v1/chat/completions", CHAT | USAGE | members):
        fits(chat.ChatCompletionChunk, chunk)


async def test_stored_chat_completions_fit():
    app = StandIn()
    made = await answer("POST", "/v1/chat/completions", CHAT | {"store": True}, app)
    path = f"/v1/chat/completions/{made['id']}"
    fits(chat.ChatCompletion, await answer("GET", path, app=app))
    fits(chat.ChatCompletionStoreMessage, (await answer("GET", f"{path}/messages", app=app))["data"][0])
    fits(chat.ChatCompletionDeleted, await answer("DELETE", path, app=app))


async def test_text_completions_fit():
    fits(types.Completion, await answer("POST", "/v1/completions", {"model": "m", "prompt": "x"}))
    for chunk in await events("/v1/completions", {"model": "m", "prompt": "x"} | USAGE):
        # The API's description has no null here, and the API sends one until a text is at its end.
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        fits(types.Completion, chunk)


@pytest.mark.parametrize("members", [{}, {"max_output_tokens": 16}, {"background": True}, FLAT])
async def test_responses_fit(members: dict[str, Any]):
    app = StandIn()
    made = fits(responses.Response, await answer("POST", "/v1/responses", RESPONSE | members, app))
    page = await answer("GET", f"/v1/responses/{made.id}/input_items", app=app)
    fits(responses.ResponseItem, page["data"][0])
    found = [
        fits(responses.ResponseStreamEvent, event)
        for event in await events("/v1/responses", RESPONSE | members | {"stream": True})
    ]
    delta = "ResponseFunctionCallArgumentsDeltaEvent" if "tools" in members else "ResponseTextDeltaEvent"
    assert {type(event).__name__ for event in found} >= {"ResponseCreatedEvent", delta}
    assert not any(isinstance(event, dict) for event in found)


async def test_token_counts_fit():
    fits(responses.InputTokenCountResponse, await answer("POST", "/v1/responses/input_tokens", {"input": "x"}))


async def test_models_fit():
    for model in (await answer("GET", "/v1/models"))["data"]:
        fits(types.Model, model)


async def test_embeddings_fit():
    body = {"model": "m", "input": "x", "dimensions": 4}
    fits(types.CreateEmbeddingResponse, await answer("POST", "/v1/embeddings", body))


async def test_moderations_fit():
    fits(types.ModerationCreateResponse, await answer("POST", "/v1/moderations", {"input": ["kill", "x"]}))


async def test_files_and_batches_fit():
    app = StandIn()
    file = fits(types.FileObject, await upload(app))
    body = {"input_file_id": file.id, "endpoint": "/v1/embeddings", "completion_window": "24h"}
    batch = fits(types.Batch, await answer("POST", "/v1/batches", body, app))
    fits(types.Batch, await answer("POST", f"/v1/batches/{batch.id}/cancel", app=app))
    fits(types.FileDeleted, await answer("DELETE", f"/v1/files/{file.id}", app=app))
