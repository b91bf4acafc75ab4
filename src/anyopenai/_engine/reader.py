"""`EventReader`: events out of the bytes of one answer, and how a stream of them ends; what users see of it is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast
from warnings import warn

import msgspec
from anyio import current_time

from .._codec import DecodeFailure, decode_any
from .._sansio.accumulate import text_for
from .._sansio.endings import ending_for
from .._sansio.errorshapes import event_error
from .._sansio.sse import EventTooLarge, ServerSentEvent, SSEDecoder
from .._tasks import grace
from ..errors import APIError, OpenAIError
from ..transport.base import TransportFailure
from .mapping import (
    deadline_error,
    error_from_event,
    error_from_failure,
    interrupted_stream,
    malformed_event,
    timeout_error,
    truncated_stream,
)

if TYPE_CHECKING:
    from .._contract import ResponseInfo
    from ..errors import StreamTruncated
    from .arrival import Arrival

__all__ = ("EventReader",)

T = TypeVar("T")

DRAIN_BYTES: Final = 65536
"""What may follow the end marker (blank lines, the last chunk's size line) is far below one read."""

DRAIN_SECONDS: Final = 0.25
"""Longest wait for the end of the body behind the end marker; a new connection with TLS costs about as much."""

_BATCH: Final = 32
"""Events decoded at once: an event costs 1.88 us one by one, 1.14 at 16, 1.11 at 32, 1.08 at 64 and 1.39 with all of a
read, as hundreds of objects that live at the same time push the collector."""

_TYPED: Final = b'{"type":"response.'
"""How the Responses API's events begin, which are what their type says and often have an `error` member that is null."""


class EventReader(Generic[T]):
    """Reads one answer as events; `Stream` is its public face, `Passage` takes its bytes as they are."""

    __slots__ = (
        "__weakref__",
        "_arrival",
        "_begun",
        "_closed",
        "_count",
        "_decode",
        "_decoder",
        "_dropped",
        "_ending",
        "_finished",
        "_first_due",
        "_frames",
        "_info",
        "_named",
        "_note",
        "_own_error",
        "_quick",
        "_reading",
        "_ready",
        "_received",
        "_text",
        "_wary",
    )

    def __init__(self, arrival: Arrival, event_type: Any) -> None:
        call = arrival.call
        operation = call.operation
        self._arrival = arrival
        self._decoder = SSEDecoder(call.settings.max_event_bytes)
        decoder = arrival.decoder(event_type)
        self._decode: Callable[[bytes], T] = decoder.decode
        self._quick: Callable[[Any], T] = decoder.quick
        self._ending = ending_for(operation.ending, call.sent_body)
        self._text = text_for(operation.ending, self._ending)
        self._note = self._text.watch
        self._named = operation.named_events
        self._own_error = operation.ending == "response"
        # What has arrived and was not handed out, first what is decoded; the last one of each is the next.
        self._ready: list[T] = []
        self._frames: list[ServerSentEvent | bytes] = []
        # Whether one of these may be an error, or anything else that needs a closer look.
        self._wary = False
        self._count = 0  # of the decoded ones
        self._received = 0
        self._finished = False
        self._closed = False
        # Whether decoded events were let go of: then the reader's end has not been seen, whatever they said.
        self._dropped = False
        self._reading = False
        self._info: ResponseInfo | None = None
        first = call.timeout.first_event
        self._first_due: float | None = None if first is None else call.attempt_started + first
        self._begun = False

    @property
    def response(self) -> ResponseInfo:
        """The answer's head: status, headers, the request it answers."""
        if self._info is None:
            self._info = self._arrival.info()
        return self._info

    @property
    def request_id(self) -> str | None:
        """The server's `x-request-id`; name it when asking for support."""
        return self._arrival.request_id

    @property
    def buffered(self) -> bool:
        """Whether the next event is there already, so that the next step waits for nothing."""
        return bool(self._ready)

    async def _advance(self) -> T:
        """Do what it takes to have an event, and return it."""
        while not self._ready:
            if self._frames:
                if self._wary or not self._decode_several():
                    await self._decode_one(self._frames.pop())
            elif self._closed:
                raise StopAsyncIteration
            elif self._finished:
                await self._finish()
            else:
                await self._receive()
        return self._ready.pop()

    def _decode_several(self) -> bool:
        """Decode the next events at once; False if one of them is unusual, which is then found one by one."""
        try:
            events = [*map(self._quick, self._frames[-_BATCH:])]
        except Exception:  # whatever it is: who takes one at a time says what is wrong
            self._wary = True
            return False
        del self._frames[-_BATCH:]
        unseen = reversed(events)
        if any(map(self._note, unseen)):
            # The last one: what follows is no event. It is read away on the next step.
            del events[: len([*unseen])]
            self._frames.clear()
            self._finished = True
        self._count += len(events)
        self._ready = events
        return True

    async def _decode_one(self, frame: ServerSentEvent | bytes) -> None:
        """Decode one event, whatever it is."""
        name, data = ("", frame) if isinstance(frame, bytes) else (frame.event, frame.data)
        if data[0] == 91 and data.startswith(b"[DONE]"):
            self._ending.saw_done()
            await self._finish()
            return
        if name == "error" or (b'"error"' in data and not data.startswith(_TYPED)):
            await self._refuse_error(name, data)
        try:
            event = self._decode(_with_name(name, data) if self._named else data)
        except DecodeFailure as failure:
            raise await self._broken(malformed_event(self.response, data, failure)) from failure
        self._count += 1
        if self._note(event):
            self._frames.clear()
            self._finished = True
        self._ready.append(event)

    async def _receive(self) -> None:
        """Wait for the next bytes and take the events they complete; at their end decide whether that is all."""
        piece = await self._next_piece()
        if piece:
            self._frames = found = await self._split(piece, whole=self._named)
            self._wary = bool(found) and (self._named or self._suspicious(piece))
            found.reverse()
        elif piece is not None:
            await self._end_of_input()

    def _suspicious(self, piece: bytes) -> bool:
        """Tell whether one of the events that a piece completed may be an error."""
        # Looked for in all of them at once, but for the beginning of the first one, which may have come before.
        first = self._frames[0]
        if b'"error"' not in piece and isinstance(first, bytes) and b'"error"' not in first:
            return False
        return any(
            not isinstance(frame, bytes) or (b'"error"' in frame and not frame.startswith(_TYPED))
            for frame in self._frames
        )

    async def _split(self, piece: bytes, *, whole: bool) -> list[ServerSentEvent | bytes]:
        """Return the events that a piece completes, whole or those that can be as their data alone."""
        self._received += len(piece)
        try:
            found = self._decoder.take(piece, whole=whole)
        except EventTooLarge as error:
            raise await self._broken(malformed_event(self.response, b"", error)) from error
        if found:
            self._begun = True
        return found

    async def _split_whole(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that a piece completes, with their names."""
        return cast("list[ServerSentEvent]", await self._split(piece, whole=True))

    async def _next_piece(self) -> bytes | None:
        """Wait for the next bytes, b"" at their end; None if they broke off and the answer is whole."""
        if self._reading:
            raise OpenAIError(
                "another task is waiting for this stream's next event; let one task read it and hand events on"
            )
        self._reading = True
        arrival = self._arrival
        try:
            piece = await arrival.response.receive(timeout=self._silence())
        except TransportFailure as failure:
            if self._ending.complete and not self._closed and failure.kind in {"lost", "timeout"}:
                # The answer is whole; only what ends the transfer (`[DONE]`, the last chunk) did not come.
                await self.aclose()
                return None
            error = self._error_from(failure)
            if await self._goes_on(error):
                return None
            raise await self._broken(error) from error.__cause__ or failure
        except BaseException:
            # Cancelled: the transport has hung up already.
            self._closed = True
            self._tell_end()
            arrival.response.abandon()
            raise
        finally:
            self._reading = False
        if self._closed:
            raise interrupted_stream(arrival.call)
        return piece

    def _silence(self) -> float:
        """Return how long the next bytes may take, in seconds."""
        call = self._arrival.call
        if self._begun:
            limit = call.timeout.idle
        elif self._first_due is None:
            limit = None
        else:
            # Its own limit holds alone: a model that thinks is silent for longer than one that speaks.
            limit = max(0.0, self._first_due - current_time())
        limit = call.remaining_silence(limit)
        # None would mean the request's own limit to the transport.
        return inf if limit is None else limit

    def _error_from(self, failure: TransportFailure) -> OpenAIError:
        call = self._arrival.call
        if self._closed:
            return interrupted_stream(call)
        if failure.kind == "timeout":
            phase = "idle" if self._begun else "first_event"
            if call.overdue():
                return deadline_error(call, sent="all", phase=phase)
            return timeout_error(call, phase=phase, sent="all", received=self._received)
        if failure.kind == "lost":
            return self._truncated(f"the connection was lost ({failure.message})")
        return error_from_failure(failure, call)

    async def _goes_on(self, error: OpenAIError) -> bool:
        """Go on over another connection after an error of this one; False where a stream is one connection's."""
        return False

    def _pass_bytes(self) -> None:
        """Take notice that its bytes are passed on as they are, so that it stays with its connection."""

    async def _end_of_input(self) -> None:
        """Decide whether a stream that has ended is complete."""
        try:
            rest = self._decoder.finish()
        except EventTooLarge as error:
            raise await self._broken(malformed_event(self.response, b"", error)) from error
        if rest.removeprefix(b"data:").strip() == b"[DONE]":
            # Some servers leave out the blank line after their last word.
            self._ending.saw_done()
            rest = b""
        if self._ending.complete and not rest:
            await self._finish()
            return
        reason = "in the middle of an event" if rest else f"before {self._ending.expected}"
        truncated = self._truncated(f"the stream ended {reason}")
        if await self._goes_on(truncated):
            return
        mode = self._arrival.call.settings.truncated
        if mode == "raise":
            raise await self._broken(truncated)
        await self._finish()
        if mode == "warn":
            warn(str(truncated), RuntimeWarning, stacklevel=5)

    def _truncated(self, what: str) -> StreamTruncated:
        return truncated_stream(
            self._arrival.call, what, partial=self._text.value(), events=self._count, received=self._received
        )

    async def _refuse_error(self, name: str, data: bytes) -> None:
        """Raise if an event is an error that the server sent instead of an answer."""
        try:
            body = decode_any(data)
        except DecodeFailure as failure:
            if name != "error":
                raise await self._broken(malformed_event(self.response, data, failure)) from failure
            body = data.decode("utf-8", "replace")
        facts = event_error(name, body, own_error_event=self._own_error)
        if facts is not None:
            raise await self._broken(error_from_event(facts, self.response))

    async def _broken(self, error: OpenAIError) -> OpenAIError:
        """Hang up because of an error, and return it with what had arrived before it."""
        if isinstance(error, APIError):
            error.partial = self._text.value()
            error.events_received = self._count
        await self.aclose()
        return error

    async def _finish(self) -> None:
        """Give the connection back after the end marker: read away the little that may follow."""
        self._forget()
        self._closed = self._finished = True
        response = self._arrival.response
        if not response.complete:
            with grace():
                await response.drain(DRAIN_BYTES, DRAIN_SECONDS)
        self._tell_end()

    def _forget(self) -> None:
        """Let go of what was not handed out."""
        if self._ready:
            self._dropped = True
            self._count -= len(self._ready)
            self._ready.clear()
        self._frames.clear()

    def _tell_end(self) -> None:
        ending = self._ending
        self._arrival.tell_stream_end(
            self._count, self._received, complete=ending.complete and not self._dropped, usages=ending.usages
        )

    async def aclose(self) -> None:
        """Hang up, unless the answer is complete; safe to repeat, safe when cancelled.

        Another task that waits for the next event gets an `APIConnectionError`.
        """
        if self._closed:
            return
        if self._finished:
            await self._finish()
            return
        self._closed = True
        self._forget()
        self._tell_end()
        with grace():
            await self._arrival.response.aclose()


def _with_name(name: str, data: bytes) -> bytes:
    return b'{"event":%b,"data":%b}' % (msgspec.json.encode(name), data)
