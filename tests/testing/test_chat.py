"""Chat completions, whole, streamed and stored."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask

USER = {"role": "user", "content": "Say hello to the whole wide world"}
CHAT = {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, USER]}


async def create(app: StandIn | None = None, **members: object) -> Any:
    return (await ask(app or StandIn(), "POST", "/v1/chat/completions", CHAT | members)).json()


async def stream(**members: object) -> list[Any]:
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", CHAT | {"stream": True} | members)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.ended
    events = [data for name, data in reply.events() if name is None]
    assert events.pop() == "[DONE]"
    return events


async def refused(**members: object) -> Any:
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", CHAT | members)
    assert reply.status == 400
    return reply.error["param"]


async def test_an_answer_says_that_no_model_computed_it_and_repeats_the_prompt():
    answer = await create()
    (choice,) = answer["choices"]
    assert "no model computed it" in choice["message"]["content"]
    assert "“Say hello to the whole wide world”" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "m"


async def test_usage_adds_up():
    usage = (await create(n=2))["usage"]
    assert usage["prompt_tokens"] == 2 + 7 + 2 * 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] > 2


async def test_n_answers_differ():
    answer = await create(n=3)
    texts = {choice["message"]["content"] for choice in answer["choices"]}
    assert len(texts) == 3
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_token_limit_cuts_the_answer_and_says_so(name: str):
    answer = await create(**{name: 4})
    assert answer["choices"][0]["message"]["content"] == "This answer comes from"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("stop", ["comes", ["zzz", "comes from"], ["comes", "answer comes"]])
async def test_a_stop_sequence_ends_the_answer_before_it(stop: object):
    answer = await create(stop=stop)
    assert answer["choices"][0]["message"]["content"].strip() in ("This answer", "This")
    assert answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("members", [{}, {"n": 2}, {"max_tokens": 1}, {"stop": "This"}, {"n": 3, "max_tokens": 7}])
async def test_a_stream_carries_the_same_text_as_the_whole_answer(members: dict[str, Any]):
    whole = await create(**members)
    chunks = await stream(**members)
    assert len({chunk["id"] for chunk in chunks}) == 1
    for choice in whole["choices"]:
        mine = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == choice["index"]]
        assert mine[0]["delta"]["role"] == "assistant"
        assert "".join(part["delta"].get("content", "") for part in mine) == choice["message"]["content"]
        assert [part["finish_reason"] for part in mine] == [None] * (len(mine) - 1) + [choice["finish_reason"]]
    assert all("usage" not in chunk for chunk in chunks)


async def test_a_stream_that_asks_for_usage_ends_with_it():
    chunks = await stream(stream_options={"include_usage": True}, n=2)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == (await create(n=2))["usage"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


async def test_content_parts_are_read():
    parts = [
        {"type": "text", "text": "alpha"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "beta"},
    ]
    answer = await create(messages=[{"role": "user", "content": parts}])
    assert "“alpha beta”" in answer["choices"][0]["message"]["content"]


async def test_the_turn_is_counted_from_the_users_messages():
    answer = await create(messages=[USER, {"role": "assistant", "content": "Hello."}, USER])
    assert "turn 2" in answer["choices"][0]["message"]["content"]


async def test_json_mode_gives_json():
    answer = await create(
        messages=[{"role": "user", "content": 'say "x" and \\'}], response_format={"type": "json_object"}
    )
    assert 'say "x" and \\' in msgspec.json.decode(answer["choices"][0]["message"]["content"])["answer"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [USER, {"role": "robot", "content": "x"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"n": 0}, "n"),
        ({"n": "2"}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": 1}, "stream_options"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"modalities": ["text", "audio"]}, "modalities"),
    ],
)
async def test_bad_members_are_blamed_by_name(members: dict[str, object], param: str):
    assert await refused(**members) == param


async def test_tools_that_may_be_left_uncalled_are_taken():
    tools = [{"type": "function", "function": {"name": "f"}}]
    answer = await create(StandIn(tool_rounds=0), tools=tools, tool_choice="auto")
    assert answer["choices"][0]["finish_reason"] == "stop"


async def test_a_stored_completion_can_be_found_changed_and_deleted():
    app = StandIn()
    made = await create(app, store=True, metadata={"topic": "a"})
    other = await create(app, store=True, model="other")
    await create(app)
    path = f"/v1/chat/completions/{made['id']}"

    async def listed(query: str = "") -> list[str]:
        page = (await ask(app, "GET", "/v1/chat/completions", query=query)).json()
        return [row["id"] for row in page["data"]]

    assert await listed() == [made["id"], other["id"]]
    assert await listed("order=desc&limit=1") == [other["id"]]
    assert await listed("model=other") == [other["id"]]
    assert await listed("metadata%5Btopic%5D=a") == [made["id"]]
    assert await listed(f"after={made['id']}") == [other["id"]]
    assert (await ask(app, "GET", path)).json() == made | {"metadata": {"topic": "a"}}
    changed = await ask(app, "POST", path, {"metadata": {"topic": "b"}})
    assert changed.json()["metadata"] == {"topic": "b"}
    assert await listed("metadata[topic]=b") == [made["id"]]
    assert (await ask(app, "DELETE", path)).json() == {
        "object": "chat.completion.deleted",
        "id": made["id"],
        "deleted": True,
    }
    assert (await ask(app, "GET", path)).status == 404
    assert await listed() == [other["id"]]


async def test_the_messages_of_a_stored_completion_have_ids_and_pages():
    app = StandIn()
    parts = [{"type": "text", "text": "alpha"}]
    made = await create(app, store=True, messages=[USER, {"role": "user", "content": parts}])
    path = f"/v1/chat/completions/{made['id']}/messages"
    page = (await ask(app, "GET", path)).json()
    first, second = page["data"]
    assert (first["content"], first["content_parts"]) == (USER["content"], None)
    assert (second["content"], second["content_parts"]) == (None, parts)
    rest = (await ask(app, "GET", path, query=f"after={first['id']}&limit=5")).json()
    assert (rest["data"], rest["has_more"]) == ([second], False)


async def test_metadata_must_be_there_to_be_changed():
    app = StandIn()
    made = await create(app, store=True)
    assert (await ask(app, "POST", f"/v1/chat/completions/{made['id']}", {})).error["param"] == "metadata"


async def test_only_the_newest_stored_completions_are_kept():
    app = StandIn(keep=2)
    ids = [(await create(app, store=True))["id"] for _ in range(3)]
    page = (await ask(app, "GET", "/v1/chat/completions")).json()
    assert [row["id"] for row in page["data"]] == ids[1:]
