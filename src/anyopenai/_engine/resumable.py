"""`ResumableStream`: a stream of a response in the background, which goes on over another connection; no decoding here.

Theory of operation: the server keeps the events of such a response, numbered, for some minutes. When the connection goes,
the stream asks for those behind the last number that it has, as often as the retry policy allows in a row without anything
new. When the server has forgotten the events, it asks for the response instead until that has come to its end, and tells
the rest of it in events of its own making.
"""

from __future__ import annotations

from random import random
from time import time
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec
from anyio import CancelScope, current_time, sleep

from .._codec import DecodeFailure, decode_any
from .._sansio.remainder import remaining_events
from .._sansio.retry import Attempt, Retry, backoff, decide, retry_after
from .._sansio.sequence import EventSequence, number_of
from .._sansio.sse import ServerSentEvent, SSEDecoder
from .._tasks import grace
from ..errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    DeadlineExceeded,
    OpenAIError,
    ResumePoint,
    StreamGap,
)
from .iteration import Stream
from .mapping import deadline_error, interrupted_stream, request_info, unreadable
from .no_stream import refuse_no_stream

if TYPE_CHECKING:
    from .arrival import Arrival
    from .call import Call
    from .resumption import Resumption

__all__ = ("ResumableStream",)

T = TypeVar("T")

GONE: Final = frozenset({400, 404, 410})
"""What servers answer that do not have the events (any more); the response itself outlives them."""

LEAST_POLL: Final = 1.0
"""Seconds between two questions whether a response is finished, as openai-python's pollers wait."""

UNFINISHED: Final = frozenset({"queued", "in_progress"})
FINISHED: Final = frozenset({"completed", "failed", "incomplete", "cancelled"})


