"""One HTTP/2 connection of a fault server, `Session`; single requests and the scripts are elsewhere.

`h2` reads what the client sends and so checks it: whatever it objects to is kept in `Session.violations`. What a server may
send goes through `h2` as well; what no server may send goes out as frames or bytes, past it.
"""

from __future__ import annotations

from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from anyio import Event
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    PingAckReceived,
    RequestReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame

from .._tasks import open_task_group
from .peer import HungUp
from .stream import Exchange, StreamOver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from anyio.abc import TaskGroup

    from .peer import Peer

__all__ = ("TYPES", "Session")

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_LAST_STREAM: Final = 2**31 - 1
TYPES: Final = (
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
)
"""Frame types by number, as RFC 9113 section 6 names them."""


class Session:
    """One HTTP/2 connection, seen from the server.

    Attributes:
        peer: The connection below.
        h2: Its state machine, which has seen all that was received.
        exchanges: Requests by stream number.
        received: How many frames of each type have come (`"DATA"`, `"RST_STREAM"`...).
        frames: Frames so far, both ways, as `Http2`'s `on_frame` counts them.
        resets: Error codes of the streams that the client has reset.
        violations: What the client has done against the protocol; empty for a good one.
        client_code: The error code of the client's GOAWAY; None before there is one.
        limit: The last stream that our GOAWAY promised to work on.
    """

    def __init__(
        self,
        peer: Peer,
        script_for: Callable[[int], Sequence[Callable[[Exchange], Awaitable[object]]]],
        on_frame: Callable[[Session], Awaitable[object]] | None,
        *,
        answering: frozenset[str],
    ) -> None:
        self.peer = peer
        self.h2: H2Connection = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        # h2 would announce limits of its own choice.
        self.h2.local_settings = Settings(client=False)
        self.exchanges: dict[int, Exchange] = {}
        self.received: Counter[str] = Counter()
        self.frames: int = 0
        self.resets: dict[int, int] = {}
        self.violations: list[str] = []
        self.client_code: int | None = None
        self.limit: int = _LAST_STREAM
        # Given how many requests came before.
        self._script_for = script_for
        self._on_frame = on_frame
        self._answering = answering
        # What is to be sent; `_write` alone sends, so that a script that is cancelled breaks no frame.
        self._out = bytearray()
        self._more = Event()
        # How many bytes have been queued and sent in all, and who waits until how many are sent: each waits for its own
        # bytes and is woken once, whatever the others send.
        self._queued = 0
        self._sent = 0
        self._waiting: deque[tuple[int, Event]] = deque()
        self._event = Event()
        self._pending = 1  # settings that the client has not acknowledged
        self._final = False  # no request from here on is worked on
        self._probe: Event | None = None
        self._group: TaskGroup

    async def serve(self, settings: Mapping[int, int], first: bytes | None) -> None:
        """Speak HTTP/2 until either side ends the connection.

        Args:
            settings: What to announce.
            first: Bytes to send instead of that.
        """
        self.h2.initiate_connection()
        self.h2.clear_outbound_data_buffer()
        self.h2.update_settings(cast("dict[SettingCodes | int, int]", dict(settings)))
        if first is not None:
            self.h2.clear_outbound_data_buffer()
            self.h2.local_settings = Settings(client=False)
            self._pending = 0
            self._queue(first)
        async with open_task_group() as group:
            self._group = group
            group.start_soon(self._write)
            try:
                self._push()
                await self._read()
            except HungUp:
                pass
            finally:
                group.cancel_scope.cancel()

    async def _read(self) -> None:
        preface = await self.peer.receive_exactly(len(_PREFACE))
        if preface != _PREFACE:
            self.violations.append(f"no HTTP/2 preface, but {preface!r}")
            return
        self.h2.receive_data(preface)
        while not self.violations:
            head = await self.peer.receive_exactly(9)
            size = int.from_bytes(head[:3], "big")
            if size > self.h2.max_inbound_frame_size:
                self.violations.append(f"a frame of {size} bytes: {head!r}")
                return
            body = await self.peer.receive_exactly(size)
            kind = TYPES[head[3]] if head[3] < len(TYPES) else str(head[3])
            self.received[kind] += 1
            if kind == "GOAWAY" and size >= 8:
                # h2 would take nothing more, and streams under way may still end.
                self.client_code = int.from_bytes(body[4:8], "big")
                self.peer.note()
                continue
            try:
                events = self.h2.receive_data(head + body)
            except ProtocolError as error:
                self.violations.append(f"{kind}: {str(error) or type(error).__name__}")
                events = []
            if kind in ("SETTINGS", "PING") and kind not in self._answering:
                self.h2.clear_outbound_data_buffer()
            for event in events:
                self._handle(event)
            self._push()
            self._wake()
            self.peer.note()
            await self.count()
        await self.flush()

    def _handle(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            self._open(event.stream_id, cast("list[tuple[str, str]]", event.headers))
        elif isinstance(event, DataReceived):
            exchange = self.exchanges.get(event.stream_id)
            if exchange is not None:
                exchange.body += event.data
            if "CREDIT" in self._answering and event.flow_controlled_length:
                self._credit(event)
        elif isinstance(event, TrailersReceived):
            exchange = self.exchanges.get(event.stream_id)
            if exchange is not None:
                exchange.headers += tuple(cast("list[tuple[str, str]]", event.headers))
        elif isinstance(event, StreamEnded):
            if event.stream_id in self.exchanges:
                self.exchanges[event.stream_id].ended.set()
        elif isinstance(event, StreamReset):
            if event.remote_reset:
                self.resets[event.stream_id] = int(event.error_code)
            exchange = self.exchanges.get(event.stream_id)
            if exchange is not None and event.remote_reset:
                exchange.reset_code = int(event.error_code)
                exchange.gone.set()
                exchange.scope.cancel()
        elif isinstance(event, SettingsAcknowledged):
            self._pending -= 1
        elif isinstance(event, PingAckReceived) and self._probe is not None:
            self._probe.set()

    def _credit(self, event: DataReceived) -> None:
        """Give back what came, at once: h2's own way stalls where a window is below zero."""
        self.h2.increment_flow_control_window(event.flow_controlled_length)
        if event.stream_ended is None:
            # Else the stream is ours no more.
            with suppress(ProtocolError):
                self.h2.increment_flow_control_window(event.flow_controlled_length, event.stream_id)

    def _open(self, stream_id: int, headers: list[tuple[str, str]]) -> None:
        if stream_id > self.limit:
            if self._final:
                self.violations.append(f"stream {stream_id} was opened after a GOAWAY that the client had acknowledged")
            return
        # Chosen here: tasks may begin in any order.
        script = self._script_for(len(self.exchanges))
        exchange = Exchange(self, stream_id, tuple(headers))
        self.exchanges[stream_id] = exchange
        self._group.start_soon(self._work, exchange, script)

    async def _work(self, exchange: Exchange, script: Iterable[Callable[[Exchange], Awaitable[object]]]) -> None:
        try:
            with exchange.scope:
                for step in script:
                    await step(exchange)
        except (StreamOver, HungUp):
            pass
        finally:
            exchange.over.set()
            self._wake()
            self.peer.note()

    def _wake(self) -> None:
        self._event.set()
        self._event = Event()

    async def next_event(self) -> None:
        """Wait until something has come from the client, or a script has ended."""
        await self._event.wait()

    async def count(self) -> None:
        """Count a frame, and let `on_frame` have its turn."""
        self.frames += 1
        if self._on_frame is not None:
            await self._on_frame(self)

    async def _write(self) -> None:
        try:
            while True:
                while self._out:
                    data = bytes(self._out)
                    self._out.clear()
                    await self.peer.send(data)
                    self._sent += len(data)
                    while self._waiting and self._waiting[0][0] <= self._sent:
                        self._waiting.popleft()[1].set()
                await self._more.wait()
                self._more = Event()
        except HungUp:
            self._group.cancel_scope.cancel()

    def _queue(self, data: bytes) -> None:
        self._out += data
        self._queued += len(data)

    def _push(self) -> None:
        """Have sent what `h2` wants to say."""
        self._queue(self.h2.data_to_send())
        if self._out:
            self._more.set()

    async def flush(self) -> None:
        """Send what is waiting, in order, and return when the network has taken it."""
        self._push()
        if self._sent < self._queued:
            if not self._waiting or self._waiting[-1][0] < self._queued:
                self._waiting.append((self._queued, Event()))
            await self._waiting[-1][1].wait()

    async def send(self, *items: Frame | bytes) -> None:
        """Send frames or bytes as they are, past the state machine."""
        # What h2 has ready was decided before.
        self._queue(self.h2.data_to_send())
        for item in items:
            self._queue(item if isinstance(item, bytes) else item.serialize())
        await self.flush()

    def encode(self, headers: Iterable[tuple[str, str]]) -> bytes:
        """Return a block of fields for a frame of your own, compressed as this connection's earlier ones ask."""
        return self.h2.encoder.encode(headers)

    async def change(self, settings: Mapping[int, int]) -> None:
        """Announce other settings, once the earlier ones have been acknowledged."""
        # h2 takes any acknowledgement for one of everything that is outstanding.
        while self._pending:
            await self.next_event()
        self._pending += 1
        self.h2.update_settings(cast("dict[SettingCodes | int, int]", dict(settings)))
        await self.flush()

    @property
    def last_stream(self) -> int:
        """The highest stream that a request has come on, worked on or not."""
        return self.h2.highest_inbound_stream_id

    @property
    def live(self) -> int:
        """Requests that are being worked on."""
        return sum(not exchange.over.is_set() for exchange in self.exchanges.values())

    async def go_away(self, last: int | None = None, code: int = ErrorCodes.NO_ERROR, debug: bytes = b"") -> None:
        """Send GOAWAY; requests on later streams are not worked on, and those under way there stop at once.

        Args:
            last: Last stream that is (or may have been) worked on; None for the highest one so far.
            code: Error code.
            debug: Text for people.
        """
        self.limit = min(self.limit, self.last_stream if last is None else last)
        self.peer.note()
        await self.send(GoAwayFrame(0, last_stream_id=self.limit, error_code=code, additional_data=debug))
        for stream_id, exchange in self.exchanges.items():
            if stream_id > self.limit:
                exchange.scope.cancel()

    async def acknowledged(self) -> None:
        """Wait until the client has answered a PING: by then it has read everything before."""
        self._probe = probe = Event()
        self.h2.ping(b"readthis")
        await self.flush()
        await probe.wait()

    async def shut_down(self, *, steps: int = 2) -> None:
        """Refuse new requests, work off those under way, and half-close, as proxies do when they are told to stop.

        A script that calls this waits for itself: `start` it instead.

        Args:
            steps: 2 announces the end with the highest stream number there is, waits until the client has read that,
                and then names the real one, so that no request is lost on the way; 1 names the real one at once.
        """
        if steps > 1:
            await self.go_away(_LAST_STREAM)
            await self.acknowledged()
            self._final = True
        await self.go_away()
        while self.live:
            await self.next_event()
        await self.flush()
        # What the client sent meanwhile is still read: closing over it would reset the connection, and what we sent
        # last with it.
        await self.peer.send_eof()

    def start(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run something beside the scripts, until the connection ends."""

        async def run() -> None:
            with suppress(HungUp):
                await work()

        self._group.start_soon(run)
