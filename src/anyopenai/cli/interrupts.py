"""SIGINT and SIGTERM from the command's first line to its last: one owner, no traceback; nothing of any command here."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from types import FrameType

    from anyio import CancelScope

__all__ = ("SIGNALS", "Interrupted", "Interrupts")

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal ended the command.

    A SystemExit, so that nothing that catches errors on the way stops it.

    Attributes:
        exit_code: What shells expect: 128 and the signal's number.
    """

    def __init__(self, signum: int) -> None:
        self.exit_code: int = 128 + signum
        super().__init__(self.exit_code)


class Interrupts:
    """The signals that ask the command to end, in its three phases.

    While modules load and arguments are read, the first one raises `Interrupted`. While the event loop starts, it is
    noted: raised there, it could break the loop itself. Once the command's task group runs, signals are received in
    it and cancel its scope. Repeats change nothing: tox, for one, sends SIGINT a second time.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._raises = True
        self._scopes: list[tuple[CancelScope, Sequence[int]]] = []

    def install(self) -> None:
        """Take the signals over; call it before anything is printed."""
        for signum in SIGNALS:
            signal.signal(signum, self._on_signal)

    def ignore(self) -> None:
        """Ignore the signals from now on: the command has ended, or is ending because of one.

        What Python ignores stays ignored to the very end; other handlers it drops before its own clean-up is over.
        """
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self.ignore()
        self.received = signum
        if self._raises:
            raise Interrupted(signum)

    def run(self, work: Callable[[], Awaitable[T]], *, backend: str) -> T:
        """Run an async function on a new event loop, and give its result.

        Args:
            work: What to run; it is cancelled by the first signal that nobody inside catches.
            backend: `"asyncio"` or `"trio"`.

        Raises:
            Interrupted: A signal ended it.
        """
        import anyio

        self._raises = False
        results: list[T] = []

        async def main() -> None:
            if sys.platform == "win32":
                await self._work_until(self._noted(), work, results)
                return
            try:
                with anyio.open_signal_receiver(*SIGNALS) as signals:
                    await self._work_until(signals, work, results)
            finally:
                # A receiver that closes puts back Python's own handler, which raises at any line.
                self.ignore()

        try:
            anyio.run(main, backend=backend)
        except Exception as error:
            # What a cancelled command still complained of is not what the user wants to read.
            if self.received is not None:
                raise Interrupted(self.received) from error
            raise
        if not results:
            raise Interrupted(self.received or signal.SIGINT)
        return results[0]

    @contextmanager
    def cancelling(self, scope: CancelScope, signals: Sequence[int] = (signal.SIGINT,)) -> Generator[None]:
        """Make signals cancel this scope, and only this one, while the block runs; others still end the command.

        Args:
            scope: What is cancelled; the command goes on after it.
            signals: Which signals.
        """
        self._scopes.append((scope, signals))
        try:
            yield
        finally:
            self._scopes.pop()

    async def _work_until(
        self, signals: AsyncIterator[int], work: Callable[[], Awaitable[T]], results: list[T]
    ) -> None:
        from .._tasks import open_task_group  # loads anyio: not before the signals are in hand

        async with open_task_group() as tasks:
            tasks.start_soon(self._watch, signals, tasks.cancel_scope)
            if self.received is None:
                results.append(await work())
            tasks.cancel_scope.cancel()

    async def _watch(self, signals: AsyncIterator[int], command: CancelScope) -> None:
        async for signum in signals:
            if self.received is None and self._scopes and signum in self._scopes[-1][1]:
                self._scopes[-1][0].cancel()
            else:
                self.received = self.received or int(signum)
                command.cancel()

    async def _noted(self) -> AsyncGenerator[int]:
        """Give the signal that the handler noted: for event loops that cannot receive signals."""
        from anyio import sleep

        # Python runs the handler between two steps of the loop, which a sleeping loop does not take by itself.
        while self.received is None:  # noqa: ASYNC110 - a signal handler can set no event of a loop
            await sleep(0.1)
        yield self.received
