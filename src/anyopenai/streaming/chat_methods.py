"""`client.chat.completions.stream`: the method alone, which loads what reads streams when it is called."""

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
    from ..types.chat.chat_completion_audio_param import ChatCompletionAudioParam
    from ..types.chat.chat_completion_message_param import ChatCompletionMessageParam
    from ..types.chat.chat_completion_modality import ChatCompletionModality
    from ..types.chat.chat_completion_prediction_content_param import ChatCompletionPredictionContentParam
    from ..types.chat.chat_completion_stream_options_param import ChatCompletionStreamOptionsParam
    from ..types.chat.chat_completion_tool_choice_option_param import ChatCompletionToolChoiceOptionParam
    from ..types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
    from ..types.chat.completion_create_params import (
        CompletionCreateServiceTier,
        Function,
        FunctionCall,
        Moderation,
        PromptCacheOptions,
        WebSearchOptions,
    )
    from ..types.responses.responses_client_event import ResponseCreateModeration, ResponseCreatePromptCacheOptions
    from ..types.shared.chat_model import ChatModel
    from ..types.shared.reasoning_effort import ReasoningEffort
    from .chat_stream import AsyncChatCompletionStreamManager

    # Where nothing is asked for there is nothing to be parsed as.
    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("StreamCompletions",)


