"""Sweeps: a piece of work is disturbed at its k-th suspension, for every k until it completes undisturbed.

A disturbance is what may come between: a cancelled scope, `asyncio.Task.cancel` while a task waits and at the moment it
is woken, a limit of time that passes, the server's reset, a network call that fails. What must hold afterwards is the
same for all of them, and `Ground` says it: every slot is free, the server sees nothing open, no descriptor is left, and
the next request succeeds.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyopenai.testing.contract.disturbance import Disturbed
from anyopenai.transport import network
from anyopenai.transport.http2_pump import Pump
from anyopenai.transport.http2_stream import Http2Stream
from anyopenai.transport.link import SocketLink
from anyopenai.transport.watching import WatchedLink

ANYWHERE: Final = ("cancel", "time out inside", "time out outside", "reset", "fail")
ASYNCIO_ONLY: Final = ("task cancel", "task cancel when woken")


class Limits:
    """Every limit of time that our code is inside of; a test lets one of them pass.

    Attributes:
        active: The scopes with a deadline, the outermost first.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.active: list[_Scope] = []
        for name, module in list(sys.modules.items()):
            if name.startswith("anyopenai."):
                if getattr(module, "CancelScope", None) is anyio.CancelScope:
                    monkeypatch.setattr(module, "CancelScope", self.scope)
                if getattr(module, "move_on_after", None) is anyio.move_on_after:
                    monkeypatch.setattr(module, "move_on_after", self.move_on_after)
        # Where one timer stands for the limits of all reads, there is no scope.
        receive_within = WatchedLink.receive_within

        async def limited(this: WatchedLink, seconds: float, max_bytes: int = 65536) -> bytes | None:
            if seconds == inf:
                return await receive_within(this, seconds, max_bytes)
            with _Limit(self.active, _Silence(this)):
                return await receive_within(this, seconds, max_bytes)

        monkeypatch.setattr(WatchedLink, "receive_within", limited)
        wait = Pump.wait

        async def waited(this: Pump, stream: Http2Stream, seconds: float | None, phase: Any) -> None:
            if seconds is None or this._loop is None or not this._link.resumable:
                await wait(this, stream, seconds, phase)
                return
            with _Limit(self.active, _Silence(stream)):
                await wait(this, stream, seconds, phase)

        monkeypatch.setattr(Pump, "wait", waited)

    def scope(self, *, deadline: float = inf, shield: bool = False) -> object:
        """Stand in for `anyio.CancelScope`; only what has a deadline is of interest."""
        real = anyio.CancelScope(deadline=deadline, shield=shield)
        return real if deadline == inf else _Limit(self.active, real)

    def move_on_after(self, delay: float | None, shield: bool = False) -> object:
        """Stand in for `anyio.move_on_after`."""
        return _Limit(self.active, anyio.move_on_after(delay, shield=shield))


class _Scope(Protocol):
    def cancel(self) -> None: ...
    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None: ...


class _Silence:
    """The limit of one wait that an alarm ends, as a scope."""

    def __init__(self, waiter: WatchedLink | Http2Stream) -> None:
        self._waiter = waiter

    def cancel(self) -> None:
        alarm = self._waiter._alarm if isinstance(self._waiter, WatchedLink) else self._waiter.alarm
        if alarm is not None:
            alarm.cancel()
            alarm.late = True
            alarm._ring()

    def __enter__(self) -> _Silence:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Limit:
    """One scope, listed while it is entered."""

    def __init__(self, active: list[_Scope], scope: _Scope) -> None:
        self._active = active
        self._scope = scope

    def __enter__(self) -> object:
        self._active.append(self._scope)
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._active.remove(self._scope)
        return self._scope.__exit__(kind, error, traceback)


