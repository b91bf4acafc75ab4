"""`client.chat.completions.run_tools`: the method alone, which loads what runs tools when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._contract import omit
from .._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Literal, Unpack

    from anyio import CapacityLimiter
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Omit, RequestOptions
    from .._sansio.usage import Usage
    from ..structured.output import Output
    from ..types.chat.chat_completion_audio_param import ChatCompletionAudioParam
    from ..types.chat.chat_completion_message_param import ChatCompletionMessageParam
    from ..types.chat.chat_completion_modality import ChatCompletionModality
    from ..types.chat.chat_completion_prediction_content_param import ChatCompletionPredictionContentParam
    from ..types.chat.chat_completion_stream_options_param import ChatCompletionStreamOptionsParam
    from ..types.chat.chat_completion_tool_choice_option_param import ChatCompletionToolChoiceOptionParam
    from ..types.chat.chat_completion_tool_union_param import ChatCompletionToolUnionParam
    from ..types.chat.completion_create_params import (
        CompletionCreateServiceTier,
        Moderation,
        PromptCacheOptions,
        WebSearchOptions,
    )
    from ..types.responses.responses_client_event import ResponseCreateModeration, ResponseCreatePromptCacheOptions
    from ..types.shared.chat_model import ChatModel
    from ..types.shared.reasoning_effort import ReasoningEffort
    from .call_running import OnInvalidCall, OnToolError
    from .call_table import LocalTool
    from .chat_loop import ChatToolResult, ChatToolRun
    from .loop_manager import ToolRunManager

    # Where nothing is asked for there is nothing to be parsed as.
    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("RunToolsCompletions",)


class RunToolsCompletions(Resource):
    """What `client.chat.completions` has beside the API's own methods for tools that are called here."""

    __slots__ = ()

    def run_tools(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        model: str | ChatModel,
        tools: Iterable[ChatCompletionToolUnionParam | LocalTool],
        stream: bool = False,
        max_turns: int | None = 10,
        max_seconds: float | None = None,
        max_total_tokens: int | None = None,
        max_concurrent_calls: int = 8,
        on_tool_error: OnToolError = "raise",
        on_invalid_call: OnInvalidCall = "tell",
        usage: Callable[[Usage], object] | None = None,
        thread_limiter: CapacityLimiter | None = None,
        response_format: type[T] | Output[T] | Mapping[str, object] | Omit = omit,
        audio: ChatCompletionAudioParam | None | Omit = omit,
        frequency_penalty: float | None | Omit = omit,
        logit_bias: Mapping[str, int] | None | Omit = omit,
        logprobs: bool | None | Omit = omit,
        max_completion_tokens: int | None | Omit = omit,
        max_tokens: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        modalities: Sequence[ChatCompletionModality] | None | Omit = omit,
        moderation: Moderation | ResponseCreateModeration | None | Omit = omit,
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
        top_logprobs: int | None | Omit = omit,
        top_p: float | None | Omit = omit,
        user: str | Omit = omit,
        verbosity: Literal["low", "medium", "high"] | None | Omit = omit,
        web_search_options: WebSearchOptions | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> ToolRunManager[ChatToolRun[T], ChatToolResult[T]]:
        """Answer a conversation with tools that are called here: ask, call what the model calls, and ask again.

        `POST /chat/completions`, once a turn. The run ends with an answer that calls no tool, and with the call that
        `tool_choice` forces, once the tool has returned. It is entered (`async with
        client.chat.completions.run_tools(...) as run:`) and iterated for each of its events, or awaited for its result
        alone. The calls of one turn run at the same time: async tools as tasks, plain functions in worker threads; the
        model is sent their outputs in the order of its calls.

        Cancelling, an error and leaving the block hang up and cancel async tools. The thread of a plain function is left
        to its end, and what it returns is dropped; one that runs long can ask `anyio.from_thread.check_cancelled()`.

        Args:
            messages (list of `ChatCompletionMessageParam`, at least 1 item): The conversation so far; answers of
                earlier calls may be passed as they are.
            model (str): The model's id.
            tools: What the model may call: functions, tools of `function_tool()` and `bind_tool()`, and tools of the API
                that the server runs, as `create()` takes them.
            stream (bool, default False): Stream each answer; its events are among the run's.
            max_turns: Most requests of the run; None for no limit.
            max_seconds: Most seconds that the run takes, tools included; None for no limit.
            max_total_tokens: Tokens of the answers from which on no further request is sent; None for no limit.
            max_concurrent_calls: How many calls of one turn run at the same time.
            on_tool_error: What happens when a tool raises: `"raise"` ends the run with its error, `"tell"` tells the model
                the error's type and no more, and a function of the call and the error, plain or async, returns what the
                model is told, or None to raise.
            on_invalid_call: What happens when there is no such tool, or the arguments do not fit: `"tell"` tells the model
                which, `"raise"` and a function do as above, with an `InvalidToolCallError`.
            usage: Is given what each answer cost, such as a `UsageLedger` or one of its tags; one that the client has is
                given it anyway.
            thread_limiter: What bounds the threads of plain functions; without it, all runs of an event loop share 40.
            response_format: A Struct, dataclass, TypedDict, attrs class or pydantic model; an `Output`; a JSON schema,
                whose answers are dicts; or a form that is sent as it is, such as `{"type": "json_object"}`.
            audio (`ChatCompletionAudioParam`): How spoken output sounds; needed when `modalities` has audio.
            frequency_penalty (float, -2 to 2, default 0): Above zero, words that were used often become less
                likely.
            logit_bias (mapping of str to int): How much likelier tokens become, by token id: -100 bans one, 100
                forces it.
            logprobs (bool, default False): Send the log probabilities of the tokens.
            max_completion_tokens (int): Most tokens the answer may take, thinking included.
            max_tokens (int): Use `max_completion_tokens`. Deprecated.
            metadata (mapping of str to str): Your own labels, at most 16.
            modalities (list of "text" or "audio"): What kinds of output to give.
            moderation (`Moderation`): Moderate input and output on the way.
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
            stream_options (`ChatCompletionStreamOptionsParam`): What streams have beside the answer; unless it is given, they
                are asked for their usage.
            temperature (float, 0 to 2, default 1): Above 1 more surprising, near 0 more predictable.
            tool_choice (`ChatCompletionToolChoiceOptionParam`): Which tools the model may or must call; one that names a
                tool ends the run with that call.
            top_logprobs (int, 0 to 20): How many of the likeliest tokens to send at each place.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            user (str): Use `safety_identifier` and `prompt_cache_key`. Deprecated.
            verbosity ("low", "medium" or "high"): How wordy the answer is.
            web_search_options (`WebSearchOptions`): Let the model search the web.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the run, tools included.

        Returns:
            What runs when it is entered or awaited.

        Raises:
            UnsupportedSchemaError: A type or a function has no form in the schemas that the API takes; nothing is sent.
            ValueError: A tool says not what is called, two have one name, or a limit is not above zero; nothing is sent.

        Source: https://platform.openai.com/docs/guides/function-calling
        """
        from .chat_loop import chat_run

        return chat_run(
            self._caller,
            {
                "model": model,
                "audio": audio,
                "frequency_penalty": frequency_penalty,
                "logit_bias": logit_bias,
                "logprobs": logprobs,
                "max_completion_tokens": max_completion_tokens,
                "max_tokens": max_tokens,
                "metadata": metadata,
                "modalities": modalities,
                "moderation": moderation,
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
                "top_logprobs": top_logprobs,
                "top_p": top_p,
                "user": user,
                "verbosity": verbosity,
                "web_search_options": web_search_options,
            },
            messages=messages,
            response_format=response_format,
            tools=tools,
            stream=stream,
            options=options,
            max_turns=max_turns,
            max_seconds=max_seconds,
            max_total_tokens=max_total_tokens,
            max_concurrent_calls=max_concurrent_calls,
            on_tool_error=on_tool_error,
            on_invalid_call=on_invalid_call,
            usage=usage,
            thread_limiter=thread_limiter,
        )