class ResumableStream(Stream[T]):
    """The events of a response in the background, over as many connections as it takes."""

    __slots__ = (
        "_automatic",
        "_bytes_only",
        "_fruitless",
        "_origin",
        "_polled",
        "_request_ids",
        "_resumption",
        "_scope",
        "_sequence",
    )

    def __init__(self, arrival: Arrival, event_type: Any, resumption: Resumption) -> None:
        super().__init__(arrival, event_type)
        self._resumption = resumption
        self._sequence = EventSequence(resumption.response_id, resumption.after, strict=resumption.automatic)
        self._origin = arrival
        self._request_ids = [arrival.request_id]
        self._fruitless = 0  # connections in a row that brought nothing new
        self._automatic = resumption.automatic
        self._bytes_only = False
        self._polled = False
        self._scope: CancelScope | None = None

    @property
    def resume_point(self) -> ResumePoint | None:
        """See `Stream`."""
        sequence = self._sequence
        if sequence.response_id is None:
            return None
        last = sequence.last
        # What has arrived and was not given out yet comes again.
        due = (number for event in reversed(self._ready) if (number := _number(event)) is not None)
        for number in due if self._ready else map(number_of, reversed(self._frames)):
            if number is not None:
                last = number - 1 if number > 0 else None
                break
        ids = tuple(request_id for request_id in self._request_ids if request_id is not None)
        return ResumePoint(sequence.response_id, last, ids)

    @property
    def polled(self) -> bool:
        """See `Stream`."""
        return self._polled

    def _pass_bytes(self) -> None:
        """See `Stream`: bytes that have been passed on cannot be told from those that come again."""
        self._automatic = False
        self._bytes_only = True

    async def aclose(self) -> None:
        """See `Stream`."""
        if self._scope is not None:
            self._scope.cancel()
        await super().aclose()

    async def _split(self, piece: bytes, *, whole: bool = False) -> list[ServerSentEvent | bytes]:
        found = await super()._split(piece, whole=whole)
        if not found or self._bytes_only:
            return found
        kept = self._sequence.take(found)
        if kept:
            self._fruitless = 0
        return kept

    async def _receive(self) -> None:
        if self._sequence.gap is not None:
            # What came before it has been given out by now.
            raise await self._broken(self._missing(*self._sequence.gap))
        await super()._receive()

    def _missing(self, due: int, came: int) -> StreamGap:
        """Build the error for events that were left out."""
        wire = self._arrival.call.wire
        return StreamGap(
            message=f"the stream went on with event {came} where {due} was due: the events between them are lost; the text "
            "that arrived is in `partial`, and `responses.retrieve` gives the whole response when it is complete",
            expected=due,
            found=came,
            request=None if wire is None else request_info(wire),
        )

    async def _broken(self, error: OpenAIError) -> OpenAIError:
        if isinstance(error, APIError):
            error.resume_point = self.resume_point
        return await super()._broken(error)

    def _tell_end(self) -> None:
        # One call, however many connections it took: the first one's answer is what is counted.
        ending = self._ending
        self._origin.tell_stream_end(self._count, self._received, complete=ending.complete, usages=ending.usages)

    async def _goes_on(self, error: OpenAIError) -> bool:
        sequence = self._sequence
        if self._closed or not self._automatic or not isinstance(error, APIConnectionError):
            return False
        if isinstance(error, DeadlineExceeded) or sequence.response_id is None:
            return False
        if not sequence.orderly:
            _add(error, "it is not resumed, as the server's numbers of the events do not grow by one")
            return False
        # Nobody else may read meanwhile.
        self._reading = True
        try:
            with CancelScope() as self._scope:
                went = await self._resume(error, sequence.response_id)
                if not self._closed:
                    return went
        except DeadlineExceeded as late:
            # It names the whole deadline, of which the last request had only what was left.
            raise await self._broken(deadline_error(self._origin.call, sent="all", phase="idle")) from late
        except OpenAIError as failed:
            raise await self._broken(failed) from failed.__cause__
        except BaseException:
            # Cancelled: the request has hung up already.
            self._closed = True
            self._tell_end()
            raise
        finally:
            self._reading = False
            self._scope = None
        raise interrupted_stream(self._arrival.call)

    async def _resume(self, error: APIConnectionError, response_id: str) -> bool:
        """Go on after a connection was lost; False if that cannot be, which is then said in the error.

        Raises:
            DeadlineExceeded: The deadline of the call passed.
        """
        call = self._arrival.call
        ended = self._arrival.response.complete
        with grace():
            await self._arrival.response.aclose()
        last = self._sequence.last
        lost = Attempt(
            retries_taken=self._fruitless,
            failure="lost",
            remaining=None if call.expires is None else call.expires - current_time(),
        )
        decision = decide(lost, call.policy, now=time(), rand=random())
        if not isinstance(decision, Retry):
            if ended and self._fruitless:
                # Connections that end in good order and bring nothing: this server, too, does not have the events any more.
                return await self._poll(error, response_id, decision.reason)
            return self._given_up(error, decision.reason)
        self._fruitless += 1
        reason = error.message.partition(": the answer is not complete")[0]
        call.settings.log.info("resume %s after event %s in %.3f s: %s", response_id, last, decision.after, reason)
        if call.settings.trace is not None:
            facts = {"response_id": response_id, "starting_after": last, "after": decision.after, "reason": reason}
            call.settings.trace("resume", facts)
        await sleep(decision.after)
        again = self._resumption.events(response_id, last, call.expires)
        # One budget: connections that fail count like those that are lost before anything came.
        again.retries = self._fruitless
        try:
            arrival = await self._arrive(again)
            await refuse_no_stream(arrival)
        except DeadlineExceeded:
            raise
        except (APIStatusError, APIResponseValidationError) as refusal:
            self._request_ids.append(refusal.response.headers.get("x-request-id"))
            if isinstance(refusal, APIStatusError) and refusal.status_code not in GONE:
                return self._given_up(error, str(refusal), refusal)
            return await self._poll(error, response_id, str(refusal))
        except OpenAIError as failed:
            return self._given_up(error, str(failed), failed)
        self._fruitless = again.retries
        self._sequence.resume()
        self._use(arrival)
        self._decoder = SSEDecoder(call.settings.max_event_bytes)
        self._begun = False
        first = again.timeout.first_event
        self._first_due = None if first is None else again.attempt_started + first
        return True

    async def _poll(self, error: APIConnectionError, response_id: str, why: str) -> bool:
        """Wait for the response instead of its events, and put those together that are left; False if it is gone, too.

        Raises:
            DeadlineExceeded: The deadline of the call passed.
        """
        call = self._arrival.call
        call.settings.log.info("poll %s, as its events are not to be had: %s", response_id, why)
        polls = 0
        while True:
            try:
                arrival = await self._arrive(self._resumption.whole(response_id, call.expires))
            except DeadlineExceeded:
                raise
            except OpenAIError as failed:
                return self._given_up(error, f"{why}; then {failed}", failed)
            response = _document(arrival)
            status = str(response.get("status"))
            if status in FINISHED:
                break
            if status not in UNFINISHED:
                raise unreadable(arrival.info(), f"has a status that is not known, {status!r:.200}")
            asked = _asked_wait(arrival)
            if asked is None:
                # A policy without delays is one for connections.
                wait = max(LEAST_POLL, backoff(call.policy, polls, random()))
            else:
                # Whoever says longer than this does not mean to be asked again.
                wait = min(asked, call.policy.max_retry_after)
            if call.expires is not None:
                wait = min(wait, max(0.0, call.expires - current_time()))
            polls += 1
            await sleep(wait)
        self._use(arrival)
        self._polled = True
        rest = remaining_events(response, self._sequence.delivered, self._sequence.last)
        self._frames = [msgspec.json.encode(event) for event in reversed(rest)]
        self._wary = False
        return True

    async def _arrive(self, call: Call) -> Arrival:
        """Send a request; closed meanwhile, the answer is not used."""
        arrival = await self._resumption.engine.arrive(call)
        self._request_ids.append(arrival.request_id)
        if self._closed:
            arrival.response.abandon()
            raise interrupted_stream(call)
        return arrival

    def _use(self, arrival: Arrival) -> None:
        self._arrival = arrival
        self._info = None

    def _given_up(self, error: APIConnectionError, why: str, cause: OpenAIError | None = None) -> bool:
        _add(error, f"it was not resumed: {why}; `resume_point` says where to go on later")
        error.__cause__ = cause
        return False


def _asked_wait(arrival: Arrival) -> float | None:
    """Read when the server wants to be asked again, in seconds; None if it does not say."""
    headers = arrival.headers
    # It has a header of its own for this, in milliseconds.
    return retry_after(lambda name: headers.get("openai-poll-after-ms" if name == "retry-after-ms" else name), time())


def _document(arrival: Arrival) -> dict[str, object]:
    """Decode a response as plain data.

    Raises:
        APIResponseValidationError: It is none.
    """
    try:
        found = decode_any(arrival.body)
    except DecodeFailure as failure:
        raise unreadable(arrival.info(), f"cannot be read: {failure}") from failure
    if not isinstance(found, dict):
        raise unreadable(arrival.info(), "is no response")
    return cast("dict[str, object]", found)


def _number(event: object) -> int | None:
    """Return a decoded event's number; None if it has none."""
    number: object = getattr(event, "sequence_number", None)
    return number if isinstance(number, int) else None


def _add(error: APIConnectionError, more: str) -> None:
    """Add to what an error says."""
    error.message = f"{error.message}; {more}"
    error.args = (error.message, *error.args[1:])
