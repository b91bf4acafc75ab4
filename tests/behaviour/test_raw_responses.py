"""Raw and streaming responses: the head, the body in every form, and what parsed objects can do."""

from __future__ import annotations

import inspect
import json as jsonlib

import anyio
import pytest

from anyopenai import OpenAI
from behaviour.answers import MODEL, PROMPT, chat, delta, model_list
from behaviour.server import Server, chunked, events, json, whole

TEXT = {"content-type": "text/plain; charset=utf-8"}


async def test_a_raw_response_has_head_body_and_parse(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL, headers={"X-Thing": "1", "x-request-id": "req_9"}))
    raw = await client.models.with_raw_response.retrieve("m")
    assert raw.status_code == 200
    assert raw.headers["x-thing"] == raw.headers["X-THING"] == "1"
    assert raw.request_id == "req_9"
    assert raw.is_closed
    assert jsonlib.loads(raw.text) == jsonlib.loads(raw.content) == MODEL
    model = raw.parse()
    assert model.id == "m"
    assert model == await client.models.retrieve("m")


async def test_a_raw_response_knows_its_request(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL))
    raw = await client.models.with_raw_response.retrieve("m", extra_headers={"x-mine": "1"})
    assert raw.http_request.method == "GET"
    assert str(raw.http_request.url) == f"{server.url}/v1/models/m"
    assert raw.http_request.headers["X-Mine"] == "1"
    assert raw.http_response.status_code == raw.status_code
    assert raw.http_response.json() == raw.json() == MODEL
    assert str(raw.http_response.url) == str(raw.url)


async def test_parsed_objects_carry_the_request_id_and_do_not_dump_it(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL, headers={"x-request-id": "req_5"}))
    model = await client.models.retrieve("m")
    assert model._request_id == "req_5"
    assert "_request_id" not in model.to_dict()
    assert "req_5" not in model.to_json()
    assert (await client.models.with_raw_response.retrieve("m")).parse()._request_id == "req_5"


async def test_a_streaming_response_returns_before_its_body(server: Server, client: OpenAI) -> None:
    gate = anyio.Event()
    server.script(chunked(b'{"id": "m", ', gate, b'"object": "model"}', headers={"content-type": "application/json"}))
    async with client.models.with_streaming_response.retrieve("m") as response:
        assert response.status_code == 200
        assert not response.is_closed
        gate.set()
        assert (await response.parse()).id == "m"


@pytest.mark.parametrize("name", ["read", "text", "json", "parse"])
async def test_a_streaming_response_reads_its_body_as_a_coroutine(server: Server, client: OpenAI, name: str) -> None:
    server.script(json(MODEL))
    async with client.models.with_streaming_response.retrieve("m") as response:
        awaitable = getattr(response, name)()
        assert inspect.isawaitable(awaitable)
        found = await awaitable
    body = jsonlib.dumps(MODEL)
    if name == "parse":
        found = found.to_dict()
    assert found == {"read": body.encode(), "text": body, "json": MODEL, "parse": MODEL}[name]


LINES = "first\nsecond é\r\nthird"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("iter_bytes", LINES.encode()), ("iter_text", LINES), ("iter_lines", ["first", "second é", "third"])],
)
@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_streaming_response_gives_its_body_in_pieces(
    server: Server, client: OpenAI, name: str, expected: object, size: int
) -> None:
    data = LINES.encode()
    server.script(chunked(*(data[at : at + size] for at in range(0, len(data), size)), headers=TEXT))
    async with client.files.with_streaming_response.content("file-1") as response:
        pieces = [piece async for piece in getattr(response, name)()]
    joined = pieces if name == "iter_lines" else b"".join(pieces) if name == "iter_bytes" else "".join(pieces)
    assert joined == expected


@pytest.mark.parametrize("size", [1, 7, 10, 100])
async def test_pieces_have_the_size_that_was_asked_for(server: Server, client: OpenAI, size: int) -> None:
    data = bytes(range(40))
    server.script(chunked(data[:5], data[5:23], data[23:], headers=TEXT))
    async with client.files.with_streaming_response.content("file-1") as response:
        pieces = [piece async for piece in response.iter_bytes(size)]
    assert pieces == [data[at : at + size] for at in range(0, 40, size)]


