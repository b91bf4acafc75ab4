"""Server-sent events: bytes in, events out, however the bytes are cut; nothing of JSON or of the API lives here.

Everything works on bytes, because only CR and LF end a line: U+2028, U+2029 and U+0085 inside a JSON string are data,
and a character whose UTF-8 bytes come in two reads needs no care. Data stays bytes, as a JSON decoder wants it.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

__all__ = ("MAX_EVENT_BYTES", "EventTooLarge", "SSEDecoder", "ServerSentEvent")

MAX_EVENT_BYTES: Final = 256 * 2**20
"""Largest event by default, in bytes: four times the 64 MiB that image events are known to pass with room."""

_BOM: Final = b"\xef\xbb\xbf"

# A `retry` of more digits is no number of milliseconds that anyone waits for, and int() of thousands of digits is slow.
_MAX_RETRY_DIGITS: Final = 15

# From this many lines on, looking for a read of plain frames only costs less than it saves.
_BULK_LINES: Final = 6

# Event names repeat (a few dozen per API), so the line is looked up; a server that invents names ends at this many.
_MAX_NAMES: Final = 512
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
        super().__init__(f"an event of the stream is larger than {limit} bytes; raise the limit if the server is right")
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
        self.last_event_id = None
        self.retry = None
        # The first bytes, until it is known whether they are a byte order mark; None from then on.
        self._head: bytes | None = b""
        self._skip_lf = False
        self._tail = bytearray()  # the unfinished line
        self._open = False  # whether a line of an event has come and its blank line has not
        self._size = 0  # bytes of the open event's finished lines
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
        self._refuse_after_failure()
        if self._head is not None:
            data = self._after_bom(data)
        if self._skip_lf and data:
            self._skip_lf = False
            if data[0] == 10:
                data = data[1:]
        if not data:
            return []
        if b"\r" in data:
            # Looked at once per read: JSON escapes a carriage return, so one in the stream is a line end.
            self._skip_lf = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

        lines = data.split(b"\n")
        tail = self._tail
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

        if self._size + len(self._tail) + len(data) + len(tail) > self._limit:
            lines = self._within_limit(lines)
        events = self._events(lines) if lines else []
        if not events:
            self._refuse_after_failure()
        return events

    def finish(self) -> bytes:
        """Say that the stream has ended and return what it left unfinished, b"" if nothing.

        An event whose blank line never came is not an event: its lines are returned as they were, comments left out.

        Raises:
            EventTooLarge: The limit was exceeded and the error has not been raised yet, or was.
        """
        self._refuse_after_failure()
        rest = bytes(self._tail) if self._head is None else self._head
        self._tail = bytearray()
        self._head = None
        if rest.startswith(b":"):
            rest = b""
        lines = [b"data: " + value for value in self._data]
        if self._name:
            lines.insert(0, b"event: " + self._name.encode())
        if rest:
            lines.append(rest)
        elif lines:
            lines.append(b"")
        self._reset()
        return b"\n".join(lines)

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _after_bom(self, data: bytes) -> bytes:
        """Drop one byte order mark from the very start, which may come in pieces."""
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _events(self, lines: list[bytes]) -> list[ServerSentEvent]:
        """Read finished lines. Frames of the usual two forms, many in one read, are taken without a look at each line."""
        if not self._open and len(lines) >= _BULK_LINES:
            frames = _plain_frames(lines, self.last_event_id) or _named_frames(lines, self.last_event_id)
            if frames is not None:
                return frames

        events: list[ServerSentEvent] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data: "):
                data.append(line[6:])
            elif not line:
                if data:
                    value = data[0] if len(data) == 1 else b"\n".join(data)
                    # No JSON document is blank, so nothing but spaces and line feeds is a keep-alive.
                    if value and (value[0] > 32 or not value.isspace()):
                        events.append(ServerSentEvent(value, self._name, self.last_event_id, self._event_retry))
                self._reset()
                data = self._data
            else:
                self._field(line)
        if lines[-1]:
            self._open = True
            start = len(lines) - 1
            while start >= 0 and lines[start]:
                self._size += len(lines[start]) + 1 if lines[start][0] != 58 else 0
                start -= 1
        return events

    def _reset(self) -> None:
        """Begin the next event."""
        self._data = []
        self._name = ""
        self._event_retry = None
        self._size = 0
        self._open = False

    def _field(self, line: bytes) -> None:
        """Read any line but a blank one."""
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            known = _names.get(line)
            if known is None:
                known = str(value.removeprefix(b" "), "utf-8", "replace")
                if len(_names) < _MAX_NAMES and len(line) < 128:
                    _names[line] = known
            self._name = known
        elif name == b"id":
            if b"\0" not in value:
                self.last_event_id = str(value.removeprefix(b" "), "utf-8", "replace")
        elif name == b"retry":
            value = value.removeprefix(b" ")
            if value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry = self._event_retry = int(value)

    def _within_limit(self, lines: list[bytes]) -> list[bytes]:
        """Count line by line; the lines before the one that is too much."""
        size = self._size
        for index, line in enumerate(lines):
            if not line:
                size = 0
            elif line[0] != 58:
                size += len(line) + 1
                if size > self._limit:
                    self._failure = EventTooLarge(self._limit)
                    return lines[:index]
        tail = self._tail
        if tail and tail[0] == 58:
            del tail[1:]
        elif size + len(tail) > self._limit:
            self._failure = EventTooLarge(self._limit)
            tail.clear()
        return lines


def _plain_frames(lines: list[bytes], last_event_id: str | None) -> list[ServerSentEvent] | None:
    """Read lines that are nothing but `data: X` and blank in turn; None if they are anything else."""
    data = lines[::2]
    # Between these two bounds lies exactly what starts with "data: " and goes on with a visible character.
    if len(lines) % 2 or any(lines[1::2]) or min(data) < b"data: !" or max(data) >= b"data:!":
        return None
    return [ServerSentEvent(line[6:], "", last_event_id) for line in data]


def _named_frames(lines: list[bytes], last_event_id: str | None) -> list[ServerSentEvent] | None:
    """Read lines that are nothing but a known `event: N`, `data: X` and blank in turn; None if they are anything else."""
    data = lines[1::3]
    if len(lines) % 3 or any(lines[2::3]) or min(data) < b"data: !" or max(data) >= b"data:!":
        return None
    names = list(map(_names.get, lines[::3]))
    if None in names:
        return None
    return [ServerSentEvent(line[6:], name or "", last_event_id) for name, line in zip(names, data, strict=True)]
