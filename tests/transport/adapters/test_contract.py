"""The adapters do what every transport must: the same checks that users have for theirs."""

from __future__ import annotations

import pytest

from anyopenai.testing import check_transport
from transport.adapters.clients import HTTPX, maker


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Name the event loop that a test runs on."""
    return request.param


@pytest.mark.parametrize("library", HTTPX)
async def test_httpx_clients_pass_every_check(library: str) -> None:
    pytest.importorskip(library)
    report = await check_transport(maker(library), limited=maker(library, 1))
    assert report.skipped == {}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_aiohttp_sessions_pass_every_check() -> None:
    aiohttp = pytest.importorskip("aiohttp")
    if tuple(map(int, aiohttp.__version__.split(".")[:2])) < (3, 14):
        pytest.skip("aiohttp before 3.14 passes, and leaves failures of writes to the event loop's exception handler")
    report = await check_transport(maker("aiohttp"), limited=maker("aiohttp", 1))
    assert report.skipped == {}
