"""`HttpxTransport`: requests carried by somebody's `httpx.AsyncClient` or `httpx2.AsyncClient`; no pool of our own here."""

from __future__ import annotations

import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from anyio import Event

from ..._headers import is_secret_header
from ..._tasks import grace, open_task_group
from ..head import encode_head
from ..loops import call_soon
from .answer import AdaptedResponse, Arrived
from .errors import closed_client, raise_in_place_of
from .loops import HomeLoop
from .outgoing import OutgoingBody, Progress, completed_fields, told

if TYPE_CHECKING:
    import httpx
    import httpx2

    from ..base import WireRequest, WireResponse
    from ..head import Head

__all__ = ("HttpxTransport", "httpx_library")

# What every httpx client sends unless told otherwise; the engine's own fields go instead.
_THEIR_DEFAULTS: Final = frozenset({b"accept", b"accept-encoding", b"connection", b"user-agent"})


def httpx_library(client: object) -> ModuleType | None:
    """Return the module whose `AsyncClient` this is, httpx or httpx2; None if it is neither's."""
    for name in ("httpx", "httpx2"):
        library = sys.modules.get(name)
        if library is not None and isinstance(client, library.AsyncClient):
            return library
    return None


class HttpxTransport:
    """Carries requests over a configured `httpx.AsyncClient` or `httpx2.AsyncClient`; `http_client=` makes one.

    What stays in force of the client's configuration: its transports and mounts with their limits, proxies, certificates
    and HTTP versions, the environment's proxies, and its event hooks, which see every request as it is sent, credentials
    included. Its `auth` and its own headers are added to requests that carry credentials of the SDK, so they never
    follow a redirect to another host; where both have a header, the SDK's counts. Its base URL, query parameters,
    cookies, redirects and timeout are not used: the SDK has its own (the client makes the timeout its default).

    Works on asyncio and trio, in the event loop of the first request only.

    Args:
        client: The client.
        close_client: Whether `aclose` closes the client too, as openai-python does.

    Raises:
        TypeError: It is no asynchronous client of httpx or httpx2.
    """

    def __init__(self, client: httpx.AsyncClient | httpx2.AsyncClient, *, close_client: bool = True) -> None:
        library = httpx_library(client)
        if library is None:
            raise TypeError(
                f"HttpxTransport needs an httpx.AsyncClient or an httpx2.AsyncClient, not {type(client).__name__}"
            )
        self._library: Any = library
        # Both libraries have one API; the types of the older one stand for both.
        self._client: httpx.AsyncClient = cast("httpx.AsyncClient", client)
        self._close_client = close_client
        self._closed = False
        self._home = HomeLoop(library.__name__)
        # Exchanges under way, and those that finalizers gave up and nobody has closed yet.
        self._exchanges = 0
        self._litter: deque[_Body] = deque()
        self._wake: Event | None = None
        self._sent_stream: type[Any] = _stream_class(self._library.AsyncByteStream)

    async def send(self, request: WireRequest) -> WireResponse:
        """Send a request and return its answer as soon as the head has arrived.

        Cancelling ends the exchange, as far as the client's own transport does.

        Raises:
            TransportFailure: No answer arrived.
            Exception: What the request body's source raised, or an event hook, as it is.
        """
        request.phase = "pool"
        request.sent = "none"
        self._home.enter()
        if self._is_closed():
            raise closed_client(request)
        if self._litter:
            await self.sweep()
        head = encode_head(request)
        progress = _Progress(request)
        body = OutgoingBody(request, head.length, progress)
        timeout = request.timeout
        limits = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
        outgoing = self._library.Request(
            request.method,
            self._library.URL(scheme=request.scheme, host=request.host, port=request.port, raw_path=request.target),
            headers=self._fields(request, head),
            stream=self._sent_stream(body),
            extensions={"timeout": limits, "trace": progress},
        )
        self._exchanges += 1
        try:
            # Alone, nobody can be in the way in the client's pool; otherwise somebody may give up an exchange while
            # this one waits for its connection.
            response = await (self._send(outgoing) if self._exchanges == 1 else self._send_sweeping(outgoing))
        except BaseException as error:
            self._exchanges -= 1
            await progress.close_half_open()
            raise_in_place_of(error, request, foreign=body.foreign, closed=self._is_closed(), fresh=progress.fresh)
            raise
        finally:
            await body.aclose()
        # From here on each read has a limit of its own; see `AdaptedResponse.receive`.
        limits["read"] = None
        return await self._answer(request, response, head, progress)

    async def aclose(self) -> None:
        """Close the client, unless told otherwise; later sends fail with kind `"closed"`. Safe to repeat."""
        self._closed = True
        await self.sweep()
        if self._close_client:
            await self._client.aclose()

    def _is_closed(self) -> bool:
        return self._closed or self._client.is_closed

    async def _send(self, outgoing: Any) -> Any:
        auth = self._library.USE_CLIENT_DEFAULT if _is_credentialed(outgoing.headers.raw) else None
        try:
            return await self._client.send(outgoing, stream=True, auth=auth, follow_redirects=False)
        except self._library.HTTPStatusError as error:
            # A hook called `raise_for_status()`, which closes the answer: its status and headers are still there, and
            # the engine makes of them what it makes of every status.
            return error.response

    async def _send_sweeping(self, outgoing: Any) -> Any:
        """Send, and close meanwhile what finalizers give up: the client's pool may have no other connection for us."""
        response: Any = None
        try:
            async with open_task_group() as group:
                group.start_soon(self._sweep_until_cancelled)
                response = await self._send(outgoing)
                group.cancel_scope.cancel()
        except BaseException:
            if response is not None:
                # Cancelled between the head's arrival and here.
                with grace():
                    await response.aclose()
            raise
        return response

    async def _sweep_until_cancelled(self) -> None:
        while True:
            if self._wake is None:
                self._wake = Event()
            await self._wake.wait()
            self._wake = None
            await self.sweep()

    async def sweep(self) -> None:
        """Close what finalizers gave up."""
        while self._litter:
            body = self._litter.popleft()
            # How a connection ends that nobody wants any more concerns no request.
            with grace(), suppress(Exception):
                await body.aclose()

    def give_up(self, body: _Body) -> None:
        """Take an exchange that a finalizer gave up: any thread, any moment."""
        self._litter.append(body)
        if self._exchanges > 1:
            call_soon(self._home.native, self._rouse)

    def end(self) -> None:
        """Note that an exchange is over."""
        self._exchanges -= 1

    def _rouse(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def _fields(self, request: WireRequest, head: Head) -> list[tuple[bytes, bytes]]:
        """Return the fields to send: what httpx adds by itself depends on how a request is made."""
        fields = list(request.headers)
        names = {name for name, _ in fields}
        if _is_credentialed(fields):
            for name, value in self._client.headers.raw:
                lower = name.lower()
                if lower not in names and lower not in _THEIR_DEFAULTS:
                    fields.append((lower, value))
        return completed_fields(fields, head)

    async def _answer(self, request: WireRequest, response: Any, head: Head, progress: _Progress) -> WireResponse:
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        progress.answered = True
        told(request, "head", {"status": response.status_code, "http_version": response.http_version})
        read_already = response.is_stream_consumed or response.is_closed
        body = _Body(self, response, _content(response) if read_already else None)
        answer = AdaptedResponse(
            request,
            body,
            # What a hook has read, httpx has decoded.
            Arrived(request, response.status_code, headers, decoded=read_already),
            response.http_version,
            fresh=progress.fresh,
            asked=head.decode,
        )
        try:
            await answer.prime()
        except BaseException:
            await answer.aclose()
            raise
        return answer


def _is_credentialed(fields: list[tuple[bytes, bytes]]) -> bool:
    return any(is_secret_header(name.decode("latin-1").lower()) for name, _ in fields)


def _stream_class(base: type[Any]) -> type[Any]:
    """Make the class of request streams that a library knows as its own."""

    def start(stream: Any, body: OutgoingBody) -> None:
        stream.body = body

    def iterate(stream: Any) -> AsyncIterator[bytes]:
        return cast("OutgoingBody", stream.body).__aiter__()

    async def aclose(stream: Any) -> None:
        await cast("OutgoingBody", stream.body).aclose()

    return type("SentStream", (base,), {"__init__": start, "__aiter__": iterate, "aclose": aclose})


def _content(response: Any) -> bytes:
    """Return the body that an event hook has read; b"" if the hook closed the answer instead."""
    try:
        return cast("bytes", response.content)
    except Exception:  # the library's ResponseNotRead
        return b""


async def _exhaust(pieces: AsyncGenerator[bytes, None]) -> None:
    """End the generators of an answer that is closed.

    They are nested, and closing the outer one leaves the inner ones to the garbage collector, of which trio warns. What
    ends them all is the error that asking a closed connection for more gives.
    """
    try:
        with suppress(Exception):
            async for _ in pieces:
                continue
    finally:
        await pieces.aclose()


class _Body:
    """The body of one answer, as `RawBody` says."""

    __slots__ = ("_closed", "_owner", "_pieces", "_ready", "_response")

    def __init__(self, owner: HttpxTransport, response: Any, ready: bytes | None) -> None:
        self._owner = owner
        self._response = response
        self._ready = ready
        self._pieces: AsyncGenerator[bytes, None] | None = None
        self._closed = False

    async def receive(self) -> bytes:
        ready = self._ready
        if ready is not None:
            self._ready = b""
            if not ready:
                await self.aclose()
            return ready
        pieces = self._pieces
        if pieces is None:
            pieces = self._pieces = self._response.aiter_raw()
        async for piece in pieces:
            if piece:
                return piece
        await self.aclose()
        return b""

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._owner.end()
        pieces = self._pieces
        try:
            await self._response.aclose()
        finally:
            # A generator that another task is inside of ends with the answer.
            if pieces is not None and not getattr(pieces, "ag_running", False):
                await _exhaust(pieces)

    async def tidy(self) -> None:
        await self._owner.sweep()

    def leave(self) -> None:
        self._owner.give_up(self)

    def abandon(self) -> None:
        """Tell the server now where that needs no event loop, and have the transport close the rest."""
        if self._closed:
            return
        response = self._response
        # Another kind of transport has no socket, and a socket may be closed: then there is nobody to tell.
        with suppress(Exception):
            if response.http_version.startswith("HTTP/1"):
                response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._owner.give_up(self)


class _Progress(Progress):
    """Follows a request by httpcore's events; through another transport it is followed by its body alone."""

    __slots__ = ("_encrypting", "_stream", "_tunnelling")

    def __init__(self, request: WireRequest) -> None:
        super().__init__(request)
        self._stream: Any = None
        self._encrypting = False
        self._tunnelling = False

    async def __call__(self, name: str, info: Mapping[str, object]) -> None:
        """Take one event."""
        event = name.partition(".")[2]
        if event == "send_request_headers.started":
            self._tunnelling = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if self._tunnelling and event.startswith("send_request"):
            return  # for the proxy, and not the request
        match event:
            case "connect_tcp.started" | "connect_unix_socket.started":
                self.dialling()
            case "connect_tcp.complete" | "connect_unix_socket.complete":
                self._stream = info.get("return_value")
                self.dialled()
            case "start_tls.started":
                self._encrypting = True
                self.encrypting()
            case "start_tls.complete":
                self._encrypting = False
                self.encrypted(_alpn_of(info.get("return_value")))
            case "send_request_headers.started":
                if self._request.phase == "pool":
                    self.fresh = False  # no connection was opened
                self.writing()
            case "send_request_body.complete":
                self.all_sent()
            case _:
                pass

    async def close_half_open(self) -> None:
        """Close the connection of a handshake that was cancelled: httpcore forgets it, open as it is."""
        stream, self._stream = self._stream, None
        if stream is not None and self._encrypting:
            with grace():
                await stream.aclose()


def _alpn_of(stream: Any) -> str | None:
    """Return the protocol that a TLS handshake agreed on, if httpcore's stream can tell."""
    tls: Any = stream.get_extra_info("ssl_object") if stream is not None else None
    return cast("str | None", tls.selected_alpn_protocol()) if tls is not None else None
