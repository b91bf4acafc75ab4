"""Both ends of HTTP/2 for tests, over clear text, over TLS, and over one of httpcore's network backends with TLS."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from httpcore import AnyIOBackend

from anyopenai.transport import PoolTransport, WireRequest
from transport.exchanges import NO_LIMIT, Authority
from transport.h2peer import H2Server, h2_server


class Setup:
    """Servers and pools that speak HTTP/2 with each other.

    Attributes:
        backend: The pool goes through a network backend of httpcore.
    """

    def __init__(self, authority: Authority | None, *, backend: bool = False) -> None:
        self._authority = authority
        self.backend = backend

    def server(self, *scripts: Any, **options: Any) -> AbstractAsyncContextManager[H2Server]:
        """Run a server."""
        return h2_server(*scripts, tls=self._authority.server if self._authority else None, **options)

    def pool(self, **options: Any) -> PoolTransport:
        """Return a pool that speaks HTTP/2 to it: by prior knowledge, or by ALPN."""
        if self.backend:
            options["network_backend"] = AnyIOBackend()
        if self._authority is None:
            return PoolTransport(http2=True, **options)
        return PoolTransport(ssl_context=self._authority.client, **options)


def request_to(server: H2Server, body: Any = b"", **options: Any) -> WireRequest:
    """Return a request for a server."""
    options.setdefault("timeout", NO_LIMIT)
    return WireRequest(
        options.pop("method", "POST"),
        "https" if server.tls else "http",
        server.host,
        server.port,
        options.pop("target", b"/v1/things"),
        list(options.pop("headers", ())),
        body,
        **options,
    )


async def fetch(pool: PoolTransport, request: WireRequest) -> bytes:
    """Send a request and return the whole body of its answer."""
    response = await pool.send(request)
    return await response.read(1 << 24)
