"""One attempt: middleware, credentials, the transport, redirects, and the body of an answer read within limits."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from .._contract import ResponseInfo
from .._headers import Headers
from .._sansio.urls import URL, resolve_redirect
from ..transport.base import TransportFailure, WireRequest
from .bodies import is_replayable
from .mapping import request_info, stuck_redirect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ..transport.base import Transport, WireResponse
    from .call import Call

__all__ = ("MAX_ERROR_BYTES", "attempt", "read_whole")

MAX_ERROR_BYTES: Final = 65536
"""Most bytes of an error's body that are read: the API's are below 2 KiB, and a proxy's page needs no more."""

ERROR_SILENCE: Final = 5.0
"""Longest wait for more of an error's body, in seconds: the status is known already."""

LARGE: Final = 2**20
"""Up to this size a body is read in one go."""

PIECE: Final = 2**18
"""Most bytes taken at a time of a larger one."""

MAX_REDIRECTS: Final = 20
"""As many as browsers and httpx follow."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

# What a request to another origin may carry: nothing that anybody could have put a secret in.
_HARMLESS: Final = frozenset({b"accept", b"accept-language", b"content-type", b"range", b"user-agent"})


async def attempt(call: Call, transport: Transport) -> WireResponse | ResponseInfo:
    """Make one attempt: an open or read answer below 400, or the description of one that is an error.

    A whole answer's body is put into `call.content`. Cancelling leaves nothing open.

    Raises:
        TransportFailure: No usable answer arrived.
        APIConnectionError: A redirect cannot be followed.
    """
    call.attempts += 1
    call.content = None
    call.response = None
    try:
        response = call.response = await _send(call, transport, call.request())
        hops = 0
        while response.status in _REDIRECTS and call.follow:
            location = _field(response, b"location")
            if location is None:
                break
            hops += 1
            response = call.response = await _follow(call, transport, response, location, hops)
        if response.status >= 300:
            return await _refusal(call, response)
        if call.whole:
            call.content = await read_whole(response, call.settings.max_bytes)
    except BaseException:
        call.abandon()
        raise
    call.response = None
    return response


async def read_whole(response: WireResponse, limit: int) -> bytes:
    """Read a body so that no single step of it takes long, however large it is.

    Joining the pieces of 300 MiB holds the interpreter for a quarter of a second, about as long as decoding the JSON in
    them. A `BytesIO` grows without a copy, as the system moves its pages, and gives its bytes away without one.
    Guarded by test_a_large_answer_is_never_joined_in_one_go.

    Raises:
        TransportFailure: The body broke off, or exceeds `limit` bytes.
    """
    length = _field(response, b"content-length")
    small = length is not None and length.isdigit() and int(length) <= LARGE
    if small and _field(response, b"content-encoding") is None:
        return await response.read(limit)
    # Most answers come in chunks of unknown number, and are there as a whole with the first read. That it is whole only
    # the next read says: what `complete` means is that nothing more comes over the wire.
    first = await response.receive(PIECE)
    piece = await response.receive(PIECE) if first else b""
    if not piece and len(first) <= limit:
        return first
    buffer = BytesIO()
    size = buffer.write(first)
    while piece and size <= limit:
        size += buffer.write(piece)
        piece = await response.receive(PIECE)
    if size > limit:
        await response.aclose()
        raise TransportFailure(
            f"the body exceeds {limit} bytes", kind="too_large", phase="body", sent="all", received=size
        )
    return buffer.getvalue()


def _send(call: Call, transport: Transport, request: WireRequest) -> Awaitable[WireResponse]:
    """Send one request through the middleware, once awaited."""
    # Middleware may answer by itself, so this is what was asked until something else is sent.
    call.wire = request
    if call.settings.middleware:
        return _Link(call, transport, 0)(request)
    if _add_secrets(call, request):
        return transport.send(request)
    return _authorize_and_send(call, transport, request)


def _add_secrets(call: Call, request: WireRequest) -> bool:
    """Add the secrets that are at hand, if the request goes where they belong; False if the provider must be asked."""
    url = call.url
    if request.host != url.host or request.port != url.port or request.scheme != url.scheme:
        return True
    if call.secrets:
        request.headers += call.secrets.values()
    return call.authorized or call.foreign


async def _authorize_and_send(call: Call, transport: Transport, request: WireRequest) -> WireResponse:
    await call.settings.provider.authorize(request, call.operation.security)
    return await transport.send(request)


class _Link:
    """What one middleware is given as `call_next`; the last one adds the secrets and sends."""

    __slots__ = ("_call", "_index", "_transport")

    def __init__(self, call: Call, transport: Transport, index: int) -> None:
        self._call = call
        self._index = index
        self._transport = transport

    async def __call__(self, request: WireRequest) -> WireResponse:
        call = self._call
        chain = call.settings.middleware
        if self._index < len(chain):
            return await chain[self._index](request, _Link(call, self._transport, self._index + 1))
        # A copy, because the middleware keeps the request that it passed on and must not find the key in it.
        sealed = WireRequest(
            request.method,
            request.scheme,
            request.host,
            request.port,
            request.target,
            list(request.headers),
            request.body,
            timeout=request.timeout,
            stream=request.stream,
            trace=request.trace,
        )
        if not _add_secrets(call, sealed):
            await call.settings.provider.authorize(sealed, call.operation.security)
        call.wire = sealed
        # A middleware that asks again has done with the answer it was given.
        call.abandon()
        response = call.response = await self._transport.send(sealed)
        return response


async def _follow(call: Call, transport: Transport, response: WireResponse, location: str, hops: int) -> WireResponse:
    """Send the request to where a redirect leads.

    The body is repeated for 307 and 308; the others become a GET. Another origin gets no credentials, and none of the
    headers that the caller or the client added.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.4
    """
    last = call.wire
    assert last is not None  # it was just answered
    await response.drain(MAX_ERROR_BYTES, 1.0)
    here = URL(last.scheme, last.host, last.port, *_split(last.target))
    if hops > MAX_REDIRECTS:
        raise stuck_redirect(call, f"more than {MAX_REDIRECTS} redirects, the last one to {location[:200]!r}")
    try:
        there = resolve_redirect(here, location)
    except ValueError as error:
        raise stuck_redirect(call, str(error)) from None
    if here.scheme == "https" and there.scheme == "http":
        raise stuck_redirect(call, f"a redirect from https to clear text ({there.authority}) is not followed")
    method = last.method
    if response.status in (307, 308):
        body = last.body
        if not is_replayable(body):
            raise stuck_redirect(call, "a redirect asks for the body again, and it can be read only once")
    else:
        body = b""
        if method != "HEAD" and (response.status == 303 or method == "POST"):
            method = "GET"
        elif method not in ("GET", "HEAD"):
            body = last.body
    fields = list(call.fields.values())
    if not body:
        fields = [field for field in fields if field[0] not in (b"content-type", b"idempotency-key")]
    base = call.url
    if (there.scheme, there.host, there.port) != (base.scheme, base.host, base.port):
        fields = [field for field in fields if field[0] in _HARMLESS]
    request = WireRequest(
        method,
        there.scheme,
        there.host,
        there.port,
        there.target,
        fields,
        body,
        timeout=last.timeout,
        stream=last.stream,
        trace=last.trace,
    )
    call.settings.log.debug("redirect %s %s -> %s %s", response.status, here.path, method, there.path)
    return await _send(call, transport, request)


def _split(target: bytes) -> tuple[str, str]:
    path, _, query = target.decode("ascii").partition("?")
    return path, query


async def _refusal(call: Call, response: WireResponse) -> ResponseInfo:
    """Read an error's body as far as it is of use and give the connection back."""
    wire = call.wire
    assert wire is not None  # it was just answered
    read = call.timeout.read
    silence = ERROR_SILENCE if read is None else min(read, ERROR_SILENCE)
    pieces: list[bytes] = []
    size = 0
    try:
        while size < MAX_ERROR_BYTES and (piece := await response.receive(timeout=silence)):
            pieces.append(piece)
            size += len(piece)
        if size >= MAX_ERROR_BYTES:
            await response.aclose()
    except TransportFailure:
        # The status says enough; what is missing is the server's explanation.
        response.abandon()
    call.response = None
    return ResponseInfo(
        response.status,
        Headers(response.headers),
        b"".join(pieces)[:MAX_ERROR_BYTES],
        request_info(wire),
        response.http_version,
    )


def _field(response: WireResponse, name: bytes) -> str | None:
    for key, value in response.headers:
        if key == name:
            return value.decode("latin-1")
    return None
