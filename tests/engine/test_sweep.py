"""The transport's sweeps through the whole SDK: calls, streams, pages, files, repeats and redirects over real sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anyopenai.testing.faults import fault_server
from engine.desk import WORKS, Desk
from engine.support import without_waiting
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
@pytest.mark.parametrize(
    ("anyio_backend", "mode"),
    [("asyncio", mode) for mode in ANYWHERE + ASYNCIO_ONLY] + [("trio", mode) for mode in ANYWHERE],
)
async def test_a_disturbance_anywhere_in_a_call_leaves_nothing_behind(
    work: Callable[[Desk], Awaitable[None]], mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    desks: list[Desk] = []
    async with fault_server([lambda peer: desks[0].serve(peer)]) as server:
        desks.append(Desk(server, tmp_path))
        points = await sweep(desks[0], work, mode, monkeypatch)
    assert points > 2
