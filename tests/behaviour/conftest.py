"""The server and the client that every behaviour is shown with; the environment is kept out."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from anyopenai import OpenAI
from behaviour.clients import Waits, client_for
from behaviour.server import Server


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, address or proxy of the outside reaches a test."""
    for name in os.environ:
        if name.startswith(("OPENAI_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A scripted server on a free loopback port."""
    async with Server().running() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[OpenAI]:
    """A client of that server."""
    async with client_for(server) as client:
        yield client


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """The waits between attempts, in seconds; they end at once."""
    waits = Waits()
    monkeypatch.setattr("anyopenai._engine.engine.sleep", waits.sleep)
    return waits
