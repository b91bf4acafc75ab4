"""h2's connection as it is used here: its settings, and the few things that it does differently; no bytes are cut here.

Some of that reaches into h2, where it offers nothing else. Each such place names the test that guards it, and falls back
to h2's own ways if a later version calls a method by another name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from h2.stream import StreamClosedBy
from hpack.exceptions import HPACKError

from .http2_fields import FieldDecoder, FieldEncoder
from .parser import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from h2.events import Event
    from hpack import Decoder, Encoder
    from hyperframe.frame import Frame, HeadersFrame

    from .http2_head import Fields

__all__ = ("Protocol",)

# Streams that have ended are swept out of h2 when so many have come together: looking through all of them for each new
# one, as h2 does by itself, costs 40 us a request at 256 in flight.
_SWEEP: Final = 64


class Protocol(H2Connection):
    """h2's connection, without the search through all streams for each new one, and patient with late answers.

    Attributes:
        ended: How many streams have ended since they were last swept out.

    Args:
        stream_window: How much a stream may send before its reader has taken it, in bytes.
    """

    def __init__(self, stream_window: int) -> None:
        super().__init__(
            H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
                normalize_inbound_headers=False,
            )
        )
        self.ended: int = 0
        self.local_settings: Settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: stream_window,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_BYTES,
            },
        )
        # Ours do the same and less of it, see `http2_fields`.
        self.encoder: Encoder = cast("Encoder", FieldEncoder())
        self.decoder: Decoder = cast("Decoder", FieldDecoder())

    def open(self, number: int, fields: Fields, *, end: bool) -> None:
        """Open a stream with the head of its request.

        Args:
            number: The next one for a stream.
            fields: The head.
            end: No body follows.
        """
        self.send_headers(number, fields, end_stream=end)
        # A response of the wrong length ends its own stream (RFC 9113, section 8.1.1). h2 would end the connection for
        # it; lengths are checked by `Http2Wire`. Guarded by
        # test_an_answer_of_the_wrong_length_ends_its_own_stream_only.
        self.streams[number]._initialize_content_length = _leave_alone  # type: ignore[assignment,method-assign] # it must not do its work

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
            try:
                self.decoder.decode(frame.data, raw=True)
            except HPACKError as error:
                raise ProtocolError(str(error)) from error
            return [], []
        return super()._receive_headers_frame(frame)


def _leave_alone(_: object) -> None:
    """Stand in for h2's own bookkeeping of lengths."""
