"""Proxies in a script: steps for a fault server that do what a proxy does, or as much of it as a test wants."""

from __future__ import annotations

from base64 import b64decode
from ipaddress import ip_address

from anyio import ClosedResourceError, EndOfStream, connect_tcp, create_task_group
from anyio.abc import ByteStream

from anyopenai.testing.faults import Peer
from anyopenai.testing.peer import HungUp

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def login_of(header: str | None) -> str | None:
    """Return `user:password` from a `Proxy-Authorization`."""
    return None if header is None else b64decode(header.removeprefix("Basic ")).decode()


async def relay(peer: Peer, upstream: ByteStream) -> None:
    """Carry bytes both ways until either side has ended."""

    async def there() -> None:
        try:
            while True:
                await upstream.send(await peer.receive_some())
        except (HungUp, OSError, ClosedResourceError):
            group.cancel_scope.cancel()

    async def back() -> None:
        try:
            while True:
                await peer.send(await upstream.receive())
        except (HungUp, EndOfStream, OSError, ClosedResourceError):
            group.cancel_scope.cancel()

    async with create_task_group() as group:
        group.start_soon(there)
        group.start_soon(back)


class Connect:
    """Answer CONNECT and carry bytes.

    Args:
        login: `user:password` to insist on.
        lead: Sent before the final answer.
        to: Connect there whatever is asked for.
    """

    def __init__(self, login: str | None = None, *, lead: bytes = b"", to: tuple[str, int] | None = None) -> None:
        self._login = login
        self._lead = lead
        self._to = to

    async def __call__(self, peer: Peer) -> None:
        head = await peer.receive_head()
        peer.record(head)
        if self._login is not None and login_of(head.header("proxy-authorization")) != self._login:
            await peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        host, _, port = head.target.rpartition(":")
        async with await connect_tcp(*(self._to or (host.strip("[]"), int(port)))) as upstream:
            await peer.send(self._lead + ESTABLISHED)
            await relay(peer, upstream)


class Socks:
    """Speak SOCKS5 and carry bytes.

    Args:
        login: `user:password` to insist on.
        reply: The reply to a request; anything but 0 ends the connection.
        to: Connect there whatever is asked for.

    Attributes:
        asked: What connections were asked for.
    """

    def __init__(self, login: str | None = None, *, reply: int = 0, to: tuple[str, int] | None = None) -> None:
        self._login = login
        self._reply = reply
        self._to = to
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, peer: Peer) -> None:
        version, count = await peer.receive_exactly(2)
        assert version == 5
        methods = await peer.receive_exactly(count)
        if self._login is None:
            await peer.send(b"\x05\x00")
        elif 2 not in methods:
            await peer.send(b"\x05\xff")
            return
        else:
            await peer.send(b"\x05\x02")
            _, size = await peer.receive_exactly(2)
            user = await peer.receive_exactly(size)
            [size] = await peer.receive_exactly(1)
            password = await peer.receive_exactly(size)
            accepted = b"%b:%b" % (user, password) == self._login.encode()
            await peer.send(b"\x01\x00" if accepted else b"\x01\x01")
            if not accepted:
                return
        _, _, _, kind = await peer.receive_exactly(4)
        if kind == 3:
            [size] = await peer.receive_exactly(1)
            host = (await peer.receive_exactly(size)).decode()
        else:
            host = str(ip_address(await peer.receive_exactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await peer.receive_exactly(2), "big")
        self.asked.append((host, port))
        if self._reply:
            await peer.send(bytes((5, self._reply, 0, 1, 0, 0, 0, 0, 0, 0)))
            return
        async with await connect_tcp(*(self._to or (host, port))) as upstream:
            # In two pieces: the network cuts where it likes.
            await peer.send(b"\x05\x00\x00\x01\x7f")
            await peer.send(b"\x00\x00\x01\x00\x50")
            await relay(peer, upstream)
