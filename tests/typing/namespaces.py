"""What type checkers make of the generated namespaces; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal, assert_type

from anyopenai import OpenAI
from anyopenai._engine.iteration import Paginator, Stream
from anyopenai._engine.response import BinaryResponse, RawResponse, StreamedResponse
from anyopenai.pagination import AsyncCursorPage, AsyncPage
from anyopenai.resources.chat import Chat
from anyopenai.types import Batch, CreateEmbeddingResponse, FileObject, Model
from anyopenai.types.admin.organization import ExternalKey
from anyopenai.types.admin.organization.projects import APIKeyUpdateParams
from anyopenai.types.audio import Voice
from anyopenai.types.base64_embedding_response import Base64EmbeddingResponse
from anyopenai.types.beta import ResponseCompactParams
from anyopenai.types.beta.agents.environments import EnvironmentFile
from anyopenai.types.beta.agents.one_time_automation import OneTimeAutomation
from anyopenai.types.beta.agents.periodic_automation import PeriodicAutomation
from anyopenai.types.beta.agents.sessions import EventCreateParams
from anyopenai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from anyopenai.types.conversations import ItemCreateParams
from anyopenai.types.responses import Response, ResponseInputItemParam, ResponseItem, ResponseStreamEvent
from anyopenai.types.responses.response_output_text import ResponseOutputText


async def overloads_follow_stream(client: OpenAI, maybe: bool) -> None:
    assert_type(await client.chat.completions.create(model="m", messages=[]), ChatCompletion)
    assert_type(await client.chat.completions.create(model="m", messages=[], stream=False), ChatCompletion)
    assert_type(await client.chat.completions.create(model="m", messages=[], stream=None), ChatCompletion)
    assert_type(
        await client.chat.completions.create(model="m", messages=[], stream=True),
        Stream[ChatCompletionChunk],
    )
    assert_type(
        await client.chat.completions.create(model="m", messages=[], stream=maybe),
        ChatCompletion | Stream[ChatCompletionChunk],
    )
    assert_type(await client.responses.create(model="m", input="x"), Response)
    assert_type(await client.responses.create(model="m", input="x", stream=True), Stream[ResponseStreamEvent])
    assert_type(await client.responses.retrieve("id"), Response)
    assert_type(await client.responses.retrieve("id", stream=True), Stream[ResponseStreamEvent])
    assert_type(await client.responses.delete("id"), None)


async def embeddings_follow_the_encoding(client: OpenAI) -> None:
    plain = await client.embeddings.create(model="m", input=["a", "b"])
    assert_type(plain, CreateEmbeddingResponse)
    assert_type(plain.data[0].embedding[0], float)
    encoded = await client.embeddings.create(model="m", input=[[1, 2], [3]], encoding_format="base64")
    assert_type(encoded, Base64EmbeddingResponse)
    assert_type(encoded.data[0].embedding, str)


async def pages_and_their_items(client: OpenAI) -> None:
    assert_type(client.models.list(), Paginator[Model, AsyncPage[Model]])
    assert_type(await client.batches.list(), AsyncCursorPage[Batch])
    async for file in client.files.list(limit=10):
        assert_type(file, FileObject)
    async for item in client.responses.input_items.list("id"):
        assert_type(item, ResponseItem)


async def binary_content(client: OpenAI) -> None:
    assert_type(await client.files.content("id"), BinaryResponse)


async def raw_views_keep_parameters_and_results(client: OpenAI) -> None:
    raw = await client.embeddings.with_raw_response.create(model="m", input="x")
    assert_type(raw, RawResponse[CreateEmbeddingResponse])
    assert_type(raw.parse(), CreateEmbeddingResponse)
    assert_type(await client.with_raw_response.models.retrieve("m"), RawResponse[Model])
    assert_type(await client.models.with_raw_response.list(), RawResponse[AsyncPage[Model]])
    assert_type(
        await client.chat.completions.with_raw_response.create(model="m", messages=[], stream=True),
        RawResponse[Stream[ChatCompletionChunk]],
    )


async def streaming_views_are_context_managers(client: OpenAI) -> None:
    opened = client.files.with_streaming_response.content("id")
    assert_type(opened, AbstractAsyncContextManager[StreamedResponse[BinaryResponse], bool | None])
    async with client.responses.with_streaming_response.create(model="m", input="x") as response:
        assert_type(response, StreamedResponse[Response])
        assert_type(await response.parse(), Response)


async def answers_go_back_in(client: OpenAI) -> None:
    first = await client.responses.create(model="m", input="x")
    await client.responses.create(model="m", input=[*first.output, {"role": "user", "content": "and then?"}])
    items: list[ResponseInputItemParam] = [{"role": "user", "content": "hello"}]
    items += first.output
    await client.responses.create(model="m", input=items, tools=first.tools)

    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": "be brief"}]
    messages.append(answer.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": "1", "content": "42"})
    await client.chat.completions.create(model="m", messages=messages)
    called = answer.choices[0].message.tool_calls
    if called:
        await client.chat.completions.create(model="m", messages=[{"role": "assistant", "tool_calls": called}])


async def types_narrow_by_tag(response: Response, event: ResponseStreamEvent) -> None:
    for item in response.output:
        if item.type == "message":
            for part in item.content:
                if part.type == "output_text":
                    assert_type(part, ResponseOutputText)
        elif item.type == "function_call":
            assert_type(item.arguments, str)
    match event.type:
        case "response.output_text.delta":
            assert_type(event.delta, str)
        case "response.completed":
            assert_type(event.response, Response)
        case _:
            pass
    if event.type == "response.output_text.delta":
        assert_type(event.delta, str)
    assert_type(response.output_text, str)


async def one_argument_tells_which_others_are_needed(client: OpenAI, sample: bytes) -> None:
    assert_type(await client.audio.voices.create(name="n", audio_sample=sample, consent="c"), Voice)
    assert_type(await client.audio.voices.create(name="n", type="prompt", prompt="calm", script_hint="x"), Voice)
    keys = client.admin.organization.external_keys
    assert_type(
        await keys.create(name="n", type="azure", key_name="k", tenant_id="t", vault_uri="u", key_version="1"),
        ExternalKey,
    )
    assert_type(
        await keys.create(name="n", type="aws", external_id="e", kms_arn="a", role_arn="r", purpose="ekm"), ExternalKey
    )
    raw = await client.beta.agents.environments.files.with_raw_response.create("e", type="inline", path="p", data="d")
    assert_type(raw, RawResponse[EnvironmentFile])
    once = await client.beta.agents.automations.create(
        name="n",
        type="once",
        run_at=1_800_000_000,
        target={"type": "existing_session", "session_id": "s", "instructions": "i"},
    )
    assert_type(once, PeriodicAutomation | OneTimeAutomation)


async def types_of_arguments_have_all_of_them(client: OpenAI) -> None:
    key: APIKeyUpdateParams = {"project_id": "p", "expires_in_seconds": 60}
    await client.admin.organization.projects.api_keys.update("k", **key)
    compact: ResponseCompactParams = {"model": "m", "betas": ["responses_multi_agent=v1"]}
    await client.beta.responses.compact(**compact)
    items: ItemCreateParams = {"items": [], "include": ["file_search_call.results"]}
    await client.conversations.items.create("c", **items)
    event: EventCreateParams = {"events": [], "idempotency_key": "once"}
    await client.beta.agents.sessions.events.create("s", **event)


async def a_value_of_this_year_can_be_compared(client: OpenAI) -> None:
    response = await client.responses.retrieve("r")
    details = response.incomplete_details
    if details is not None and details.reason == "steered":
        assert_type(details.reason, Literal["steered"])


async def the_former_home_of_chat_is_chat(client: OpenAI) -> None:
    assert_type(client.beta.chat, Chat)
    assert_type(client.chat, Chat)


async def options_are_keywords_of_every_method(client: OpenAI) -> None:
    await client.models.retrieve("m", timeout=3.0, extra_headers={"x-a": "b"}, max_retries=0, idempotency_key="k")
