"""HTTP/2 frames out of bytes: which there are, which h2 must see, and where too much of them ends; no meaning and no h2 here.

Frames are looked at where they lie: what h2 must see goes to it as bytes, in their order, in one piece for each read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .http2_stream import Http2Error
from .parser import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from .http2_stream import Http2Stream

__all__ = ("LAST_ID", "FrameReader", "window_update")

LAST_ID: Final = 2**31 - 1
"""The highest number that a stream can have."""

# RFC 9113, section 4.2: what every receiver must take. More would only save us a frame header for each 16 KiB.
_MAX_FRAME: Final = 16384
# Some servers ping or send settings for minutes while a model thinks. Two thousand frames in a row without a byte of
# payload take a quarter of an hour at the highest honest rate known (one in about 0.5 s), and an attack a few ms.
_MAX_BARREN: Final = 2000
# A block of fields is bounded by `MAX_HEAD_BYTES` once decompressed; compression that makes it longer than that is none.
_MAX_BLOCK: Final = 2 * MAX_HEAD_BYTES

_DATA, _HEADERS, _RST_STREAM, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 0, 1, 3, 7, 8, 9
_END_STREAM, _END_HEADERS, _PADDED = 1, 4, 8

# Error codes of RFC 9113, section 7.
_FRAME_SIZE_ERROR: Final = 6
_ENHANCE_YOUR_CALM: Final = 11


def window_update(number: int, size: int) -> bytes:
    """Return the frame that gives a window back.

    Args:
        number: The stream's; 0 for the connection.
        size: How many bytes.
    """
    return b"\0\0\4\x08\0" + number.to_bytes(4, "big") + size.to_bytes(4, "big")


class FrameReader:
    """Finds the frames in what comes, however it is cut.

    Attributes:
        streams: Those that something may still come for.
        highest: The number of the newest stream; -1 before the first.
    """

    def __init__(self) -> None:
        self.streams: dict[int, Http2Stream] = {}
        self.highest: int = -1
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._needed = 9
        # Bytes of a block of fields that goes on; 0 between blocks.
        self._block = 0
        self._barren = 0

    # What is done with them.

    def _take_data(self, number: int, payload: bytes, size: int, *, last: bool) -> bool:
        """Take the payload of a DATA frame; returns whether its stream ends with it.

        Args:
            number: The stream's.
            payload: The bytes, padding removed.
            size: How many bytes count against the windows.
            last: The server says that the stream ends.
        """
        raise NotImplementedError

    def _take_goaway(self, number: int, payload: bytes) -> None:
        """Take a GOAWAY frame."""
        raise NotImplementedError

    def _show(self, data: bytes) -> None:
        """Show h2 the frames that it must know of."""
        raise NotImplementedError

    # How they are found.

    def _feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            Http2Error: There is too much of something.
        """
        if self._kept_bytes:
            self._kept.append(data)
            self._kept_bytes += len(data)
            if self._kept_bytes < self._needed:
                return
            data = b"".join(self._kept)
            self._kept.clear()
            self._kept_bytes = 0
        rest = self._take_frames(data)
        if rest < len(data):
            left = data[rest:]
            self._kept.append(left)
            self._kept_bytes = len(left)
            self._needed = 9 if len(left) < 9 else 9 + int.from_bytes(left[:3], "big")

    def _take_frames(self, data: bytes) -> int:
        """Take all whole frames; returns where the first cut one begins."""
        size = len(data)
        start = position = 0
        for_h2: list[bytes] = []
        while size - position >= 9:
            length = data[position] << 16 | data[position + 1] << 8 | data[position + 2]
            if length > _MAX_FRAME:
                raise Http2Error(f"a frame of {length} bytes is larger than the agreed {_MAX_FRAME}", _FRAME_SIZE_ERROR)
            end = position + 9 + length
            if end > size:
                break
            kind, flags = data[position + 3], data[position + 4]
            number = int.from_bytes(data[position + 5 : position + 9], "big") & LAST_ID
            if self._block:
                # h2 refuses whatever does not belong to the block that was begun.
                self._block = 0 if kind == _CONTINUATION and flags & _END_HEADERS else self._block + length
                if self._block > _MAX_BLOCK:
                    raise Http2Error(f"a block of fields went beyond {_MAX_BLOCK} bytes", _ENHANCE_YOUR_CALM)
            elif kind == _DATA and number & 1 and number <= self.highest:
                for_h2.append(data[start:position])
                payload = data[position + 9 : end]
                if flags & _PADDED:
                    payload = _without_padding(payload)
                if self._take_data(number, payload, length, last=flags & _END_STREAM != 0):
                    for_h2.append(b"\0\0\0\0\1" + data[position + 5 : position + 9])
                start = end
            elif kind == _HEADERS:
                self._see_headers(number, flags, length)
            elif kind == _GOAWAY:
                for_h2.append(data[start:position])
                self._show(b"".join(for_h2))
                for_h2.clear()
                self._take_goaway(number, data[position + 9 : end])
                start = end
            elif kind != _WINDOW_UPDATE and (kind != _RST_STREAM or number not in self.streams):
                self._count_barren()
            position = end
        for_h2.append(data[start:position])
        self._show(b"".join(for_h2))
        return position

    def _see_headers(self, number: int, flags: int, length: int) -> None:
        if not number & 1 or number > self.highest:
            raise Http2Error(f"the server opened stream {number} by itself")
        if not flags & _END_HEADERS:
            self._block = max(length, 1)
        stream = self.streams.get(number)
        if stream is not None:
            stream.headed = True
            stream.ending = stream.ending or flags & _END_STREAM != 0

    def _count_barren(self) -> None:
        """Count a frame that carries nothing forward."""
        self._barren += 1
        if self._barren > _MAX_BARREN:
            raise Http2Error(f"{_MAX_BARREN} frames in a row carried nothing forward", _ENHANCE_YOUR_CALM)


def _without_padding(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise Http2Error("a DATA frame has more padding than bytes")
    return payload[1 : len(payload) - payload[0]]
