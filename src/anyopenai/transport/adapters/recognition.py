"""Which adapter takes the client that `http_client=` was given, by what the object is; imports no library for that."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from ..._timeouts import Timeout
from .aiohttp import AiohttpTransport, is_aiohttp_session
from .httpx import HttpxTransport, httpx_library

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from ..base import Transport

__all__ = ("timeout_of", "transport_from_client")


def transport_from_client(client: object) -> Transport:
    """Return what carries requests over a client of another package, or the transport itself if it is one.

    Raises:
        TypeError: Nothing here knows how to use it.
    """
    if httpx_library(client) is not None:
        return HttpxTransport(cast("httpx.AsyncClient", client))
    if is_aiohttp_session(client):
        return AiohttpTransport(cast("aiohttp.ClientSession", client))
    for name in ("httpx", "httpx2"):
        library = sys.modules.get(name)
        if library is not None and isinstance(client, library.Client):
            raise TypeError(f"http_client= needs an asynchronous client: {name}.AsyncClient instead of {name}.Client")
    if isinstance(client, HttpxTransport | AiohttpTransport):
        return client
    raise TypeError(
        f"http_client= takes an httpx.AsyncClient, an httpx2.AsyncClient or an aiohttp.ClientSession, not "
        f"{type(client).__name__}; anything else that carries requests goes into transport= (see anyopenai.Transport)"
    )


def timeout_of(client: object) -> Timeout | None:
    """Return the time limits that a client was given by whoever made it; None if they are its library's defaults."""
    library = httpx_library(client)
    if library is not None:
        given: httpx.Timeout = cast("httpx.AsyncClient", client).timeout
        if given == library.Timeout(5.0):
            return None
        return Timeout(connect=given.connect, read=given.read, write=given.write, pool=given.pool)
    if is_aiohttp_session(client):
        limits = cast("aiohttp.ClientSession", client).timeout
        if limits == sys.modules["aiohttp"].client.DEFAULT_TIMEOUT:
            return None
        # aiohttp's `connect` is for a connection from the pool, waiting in line included.
        first = limits.connect if limits.connect is not None else limits.total
        connect = limits.sock_connect if limits.sock_connect is not None else first
        read = limits.sock_read if limits.sock_read is not None else limits.total
        return Timeout(connect=connect, read=read, write=limits.total, pool=first)
    return None
