"""Checks of how exchanges end: closed, given up, drained and cancelled at every point; many at once; the transport's own end."""

from __future__ import annotations

from typing import Final

from anyio import CancelScope, Event, current_time
from anyio.lowlevel import checkpoint

from ..._tasks import open_task_group
from ...errors import MissingExtraError
from ...transport.base import Transport, WireRequest
from ..faults import FaultServer, Forever, Peer, Receive, Send, Stall, Wait, response_bytes
from ..server import serve
from .answers import PATTERN
from .bench import NO_LIMIT, SERVING, Bench, ByTarget, SkippedError, check, expect, failure_of
from .disturbance import Act, Disturbed

__all__ = ("MOST_STEPS",)

_HALF: Final = Send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
"""An answer that never comes to its end."""

MOST_STEPS: Final = 200
"""An exchange that suspends more often than this is not swept any further."""


def _cancelling(scope: CancelScope) -> Act:
    return lambda _: scope.cancel()


async def _until_hung_up(server: FaultServer, what: str) -> None:
    """Make sure that the server learns of an exchange's end."""
    with CancelScope() as scope:
        scope.deadline = current_time() + 5.0
        await server.until(lambda s: s.hang_ups > 0)
    expect(server.hang_ups > 0, f"after {what}, the server is not told: its connection stays open")


@check
async def closing_early(bench: Bench) -> None:
    """`aclose()` in the middle of a body ends the exchange at the server and frees its connection; again is harmless."""
    async with bench.over((Receive(), _HALF, Stall()), SERVING, limited=True) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        await response.receive()
        await response.aclose()
        await _until_hung_up(server, "aclose() in the middle of a body")
        await bench.still_usable(transport, server, "aclose() in the middle of a body")
        await response.aclose()
        response.abandon()
        expect(not response.complete, "an answer that was closed early counts as complete")
        failure = await failure_of(response.receive(), "receive() after aclose()")
        expect(failure.kind == "closed", f"receive() after aclose() failed with kind {failure.kind!r}")
        await bench.still_usable(transport, server, "closing an answer again")


@check
async def closing_unread(bench: Bench) -> None:
    """An answer of which nothing was read can be closed."""
    async with bench.over((Receive(), _HALF, Stall()), SERVING, limited=True) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        await response.aclose()
        await bench.still_usable(transport, server, "closing an unread answer")


@check
async def giving_up(bench: Bench) -> None:
    """`abandon()` does without awaiting what `aclose()` does, also when others wait for the connection."""
    async with bench.over((Receive(), _HALF, Stall()), SERVING, limited=True) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        await response.receive()
        response.abandon()
        response.abandon()
        await _until_hung_up(server, "abandon()")
        await bench.still_usable(transport, server, "abandon()")
    if not bench.has_limited:
        return
    async with bench.over((Receive(), _HALF, Stall()), SERVING, limited=True) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        async with open_task_group() as group:
            group.start_soon(bench.still_usable, transport, server, "abandon() while others waited in line")
            for _ in range(20):
                await checkpoint()
            response.abandon()


@check
async def ending_twice(bench: Bench) -> None:
    """Closing or giving up an answer that is at its end changes nothing; its connection carries the next request."""
    async with bench.over(SERVING, limited=True) as (transport, server):
        response = await transport.send(bench.request(server))
        await response.read(100)
        await response.aclose()
        response.abandon()
        expect(response.complete, "closing a complete answer makes it incomplete")
        expect(await response.receive() == b"", "a complete answer that was closed gives no end any more")
        await bench.still_usable(transport, server, "closing a complete answer")


@check
async def draining(bench: Bench) -> None:
    """`drain` tells whether the rest came within its bounds; whatever it says, the connection is free afterwards."""
    short = Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")
    async with bench.over((Receive(), short, *SERVING), limited=True) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        await response.receive(2)
        expect(await response.drain(4096, 5.0), "drain(4096, 5.0) of ten bytes that had come gave False")
        expect(response.complete, "a drained answer is not complete")
        await bench.still_usable(transport, server, "draining")
    for name, script, size in (
        ("of more bytes than it may take", (Receive(), Send(_answer(PATTERN * 100))), 1000),
        ("of a body that stalls", (Receive(), _HALF, Stall()), 4096),
    ):
        async with bench.over(script, SERVING, limited=True) as (transport, server):
            response = await transport.send(bench.request(server, stream=True))
            expect(not await response.drain(size, 0.05), f"drain {name} gave True")
            expect(not response.complete, f"drain {name} makes the answer complete")
            await bench.still_usable(transport, server, f"drain {name}")


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


@check
async def cancelling_everywhere(bench: Bench) -> None:
    """An exchange that is cancelled wherever it suspends leaves the transport usable, with no connection taken."""
    # More than any one read brings, so that the connection is still needed when the head is there.
    script = (Forever(ByTarget(response_bytes(200, PATTERN * 35))),)
    async with bench.over(script, limited=True) as (transport, server):
        k = 0
        reached = True
        while reached and k < MOST_STEPS:
            k += 1

            async def exchange() -> None:
                request = bench.request(server, b"body")
                response = await transport.send(request)
                try:
                    await response.read(1 << 20)
                finally:
                    await response.aclose()

            scope = CancelScope()
            driver = Disturbed(exchange(), k, _cancelling(scope))
            with scope:
                await driver
            reached = driver.suspensions >= k
            await bench.still_usable(transport, server, f"a cancellation at the exchange's {k}. suspension")


