"""What a bulk command shows while it runs: counts, and a bar or plain lines; it starts no work and knows no file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Final

from anyio import sleep
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from .._tasks import open_task_group
from ..transport.base import WireRequest, WireResponse

__all__ = ("Meter", "show", "shown")

# Often enough to look alive, seldom enough to cost nothing.
REDRAW_SECONDS: Final = 0.1

# Without a terminal the same facts go to a log, a line at a time.
LOG_SECONDS: Final = 2.0


class Meter:
    """Counts of one bulk job; its `middleware` sees the attempts that the calls make.

    Args:
        total: How many items there are; None if unknown.

    Attributes:
        items: Items that are done.
        calls: Calls that have begun.
        in_flight: Calls that are under way.
        retries: Attempts beyond the first of each call.
    """

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        self.items = 0
        self.calls: int = 0
        self.in_flight: int = 0
        self.retries: int = 0
        self._started = perf_counter()
        self._ended: float | None = None
        self._attempts: ContextVar[list[None] | None] = ContextVar("attempts", default=None)

    @contextmanager
    def call(self) -> Generator[None]:
        """Count a call while the block runs."""
        attempts = self._attempts.set([])
        self.calls += 1
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            self._attempts.reset(attempts)

    async def middleware(
        self, request: WireRequest, call_next: Callable[[WireRequest], Awaitable[WireResponse]]
    ) -> WireResponse:
        """Count an attempt; give it to `OpenAI(middleware=[...])`."""
        attempts = self._attempts.get()
        if attempts is not None:
            self.retries += bool(attempts)
            attempts.append(None)
        return await call_next(request)

    def stop(self) -> None:
        """Stop the clock: the work is done."""
        self._ended = perf_counter()

    @property
    def seconds(self) -> float:
        """Time from the start until `stop`, or until now."""
        return (self._ended or perf_counter()) - self._started

    @property
    def rate(self) -> float:
        """Items per second in that time."""
        return self.items / max(self.seconds, 1e-9)

    def __str__(self) -> str:
        retries = "retry" if self.retries == 1 else "retries"
        return f"{self.rate:,.0f} items/s, {self.in_flight} in flight, {self.retries} {retries}"


@asynccontextmanager
async def shown(meter: Meter, console: Console, title: str) -> AsyncGenerator[None]:
    """Show a meter while the block does what it counts, and stop it at the block's end."""
    async with open_task_group() as tasks:
        tasks.start_soon(show, meter, console, title)
        yield
        meter.stop()
        tasks.cancel_scope.cancel()


async def show(meter: Meter, console: Console, title: str) -> None:
    """Show a meter until cancelled: a bar on a terminal, a line now and then elsewhere.

    Args:
        meter: What is shown.
        console: Where; the standard error stream keeps results apart from it.
        title: What is being done.
    """
    if console.is_terminal:
        await _draw(meter, console, title)
    else:
        await _log(meter, console, title)


async def _draw(meter: Meter, console: Console, title: str) -> None:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[done]}, {task.fields[meter]}"),
        console=console,
        auto_refresh=False,  # redrawn by this task: rich's own refresher is a thread
    )
    bar = progress.add_task(title, total=meter.total, done="", meter="")
    with progress:
        try:
            while True:
                progress.update(bar, completed=meter.items, done=_done(meter), meter=str(meter), refresh=True)
                await sleep(REDRAW_SECONDS)
        finally:
            progress.update(bar, completed=meter.items, done=_done(meter), meter=str(meter), refresh=True)


async def _log(meter: Meter, console: Console, title: str) -> None:
    try:
        while True:
            await sleep(LOG_SECONDS)
            console.print(f"{title}: {_done(meter)}, {meter}", highlight=False, markup=False, soft_wrap=True)
    finally:
        console.print(f"{title}: {_done(meter)}, {meter}", highlight=False, markup=False, soft_wrap=True)


def _done(meter: Meter) -> str:
    return f"{meter.items:,} items" if meter.total is None else f"{meter.items:,}/{meter.total:,} items"
