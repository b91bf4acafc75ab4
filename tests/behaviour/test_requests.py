"""What a request carries: headers, query, body, and arguments in all their forms."""

from __future__ import annotations

import json as jsonlib
import math
from array import array
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy

import pytest

from anyopenai import NOT_GIVEN, BadRequestError, OpenAI, omit
from behaviour.answers import MODEL, PROMPT, batch_list, chat, embeddings, model_list
from behaviour.clients import KEY, client_for
from behaviour.server import Server, error, json, whole

VECTOR = [0.5, -0.25, 1.0]
ENCODED = b64encode(array("f", VECTOR).tobytes()).decode()


@pytest.fixture(autouse=True)
def answered(server: Server) -> None:
    """Every request is answered with a chat completion unless a test says otherwise."""
    server.script(json(chat()))


async def sent(server: Server, client: OpenAI, **arguments: object) -> Mapping[str, object]:
    """Make a chat call and return the body that arrived."""
    await client.chat.completions.create(**{**PROMPT, **arguments})
    return server.last.json()


# Headers.


async def test_a_request_has_its_key_content_type_and_user_agent(server: Server, client: OpenAI) -> None:
    await sent(server, client)
    assert server.last["authorization"] == f"Bearer {KEY}"
    assert server.last["content-type"].startswith("application/json")
    assert server.last["user-agent"]
    assert (server.last.method, server.last.path) == ("POST", "/v1/chat/completions")


async def test_a_get_request_has_no_body(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL))
    await client.models.retrieve("m")
    assert server.last.body == b""
    assert "transfer-encoding" not in server.last


@pytest.mark.parametrize("name", ["X-Default", "x-default", "x-DEFAULT"])
async def test_extra_headers_beat_default_headers_whatever_their_case(server: Server, name: str) -> None:
    async with client_for(server, default_headers={"X-Default": "client", "X-Other": "stays"}) as client:
        await sent(server, client, extra_headers={name: "call", "X-New": "1"})
    assert (server.last["x-default"], server.last["x-other"], server.last["x-new"]) == ("call", "stays", "1")


@pytest.mark.parametrize("name", ["X-Default", "User-Agent", "Authorization"])
async def test_a_header_can_be_removed_for_one_request(server: Server, name: str) -> None:
    async with client_for(server, default_headers={"X-Default": "client"}) as client:
        await sent(server, client, extra_headers={name: omit})
        assert name.lower() not in server.last
        await sent(server, client)
        assert name.lower() in server.last


@pytest.mark.parametrize("name", ["Authorization", "authorization"])
async def test_extra_headers_may_replace_the_authorization(server: Server, client: OpenAI, name: str) -> None:
    await sent(server, client, extra_headers={name: "Basic abc"})
    assert server.last.all("authorization") == ["Basic abc"]


async def test_a_header_value_with_a_line_break_is_refused(server: Server, client: OpenAI) -> None:
    for value in ("a\r\nx-injected: 1", "a\nb", "a\rb", "a\0b"):
        with pytest.raises(ValueError, match="x-mine"):
            await sent(server, client, extra_headers={"x-mine": value})
    assert server.requests == []


# Query.


async def test_extra_query_is_added_and_beats_the_methods_own(server: Server, client: OpenAI) -> None:
    server.script(json(batch_list(has_more=False)))
    await client.batches.list(limit=5, after="a", extra_query={"limit": 7, "new": "x"})
    assert sorted(server.last.query) == [("after", "a"), ("limit", "7"), ("new", "x")]


async def test_default_query_goes_with_every_request_and_yields_to_its_own(server: Server) -> None:
    server.script(json(batch_list(has_more=False)))
    async with client_for(server, default_query={"team": "a", "limit": 1}) as client:
        await client.batches.list()
        assert sorted(server.last.query) == [("limit", "1"), ("team", "a")]
        await client.batches.list(limit=9, extra_query={"team": "b"})
        assert sorted(server.last.query) == [("limit", "9"), ("team", "b")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": None, "b": "x"}, [("b", "x")]),
        ({"a": omit, "b": "x"}, [("b", "x")]),
        ({"include": ["a", "b"]}, [("include[]", "a"), ("include[]", "b")]),
        ({"metadata": {"a": "b", "c": {"d": "e"}}}, [("metadata[a]", "b"), ("metadata[c][d]", "e")]),
        ({"a": True, "b": False, "c": 10, "d": 1.5}, [("a", "true"), ("b", "false"), ("c", "10"), ("d", "1.5")]),
        ({"a": {"b": ["x", None, "y"]}}, [("a[b][]", "x"), ("a[b][]", "y")]),
        ({"a": ["x", None]}, [("a[]", "x")]),
        ({"q": "a b&c=d+e/é?#%"}, [("q", "a b&c=d+e/é?#%")]),
        ({"q": ""}, [("q", "")]),
    ],
    ids=repr,
)
async def test_query_values_arrive_as_they_were_meant(
    server: Server, client: OpenAI, given: Mapping[str, object], expected: list[tuple[str, str]]
) -> None:
    server.script(json(model_list("a")))
    await client.models.list(extra_query=given)
    assert server.last.query == expected


