"""The transport's tests run on asyncio, uvloop and trio; TLS comes from an authority made for the session."""

from __future__ import annotations

import ssl
from importlib.util import find_spec

import pytest
import trustme

from transport.exchanges import Authority
from transport.h2setup import Setup

_UVLOOP = pytest.param(
    ("asyncio", {"use_uvloop": True}),
    id="uvloop",
    marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed"),
)


@pytest.fixture(params=["asyncio", _UVLOOP, "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Name the event loop that a test runs on."""
    return request.param


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return contexts for a server on 127.0.0.1 and localhost, and for a client that trusts it."""
    return _authority()


@pytest.fixture(scope="session")
def h2_authority() -> Authority:
    """Return the same for a server that speaks HTTP/2 only, and a client that offers it."""
    made = _authority()
    made.server.set_alpn_protocols(["h2"])
    made.client.set_alpn_protocols(["h2", "http/1.1"])
    return made


@pytest.fixture(params=["clear", "tls", "backend"])
def setup(request: pytest.FixtureRequest, h2_authority: Authority) -> Setup:
    """Give the ways to HTTP/2: prior knowledge, ALPN, and ALPN over a backend of httpcore."""
    return Setup(None if request.param == "clear" else h2_authority, backend=request.param == "backend")


def _authority() -> Authority:
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(client)
    return Authority(server, client, ca.cert_pem.bytes())
