"""`EventStreamResponse`: a stream passed on to a browser by an ASGI application, byte for byte; no web framework is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from anyio import CancelScope, Lock, current_time, sleep
from msgspec import Struct

from ._engine.passage import Passage
from ._engine.settings import header_field
from ._tasks import grace, open_task_group
from .errors import OpenAIError

if TYPE_CHECKING:
    from ._engine.iteration import Stream
    from ._sansio.usage import Usage

__all__ = ("EventStreamResponse", "Forwarded")

Message: TypeAlias = MutableMapping[str, Any]
"""What an ASGI server and an application tell each other."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

# The last field keeps nginx and those who learnt it from there from holding events back until a buffer is full.
_HEADERS: Final = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}

# What the browser is told: what really happened names hosts and accounts, and is the application's own business.
_BROKE_OFF: Final = (
    b'event: error\ndata: {"error":{"message":"The answer broke off before it was complete.",'
    b'"type":"upstream_error","param":null,"code":"stream_truncated"}}\n\n'
)
_COMMENT: Final = b": keep-alive\n\n"


class Forwarded(Struct, frozen=True, kw_only=True):
    """How forwarding a stream ended.

    Attributes:
        complete: Whether the whole answer was passed on.
        left: Whether the browser left before that; the stream was reset on the server then.
        error: What ended the stream: an error that the server sent in it, or one of the connection to it.
        usage: What the answer cost, if the server said so.
        sent: Bytes that were passed on.
    """

    complete: bool
    left: bool
    error: OpenAIError | None
    usage: Usage | None
    sent: int


class EventStreamResponse:
    """An ASGI response that passes a stream on to a browser as it arrives.

    ::

        async def chat(request):  # an endpoint of Starlette
            stream = await client.responses.create(**await request.json(), stream=True)
            return EventStreamResponse(stream)

    The bytes are the server's own: events are not decoded and not written again. At most one unfinished event's 16 KiB
    is held back; a browser that does not read holds the server back. When the browser leaves, the stream is reset on the
    server at once. A stream that breaks off ends with an event `error`, so that the browser can tell it from a whole one.

    It is used once. Cancelling hangs up.

    Args:
        stream: An open `Stream` that nobody has read.
        headers: Fields added to `content-type`, `cache-control` and `x-accel-buffering`, or in their places.
        keep_alive: Seconds of silence after which a comment is sent, so that nobody between the server and the browser
            takes it for dead; None for none.
        on_end: Is told how it ended, once; must not block. What it raises is logged.

    Raises:
        OpenAIError: The stream was read or closed.
        ValueError: A header has a line break, or `keep_alive` is not above zero.

    Source: https://asgi.readthedocs.io/en/latest/specs/www.html
    """

    def __init__(
        self,
        stream: Stream[Any],
        *,
        headers: Mapping[str, str] | None = None,
        keep_alive: float | None = None,
        on_end: Callable[[Forwarded], object] | None = None,
    ) -> None:
        if keep_alive is not None and not keep_alive > 0:
            raise ValueError(f"keep_alive must be above zero seconds, or None, not {keep_alive!r}")
        fields = {**_HEADERS, **{name.lower(): value for name, value in (headers or {}).items()}}
        self._headers: list[tuple[bytes, bytes]] = [header_field(name, value) for name, value in fields.items()]
        self._passage = Passage(stream)
        self._stream = stream
        self._keep_alive = keep_alive
        self._on_end = on_end
        self._lock = Lock(fast_acquire=True)
        self._used = False
        self._left = False
        self._sent = 0
        self._sent_at = 0.0
        self._error: OpenAIError | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI server asks for it.

        Raises:
            OpenAIError: It was used before, or the stream broke off within a large event: the connection to the browser
                must not end properly then.
        """
        if scope["type"] != "http":
            raise OpenAIError(f"a stream can be passed on over HTTP only, not over {scope['type']!r}")
        if self._used:
            raise OpenAIError("this response has been sent; make one for each request")
        self._used = True
        try:
            async with open_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                await self._pass_on(send, group.start_soon)
                group.cancel_scope.cancel()
            if not self._left:
                # Behind the group: servers say that the browser left when an answer is complete, too.
                await self._send(send, b"", more=False)
        finally:
            with grace():
                await self._stream.aclose()
            self._tell_end()

    async def _watch(self, receive: Receive, scope: CancelScope) -> None:
        """Wait until the browser leaves, and end everything then."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left = True
        scope.cancel()

    async def _pass_on(self, send: Send, start: Callable[..., object]) -> None:
        """Send the head, then what arrives, until the end of the stream or its failure."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
            self._sent_at = current_time()
            if self._keep_alive is not None:
                start(self._comment, send, self._keep_alive)
            while data := await self._passage.receive():
                await self._send(send, data)
                self._sent += len(data)
            self._error = self._passage.error
        except OpenAIError as error:
            self._error = error
            if not self._passage.clean:
                raise
            await self._send(send, _BROKE_OFF)
        except Exception as error:
            # Some servers raise an OSError from `send` when the browser has left; others say it to `receive` only.
            if not isinstance(error, OSError):
                raise
            self._left = True

    async def _send(self, send: Send, data: bytes, *, more: bool = True) -> None:
        async with self._lock:
            await send({"type": "http.response.body", "body": data, "more_body": more})
            self._sent_at = current_time()

    async def _comment(self, send: Send, seconds: float) -> None:
        """Break every silence with a comment, between two events."""
        while True:
            due = self._sent_at + seconds - current_time()
            if due > 0:
                await sleep(due)
            elif self._passage.clean:
                await self._send(send, _COMMENT)
            else:
                await sleep(seconds)

    def _tell_end(self) -> None:
        if self._on_end is None:
            return
        stream = self._stream
        complete = stream.complete and self._error is None and not self._left
        outcome = Forwarded(
            complete=complete, left=self._left and not complete, error=self._error, usage=stream.usage, sent=self._sent
        )
        try:
            self._on_end(outcome)
        except Exception:
            stream._arrival.call.settings.log.failed("on_end of a forwarded stream raised an exception; it is ignored")

    def __repr__(self) -> str:
        return f"<EventStreamResponse of {self._stream!r}>"
