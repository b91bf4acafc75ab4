"""Answers that are errors, or are not what was asked for: which exception, and what it carries."""

from __future__ import annotations

import gzip
import json as jsonlib
import zlib

import pytest

import anyopenai
from anyopenai import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
)
from behaviour.answers import MODEL, PROMPT, chat, model_list
from behaviour.clients import KEY, client_for
from behaviour.server import Cut, Reply, Server, error, head, json, whole

JSON = {"content-type": "application/json"}

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "APIStatusError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    405: "APIStatusError",
    408: "APIStatusError",
    409: "ConflictError",
    413: "APIStatusError",
    418: "APIStatusError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    500: "InternalServerError",
    502: "InternalServerError",
    529: "InternalServerError",
    599: "InternalServerError",
}


async def failure(server: Server, reply: Reply) -> APIStatusError:
    """Make one call that is answered so, and return its error."""
    server.script(reply)
    async with client_for(server, max_retries=0) as client:
        with pytest.raises(APIStatusError) as caught:
            await client.models.retrieve("m")
    return caught.value


@pytest.mark.parametrize(("status", "name"), CLASSES.items())
async def test_a_status_has_its_class(server: Server, status: int, name: str) -> None:
    assert type(await failure(server, error(status))) is getattr(anyopenai, name)


async def test_a_status_error_carries_every_fact(server: Server) -> None:
    inner = {"message": "No such model.", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}
    reply = json({"error": inner}, 404, {"x-request-id": "req_42", "x-extra": "1"})
    problem = await failure(server, reply)
    assert isinstance(problem, NotFoundError)
    assert "No such model." in problem.message
    assert (problem.code, problem.param, problem.type) == ("model_not_found", "model", "invalid_request_error")
    assert problem.body == inner
    assert (problem.status_code, problem.request_id) == (404, "req_42")
    assert problem.response.status_code == 404
    assert problem.response.json() == {"error": inner}
    assert problem.response.headers["X-Extra"] == "1"
    assert problem.request.method == "GET"
    assert str(problem.request.url).endswith("/v1/models/m")


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
async def test_a_body_that_is_not_json_is_kept_as_text(server: Server, kind: str) -> None:
    problem = await failure(server, whole(b"<html>Bad gateway</html>", 502, {"content-type": kind}))
    assert type(problem) is InternalServerError
    assert problem.body == "<html>Bad gateway</html>"
    assert problem.code is None


@pytest.mark.parametrize("body", [b"", b"  \n"], ids=["empty", "blank"])
async def test_an_empty_body_still_gives_a_message(server: Server, body: bytes) -> None:
    problem = await failure(server, whole(body, 400, JSON))
    assert type(problem) is BadRequestError
    assert "400" in str(problem)


@pytest.mark.parametrize(
    "body",
    [
        None,
        True,
        17,
        "text",
        [],
        [1, 2],
        [{"error": {"message": "wrapped"}}],
        {},
        {"error": None},
        {"error": "text"},
        {"error": ["x"]},
        {"error": {"message": None, "code": 42}},
        {"error": {"message": {"nested": True}, "type": ["x"]}},
        {"message": "at the top"},
        {"detail": [{"loc": ["body"], "msg": "field required"}]},
        {"error": {"message": "x" * 100_000}},
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_any_json_body_gives_the_class_of_the_status(server: Server, body: object) -> None:
    problem = await failure(server, json(body, 400))
    assert type(problem) is BadRequestError
    assert str(problem)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b'{"error": {"message": "\xff"}}'], ids=["text", "in json"])
async def test_invalid_utf8_in_the_body_gives_the_class_of_the_status(server: Server, body: bytes) -> None:
    assert type(await failure(server, whole(body, 400, JSON))) is BadRequestError


@pytest.mark.parametrize("cut", Cut)
async def test_an_error_body_that_breaks_off_still_gives_an_error(server: Server, cut: Cut) -> None:
    server.script(Reply(head(400, {"content-length": "100", **JSON}) + b'{"error":', cut))
    async with client_for(server, max_retries=0) as client:
        with pytest.raises((BadRequestError, APIConnectionError)):
            await client.models.retrieve("m")


async def test_raw_responses_raise_the_same_error(server: Server, client: OpenAI) -> None:
    server.script(error(404, "Nothing here."))
    with pytest.raises(NotFoundError, match="Nothing here"):
        await client.models.with_raw_response.retrieve("m")


async def test_streaming_responses_raise_the_same_error_with_its_body(server: Server, client: OpenAI) -> None:
    server.script(error(404, "Nothing here."))
    with pytest.raises(NotFoundError, match="Nothing here") as caught:
        async with client.models.with_streaming_response.retrieve("m"):
            pytest.fail("there is no response")
    assert caught.value.body["message"] == "Nothing here."
    assert b"Nothing here." in caught.value.response.content


async def test_an_error_can_be_printed_and_does_not_hold_the_key(server: Server) -> None:
    problem = await failure(server, error(401, f"Incorrect API key provided: {KEY[:3]}***"))
    for text in (str(problem), repr(problem), repr(problem.request), repr(problem.response), repr(problem.__dict__)):
        assert KEY not in text


# Answers with status 200 that are not what was asked for.


