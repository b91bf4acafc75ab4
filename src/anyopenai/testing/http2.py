"""HTTP/2 for `fault_server`: `Http2` speaks it on a connection and gives each request a script, however wrong; no API here.

A script is a list of steps, one script per request; the last one serves all further requests of that connection::

    http2 = Http2(
        [Request(), Answer(body=b"{}")],                    # first request: answered
        [ResetStream(ErrorCodes.REFUSED_STREAM)],           # second: refused
        [Request(), Answer(body=b"{}")],                    # all others: answered
        max_streams=1,
    )
    async with fault_server([http2]) as server:
        ...                                                 # talk to server.url
        assert http2.sessions[0].violations == []           # what the client did against the protocol

Like every step, `Http2` takes part in a connection's script (`[Http2(...), Reset()]`), and one object may serve many
connections. A step of a request is any async callable that takes the `Exchange`. `Wait` and `Set` of `faults` work too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from .session import TYPES, Session
from .stream import Exchange, StreamOver

if TYPE_CHECKING:
    from hyperframe.frame import Frame

    from .peer import Peer

__all__ = (
    "SERVE",
    "Answer",
    "Data",
    "ErrorCodes",
    "Exchange",
    "Frames",
    "GoAway",
    "Head",
    "HoldStream",
    "Http2",
    "Request",
    "ResetStream",
    "Session",
    "SettingCodes",
    "Settings",
    "ShutDown",
    "StreamOver",
    "StreamScript",
    "StreamStep",
    "Trailers",
    "frame",
)

StreamStep: TypeAlias = Callable[[Exchange], Awaitable[object]]
"""One thing that is done with a request."""

StreamScript: TypeAlias = Sequence[StreamStep]
"""What is done with a request from its head on; a stream whose script ends unanswered stays silent."""


def _no_headers() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Request:
    """Wait for the whole request and record it; with `body=False` record its head and go on."""

    body: bool = True

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        if self.body:
            await exchange.receive_request()
        else:
            exchange.record()


@dataclass(frozen=True)
class Head:
    """Send an answer's head, or an interim one (1xx).

    Args:
        status: HTTP status; None leaves the field out.
        headers: Further fields, as they are.
        end: Whether the answer ends with it.
    """

    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=_no_headers)
    end: bool = False

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        status = [] if self.status is None else [(":status", str(self.status))]
        await exchange.send_headers([*status, *self.headers.items()], end=self.end)


@dataclass(frozen=True)
class Data:
    """Send a piece of a body within the client's windows, in frames of at most `size` bytes."""

    data: bytes
    end: bool = False
    size: int = 16384

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.send_data(self.data, end=self.end, size=self.size)


@dataclass(frozen=True)
class Trailers:
    """Send fields after the body, and with them its end."""

    headers: Mapping[str, str]

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.send_headers(self.headers.items(), end=True)


