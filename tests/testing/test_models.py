"""The models list, and which names are taken."""

from __future__ import annotations

import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


async def test_the_list_names_stand_ins():
    page = (await ask(StandIn(), "GET", "/v1/models")).json()
    assert page["object"] == "list"
    assert all(model["id"].startswith("stand-in-") and model["object"] == "model" for model in page["data"])


async def test_a_listed_model_can_be_retrieved_and_no_other():
    app = StandIn()
    assert (await ask(app, "GET", "/v1/models/stand-in-chat")).json()["id"] == "stand-in-chat"
    reply = await ask(app, "GET", "/v1/models/org%2Fa%20name")
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")
    assert "'org/a name'" in reply.error["message"]


async def test_any_name_may_answer():
    assert (await ask(StandIn(), "POST", "/v1/chat/completions", CHAT | {"model": "whatever"})).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/completions", {}),
        ("/v1/responses", {"input": "x"}),
        ("/v1/embeddings", {"input": "x"}),
        ("/v1/moderations", {"input": "x"}),
    ],
)
async def test_a_strict_server_takes_listed_names_only(path: str, body: dict[str, object]):
    app = StandIn(strict_models=True)
    reply = await ask(app, "POST", path, body | {"model": "gpt-unknown"})
    assert (reply.status, reply.error["code"], reply.error["param"]) == (404, "model_not_found", "model")
    assert (await ask(app, "POST", path, body | {"model": "stand-in-chat"})).status == 200


async def test_no_model_can_be_deleted():
    assert (await ask(StandIn(), "DELETE", "/v1/models/stand-in-chat")).status == 403
