"""Whatever comes between, at any suspension: nothing stays taken, the server sees nothing open, the next request succeeds."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from anyopenai.testing.faults import fault_server
from anyopenai.testing.http2 import Http2
from anyopenai.transport import network
from transport.exchanges import Authority
from transport.field import (
    OK,
    WORKS,
    Field,
    a_request_in_line,
    a_request_on_a_connection_that_dies,
    a_request_to_a_name,
    answer,
    serve,
)
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep

# What the default run tries of each protocol and wire; `tox -e soak` tries everything.
BRIEFLY = {
    ("h1", False): ("cancel", "time out inside", "reset", "fail", "task cancel when woken"),
    ("h1", True): ("cancel",),
    ("h2", False): ("cancel", "time out inside", "task cancel when woken"),
    ("h2", True): (),
}


def combinations() -> list[Any]:
    """Give every loop, protocol, disturbance and wire that go together."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for protocol, mode, encrypted in product(("h1", "h2"), modes, (False, True)):
            marks = [] if mode in BRIEFLY[protocol, encrypted] else [pytest.mark.soak]
            name = f"{backend}-{protocol}-{'tls' if encrypted else 'clear'}-{mode}"
            found.append(pytest.param(backend, protocol == "h2", mode, encrypted, id=name, marks=marks))
    return found


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
@pytest.mark.parametrize(("anyio_backend", "http2", "mode", "encrypted"), combinations())
async def test_a_disturbance_at_any_suspension_leaves_nothing_behind(
    work: Callable[[Field], Any],
    http2: bool,
    mode: str,
    encrypted: bool,
    authority: Authority,
    h2_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if work is a_request_to_a_name:
        race_with_one_that_hangs(monkeypatch)
    trust = h2_authority if http2 else authority
    script = Http2([answer]) if http2 else None
    async with fault_server([script or serve], tls=trust.server if encrypted else None) as server:
        inflight = 1 if work is a_request_in_line else None
        field = Field(server, script, ssl_context=trust.client, max_inflight=inflight)
        points = await sweep(field, work, mode, monkeypatch)
    assert points > 2


@pytest.mark.parametrize(
    "encrypted", [pytest.param(False, id="clear"), pytest.param(True, id="tls", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize(
    "work", [work for work in WORKS if work is not a_request_on_a_connection_that_dies], ids=lambda work: work.__name__
)
@pytest.mark.parametrize(
    ("anyio_backend", "mode"),
    [
        ("asyncio", "cancel"),
        ("trio", "cancel"),
        *(pytest.param("asyncio", mode, marks=pytest.mark.soak) for mode in ASYNCIO_ONLY),
    ],
)
async def test_a_cancelled_exchange_leaves_others_on_its_connection_alone(
    work: Callable[[Field], Any], mode: str, encrypted: bool, h2_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads for all may be the one that goes."""
    script = Http2([answer])
    checked = 0

    class Beside(Field):
        async def __aexit__(self, *error: Any) -> None:
            nonlocal checked
            await super().__aexit__(*error)
            assert self.outcomes == [OK] * 3
            checked += 1

    async with fault_server([script], tls=h2_authority.server if encrypted else None) as server:
        field = Beside(server, script, siblings=3, ssl_context=h2_authority.client)
        points = await sweep(field, work, mode, monkeypatch)
    assert checked == points + 1


def race_with_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the name lead to an address that does not answer in time, one that refuses, and the server."""
    connect = network._connect
    resolve = network.getaddrinfo

    async def hang(family: int, address: tuple[str, int]) -> object:
        if address[0] == "127.0.0.9":
            for _ in range(100):
                await checkpoint()
            raise OSError(errno.ETIMEDOUT, "Connection timed out")
        return await connect(family, address)

    async def several(host: str, port: int, **options: Any) -> list[Any]:
        found = await resolve("127.0.0.1", port, **options)
        return [(*entry[:4], (address, port)) for entry in found for address in ("127.0.0.9", "127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(network, "_connect", hang)
    monkeypatch.setattr(network, "getaddrinfo", several)
    monkeypatch.setattr(network, "_ATTEMPT_DELAY", 0.0)
