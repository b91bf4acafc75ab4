"""`client.beta.threads.runs.stream` and its like: the methods alone, which load what reads streams when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._contract import omit
from .._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, Unpack

    from .._contract import Omit, RequestOptions
    from ..types.beta import thread_create_and_run_params
    from ..types.beta.assistant_tool_choice import AssistantToolChoice
    from ..types.beta.assistant_tool_choice_param import AssistantToolChoiceParam
    from ..types.beta.assistant_tool_param import AssistantToolParam
    from ..types.beta.thread_create_and_run_params import ThreadCreateAndRunModel
    from ..types.beta.thread_create_params import ThreadCreateParams
    from ..types.beta.threads import run
    from ..types.beta.threads.message_create_params import MessageCreateParams
    from ..types.beta.threads.run_create_params import RunCreateModel, TruncationStrategy
    from ..types.beta.threads.run_submit_tool_outputs_params import ToolOutput
    from ..types.response_format_json_schema import ResponseFormatJsonSchema
    from ..types.shared import response_format_json_object, response_format_text
    from ..types.shared.reasoning_effort import ReasoningEffort
    from ..types.shared_params.response_format_json_object import ResponseFormatJSONObject
    from ..types.shared_params.response_format_json_schema import ResponseFormatJSONSchema
    from ..types.shared_params.response_format_text import ResponseFormatText
    from .assistant_handler import AsyncAssistantEventHandlerT
    from .assistant_stream import AsyncAssistantStreamManager

__all__ = ("StreamRuns", "StreamThreads")


class StreamRuns(Resource):
    """What `client.beta.threads.runs` has beside the API's own methods for streams of events."""

    __slots__ = ()

    def stream(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: Sequence[Literal["step_details.tool_calls[*].file_search.results[*].content"]] | Omit = omit,
        additional_instructions: str | None | Omit = omit,
        additional_messages: Iterable[MessageCreateParams] | None | Omit = omit,
        instructions: str | None | Omit = omit,
        max_completion_tokens: int | None | Omit = omit,
        max_prompt_tokens: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        model: str | RunCreateModel | None | Omit = omit,
        parallel_tool_calls: bool | Omit = omit,
        reasoning_effort: ReasoningEffort | None | Omit = omit,
        response_format: Literal["auto"]
        | ResponseFormatText
        | response_format_text.ResponseFormatText
        | ResponseFormatJSONObject
        | response_format_json_object.ResponseFormatJSONObject
        | ResponseFormatJSONSchema
        | ResponseFormatJsonSchema
        | None
        | Omit = omit,
        temperature: float | None | Omit = omit,
        tool_choice: Literal["none", "auto", "required"]
        | AssistantToolChoiceParam
        | AssistantToolChoice
        | None
        | Omit = omit,
        tools: Iterable[AssistantToolParam] | None | Omit = omit,
        top_p: float | None | Omit = omit,
        truncation_strategy: TruncationStrategy | run.TruncationStrategy | None | Omit = omit,
        event_handler: AsyncAssistantEventHandlerT | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandlerT]:
        """Have an assistant answer a thread as a stream of events, put together to run, steps and messages on the way.

        `POST /threads/{thread_id}/runs`. It is entered: `async with client.beta.threads.runs.stream(...) as stream:`. Nothing
        is sent before that; leaving the block hangs up. Deprecated. `client.responses` is what to use instead.

        Args:
            thread_id (str): The thread's id.
            assistant_id (str): The assistant's id.
            include (list of "step_details.tool_calls[*].file_search.results[*].content"): What else to send with
                the answer.
            additional_instructions (str): What this run alone is told, after the assistant's own instructions.
            additional_messages (list of `MessageCreateParams`): Messages to add to the thread before the run.
            instructions (str): What this run is told, in place of the assistant's own instructions.
            max_completion_tokens (int, at least 256): Most tokens the run may write, over all its steps.
            max_prompt_tokens (int, at least 256): Most tokens of the thread that the run may read, over all its
                steps.
            metadata (mapping of str to str): Your own labels, at most 16.
            model (str): The model, in place of the assistant's own.
            parallel_tool_calls (bool): Whether several tools may be called at once.
            reasoning_effort ("none", "minimal", "low", "medium", "high", "xhigh" or "max"): How long a reasoning
                model thinks.
            response_format ("auto", or `ResponseFormatText` and its like): Plain text, JSON, or JSON of a schema.
            temperature (float, 0 to 2, default 1): Above 1 more surprising, near 0 more predictable.
            tool_choice ("none", "auto" or "required" or `AssistantToolChoiceParam`): Which tools the model may or
                must call.
            tools (list of `AssistantToolParam`, at most 20 items): What the model may call.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            truncation_strategy (`TruncationStrategy`): How much of the thread the run reads.
            event_handler: What is told what happens, an instance of a subclass of
                `anyopenai.AsyncAssistantEventHandler`; entering gives it back. Without one the stream has no hooks.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.

        Returns:
            What opens the stream when it is entered.

        Source: https://platform.openai.com/docs/api-reference/assistants-streaming
        """
        from .assistant_stream import CREATE, opening

        manager: AsyncAssistantStreamManager[AsyncAssistantEventHandlerT] = opening(
            self._caller,
            CREATE,
            event_handler,
            path=(thread_id,),
            query={"include": include},
            body={
                "assistant_id": assistant_id,
                "additional_instructions": additional_instructions,
                "additional_messages": additional_messages,
                "instructions": instructions,
                "max_completion_tokens": max_completion_tokens,
                "max_prompt_tokens": max_prompt_tokens,
                "metadata": metadata,
                "model": model,
                "parallel_tool_calls": parallel_tool_calls,
                "reasoning_effort": reasoning_effort,
                "response_format": response_format,
                "temperature": temperature,
                "tool_choice": tool_choice,
                "tools": tools,
                "top_p": top_p,
                "truncation_strategy": truncation_strategy,
            },
            options=options,
        )
        return manager

    def create_and_stream(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: Sequence[Literal["step_details.tool_calls[*].file_search.results[*].content"]] | Omit = omit,
        additional_instructions: str | None | Omit = omit,
        additional_messages: Iterable[MessageCreateParams] | None | Omit = omit,
        instructions: str | None | Omit = omit,
        max_completion_tokens: int | None | Omit = omit,
        max_prompt_tokens: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        model: str | RunCreateModel | None | Omit = omit,
        parallel_tool_calls: bool | Omit = omit,
        reasoning_effort: ReasoningEffort | None | Omit = omit,
        response_format: Literal["auto"]
        | ResponseFormatText
        | response_format_text.ResponseFormatText
        | ResponseFormatJSONObject
        | response_format_json_object.ResponseFormatJSONObject
        | ResponseFormatJSONSchema
        | ResponseFormatJsonSchema
        | None
        | Omit = omit,
        temperature: float | None | Omit = omit,
        tool_choice: Literal["none", "auto", "required"]
        | AssistantToolChoiceParam
        | AssistantToolChoice
        | None
        | Omit = omit,
        tools: Iterable[AssistantToolParam] | None | Omit = omit,
        top_p: float | None | Omit = omit,
        truncation_strategy: TruncationStrategy | run.TruncationStrategy | None | Omit = omit,
        event_handler: AsyncAssistantEventHandlerT | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandlerT]:
        """Do the same as `stream`, under the name that openai-python had first.

        `POST /threads/{thread_id}/runs`. It is entered: `async with client.beta.threads.runs.create_and_stream(...) as stream:`. Nothing
        is sent before that; leaving the block hangs up. Deprecated. `client.responses` is what to use instead.

        The arguments are those of `stream`.

        Returns:
            What opens the stream when it is entered.

        Source: https://platform.openai.com/docs/api-reference/assistants-streaming
        """
        return self.stream(
            thread_id,
            include=include,
            assistant_id=assistant_id,
            additional_instructions=additional_instructions,
            additional_messages=additional_messages,
            instructions=instructions,
            max_completion_tokens=max_completion_tokens,
            max_prompt_tokens=max_prompt_tokens,
            metadata=metadata,
            model=model,
            parallel_tool_calls=parallel_tool_calls,
            reasoning_effort=reasoning_effort,
            response_format=response_format,
            temperature=temperature,
            tool_choice=tool_choice,
            tools=tools,
            top_p=top_p,
            truncation_strategy=truncation_strategy,
            event_handler=event_handler,
            **options,
        )

    def submit_tool_outputs_stream(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: Iterable[ToolOutput],
        event_handler: AsyncAssistantEventHandlerT | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandlerT]:
        """Give a waiting run the outputs of its tool calls, and go on with it as a stream of events.

        `POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs`. It is entered: `async with client.beta.threads.runs.submit_tool_outputs_stream(...) as stream:`. Nothing
        is sent before that; leaving the block hangs up. Deprecated. `client.responses` is what to use instead.

        Args:
            run_id (str): The run's id.
            thread_id (str): The thread's id.
            tool_outputs (list of `ToolOutput`): An output for every tool call that the run waits for.
            event_handler: What is told what happens, an instance of a subclass of
                `anyopenai.AsyncAssistantEventHandler`; entering gives it back. Without one the stream has no hooks.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.

        Returns:
            What opens the stream when it is entered.

        Source: https://platform.openai.com/docs/api-reference/assistants-streaming
        """
        from .assistant_stream import SUBMIT, opening

        manager: AsyncAssistantStreamManager[AsyncAssistantEventHandlerT] = opening(
            self._caller,
            SUBMIT,
            event_handler,
            path=(thread_id, run_id),
            body={"tool_outputs": tool_outputs},
            options=options,
        )
        return manager


