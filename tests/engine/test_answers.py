"""What an answer's bytes become: large ones in steps, errors in spite of a good status, forms chosen by the caller."""

from __future__ import annotations

import gzip
from typing import Any

import anyio
import msgspec
import pytest
from anyio.lowlevel import checkpoint

from anyopenai import (
    APIError,
    APIResponseValidationError,
    BaseModel,
    BinaryResponse,
    OpenAI,
    RateLimitError,
    RawResponse,
    Stream,
)
from anyopenai._contract import Operation, ResponseInfo
from anyopenai._engine.arrival import LARGE
from anyopenai._engine.settings import Settings
from anyopenai.testing import Answer, FakeTransport
from anyopenai.testing.faults import Forever, Receive, Reply, fault_server
from anyopenai.types import Model
from anyopenai.types.chat import ChatCompletion
from engine.support import CHAT, KEY, MODEL, PROMPT, STREAM, client_over, ok


async def test_a_large_answer_lets_other_tasks_run_while_it_is_decoded() -> None:
    """A decoder holds the interpreter lock, so only steps with pauses between them help."""
    items = [{"object": "embedding", "index": index, "embedding": "AACAPwAAAEA=" * 400} for index in range(600)]
    answer = Answer(
        json={"object": "list", "data": items, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    )
    assert sum(len(piece) for piece in answer.items if isinstance(piece, bytes)) > 2 * LARGE
    client, _ = client_over(answer)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await checkpoint()

    async with anyio.create_task_group() as group:
        # Without another runnable task a checkpoint gives way to nobody.
        raw = await client.embeddings.with_raw_response.create(model="m", input="x")
        arrival = raw._arrival
        group.start_soon(count)
        from anyopenai._engine.answers import read_answer

        result = await read_answer(arrival)
        # About one turn for every 32 KB of the document.
        assert turns > len(raw.content) // 65536
        group.cancel_scope.cancel()
    assert len(result.data) == 600
    assert result.data[599].index == 599
    assert result._request_id == "req_fake_1"


async def test_a_large_answer_is_never_joined_in_one_go() -> None:
    """One join of all pieces would hold the interpreter as long as decoding half of them."""
    pieces = [b'{"id": "m", "object": "' + b"x" * 2**20, b"y" * 2**20, b'", "created": 1, "owned_by": "me"}']
    for fields in ({"content-length": str(sum(map(len, pieces)))}, {}):
        transport = FakeTransport(Answer(pieces=pieces, headers={"content-type": "application/json", **fields}))
        client = OpenAI(api_key=KEY, transport=transport)

        async def no_join(limit: int) -> bytes:
            raise AssertionError("read() joins")

        send = transport.send

        async def without_read(request: Any, send: Any = send) -> Any:
            response = await send(request)

            class Response:
                status, headers, http_version = response.status, response.headers, response.http_version
                receive, aclose, abandon, read = response.receive, response.aclose, response.abandon, no_join
                complete = property(lambda self: response.complete)

            return Response()

        transport.send = without_read
        model = await client.models.retrieve("m")
        assert (model.owned_by, len(model.object)) == ("me", 2 * 2**20)
        assert transport.open_responses == 0


@pytest.mark.parametrize("view", ["plain", "raw", "streamed"])
async def test_a_large_binary_answer_is_never_joined_in_one_go(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [bytes([number]) * 2**20 for number in range(3)]
    client, transport = client_over(Answer(pieces=pieces, headers={"content-type": "application/octet-stream"}))

    async def no_join(*_: object) -> bytes:
        raise AssertionError("read() joins")

    monkeypatch.setattr("anyopenai.testing.transport.FakeResponse.read", no_join)
    if view == "plain":
        content = (await client.files.content("f")).content
    elif view == "raw":
        content = (await client.files.with_raw_response.content("f")).content
    else:
        async with client.files.with_streaming_response.content("f") as response:
            content = await response.read()
    assert type(content) is bytes
    assert content == b"".join(pieces)
    assert transport.open_responses == 0


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
async def test_an_answer_that_was_packed_well_is_read_whole(sized: bool) -> None:
    """All of it has come over the wire with the first read, and most of it is still to be unpacked."""
    body = b'{"id": "%b", "object": "model", "created": 1, "owned_by": "me"}' % (b"m" * 3_000_000)
    packed = gzip.compress(body)
    fields = {"content-type": "application/json", "content-encoding": "gzip"}
    reply = Reply(body=packed, headers=fields) if sized else Reply(chunks=[packed], headers=fields)
    async with (
        fault_server([Forever(Receive(), reply)]) as server,
        OpenAI(api_key=KEY, base_url=server.url, max_retries=0) as client,
    ):
        assert len((await client.models.retrieve("m")).id) == 3_000_000
        assert (await client.models.with_raw_response.retrieve("m")).content == body


async def test_a_large_answer_over_the_size_limit_is_refused_piece_by_piece() -> None:
    client, transport = client_over(Answer(pieces=[b"x" * 50] * 9, headers={"content-type": "application/json"}))
    client._change(max_bytes=100)
    with pytest.raises(APIError, match="too large"):
        await client.models.retrieve("m")
    assert transport.open_responses == 0


async def test_a_large_page_leads_on_and_a_large_raw_answer_is_bytes() -> None:
    large = [{"id": str(index), "filename": "x" * 1000} for index in range(1200)]
    client, _ = client_over(
        ok({"data": large, "has_more": True}), ok({"data": [{"id": "last"}], "has_more": False}), ok({"data": large})
    )
    assert [file.id async for file in client.files.list()][-1] == "last"
    raw = await client.get("/files", cast_to=RawResponse)
    assert type(raw.content) is bytes


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"error": {"message": "no", "type": "requests"}}, RateLimitError),
        ({"error": "no"}, APIError),
        ({"object": "error", "message": "no"}, APIError),
        ({"detail": "no"}, None),
    ],
    ids=str,
)
async def test_an_error_object_with_a_good_status_is_an_error(document: object, kind: type[APIError] | None) -> None:
    client, _ = client_over(ok(document))
    if kind is None:
        # FastAPI's shape is too common a member to be an error by itself.
        await client.chat.completions.create(**PROMPT)
        return
    with pytest.raises(kind, match="no") as caught:
        await client.chat.completions.create(**PROMPT)
    assert caught.value.request is not None


