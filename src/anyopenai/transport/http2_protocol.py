"""h2's connection as this package uses it: cheaper per stream, patient with late answers; the bytes are `http2_wire`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2.connection import H2Connection, _decode_headers
from h2.stream import StreamClosedBy

if TYPE_CHECKING:
    from h2.events import Event
    from hyperframe.frame import Frame, HeadersFrame

__all__ = ("Protocol",)

# Streams that have ended are swept out of h2 when so many have come together: looking through all of them for each new
# one, as h2 does by itself, costs 40 us a request at 256 in flight.
_SWEEP: Final = 64


class Protocol(H2Connection):
    """h2's connection, without the search through all streams for each new one, and patient with late answers."""

    ended = 0

    @property
    def open_outbound_streams(self) -> int:
        """Zero: the limit is ours to keep. Looks through the streams, and so sweeps them, now and then."""
        if self.ended >= _SWEEP:
            self.ended = 0
            _ = super().open_outbound_streams
        return 0

    def _receive_headers_frame(self, frame: HeadersFrame) -> tuple[list[Frame], list[Event]]:
        """Read past fields of a stream that this side has reset: they were on their way.

        h2 does so too, but ends the connection over an interim answer (1xx). Guarded by
        test_what_comes_late_for_a_stream_that_was_left_disturbs_nobody.
        """
        if self._stream_closed_by(frame.stream_id) is StreamClosedBy.SEND_RST_STREAM:
            # The compression is the connection's.
            _decode_headers(self.decoder, frame.data)
            return [], []
        return super()._receive_headers_frame(frame)
