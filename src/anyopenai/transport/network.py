"""Bytes over TCP: resolving, connecting and plain links; no TLS, no HTTP and no pool here.

A `Link` is what HTTP needs of an open connection. `SocketLink` works on a bare non-blocking socket with nothing but
anyio's `wait_readable` and `wait_writable`. Beside anyio's own socket streams that halves the cost of a request on
asyncio (no second pass through the event loop per write), needs no transport object that outlives its event loop, and
lets a connection be closed from anywhere without awaiting. `backend` has the links of httpcore's network backends.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, Protocol

from anyio import (
    CancelScope,
    ClosedResourceError,
    Event,
    current_time,
    getaddrinfo,
    notify_closing,
    wait_readable,
    wait_writable,
)

from .._tasks import open_task_group

__all__ = (
    "BareLink",
    "Link",
    "SocketLink",
    "connect_tcp",
    "connect_unix",
    "resolve_one",
)

# RFC 8305, section 5: the recommended delay between connection attempts.
_ATTEMPT_DELAY: Final = 0.25

# A silent stream may think for minutes: probes keep NAT entries alive and notice a vanished peer within about
# 60 + 5 * 15 s. openai-python's users are used to the first figure.
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 5))

_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR})


class Link(Protocol):
    """An open connection as bytes.

    One task may receive while another sends. Methods that do not await belong to the event loop's own thread, except
    `abort`.

    Attributes:
        resumable: A `flush` that was cancelled has lost nothing and can be repeated, and `receive_now` can tell what
            has arrived; false for links that only await.
    """

    resumable: bool

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing."""
        ...

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has or nobody can tell without awaiting."""
        ...

    def send_now(self, data: bytes | memoryview) -> bool:
        """Hand over as much as goes without waiting; False if a rest is kept for `flush`."""
        ...

    async def flush(self) -> None:
        """Hand over the rest; a link that is not `resumable` can only be closed when this was cancelled."""
        ...

    def is_stale(self) -> bool:
        """Tell whether an idle link has ended, or has bytes that nobody asked for."""
        ...

    def close(self) -> bool:
        """Close at once, waking whoever waits; False if `aclose` must still be awaited."""
        ...

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        ...

    async def aclose(self) -> None:
        """Finish what `close` could not; bounded, and safe when cancelled."""
        ...


class BareLink(Link, Protocol):
    """A link that tells what has arrived without waiting: what TLS can be put on."""

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        ...


class SocketLink:
    """A plain connection on a bare socket, TCP or Unix."""

    __slots__ = ("_closed", "_rest", "_sock", "_waiting", "resumable")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.resumable: bool = True
        self._rest: memoryview | None = None
        # Tasks that wait for the socket; closing it under them needs care (see `close`).
        self._waiting = 0
        self._closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing."""
        sock = self._sock
        while True:
            self._waiting += 1
            try:
                self._check_open()
                await wait_readable(sock)
            finally:
                self._stop_waiting()
            self._check_open()
            try:
                return sock.recv(max_bytes)
            except BlockingIOError:
                continue  # woken without cause

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        try:
            return self._sock.recv(65536)
        except BlockingIOError:
            return None

    def send_now(self, data: bytes | memoryview) -> bool:
        """Hand over as much as the kernel takes; False if a rest is kept for `flush`."""
        if self._rest is not None:
            self._rest = memoryview(bytes(self._rest) + bytes(data))
            return False
        try:
            taken = self._sock.send(data)
        except BlockingIOError:
            taken = 0
        if taken == len(data):
            return True
        self._rest = memoryview(data)[taken:]
        return False

    async def flush(self) -> None:
        """Hand over the rest; when cancelled, what is left of it is kept for the next time."""
        sock = self._sock
        while self._rest is not None:
            self._waiting += 1
            try:
                self._check_open()
                await wait_writable(sock)
            finally:
                self._stop_waiting()
            self._check_open()
            try:
                taken = sock.send(self._rest)
            except BlockingIOError:
                continue
            self._rest = self._rest[taken:] if taken < len(self._rest) else None

    def is_stale(self) -> bool:
        """Tell whether the peer has closed, or has sent what nobody asked for."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> bool:
        """Close at once, waking whoever waits."""
        self._closed = True
        if self._waiting and self._sock.fileno() >= 0:
            try:
                notify_closing(self._sock)
            except Exception:
                # Without a running loop there is nobody to wake.
                self._sock.close()
                return True
            # Those who wait wake later, and anyio then forgets whoever watches that number: a new connection that got
            # it meanwhile would wait for ever. So the peer is told now, and the last one to wake gives the number back.
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
            return True
        self._sock.close()
        return True

    def _check_open(self) -> None:
        if self._closed or self._sock.fileno() < 0:
            raise ClosedResourceError

    def _stop_waiting(self) -> None:
        self._waiting -= 1
        if self._closed and not self._waiting:
            self._sock.close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        with suppress(OSError):
            if self._waiting:
                # Only its own loop may close a descriptor that it watches: end the conversation, which wakes it.
                self._sock.shutdown(socket.SHUT_RDWR)
            else:
                self._sock.close()

    async def aclose(self) -> None:
        """Close; nothing is left to wait for."""
        self.close()


async def connect_tcp(host: str, port: int) -> SocketLink:
    """Connect to the first address of a host that answers (RFC 8305, happy eyeballs).

    Cancelling leaves no socket open.

    Args:
        host: Name or address, without brackets.
        port: TCP port.

    Raises:
        OSError: The name does not resolve (`socket.gaierror`), or no address accepts.
    """
    addresses = await _resolve(host, port)
    if len(addresses) == 1:
        return SocketLink(await _connect(*addresses[0]))
    return SocketLink(await _race(addresses))


async def connect_unix(path: str) -> SocketLink:
    """Connect to a server on this machine; cancelling leaves no socket open.

    Args:
        path: Where its socket is in the file system.

    Raises:
        OSError: Nobody listens there, or the system has no such sockets.
    """
    family: int | None = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise OSError(errno.EAFNOSUPPORT, "this system has no Unix sockets; use http:// and a port")
    return SocketLink(await _connect(family, path))


_Address = tuple[int, tuple[str, int]]


async def resolve_one(host: str, port: int) -> str:
    """Return one address of a host, IPv4 if it has one, for a proxy that wants addresses and may have no IPv6.

    Raises:
        OSError: The name does not resolve (`socket.gaierror`).
    """
    addresses = await _resolve(host, port)
    return next((address for family, address in addresses if family == socket.AF_INET), addresses[0][1])[0]


async def _resolve(host: str, port: int) -> list[_Address]:
    """Return the addresses of a host, families taking turns, the resolver's favourite first."""
    try:
        literal = ip_address(host)
    except ValueError:
        pass
    else:
        return [(socket.AF_INET6 if literal.version == 6 else socket.AF_INET, (host, port))]
    found = [(int(entry[0]), entry[4]) for entry in await getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "it has no address of a family that this system uses")
    found = list(dict.fromkeys(found))
    favourite = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    turns: list[_Address] = []
    while favourite or others:
        if favourite:
            turns.append(favourite.pop(0))
        if others:
            turns.append(others.pop(0))
    return turns


