"""What Python calls otherwise than the API goes out under the API's name, at any depth."""

from __future__ import annotations

import importlib
import json
import keyword
import pkgutil
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, is_typeddict

import pytest

import anyopenai.types
from anyopenai import OpenAI
from anyopenai._contract import Operation
from anyopenai.testing import Answer, FakeTransport
from anyopenai.types.beta.agent import Compaction
from generated.callers import NotingClient
from generated.facts import METHODS, arguments, method_of, required

AGENT = {"id": "a", "object": "agent", "created_at": 1, "name": "n", "model": "m"}


async def _operations() -> dict[str, Operation[Any]]:
    """Return the operation of every method."""
    client, found = NotingClient(), {}
    for dotted, facts in METHODS.items():
        positional, given = arguments(facts, required(facts))
        result = method_of(client, dotted)(*positional, **given)
        if hasattr(result, "send"):
            await result
        found[dotted] = client.last().operation
    return found


def _typed_dicts() -> Iterator[tuple[str, Any]]:
    for _, name, package in pkgutil.walk_packages(anyopenai.types.__path__, "anyopenai.types."):
        if not package:
            for own, kind in vars(importlib.import_module(name)).items():
                if is_typeddict(kind) and (kind.__module__, kind.__name__) == (name, own):
                    yield f"{name.removeprefix('anyopenai.types.')}.{own}", kind


def _filled(tree: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a user gives for a tree of spellings, and what has to be sent."""
    given: dict[str, Any] = {"beside": [1]}
    sent: dict[str, Any] = {"beside": [1]}
    for name, below in tree.items():
        if isinstance(below, str):
            given[name] = sent[below] = True
        else:
            given[name], sent[name] = _filled(below)
    return given, sent


async def test_every_member_that_python_cannot_spell_has_a_method_that_respells_it() -> None:
    odd = {
        f"{place}.{name}"
        for place, kind in _typed_dicts()
        for name in (*kind.__required_keys__, *kind.__optional_keys__)
        if name.endswith("_") and keyword.iskeyword(name[:-1])
    }
    assert odd == {
        "beta.agent_create_params.Compaction.async_",
        "beta.agent_update_params.Compaction.async_",
        "beta.agents.automation_target_param.NewSessionAgentCompaction.async_",
        "beta.agents.session_create_params.AgentCompaction.async_",
    }
    spelt = {name: operation.spelt for name, operation in (await _operations()).items() if operation.spelt}
    compaction = {"compaction": {"async_": "async"}}
    assert spelt == {
        "beta.agents.create": compaction,
        "beta.agents.update": compaction,
        "beta.agents.automations.create": {"target": {"agent": compaction}},
        "beta.agents.automations.update": {"target": {"agent": compaction}},
        "beta.agents.sessions.create": {"agent": compaction},
    }


async def test_nested_members_are_sent_under_their_names_in_json_and_nothing_given_is_changed() -> None:
    transport = FakeTransport()
    transport.route("*", "/**", Answer(json=AGENT))
    async with OpenAI(api_key="k", transport=transport) as client:
        for dotted, operation in (await _operations()).items():
            if not operation.spelt:
                continue
            given, sent = _filled(operation.spelt)
            before = deepcopy(given)
            path = tuple("p" for _ in range(operation.path.count("{")))
            await client._caller.call(operation, path=path, body=given, options={})
            assert json.loads(transport.requests[-1].body) == sent, dotted
            assert given == before


@pytest.mark.parametrize(
    "compaction",
    [{"async_": True}, {"async": True}, Compaction(async_=True)],
    ids=["as Python has it", "as JSON has it", "a Struct"],
)
async def test_async_is_sent_however_it_is_written(compaction: Any) -> None:
    transport = FakeTransport(Answer(json=AGENT))
    async with OpenAI(api_key="k", transport=transport) as client:
        await client.beta.agents.create(model="m", name="n", compaction=compaction)
    sent = json.loads(transport.requests[0].body)["compaction"]
    assert sent["async"] is True
    assert "async_" not in sent


async def test_a_list_of_members_is_respelt_item_by_item() -> None:
    operation: Operation[Any] = Operation(
        name="test.spelt", verb="POST", path="/x", returns=object, body="json", spelt={"tools": {"from_": "from"}}
    )
    transport = FakeTransport()
    transport.route("*", "/**", Answer(json={}))
    async with OpenAI(api_key="k", transport=transport) as client:
        for tools in ([{"from_": 1}, "from_"], ({"from_": one} for one in (1,)), "from_", None):
            await client._caller.call(operation, body={"tools": tools}, options={})
        await client._caller.call(operation, options={"extra_body": {"tools": {"from_": 1}}})
    sent = [json.loads(request.body)["tools"] for request in transport.requests]
    # What `extra_body` has is sent as it is.
    assert sent == [[{"from": 1}, "from_"], [{"from": 1}], "from_", None, {"from_": 1}]


async def test_headers_and_queries_have_the_names_of_the_api() -> None:
    transport = FakeTransport()
    transport.route("*", "/**", Answer(json={"data": []}))
    async with OpenAI(api_key="k", transport=transport) as client:
        await client.beta.responses.cancel("r", betas=["responses_multi_agent=v1"])
        assert transport.requests[-1].headers["openai-beta"] == "responses_multi_agent=v1"
        await client.beta.agents.environments.create(environment={"type": "openai_hosted"}, idempotency_key="same")
        assert transport.requests[-1].headers["idempotency-key"] == "same"
        await client.responses.retrieve("r", include=["reasoning.encrypted_content"], starting_after=1)
        assert transport.requests[-1].query == {"include[]": ["reasoning.encrypted_content"], "starting_after": ["1"]}
