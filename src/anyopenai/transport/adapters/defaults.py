"""The HTTP clients that openai-python's users make by these names, with its defaults; each needs its extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from ..._timeouts import DEFAULT_TIMEOUT
from ...errors import MissingExtraError
from .aiohttp import AiohttpTransport

if TYPE_CHECKING:
    import aiohttp
    import httpx
    import httpx2

__all__ = ("DefaultAioHttpClient", "DefaultAsyncHttpx2Client", "DefaultAsyncHttpxClient")

# As many as the package's own pool opens, which is the number that openai-python's users are used to.
MAX_CONNECTIONS: Final = 1000


def DefaultAsyncHttpxClient(**options: object) -> httpx.AsyncClient:  # noqa: N802 - the name is openai-python's
    """Make an `httpx.AsyncClient` with the SDK's time limits and 1,000 connections, for `http_client=`.

    Args:
        options: What `httpx.AsyncClient` takes, such as `proxy`, `verify` or `event_hooks`.

    Raises:
        MissingExtraError: httpx is not installed.
    """
    return cast("httpx.AsyncClient", _httpx_client("httpx", options))


def DefaultAsyncHttpx2Client(**options: object) -> httpx2.AsyncClient:  # noqa: N802 - the name is openai-python's
    """Make an `httpx2.AsyncClient` with the SDK's time limits and 1,000 connections, for `http_client=`.

    Args:
        options: What `httpx2.AsyncClient` takes, such as `proxy`, `verify` or `event_hooks`.

    Raises:
        MissingExtraError: httpx2 is not installed.
    """
    return cast("httpx2.AsyncClient", _httpx_client("httpx2", options))


def DefaultAioHttpClient(**options: object) -> AiohttpTransport:  # noqa: N802 - the name is openai-python's
    """Make what carries requests over an `aiohttp.ClientSession` of up to 1,000 connections, for `http_client=`.

    The session is made with the first request, in its event loop, and reads the environment's proxies.

    Args:
        options: What `aiohttp.ClientSession` takes; a `connector` must be a function that makes one, since connectors
            need a running event loop.

    Raises:
        MissingExtraError: aiohttp is not installed.
    """
    library: Any = _library("aiohttp")

    def make() -> aiohttp.ClientSession:
        given: dict[str, Any] = {"trust_env": True, **options}
        connector = given.pop("connector", None)
        given["connector"] = library.TCPConnector(limit=MAX_CONNECTIONS) if connector is None else connector()
        return cast("aiohttp.ClientSession", library.ClientSession(**given))

    return AiohttpTransport(make)


def _httpx_client(name: str, options: dict[str, object]) -> object:
    library: Any = _library(name)
    defaults = {
        "timeout": library.Timeout(DEFAULT_TIMEOUT.read, connect=DEFAULT_TIMEOUT.connect),
        "limits": library.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
    }
    return library.AsyncClient(**{**defaults, **options})


def _library(name: str) -> object:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"This client needs the package {name!r}: pip install 'anyopenai[{name}]'.") from error
