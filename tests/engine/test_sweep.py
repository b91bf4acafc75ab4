"""The transport's sweeps through the whole SDK: calls, streams, pages, files, repeats and redirects over real sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from anyopenai.testing.faults import fault_server
from engine.background import without_pauses
from engine.desk import WORKS, Desk
from transport.exchanges import new_authority
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep

# What the default run tries; `tox -e soak` tries everything.
BRIEFLY = {"h1": ("cancel", "time out outside", "fail", "task cancel when woken"), "h2": ("cancel",)}


def combinations() -> list[Any]:
    """Give every loop, protocol and disturbance that go together."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for protocol, mode in product(("h1", "h2"), modes):
            marks = [] if mode in BRIEFLY[protocol] else [pytest.mark.soak]
            found.append(pytest.param(backend, protocol == "h2", mode, id=f"{backend}-{protocol}-{mode}", marks=marks))
    return found


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
@pytest.mark.parametrize(("anyio_backend", "http2", "mode"), combinations())
async def test_a_disturbance_anywhere_in_a_call_leaves_nothing_behind(
    work: Callable[[Desk], Awaitable[None]], http2: bool, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    desk = Desk(tmp_path, http2=http2)
    async with fault_server([desk.serve]) as desk.server:
        points = await sweep(desk, work, mode, monkeypatch)
    assert points > 2


# Over TLS bytes come and go in records, and what is cut short may be one of them.
STREAMS = [work for work in WORKS if any(part in work.__name__ for part in ("stream", "helper", "response"))]


@pytest.mark.parametrize("work", STREAMS, ids=lambda work: work.__name__)
@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_a_cancellation_anywhere_in_a_stream_over_tls_leaves_nothing_behind(
    work: Callable[[Desk], Awaitable[None]], http2: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    authority = new_authority()
    if http2:
        for context in (authority.server, authority.client):
            context.set_alpn_protocols(["h2"])
    desk = Desk(tmp_path, http2=http2, trusted=authority.client)
    async with fault_server([desk.serve], tls=authority.server) as desk.server:
        points = await sweep(desk, work, "cancel", monkeypatch)
    assert points > 2
