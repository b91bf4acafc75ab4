"""openai-python with its default client, or with its aiohttp client; limits are its own defaults."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai

from ..harness.scenario import Contender, Unsupported
from .sdk import SDKChat

__all__ = ("make_client", "open_openai")


def make_client(contender: Contender, url: str, ca: str | None, http2: bool) -> Any:
    """Return a client; the default one wherever it needs no argument.

    Raises:
        Unsupported: HTTP/2 over aiohttp.
    """
    options: dict[str, Any] = {}
    if ca is not None:
        options["verify"] = ssl.create_default_context(cafile=ca)
    if http2:
        options.update(http2=True, http1=ca is not None)
    http_client: Any = None
    if contender.name.endswith("aiohttp"):
        if http2:
            raise Unsupported("aiohttp has no HTTP/2")
        http_client = openai.DefaultAioHttpClient(**options)
    elif options:
        http_client = openai.DefaultAsyncHttpxClient(**options)
    # Its default of 5 s for connecting fails on a busy machine, a thousand at once.
    return openai.AsyncOpenAI(base_url=url, max_retries=0, timeout=600, http_client=http_client)


@asynccontextmanager
async def open_openai(contender: Contender, url: str, ca: str | None, http2: bool) -> AsyncIterator[SDKChat]:
    async with make_client(contender, url, ca, http2) as client:
        yield SDKChat(client)