class StreamCompletions(Resource):
    """What `client.chat.completions` has beside the API's own methods for streams of events."""

    __slots__ = ()

    def stream(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | ChatModel,
        response_format: type[T] | Output[T] | Mapping[str, object] | Omit = omit,
        audio: ChatCompletionAudioParam | None | Omit = omit,
        frequency_penalty: float | None | Omit = omit,
        function_call: FunctionCall | Omit = omit,
        functions: Iterable[Function] | Omit = omit,
        logit_bias: Mapping[str, int] | None | Omit = omit,
        logprobs: bool | None | Omit = omit,
        max_completion_tokens: int | None | Omit = omit,
        max_tokens: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        modalities: Sequence[ChatCompletionModality] | None | Omit = omit,
        moderation: Moderation | ResponseCreateModeration | None | Omit = omit,
        n: int | None | Omit = omit,
        parallel_tool_calls: bool | Omit = omit,
        prediction: ChatCompletionPredictionContentParam | None | Omit = omit,
        presence_penalty: float | None | Omit = omit,
        prompt_cache_key: str | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | ResponseCreatePromptCacheOptions | Omit = omit,
        prompt_cache_retention: Literal["in_memory", "24h"] | None | Omit = omit,
        reasoning_effort: ReasoningEffort | None | Omit = omit,
        safety_identifier: str | None | Omit = omit,
        seed: int | None | Omit = omit,
        service_tier: CompletionCreateServiceTier | None | Omit = omit,
        stop: str | Sequence[str] | None | Omit = omit,
        store: bool | None | Omit = omit,
        stream_options: ChatCompletionStreamOptionsParam | None | Omit = omit,
        temperature: float | None | Omit = omit,
        tool_choice: ChatCompletionToolChoiceOptionParam | Omit = omit,
        tools: Iterable[ChatCompletionToolUnionParam | FunctionTool[object]] | Omit = omit,
        top_logprobs: int | None | Omit = omit,
        top_p: float | None | Omit = omit,
        user: str | Omit = omit,
        verbosity: Literal["low", "medium", "high"] | None | Omit = omit,
        web_search_options: WebSearchOptions | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AsyncChatCompletionStreamManager[T]:
        """Answer a conversation as a stream of events, which are put together to a completion on the way.

        `POST /chat/completions`. It is entered: `async with client.chat.completions.stream(...) as stream:`. Nothing is
        sent before that; leaving the block hangs up. The events come as the members `type`, `delta`, `snapshot` and
        the like of `anyopenai.streaming.ChatCompletionStreamEvent`; each chunk of the server's is one of them.

        Args:
            messages (list of `ChatCompletionMessageParam`, at least 1 item): The conversation so far; answers of
                earlier calls may be passed as they are.
            model (str): The model's id.
            response_format: A Struct, dataclass, TypedDict, attrs class or pydantic model; an `Output`; a JSON schema,
                whose answers are dicts; or a form that is sent as it is, such as `{"type": "json_object"}`.
            audio (`ChatCompletionAudioParam`): How spoken output sounds; needed when `modalities` has audio.
            frequency_penalty (float, -2 to 2, default 0): Above zero, words that were used often become less
                likely.
            function_call (`FunctionCall`): Use `tool_choice`. Deprecated.
            functions (list of `Function`, 1 to 128 items): Use `tools`. Deprecated.
            logit_bias (mapping of str to int): How much likelier tokens become, by token id: -100 bans one, 100
                forces it.
            logprobs (bool, default False): Send the log probabilities of the tokens.
            max_completion_tokens (int): Most tokens the answer may take, thinking included.
            max_tokens (int): Use `max_completion_tokens`. Deprecated.
            metadata (mapping of str to str): Your own labels, at most 16.
            modalities (list of "text" or "audio"): What kinds of output to give.
            moderation (`Moderation`): Moderate input and output on the way.
            n (int, 1 to 128, default 1): How many answers to give.
            parallel_tool_calls (bool): Whether several tools may be called at once.
            prediction (`ChatCompletionPredictionContentParam`): What most of the answer will be, which makes it
                faster.
            presence_penalty (float, -2 to 2, default 0): Above zero, words that were used at all become less
                likely.
            prompt_cache_key (str): Requests with the same key are likelier to share a cached prefix.
            prompt_cache_options (`PromptCacheOptions`): How the prefix is cached.
            prompt_cache_retention ("in_memory" or "24h"): How long a cached prefix is kept. Deprecated.
            reasoning_effort ("none", "minimal", "low", "medium", "high", "xhigh" or "max"): How long a reasoning
                model thinks.
            safety_identifier (str, at most 64 characters): A stable, hashed name of your user, to tell misuse
                apart.
            seed (int): The same seed and arguments give the same answer, as far as possible. Deprecated.
            service_tier ("auto", "default", "flex", "scale", "priority" or "fast"): How the request is processed
                and priced.
            stop (str or list of str): Texts that end the answer.
            store (bool, default False): Keep the answer, so that it can be retrieved.
            stream_options (`ChatCompletionStreamOptionsParam`): What a stream has beside the answer.
            temperature (float, 0 to 2, default 1): Above 1 more surprising, near 0 more predictable.
            tool_choice (`ChatCompletionToolChoiceOptionParam`): Which tools the model may or must call.
            tools: What the model may call: `FunctionTool`s, and tools as `create()` takes them; the arguments of those
                that are strict are read.
            top_logprobs (int, 0 to 20): How many of the likeliest tokens to send at each place.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            user (str): Use `safety_identifier` and `prompt_cache_key`. Deprecated.
            verbosity ("low", "medium" or "high"): How wordy the answer is.
            web_search_options (`WebSearchOptions`): Let the model search the web.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.

        Returns:
            What opens the stream when it is entered.

        Raises:
            UnsupportedSchemaError: A type has no form in the schemas that the API takes; nothing is sent.

        Source: https://platform.openai.com/docs/guides/streaming-responses
        """
        from .chat_state import asked_stream
        from .chat_stream import opening

        asked, sent_tools, parser = asked_stream(response_format, tools)
        manager: AsyncChatCompletionStreamManager[T] = opening(
            self._caller,
            {
                "messages": messages,
                "model": model,
                "response_format": asked,
                "audio": audio,
                "frequency_penalty": frequency_penalty,
                "function_call": function_call,
                "functions": functions,
                "logit_bias": logit_bias,
                "logprobs": logprobs,
                "max_completion_tokens": max_completion_tokens,
                "max_tokens": max_tokens,
                "metadata": metadata,
                "modalities": modalities,
                "moderation": moderation,
                "n": n,
                "parallel_tool_calls": parallel_tool_calls,
                "prediction": prediction,
                "presence_penalty": presence_penalty,
                "prompt_cache_key": prompt_cache_key,
                "prompt_cache_options": prompt_cache_options,
                "prompt_cache_retention": prompt_cache_retention,
                "reasoning_effort": reasoning_effort,
                "safety_identifier": safety_identifier,
                "seed": seed,
                "service_tier": service_tier,
                "stop": stop,
                "store": store,
                "stream_options": stream_options,
                "temperature": temperature,
                "tool_choice": tool_choice,
                "tools": sent_tools,
                "top_logprobs": top_logprobs,
                "top_p": top_p,
                "user": user,
                "verbosity": verbosity,
                "web_search_options": web_search_options,
            },
            parser,
            options,
        )
        return manager