async def test_an_object_of_the_api_may_have_an_error_member() -> None:
    document = {
        "error": {"code": "server_error", "message": "failed"},
        "id": "resp_1",
        "object": "response",
        "output": [],
    }
    client, _ = client_over(ok(document))
    response = await client.responses.retrieve("resp_1")
    assert response.error is not None
    assert response.error.message == "failed"


@pytest.mark.parametrize("body", [b"", b"  \n", b"<html>", b"[]", b'"text"', b'{"id": '], ids=repr)
async def test_what_cannot_be_the_answer_raises_with_the_beginning_of_it(body: bytes) -> None:
    client, transport = client_over(Answer(content=body, headers={"content-type": "application/json"}))
    with pytest.raises(APIResponseValidationError) as caught:
        await client.chat.completions.create(**PROMPT)
    assert caught.value.response.content == body
    assert "req_fake_1" in str(caught.value)
    assert len(str(caught.value)) < 600
    assert transport.open_responses == 0


async def test_an_answer_above_the_size_limit_is_refused() -> None:
    client, transport = client_over(ok(CHAT))
    client._change(max_bytes=10)
    with pytest.raises(APIError, match="too large"):
        await client.chat.completions.create(**PROMPT)
    assert transport.open_responses == 0


class Cat(BaseModel, kw_only=True, tag_field="type", tag="cat"):
    meow: str


class Dog(BaseModel, kw_only=True, tag_field="type", tag="dog"):
    bark: str


