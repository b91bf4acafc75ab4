"""`client.beta.agents.sessions.create` and `.stream`: the methods alone, which load what follows turns when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from .._contract import omit
from .._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal, Unpack

    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Omit, RequestOptions
    from ..resources.beta.agents.sessions import Sessions
    from ..structured.output import Output
    from ..types.beta.agent_session import AgentSession
    from ..types.beta.agent_session_input_message_param import AgentSessionInputMessageParam
    from ..types.beta.agents.session_create_params import Agent, PromptCacheOptions, SpendControl, StreamOptions
    from ..types.beta.environment_param import (
        EnvironmentParamNone,
        EnvironmentParamOpenAIHosted,
        EnvironmentParamSelfHosted,
    )
    from .dispatch import AsyncToolErrorHandler, AsyncToolHandler
    from .event_stream import AsyncAgentSessionEventStream
    from .session_stream import AsyncAgentSessionStream

    # Where nothing is asked for there is nothing to be parsed as.
    OutputT = TypeVarWithDefault("OutputT", default=object)
else:
    OutputT = TypeVar("OutputT")

__all__ = ("AgentSessions",)


class AgentSessions(Resource):
    """What `client.beta.agents.sessions` has beside the API's own methods: turns followed to their results."""

    __slots__ = ()

    @overload
    async def create(
        self,
        *,
        environment: EnvironmentParamNone | EnvironmentParamOpenAIHosted | EnvironmentParamSelfHosted,
        output_type: type[object] | Output[object] | Mapping[str, object] | None = None,
        tool_handlers: None = None,
        agent: Agent | Omit = omit,
        agent_id: str | Omit = omit,
        input: str | Iterable[AgentSessionInputMessageParam] | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | None | Omit = omit,
        review: Literal["none", "auto_review"] | Omit = omit,
        spend_control: SpendControl | None | Omit = omit,
        stream: Literal[False] | Omit = omit,
        stream_options: StreamOptions | Omit = omit,
        vault_ids: Sequence[str] | None | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AgentSession: ...
    @overload
    async def create(
        self,
        *,
        environment: EnvironmentParamNone | EnvironmentParamOpenAIHosted | EnvironmentParamSelfHosted,
        stream: Literal[True],
        output_type: type[OutputT] | Output[OutputT] | Mapping[str, object] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        agent: Agent | Omit = omit,
        agent_id: str | Omit = omit,
        input: str | Iterable[AgentSessionInputMessageParam] | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | None | Omit = omit,
        review: Literal["none", "auto_review"] | Omit = omit,
        spend_control: SpendControl | None | Omit = omit,
        stream_options: StreamOptions | Omit = omit,
        vault_ids: Sequence[str] | None | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AsyncAgentSessionEventStream[OutputT]: ...
    @overload
    async def create(
        self,
        *,
        environment: EnvironmentParamNone | EnvironmentParamOpenAIHosted | EnvironmentParamSelfHosted,
        stream: bool,
        output_type: type[OutputT] | Output[OutputT] | Mapping[str, object] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        agent: Agent | Omit = omit,
        agent_id: str | Omit = omit,
        input: str | Iterable[AgentSessionInputMessageParam] | None | Omit = omit,
        metadata: Mapping[str, str] | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | None | Omit = omit,
        review: Literal["none", "auto_review"] | Omit = omit,
        spend_control: SpendControl | None | Omit = omit,
        stream_options: StreamOptions | Omit = omit,
        vault_ids: Sequence[str] | None | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AgentSession | AsyncAgentSessionEventStream[OutputT]: ...
    async def create(
        self,
        *,
        environment: EnvironmentParamNone | EnvironmentParamOpenAIHosted | EnvironmentParamSelfHosted,
        output_type: type[OutputT] | Output[OutputT] | Mapping[str, object] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        agent: Agent | Omit = omit,
        agent_id: str | Omit = omit,
        input: str | Iterable[AgentSessionInputMessageParam] | None | Omit = omit,  # noqa: A002 - the API's name
        metadata: Mapping[str, str] | None | Omit = omit,
        prompt_cache_options: PromptCacheOptions | None | Omit = omit,
        review: Literal["none", "auto_review"] | Omit = omit,
        spend_control: SpendControl | None | Omit = omit,
        stream: Literal[False, True] | Omit = omit,
        stream_options: StreamOptions | Omit = omit,
        vault_ids: Sequence[str] | None | Omit = omit,
        **options: Unpack[RequestOptions],
    ) -> AgentSession | AsyncAgentSessionEventStream[OutputT]:
        """Start a session with an agent, and follow its events if you like.

        `POST /agents/sessions`.

        Args:
            environment (`EnvironmentParamNone`, `EnvironmentParamOpenAIHosted` or `EnvironmentParamSelfHosted`):
                The machine that the session works on, if any.
            output_type: What the agent answers in: a Struct, dataclass, TypedDict, attrs class or pydantic model; an
                `Output`; a JSON schema. It becomes `agent.text.format`, and the type of the stream's result.
            tool_handlers: What answers the agent's calls while the stream is read, by the tool's name: functions that are
                given a dict, or `FunctionTool`s. Plain ones run in a worker thread.
            agent (`Agent`): The agent's settings, which overrule those of `agent_id`.
            agent_id (str): The agent's id.
            input (str or list of `AgentSessionInputMessageParam`): What the session begins with.
            metadata (mapping of str to str): Your own labels, at most 16.
            prompt_cache_options (`PromptCacheOptions`): How the prefix is cached.
            review ("none" or "auto_review"): Whether a model reviews what the agent wants to do.
            spend_control (`SpendControl`): Most that the session may cost.
            stream (False or True): Give a stream of events while the answer is made.
            stream_options (`StreamOptions`): What a stream has beside the answer.
            vault_ids (list of str): The ids of the vaults whose credentials may be used.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`. The answers of
                `tool_handlers` are sent with them too, under keys of their own.

        Returns:
            The session; with `stream=True`, an open `AsyncAgentSessionEventStream` to read or close, whose
            `get_final_result()` is what the first turn ended with.

        Raises:
            UnsupportedSchemaError: A type has no form in the schemas that the API takes; nothing was sent.
            ValueError: `tool_handlers` without `stream=True`, or `output_type` beside `agent.text.format`.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.

        Source: https://platform.openai.com/docs/api-reference/agents
        """
        from .creating import CREATE, asked_session

        sent, convert = asked_session(
            cast("Sessions", self), agent, output_type, tool_handlers, stream, options, has_input=bool(input)
        )
        answer: AgentSession | AsyncAgentSessionEventStream[OutputT] = await self._caller.call(
            CREATE,
            body={
                "environment": environment,
                "agent": sent,
                "agent_id": agent_id,
                "input": input,
                "metadata": metadata,
                "prompt_cache_options": prompt_cache_options,
                "review": review,
                "spend_control": spend_control,
                "stream": stream,
                "stream_options": stream_options,
                "vault_ids": vault_ids,
            },
            stream=stream,
            options=options,
            convert=convert,
        )
        return answer

    def stream(
        self,
        session_id: str,
        *,
        input: str | Iterable[AgentSessionInputMessageParam],  # noqa: A002 - the API's name
        output_type: type[OutputT] | Output[OutputT] | Mapping[str, object] | None = None,
        tool_handlers: Mapping[str, AsyncToolHandler] | None = None,
        on_tool_error: AsyncToolErrorHandler | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncAgentSessionStream[OutputT]:
        """Tell an idle session something, and follow the turn that this begins to its end.

        It is entered: `async with client.beta.agents.sessions.stream(...) as stream:`. Nothing is sent before that. Then
        the session is looked at, its events are opened, and the input is sent, in this order. One program at a time: the
        API does not say whose input a turn answers.

        Args:
            session_id: The session's id.
            input: Text, or messages.
            output_type: What `get_final_result()` reads the answer as: a Struct, dataclass, TypedDict, attrs class or
                pydantic model; an `Output`; a JSON schema. The agent is not told of it: `create(output_type=...)` does that.
            tool_handlers: What answers the agent's calls, by the tool's name: functions that are given a dict, or
                `FunctionTool`s. They are called one after the other, plain ones in a worker thread. Of a failure the agent
                is told that there was one. Calls without a handler are left to you.
            on_tool_error: What is told of such failures (an `AgentToolError`); plain or async. What it raises is ignored.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request;
                `deadline` bounds all of them and the handlers together; `idempotency_key` and `extra_body` go with the
                input.

        Returns:
            What opens the stream when it is entered.

        Raises:
            UnsupportedSchemaError: Nothing can be read as such a type.
            ValueError: The id or the input is empty.
            TypeError: The namespace is a raw view, under which an answer is no stream.

        Source: https://platform.openai.com/docs/api-reference/agents
        """
        from ..streaming.helper import refuse_view
        from .formats import asked_output
        from .session_stream import AsyncAgentSessionStream

        refuse_view(self._caller)
        given: Any = output_type
        return AsyncAgentSessionStream(
            cast("Sessions", self),
            session_id,
            input=input,
            output=asked_output(given, strict=False),
            tool_handlers=tool_handlers,
            on_tool_error=on_tool_error,
            options=options,
        )
