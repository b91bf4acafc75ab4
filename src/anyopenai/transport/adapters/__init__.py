"""Public door of the adapters: transports over HTTP clients of other packages, each loaded on first use, as is its library."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aiohttp import AiohttpTransport
    from .defaults import DefaultAioHttpClient, DefaultAsyncHttpx2Client, DefaultAsyncHttpxClient
    from .httpx import HttpxTransport

__all__ = (
    "AiohttpTransport",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "HttpxTransport",
)

_HOMES = {
    "AiohttpTransport": "aiohttp",
    "DefaultAioHttpClient": "defaults",
    "DefaultAsyncHttpx2Client": "defaults",
    "DefaultAsyncHttpxClient": "defaults",
    "HttpxTransport": "httpx",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
