"""httpcore's own pool and msgspec without an SDK."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore

from ..harness.scenario import Contender
from .plain import HEADERS, Splitter, decode_answer, encode_request

__all__ = ("open_httpcore",)


class HttpcoreChat:
    def __init__(self, pool: httpcore.AsyncConnectionPool, url: str) -> None:
        self._pool = pool
        self._url = url + "/chat/completions"

    async def create(self) -> None:
        response = await self._pool.request("POST", self._url, headers=HEADERS, content=encode_request())
        assert response.status == 200, response.status
        assert decode_answer(response.content)

    async def events(self) -> int:
        splitter, count = Splitter(), 0
        body = encode_request(stream=True)
        async with self._pool.stream("POST", self._url, headers=HEADERS, content=body) as response:
            assert response.status == 200, response.status
            async for data in response.aiter_stream():
                count += splitter.feed(data)
        assert splitter.done
        return count

    async def hold(self) -> object:
        body = encode_request(stream=True)
        opened = self._pool.stream("POST", self._url, headers=HEADERS, content=body)
        response = await opened.__aenter__()
        pieces = aiter(response.aiter_stream())
        await anext(pieces)
        return opened, response, pieces


@asynccontextmanager
async def open_httpcore(contender: Contender, url: str, ca: str | None, http2: bool) -> AsyncIterator[HttpcoreChat]:
    context = ssl.create_default_context(cafile=ca) if ca else None
    async with httpcore.AsyncConnectionPool(
        ssl_context=context, max_connections=1000, http1=not http2 or ca is not None, http2=http2
    ) as pool:
        yield HttpcoreChat(pool, url)