class StreamThreads(Resource):
    """What `client.beta.threads` has beside the API's own methods for streams of events."""

    __slots__ = ()

    def create_and_run_stream(
        self,
        *,
        assistant_id: str,
        instructions: str | None | Omit = omit,
        max_completion_tokens: int | None | Omit = omit,
        max_prompt_tokens: int | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        model: str | ThreadCreateAndRunModel | None | Omit = omit,
        parallel_tool_calls: bool | Omit = omit,
        response_format: Literal["auto"]
        | ResponseFormatText
        | response_format_text.ResponseFormatText
        | ResponseFormatJSONObject
        | response_format_json_object.ResponseFormatJSONObject
        | ResponseFormatJSONSchema
        | ResponseFormatJsonSchema
        | None
        | Omit = omit,
        temperature: float | None | Omit = omit,
        thread: ThreadCreateParams | Omit = omit,
        tool_choice: Literal["none", "auto", "required"]
        | AssistantToolChoiceParam
        | AssistantToolChoice
        | None
        | Omit = omit,
        tool_resources: thread_create_and_run_params.ToolResources | None | Omit = omit,
        tools: Iterable[AssistantToolParam] | None | Omit = omit,
        top_p: float | None | Omit = omit,
        truncation_strategy: TruncationStrategy | run.TruncationStrategy | None | Omit = omit,
        event_handler: AsyncAssistantEventHandlerT | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncAssistantStreamManager[AsyncAssistantEventHandlerT]:
        """Start a thread and have an assistant answer it as a stream of events.

        `POST /threads/runs`. It is entered: `async with client.beta.threads.create_and_run_stream(...) as stream:`. Nothing
        is sent before that; leaving the block hangs up. Deprecated. `client.responses` is what to use instead.

        Args:
            assistant_id (str): The assistant's id.
            instructions (str): What this run is told, in place of the assistant's own instructions.
            max_completion_tokens (int, at least 256): Most tokens the run may write, over all its steps.
            max_prompt_tokens (int, at least 256): Most tokens of the thread that the run may read, over all its
                steps.
            metadata (mapping of str to str): Your own labels, at most 16.
            model (str): The model, in place of the assistant's own.
            parallel_tool_calls (bool): Whether several tools may be called at once.
            response_format ("auto", or `ResponseFormatText` and its like): Plain text, JSON, or JSON of a schema.
            temperature (float, 0 to 2, default 1): Above 1 more surprising, near 0 more predictable.
            thread (`ThreadCreateParams`): The thread to start.
            tool_choice ("none", "auto" or "required" or `AssistantToolChoiceParam`): Which tools the model may or
                must call.
            tool_resources (`ToolResources`): Files and vector stores that the tools use.
            tools (list of `AssistantToolParam`, at most 20 items): What the model may call.
            top_p (float, 0 to 1, default 1): Choose among the likeliest tokens that together have this probability.
            truncation_strategy (`TruncationStrategy`): How much of the thread the run reads.
            event_handler: What is told what happens, an instance of a subclass of
                `anyopenai.AsyncAssistantEventHandler`; entering gives it back. Without one the stream has no hooks.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`.

        Returns:
            What opens the stream when it is entered.

        Source: https://platform.openai.com/docs/api-reference/assistants-streaming
        """
        from .assistant_stream import CREATE_WITH_THREAD, opening

        manager: AsyncAssistantStreamManager[AsyncAssistantEventHandlerT] = opening(
            self._caller,
            CREATE_WITH_THREAD,
            event_handler,
            body={
                "assistant_id": assistant_id,
                "instructions": instructions,
                "max_completion_tokens": max_completion_tokens,
                "max_prompt_tokens": max_prompt_tokens,
                "metadata": metadata,
                "model": model,
                "parallel_tool_calls": parallel_tool_calls,
                "response_format": response_format,
                "temperature": temperature,
                "thread": thread,
                "tool_choice": tool_choice,
                "tool_resources": tool_resources,
                "tools": tools,
                "top_p": top_p,
                "truncation_strategy": truncation_strategy,
            },
            options=options,
        )
        return manager
