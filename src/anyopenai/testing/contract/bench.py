"""`Bench`: what a check works with: a transport, a server, requests, and words for what it finds; no check lives here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from anyio import CancelScope, current_time

from ..._timeouts import Timeout
from ...transport.base import BodySource, Trace, Transport, TransportFailure, WireRequest, WireResponse
from ..faults import FaultServer, Forever, Peer, Receive, Reply, Script, fault_server, response_bytes

__all__ = (
    "CHECKS",
    "NO_LIMIT",
    "SERVING",
    "Bench",
    "BrokenError",
    "ByTarget",
    "Check",
    "SkippedError",
    "check",
    "expect",
    "failure_of",
    "near",
    "pieces_of",
)

NO_LIMIT: Final = Timeout(None)

SERVING: Final[Script] = (Forever(Receive(), Reply(body=b"fine")),)
"""A connection that answers everything properly."""


class ByTarget:
    """Answers requests for `/fine` properly, and others as a check wants."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        request = await peer.receive_request()
        await peer.send(response_bytes(200, b"fine") if request.target == "/fine" else self._answer)


class BrokenError(Exception):
    """A transport did not do what it must; the message says what it did instead."""


class SkippedError(Exception):
    """A check cannot be made here; the message says why."""


class Check(NamedTuple):
    """One thing that a transport must do.

    Attributes:
        name: What callers select it by.
        claim: What is true of a transport that passes, in one sentence.
        run: Raises `BrokenError` if it is not.
    """

    name: str
    claim: str
    run: Callable[[Bench], Awaitable[None]]


CHECKS: Final[list[Check]] = []
"""Every check, in the order they are made."""


def check(run: Callable[[Bench], Awaitable[None]]) -> Callable[[Bench], Awaitable[None]]:
    """Register a check; its name and its docstring's first line are what reports show."""
    name: str = run.__name__
    CHECKS.append(Check(name, (run.__doc__ or name).strip().splitlines()[0], run))
    return run


def expect(condition: object, otherwise: str) -> None:
    """Go on if something holds.

    Raises:
        BrokenError: It does not.
    """
    if not condition:
        raise BrokenError(otherwise)


def near(found: bytes, wanted: bytes) -> str:
    """Say how bytes differ, without showing megabytes."""
    if len(found) != len(wanted):
        return f"{len(found)} bytes instead of {len(wanted)}"
    at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b), 0)
    return f"byte {at} differs: {found[at : at + 20]!r} instead of {wanted[at : at + 20]!r}"


async def failure_of(work: Awaitable[object], what: str) -> TransportFailure:
    """Return the failure that some work ends in.

    Raises:
        BrokenError: It succeeded, or raised something else.
    """
    try:
        result = await work
    except TransportFailure as failure:
        return failure
    except Exception as error:
        raise BrokenError(f"{what}: raised {type(error).__name__} ({error}) instead of a TransportFailure") from error
    raise BrokenError(f"{what}: gave {result!r} instead of a TransportFailure")


class Bench:
    """What one check works with.

    Args:
        make: Makes a transport for this check alone.
        limited: Makes one that has a single connection; None where nobody knows how.
        kept: What `make` gives is the same transport each time, and stays open with its idle connections.
    """

    def __init__(
        self, make: Callable[[], Transport], limited: Callable[[], Transport] | None, *, kept: bool = False
    ) -> None:
        self._make = make
        self._limited = limited
        self._kept = kept

    @property
    def has_limited(self) -> bool:
        """Whether there is a way to make a transport with a single connection."""
        return self._limited is not None

    def make(self, *, limited: bool = False) -> Transport:
        """Make a transport.

        Args:
            limited: It has a single connection, so that whatever is not given back is missed at once.

        Raises:
            SkippedError: There is no way to make such a one.
        """
        if not limited:
            return self._make()
        if self._limited is None:
            raise SkippedError("it needs limited=, a function that makes a transport with a single connection")
        return self._limited()

    @asynccontextmanager
    async def over(self, *scripts: Script, limited: bool = False) -> AsyncGenerator[tuple[Transport, FaultServer]]:
        """Run a fault server and a transport beside it; at the end both are closed, and nothing may be left open.

        Args:
            scripts: What each connection does; see `fault_server`.
            limited: As for `make`; where that is not possible, an ordinary one is used.
        """
        async with fault_server(*scripts) as server:
            transport = self.make(limited=limited and self.has_limited)
            try:
                yield transport, server
                if self._kept:
                    return
                await transport.aclose()
                with CancelScope(deadline=current_time() + 5.0):
                    await server.until(lambda s: s.open_connections == 0)
                expect(
                    server.open_connections == 0,
                    f"{server.open_connections} of {len(server.connections)} connections stay open after aclose()",
                )
            finally:
                await transport.aclose()

    def request(
        self,
        server: FaultServer,
        body: bytes | BodySource = b"",
        *,
        method: str | None = None,
        target: bytes = b"/v1/things",
        headers: Iterable[tuple[bytes, bytes]] = (),
        timeout: Timeout = NO_LIMIT,
        stream: bool = False,
        scheme: str = "http",
        trace: Trace | None = None,
    ) -> WireRequest:
        """Return a request for a server; a GET unless it has a body or a method is given."""
        verb = method or ("POST" if body else "GET")
        return WireRequest(
            verb,
            scheme,
            server.host,
            server.port,
            target,
            list(headers),
            body,
            timeout=timeout,
            stream=stream,
            trace=trace,
        )

    async def fetch(self, transport: Transport, server: FaultServer, body: bytes = b"") -> bytes:
        """Make one ordinary exchange and return its body."""
        response = await transport.send(self.request(server, body, target=b"/fine"))
        return await response.read(1 << 20)

    async def still_usable(self, transport: Transport, server: FaultServer, after: str) -> None:
        """Make sure that a transport still carries requests.

        Raises:
            BrokenError: It does not, or not within five seconds.
        """
        done = False
        try:
            with CancelScope(deadline=current_time() + 5.0):
                done = await self.fetch(transport, server) == b"fine"
        except TransportFailure as failure:
            raise BrokenError(f"after {after}, the next request fails: {failure}") from failure
        expect(done, f"after {after}, the next request is not answered: a connection was not given back")


async def pieces_of(response: WireResponse, max_bytes: int = 65536) -> list[bytes]:
    """Receive a body piece by piece."""
    pieces: list[bytes] = []
    while piece := await response.receive(max_bytes):
        pieces.append(piece)
    return pieces
