"""`client.responses.stream`: the method alone, which loads what reads streams when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._contract import omit
from .._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, Unpack

    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Omit, RequestOptions
    from ..structured.output import Output
    from ..structured.tool import FunctionTool
    from ..types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
    from ..types.chat.completion_create_params import Moderation, PromptCacheOptions
    from ..types.responses import response_create_params
    from ..types.responses.response_create_params import (
        AccessPrograms,
        ContextManagement,
        Conversation,
        StreamOptions,
        ToolChoice,
    )
    from ..types.responses.response_includable import ResponseIncludable
    from ..types.responses.response_input_item_param import ResponseInputItemParam
    from ..types.responses.response_prompt import ResponsePrompt
    from ..types.responses.response_prompt_param import ResponsePromptParam
    from ..types.responses.response_text_config import ResponseTextConfig
    from ..types.responses.response_text_config_param import ResponseTextConfigParam
    from ..types.responses.responses_client_event import (
        ResponseCreateContextManagement,
        ResponseCreateModeration,
        ResponseCreatePromptCacheOptions,
        ResponseCreateStreamOptions,
    )
    from ..types.responses.service_tier import ServiceTier
    from ..types.responses.tool_param import ToolParam
    from ..types.shared import reasoning
    from ..types.shared.responses_model import ResponsesModel
    from ..types.shared_params.reasoning import Reasoning
    from .response_stream import AsyncResponseStreamManager

    # Where nothing is asked for there is nothing to be parsed as.
    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("StreamResponses",)


class StreamResponses(Resource):
    """What `client.responses` has beside the API's own methods for streams of events."""

    __slots__ = ()

    def stream(
        self,
        *,
        response_id: str | Omit = omit,
        starting_after: int | None | Omit = omit,
        text_format: type[T] | Output[T] | Mapping[str, object] | Omit = omit,
        access_programs: AccessPrograms | Omit = omit,
        background: bool | None | Omit = omit,
        context_management: Iterable[ContextManagement | ResponseCreateContextManagement] | None | Omit = omit,
        conversation: Conversation | None | Omit = omit,
        image: response_create_params.Image | Omit = omit,
        include: Sequence[ResponseIncludable] | None | Omit = omit,
        input: str | Iterable[ResponseInputItemParam] | Omit = omit,  # noqa: A002 - the API's name
        instructions: str | None | Omit = omit,
        max_output_tokens: int | None | Omit = omit,
        max_tool_calls: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        model: ResponsesModel | Omit = omit,
        moderation: Moderation | ResponseCreateModeration | None | Omit = omit,
        parallel_tool_calls: bool | None | Omit = omit,
        previous_response_id: str | None | Omit = omit,
        prompt: ResponsePromptParam | ResponsePrompt | None | Omit = omit,
        prompt_cache_key: str | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | ResponseCreatePromptCacheOptions | Omit = omit,
        prompt_cache_retention: Literal["in_memory", "24h"] | None | Omit = omit,
        reasoning: Reasoning | reasoning.Reasoning | None | Omit = omit,
        safety_identifier: str | None | Omit = omit,
        service_tier: ServiceTier | None | Omit = omit,
        store: bool | None | Omit = omit,
        stream_options: StreamOptions | ResponseCreateStreamOptions | None | Omit = omit,
        temperature: float | None | Omit = omit,
        text: ResponseTextConfigParam | ResponseTextConfig | Omit = omit,
        tool_choice: ToolChoice | Omit = omit,
        tools: Iterable[ToolParam | ChatCompletionFunctionToolParam | FunctionTool[object]] | Omit = omit,
        top_logprobs: int | Omit = omit,
        top_p: float | None | Omit = omit,
        truncation: Literal["auto", "disabled"] | None | Omit = omit,
        user: str | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AsyncResponseStreamManager[T]:
        """Answer as a stream of events, or stream again a response that exists; the whole is put together on the way.

        `POST /responses`; with `response_id`, `GET /responses/{response_id}`. It is entered: `async with
        client.responses.stream(...) as stream:`. Nothing is sent before that; leaving the block hangs up. The events are
        those of the API; pieces of texts and of arguments have a `snapshot`, complete texts a `parsed`.

        Args:
            response_id: A response that is being made in the background, or was; it comes with no other argument than
                `starting_after`, `text_format` and `tools`, which say how to read it.
            starting_after: The number of the last event that is known already (`sequence_number`): those up to it are
                read and not given.
            text_format: A Struct, dataclass, TypedDict, attrs class or pydantic model; an `Output`; a JSON schema,
                whose answers are dicts; or a form that is sent as it is, such as `{"type": "json_object"}`.
            access_programs (`AccessPrograms`): Programs of special access that the request is part of.
            background (bool, default False): Answer later: come back with `retrieve`.
            context_management (list of `ContextManagement`, at least 1 item): How a context that grows too long is
                cut.
            conversation (`Conversation`): A conversation that the input is added to, and whose items come first.
            image (`Image`): How images in the context are treated.
            include (list of `ResponseIncludable`): What else to send with the answer.
            input (str or list of `ResponseInputItemParam`): Text, or the items of a conversation.
            instructions (str): What the model is told before the input; not carried over by `previous_response_id`.
            max_output_tokens (int, at least 16): Most tokens the answer may take, thinking included.
            max_tool_calls (int): Most calls of built-in tools that one answer may make.
            metadata (mapping of str to str): Your own labels, at most 16.
            model (`ResponsesModel`): The model's id.
            moderation (`Moderation`): Moderate input and output on the way.
            parallel_tool_calls (bool, default True): Whether several tools may be called at once.
            previous_response_id (str): The response to go on from.
            prompt (`ResponsePromptParam`): A stored prompt with its variables.
            prompt_cache_key (str): Requests with the same key are likelier to share a cached prefix.
            prompt_cache_options (`PromptCacheOptions`): How the prefix is cached.
            prompt_cache_retention ("in_memory" or "24h"): How long a cached prefix is kept. Deprecated.
            reasoning (`Reasoning`): How long a reasoning model thinks, and what it shows of it.
            safety_identifier (str, at most 64 characters): A stable, hashed name of your user, to tell misuse
                apart.
            service_tier ("auto", "default", "flex", "scale", "priority", "fast" or "ultrafast"): How the request is
                processed and priced.
            store (bool, default True): Keep the answer, so that it can be retrieved.
            stream_options (`StreamOptions`): What a stream has beside the answer.
            temperature (float, 0 to 2, default 1): Above 1 more surprising, near 0 more predictable.
            text (`ResponseTextConfigParam`): The form of the text: its format and how wordy it is.
            tool_choice (`ToolChoice`): Which tools the model may or must call.
            tools: What the model may call: `FunctionTool`s, tools of `pydantic_function_tool()`, and tools as `create()`
                takes them, whose arguments become dicts if they are strict.
            top_logprobs (int, 0 to 20): How many of the likeliest tokens to send at each place.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            truncation ("auto" or "disabled", default "disabled"): What to do when the input is too long.
                Deprecated.
            user (str): Use `safety_identifier` and `prompt_cache_key`. Deprecated.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.

        Returns:
            What opens the stream when it is entered.

        Raises:
            UnsupportedSchemaError: A type has no form in the schemas that the API takes; nothing is sent.
            TypeError: `text` has a format beside `text_format`, or arguments of a new response come with `response_id`.

        Source: https://platform.openai.com/docs/guides/streaming-responses
        """
        from ..structured.response import asked_response
        from .response_stream import opening

        sent_text, sent_tools, parser = asked_response(text_format, omit, text, tools)
        manager: AsyncResponseStreamManager[T] = opening(
            self._caller,
            {
                "access_programs": access_programs,
                "background": background,
                "context_management": context_management,
                "conversation": conversation,
                "image": image,
                "include": include,
                "input": input,
                "instructions": instructions,
                "max_output_tokens": max_output_tokens,
                "max_tool_calls": max_tool_calls,
                "metadata": metadata,
                "model": model,
                "moderation": moderation,
                "parallel_tool_calls": parallel_tool_calls,
                "previous_response_id": previous_response_id,
                "prompt": prompt,
                "prompt_cache_key": prompt_cache_key,
                "prompt_cache_options": prompt_cache_options,
                "prompt_cache_retention": prompt_cache_retention,
                "reasoning": reasoning,
                "safety_identifier": safety_identifier,
                "service_tier": service_tier,
                "store": store,
                "stream_options": stream_options,
                "temperature": temperature,
                "text": sent_text,
                "tool_choice": tool_choice,
                "tools": sent_tools,
                "top_logprobs": top_logprobs,
                "top_p": top_p,
                "truncation": truncation,
                "user": user,
            },
            parser,
            response_id,
            starting_after,
            options,
        )
        return manager