# Bodies.


@pytest.mark.parametrize("text", ["Grüße, 世界 😀", "\u2028\u2029", 'quotes " and \\', "\x00\x1f", ""])
async def test_text_is_sent_as_utf8_json(server: Server, client: OpenAI, text: str) -> None:
    body = await sent(server, client, messages=[{"role": "user", "content": text}])
    assert body["messages"][0]["content"] == text
    server.last.body.decode("utf-8")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_numbers_that_json_does_not_have_are_refused(server: Server, client: OpenAI, number: float) -> None:
    with pytest.raises((ValueError, TypeError)):
        await sent(server, client, temperature=number)
    assert server.requests == []


async def test_extra_body_is_merged_and_beats_the_methods_own(server: Server, client: OpenAI) -> None:
    body = await sent(server, client, temperature=0.1, extra_body={"temperature": 0.9, "new": [1], "nothing": None})
    assert body == {**PROMPT, "temperature": 0.9, "new": [1], "nothing": None}


@pytest.mark.parametrize("left_out", [omit, NOT_GIVEN], ids=["omit", "NOT_GIVEN"])
async def test_what_is_left_out_is_not_sent_and_none_is_null(server: Server, client: OpenAI, left_out: object) -> None:
    assert await sent(server, client, temperature=left_out, stop=left_out) == PROMPT
    assert await sent(server, client, temperature=None, stop=left_out) == {**PROMPT, "temperature": None}


async def test_iterables_are_taken_where_lists_are(server: Server, client: OpenAI) -> None:
    messages = PROMPT["messages"]
    for given in (tuple(messages), iter(messages), (message for message in messages)):
        assert (await sent(server, client, messages=given))["messages"] == messages


async def test_a_generator_is_sent_whole_on_every_attempt(server: Server, client: OpenAI) -> None:
    server.script(error(500), json(chat()))
    await sent(server, client, messages=(message for message in PROMPT["messages"]))
    assert [request.json()["messages"] for request in server.requests] == [PROMPT["messages"]] * 2


async def test_an_answer_may_be_passed_back_as_a_parameter(server: Server, client: OpenAI) -> None:
    answer = await client.chat.completions.create(**PROMPT)
    body = await sent(server, client, messages=[*PROMPT["messages"], answer.choices[0].message])
    message = body["messages"][1]
    assert (message["role"], message["content"]) == ("assistant", "Hello!")


async def test_the_callers_objects_are_not_changed(server: Server, client: OpenAI) -> None:
    given = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "metadata": {"a": "b"},
        "stop": ["x"],
        "extra_headers": {"x-mine": "1"},
        "extra_query": {"q": ["a"]},
        "extra_body": {"new": {"deep": [1]}},
    }
    before = deepcopy(given)
    await sent(server, client, **given)
    assert given == before


# Arguments that are wrong.


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.chat.completions.create(model="m"),
        lambda c: c.chat.completions.create(messages=[]),
        lambda c: c.models.retrieve(),
        lambda c: c.files.create(purpose="assistants"),
        lambda c: c.chat.completions.create(**PROMPT, tempreature=1),
        lambda c: c.models.retrieve("m", unknown=1),
        lambda c: c.models.list(unknown=1),
    ],
    ids=["no messages", "no model", "no id", "no file", "a typing error", "unknown", "unknown for a list"],
)
async def test_missing_and_unknown_arguments_raise_before_anything_is_sent(
    server: Server, client: OpenAI, call: Callable[[OpenAI], object]
) -> None:
    with pytest.raises(TypeError):
        await call(client)
    assert server.requests == []


async def test_a_class_as_response_format_is_refused_with_a_way_out(server: Server, client: OpenAI) -> None:
    class Answer:
        text: str

    with pytest.raises(TypeError, match=r"parse\("):
        await client.chat.completions.create(**PROMPT, response_format=Answer)
    assert server.requests == []


# Embeddings.


