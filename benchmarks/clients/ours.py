"""anyopenai as users make it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyopenai import OpenAI

from ..harness.scenario import Contender, Unsupported
from .sdk import SDKChat

__all__ = ("make_client", "open_ours")


def make_client(url: str, http2: bool) -> Any:
    """Return a client that speaks one protocol only; certificates come from `SSL_CERT_FILE`.

    Raises:
        Unsupported: This version has no HTTP/2.
    """
    options: dict[str, Any] = {}
    if "http2" in inspect.signature(OpenAI).parameters:
        options["http2"] = http2
    elif http2:
        raise Unsupported("this version has no http2=")
    return OpenAI(base_url=url, max_retries=0, **options)


@asynccontextmanager
async def open_ours(contender: Contender, url: str, ca: str | None, http2: bool) -> AsyncIterator[SDKChat]:
    async with make_client(url, http2) as client:
        yield SDKChat(client)
