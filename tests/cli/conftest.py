"""A stand-in server in a thread of its own, and the command line run in this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from anyopenai.cli.app import run
from anyopenai.cli.interrupts import SIGNALS, Interrupts
from anyopenai.testing import StandIn, serve

Run = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Base URL of a stand-in that lives as long as the tests do."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve()) as server:
        yield server.base_url


@pytest.fixture(scope="session")
def slow_server_url() -> Iterator[str]:
    """Base URL of a stand-in that takes a second for each token of a streamed answer."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(StandIn(token_delay=1))) as server:
        yield server.base_url


class Busy(StandIn):
    """Refuses every other request with a real 429."""

    refuse = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        self.refuse = not self.refuse
        if scope["type"] != "http" or not self.refuse:
            await super().__call__(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json"), (b"retry-after-ms", b"1")]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error": {"message": "too many requests"}}'})


@pytest.fixture
def busy_server_url() -> Iterator[str]:
    """Base URL of a stand-in that is over its limit every other time, from the first request on."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(Busy())) as server:
        yield server.base_url


class HangingServer(StandIn):
    """Takes requests and never answers."""

    base_url = ""

    def __init__(self) -> None:
        super().__init__()
        self._arrived = threading.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one request."""
        self._arrived.release()
        while (await receive())["type"] != "http.disconnect":
            pass

    def wait_for_requests(self, count: int) -> None:
        """Block until so many have arrived."""
        for _ in range(count):
            self._arrived.acquire()


@pytest.fixture
def hanging_server() -> Iterator[HangingServer]:
    """A server whose clients wait until they give up."""
    app = HangingServer()
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve(app)) as server:
        app.base_url = server.base_url
        yield app


# These make rich take a pipe for a terminal, or the other way round.
TERMINAL_SWITCHES = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.fixture(autouse=True)
def plain_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave it to the pipe or the terminal what it is."""
    for name in TERMINAL_SWITCHES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the environment without key and server."""
    for name in list(os.environ):
        if name.startswith("OPENAI_"):
            monkeypatch.delenv(name)


@pytest.fixture
def env(server_url: str, no_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the environment at the stand-in."""
    monkeypatch.setenv("OPENAI_BASE_URL", server_url)
    monkeypatch.setenv("OPENAI_API_KEY", "any")


@pytest.fixture
def anyopenai(anyio_backend: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the command line on the test's event loop, with what is typed or piped into it."""
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}

    def call(*arguments: object, stdin: bytes = b"", backend: bool = True) -> Ended:
        reader, writer = os.pipe()
        os.write(writer, stdin)
        os.close(writer)
        with closing(os.fdopen(reader, "rb")) as file:
            monkeypatch.setattr(sys, "stdin", file)
            words = [str(argument) for argument in arguments]
            code = run(Interrupts(), [*words, "--backend", anyio_backend] if backend else words)
        return Ended(code, *capfd.readouterr())

    yield call
    for signum, handler in handlers.items():
        with suppress(TypeError):  # a handler that Python did not install
            signal.signal(signum, handler)