async def test_embeddings_are_asked_for_as_base64_and_come_as_numbers(server: Server, client: OpenAI) -> None:
    server.script(json(embeddings([ENCODED, ENCODED])))
    answer = await client.embeddings.create(model="m", input=["a", "b"])
    assert server.last.json()["encoding_format"] == "base64"
    assert [list(item.embedding) for item in answer.data] == [VECTOR, VECTOR]
    assert answer.data[0].embedding == VECTOR
    assert answer.to_dict()["data"][1]["embedding"] == VECTOR
    assert jsonlib.loads(answer.to_json())["data"][0]["embedding"] == VECTOR


async def test_embeddings_of_a_server_that_ignores_the_encoding_are_numbers_too(server: Server, client: OpenAI) -> None:
    server.script(json(embeddings([[0.1, 0.2]])))
    answer = await client.embeddings.create(model="m", input="a")
    assert answer.data[0].embedding == [0.1, 0.2]


async def test_embeddings_asked_for_as_floats_come_as_they_are(server: Server, client: OpenAI) -> None:
    server.script(json(embeddings([[0.1, 0.2]])))
    answer = await client.embeddings.create(model="m", input="a", encoding_format="float")
    assert server.last.json()["encoding_format"] == "float"
    assert answer.data[0].embedding == [0.1, 0.2]


@pytest.mark.parametrize("how", ["argument", "extra_body"])
async def test_embeddings_asked_for_as_base64_by_the_caller_stay_text(server: Server, client: OpenAI, how: str) -> None:
    server.script(json(embeddings([ENCODED])))
    given = {"encoding_format": "base64"}
    answer = await client.embeddings.create(
        model="m", input="a", **(given if how == "argument" else {"extra_body": given})
    )
    assert server.last.json()["encoding_format"] == "base64"
    assert answer.data[0].embedding == ENCODED


# Endpoints without a method.


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
async def test_any_path_can_be_called_with_any_verb(server: Server, client: OpenAI, verb: str) -> None:
    server.script(json({"done": [1, {"deep": None}]}))
    body = {} if verb == "get" else {"body": {"a": 1}}
    assert await getattr(client, verb)("/strange/thing", cast_to=object, **body) == {"done": [1, {"deep": None}]}
    assert (server.last.method, server.last.path) == (verb.upper(), "/v1/strange/thing")
    assert server.last["authorization"] == f"Bearer {KEY}"
    assert not body or server.last.json() == {"a": 1}


async def test_get_takes_options_with_params_and_headers(server: Server, client: OpenAI) -> None:
    await client.get("/x?fixed=1", cast_to=object, options={"params": {"q": ["a", "b"]}, "headers": {"x-mine": "1"}})
    assert sorted(server.last.query) == [("fixed", "1"), ("q[]", "a"), ("q[]", "b")]
    assert server.last["x-mine"] == "1"


async def test_params_replace_those_of_the_same_name_in_the_path(server: Server, client: OpenAI) -> None:
    options = {"params": {"a": "new", "c": ["y"]}}
    await client.get("/x?a=1&b=%C3%BC&c%5B%5D=x", cast_to=object, options=options)
    assert server.last.query == [("b", "ü"), ("a", "new"), ("c[]", "y")]


async def test_a_percent_encoded_path_is_sent_as_given(server: Server, client: OpenAI) -> None:
    await client.get("/a%2Fb/c%20d", cast_to=object)
    assert server.last.target == "/v1/a%2Fb/c%20d"


async def test_bytes_are_sent_with_the_callers_content_type(server: Server, client: OpenAI) -> None:
    await client.post(
        "/raw", cast_to=object, content=b"\x00\xff raw", options={"headers": {"Content-Type": "application/x-thing"}}
    )
    assert server.last.body == b"\x00\xff raw"
    assert server.last.all("content-type") == ["application/x-thing"]


async def test_an_async_iterator_is_streamed_as_the_body(server: Server, client: OpenAI) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one ", b"", b"two ", b"three"):
            yield piece

    await client.post("/raw", cast_to=object, content=pieces(), options={"headers": {"Content-Type": "text/plain"}})
    assert server.last.body == b"one two three"


async def test_a_body_that_can_be_read_once_is_not_sent_twice(server: Server, client: OpenAI) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    server.script(error(400, headers={"x-should-retry": "true"}), json(chat()))
    with pytest.raises(BadRequestError):
        await client.post("/raw", cast_to=object, content=pieces())
    assert len(server.requests) == 1


async def test_bytes_as_body_warn_and_name_content(server: Server, client: OpenAI) -> None:
    with pytest.warns(DeprecationWarning, match="content="):
        await client.post("/raw", cast_to=object, body=b"raw")
    assert server.last.body == b"raw"


async def test_an_empty_answer_to_any_path_is_none(server: Server, client: OpenAI) -> None:
    server.script(whole(b"", 204))
    assert await client.delete("/x", cast_to=type(None)) is None
