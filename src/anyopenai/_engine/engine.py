"""`Engine`: carries out calls: the attempt loop with its limits, and what each kind of call gives; no parsing here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from random import random
from time import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from anyio import CancelScope, current_time, sleep

from .._contract import Body, Omit, Operation, Query, RequestOptions, ResponseInfo
from .._sansio.errorshapes import error_code
from .._sansio.retry import Attempt, Retry, decide
from ..errors import ClientClosedError, OpenAIError
from ..transport.base import TransportFailure
from .answers import open_stream, parse_now, parse_streamed, read_answer
from .arrival import Arrival
from .bodies import is_replayable
from .call import Call
from .exchange import attempt
from .form import form_body
from .iteration import Paginator
from .mapping import deadline_error, error_from_failure, error_from_response
from .no_stream import refuse_no_stream
from .pages import PageSource
from .prepare import check_options, prepare
from .response import RawResponse, StreamedResponse
from .resumption import resumption_for

if TYPE_CHECKING:
    from ..transport.base import Transport, WireResponse
    from .settings import Settings

__all__ = ("Carrier", "Engine", "View")

T = TypeVar("T")

View: TypeAlias = Literal["plain", "raw", "streamed"]
"""What a caller's calls give: the answer, a `RawResponse`, or a `StreamedResponse`."""


class Carrier:
    """What all views of a client share: the transport, made on first use, and whether it is closed.

    Args:
        make: Makes the transport; it may load network libraries, so it is called as late as possible.
        transport: A transport that is there already.
    """

    __slots__ = ("_make", "closed", "given", "transport")

    def __init__(self, make: Callable[[], Transport], transport: Transport | None = None) -> None:
        self._make = make
        self.transport: Transport | None = transport
        self.given: bool = transport is not None
        self.closed: bool = False

    def open(self) -> Transport:
        """Return the transport.

        Raises:
            ClientClosedError: The client was closed.
        """
        if self.closed:
            raise ClientClosedError("the client is closed: make requests before close(), or make a new client")
        if self.transport is None:
            self.transport = self._make()
        return self.transport

    async def aclose(self) -> None:
        """Close every connection; safe to repeat."""
        self.closed = True
        if self.transport is not None:
            await self.transport.aclose()