@pytest.mark.parametrize("body", [b'{"id": "m", "obj', b"not json", b"", b"{]", b"\xff\xff"], ids=repr)
async def test_broken_json_raises_a_validation_error(server: Server, client: OpenAI, body: bytes) -> None:
    server.script(whole(body, headers={**JSON, "x-request-id": "req_7"}))
    with pytest.raises(APIResponseValidationError) as caught:
        await client.models.retrieve("m")
    assert caught.value.status_code == 200
    assert caught.value.response.content == body


@pytest.mark.parametrize("body", [b"<html>login</html>", b"OK"])
async def test_text_where_json_was_expected_raises_a_validation_error(
    server: Server, client: OpenAI, body: bytes
) -> None:
    server.script(whole(body, headers={"content-type": "text/html"}))
    with pytest.raises(APIResponseValidationError):
        await client.models.retrieve("m")


@pytest.mark.parametrize("value", [[1], "text", 7, True], ids=repr)
async def test_json_of_another_shape_never_poses_as_the_answer(server: Server, client: OpenAI, value: object) -> None:
    server.script(json(value))
    try:
        found = await client.models.retrieve("m")
    except APIError:
        return
    assert found == value


@pytest.mark.parametrize("name", ["text/plain", "application/vnd.api+json; charset=utf-8", "APPLICATION/JSON", None])
async def test_json_is_read_whatever_the_content_type_says(server: Server, client: OpenAI, name: str | None) -> None:
    server.script(whole(jsonlib.dumps(MODEL).encode(), headers={} if name is None else {"content-type": name}))
    assert (await client.models.retrieve("m")).owned_by == "me"


@pytest.mark.parametrize(
    "line",
    [b"NOT HTTP AT ALL\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"\0" * 64],
    ids=["no http", "no number", "no field", "zeros"],
)
async def test_a_malformed_answer_raises_a_connection_error(server: Server, client: OpenAI, line: bytes) -> None:
    server.script(Reply(line, keep=False))
    with pytest.raises(APIConnectionError):
        await client.models.retrieve("m")


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_a_method_that_returns_nothing_gives_none(server: Server, client: OpenAI, status: int) -> None:
    server.script(whole(b"", status) if status != 204 else Reply(head(204)))
    assert await client.responses.delete("resp_1") is None


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_decoded(server: Server, client: OpenAI, coding: str) -> None:
    body = jsonlib.dumps(chat("Compressed.")).encode()
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    server.script(whole(packed, headers={**JSON, "content-encoding": coding}))
    assert (await client.chat.completions.create(**PROMPT)).choices[0].message.content == "Compressed."
    assert coding in server.last["accept-encoding"]


# Lenient reading.


async def test_unknown_members_and_values_do_not_raise(server: Server, client: OpenAI) -> None:
    answer = chat(service_tier="interstellar", brand_new={"deep": [1]})
    answer["choices"][0]["finish_reason"] = "bored"
    server.script(json(answer))
    found = await client.chat.completions.create(**PROMPT)
    assert found.choices[0].finish_reason == "bored"
    assert found.service_tier == "interstellar"
    assert found.system_fingerprint is None


@pytest.mark.parametrize(
    "change",
    [
        {"created": None},
        {"created": "yesterday"},
        {"model": 7},
        {"id": None},
        {"usage": {"total_tokens": "three"}},
        {"usage": []},
        {"choices": [{"index": "0", "message": {"role": 1, "content": "Hello!"}}]},
        {"choices": [{"message": {"content": "Hello!"}}]},
    ],
    ids=repr,
)
async def test_a_wrong_or_missing_member_does_not_raise(
    server: Server, client: OpenAI, change: dict[str, object]
) -> None:
    server.script(json(chat(**change)))
    found = await client.chat.completions.create(**PROMPT)
    assert found.choices[0].message.content == "Hello!"


@pytest.mark.parametrize("name", ["id", "object", "created", "model", "usage"])
async def test_a_missing_member_reads_as_none(server: Server, client: OpenAI, name: str) -> None:
    answer = chat()
    del answer[name]
    server.script(json(answer))
    found = await client.chat.completions.create(**PROMPT)
    assert getattr(found, name) in (None, "chat.completion")
    assert found.choices[0].message.content == "Hello!"


# Strict mode.


@pytest.mark.parametrize(
    "reply",
    [
        json({**MODEL, "created": "yesterday"}),
        json({"id": "m"}),
        whole(b"hello", headers={"content-type": "text/plain"}),
        whole(jsonlib.dumps(MODEL).encode(), headers={"content-type": "text/plain"}),
    ],
    ids=["wrong type", "missing members", "text", "another content type"],
)
async def test_strict_mode_refuses_what_does_not_fit(server: Server, reply: Reply) -> None:
    server.script(reply)
    async with client_for(server, _strict_response_validation=True) as client:
        with pytest.raises(APIResponseValidationError):
            await client.models.retrieve("m")


async def test_strict_mode_takes_what_fits(server: Server) -> None:
    server.script(json(MODEL), json(model_list("a", brand_new=1)))
    async with client_for(server, _strict_response_validation=True) as client:
        assert (await client.models.retrieve("m")).id == "m"
        assert [model.id async for model in client.models.list()] == ["a"]
