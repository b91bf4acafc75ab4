"""Event loops as the pool sees them: whether one still runs, and how to have it do something; no event loop is imported.

An asyncio loop says whether it runs, and takes work by `call_soon_threadsafe`; a trio token has `run_sync_soon`, which
refuses when the run has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

__all__ = ("call_soon", "is_running")


def is_running(native: object) -> bool:
    """Tell whether an event loop is running, by its `native_token`."""
    running = cast("Callable[[], bool] | None", getattr(native, "is_running", None))
    if running is not None:
        return running()
    return call_soon(native, _do_nothing)


def call_soon(native: object, work: Callable[[], None]) -> bool:
    """Have an event loop do something from any thread and any moment; False if it has ended."""
    call = getattr(native, "call_soon_threadsafe", None) or getattr(native, "run_sync_soon", None)
    if call is None:
        return False
    try:
        cast("Callable[[Callable[[], None]], object]", call)(work)
    except RuntimeError:  # asyncio: closed; trio: RunFinishedError
        return False
    return True


def _do_nothing() -> None:
    """Nothing: only whether it may be said counts."""
