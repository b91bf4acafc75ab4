"""What is said to a proxy to get through it: HTTP CONNECT and SOCKS5, bytes in and bytes out; no sockets here.

Theory of operation: `start` gives the first bytes to send, `feed` takes what arrives and gives what to send next, and
`done` tells that from now on every byte is the origin's. Nothing may arrive beyond the proxy's last word, since the
client speaks first in everything that is carried here.

SOCKS5 is two short exchanges, so it is written here rather than taken from socksio: that reads each message from one
piece of bytes, and fails when the network cuts it elsewhere.
"""

from __future__ import annotations

import re
from typing import Final, Literal, Protocol, TypeAlias

from .bypass import address_of
from .proxies import Proxy

__all__ = ("ConnectTunnel", "SocksTunnel", "Tunnel", "TunnelError", "TunnelProblem", "refused_login", "tunnel_for")

TunnelProblem: TypeAlias = Literal["refused", "passing", "protocol"]
"""Why there is no tunnel: the proxy does not allow it, it could not do it now, or it speaks something else."""

# The head of an answer to CONNECT; squid's longest, with its error headers, is below 1 KiB.
_MOST_HEAD: Final = 65536

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: ([^\r\n]*))?\r?\n")
_TLS_RECORD: Final = b"\x15\x03"

# Statuses below 500 say no for good, but these do not; above, these do.
_PASSING_BELOW: Final = frozenset({408, 425, 429})
_LASTING_ABOVE: Final = frozenset({501, 505})

_NOTHING: Final = memoryview(b"")

_VERSION: Final = 5
_NO_LOGIN: Final = 0
_PASSWORD: Final = 2
_NONE_ACCEPTED: Final = 0xFF

# RFC 1928, section 6: what each reply says, and whether it may be another the next time.
_REPLIES: Final[dict[int, tuple[str, TunnelProblem]]] = {
    1: ("it failed for a reason of its own", "passing"),
    2: ("its rules do not allow this connection", "refused"),
    3: ("the network is unreachable from there", "passing"),
    4: ("the host is unreachable from there", "passing"),
    5: ("the host refused the connection", "passing"),
    6: ("the way to the host is too long (TTL expired)", "passing"),
    7: ("it does not support the command CONNECT", "refused"),
    8: ("it does not support this type of address", "refused"),
}


class TunnelError(Exception):
    """A proxy gave no tunnel.

    Attributes:
        problem: Why.
        code: The HTTP status or SOCKS reply; None where there was neither.
    """

    def __init__(self, message: str, problem: TunnelProblem, code: int | None = None) -> None:
        super().__init__(message)
        self.problem: TunnelProblem = problem
        self.code = code


class Tunnel(Protocol):
    """One negotiation with a proxy.

    Attributes:
        done: Every further byte is the origin's.
    """

    done: bool

    def start(self) -> memoryview:
        """Return the first bytes to send: a view, because reports of exceptions show the bytes that variables hold."""
        ...

    def feed(self, data: bytes) -> memoryview:
        """Take what has arrived, b"" for the end, and return what to send next, an empty view for nothing.

        Raises:
            TunnelError: There will be no tunnel.
        """
        ...


def tunnel_for(proxy: Proxy, host: str, port: int) -> Tunnel:
    """Return the negotiation for a proxy.

    Args:
        proxy: The proxy.
        host: Name or address to be reached through it, without brackets.
        port: TCP port.
    """
    return SocksTunnel(proxy, host, port) if proxy.is_socks else ConnectTunnel(proxy, host, port)


class ConnectTunnel:
    """HTTP CONNECT, in HTTP/1.1.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
    """

    __slots__ = ("_authority", "_buffer", "_proxy", "_size", "done")

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        self._proxy = proxy
        self._authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._buffer = b""
        self._size = 0
        self.done: bool = False

    def start(self) -> memoryview:
        """Return the request."""
        request = f"CONNECT {self._authority} HTTP/1.1\r\nhost: {self._authority}\r\n".encode("ascii")
        if self._proxy.username is None:
            return memoryview(request + b"\r\n")
        return memoryview(b"".join((request, b"proxy-authorization: ", self._proxy.authorization or b"", b"\r\n\r\n")))

    def feed(self, data: bytes) -> memoryview:
        """Take a piece of the answer.

        Raises:
            TunnelError: There will be no tunnel.
        """
        if not data:
            raise TunnelError(f"it hung up without an answer to CONNECT {self._authority}", "passing")
        self._size += len(data)
        if self._size > _MOST_HEAD:
            raise TunnelError(f"its answer to CONNECT has a head of more than {_MOST_HEAD} bytes", "protocol")
        # An end may begin in what was there before.
        seen = max(0, len(self._buffer) - 3)
        self._buffer += data
        while not self.done and self._buffer:
            if not self._buffer.startswith(b"HTTP/1."[: len(self._buffer)]):
                hint = "; it seems to speak TLS, so write https:// in its URL" if self._speaks_tls() else ""
                raise TunnelError(
                    f"it did not answer CONNECT in HTTP/1.1, but with {self._buffer[:20]!r}{hint}", "protocol"
                )
            end = _HEAD_END.search(self._buffer, seen)
            if end is None:
                break
            seen = 0
            self._judge(self._buffer[: end.end()])
            self._buffer = self._buffer[end.end() :]
        if self.done and self._buffer:
            raise TunnelError("it sent more bytes than its answer to CONNECT", "protocol")
        return _NOTHING

    def _speaks_tls(self) -> bool:
        return self._buffer.startswith(_TLS_RECORD)

    def _judge(self, head: bytes) -> None:
        """Act on the head of an answer."""
        match = _STATUS.match(head)
        if match is None:
            raise TunnelError(f"it did not answer CONNECT in HTTP/1.1, but with {head[:40]!r}", "protocol")
        status = int(match[1])
        if 100 <= status < 200 and status != 101:
            return
        if 200 <= status < 300:
            self.done = True
            return
        # tinyproxy says 401 to a wrong password, which only a server should; no server has been asked yet.
        if status in (401, 407):
            raise refused_login(self._proxy, status)
        phrase = "".join(c for c in (match[2] or b"").decode("latin-1")[:100] if c.isprintable()).strip()
        lasting = status not in _PASSING_BELOW if status < 500 else status in _LASTING_ABOVE
        raise TunnelError(
            f"it answered CONNECT {self._authority} with {status}{' ' if phrase else ''}{phrase}",
            "refused" if lasting else "passing",
            status,
        )