class Network:
    """Counts what is asked of sockets; the k-th time fails, and the connection with it.

    Attributes:
        calls: How often a socket was used so far.
        k: Which time fails; 0 for none.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.k = 0
        receive, flush, send_now = SocketLink.receive, SocketLink.flush, SocketLink.send_now
        receive_within, connect = WatchedLink.receive_within, network._connect

        async def failing_receive(this: SocketLink, max_bytes: int = 65536) -> bytes:
            self._count(this)
            return await receive(this, max_bytes)

        async def failing_receive_within(this: WatchedLink, seconds: float, max_bytes: int = 65536) -> bytes | None:
            self._count(this)
            return await receive_within(this, seconds, max_bytes)

        async def failing_flush(this: SocketLink) -> None:
            self._count(this)
            await flush(this)

        def failing_send_now(this: SocketLink, data: bytes | memoryview) -> bool:
            self._count(this)
            return send_now(this, data)

        async def failing_connect(*address: Any) -> Any:
            self._count(None)
            return await connect(*address)

        monkeypatch.setattr(SocketLink, "receive", failing_receive)
        monkeypatch.setattr(WatchedLink, "receive_within", failing_receive_within)
        monkeypatch.setattr(SocketLink, "flush", failing_flush)
        monkeypatch.setattr(SocketLink, "send_now", failing_send_now)
        monkeypatch.setattr(network, "_connect", failing_connect)

    def _count(self, link: SocketLink | None) -> None:
        self.calls += 1
        if self.calls == self.k:
            if link is not None:
                with suppress(OSError):
                    link._sock.shutdown(2)
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


class Ground(Protocol):
    """Where a sweep takes place: a server that stays, and a client that is new for each k."""

    @property
    def allowed(self) -> tuple[type[BaseException], ...]:
        """What the work may raise when it is disturbed by anything but cancellation."""
        ...

    async def __aenter__(self) -> Ground:
        """Begin with a new client."""
        ...

    async def __aexit__(self, *_: object) -> None:
        """Check what must hold, and close the client."""
        ...

    def reset(self) -> None:
        """Break every connection from the server's side, at once."""
        ...


Work = Callable[[Any], Awaitable[object]]
"""A piece of work on a ground."""


async def sweep(ground: Ground, work: Work, mode: str, monkeypatch: pytest.MonkeyPatch, *, most: int = 2000) -> int:
    """Disturb the work at every point there is; return how many there are.

    Args:
        ground: Where it takes place.
        work: What is disturbed.
        mode: How: one of `ANYWHERE` or `ASYNCIO_ONLY`.
        monkeypatch: For the modes that stand in for scopes and sockets.
        most: Where to give up looking for the end.
    """
    limits = Limits(monkeypatch) if mode.startswith("time out") else None
    sockets = Network(monkeypatch) if mode == "fail" else None
    before = 0
    for k in range(1, most):
        async with ground:
            if k == 1:
                before = descriptors()
            if mode == "cancel":
                reached = await _cancelled(ground, work, k)
            elif mode in ASYNCIO_ONLY:
                reached = await _task_cancelled(ground, work, k, when_woken=mode == "task cancel when woken")
            elif sockets is not None:
                reached = await _failed(ground, work, k, sockets)
            else:
                reached = await _acted_on(ground, work, k, limits, inside=mode == "time out inside")
        # What this k opened is closed on both sides by now; a file may still be in the hands of a cancelled thread.
        for _ in range(10_000):
            if descriptors() <= before:
                break
            await checkpoint()
        else:
            raise AssertionError(f"descriptors are left after {mode!r} at {k}")
        if not reached:
            return k - 1
    raise AssertionError("the work did not come to its end")


async def _cancelled(ground: Ground, work: Work, k: int) -> bool:
    with anyio.CancelScope() as scope:
        driver = Disturbed(_coroutine(work, ground), k, lambda _: scope.cancel())
        await driver
    return driver.suspensions >= k


async def _task_cancelled(ground: Ground, work: Work, k: int, *, when_woken: bool) -> bool:
    def act(yielded: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        if when_woken and isinstance(yielded, asyncio.Future):
            # Ours comes before the task's own, so that it is cancelled between its result and its next step.
            yielded.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()

    driver = Disturbed(_coroutine(work, ground), k, act)

    async def run() -> None:
        await driver

    task = asyncio.create_task(run())
    with suppress(asyncio.CancelledError):
        await task
    reached = driver.suspensions >= k
    assert task.cancelled() is reached, "the cancellation was swallowed"
    return reached


async def _acted_on(ground: Ground, work: Work, k: int, limits: Limits | None, *, inside: bool) -> bool:
    def act(_: object) -> None:
        if limits is None:
            ground.reset()
        elif limits.active:
            limits.active[-1 if inside else 0].cancel()

    driver = Disturbed(_coroutine(work, ground), k, act)
    try:
        await driver
    except ground.allowed:
        # What nothing has disturbed must succeed.
        if driver.suspensions < k:
            raise
    return driver.suspensions >= k


async def _failed(ground: Ground, work: Work, k: int, sockets: Network) -> bool:
    sockets.calls, sockets.k = 0, k
    try:
        await work(ground)
    except ground.allowed:
        if sockets.calls < k:
            raise
    finally:
        # What comes after is not disturbed.
        sockets.k = 0
    return sockets.calls >= k


async def _coroutine(work: Work, ground: Ground) -> None:
    await work(ground)


def descriptors() -> int:
    """How many descriptors this process holds; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0