async def _connect(family: int, address: tuple[str, int] | str) -> socket.socket:
    """Open one connection; closed again if that fails or is cancelled."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if not isinstance(address, str):
            # Requests are single writes: waiting for more would only delay them.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEP_ALIVE:
                option: int | None = getattr(socket, name, None)
                if option is not None:
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)
        code = sock.connect_ex(address)
        if code in _IN_PROGRESS:
            await wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


async def _race(addresses: list[_Address]) -> socket.socket:
    """Try addresses one after the other, each with a head start of 250 ms; the first that answers wins."""
    winner: socket.socket | None = None
    errors: list[OSError] = []

    async def attempt(address: _Address, ended: Event) -> None:
        nonlocal winner
        try:
            sock = await _connect(*address)
        except OSError as error:
            errors.append(error)
            ended.set()
            return
        if winner is None:
            winner = sock
            group.cancel_scope.cancel()
        else:
            sock.close()

    try:
        async with open_task_group() as group:
            for address in addresses:
                ended = Event()
                group.start_soon(attempt, address, ended)
                with CancelScope(deadline=current_time() + _ATTEMPT_DELAY):
                    await ended.wait()
    except BaseException:
        if winner is not None:
            winner.close()
        raise
    if winner is None:
        raise _all_failed(errors)
    return winner


def _all_failed(errors: list[OSError]) -> OSError:
    """Return one error for several addresses: the first one's, with what the others said."""
    texts = dict.fromkeys(error.strerror or str(error) for error in errors)
    error = OSError(errors[0].errno, "; ".join(texts))
    error.__cause__ = errors[0]
    return error
