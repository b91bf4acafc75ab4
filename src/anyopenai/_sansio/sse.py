"""Server-sent events: bytes in, events out, however the bytes are cut; nothing of JSON or of the API lives here.

Everything works on bytes, because only CR and LF end a line: U+2028, U+2029 and U+0085 inside a JSON string are data,
and a character whose UTF-8 bytes come in two reads needs no care. Data stays bytes, as a JSON decoder wants it.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import Final, cast

from msgspec import Struct

__all__ = ("MAX_EVENT_BYTES", "EventTooLarge", "SSEDecoder", "ServerSentEvent")

MAX_EVENT_BYTES: Final = 256 * 2**20
"""Largest event by default, in bytes. Events above 64 MiB are legitimate (images come as text); this is four times that."""

_COLON: Final = 0x3A
_BOM: Final = b"\xef\xbb\xbf"

# A `retry` of more digits is no number of milliseconds that anyone waits for, and int() of thousands of digits is slow.
_MAX_RETRY_DIGITS: Final = 15

# From this many lines on, looking for plain frames costs less than it saves.
_BULK_LINES: Final = 6

# `event: N`, `data: X`, a blank line, and nothing behind it.
_FRAME_LINES: Final = 4

# Between these two bounds lies exactly what starts with "data: " and goes on with a visible character: comparing costs
# less than startswith, and min() and max() do it for many lines in one call.
_LOW: Final = b"data: !"
_HIGH: Final = b"data:!"

# Event names repeat (a few dozen per API), so the line is looked up; a server that invents names ends at this many.
_MAX_NAMES: Final = 512
_MAX_NAME_BYTES: Final = 128
_names: dict[bytes, str] = {}


class ServerSentEvent(Struct, gc=False):
    """One event of a stream.

    Attributes:
        data: The data lines, joined with line feeds; never empty or blank.
        event: The event's name; "" when it has none.
        id: The last event id seen on the stream so far, as the standard has it; None before the first.
        retry: Milliseconds that the server asks to wait before a reconnect, when this event said so.
    """

    data: bytes
    event: str = ""
    id: str | None = None
    retry: int | None = None


class EventTooLarge(ValueError):  # noqa: N818 - the name says what happened
    """One event of a stream is larger than the decoder was told to hold.

    Attributes:
        limit: The most bytes an event may have.
    """

    limit: int

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"an event of the stream is larger than {limit} bytes; raise max_event_bytes if the server is right"
        )
        self.limit = limit

    def __reduce__(self) -> tuple[type[EventTooLarge], tuple[int]]:
        return EventTooLarge, (self.limit,)


class SSEDecoder:
    """Splits a byte stream into events: `feed` what arrives, `finish` at its end.

    The events do not depend on how the bytes are cut. Time is linear in the bytes fed, memory is bounded by
    `max_event_bytes` plus one read: comments and unknown fields are dropped as they arrive.
    Events without data (pings, an `id` or `retry` alone, `data:` with nothing or blanks behind it) are not given out.

    Args:
        max_event_bytes: Most bytes of one event, all its lines but comments counted.

    Attributes:
        last_event_id: What a reconnect would send as `Last-Event-ID`; None if the server never gave an id.
        retry: The last reconnect delay the server asked for, in milliseconds; None if it never did.
    """

    __slots__ = (
        "_bare",
        "_data",
        "_event_retry",
        "_failure",
        "_head",
        "_limit",
        "_name",
        "_open",
        "_size",
        "_skip_lf",
        "_tail",
        "last_event_id",
        "retry",
    )

    last_event_id: str | None
    retry: int | None

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        if max_event_bytes < 1:
            raise ValueError(f"max_event_bytes must be at least 1, not {max_event_bytes!r}")
        self._limit = max_event_bytes
        self._bare = False  # how this read's events are given out
        self.last_event_id = None
        self.retry = None
        # The first bytes, until it is known whether they are a byte order mark; None from then on.
        self._head: bytes | None = b""
        self._skip_lf = False  # the last byte was a CR: a LF after it belongs to it
        self._tail = bytearray()  # the unfinished line
        self._open = False  # whether a line of an event has come and its blank line has not
        self._size = 0  # bytes of the open event's finished lines, comments left out
        self._data: list[bytes] = []
        self._name = ""
        self._event_retry: int | None = None
        self._failure: EventTooLarge | None = None

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events they complete, in order.

        Args:
            data: Any number of bytes; none is no event.

        Raises:
            EventTooLarge: An event exceeds the limit. Events before it have been returned; the decoder takes no more.
        """
        return cast("list[ServerSentEvent]", self.take(data, whole=True))

    def take(self, data: bytes, *, whole: bool = False) -> list[ServerSentEvent | bytes]:
        """Do the same as `feed` for those whom names and ids do not matter: events are given as their data alone.

        Args:
            data: Any number of bytes; none is no event.
            whole: Give every event whole, not only those named `error`.

        Raises:
            EventTooLarge: As `feed`.
        """
        self._bare = not whole
        return self._feed(data)

    def _feed(self, data: bytes) -> list[ServerSentEvent | bytes]:
        if self._head is not None or self._skip_lf:
            data = self._first_bytes(data)
        if not data:
            return []
        # Looked at once per read: JSON escapes a carriage return, so one in the stream is a line end.
        lines = self._lines_with_cr(data) if b"\r" in data else data.split(b"\n")
        tail = self._tail
        if len(lines) <= _FRAME_LINES and not tail and not self._open and len(data) <= self._limit:
            event = self._one_frame(lines)
            if event is not None:
                return [event]
        held = self._size + len(tail)
        if tail:
            # One growing buffer: a long line in many small reads is copied once, at its end.
            tail += lines[0]
            if len(lines) > 1:
                lines[0] = bytes(tail)
                self._tail = bytearray(lines.pop())
            else:
                lines.clear()
        else:
            last = lines.pop()
            if last:
                self._tail = bytearray(last)

        # A failed decoder's limit is below zero, so that it always looks and this line is all that others pay.
        if held + len(data) > self._limit:
            return self._bounded_events(lines)
        if not lines:
            return []
        return self._events(lines) if len(lines) >= _BULK_LINES else self._read(lines)

    def finish(self) -> bytes:
        """Say that the stream has ended and return what it left unfinished, b"" if nothing.

        An event whose blank line never came is not an event: its name and data are returned as they stood on the wire.

        Raises:
            EventTooLarge: An event exceeded the limit.
        """
        if self._failure is not None:
            raise self._failure
        rest = bytes(self._tail) if self._head is None else self._head
        lines = [b"data: " + value for value in self._data]
        if self._name:
            lines.insert(0, b"event: " + self._name.encode())
        if not rest.startswith(b":"):
            lines.append(rest)
        self._head = None
        self._tail = bytearray()
        self._reset()
        return b"\n".join(lines)

    def _first_bytes(self, data: bytes) -> bytes:
        """Drop one byte order mark from the very start, which may come in pieces, and the LF of a CRLF cut in two."""
        if self._head is not None:
            head = self._head + data
            if len(head) < len(_BOM) and _BOM.startswith(head):
                self._head = head
                return b""
            self._head = None
            return head.removeprefix(_BOM)
        if not data:
            return data
        self._skip_lf = False
        return data.removeprefix(b"\n")

    def _lines_with_cr(self, data: bytes) -> list[bytes]:
        """Split at CRLF, CR and LF."""
        lines = data.split(b"\r\n")
        # Deleting one byte value is many times faster than replacing two, so the pure case is told by counting.
        cuts = len(lines) - 1
        if len(data) - len(data.replace(b"\r", b"")) == cuts == len(data) - len(data.replace(b"\n", b"")):
            return lines
        self._skip_lf = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")

    def _one_frame(self, lines: list[bytes]) -> ServerSentEvent | bytes | None:
        """Read a read that is one whole frame of a usual form, as paced streams send them; None if it is not."""
        if len(lines) == 3:
            line, blank, rest = lines
            name: str | None = ""
        elif len(lines) == _FRAME_LINES:
            start, line, blank, rest = lines
            name = _names.get(start)
        else:
            return None
        if blank or rest or name is None or not _LOW <= line < _HIGH:
            return None
        if self._bare and name != "error":
            return line[6:]
        return ServerSentEvent(line[6:], name, self.last_event_id)

    def _events(self, lines: list[bytes]) -> list[ServerSentEvent | bytes]:
        """Read finished lines, at least one; whole frames of the usual forms without a look at each line."""
        end = len(lines)
        if end < _BULK_LINES or not (lines[0].startswith((b"data: ", b"event: ")) or self._open):
            return self._read(lines)
        # Between the rest of an event begun in an earlier read and the start of one that ends in a later read.
        start = lines.index(b"") + 1 if self._open and b"" in lines else 0
        while end > start and lines[end - 1]:
            end -= 1
        if end - start < _BULK_LINES or (self._open and not start):
            return self._read(lines)
        events = self._read(lines[:start]) if start else []
        whole = lines[start:end]
        frames = self._plain_frames(whole)
        if frames is None:
            frames = self._named_frames(whole)
        events += self._read(whole) if frames is None else frames
        if end < len(lines):
            events += self._read(lines[end:])
        return events

    def _read(self, lines: list[bytes]) -> list[ServerSentEvent | bytes]:
        """Read finished lines one by one."""
        bare = self._bare
        events: list[ServerSentEvent | bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif line:
                self._field(line)
            elif data:
                value = data[0] if len(data) == 1 else b"\n".join(data)
                # No JSON document is blank, so nothing but spaces and line feeds is a keep-alive.
                if value and (value[0] > 32 or not value.isspace()):
                    if bare and self._name != "error":
                        events.append(value)
                    else:
                        events.append(ServerSentEvent(value, self._name, self.last_event_id, self._event_retry))
                data.clear()
                self._name = ""
                self._event_retry = None
            else:
                self._name = ""
                self._event_retry = None
        if lines[-1]:
            self._open = True
            size = 0
            for line in reversed(lines):
                if not line:
                    self._size = size
                    break
                if line[0] != _COLON:
                    size += len(line) + 1
            else:
                self._size += size
        elif self._open:
            self._open = False
            self._size = 0
        return events

    def _reset(self) -> None:
        """Begin the next event."""
        self._data.clear()
        self._name = ""
        self._event_retry = None
        self._size = 0
        self._open = False

    def _field(self, line: bytes) -> None:
        """Read any line but a blank one."""
        known = _names.get(line)
        if known is not None:
            self._name = known
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = str(value.removeprefix(b" "), "utf-8", "replace")
            if len(_names) < _MAX_NAMES and len(line) < _MAX_NAME_BYTES:
                _names[line] = self._name
        elif name == b"id":
            if b"\0" not in value:
                self.last_event_id = str(value.removeprefix(b" "), "utf-8", "replace")
        elif name == b"retry":
            value = value.removeprefix(b" ")
            if value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry = self._event_retry = int(value)

    def _bounded_events(self, lines: list[bytes]) -> list[ServerSentEvent | bytes]:
        """Read finished lines up to the one that is too much for its event."""
        if self._failure is not None:
            self._tail.clear()
            raise self._failure
        size = self._size
        for index, line in enumerate(lines):
            if not line:
                size = 0
            elif line[0] != _COLON:
                size += len(line) + 1
                if size > self._limit:
                    return self._fail(lines[:index])
        tail = self._tail
        if tail and tail[0] == _COLON:
            del tail[1:]
        elif size + len(tail) > self._limit:
            return self._fail(lines)
        return self._events(lines) if lines else []

    def _fail(self, lines: list[bytes]) -> list[ServerSentEvent | bytes]:
        """Refuse everything from now on; the events that are complete still go out first."""
        events = self._events(lines) if lines else []
        self._failure = EventTooLarge(self._limit)
        self._limit = -1
        self._reset()
        self._tail = bytearray()
        if not events:
            raise self._failure
        return events

    def _plain_frames(self, lines: list[bytes]) -> list[ServerSentEvent | bytes] | None:
        """Read lines that are nothing but `data: X` and blank in turn; None if they are anything else."""
        data = lines[::2]
        if len(lines) % 2 or any(lines[1::2]) or min(data) < _LOW or max(data) >= _HIGH:
            return None
        if self._bare:
            return [line[6:] for line in data]
        last_event_id = self.last_event_id
        return [ServerSentEvent(line[6:], "", last_event_id) for line in data]

    def _named_frames(self, lines: list[bytes]) -> list[ServerSentEvent | bytes] | None:
        """Read lines that are nothing but a known `event: N`, `data: X` and blank in turn; None if they are anything else."""
        data = lines[1::3]
        if len(lines) % 3 or any(lines[2::3]) or min(data) < _LOW or max(data) >= _HIGH:
            return None
        names = list(map(_names.get, lines[::3]))
        if None in names:
            return None
        if self._bare and "error" not in names:
            return [line[6:] for line in data]
        last_event_id = self.last_event_id
        return [ServerSentEvent(line[6:], name or "", last_event_id) for name, line in zip(names, data, strict=True)]
