"""`Stream`: the events of one answer as users hold them; a class without a task, not a generator."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar
from warnings import warn

import msgspec
from anyio import current_time

from .._codec import DecodeFailure, decode_any
from .._sansio.accumulate import delta_of, text_for
from .._sansio.endings import ending_for
from .._sansio.errorshapes import event_error
from .._sansio.sse import EventTooLarge, ServerSentEvent, SSEDecoder
from .._sansio.usage import Usage, usage_from
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
from .paginator import Paginator
from .text_stream import TextStream

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from .._contract import ResponseInfo
    from ..errors import StreamTruncated
    from .arrival import Arrival
    from .tee import TeeReader

__all__ = ("Paginator", "Stream")

T = TypeVar("T")

DRAIN_BYTES: Final = 65536
"""What may follow the end marker (blank lines, the last chunk's size line) is far below one read."""

DRAIN_SECONDS: Final = 0.25
"""Longest wait for the end of the body behind the end marker; a new connection with TLS costs about as much."""

_TYPED: Final = b'{"type":"response.'
"""How the Responses API's events begin, which are what their type says and often have an `error` member that is null."""


class Stream(Generic[T]):
    """The events of one answer, in the order the server sends them: an async iterator and an async context manager.

    ::

        stream = await client.chat.completions.create(model="gpt-5.5", messages=[...], stream=True)
        async with stream:
            async for chunk in stream:
                ...

    Iteration ends when the answer is complete. A stream that breaks off before its end marker raises
    `StreamTruncated` with what came so far as `partial` (see `truncated_streams` of the client); errors that the
    server sends in the stream raise `APIError` and its subclasses, with the same `partial`.

    Leaving the block early, `close()`, and cancelling a step hang up. No task runs behind a stream: not reading it holds
    the server back.
    """

    __slots__ = (
        "__weakref__",
        "_arrival",
        "_begun",
        "_closed",
        "_count",
        "_decode",
        "_decoder",
        "_ending",
        "_finished",
        "_first_due",
        "_frames",
        "_info",
        "_named",
        "_observe",
        "_own_error",
        "_reading",
        "_received",
        "_text",
    )

    def __init__(self, arrival: Arrival, event_type: Any) -> None:
        call = arrival.call
        operation = call.operation
        self._arrival = arrival
        self._decoder = SSEDecoder(call.settings.max_event_bytes)
        self._decode: Callable[[bytes], T] = arrival.decoder(event_type).decode
        self._ending = ending_for(operation.ending, call.sent_body)
        self._observe = self._ending.observe
        self._text = text_for(operation.ending)
        self._named = operation.named_events
        self._own_error = operation.ending == "response"
        # What has arrived and was not handed out; the last one is the next.
        self._frames: list[ServerSentEvent] = []
        self._count = 0
        self._received = 0
        self._finished = False
        self._closed = False
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
    def complete(self) -> bool:
        """Whether everything that makes the answer whole has arrived; what the server adds to it may be still to come."""
        return self._ending.complete

    @property
    def usage(self) -> Usage | None:
        """What the answer cost; None until the server says so: chat streams at their end, if `include_usage` asks."""
        usages = self._ending.usages
        return usage_from(*usages) if usages else None

    @property
    def text_stream(self) -> TextStream:
        """The same stream as its text alone, piece by piece; of several choices the first one's.

        Raises:
            OpenAIError: The answer is no text, such as images or sound.
        """
        operation = self._arrival.call.operation
        delta = delta_of(operation.ending)
        if delta is None:
            raise OpenAIError(f"the events of {operation.name} have no text; iterate over the stream")
        return TextStream(self, delta)

    def tee(
        self, n: int = 2, *, buffer: int = 64, drop_after: float | None = None
    ) -> AbstractAsyncContextManager[tuple[TeeReader[T], ...]]:
        """Return `n` readers of this one stream, to enter with `async with`; see `anyopenai.tee`."""
        from .tee import tee

        return tee(self, n, buffer=buffer, drop_after=drop_after)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next event.

        Everything that one read brought is handed out without waiting. Cancelling while it waits hangs up.

        Raises:
            StopAsyncIteration: The answer is complete, or the stream was closed.
            StreamTruncated: The input ended before the answer was complete.
            APIError: The server sent an error.
            MalformedEvent: An event cannot be read.
            APITimeoutError: Nothing came for longer than the timeout allows.
            APIConnectionError: The connection was lost.
        """
        frames = self._frames
        while True:
            if frames:
                frame = frames.pop()
                data = frame.data
                if data[0] == 91 and data.startswith(b"[DONE]"):
                    self._ending.saw_done()
                    await self._finish()
                    continue
                if frame.event == "error" or (b'"error"' in data and not data.startswith(_TYPED)):
                    await self._refuse_error(frame)
                try:
                    event = self._decode(self._with_name(frame) if self._named else data)
                except DecodeFailure as failure:
                    raise await self._broken(malformed_event(self.response, data, failure)) from failure
                self._count += 1
                self._text.apply(event)
                if self._observe(event):
                    # The last one: what follows is no event. It is read away on the next step.
                    frames.clear()
                    self._finished = True
                return event
            if self._closed:
                raise StopAsyncIteration
            if self._finished:
                await self._finish()
                continue
            await self._receive()

    def _with_name(self, frame: ServerSentEvent) -> bytes:
        return b'{"event":%b,"data":%b}' % (msgspec.json.encode(frame.event), frame.data)

    async def _receive(self) -> None:
        """Wait for the next bytes and take the events they complete; at their end decide whether that is all."""
        piece = await self._next_piece()
        if piece:
            found = await self._decoded(piece)
            found.reverse()
            self._frames.extend(found)
        elif piece is not None:
            await self._end_of_input()

    async def _decoded(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that a piece completes."""
        self._received += len(piece)
        try:
            found = self._decoder.feed(piece)
        except EventTooLarge as error:
            raise await self._broken(malformed_event(self.response, b"", error)) from error
        if found:
            self._begun = True
        return found

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
            raise await self._broken(self._error_from(failure)) from failure
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
        mode = self._arrival.call.settings.truncated
        if mode == "raise":
            raise await self._broken(truncated)
        await self._finish()
        if mode == "warn":
            warn(str(truncated), RuntimeWarning, stacklevel=4)

    def _truncated(self, what: str) -> StreamTruncated:
        return truncated_stream(
            self._arrival.call, what, partial=self._text.value(), events=self._count, received=self._received
        )

    async def _refuse_error(self, frame: ServerSentEvent) -> None:
        """Raise if an event is an error that the server sent instead of an answer."""
        try:
            body = decode_any(frame.data)
        except DecodeFailure as failure:
            if frame.event != "error":
                raise await self._broken(malformed_event(self.response, frame.data, failure)) from failure
            body = frame.data.decode("utf-8", "replace")
        facts = event_error(frame.event, body, own_error_event=self._own_error)
        if facts is not None:
            raise await self._broken(error_from_event(facts, self.response))

    async def _broken(self, error: OpenAIError) -> OpenAIError:
        """Hang up because of an error, and return it with what had arrived before it."""
        if isinstance(error, APIError):
            error.partial = self._text.value()
            error.events_received = self._count
        self._frames.clear()
        await self.aclose()
        return error

    async def _finish(self) -> None:
        """Give the connection back after the end marker: read away the little that may follow."""
        self._frames.clear()
        self._closed = self._finished = True
        response = self._arrival.response
        if not response.complete:
            with grace():
                await response.drain(DRAIN_BYTES, DRAIN_SECONDS)
        self._tell_end()

    def _tell_end(self) -> None:
        ending = self._ending
        self._arrival.tell_stream_end(self._count, self._received, complete=ending.complete, usages=ending.usages)

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
        self._frames.clear()
        self._tell_end()
        with grace():
            await self._arrival.response.aclose()

    async def close(self) -> None:
        """Do the same as `aclose`; the name openai-python's users know."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Stream of {self._arrival.call.operation.name}, {state}, {self._count} events>"

    def __del__(self) -> None:
        try:
            if self._closed:
                return
            shown = repr(self)
            self._closed = True
            response = self._arrival.response
        except AttributeError:
            return  # the constructor did not come this far
        ended = self._finished or response.complete
        response.abandon()
        if not ended:
            warn(
                f"{shown} was dropped before its end; use `async with` or close() to leave it early",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
