"""Which server a command talks to, and how patiently; from its options and the environment; no client is made here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

__all__ = ("BULK_RETRIES", "Connecting")

# A bulk job meets rate limits as a matter of course and should outlast them: with the pauses that the retry rules make,
# eight repetitions of one request take about half a minute, or as long as the server asks for.
BULK_RETRIES: Final = 8


@dataclass(frozen=True)
class Connecting:
    """Server and key; None leaves a value to the client, which reads the environment.

    Attributes:
        base_url: The server.
        api_key: The key.
    """

    base_url: str | None = None
    api_key: str | None = None

    @classmethod
    def from_option(cls, base_url: str | None) -> Connecting:
        """Combine `--base-url` with the environment.

        Servers other than OpenAI's often take no key: where another server is named and no key is set, one that
        means nothing is sent, since the client insists on one.
        """
        url = base_url or os.environ.get("OPENAI_BASE_URL")
        if url and not os.environ.get("OPENAI_API_KEY"):
            return cls(url, "unused")
        return cls(base_url)
