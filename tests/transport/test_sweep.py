"""Whatever comes between, at any suspension: nothing stays taken, the server sees nothing open, the next request succeeds."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from anyopenai.testing.faults import fault_server
from anyopenai.transport import network
from transport.exchanges import Authority
from transport.field import WORKS, Field, a_request_to_a_name, serve
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep


def combinations() -> list[Any]:
    """Give every loop, disturbance and wire that go together; what takes long is left to `tox -e soak`."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for mode in modes:
            for encrypted in (False, True):
                marks = [pytest.mark.soak] if encrypted and mode not in ("cancel", "fail") else []
                name = f"{backend}-{'tls' if encrypted else 'clear'}-{mode}"
                found.append(pytest.param(backend, mode, encrypted, id=name, marks=marks))
    return found


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
@pytest.mark.parametrize(("anyio_backend", "mode", "encrypted"), combinations())
async def test_a_disturbance_at_any_suspension_leaves_nothing_behind(
    work: Callable[[Field], Any], mode: str, encrypted: bool, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    if work is a_request_to_a_name:
        race_with_one_that_hangs(monkeypatch)
    async with fault_server([serve], tls=authority.server if encrypted else None) as server:
        points = await sweep(Field(server, ssl_context=authority.client), work, mode, monkeypatch)
    assert points > 2


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
