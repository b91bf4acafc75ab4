"""A fault server that is scripted by the request instead of by the connection, and replies in few words; no client here."""

from __future__ import annotations

import json as jsonlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import TypeAlias
from urllib.parse import parse_qsl

import anyio

from anyopenai.testing.faults import (
    Close,
    FaultServer,
    Forever,
    HungUp,
    Peer,
    ReceivedRequest,
    Reset,
    Step,
    fault_server,
)


class Cut(Enum):
    """How a connection ends in the middle of a reply."""

    CLOSE = "an orderly end of the byte stream"
    RESET = "a reset, as by a process that was killed"


Part: TypeAlias = bytes | Cut | anyio.Event
"""Bytes to send in one write, an end, or a gate at which the reply waits for the test or for the client to hang up."""


class Received:
    """One request as it arrived.

    Attributes:
        connection: Number of the connection it came on, from 0.
        headers: Fields in order, names in lower case.
    """

    def __init__(self, request: ReceivedRequest) -> None:
        self.method = request.method
        self.target = request.target
        self.path, _, self.query_string = request.target.partition("?")
        self.headers = request.headers
        self.body = request.body
        self.raw = request.raw
        self.connection = request.connection

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for given, value in self.headers if given == name]

    def __getitem__(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded query parameters in order."""
        return parse_qsl(self.query_string, keep_blank_values=True, strict_parsing=bool(self.query_string))

    def json(self) -> object:
        """The decoded body."""
        return jsonlib.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.method} {self.target} on {self.connection}>"


class Reply:
    """What the server does about one request.

    Args:
        parts: What is sent, in order.
        keep: The connection waits for another request afterwards; otherwise it is closed.
    """

    def __init__(self, *parts: Part, keep: bool = True) -> None:
        self.parts = parts
        self.keep = keep

    async def perform(self, peer: Peer) -> None:
        """Carry the reply out; returns only if the connection stays open."""
        for part in self.parts:
            if isinstance(part, bytes):
                await peer.send(part)
            elif isinstance(part, anyio.Event):
                await _wait(part, peer)
            elif part is Cut.RESET:
                await Reset()(peer)
            else:
                await Close()(peer)
        if not self.keep:
            await Close()(peer)


async def _wait(gate: anyio.Event, peer: Peer) -> None:
    """Wait for a gate, or end the script when the client hangs up first."""
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            with suppress(HungUp):
                await peer.receive_some()
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await gate.wait()
        tasks.cancel_scope.cancel()
    if not gate.is_set():
        await Close()(peer)


Scripted: TypeAlias = Reply | Callable[[Received], Reply]


class Server:
    """The running server.

    Attributes:
        url: Where it listens, without a path.
        requests: Every request, oldest first.
        connections: Every connection, oldest first; `hung_up` of one is set when the client ends it.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self._script: deque[Scripted] = deque()
        self._faults: FaultServer | None = None

    def script(self, *replies: Scripted) -> None:
        """Answer the next requests with these, in order; the last one answers all that follow."""
        self._script = deque(replies)

    @property
    def url(self) -> str:
        return self.faults.url

    @property
    def faults(self) -> FaultServer:
        """The fault server that carries the connections."""
        assert self._faults is not None
        return self._faults

    @property
    def connections(self) -> list[Peer]:
        return self.faults.connections

    @property
    def last(self) -> Received:
        """The latest request."""
        return self.requests[-1]

    async def received(self, count: int) -> None:
        """Wait until that many requests have arrived in all."""
        await self.faults.until(lambda faults: len(faults.requests) >= count)

    async def answer(self, peer: Peer) -> None:
        """Answer the next request of one connection."""
        request = Received(await peer.receive_request())
        self.requests.append(request)
        scripted = self._script.popleft() if len(self._script) > 1 else self._script[0]
        reply = scripted if isinstance(scripted, Reply) else scripted(request)
        await reply.perform(peer)

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        """Listen until the block is left."""
        step: Step = self.answer
        async with fault_server([Forever(step)], tls=tls) as self._faults:
            yield self


def head(status: int = 200, fields: Mapping[str, str] | None = None, *, version: str = "1.1") -> bytes:
    """Write a status line and header fields."""
    lines = [f"HTTP/{version} {status} Status", *(f"{name}: {value}" for name, value in (fields or {}).items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Frame one piece of a chunked body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with a body of known length."""
    return Reply(head(status, {"content-length": str(len(body)), **(headers or {})}) + body)


def json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with a JSON document."""
    fields = {"content-type": "application/json", "x-request-id": "req_test", **(headers or {})}
    return whole(jsonlib.dumps(value).encode(), status, fields)


def error(
    status: int, message: str = "It went wrong.", *, headers: Mapping[str, str] | None = None, **members: object
) -> Reply:
    """Answer with an error object of the API's shape."""
    facts = {"message": message, "type": "test_error", "param": None, "code": None, **members}
    return json({"error": facts}, status, headers)


def chunked(*parts: Part, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with a chunked body, one chunk and one write for every piece."""
    framed = [chunk(part) if isinstance(part, bytes) else part for part in parts]
    return Reply(head(200, {"transfer-encoding": "chunked", **(headers or {})}), *framed, chunk(b""))


def frame(event: object) -> Part:
    """Frame one event: a mapping as JSON, a pair as a named event, text as it is; bytes, ends and gates untouched."""
    if isinstance(event, bytes | Cut | anyio.Event):
        return event
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    if isinstance(event, tuple):
        name, value = event
        return f"event: {name}\ndata: {jsonlib.dumps(value)}\n\n".encode()
    return f"data: {jsonlib.dumps(event)}\n\n".encode()


def events(*items: object, done: bool = True, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with an event stream; `[DONE]` ends it unless `done` is false."""
    parts = [frame(item) for item in (*items, *(["[DONE]"] if done else []))]
    fields = {"content-type": "text/event-stream", "x-request-id": "req_test", **(headers or {})}
    return chunked(*parts, headers=fields)
