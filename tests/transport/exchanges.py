"""Short ways to make a request of a fault server, and to say what must hold afterwards."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import NamedTuple

import trustme

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import FaultServer
from anyopenai.transport import BodySource, PoolTransport, Trace, WireRequest

NO_LIMIT = Timeout(None)


class Authority(NamedTuple):
    """Both halves of a TLS set-up for tests.

    Attributes:
        server: A context for the server.
        client: A context for a client that trusts it.
        pem: The authority's certificate.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    pem: bytes


def new_authority() -> Authority:
    """Make contexts for a server on 127.0.0.1 and localhost, and for a client that trusts it."""
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(client)
    return Authority(server, client, ca.cert_pem.bytes())


def request_to(
    server: FaultServer,
    body: bytes | BodySource = b"",
    *,
    method: str = "POST",
    target: bytes = b"/v1/things",
    headers: Iterable[tuple[bytes, bytes]] = (),
    timeout: Timeout = NO_LIMIT,
    trace: Trace | None = None,
    stream: bool = False,
    host: str | None = None,
) -> WireRequest:
    """Return a request for a server."""
    return WireRequest(
        method,
        "https" if server.tls else "http",
        host or server.host,
        server.port,
        target,
        list(headers),
        body,
        timeout=timeout,
        trace=trace,
        stream=stream,
    )


async def fetch(pool: PoolTransport, request: WireRequest, limit: int = 1 << 24) -> bytes:
    """Send a request and return the whole body of its answer."""
    response = await pool.send(request)
    return await response.read(limit)


class Source:
    """A request body given as pieces.

    Attributes:
        opened: How often it was read from its beginning.
        closed: How many of these readings were closed.
    """

    def __init__(self, pieces: Iterable[bytes | BaseException], length: int | None = None, *, replayable: bool = True):
        self.pieces = list(pieces)
        self.length = length
        self.replayable = replayable
        self.opened = 0
        self.closed = 0

    def open(self) -> Reading:
        self.opened += 1
        return Reading(self)


class Reading:
    """One reading of a `Source`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces = iter(source.pieces)

    async def read(self) -> bytes:
        piece = next(self._pieces, b"")
        if isinstance(piece, BaseException):
            raise piece
        return piece

    async def aclose(self) -> None:
        self._source.closed += 1


def assert_all_free(pool: PoolTransport) -> None:
    """No slot is taken and nobody waits."""
    stats = pool.stats()
    assert stats.in_use == 0, stats
    assert stats.waiting == 0, stats
    assert stats.connections == stats.idle, stats
