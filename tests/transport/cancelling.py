"""Cancellation at an exact point: at the k-th time that a piece of work hands control to the event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from anyio import CancelScope

from anyopenai.testing.contract.disturbance import Disturbed


async def cancel_at(work: Coroutine[Any, Any, object], k: int) -> bool:
    """Run work and cancel it at its k-th suspension; return whether it got that far."""
    with CancelScope() as scope:
        driver = Disturbed(work, k, lambda _: scope.cancel())
        await driver
    return driver.suspensions >= k
