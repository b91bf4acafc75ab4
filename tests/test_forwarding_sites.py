"""`EventStreamResponse` in applications of FastAPI, Litestar and Starlette, on hypercorn and real sockets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from litestar.types import ASGIApp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anyopenai import EventStreamResponse, Forwarded, OpenAI, UsageLedger
from anyopenai.testing import Answer, serve
from anyopenai.testing.faults import Peer, fault_server
from anyopenai.testing.http2 import Data, Exchange, Head, Http2
from anyopenai.testing.http2 import Request as Http2Request
from anyopenai.testing.state import Stats
from engine.recordings import PROMPT, events
from engine.support import KEY, STREAM, chunk, client_over

SSE = {"content-type": "text/event-stream"}
COST = chunk() | {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
CHAT = events(*STREAM[:-1], COST, b"data: [DONE]\n\n")

Open = Callable[[], Any]
"""Asks for a chat, and returns the response that forwards it."""


class Site:
    """An application, as the embedded server takes one."""

    def __init__(self, app: Any) -> None:
        self.stats = Stats()
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


class Forward(Response):
    """The adapter of the documentation for frameworks that want a response of Starlette's."""

    def __init__(self, inner: EventStreamResponse) -> None:
        super().__init__()
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.inner(scope, receive, send)


def plain_starlette(open_chat: Open) -> Any:
    async def chat(request: Request) -> Any:
        return await open_chat()

    return Starlette(routes=[Route("/chat", chat)])


def adapted_starlette(open_chat: Open) -> Any:
    async def chat(request: Request) -> Response:
        return Forward(await open_chat())

    return Starlette(routes=[Route("/chat", chat)])


def fastapi(open_chat: Open) -> Any:
    app = FastAPI()

    @app.get("/chat")
    async def chat() -> Response:
        return Forward(await open_chat())

    return app


def litestar(open_chat: Open) -> Any:
    @get("/chat")
    async def chat() -> ASGIApp:
        return cast("ASGIApp", await open_chat())

    return Litestar([chat], openapi_config=None)


FRAMEWORKS: Mapping[str, Callable[[Open], Any]] = {
    "starlette": plain_starlette,
    "starlette-adapter": adapted_starlette,
    "fastapi": fastapi,
    "litestar": litestar,
}

every_framework = pytest.mark.parametrize("build", FRAMEWORKS.values(), ids=FRAMEWORKS.keys())


@asynccontextmanager
async def site(
    build: Callable[[Open], Any], client: OpenAI, on_end: Callable[[Forwarded], object]
) -> AsyncGenerator[Any]:
    """Serve an application that forwards a chat; give an open connection of a browser that has asked for it."""

    async def open_chat() -> EventStreamResponse:
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        return EventStreamResponse(stream, on_end=on_end)

    async with (
        serve(cast("Any", Site(build(open_chat)))) as server,
        await anyio.connect_tcp(server.host, server.port) as browser,
    ):
        await browser.send(b"GET /chat HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        yield browser


async def read_until(browser: Any, text: bytes) -> bytes:
    data = b""
    while text not in data:
        data += await browser.receive()
    return data


def body_of(answer: bytes) -> bytes:
    """Return the body of an answer in chunks."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body
        body, rest = body + rest[:length], rest[length + 2 :]


@every_framework
async def test_a_stream_passes_byte_for_byte_and_its_usage_is_told(build: Any) -> None:
    ends: list[Forwarded] = []
    ledger = UsageLedger()
    client, _ = client_over(Answer(pieces=[CHAT[:70], CHAT[70:]], headers=SSE), usage=ledger)
    async with site(build, client, ends.append) as browser:
        data = await read_until(browser, b"\r\n0\r\n\r\n")
    assert b"content-type: text/event-stream; charset=utf-8\r\n" in data.lower()
    assert b"content-length" not in data.lower()
    assert body_of(data) == CHAT
    (end,) = ends
    assert (end.complete, end.left, end.error, end.sent) == (True, False, None, len(CHAT))
    assert end.usage is not None
    assert end.usage.total_tokens == ledger.total.total_tokens == 7


@every_framework
async def test_a_browser_that_leaves_ends_the_http1_stream_behind_it(build: Any) -> None:
    hung_up = anyio.Event()
    ended = anyio.Event()

    async def serve_upstream(peer: Peer) -> None:
        await peer.receive_request()
        body = events(chunk("Hel"))
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        await peer.send(head + b"%x\r\n%b\r\n" % (len(body), body))
        try:
            while True:
                await peer.receive_some()
        finally:
            hung_up.set()

    async with (
        fault_server([serve_upstream]) as upstream,
        OpenAI(api_key=KEY, base_url=upstream.url, http2=False) as client,
        site(build, client, lambda _: ended.set()) as browser,
    ):
        await read_until(browser, b"Hel")
        assert not hung_up.is_set()
        await browser.aclose()
        await hung_up.wait()
        await ended.wait()


@every_framework
async def test_a_browser_that_leaves_resets_the_http2_stream_behind_it(build: Any) -> None:
    gone = anyio.Event()
    codes: list[int | None] = []
    ended = anyio.Event()

    async def hold(exchange: Exchange) -> None:
        try:
            await exchange.gone.wait()
        finally:
            codes.append(exchange.reset_code)
            gone.set()

    http2 = Http2([Http2Request(), Head(headers=SSE), Data(events(chunk("Hel"))), hold])
    async with (
        fault_server([http2]) as upstream,
        OpenAI(api_key=KEY, base_url=upstream.url, http2=True) as client,
        site(build, client, lambda _: ended.set()) as browser,
    ):
        await read_until(browser, b"Hel")
        assert not gone.is_set()
        await browser.aclose()
        await gone.wait()
        await ended.wait()
        assert http2.violations == []
    assert codes == [8]