class Engine:
    """Carries out the calls of generated methods, as the `Caller` protocol says.

    Args:
        carrier: The transport, shared with other views.
        settings: The options of this view.
        view: What calls give.
    """

    __slots__ = ("carrier", "settings", "view")

    def __init__(self, carrier: Carrier, settings: Settings, view: View = "plain") -> None:
        self.carrier: Carrier = carrier
        self.settings: Settings = settings
        self.view: View = view

    @property
    def plain(self) -> Engine:
        """The same engine, whose calls give the answer itself."""
        return self if self.view == "plain" else Engine(self.carrier, self.settings)

    @property
    def raw(self) -> Engine:
        """The same engine, whose calls give `RawResponse`."""
        return Engine(self.carrier, self.settings, "raw")

    @property
    def streamed(self) -> Engine:
        """The same engine, whose calls give an open `StreamedResponse`."""
        return Engine(self.carrier, self.settings, "streamed")

    # Not `async`, like the others on the way of every request that could be: a coroutine fewer is a microsecond less, and
    # while a thousand requests wait, fewer objects for the garbage collector to walk through again and again.
    def call(
        self,
        operation: Operation[T],
        *,
        path: tuple[str, ...] = (),
        query: Query | None = None,
        body: Body | None = None,
        headers: Mapping[str, str | Omit] | None = None,
        stream: object = False,
        options: RequestOptions,
        convert: Callable[[Any], object] | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Carry out one call; awaiting gives its answer, a `RawResponse` or a `StreamedResponse`, as the view says.

        Cancelling at any point leaves no connection taken and nothing running.

        Raises:
            TypeError: An unknown option, or a value of the wrong kind; nothing was sent.
            ValueError: An argument that cannot be sent; nothing was sent.
            APIError: The call failed; see the exception's class.
        """
        call = prepare(
            self.settings,
            operation,
            path=path,
            query=query,
            body=body,
            headers=headers,
            stream=stream,
            open_answer=self.view == "streamed",
            options=options,
        )
        call.convert = convert
        if call.streaming and operation.ending == "response" and self.view == "plain":
            call.resumption = resumption_for(self, call, path, query, headers, options)
        return self.carry_out(call)

    def pages(
        self,
        operation: Operation[T],
        *,
        path: tuple[str, ...] = (),
        query: Query | None = None,
        body: Body | None = None,
        headers: Mapping[str, str | Omit] | None = None,
        options: RequestOptions,
    ) -> Paginator[Any, Any]:
        """Return what gives the first page when awaited and every item when iterated.

        Raises:
            TypeError: An unknown option.
        """
        check_options(operation.name, cast("Mapping[str, object]", options))
        return Paginator(PageSource(self, operation, path, query, body, headers, options))

    async def carry_out(self, call: Call) -> Any:
        """Send a prepared call and give what the view asks for."""
        arrival = await self.arrive(call)
        if self.view == "raw":
            if call.streaming:
                await refuse_no_stream(arrival)
            elif call.settings.usage is not None:
                arrival.count_usage(None)
            return RawResponse(arrival, lambda to: parse_now(arrival, to))
        if self.view == "streamed":
            return StreamedResponse(arrival, parse_streamed)
        if call.streaming:
            return await open_stream(arrival)
        answer = await read_answer(arrival)
        if call.settings.usage is not None:
            arrival.count_usage(answer)
        return answer

    async def arrive(self, call: Call) -> Arrival:
        """Send a prepared call, repeating failed attempts, until there is an answer below 400.

        Raises:
            APIError: There is none.
        """
        transport = self.carrier.open()
        call.started = current_time()
        if call.deadline is not None:
            call.expires = call.started + call.deadline
        if call.form is not None:
            call.body, content_type = await form_body(call.form)
            call.fields["content-type"] = (b"content-type", content_type.encode("ascii"))
        log = call.settings.log
        resends = 0
        while True:
            outcome = await self._attempt(call, transport)
            if not isinstance(outcome, ResponseInfo | TransportFailure):
                call.elapsed = current_time() - call.started
                log.debug(
                    "%s %s -> %d in %.3f s, request id %s",
                    call.method,
                    call.url.path,
                    outcome.status,
                    call.elapsed,
                    _RequestId(outcome),
                )
                return Arrival(call, outcome, call.content)
            error, facts = self._failed(call, outcome)
            facts.resends_taken = resends
            decision = decide(facts, call.policy, now=time(), rand=random())
            if not isinstance(decision, Retry):
                log.debug("%s %s fails: %s", call.method, call.url.path, decision.reason)
                raise error from (outcome if isinstance(outcome, TransportFailure) else None)
            if decision.counted:
                call.retries += 1
            else:
                resends += 1
            log.info(
                "retry %s %s in %.3f s: %s (attempt %d was made)",
                call.method,
                call.url.path,
                decision.after,
                decision.reason,
                call.attempts,
            )
            if call.settings.trace is not None:
                call.settings.trace(
                    "retry", {"after": decision.after, "reason": decision.reason, "attempt": call.attempts}
                )
            if decision.after > 0:
                await sleep(decision.after)

    async def _attempt(self, call: Call, transport: Transport) -> WireResponse | ResponseInfo | TransportFailure:
        """Make one attempt within its limits; a transport's failure comes back as a value.

        Raises:
            DeadlineExceeded: The call's deadline passed.
        """
        now = call.attempt_started = current_time()
        ends = None if call.bound is None else now + call.bound
        expires = call.expires
        if expires is not None:
            if now >= expires:
                raise deadline_error(call, sent="none", phase="start")
            ends = expires if ends is None else min(ends, expires)
        if ends is None:
            try:
                return await attempt(call, transport)
            except TransportFailure as failure:
                return failure
        # One scope for the whole attempt: a limit of its own for every wait costs as much as the request.
        with CancelScope(deadline=ends) as scope:
            try:
                return await attempt(call, transport)
            except TransportFailure as failure:
                return failure
        assert scope.cancelled_caught  # nothing else leads here
        wire = call.wire
        sent = "none" if wire is None else wire.sent
        phase = "pool" if wire is None else wire.phase
        if call.overdue():
            raise deadline_error(call, sent=sent, phase=phase)
        return TransportFailure("the attempt's time is over", kind="timeout", phase=phase, sent=sent)

    def _failed(self, call: Call, outcome: ResponseInfo | TransportFailure) -> tuple[OpenAIError, Attempt]:
        """Build the error of a failed attempt, and the facts that decide about another one."""
        remaining = None if call.expires is None else call.expires - current_time()
        replayable = is_replayable(call.body) and call.operation.replayable
        if isinstance(outcome, TransportFailure):
            return error_from_failure(outcome, call), Attempt(
                retries_taken=call.retries,
                failure=outcome.kind,
                sent=outcome.sent,
                fresh=outcome.fresh,
                replayable=replayable,
                remaining=remaining,
            )
        error = error_from_response(outcome, call.settings.provider)
        code, kind = error_code(error.body)
        headers = outcome.headers
        return error, Attempt(
            retries_taken=call.retries,
            status=outcome.status_code,
            header=headers.get,
            code=code,
            type=kind,
            replayable=replayable,
            remaining=remaining,
        )


class _RequestId:
    """Reads the request id out of a head only if the log line is written."""

    __slots__ = ("_response",)

    def __init__(self, response: WireResponse) -> None:
        self._response = response

    def __str__(self) -> str:
        for name, value in self._response.headers:
            if name == b"x-request-id":
                return value.decode("latin-1")
        return "none"
