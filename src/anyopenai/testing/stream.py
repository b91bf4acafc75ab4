"""One request on an HTTP/2 connection of a fault server: `Exchange`; the connection and the scripts are elsewhere."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from anyio import CancelScope, Event
from h2.exceptions import StreamClosedError

from .peer import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .session import Session

__all__ = ("Exchange", "StreamOver")


class StreamOver(Exception):  # noqa: N818 - a fact, not a mistake
    """The client has reset the stream that a step was working on; ends that stream's script."""


class Exchange:
    """One request on an HTTP/2 connection, seen from the server: what stream steps work with.

    Its script ends where it stands when the client resets the stream.

    Attributes:
        session: The connection.
        id: The stream's number.
        headers: Fields of the request as they came, pseudo-headers included.
        body: What has arrived of the body.
        ended: Set when the request is complete.
        gone: Set when the client has reset the stream.
        reset_code: The error code that it did so with.
        over: Set when the stream's script has ended.
        scope: What the script runs in.
    """

    def __init__(self, session: Session, stream_id: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.session = session
        self.id = stream_id
        self.headers = headers
        self.body: bytearray = bytearray()
        self.ended: Event = Event()
        self.gone: Event = Event()
        self.reset_code: int | None = None
        self.over: Event = Event()
        self.scope: CancelScope = CancelScope()

    def header(self, name: str) -> str | None:
        """Return a field's first value; None without it."""
        return next((value for key, value in self.headers if key == name), None)

    async def receive_request(self) -> ReceivedRequest:
        """Wait for the whole request, and record it."""
        await self.ended.wait()
        return self.record()

    def record(self) -> ReceivedRequest:
        """Add the request, as far as it has come, to what the server has seen."""
        request = ReceivedRequest(
            self.header(":method") or "",
            self.header(":path") or "",
            self.headers,
            bytes(self.body),
            self.session.peer.index,
            b"",
        )
        self.session.peer.record(request)
        return request

    def check(self) -> None:
        """Raise `StreamOver` if the client has reset the stream, or broken the protocol, or our GOAWAY disowned it."""
        if self.gone.is_set() or self.session.violations or self.id > self.session.limit:
            raise StreamOver

    async def send_headers(self, headers: Iterable[tuple[str, str]], *, end: bool = False) -> None:
        """Send a block of fields: an answer's head, an interim one, or trailers (with `end`)."""
        self.check()
        self.session.h2.send_headers(self.id, list(headers), end_stream=end)
        await self.session.flush()
        await self.session.count()

    async def send_data(self, data: bytes, *, end: bool = False, size: int = 16384) -> None:
        """Send a body, or a part of it, in frames of at most `size` bytes and within the client's windows."""
        h2 = self.session.h2
        view = memoryview(data)
        while view or end:
            self.check()
            room = min(h2.local_flow_control_window(self.id), h2.max_outbound_frame_size, size)
            if view and room <= 0:
                await self.session.next_event()
                continue
            piece, view = view[:room], view[room:]
            last = end and not view
            h2.send_data(self.id, bytes(piece), end_stream=last)
            await self.session.flush()
            await self.session.count()
            if last:
                return

    async def reset(self, code: int) -> None:
        """End the stream with RST_STREAM, unless it has ended on both sides."""
        self.check()
        with suppress(StreamClosedError):
            self.session.h2.reset_stream(self.id, error_code=code)
        await self.session.flush()
        await self.session.count()
