"""`client.responses.run_tools`: the method alone, which loads what runs tools when it is called."""

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
    from .call_running import OnInvalidCall, OnToolError
    from .call_table import LocalTool
    from .loop_manager import ToolRunManager
    from .response_loop import ResponseToolResult, ResponseToolRun

    # Where nothing is asked for there is nothing to be parsed as.
    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("RunToolsResponses",)


class RunToolsResponses(Resource):
    """What `client.responses` has beside the API's own methods for tools that are called here."""

    __slots__ = ()

    def run_tools(
        self,
        *,
        tools: Iterable[ToolParam | ChatCompletionFunctionToolParam | LocalTool],
        stream: bool = False,
        max_turns: int | None = 10,
        max_seconds: float | None = None,
        max_total_tokens: int | None = None,
        max_concurrent_calls: int = 8,
        on_tool_error: OnToolError = "raise",
        on_invalid_call: OnInvalidCall = "tell",
        usage: Callable[[Usage], object] | None = None,
        thread_limiter: CapacityLimiter | None = None,
        text_format: type[T] | Output[T] | Mapping[str, object] | Omit = omit,
        access_programs: AccessPrograms | Omit = omit,
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
        top_logprobs: int | Omit = omit,
        top_p: float | None | Omit = omit,
        truncation: Literal["auto", "disabled"] | None | Omit = omit,
        user: str | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> ToolRunManager[ResponseToolRun[T], ResponseToolResult[T]]:
        """Answer with tools that are called here: ask, call what the model calls, and ask again.

        `POST /responses`, once a turn. The run ends with an answer that calls no tool, and with the call that
        `tool_choice` forces, once the tool has returned. It is entered (`async with client.responses.run_tools(...) as
        run:`) and iterated for each of its events, or awaited for its result alone. The calls of one turn run at the same
        time: async tools as tasks, plain functions in worker threads; the model is sent their outputs in the order of its
        calls.

        Each request sends the whole conversation again, reasoning included, as `to_response_input_items` gives it; with
        `conversation`, which the server keeps, only what is new. With `store=False`, reasoning is sent again if `include`
        has `"reasoning.encrypted_content"`. Calls that the server leaves to its caller and that are no functions, such as
        those of a computer, end the run; it is their caller that goes on.

        Cancelling, an error and leaving the block hang up and cancel async tools. The thread of a plain function is left
        to its end, and what it returns is dropped; one that runs long can ask `anyio.from_thread.check_cancelled()`.

        Args:
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
            text_format: A Struct, dataclass, TypedDict, attrs class or pydantic model; an `Output`; a JSON schema,
                whose answers are dicts; or a form that is sent as it is, such as `{"type": "json_object"}`.
            access_programs (`AccessPrograms`): Programs of special access that the request is part of.
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
            tool_choice (`ToolChoice`): Which tools the model may or must call; one that names a function ends the run with
                that call.
            top_logprobs (int, 0 to 20): How many of the likeliest tokens to send at each place.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            truncation ("auto" or "disabled", default "disabled"): What to do when the input is too long.
                Deprecated.
            user (str): Use `safety_identifier` and `prompt_cache_key`. Deprecated.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the run, tools included.

        Returns:
            What runs when it is entered or awaited.

        Raises:
            UnsupportedSchemaError: A type or a function has no form in the schemas that the API takes; nothing is sent.
            ValueError: A tool says not what is called, two have one name, or a limit is not above zero; nothing is sent.
            TypeError: `text` has a format beside `text_format`; nothing is sent.

        Source: https://platform.openai.com/docs/guides/function-calling
        """
        from .response_loop import response_run

        return response_run(
            self._caller,
            {
                "access_programs": access_programs,
                "context_management": context_management,
                "conversation": conversation,
                "image": image,
                "include": include,
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
                "tool_choice": tool_choice,
                "top_logprobs": top_logprobs,
                "top_p": top_p,
                "truncation": truncation,
                "user": user,
            },
            input=input,
            text_format=text_format,
            text=text,
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
