"""`client.beta.threads.runs.poll` and its like: the methods alone, which load what polls when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._contract import omit
from .._resource import Resource, refuse_view

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
    from ..types.beta.threads.run import Run
    from ..types.beta.threads.run_create_params import RunCreateModel, TruncationStrategy
    from ..types.beta.threads.run_submit_tool_outputs_params import ToolOutput
    from ..types.response_format_json_schema import ResponseFormatJsonSchema
    from ..types.shared import response_format_json_object, response_format_text
    from ..types.shared.reasoning_effort import ReasoningEffort
    from ..types.shared_params.response_format_json_object import ResponseFormatJSONObject
    from ..types.shared_params.response_format_json_schema import ResponseFormatJSONSchema
    from ..types.shared_params.response_format_text import ResponseFormatText

__all__ = ("PollRuns", "PollThreads")

_INSTEAD = "use `retrieve` under it"


class PollRuns(Resource):
    """What `client.beta.threads.runs` has beside the API's own methods for waiting."""

    __slots__ = ()

    async def poll(
        self,
        run_id: str,
        thread_id: str,
        *,
        poll_interval_ms: int | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> Run:
        """Wait until a run has ended or waits for the outputs of tools, and return it.

        `GET /threads/{thread_id}/runs/{run_id}`, again and again. Cancelling stops at once. Deprecated. `client.responses`
        is what to use instead.

        Args:
            run_id (str): The run's id.
            thread_id (str): The thread's id.
            poll_interval_ms: Milliseconds between two looks; without it as the server says, else a second and later more.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the whole.

        Raises:
            DeadlineExceeded: The deadline passed; the run goes on at the server.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.

        Source: https://platform.openai.com/docs/api-reference/runs
        """
        from .run_polls import wait

        refuse_view(self._caller, "poll()", _INSTEAD)
        return await wait(self._caller, run_id, thread_id, poll_interval_ms, options)

    async def create_and_poll(
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
        poll_interval_ms: int | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> Run:
        """Have an assistant answer a thread, and wait until the run has ended or waits for the outputs of tools.

        `POST /threads/{thread_id}/runs`, then `poll`. Cancelling stops at once; the run goes on at the server. Deprecated.
        `client.responses` is what to use instead.

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
            poll_interval_ms: Milliseconds between two looks; without it as the server says, else a second and later more.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the whole.

        Raises:
            DeadlineExceeded: The deadline passed; the run goes on at the server.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.

        Source: https://platform.openai.com/docs/api-reference/runs
        """
        from .run_polls import CREATE, started

        refuse_view(self._caller, "create_and_poll()", _INSTEAD)
        return await started(
            self._caller,
            CREATE,
            poll_interval_ms,
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

    async def submit_tool_outputs_and_poll(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: Iterable[ToolOutput],
        poll_interval_ms: int | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> Run:
        """Give a waiting run the outputs of its tool calls, and wait until it has ended or waits again.

        `POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs`, then `poll`. Cancelling stops at once; the run goes
        on at the server. Deprecated. `client.responses` is what to use instead.

        Args:
            run_id (str): The run's id.
            thread_id (str): The thread's id.
            tool_outputs (list of `ToolOutput`): An output for every tool call that the run waits for.
            poll_interval_ms: Milliseconds between two looks; without it as the server says, else a second and later more.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the whole.

        Raises:
            DeadlineExceeded: The deadline passed; the run goes on at the server.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.

        Source: https://platform.openai.com/docs/api-reference/runs
        """
        from .run_polls import SUBMIT, started

        refuse_view(self._caller, "submit_tool_outputs_and_poll()", _INSTEAD)
        return await started(
            self._caller,
            SUBMIT,
            poll_interval_ms,
            path=(thread_id, run_id),
            body={"tool_outputs": tool_outputs},
            options=options,
        )


class PollThreads(Resource):
    """What `client.beta.threads` has beside the API's own methods for waiting."""

    __slots__ = ()

    async def create_and_run_poll(
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
        poll_interval_ms: int | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> Run:
        """Start a thread and have an assistant answer it; wait until the run has ended or waits for the outputs of tools.

        `POST /threads/runs`, then `poll`. Cancelling stops at once; the run goes on at the server. Deprecated.
        `client.responses` is what to use instead.

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
            poll_interval_ms: Milliseconds between two looks; without it as the server says, else a second and later more.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds the whole.

        Raises:
            DeadlineExceeded: The deadline passed; the run goes on at the server.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.

        Source: https://platform.openai.com/docs/api-reference/runs
        """
        from .run_polls import CREATE_WITH_THREAD, started

        refuse_view(self._caller, "create_and_run_poll()", _INSTEAD)
        return await started(
            self._caller,
            CREATE_WITH_THREAD,
            poll_interval_ms,
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