class SocksTunnel:
    """SOCKS5, without a log-in or with a user name and password.

    Source: https://www.rfc-editor.org/rfc/rfc1928 and https://www.rfc-editor.org/rfc/rfc1929
    """

    __slots__ = ("_buffer", "_host", "_next", "_port", "_proxy", "done")

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        self._proxy = proxy
        self._host = host
        self._port = port
        self._buffer = b""
        self._next: Literal["method", "login", "reply"] = "method"
        self.done: bool = False

    def start(self) -> memoryview:
        """Return the greeting."""
        return memoryview(b"\x05\x01\x00" if self._proxy.username is None else b"\x05\x02\x00\x02")

    def feed(self, data: bytes) -> memoryview:
        """Take a piece of what the proxy says, and return the answer.

        Raises:
            TunnelError: There will be no tunnel.
        """
        if not data:
            raise TunnelError(f"it hung up before there was a connection to {self._where}", "passing")
        self._buffer += data
        answer = _NOTHING
        while not self.done and not answer:
            # Looked at before anything is complete: who speaks something else may never send enough.
            wanted = 1 if self._next == "login" else _VERSION
            if self._buffer and self._buffer[0] != wanted:
                hint = "; it seems to speak HTTP, so write http:// in its URL" if self._buffer[:1] == b"H" else ""
                raise TunnelError(f"it does not speak SOCKS5, and answered {self._buffer[:20]!r}{hint}", "protocol")
            message = self._take()
            if message is None:
                break
            answer = self._answer(message)
        if self._buffer and (self.done or answer):
            raise TunnelError("it sent more bytes than SOCKS5 has it send", "protocol")
        return answer

    @property
    def _where(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def _take(self) -> bytes | None:
        """Return the next whole message; None while it is not whole."""
        data = self._buffer
        size = 2
        if self._next == "reply":
            # A refusal may end after its reply byte, and needs no more to be understood.
            if len(data) >= 2 and data[1]:
                raise self._refusal(data[1])
            if len(data) < 5:
                return None
            sizes = {1: 4, 3: 1 + data[4], 4: 16}
            if data[3] not in sizes:
                raise TunnelError(f"it does not speak SOCKS5: its reply has an address of type {data[3]}", "protocol")
            size = 4 + sizes[data[3]] + 2
        if len(data) < size:
            return None
        self._buffer = data[size:]
        return data[:size]

    def _answer(self, message: bytes) -> memoryview:
        """Act on a whole message and return what to send next."""
        said = message[1]
        if self._next == "reply":
            self.done = True
            return _NOTHING
        if self._next == "login":
            if said:
                raise refused_login(self._proxy, said)
            self._next = "reply"
            return self._request()
        if said == _NO_LOGIN:
            self._next = "reply"
            return self._request()
        if said == _PASSWORD and self._proxy.username is not None:
            self._next = "login"
            proxy = self._proxy
            sizes = bytes((len(proxy.username or b""),)), bytes((len(proxy.password),))
            return memoryview(b"".join((b"\x01", sizes[0], proxy.username or b"", sizes[1], proxy.password)))
        if said == _NONE_ACCEPTED:
            raise refused_login(self._proxy, said)
        raise TunnelError(f"it chose a way to log in that was not offered ({said})", "protocol")

    def _request(self) -> memoryview:
        """Return the request for a connection."""
        address = address_of(self._host)
        if address is not None:
            kind = b"\x01" if address.version == 4 else b"\x04"
            where = kind + address.packed
        else:
            name = self._host.encode("ascii", "replace")
            if len(name) > 255:
                raise TunnelError(f"SOCKS5 has no room for a host name of {len(name)} bytes", "refused")
            where = b"\x03" + bytes((len(name),)) + name
        return memoryview(b"\x05\x01\x00" + where + self._port.to_bytes(2, "big"))

    def _refusal(self, reply: int) -> TunnelError:
        text, problem = _REPLIES.get(reply, ("it gave a reply that SOCKS5 does not know", "refused"))
        return TunnelError(f"it made no connection to {self._where}: {text} (SOCKS reply {reply})", problem, reply)


def refused_login(proxy: Proxy, code: int) -> TunnelError:
    """Return the error for a proxy that wants other credentials, or some at all."""
    if proxy.username is not None:
        text = f"it does not accept the user name and password ({code}); correct them in its URL, percent-encoded"
    else:
        text = (
            f"it wants a user name and a password ({code}); write them into its URL: {proxy.scheme}://user:password@..."
        )
    return TunnelError(text, "refused", code)