async def test_leaving_a_streaming_response_early_hangs_up(server: Server, client: OpenAI) -> None:
    server.script(chunked(b"some", anyio.Event(), headers=TEXT))
    async with client.files.with_streaming_response.content("file-1") as response:
        assert await anext(aiter(response.iter_bytes())) == b"some"
    await server.connections[0].hung_up.wait()
    assert response.is_closed


async def test_an_exception_in_the_block_closes_the_response_and_goes_on(server: Server, client: OpenAI) -> None:
    server.script(chunked(b"some", anyio.Event(), headers=TEXT))
    with pytest.raises(ZeroDivisionError):
        async with client.files.with_streaming_response.content("file-1") as response:
            raise ZeroDivisionError
    await server.connections[0].hung_up.wait()
    assert response.is_closed


async def test_a_raw_response_of_a_stream_parses_to_the_stream(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a"), delta("b", "stop")))
    raw = await client.chat.completions.with_raw_response.create(**PROMPT, stream=True)
    assert raw.request_id == "req_test"
    assert [chunk.choices[0].delta.content async for chunk in raw.parse()] == ["a", "b"]


async def test_a_streaming_response_of_a_stream_parses_to_the_stream(server: Server, client: OpenAI) -> None:
    server.script(events(delta("a"), delta("b", "stop")))
    async with client.chat.completions.with_streaming_response.create(**PROMPT, stream=True) as response:
        stream = await response.parse()
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["a", "b"]


@pytest.mark.parametrize(
    ("to", "expected"), [(str, jsonlib.dumps(MODEL)), (dict[str, object], MODEL)], ids=["str", "dict"]
)
async def test_an_answer_can_be_parsed_into_another_type(
    server: Server, client: OpenAI, to: type[object], expected: object
) -> None:
    server.script(json(MODEL))
    raw = await client.models.with_raw_response.retrieve("m")
    assert raw.parse(to=to) == expected


async def test_the_clients_own_raw_views_reach_every_resource(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL), json(chat()), json(model_list("a")), whole(b"bytes"))
    assert (await client.with_raw_response.models.retrieve("m")).status_code == 200
    assert (await client.with_raw_response.chat.completions.create(**PROMPT)).parse().id == "chatcmpl-1"
    assert [model.id for model in (await client.with_raw_response.models.list()).parse().data] == ["a"]
    async with client.with_streaming_response.files.content("file-1") as response:
        assert await response.read() == b"bytes"


@pytest.mark.parametrize("view", ["with_raw_response", "with_streaming_response"])
def test_the_views_keep_a_methods_parameters(view: str) -> None:
    completions = OpenAI(api_key="k").chat.completions
    plain = inspect.signature(completions.create).parameters
    assert {"model", "messages", "stream", "temperature"} <= plain.keys()
    assert inspect.signature(getattr(completions, view).create).parameters.keys() == plain.keys()


async def test_answers_convert_and_compare_by_value(server: Server, client: OpenAI) -> None:
    server.script(json(chat()))
    one = await client.chat.completions.create(**PROMPT)
    two = await client.chat.completions.create(**PROMPT)
    assert one == two
    assert one is not two
    two.choices[0].message.content = "Other."
    assert one != two
    dumped = one.to_dict()
    assert dumped["choices"][0]["message"]["content"] == "Hello!"
    assert jsonlib.loads(one.to_json())["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert one.model_dump()["id"] == jsonlib.loads(one.model_dump_json())["id"] == "chatcmpl-1"


async def test_what_the_answer_leaves_out_reads_as_none(server: Server, client: OpenAI) -> None:
    server.script(json(chat()))
    answer = await client.chat.completions.create(**PROMPT)
    assert answer.system_fingerprint is None
    assert answer.choices[0].message.tool_calls is None
    assert answer.usage.completion_tokens_details is None
