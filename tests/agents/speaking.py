"""What the agents API says in these tests: events of a session, one turn of it, and a server that answers from a script."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.types.beta.agent_session_event import AgentSessionEvent

SESSION = "sess_1"
EVENTS = f"/agents/sessions/{SESSION}/events"
TURN = "turn_1"

_ids = itertools.count()


def session(status: str = "idle", **more: Any) -> dict[str, Any]:
    agent = {
        "id": "agent",
        "model": "m",
        "multi_agent": {"enabled": False},
        "reasoning": {},
        "service_tier": "auto",
        "text": {"format": {"type": "text"}},
        "tools": [],
    }
    return {
        "id": SESSION,
        "object": "agent.session",
        "status": status,
        "agent": agent,
        "created_at": 1,
        "last_active_at": 1,
        "environment": {"type": "none"},
        "metadata": {},
        "required_actions": [],
        "vault_ids": [],
        **more,
    }


def of_session(kind: str, **more: Any) -> dict[str, Any]:
    """An event about the session: created, idle, in_progress, requires_action, failed."""
    status = "idle" if kind == "created" else kind
    return {"type": f"agent.session.{kind}", "event_id": f"event_{next(_ids)}", "session": session(status, **more)}


def of_turn(kind: str, turn: str = TURN, subagent: str | None = None, **more: Any) -> dict[str, Any]:
    """An event about a turn: created, in_progress, completed, failed, cancelled."""
    status = "queued" if kind == "created" else kind
    told = {
        "id": turn,
        "agent_id": "agent",
        "created_at": 1,
        "object": "agent.session.turn",
        "session_id": SESSION,
        "status": status,
        "subagent_id": subagent,
        **more,
    }
    return {
        "type": f"agent.session.turn.{kind}",
        "event_id": f"event_{next(_ids)}",
        "session_id": SESSION,
        "turn_id": turn,
        "turn": told,
    }


def delta(text: str) -> dict[str, Any]:
    return {
        "type": "agent.session.turn.output_text.delta",
        "event_id": f"event_{next(_ids)}",
        "session_id": SESSION,
        "turn_id": TURN,
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
    }


def message(*texts: str, id: str = "msg_1", turn: str = TURN, **more: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": id,
        "role": "assistant",
        "status": "completed",
        "phase": "final_answer",
        "turn_id": turn,
        "content": [{"type": "output_text", "text": text} for text in texts],
        **more,
    }


def call(name: str = "look", arguments: object = None, call_id: str = "call_1", turn: str = TURN) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"item_{call_id}",
        "name": name,
        "arguments": {} if arguments is None else arguments,
        "call_id": call_id,
        "status": "in_progress",
        "turn_id": turn,
    }


def of_item(kind: str, item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """An event about an item: added, done."""
    return {
        "type": f"agent.session.turn.item.{kind}",
        "event_id": f"event_{next(_ids)}",
        "session_id": SESSION,
        "turn_id": item["turn_id"],
        "output_index": index,
        "item": item,
    }


def added(item: dict[str, Any]) -> dict[str, Any]:
    return of_item("added", item)


def said(*texts: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return of_item("done", message(*texts, **more), index)


def waits_for(*calls: dict[str, Any], **other: Any) -> dict[str, Any]:
    """The event that says what the session waits for."""
    actions = [
        {"type": "function_call", **{name: one[name] for name in ("arguments", "call_id", "name", "turn_id")}}
        for one in calls
    ]
    return of_session("requires_action", required_actions=[*actions, *([other] if other else [])])


CONNECTION = {"type": "environment_connection", "environment_id": "env"}


def turn(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """A turn with these events in it, from the idle session before it to the idle session after it."""
    return [
        of_session("idle"),
        of_session("in_progress"),
        of_turn("created"),
        of_turn("in_progress"),
        *events,
        of_turn("completed"),
        of_session("idle"),
    ]


def created(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """The same in a session that is being made."""
    return [of_session("created"), *turn(*events)[1:]]


HELLO = turn(delta("Hel"), delta("lo."), said("Hello."))

# The same with little more than what matters, for those who cut it at every byte.
BRIEF: list[dict[str, Any]] = [
    {"type": "agent.session.idle", "session": {"status": "idle"}},
    {"type": "agent.session.turn.created", "turn": {"id": "t", "status": "queued"}},
    {"type": "agent.session.turn.output_text.delta", "delta": "Hé."},
    {
        "type": "agent.session.turn.item.done",
        "output_index": 0,
        "item": {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "turn_id": "t",
            "content": [{"type": "output_text", "text": "Hé."}],
        },
    },
    {"type": "agent.session.turn.completed", "turn": {"id": "t", "status": "completed"}},
    {"type": "agent.session.idle", "session": {"status": "idle"}},
]


def wire(events: Sequence[object]) -> bytes:
    """Events as the server sends them."""
    return b"".join(
        one
        if isinstance(one, bytes)
        else f"event: {kind(one)}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n".encode()
        for one in events
    )


def kind(event: Any) -> str:
    found: str = event["type"]
    return found


class Scene:
    """A client whose server has a session, its events, and takes input.

    Attributes:
        transport: What was asked.
        client: Who asks.
    """

    def __init__(
        self,
        events: Sequence[Any] | Answer = (),
        *,
        status: str = "idle",
        taken: Sequence[Any] = (Answer(202),),
        **options: Any,
    ) -> None:
        self.transport = FakeTransport()
        answer = events if isinstance(events, Answer) else Answer(events=list(events))
        self.transport.route("GET", f"/agents/sessions/{SESSION}", Answer(json=session(status)))
        self.transport.route("GET", EVENTS, answer)
        self.transport.route("POST", EVENTS, *taken)
        self.transport.route("POST", "/agents/sessions", answer)
        self.client = OpenAI(**{"api_key": "k", "transport": self.transport, "max_retries": 0, **options})

    @property
    def sessions(self) -> Any:
        return self.client.beta.agents.sessions

    def stream(self, **options: Any) -> Any:
        return self.sessions.stream(SESSION, **{"input": "Hi.", **options})

    def asked(self) -> list[str]:
        """What was asked, in order."""
        return [f"{one.method} {one.path.removeprefix('/v1/agents/sessions')}" for one in self.transport.requests]

    def inputs(self) -> list[Any]:
        """What the session was sent, each event."""
        bodies: list[Any] = [
            one.json() for one in self.transport.requests if one.method == "POST" and one.path.endswith("/events")
        ]
        return [event for body in bodies for event in body["events"]]

    def results(self) -> list[Any]:
        """The results of calls that it was sent."""
        return [event for event in self.inputs() if event["type"] == "agent.session.input.tool_result"]


def decoded(event: dict[str, Any]) -> Any:
    """An event as the client decodes it."""
    from anyopenai._codec import decoder_for

    return decoder_for(AgentSessionEvent).decode(json.dumps(event).encode())
