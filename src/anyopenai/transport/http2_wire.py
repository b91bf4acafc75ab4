"""HTTP/2 as bytes in and bytes out, on top of h2: frames, windows, GOAWAY, floods; no sockets, no tasks and no clock here.

Theory of operation. h2 keeps the state of the connection and of each stream, the settings, and the compression of fields.
Three things are done in front of it, where the bytes come in:

- GOAWAY never reaches h2, which would end the whole connection for it. Streams that the server will not process are
  marked, the others go on, and no new one is opened.
- DATA is taken out (`http2_frames`), with its flow control: h2 is shown an empty frame only where a stream ends. That
  makes a frame five times cheaper, and lets the two windows follow two rules. The connection's is given back when bytes
  arrive, so that a slow reader never slows its siblings; a stream's is given back when its reader has taken the bytes,
  so that what a slow reader holds is bounded by the stream's window.
- Frames that carry nothing forward are counted, and frames above the agreed size are refused before they are buffered.

`feed` writes into the streams and lists those that something happened to in `touched`; `outgoing` gives what must be sent.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2.events import (
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    WindowUpdated,
)
from h2.events import StreamReset as StreamResetEvent
from h2.exceptions import H2Error, ProtocolError

from .http2_frames import LAST_ID, FrameReader, window_update
from .http2_head import take_head
from .http2_protocol import Protocol
from .http2_stream import ConnectionLost, GoAway, Http2Error, StreamRefused, StreamReset

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2.events import Event

    from .http2_head import Fields
    from .http2_stream import Http2Stream

__all__ = ("CONNECTION_WINDOW", "STREAM_WINDOW", "Http2Wire")

# What a stream whose reader has stopped may hold, and what one stream may have in flight: 1 MiB carries 20 MB/s at 50 ms
# round trip, where the default of 65,535 bytes carries 1.3.
STREAM_WINDOW: Final = 1048576
# Given back on arrival, so this only bounds what is in flight: 16 streams at full speed.
CONNECTION_WINDOW: Final = 16777216
_DEFAULT_WINDOW: Final = 65535

# Error codes of RFC 9113, section 7, that are sent from here.
_PROTOCOL_ERROR: Final = 1
_FLOW_CONTROL_ERROR: Final = 3
_FRAME_SIZE_ERROR: Final = 6
_REFUSED_STREAM: Final = 7
_CANCEL: Final = 8


class Http2Wire(FrameReader):
    """The protocol of one connection.

    Attributes:
        streams: Those that something may still come for.
        touched: Those that something happened to since the list was last taken.
        blocked: Those whose request's body waits for flow control or for the network, the first first.
        limit: How many streams the server allows at once; as good as unlimited when it does not say.
        settled: The server's settings have arrived.
        goaway: The server's notice, if it gave one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[Http2Stream] = []
        self.blocked: dict[Http2Stream, None] = {}
        self.limit: int = LAST_ID
        self.settled: bool = False
        self.goaway: GoAway | None = None
        self._h2 = Protocol(STREAM_WINDOW)
        self._h2.initiate_connection()
        self._frames = [window_update(0, CONNECTION_WINDOW - _DEFAULT_WINDOW)]
        self._window = CONNECTION_WINDOW
        self._uncredited = 0

    # Out.

    @property
    def exhausted(self) -> bool:
        """Whether the numbers for streams are used up."""
        return self.highest >= LAST_ID

    def outgoing(self) -> bytes:
        """Return what must be sent now, and forget it."""
        data = self._h2.data_to_send()
        if self._frames:
            data += b"".join(self._frames)
            self._frames.clear()
        return data

    def open(self, stream: Http2Stream, fields: Fields, *, end: bool) -> None:
        """Open a stream with the head of its request.

        Args:
            stream: A new one; it gets its number.
            fields: The head.
            end: No body follows.
        """
        number = self._h2.get_next_available_stream_id()
        self._h2.open(number, fields, end=end)
        self.highest = number
        stream.id = number
        stream.window = STREAM_WINDOW
        stream.local_ended = end
        self.streams[number] = stream
        self._barren = 0

    def send(self, stream: Http2Stream, data: memoryview, *, end: bool) -> int:
        """Queue as much of a body as flow control allows; returns how many bytes that was.

        Args:
            stream: Whose body it is.
            data: The next bytes of it; b"" with `end` ends the body by an empty frame.
            end: These are the last ones.
        """
        protocol, number = self._h2, stream.id
        size, done = len(data), 0
        if not size:
            if end:
                protocol.end_stream(number)
                stream.local_ended = True
            return 0
        room = protocol.local_flow_control_window(number)
        while done < size and room > 0:
            count = min(size - done, room, protocol.max_outbound_frame_size)
            last = end and done + count == size
            protocol.send_data(number, data[done : done + count], end_stream=last)
            stream.local_ended = last
            done += count
            room -= count
        if done == size:
            self.blocked.pop(stream, None)
        else:
            self.blocked[stream] = None
        return done

    def reset(self, stream: Http2Stream, code: int = _CANCEL) -> bool:
        """End a stream from this side, unless it has ended on both; returns whether there is something to send."""
        if self.streams.pop(stream.id, None) is None and stream.local_ended:
            return False
        stream.local_ended = True
        try:
            self._h2.reset_stream(stream.id, code)
        except ProtocolError:
            return False  # it has ended meanwhile, or the connection itself has
        self._h2.ended += 1
        return True

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._h2.ping(b"anyopen?")

    def say_goodbye(self, code: int = 0) -> None:
        """Queue our own GOAWAY; h2 has done so by itself where an error of its own ended the connection."""
        with suppress(H2Error):
            self._h2.close_connection(code)

    def credit(self, stream: Http2Stream) -> bool:
        """Give back the window of what a stream's reader has taken; returns whether there is something to send."""
        if stream.uncredited < STREAM_WINDOW // 2 or stream.complete or stream.id not in self.streams:
            return False
        self._frames.append(window_update(stream.id, stream.uncredited))
        stream.window += stream.uncredited
        stream.uncredited = 0
        return True

    # In.

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Http2Error: The peer broke the rules of the connection, which is of no more use; tell it so with what
                `outgoing` then gives.
        """
        try:
            self._feed(data)
        except Http2Error as error:
            self.say_goodbye(error.code)
            raise
        except H2Error as error:
            raise Http2Error(str(error) or type(error).__name__) from error

    def _take_data(self, number: int, payload: bytes, size: int, *, last: bool) -> bool:
        self._window -= size
        if self._window < 0:
            raise Http2Error("the server sent more than the connection's window allows", _FLOW_CONTROL_ERROR)
        self._uncredited += size
        if self._uncredited >= CONNECTION_WINDOW // 4:
            self._frames.append(window_update(0, self._uncredited))
            self._window += self._uncredited
            self._uncredited = 0
        stream = self.streams.get(number)
        if stream is None or stream.ending:
            # It was on its way when we ended the stream, or comes after its end.
            if not payload:
                self._count_barren()
            return False
        stream.window -= size
        stream.uncredited += size
        if payload:
            self._barren = 0
            stream.pieces.append(payload)
            stream.received += len(payload)
            self.touched.append(stream)
        elif not last:
            self._count_barren()
        if stream.length is not None and stream.received > stream.length:
            self._refuse_length(stream)
        elif not stream.headed:
            self._refuse(stream, Http2Error("the body of the response came before its head"))
        elif stream.window < 0:
            self._refuse(
                stream, Http2Error("the server sent more than the stream's window allows", _FLOW_CONTROL_ERROR)
            )
        else:
            stream.ending = last
            return last
        return False

    def _take_goaway(self, number: int, payload: bytes) -> None:
        if number or len(payload) < 8:
            raise Http2Error("a GOAWAY frame is malformed", _FRAME_SIZE_ERROR if not number else _PROTOCOL_ERROR)
        last = int.from_bytes(payload[:4], "big") & LAST_ID
        if self.goaway is not None:
            # RFC 9113, section 6.8: it may only go down.
            last = min(last, self.goaway.last_id)
        text = payload[8:208].decode("utf-8", "replace")
        self.goaway = GoAway(last, int.from_bytes(payload[4:8], "big"), text.replace("\n", " ").strip())
        for stream in [stream for stream in self.streams.values() if stream.id > last]:
            del self.streams[stream.id]
            stream.local_ended = True
            text = f"it ends the connection ({self.goaway})"
            # As with a reset: what is being answered has been begun with.
            stream.error = ConnectionLost(f"disowned the request: {text}") if stream.status else StreamRefused(text)
            self.touched.append(stream)
        self._count_barren()

    def _show(self, data: bytes) -> None:
        if not data:
            return
        for event in self._h2.receive_data(data):
            take = _TAKERS.get(type(event))
            if take is not None:
                take(self, event)

    def _take_response(self, event: Event) -> None:
        assert isinstance(event, ResponseReceived)
        stream = self.streams.get(event.stream_id or 0)
        if stream is None:
            return
        self._barren = 0
        self.touched.append(stream)
        try:
            take_head(stream, event.headers or [])
        except Http2Error as error:
            self._refuse(stream, error)
        else:
            if stream.length is not None and stream.received > stream.length:
                self._refuse_length(stream)

    def _take_interim(self, event: Event) -> None:
        assert isinstance(event, InformationalResponseReceived)
        self._count_barren()
        stream = self.streams.get(event.stream_id or 0)
        if stream is None:
            return
        self.touched.append(stream)
        try:
            take_head(stream, event.headers or [])
        except Http2Error as error:
            self._refuse(stream, error)

    def _take_end(self, event: Event) -> None:
        assert isinstance(event, StreamEnded)
        stream = self.streams.get(event.stream_id or 0)
        if stream is None:
            return
        self.touched.append(stream)
        if not stream.status:
            self._refuse(stream, Http2Error("the response ended without a head"))
        elif stream.length is not None and stream.received != stream.length:
            self._refuse_length(stream)
        else:
            stream.complete = True
            del self.streams[stream.id]
            self._h2.ended += 1

    def _take_reset(self, event: Event) -> None:
        assert isinstance(event, StreamResetEvent)
        stream = self.streams.pop(event.stream_id or 0, None)
        if stream is None:
            return
        self._h2.ended += 1
        code = int(event.error_code or 0)
        stream.local_ended = True  # there is nobody left to send to
        # A server that has begun to answer has begun with the request, whatever it says afterwards.
        refused = code == _REFUSED_STREAM and not stream.status
        stream.error = StreamRefused("it refused to begin with it (REFUSED_STREAM)") if refused else StreamReset(code)
        self.touched.append(stream)

    def _take_window(self, event: Event) -> None:
        assert isinstance(event, WindowUpdated)
        if event.stream_id:
            stream = self.streams.get(event.stream_id)
            if stream is not None and stream in self.blocked:
                self.touched.append(stream)
        else:
            self.touched += self.blocked

    def _take_settings(self, event: Event) -> None:
        if self._h2.remote_settings.enable_push:
            raise Http2Error("the server announced pushes of its own, which is not for it to say")
        self.settled = True
        self.limit = self._h2.remote_settings.max_concurrent_streams
        self.touched += self.blocked

    def _refuse_length(self, stream: Http2Stream) -> None:
        text = f"the body has {stream.received} bytes or more where its head announced {stream.length}"
        if stream.received > (stream.length or 0):
            stream.pieces.clear()
        self._refuse(stream, Http2Error(text))

    def _refuse(self, stream: Http2Stream, error: Http2Error) -> None:
        """End one stream for what its server did wrong."""
        stream.error = error
        self.touched.append(stream)
        self.reset(stream, error.code)


_TAKERS: Final[dict[type[Event], Callable[[Http2Wire, Event], None]]] = {
    ResponseReceived: Http2Wire._take_response,
    InformationalResponseReceived: Http2Wire._take_interim,
    StreamEnded: Http2Wire._take_end,
    StreamResetEvent: Http2Wire._take_reset,
    WindowUpdated: Http2Wire._take_window,
    RemoteSettingsChanged: Http2Wire._take_settings,
}
