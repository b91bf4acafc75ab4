"""Requests of any shape: each is answered or refused, and none is a failure of the stand-in itself."""

from __future__ import annotations

import copy
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyopenai.testing import StandIn
from testing.asgi import ask

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}},
    "required": ["a", "b"],
    "additionalProperties": False,
    "$defs": {"N": {"type": "array", "items": {"type": "integer", "minimum": 2}}},
}
CALLS = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
FORM = {"name": "n", "strict": True, "schema": SCHEMA}
BODIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": None, "tool_calls": CALLS},
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": CALLS}},
        "parallel_tool_calls": True,
        "response_format": {"type": "json_schema", "json_schema": FORM},
        "n": 2,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "metadata": {"a": "b"},
        "store": True,
    },
    "/responses": {
        "model": "m",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema"} | FORM, "verbosity": "low"},
        "reasoning": {"effort": "low"},
        "instructions": "Be brief.",
        "max_output_tokens": 20,
        "background": False,
        "stream": False,
    },
    "/assistants": {"model": "m", "tools": [{"type": "function", "function": {"name": "f"}}], "metadata": {"a": "b"}},
    "/threads": {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "metadata": {"a": "b"}},
    "/threads/runs": {"thread": {"messages": [{"role": "user", "content": "hi"}]}, "stream": True},
    "/embeddings": {"model": "m", "input": ["x"], "dimensions": 3, "encoding_format": "float"},
    "/completions": {"model": "m", "prompt": ["x"], "n": 1, "stream": True},
    "/moderations": {"input": [{"type": "text", "text": "x"}]},
}

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 1 << 40)
    | st.floats(-2, 2)
    | st.sampled_from(["", "x", "auto", "function"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "name", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """List the members and items of a value, deep: who holds each, and under what."""
    found: list[tuple[Any, Any]] = []
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, part in pairs:
        found.append((value, key))
        found += places(part)
    return found


@pytest.mark.parametrize("path", BODIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_request_makes_the_stand_in_fail(path: str, data: st.DataObject) -> None:
    body = copy.deepcopy(BODIES[path])
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(body) or [({"model": "m"}, "model")]))
        if data.draw(st.booleans()) or isinstance(holder, list):
            holder[key] = data.draw(JUNK)
        else:
            del holder[key]

    async def send() -> None:
        app = StandIn()
        if path == "/threads/runs":
            made = await ask(app, "POST", "/v1/assistants", {"model": "m"})
            body.setdefault("assistant_id", made.json()["id"])
        reply = await ask(app, "POST", f"/v1{path}", body)
        assert app.stats.crashed == 0
        assert reply.status in (200, 400, 404)

    anyio.run(send)
