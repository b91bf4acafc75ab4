"""The stand-in as an application: keys, routes, errors, request ids, streams."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


async def test_every_answer_has_a_request_id_of_its_own_and_a_processing_time():
    app = StandIn()
    first, second = await ask(app, "GET", "/v1/models"), await ask(app, "GET", "/v1/nothing")
    assert first.headers["x-request-id"].startswith("req_")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["openai-processing-ms"].isdigit()
    assert first.headers["content-length"] == str(len(first.body))


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic abc"}])
async def test_a_request_without_a_key_is_refused(headers: dict[str, str]):
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", CHAT, headers=headers)
    assert reply.status == 401
    assert set(reply.error) == {"message", "type", "param", "code"}


async def test_any_key_is_taken_and_none_is_shown():
    reply = await ask(StandIn(), "GET", "/v1/nothing", headers={"authorization": "bearer sk-secret"})
    assert reply.status == 404
    assert b"sk-secret" not in reply.body


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/v2/models", "/models", "/v1/models/a/b", "/v1//models"])
async def test_an_unknown_path_is_404_in_the_apis_shape(path: str):
    reply = await ask(StandIn(), "GET", path)
    assert reply.status == 404
    assert reply.error["type"] == "invalid_request_error"
    assert path in reply.error["message"]


async def test_a_wrong_method_is_405_and_names_the_right_ones():
    reply = await ask(StandIn(), "DELETE", "/v1/chat/completions")
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"model": NaN}', b"{} {}"])
async def test_a_body_that_is_not_json_is_400(body: bytes):
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", body=body)
    assert reply.status == 400
    assert reply.error["code"] == "invalid_json"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"3", b"null"])
async def test_a_json_body_that_is_no_object_is_400(body: bytes):
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", body=body)
    assert (reply.status, reply.error["code"]) == (400, "invalid_type")


async def test_a_huge_json_body_is_413_and_read_away(monkeypatch: pytest.MonkeyPatch):
    from anyopenai.testing.exchange import Request

    monkeypatch.setattr(Request.read, "__defaults__", (10,))
    reply = await ask(StandIn(), "POST", "/v1/chat/completions", body=[b"x" * 8] * 3)
    assert (reply.status, reply.error["code"]) == (413, "request_too_large")


async def test_the_root_says_what_this_is_without_a_key():
    reply = await ask(StandIn(), "GET", "/", headers={})
    assert reply.status == 200
    assert "computes no model" in reply.json()["message"]


async def test_a_trailing_slash_changes_nothing():
    assert (await ask(StandIn(), "GET", "/v1/models/")).status == 200


async def test_a_defect_of_the_stand_in_is_500_in_the_apis_shape_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("anyopenai.testing.chat._messages", broken)
    app = StandIn()
    with caplog.at_level(logging.ERROR, "anyopenai.testing"):
        reply = await ask(app, "POST", "/v1/chat/completions", CHAT)
    assert (reply.status, reply.error["type"]) == (500, "server_error")
    assert app.stats.crashed == 1
    assert "the stand-in failed on POST /v1/chat/completions" in caplog.text


async def test_counters_tell_what_was_asked():
    app = StandIn()
    await ask(app, "GET", "/v1/models")
    await ask(app, "GET", "/v1/nothing")
    await ask(app, "POST", "/v1/chat/completions", CHAT | {"stream": True, "max_tokens": 3})
    assert app.stats.to_dict() == {
        "connections": 0,
        "requests": 3,
        "active_requests": 0,
        "refused": 1,
        "rate_limited": 0,
        "crashed": 0,
        "streams": 1,
        "streams_finished": 1,
        "disconnects": 0,
        "tokens": 3,
    }


@pytest.mark.parametrize("token_delay", [0.0, 30.0])
async def test_a_client_that_leaves_a_stream_ends_its_generation(token_delay: float):
    app = StandIn(token_delay=token_delay)
    reply = await ask(app, "POST", "/v1/chat/completions", CHAT | {"stream": True}, leave_after=1)
    assert not reply.ended
    assert len(reply.pieces) <= 3
    assert (app.stats.streams, app.stats.streams_finished, app.stats.disconnects) == (1, 0, 1)
    assert app.stats.active_requests == 0


async def test_a_client_that_leaves_during_its_upload_is_counted():
    app = StandIn()
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[object] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/embeddings",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer k")],
    }
    await app(scope, receive, send)
    assert sent == []
    assert (app.stats.disconnects, app.stats.active_requests) == (1, 0)


async def test_streamed_tokens_take_the_time_they_are_told_to(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("anyopenai.testing.app.sleep", sleep)
    await ask(StandIn(token_delay=0.25), "POST", "/v1/chat/completions", CHAT | {"stream": True, "max_tokens": 3})
    assert waits == [0.25] * 3


def test_a_negative_delay_is_refused():
    with pytest.raises(ValueError, match="token_delay must be zero or more"):
        StandIn(token_delay=-1)


async def test_the_lifespan_starts_and_stops():
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> Any:
        await anyio.lowlevel.checkpoint()
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await StandIn()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_websocket_is_closed():
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await StandIn()({"type": "websocket"}, receive, send)
    assert sent == ["websocket.close"]
