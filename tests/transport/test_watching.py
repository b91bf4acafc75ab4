"""`WatchedLink`: one registration for many reads, and nothing lost, leaked or mistaken for another's when it ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Any

import anyio
import pytest
from anyio import (
    BusyResourceError,
    CancelScope,
    ClosedResourceError,
    create_task_group,
    fail_after,
    to_thread,
    wait_all_tasks_blocked,
)
from anyio.lowlevel import checkpoint, current_token

from anyopenai.transport import waiting
from anyopenai.transport.link import SocketLink
from anyopenai.transport.watching import WatchedLink, link_over


@pytest.fixture(
    params=["asyncio", pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop")],
)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """Trio has no such links."""
    if request.param != "asyncio":
        pytest.importorskip("uvloop")
    return request.param


@contextmanager
def pair() -> Generator[tuple[WatchedLink, socket.socket]]:
    """Give a link on the running event loop, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    link = link_over(ours)
    assert isinstance(link, WatchedLink)
    with theirs:
        try:
            yield link, theirs
        finally:
            link.close()


# uvloop cannot be looked into.
ON_ASYNCIO = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Told:
    """What an event loop of asyncio's own is told to watch and to time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.readers = self.timers = 0
        loop: Any = current_token().native_token
        assert isinstance(loop, asyncio.SelectorEventLoop)
        add_reader, call_at = loop.add_reader, loop.call_at

        def count_reader(*args: Any) -> None:
            self.readers += 1
            add_reader(*args)

        def count_timer(*args: Any, **options: Any) -> Any:
            self.timers += 1
            return call_at(*args, **options)

        monkeypatch.setattr(loop, "add_reader", count_reader)
        monkeypatch.setattr(loop, "call_at", count_timer)


@ON_ASYNCIO
async def test_many_reads_take_one_registration_and_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pair() as (link, other):
        told = Told(monkeypatch)
        for number in range(20):
            async with create_task_group() as group:
                group.start_soon(wait_and_send, other, b"%d" % number)
                assert await link.receive_within(600) == b"%d" % number
        assert (told.readers, told.timers) == (1, 1)


async def wait_and_send(other: socket.socket, data: bytes) -> None:
    await wait_all_tasks_blocked()
    other.send(data)


async def test_while_nobody_reads_one_read_is_held_and_the_event_loop_looks_away() -> None:
    with pair() as (link, other):
        other.send(b"first")
        assert await link.receive() == b"first"
        data = bytes(range(256)) * 400
        assert other.send(data) == len(data)
        while link._watching:
            await checkpoint()
        # uvloop was looked away from at once.
        assert (link._held is not None) is link._stays
        assert len(link._held or b"") <= 65536
        assert link.is_stale()
        received = bytearray()
        while len(received) < len(data):
            received += await link.receive()
        assert bytes(received) == data
        assert not link.is_stale()


async def test_what_was_read_at_the_moment_of_a_cancellation_is_there_for_the_next() -> None:
    with pair() as (link, other):
        task = asyncio.create_task(link.receive())
        while link._waiter is None:
            await checkpoint()
        other.send(b"kept")
        link._on_readable()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await link.receive() == b"kept"


@pytest.mark.parametrize("way", ["receive_now", "receive"])
async def test_what_was_read_too_early_comes_first(way: str) -> None:
    with pair() as (link, other):
        other.send(b"a")
        assert await link.receive() == b"a"
        other.send(b"b")
        while link._held is None:
            link._on_readable()
        other.send(b"c")
        first = link.receive_now() if way == "receive_now" else await link.receive(1)
        assert (first, await link.receive()) == (b"b", b"c")


async def test_a_silence_that_lasts_too_long_is_told_and_loses_nothing() -> None:
    with pair() as (link, other):
        assert await link.receive_within(0.001) is None
        other.send(b"late")
        assert await link.receive_within(0) == b"late"
        assert await link.receive_within(0) is None
        async with create_task_group() as group:
            group.start_soon(wait_and_send, other, b"later")
            assert await link.receive_within(inf) == b"later"


async def test_a_shorter_limit_than_the_one_before_holds() -> None:
    with pair() as (link, other), fail_after(10):
        other.send(b"x")
        assert await link.receive_within(600) == b"x"
        assert await link.receive_within(0.001) is None


@ON_ASYNCIO
async def test_a_limit_counts_from_its_own_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pair() as (link, other):
        told = Told(monkeypatch)
        loop: Any = current_token().native_token
        now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: now)
        async with create_task_group() as group:
            group.start_soon(wait_and_send, other, b"x")
            assert await link.receive_within(5) == b"x"
        now += 4
        async with create_task_group() as group:

            async def read() -> None:
                assert await link.receive_within(5) is None
                assert told.timers == 2

            group.start_soon(read)
            await wait_all_tasks_blocked()
            now += 1.5
            await wait_all_tasks_blocked()
            assert link._waiter is not None
            now += 4


async def test_a_limit_that_passes_while_nobody_waits_harms_nobody() -> None:
    with pair() as (link, other):
        other.send(b"x")
        assert await link.receive_within(0.001) == b"x"
        while link._alarm._timer is not None:
            await checkpoint()
        async with create_task_group() as group:
            group.start_soon(wait_and_send, other, b"y")
            assert await link.receive_within(600) == b"y"


async def test_two_tasks_that_receive_at_once_are_told_apart() -> None:
    with pair() as (link, _), CancelScope() as scope:
        async with create_task_group() as group:
            group.start_soon(link.receive)
            await wait_all_tasks_blocked()
            with pytest.raises(BusyResourceError):
                await link.receive()
            scope.cancel()


async def test_the_end_is_told_again_and_again_without_watching() -> None:
    with pair() as (link, other):
        other.shutdown(socket.SHUT_WR)
        for _ in range(3):
            assert await link.receive() == b""
            assert not link._watching
        assert link.send_now(b"the other direction is open")


async def test_a_reset_is_raised_behind_the_data_before_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    link = link_over(ours)
    theirs.send(b"data")
    assert await link.receive() == b"data"
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    with fail_after(10), pytest.raises(ConnectionResetError):
        await link.receive()
    link.close()


async def test_a_number_given_again_belongs_to_its_new_owner_alone() -> None:
    with pair() as (old, other):
        other.send(b"x")
        assert await old.receive() == b"x"
        number = old._fd
        old.close()
        with pair() as (new, peer):
            assert new._fd == number
            async with create_task_group() as group:
                group.start_soon(wait_and_send, peer, b"mine")
                assert await new.receive() == b"mine"
            # What the former owner is still asked to do has nothing to do with it.
            old.close()
            old.abort()
            async with create_task_group() as group:
                group.start_soon(wait_and_send, peer, b"mine")
                assert await new.receive() == b"mine"


class Baggage:
    """Something that a caller has in its context."""


async def test_what_a_caller_has_in_its_context_is_not_kept() -> None:
    baggage: ContextVar[Baggage | None] = ContextVar("baggage", default=None)
    kept: list[weakref.ref[Baggage]] = []
    with pair() as (link, other):

        async def call() -> None:
            thing = Baggage()
            kept.append(weakref.ref(thing))
            baggage.set(thing)
            assert await link.receive_within(600) == b"x"

        async with create_task_group() as group:
            group.start_soon(call)
            group.start_soon(wait_and_send, other, b"x")
        gc.collect()
        assert link._watching is link._stays
        assert kept[0]() is None


async def test_closing_wakes_who_waits_and_frees_the_descriptor_at_once() -> None:
    with pair() as (link, _):

        async def reader() -> None:
            with pytest.raises(ClosedResourceError):
                await link.receive_within(600)

        async with create_task_group() as group:
            group.start_soon(reader)
            await wait_all_tasks_blocked()
            assert link.close()
            assert link._sock.fileno() == -1
        assert link._alarm._timer is None


async def test_aborting_from_another_thread_leaves_the_descriptor_to_its_event_loop() -> None:
    with pair() as (link, other), fail_after(10):
        other.send(b"x")
        assert await link.receive() == b"x"
        await to_thread.run_sync(link.abort)
        while link._sock.fileno() != -1:
            await checkpoint()
        assert not link._watching
        assert other.recv(1) == b""


async def test_aborting_ends_the_wait_of_who_receives() -> None:
    with pair() as (link, _), fail_after(10):
        received: list[bytes] = []

        async def reader() -> None:
            received.append(await link.receive())

        async with create_task_group() as group:
            group.start_soon(reader)
            await wait_all_tasks_blocked()
            await to_thread.run_sync(link.abort)
        assert received == [b""]


@pytest.mark.parametrize("ending", ["close", "abort"])
def test_a_link_outlives_its_event_loop_and_can_be_closed(ending: str, anyio_backend: Any) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def use() -> SocketLink:
        link = link_over(ours)
        theirs.send(b"x")
        assert await link.receive_within(600) == b"x"
        return link

    name, options = (anyio_backend, {}) if isinstance(anyio_backend, str) else anyio_backend
    link = anyio.run(use, backend=name, backend_options=options)
    getattr(link, ending)()
    assert ours.fileno() == -1
    with theirs:
        assert theirs.recv(1) == b""


async def test_an_event_loop_without_readers_gets_plain_links(monkeypatch: pytest.MonkeyPatch) -> None:
    class Token:
        native_token = object()

    monkeypatch.setattr(waiting, "current_token", Token)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert type(link_over(ours)) is SocketLink