@check
async def cancelling_while_waiting(bench: Bench) -> None:
    """A wait for the TLS handshake, for a slow server's head or body, or in line can be cancelled."""
    gate = Event()  # opened by the last of them
    waits = {
        "the answer's head": ((Receive(), Stall()), b"", "http"),
        "the answer's body": ((Receive(), _HALF, Stall()), b"", "http"),
        "the TLS handshake": ((Stall(),), b"", "https"),
        "a server that takes no more": ((Receive(body=False), Wait(gate)), bytes(24_000_000), "http"),
    }
    for name, (script, body, scheme) in waits.items():
        async with bench.over(script, SERVING, limited=True) as (transport, server):
            request = bench.request(server, body, scheme=scheme)
            try:
                await _cancel_when_still(transport, request)
            finally:
                if body:
                    gate.set()
            await bench.still_usable(transport, server, f"cancelling the wait for {name}")
    if not bench.has_limited:
        return
    async with bench.over((Receive(), _HALF, Stall()), SERVING, limited=True) as (transport, server):
        holder = await transport.send(bench.request(server, stream=True))
        await _cancel_when_still(transport, bench.request(server))
        await holder.aclose()
        await bench.still_usable(transport, server, "cancelling a wait in line")


async def _cancel_when_still(transport: Transport, request: WireRequest) -> None:
    """Begin an exchange, and cancel it when it has been waiting for a while."""
    with CancelScope() as scope:
        scope.deadline = current_time() + 0.1
        response = await transport.send(request)
        try:
            await response.read(1 << 20)
        finally:
            await response.aclose()
    expect(scope.cancelled_caught, "a cancelled exchange ended as if it had not been")


@check
async def many_at_once(bench: Bench) -> None:
    """Exchanges run at the same time, each gets its own answer, and one that fails disturbs no other."""
    count = 8
    everybody = Event()

    async def echo(peer: Peer) -> None:
        while True:
            request = await peer.receive_request()
            if len({r.connection for r in peers.requests}) >= count:
                everybody.set()
            await everybody.wait()
            await peer.send(_answer(request.target.encode()))

    async with bench.over((echo,)) as (transport, server):
        peers = server
        found: dict[int, bytes] = {}

        async def exchange(number: int) -> None:
            response = await transport.send(bench.request(server, target=b"/v1/%d" % number))
            found[number] = await response.read(100)

        async with open_task_group() as group:
            for number in range(count):
                group.start_soon(exchange, number)
        wrong = {number: body for number, body in found.items() if body != b"/v1/%d" % number}
        expect(not wrong, f"answers went to the wrong callers: {wrong}")


@check
async def nothing_piles_up(bench: Bench) -> None:
    """Exchanges one after the other do not open more and more connections."""
    async with bench.over(SERVING) as (transport, server):
        for _ in range(20):
            await bench.fetch(transport, server)
        expect(
            server.open_connections <= 2,
            f"after 20 exchanges one after the other, {server.open_connections} connections are open",
        )


@check
async def closing_the_transport(bench: Bench) -> None:
    """`aclose()` can be repeated, ends what is under way with a failure, and refuses what comes later as "closed"."""
    async with bench.over((Receive(), _HALF, Stall()), (Receive(), Stall())) as (transport, server):
        response = await transport.send(bench.request(server, stream=True))
        await response.receive()
        async with open_task_group() as group:
            group.start_soon(
                failure_of, transport.send(bench.request(server)), "a request under way when the transport was closed"
            )
            await server.until(lambda s: len(s.requests) == 2)
            await transport.aclose()
        await failure_of(response.receive(), "an answer under way when the transport was closed")
        await response.aclose()
        await transport.aclose()
        failure = await failure_of(transport.send(bench.request(server)), "a request after aclose()")
        expect(failure.kind == "closed", f"a request after aclose() failed with kind {failure.kind!r}")


@check
async def an_ordinary_server(bench: Bench) -> None:
    """A server with an implementation of HTTP of its own is understood, with a hundred requests at a time."""
    try:
        async with serve() as server:
            transport = bench.make()
            statuses: list[int] = []

            async def exchange() -> None:
                request = WireRequest(
                    "GET",
                    "http",
                    server.host,
                    server.port,
                    b"/v1/models",
                    [(b"authorization", b"Bearer any")],
                    timeout=NO_LIMIT,
                )
                response = await transport.send(request)
                statuses.append(response.status)
                await response.read(1 << 20)

            try:
                async with open_task_group() as group:
                    for _ in range(100):
                        group.start_soon(exchange)
            finally:
                await transport.aclose()
            expect(statuses == [200] * 100, f"the statuses were {sorted(set(statuses))}, {len(statuses)} in all")
    except MissingExtraError as error:
        raise SkippedError(str(error)) from error