@dataclass(frozen=True)
class Answer:
    """Send a whole answer, with its `content-length` unless `headers` has one; body frames of at most `size` bytes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=_no_headers)
    size: int = 16384

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        fields = {":status": str(self.status), "content-length": str(len(self.body)), **self.headers}
        await exchange.send_headers(fields.items(), end=not self.body)
        if self.body:
            await exchange.send_data(self.body, end=True, size=self.size)


@dataclass(frozen=True)
class ResetStream:
    """End the stream with RST_STREAM."""

    code: int = ErrorCodes.INTERNAL_ERROR

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.reset(self.code)


@dataclass(frozen=True)
class HoldStream:
    """Say nothing more until the client resets the stream."""

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.gone.wait()


@dataclass(frozen=True)
class GoAway:
    """Send GOAWAY, and go on; see `Session.go_away`."""

    last: int | None = None
    code: int = ErrorCodes.NO_ERROR
    debug: bytes = b""

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.session.go_away(self.last, self.code, self.debug)


@dataclass(frozen=True)
class ShutDown:
    """Have the connection end as proxies do it, beside this script; see `Session.shut_down`."""

    steps: int = 2

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        session = exchange.session
        session.start(lambda: session.shut_down(steps=self.steps))


class Frames:
    """Send frames or bytes as they are, right or wrong.

    Args:
        items: Frames, bytes, or functions that make them of the `Exchange`.
        times: How often to send them all.
    """

    def __init__(self, *items: Frame | bytes | Callable[[Exchange], Frame | bytes], times: int = 1) -> None:
        self.items = items
        self.times = times

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        for _ in range(self.times):
            for item in self.items:
                await exchange.session.send(item(exchange) if callable(item) else item)


@dataclass(frozen=True)
class Settings:
    """Announce other settings."""

    settings: Mapping[int, int]

    async def __call__(self, exchange: Exchange) -> None:
        """Carry out the step."""
        await exchange.session.change(self.settings)


SERVE: Final[StreamScript] = (Request(), Answer())
"""Take the request and answer it with an empty JSON object."""


class Http2:
    """Speak HTTP/2 on a connection until either side ends it; a step for `fault_server`.

    Args:
        scripts: What is done with the first, second, ... request of each connection; `SERVE` without any.
        max_streams: Announced limit of concurrent streams; None leaves it out.
        window: Announced initial window of each stream, in bytes.
        settings: Further settings to announce.
        first: Bytes to send instead of the settings.
        on_frame: Called with the `Session` after each frame that came and each that a script sent; it must not wait for
            scripts (see `Session.start`).
        answer_settings: Whether the client's settings are acknowledged.
        answer_pings: Whether its pings are.
        credit: Whether what it sends gives it new window.

    Attributes:
        sessions: Every connection so far, in the order they came.
    """

    def __init__(
        self,
        *scripts: StreamScript,
        max_streams: int | None = None,
        window: int = 65535,
        settings: Mapping[int, int] | None = None,
        first: bytes | None = None,
        on_frame: Callable[[Session], Awaitable[object]] | None = None,
        answer_settings: bool = True,
        answer_pings: bool = True,
        credit: bool = True,
    ) -> None:
        self.sessions: list[Session] = []
        self._scripts = scripts or (SERVE,)
        self._settings: dict[int, int] = dict(settings or {})
        if max_streams is not None:
            self._settings[SettingCodes.MAX_CONCURRENT_STREAMS] = max_streams
        if window != 65535:
            self._settings[SettingCodes.INITIAL_WINDOW_SIZE] = window
        self._first = first
        self._on_frame = on_frame
        answering = {"SETTINGS": answer_settings, "PING": answer_pings, "CREDIT": credit}
        self._answering = frozenset(name for name, wanted in answering.items() if wanted)

    async def __call__(self, peer: Peer) -> None:
        """Carry out the step."""
        last = len(self._scripts) - 1
        session = Session(
            peer,
            lambda number: self._scripts[min(number, last)],
            self._on_frame,
            answering=self._answering,
        )
        self.sessions.append(session)
        await session.serve(self._settings, self._first)

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request so far that was worked on, connection by connection."""
        return [exchange for session in self.sessions for exchange in session.exchanges.values()]

    @property
    def violations(self) -> list[str]:
        """What clients did against the protocol, on any connection."""
        return [violation for session in self.sessions for violation in session.violations]


def frame(kind: str, stream_id: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """Return a frame as bytes, however wrong it is.

    Args:
        kind: Its type's name, such as `"DATA"`.
        stream_id: Its stream.
        payload: What follows its nine bytes.
        flags: Its flags as a number.

    Raises:
        ValueError: There is no such type.

    Source: https://www.rfc-editor.org/rfc/rfc9113#section-4.1
    """
    head = len(payload).to_bytes(3, "big") + bytes((TYPES.index(kind), flags)) + stream_id.to_bytes(4, "big")
    return head + payload
