"""Checks of what goes wrong: servers that refuse, break off or talk nonsense, and every time limit."""

from __future__ import annotations

import socket

from anyio import Event

from ..._timeouts import Timeout
from ...transport.base import TransportFailure, WireRequest
from ..faults import BAD_CHUNK, MALFORMED_STATUS, Close, Receive, Reset, Script, Send, Stall, Wait
from .answers import PATTERN
from .bench import NO_LIMIT, SERVING, Bench, check, expect, failure_of

__all__ = ()

# Long enough for a busy machine to get that far, short enough to wait for.
_SOON = 0.1


def _expect_facts(failure: TransportFailure, what: str, *, kind: str, phase: str, sent: str) -> None:
    found = (failure.kind, failure.phase, failure.sent)
    expect(
        found == (kind, phase, sent),
        f"{what}: kind, phase and sent are {found!r} instead of {(kind, phase, sent)!r} ({failure})",
    )


@check
async def refused_connections(bench: Bench) -> None:
    """A port where nobody listens is "refused" while connecting, and nothing was sent."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    transport = bench.make()
    try:
        request = WireRequest("POST", "http", "127.0.0.1", port, b"/", [], b"body", timeout=NO_LIMIT)
        failure = await failure_of(transport.send(request), "a refused connection")
        _expect_facts(failure, "a refused connection", kind="refused", phase="connect", sent="none")
    finally:
        await transport.aclose()


@check
async def lost_before_the_answer(bench: Bench) -> None:
    """A connection that ends before its answer is "lost" in phase "head", after the whole request."""
    for name, end in (("closed", Close()), ("reset", Reset())):
        async with bench.over((Receive(), end), SERVING, limited=True) as (transport, server):
            failure = await failure_of(transport.send(bench.request(server, b"body")), f"a {name} connection")
            _expect_facts(failure, f"a {name} connection", kind="lost", phase="head", sent="all")
            expect(failure.fresh, f"a {name} connection that had carried nothing is not called fresh")
            expect(len(server.requests) == 1, "the request was sent again, which only its caller may decide")
            await bench.still_usable(transport, server, f"a {name} connection")


@check
async def lost_in_the_answer(bench: Bench) -> None:
    """A body that breaks off fails as "lost" in phase "body", and never passes for a whole one."""
    cuts: dict[str, Script] = {
        "a body of announced length": (
            Receive(),
            Send(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + PATTERN[:100]),
        ),
        "a body in chunks": (
            Receive(),
            Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n" + PATTERN[:100] + b"\r\n"),
        ),
        "a body cut inside a chunk": (
            Receive(),
            Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n" + PATTERN[:100]),
        ),
    }
    for name, script in cuts.items():
        async with bench.over(script, script, SERVING, limited=True) as (transport, server):
            response = await transport.send(bench.request(server))
            failure = await failure_of(response.read(1 << 20), name)
            _expect_facts(failure, name, kind="lost", phase="body", sent="all")
            expect(not response.complete, f"{name} broke off and counts as complete")
            response = await transport.send(bench.request(server, stream=True))
            given: list[bytes] = []

            async def receive_all() -> None:
                while piece := await response.receive():  # noqa: B023 - awaited within the turn
                    given.append(piece)  # noqa: B023

            await failure_of(receive_all(), name)
            received = len(b"".join(given))
            expect(received == 100, f"{name}: {received} of the 100 bytes that had come were given")
            await bench.still_usable(transport, server, f"{name} that broke off")


@check
async def not_http(bench: Bench) -> None:
    """Bytes that are not HTTP fail as "protocol"."""
    async with bench.over((Receive(), Send(MALFORMED_STATUS)), SERVING, limited=True) as (transport, server):
        failure = await failure_of(transport.send(bench.request(server)), "a malformed status line")
        expect(failure.kind == "protocol", f"a malformed status line failed as {failure.kind!r} ({failure})")
        await bench.still_usable(transport, server, "a malformed status line")
    async with bench.over((Receive(), Send(BAD_CHUNK)), SERVING, limited=True) as (transport, server):

        async def exchange() -> bytes:
            return await (await transport.send(bench.request(server))).read(100)

        failure = await failure_of(exchange(), "a chunk without a size")
        expect(failure.kind == "protocol", f"a chunk without a size failed as {failure.kind!r} ({failure})")
        await bench.still_usable(transport, server, "a chunk without a size")


@check
async def connect_limit(bench: Bench) -> None:
    """`timeout.connect` bounds the TLS handshake too; nothing was sent then."""
    async with bench.over((Stall(),), limited=True) as (transport, server):
        request = bench.request(server, scheme="https", timeout=Timeout(None, connect=_SOON))
        failure = await failure_of(transport.send(request), "a silent TLS handshake")
        _expect_facts(failure, "a silent TLS handshake", kind="timeout", phase="connect", sent="none")


@check
async def write_limit(bench: Bench) -> None:
    """`timeout.write` bounds how long a server may take nothing; the request has been sent in part."""
    gate = Event()
    script = (Receive(body=False), Wait(gate), Close())
    async with bench.over(script, SERVING, limited=True) as (transport, server):
        try:
            request = bench.request(server, bytes(24_000_000), timeout=Timeout(None, write=_SOON))
            failure = await failure_of(transport.send(request), "a server that takes no more")
            _expect_facts(failure, "a server that takes no more", kind="timeout", phase="write", sent="partial")
        finally:
            gate.set()
        await bench.still_usable(transport, server, "a write that took too long")


@check
async def head_limit(bench: Bench) -> None:
    """`timeout.read` bounds the wait for the answer's head."""
    async with bench.over((Receive(), Stall()), SERVING, limited=True) as (transport, server):
        request = bench.request(server, b"body", timeout=Timeout(None, read=_SOON))
        failure = await failure_of(transport.send(request), "a silent server")
        _expect_facts(failure, "a silent server", kind="timeout", phase="head", sent="all")
        expect(request.sent == "all", f"the request's own sent is {request.sent!r} instead of 'all'")
        await bench.still_usable(transport, server, "a head that took too long")


@check
async def body_limits(bench: Bench) -> None:
    """`timeout.read` bounds each silence of the body, and `receive(timeout=)` replaces it."""
    start = Send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
    for name, read, override in (("timeout.read", _SOON, None), ("receive(timeout=)", None, _SOON)):
        async with bench.over((Receive(), start, Stall()), SERVING, limited=True) as (transport, server):
            response = await transport.send(bench.request(server, timeout=Timeout(None, read=read), stream=True))
            first = await response.receive(timeout=override)
            expect(first == b"hello", f"what had come before the silence is {first!r}")
            failure = await failure_of(response.receive(timeout=override), f"a silence longer than {name}")
            _expect_facts(failure, f"a silence longer than {name}", kind="timeout", phase="body", sent="all")
            await bench.still_usable(transport, server, f"a silence longer than {name}")


@check
async def pool_limit(bench: Bench) -> None:
    """`timeout.pool` bounds the wait for a connection; the one in line is served when one is given back."""
    transport = bench.make(limited=True)
    await transport.aclose()
    script = (Receive(), Send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"), Stall())
    async with bench.over(script, SERVING, limited=True) as (transport, server):
        holder = await transport.send(bench.request(server, stream=True))
        failure = await failure_of(
            transport.send(bench.request(server, b"body", timeout=Timeout(None, pool=_SOON))),
            "a pool without a connection",
        )
        _expect_facts(failure, "a pool without a connection", kind="timeout", phase="pool", sent="none")
        await holder.aclose()
        await bench.still_usable(transport, server, "a wait in line that took too long")
