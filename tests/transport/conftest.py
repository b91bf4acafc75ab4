"""The transport's tests run on asyncio, uvloop and trio; TLS comes from an authority made for the session."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from transport.exchanges import Authority, new_authority
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
    return new_authority()


@pytest.fixture(scope="session")
def h2_authority() -> Authority:
    """Return the same for a server that speaks HTTP/2 only, and a client that offers it."""
    made = new_authority()
    made.server.set_alpn_protocols(["h2"])
    made.client.set_alpn_protocols(["h2", "http/1.1"])
    return made


@pytest.fixture(params=["clear", "tls", "backend"])
def setup(request: pytest.FixtureRequest, h2_authority: Authority) -> Setup:
    """Give the ways to HTTP/2: prior knowledge, ALPN, and ALPN over a backend of httpcore."""
    return Setup(None if request.param == "clear" else h2_authority, backend=request.param == "backend")
