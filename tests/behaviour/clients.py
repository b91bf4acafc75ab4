"""Clients for the scripted server, and what the tests know of them."""

from __future__ import annotations

from typing import Any, Final

import anyio
from anyio.lowlevel import checkpoint

from anyopenai import OpenAI
from behaviour.server import Server

KEY: Final = "sk-behaviour-4f0c81d2a95e"
"""A key that no other text of a test contains."""


def client_for(server: Server, **options: Any) -> OpenAI:
    """Make a client of the server; retries and limits are those of the package unless given."""
    return OpenAI(**{"api_key": KEY, "base_url": f"{server.url}/v1", **options})


class Waits(list[float]):
    """Seconds that would have been waited between attempts.

    Attributes:
        begun: Set when the first wait begins.
        endless: Waits never end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = anyio.Event()
        self.endless = False

    async def sleep(self, seconds: float) -> None:
        """Take a wait down, and let it pass at once."""
        self.append(seconds)
        self.begun.set()
        if self.endless:
            await anyio.sleep_forever()
        await checkpoint()
