"""What type checkers make of agents' helpers; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

from msgspec import Struct

from anyopenai import OpenAI, Stream, TextStream
from anyopenai.agents import (
    AgentToolError,
    AgentTurnResult,
    AsyncAgentResultArtifacts,
    AsyncAgentSessionEventStream,
    AsyncAgentSessionStream,
    FunctionTool,
    PreparedAgentFiles,
    StagedAgentFile,
    agent_text_format,
    function_tool,
    pydantic_function_tool,
)
from anyopenai.structured import output_of
from anyopenai.types.beta import AgentSession, AgentSessionEvent
from anyopenai.types.beta.agents.sessions import SessionArtifact


class Weather(Struct):
    city: str


@function_tool
async def look(city: str, days: int = 1) -> str:
    """Look."""
    return city * days


@function_tool(name="find", defer_loading=True)
def find(city: str) -> dict[str, str]:
    """Find."""
    return {"city": city}


async def turns_have_the_type_that_is_asked_for(client: OpenAI) -> None:
    sessions = client.beta.agents.sessions
    async with sessions.stream("s", input="Hi.", output_type=Weather) as stream:
        assert_type(stream, AsyncAgentSessionStream[Weather])
        assert_type(stream.with_result_collection(), AsyncAgentSessionStream[Weather])
        assert_type(stream.text_stream, TextStream)
        async for event in stream:
            assert_type(event, AgentSessionEvent)
            if event.type == "agent.session.turn.output_text.delta":
                assert_type(event.delta, str)
        result = await stream.get_final_result()
        assert_type(result, AgentTurnResult[Weather])
        assert_type(result.output_parsed, Weather | None)
        assert_type(result.output_text, str)
        assert_type(result.parse(output_of(Weather)), AgentTurnResult[Weather])
        assert_type(result.parse({"type": "object"}), AgentTurnResult[dict[str, object]])
    assert_type(sessions.stream("s", input="Hi."), AsyncAgentSessionStream[object])


async def new_sessions_are_sessions_or_streams(client: OpenAI, streamed: bool) -> None:
    sessions = client.beta.agents.sessions
    assert_type(await sessions.create(environment={"type": "none"}), AgentSession)
    assert_type(await sessions.create(environment={"type": "none"}, output_type=Weather), AgentSession)
    stream = await sessions.create(environment={"type": "none"}, input="Hi.", stream=True, output_type=Weather)
    assert_type(stream, AsyncAgentSessionEventStream[Weather])
    as_before: Stream[AgentSessionEvent] = stream
    assert_type((await stream.get_final_result()).output_parsed, Weather | None)
    either = await sessions.create(environment={"type": "none"}, stream=streamed, output_type=Weather)
    assert_type(either, AgentSession | AsyncAgentSessionEventStream[Weather])
    events = await sessions.events.stream("s")
    assert_type(events, Stream[AgentSessionEvent])
    raw = await sessions.with_raw_response.retrieve("s")
    assert_type(raw.parse(), AgentSession)
    del as_before


async def handlers_are_functions_and_tools(client: OpenAI) -> None:
    def plain(arguments: dict[str, object]) -> str:
        return str(arguments)

    async def later(arguments: dict[str, object]) -> list[dict[str, str]]:
        return [{"type": "input_text", "text": str(arguments)}]

    async def observe(error: AgentToolError) -> None:
        assert_type(error.error, Exception)

    typed = pydantic_function_tool(Weather, handler=lambda weather: weather.city)
    assert_type(typed, FunctionTool[Weather])
    assert_type(find.name, str)
    async with client.beta.agents.sessions.stream(
        "s",
        input=[{"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}],
        tool_handlers={"plain": plain, "later": later, look.name: look, find.name: find, typed.name: typed},
        on_tool_error=observe,
        deadline=30,
    ) as stream:
        await stream.until_done()
    await client.beta.agents.sessions.create(
        environment={"type": "none"},
        agent={"tools": [look.definition, find.definition], "text": {"format": agent_text_format(Weather)}},
    )


async def files_come_and_go(client: OpenAI, result: AgentTurnResult[Weather]) -> None:
    agents = client.beta.agents
    prepared = await agents.environments.files.prepare({"/workspace/a": "a"}, timeout=5)
    assert_type(prepared, PreparedAgentFiles)
    more = await agents.environments.files.prepare_directory(
        ".", destination="/workspace/b", include=["*.csv"], into=prepared
    )
    await agents.sessions.create(environment={"type": "openai_hosted", "files": more.files})
    assert_type(await agents.environments.files.upload("e", file=b"x", path="/workspace/c"), StagedAgentFile)
    made = agents.sessions.artifacts.for_result(result)
    assert_type(made, AsyncAgentResultArtifacts)
    assert_type(await made.download("/workspace/a", to="a"), SessionArtifact)
    assert_type((await made.content("/workspace/a")).content, bytes)
