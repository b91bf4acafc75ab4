"""aiohttp and msgspec without an SDK."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from ..harness.scenario import Contender, Unsupported
from .plain import HEADERS, Splitter, decode_answer, encode_request

__all__ = ("open_aiohttp",)


class AiohttpChat:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url + "/chat/completions"

    async def create(self) -> None:
        async with self._session.post(self._url, data=encode_request(), headers=HEADERS) as response:
            response.raise_for_status()
            assert decode_answer(await response.read())

    async def events(self) -> int:
        splitter, count = Splitter(), 0
        async with self._session.post(self._url, data=encode_request(stream=True), headers=HEADERS) as response:
            response.raise_for_status()
            async for data in response.content.iter_any():
                count += splitter.feed(data)
        assert splitter.done
        return count

    async def hold(self) -> object:
        response = await self._session.post(self._url, data=encode_request(stream=True), headers=HEADERS)
        splitter = Splitter()
        while not splitter.feed(await response.content.readany()):
            continue
        return response, splitter


@asynccontextmanager
async def open_aiohttp(contender: Contender, url: str, ca: str | None, http2: bool) -> AsyncIterator[AiohttpChat]:
    if http2:
        raise Unsupported("aiohttp has no HTTP/2")
    # As many connections as the SDKs have, and as long as a stream takes.
    connector = aiohttp.TCPConnector(limit=1000, ssl=ssl.create_default_context(cafile=ca) if ca else True)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield AiohttpChat(session, url)
