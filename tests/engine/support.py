"""Clients over scripted answers, and the documents that the engine's tests send about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from anyio.lowlevel import checkpoint

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport

KEY: Final = "sk-engine-5c1f90be77"
"""A key that no other text of a test contains."""

CHAT: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", "content": "Hi"}}
    ],
}
PROMPT: Final[dict[str, Any]] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
MODEL: Final = {"id": "m", "object": "model", "created": 1, "owned_by": "me"}


def chunk(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    """One event of a chat stream."""
    delta = {} if text is None else {"content": text}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


STREAM: Final = (chunk("Hel"), chunk("lo"), chunk(finish="stop"), "[DONE]")


def names_in(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def client_over(*answers: Any, **options: Any) -> tuple[OpenAI, FakeTransport]:
    """Make a client whose requests are answered by the script, without waits between attempts unless patched."""
    transport = FakeTransport(*answers)
    return OpenAI(**{"api_key": KEY, "transport": transport, **options}), transport


class Waits(list[float]):
    """Takes the waits between attempts down and lets them pass at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await checkpoint()


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Replace the engine's sleeping."""
    waits = Waits()
    monkeypatch.setattr("anyopenai._engine.engine.sleep", waits)
    return waits


def ok(document: object = MODEL, **fields: Any) -> Answer:
    """A JSON answer."""
    return Answer(json=document, **fields)


Work = Callable[[OpenAI], Awaitable[object]]
