"""`AiohttpTransport`: requests carried by somebody's `aiohttp.ClientSession`, on asyncio; no pool of our own here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from anyio import CancelScope, current_time

from ..answer import READ_BYTES
from ..base import TransportFailure
from ..failures import timed_out
from ..head import encode_head
from ..loops import call_soon
from .answer import AdaptedResponse, Arrived
from .errors import closed_client, raise_in_place_of
from .loops import HomeLoop
from .outgoing import OutgoingBody, Progress, completed_fields, place_of, told

if TYPE_CHECKING:
    import aiohttp

    from ..base import WireRequest, WireResponse
    from ..head import Head

__all__ = ("AiohttpTransport", "is_aiohttp_session")

# Fields that aiohttp adds to requests that lack them.
_NOT_THEIRS: Final = ("accept", "accept-encoding", "content-type", "user-agent")


def is_aiohttp_session(client: object) -> bool:
    """Tell whether this is an `aiohttp.ClientSession`; aiohttp is not imported for that."""
    library = sys.modules.get("aiohttp")
    return library is not None and isinstance(client, library.ClientSession)


class AiohttpTransport:
    """Carries requests over a configured `aiohttp.ClientSession`, on asyncio; `http_client=` makes one.

    What stays in force of the session's configuration: its connector with limits, certificates and resolver, its proxy
    and the environment's, its middlewares and trace configs, which see every request as it is sent, credentials
    included, and its cookie jar. Its redirects, `raise_for_status`, decompression and timeout are not used: the SDK has
    its own (the client makes the timeout its default). A trace config of ours is added for as long as the transport is
    open, to see how far each request has come.

    Works in the event loop of the first request only.

    Args:
        session: The session, or a function that makes one: it is called with the first request, in its event loop,
            which sessions need to be made.
        close_session: Whether `aclose` closes the session too, as openai-python does with its clients.

    Raises:
        TypeError: It is neither, or the session adds headers, credentials or cookies to every request: they would also
            go where a redirect leads.
    """

    def __init__(
        self, session: aiohttp.ClientSession | Callable[[], aiohttp.ClientSession], *, close_session: bool = True
    ) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._make: Callable[[], aiohttp.ClientSession] | None = None
        self._close_session = close_session
        self._closed = False
        self._home = HomeLoop("aiohttp", asyncio_only=True)
        self._watch: aiohttp.TraceConfig | None = None
        if is_aiohttp_session(session):
            self._adopt(cast("aiohttp.ClientSession", session))
        elif callable(session):
            self._make = session
        else:
            raise TypeError(
                f"AiohttpTransport needs an aiohttp.ClientSession, or a function that makes one, not {type(session).__name__}"
            )

    async def send(self, request: WireRequest) -> WireResponse:
        """Send a request and return its answer as soon as the head has arrived.

        Cancelling closes the request's connection.

        Raises:
            TransportFailure: No answer arrived; with kind `"loop"` on trio, which aiohttp does not run on.
            Exception: What the request body's source raised, as it is.
        """
        request.phase = "pool"
        request.sent = "none"
        self._home.enter()
        session = self._open(request)
        head = encode_head(request)
        fields = self._fields(request, head)
        scope = CancelScope()
        progress = _Progress(request, scope)
        body = OutgoingBody(request, head.length, progress)
        response: Any = None
        try:
            with scope:
                response = await self._request(session, request, head, fields, body, progress)
            if response is None:
                # One of our limits has passed: nobody else cancels this scope.
                raise timed_out(
                    place_of(request), progress.seconds, phase=request.phase, sent=request.sent, fresh=progress.fresh
                )
            return await self._answer(request, response, head, progress, body, session)
        except BaseException as error:
            if response is not None:
                response.close()
            await body.aclose()
            raise_in_place_of(
                error, request, foreign=body.foreign, closed=self._closed or session.closed, fresh=progress.fresh
            )
            raise

    async def aclose(self) -> None:
        """Close the session, unless told otherwise; later sends fail with kind `"closed"`. Safe to repeat."""
        self._closed = True
        session = self._session
        if session is None:
            return
        if self._watch in session.trace_configs:
            session.trace_configs.remove(self._watch)
        if self._close_session:
            await session.close()

    async def _request(
        self,
        session: aiohttp.ClientSession,
        request: WireRequest,
        head: Head,
        fields: list[tuple[str, str]],
        body: OutgoingBody,
        progress: _Progress,
    ) -> aiohttp.ClientResponse:
        # aiohttp's own way to say that a URL is encoded already.
        from yarl import URL

        library: Any = sys.modules["aiohttp"]
        progress.limit(request.timeout.pool)
        has_body = not isinstance(request.body, bytes) or bool(request.body)
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=fields,
            skip_auto_headers=_NOT_THEIRS,
            data=body if has_body else None,
            chunked=True if head.chunked and has_body else None,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            timeout=library.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            trace_request_ctx=progress,
        )

    async def _answer(
        self,
        request: WireRequest,
        response: aiohttp.ClientResponse,
        head: Head,
        progress: _Progress,
        body: OutgoingBody,
        session: aiohttp.ClientSession,
    ) -> WireResponse:
        progress.answered = True
        version = response.version
        http_version = f"HTTP/{version.major}.{version.minor}" if version is not None else "HTTP/1.1"
        told(request, "head", {"status": response.status, "http_version": http_version})
        fields = [(name.lower(), value) for name, value in response.raw_headers]
        answer = AdaptedResponse(
            request,
            _Body(response, body, self._home, session),
            Arrived(request, response.status, fields),
            http_version,
            fresh=progress.fresh,
            asked=head.decode,
        )
        try:
            await answer.prime()
        except BaseException:
            await answer.aclose()
            raise
        return answer

    def _open(self, request: WireRequest) -> aiohttp.ClientSession:
        session = self._session
        if session is None and self._make is not None and not self._closed:
            session = self._make()
            self._adopt(session)
        if session is None or self._closed or session.closed:
            raise closed_client(request)
        return session

    def _adopt(self, session: aiohttp.ClientSession) -> None:
        library: Any = sys.modules["aiohttp"]
        shared = sorted({cookie.key for cookie in session.cookie_jar if not cookie["domain"]})
        added = {
            "headers": sorted(session.headers),
            "auth": ["auth="] if session.auth is not None else [],
            "cookies": shared,
        }
        for kind, names in added.items():
            if names:
                raise TypeError(
                    f"this aiohttp.ClientSession adds {kind} to every request ({', '.join(names)}), also to those to "
                    "another host; leave them out of the session and give them to the client as default_headers="
                )
        self._session = session
        self._watch = _watch(library)
        session.trace_configs.append(self._watch)

    @staticmethod
    def _fields(request: WireRequest, head: Head) -> list[tuple[str, str]]:
        try:
            return [
                (name.decode("ascii"), value.decode("utf-8"))
                for name, value in completed_fields(list(request.headers), head)
                if name != b"transfer-encoding"
            ]
        except UnicodeDecodeError as error:
            raise TransportFailure(
                "the request was not sent: aiohttp sends headers as UTF-8, and one has bytes that are not",
                kind="input",
                phase="write",
                sent="none",
            ) from error


class _Body:
    """The body of one answer, as `RawBody` says."""

    __slots__ = ("_home", "_response", "_sent", "_session")

    def __init__(
        self, response: aiohttp.ClientResponse, sent: OutgoingBody, home: HomeLoop, session: aiohttp.ClientSession
    ) -> None:
        self._response = response
        self._sent = sent
        self._home = home
        self._session = session

    async def receive(self) -> bytes:
        response = self._response
        try:
            data = await response.content.read(READ_BYTES)
        except RuntimeError as error:
            if not self._session.closed:
                raise
            raise TransportFailure(
                "the HTTP client was closed while the answer was being read", kind="closed", phase="body", sent="all"
            ) from error
        if not data:
            response.release()
        return data

    def leave(self) -> None:
        self._response.close()

    async def tidy(self) -> None:
        # An answer that came early may have been read before the request was sent to its end.
        await self._sent.aclose()

    def abandon(self) -> None:
        call_soon(self._home.native, self._response.close)


class _Progress(Progress):
    """Follows a request by aiohttp's signals, and moves the limit of its wait along.

    Args:
        request: The request.
        scope: Cancelled when a wait takes too long.

    Attributes:
        seconds: The limit of the present wait.
    """

    __slots__ = ("_scope", "_waited", "seconds")

    def __init__(self, request: WireRequest, scope: CancelScope) -> None:
        super().__init__(request)
        self._scope = scope
        self._waited = 0.0
        self.seconds = 0.0

    def limit(self, seconds: float | None) -> None:
        """Bound the wait that begins now."""
        if self.answered:
            return
        self._scope.deadline = float("inf") if seconds is None else current_time() + seconds
        self.seconds = seconds or 0.0

    def queued(self) -> None:
        """The connector has no connection free."""
        self._waited = current_time()

    def served(self) -> None:
        """The connector has one."""
        told(self._request, "pool.wait", {"seconds": current_time() - self._waited})

    def dialling(self) -> None:
        """A connection is being opened, TLS included."""
        super().dialling()
        self.limit(self._request.timeout.connect)

    def reused(self) -> None:
        """A kept connection is used."""
        self.fresh = False
        self.limit(self._request.timeout.write)

    def heading(self) -> None:
        """The head has been handed over; what there is of a body follows."""
        self.writing()
        if not self._request.body:
            self.all_sent()

    def writing(self) -> None:
        """Some of the request is being handed over."""
        super().writing()
        self.limit(self._request.timeout.write)

    def all_sent(self) -> None:
        """The whole request has been handed over."""
        super().all_sent()
        self.limit(self._request.timeout.read)


async def _take(
    step: Callable[[_Progress], None], session: aiohttp.ClientSession, context: SimpleNamespace, facts: object
) -> None:
    progress: object = context.trace_request_ctx
    # The session may carry requests of others, too.
    if isinstance(progress, _Progress):
        step(progress)


def _watch(library: Any) -> aiohttp.TraceConfig:
    """Make the trace config that moves `_Progress`."""
    config: Any = library.TraceConfig()
    for signal, step in (
        ("on_connection_queued_start", _Progress.queued),
        ("on_connection_queued_end", _Progress.served),
        ("on_connection_create_start", _Progress.dialling),
        ("on_connection_create_end", _Progress.dialled),
        ("on_connection_reuseconn", _Progress.reused),
        ("on_request_headers_sent", _Progress.heading),
    ):
        getattr(config, signal).append(partial(_take, step))
    config.freeze()
    return cast("aiohttp.TraceConfig", config)
