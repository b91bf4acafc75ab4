"""The numbered events of one response over several connections: what was seen, what repeats it, what is missing; no I/O."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from .remainder import Delivered
from .sse import ServerSentEvent

__all__ = ("EventSequence", "number_of")


class _Named(Struct, gc=False):
    id: str | None = None


class Mark(Struct, gc=False):
    """What of an event is looked at here; the rest is skipped where it stands."""

    type: str = ""
    sequence_number: int | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: str = ""
    response: _Named | None = None


class _Number(Struct, gc=False):
    type: str = ""
    sequence_number: int | None = None


# Nothing could be asked for by these.
_NO_IDS: Final = frozenset({"", ".", ".."})

_mark = msgspec.json.Decoder(Mark).decode
_number = msgspec.json.Decoder(_Number).decode


class EventSequence:
    """Lets each event of a response through once, in order.

    On the first connection all events pass. From `resume` on, those with a number that was seen are dropped, and the
    first that is not the next one is a gap: it and all behind it are held back.

    Args:
        response_id: The response's id, if it is known before its first event.
        last: The number of the last event that the caller has from elsewhere.
        strict: What follows is to be the continuation of that; False lets it pass as it is.

    Attributes:
        response_id: The response's id; None before an event has said it.
        last: The highest number that has passed; None before the first.
        orderly: Whether the numbers grew by one so far. Where they do not, nobody can tell a gap from the server's habit.
        gap: The number that was due and the one that came instead; None while nothing is missing.
        delivered: What the events that have passed have told.
    """

    __slots__ = ("_resumed", "delivered", "gap", "last", "orderly", "response_id")

    def __init__(self, response_id: str | None = None, last: int | None = None, *, strict: bool = True) -> None:
        self.response_id: str | None = response_id
        self.last: int | None = last
        self.orderly: bool = True
        self.gap: tuple[int, int] | None = None
        self.delivered: Delivered = Delivered()
        self._resumed = strict and last is not None

    def resume(self) -> None:
        """Take notice that the next events come over another connection, asked for from `last` on."""
        self._resumed = True

    def take(self, events: list[ServerSentEvent | bytes]) -> list[ServerSentEvent | bytes]:
        """Return those of some events that are to be given out; an event is what the decoder gives, or its data alone."""
        kept: list[ServerSentEvent | bytes] = []
        for event in events:
            mark = _read(event if isinstance(event, bytes) else event.data)
            if mark.type == "error" or mark.sequence_number is None:
                # What went wrong is always told: servers number it from the beginning, or not at all.
                kept.append(event)
                continue
            number, last = mark.sequence_number, self.last
            if last is not None and number != last + 1:
                if not self._resumed:
                    self.orderly = False
                elif number <= last:
                    continue
                else:
                    self.gap = (last + 1, number)
                    break
            self.last = number
            if self.response_id is None and mark.response is not None and mark.response.id not in _NO_IDS:
                self.response_id = mark.response.id
            self.delivered.note(mark.type, mark.output_index, mark.content_index, mark.summary_index, mark.delta)
            kept.append(event)
        return kept


def number_of(event: ServerSentEvent | bytes) -> int | None:
    """Return an event's number; None if it has none."""
    return _read(event if isinstance(event, bytes) else event.data).sequence_number


def _read(data: bytes) -> Mark:
    """Read an event as far as it matters here; whatever it is, it does no harm."""
    try:
        return _mark(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        # A member of another type than the API's: its number still counts.
        found = _number(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Mark()
    return Mark(type=found.type, sequence_number=found.sequence_number)
