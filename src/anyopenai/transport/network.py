"""Connections over TCP and Unix sockets: resolving and connecting; no TLS, no HTTP and no pool here."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from typing import Final

from anyio import CancelScope, Event, current_time, getaddrinfo, wait_writable

from .._tasks import open_task_group
from .link import SocketLink
from .watching import link_over

__all__ = ("connect_tcp", "connect_unix", "resolve_one")

# RFC 8305, section 5: the recommended delay between connection attempts.
_ATTEMPT_DELAY: Final = 0.25

# A silent stream may think for minutes: probes keep NAT entries alive and notice a vanished peer within about
# 60 + 5 * 15 s. openai-python's users are used to the first figure.
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 5))

_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR})


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
        return link_over(await _connect(*addresses[0]))
    return link_over(await _race(addresses))


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
    return link_over(await _connect(family, path))


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
