"""Transports over other packages' clients, made as cheaply as their tests need."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from anyopenai.transport import AiohttpTransport, HttpxTransport, Transport

# Made once: a context costs as much as a hundred requests.
TLS = ssl.create_default_context()

HTTPX = ("httpx", "httpx2")


def httpx_client(library: str, **options: Any) -> Any:
    """An `AsyncClient` of httpx or httpx2; the test is skipped without it."""
    module = pytest.importorskip(library)
    limits = options.pop("max_connections", None)
    if limits is not None:
        options["limits"] = module.Limits(max_connections=limits)
    return module.AsyncClient(verify=TLS, **options)


def aiohttp_session(max_connections: int = 100, **options: Any) -> Any:
    """A `ClientSession`; the test is skipped without aiohttp."""
    module = pytest.importorskip("aiohttp")
    return module.ClientSession(connector=module.TCPConnector(limit=max_connections), **options)


def maker(library: str, max_connections: int | None = None) -> Callable[[], Transport]:
    """A function that makes a transport over a library's client."""
    import_module(library)
    if library == "aiohttp":
        return lambda: AiohttpTransport(aiohttp_session(max_connections or 100))
    return lambda: HttpxTransport(httpx_client(library, max_connections=max_connections or 100))