async def test_any_path_gives_what_cast_to_says() -> None:
    answer = ok({"type": "dog", "bark": "wuff"})
    client, _ = client_over(*[answer] * 12)
    dog = await client.get("/pet", cast_to=Cat | Dog)
    assert isinstance(dog, Dog)
    assert dog.bark == "wuff"
    assert await client.get("/pet", cast_to=object) == {"type": "dog", "bark": "wuff"}
    assert await client.get("/pet", cast_to=dict[str, str]) == {"type": "dog", "bark": "wuff"}
    assert await client.get("/pet", cast_to=str) == '{"type":"dog","bark":"wuff"}'
    assert await client.get("/pet", cast_to=bytes) == b'{"type":"dog","bark":"wuff"}'
    assert await client.get("/pet", cast_to=None) is None
    assert await client.get("/pet", cast_to=type(None)) is None
    binary = await client.get("/pet", cast_to=BinaryResponse)
    assert binary.json() == {"type": "dog", "bark": "wuff"}
    raw = await client.get("/pet", cast_to=RawResponse)
    assert raw.status_code == 200
    typed = await client.get("/pet", cast_to=RawResponse[Dog])
    assert typed.parse().bark == "wuff"
    info = await client.get("/pet", cast_to=ResponseInfo)
    assert info.text == '{"type":"dog","bark":"wuff"}'
    own = await client.get("/pet", cast_to=msgspec.Struct)
    assert isinstance(own, msgspec.Struct)


async def test_any_path_can_be_streamed() -> None:
    client, transport = client_over(Answer(events=STREAM), Answer(events=[{"a": 1}]), Answer(events=[{"a": 1}]))
    from anyopenai.types.chat import ChatCompletionChunk

    stream = await client.post(
        "/chat/completions",
        cast_to=object,
        body={**PROMPT, "stream": True},
        stream=True,
        stream_cls=Stream[ChatCompletionChunk],
    )
    assert [event.choices[0].delta.content async for event in stream] == ["Hel", "lo", None]
    async with await client.get("/events", cast_to=dict, stream=True) as events:
        assert [event async for event in events] == [{"a": 1}]
    async with await client.get("/events", cast_to=object, stream=True, stream_cls=Stream) as events:
        assert [event async for event in events] == [{"a": 1}]
    assert transport.requests[0].headers["accept"].startswith("text/event-stream")
    assert transport.open_responses == 0


async def test_a_raw_answer_can_be_read_as_another_type() -> None:
    client, _ = client_over(ok(MODEL), ok(MODEL))
    raw = await client.models.with_raw_response.retrieve("m")
    assert raw.parse().owned_by == "me"
    assert raw.parse() is raw.parse()
    assert raw.parse(to=dict) == MODEL
    assert raw.parse(to=Model).id == "m"
    assert (raw.method, raw.url) == ("GET", "https://api.openai.com/v1/models/m")
    assert raw.http_request.headers["authorization"] == "<redacted>"
    assert raw.elapsed.total_seconds() >= 0
    assert KEY not in repr(raw)
    async with client.models.with_streaming_response.retrieve("m") as response:
        assert (await response.parse(to=Model)).id == "m"
        assert await response.parse(to=str) == '{"id":"m","object":"model","created":1,"owned_by":"me"}'


async def test_an_argument_chooses_the_answers_type() -> None:
    operation: Operation[Any] = Operation(
        name="audio.test",
        verb="POST",
        path="/audio",
        returns=ChatCompletion,
        body="json",
        variants=("response_format", {"text": str, "model": Model}),
    )
    transport = FakeTransport(Answer(content="spoken", headers={"content-type": "text/plain"}), ok(MODEL), ok(CHAT))
    client = OpenAI(api_key=KEY, transport=transport)
    assert await client._caller.call(operation, body={"response_format": "text"}, options={}) == "spoken"
    model = await client._caller.call(operation, body={}, options={"extra_body": {"response_format": "model"}})
    assert isinstance(model, Model)
    assert isinstance(await client._caller.call(operation, body={}, options={}), ChatCompletion)


def test_settings_put_derived_values_in_order_again() -> None:
    client = OpenAI(api_key="k", timeout=5, default_query={"a": 1})
    old: Settings = client._settings
    new = old.replaced(query={"b": 2}, headers={"X-A": "1", "x-token": "2"})
    assert new.encoded_query == "b=2"
    assert set(new.fields) == {"user-agent", "x-a"}
    assert set(new.secrets) == {"x-token"}
    assert old.encoded_query == "a=1"
