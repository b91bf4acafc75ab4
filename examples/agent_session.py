"""Tell an agent's session something, answer its calls, and have its answer as a type; the server is scripted."""

import anyio
from msgspec import Struct

from anyopenai import OpenAI
from anyopenai.agents import AgentToolError, AgentTurnResultError, function_tool
from anyopenai.testing import Answer, FakeTransport


class Advice(Struct):
    """What to wear."""

    city: str
    coat: bool


@function_tool
async def temperature(city: str) -> dict[str, object]:
    """Look up the temperature in a city.

    Args:
        city: The city's name.
    """
    return {"city": city, "celsius": {"Oslo": -3, "Rome": 14}.get(city)}


def report(error: AgentToolError) -> None:
    # The agent is told that the call failed, and nothing of this.
    print("tool failed:", error.tool_name, error.stage, type(error.error).__name__)


async def advise(client: OpenAI, question: str) -> Advice | None:
    """Begin a session for one question, and follow its turn."""
    sessions = client.beta.agents.sessions
    session = await sessions.create(
        environment={"type": "none"},
        agent={"model": "gpt-5.5", "tools": [temperature.definition]},
        output_type=Advice,
    )
    handlers = {temperature.name: temperature}
    async with sessions.stream(
        session.id, input=question, output_type=Advice, tool_handlers=handlers, on_tool_error=report
    ) as stream:
        async for event in stream.with_result_collection():
            if event.type == "agent.session.turn.item.added" and event.item.type == "function_call":
                print("call:", event.item.name, event.item.arguments)
        try:
            result = await stream.get_final_result()
        except AgentTurnResultError as error:
            print("no result:", error.reason, [message.id for message in error.messages])
            return None
    print("text:", result.output_text)
    return result.output_parsed


async def main() -> None:
    async with OpenAI(api_key="any", transport=scripted()) as client:
        advice = await advise(client, "Do I need a coat in Oslo?")
        if advice is not None:
            print("coat:", advice.coat)


def scripted() -> FakeTransport:
    """Answer as a server does whose agent looks a temperature up and gives advice."""
    idle = {"id": "sess_1", "object": "agent.session", "status": "idle"}
    busy = {**idle, "status": "in_progress"}
    turn = {"id": "turn_1", "object": "agent.session.turn", "session_id": "sess_1"}
    ids = {"session_id": "sess_1", "turn_id": "turn_1"}
    call = {"id": "item_1", "call_id": "call_1", "turn_id": "turn_1", "name": "temperature", "status": "in_progress"}
    text = {"type": "output_text", "text": '{"city":"Oslo","coat":true}'}
    message = {"id": "msg_1", "role": "assistant", "status": "completed", "phase": "final_answer", "turn_id": "turn_1"}
    events: list[dict[str, object]] = [
        {"type": "agent.session.idle", "session": idle},
        {"type": "agent.session.in_progress", "session": busy},
        {"type": "agent.session.turn.created", **ids, "turn": {**turn, "status": "queued"}},
        {
            "type": "agent.session.turn.item.added",
            **ids,
            "item": {**call, "type": "function_call", "arguments": {"city": "Oslo"}},
        },
        {
            "type": "agent.session.turn.item.done",
            **ids,
            "output_index": 1,
            "item": {**message, "type": "message", "content": [text]},
        },
        {"type": "agent.session.turn.completed", **ids, "turn": {**turn, "status": "completed"}},
        {"type": "agent.session.idle", "session": idle},
    ]
    transport = FakeTransport()
    transport.route("POST", "/agents/sessions", Answer(json=idle))
    transport.route("GET", "/agents/sessions/sess_1", Answer(json=idle))
    transport.route("GET", "/agents/sessions/sess_1/events", Answer(events=events))
    transport.route("POST", "/agents/sessions/sess_1/events", Answer(202))
    return transport


if __name__ == "__main__":
    anyio.run(main)
