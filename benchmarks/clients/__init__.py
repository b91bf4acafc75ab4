"""The clients under test behind one small interface: a chat completion, a stream of events; nothing that measures."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from ..harness.scenario import Contender
from ..harness.servers import Address

__all__ = ("Chat", "open_chat", "url_of")


class Chat(Protocol):
    """One client, ready to ask."""

    async def create(self) -> None:
        """Ask for a chat completion and read its text."""

    async def events(self) -> int:
        """Ask for a stream, read its events to the end, and return how many had a choice in them."""

    async def hold(self) -> object:
        """Ask for a stream, read its first event, and return what keeps it open."""


def open_chat(contender: Contender, address: Address, protocol: str, route: str) -> AbstractAsyncContextManager[Chat]:
    """Open a client, loading only what it needs.

    Args:
        contender: Which.
        address: The server's ports.
        protocol: `h1`, `tls`, `h2c` or `h2`.
        route: The first parts of the path, which say what the server answers.

    Raises:
        Unsupported: The client does not speak the protocol.
    """
    url = url_of(address, protocol, route)
    ca: str | None = address["ca"] if protocol in ("tls", "h2") else None
    http2 = protocol in ("h2c", "h2")
    found: Any
    if contender.name.startswith("anyopenai"):
        from .ours import open_ours as found
    elif contender.name.startswith("openai"):
        from .openai import open_openai as found
    elif contender.name.startswith("aiohttp"):
        from .aiohttp import open_aiohttp as found
    else:
        from .httpcore import open_httpcore as found
    opened: AbstractAsyncContextManager[Chat] = found(contender, url, ca, http2)
    return opened


def url_of(address: Address, protocol: str, route: str) -> str:
    """Return the base URL of a route at a server."""
    scheme = "https" if protocol in ("tls", "h2") else "http"
    return f"{scheme}://127.0.0.1:{address[protocol]}/{route}/v1"
