"""An answer whose head has arrived: its facts, and how its body's bytes become what was asked for; no waiting here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from .._codec import DecodeFailure, decode_any, decoder_for
from .._contract import ResponseInfo
from .._headers import Headers
from .._sansio.errorshapes import event_error
from .._sansio.usage import counts_usage, usage_from, usage_in, usage_of
from .mapping import error_from_event, request_info, unreadable

if TYPE_CHECKING:
    from .._codec import ResponseDecoder
    from ..transport.base import WireResponse
    from .call import Call

__all__ = ("LARGE", "Arrival", "text_of")

LARGE: Final = 2**20
"""From this many bytes on an answer is decoded in steps: decoding one MiB of floats holds the interpreter about a millisecond."""

# An object that begins with one of these members may be an error although the status says otherwise; looked at closely
# only then. No answer of the API begins so.
_ERROR_START: Final = re.compile(rb'\s*\{\s*"(?:error|detail|object"\s*:\s*"error|type"\s*:\s*"error)"')

_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]+)""", re.IGNORECASE)


def text_of(content: bytes, headers: Headers) -> str:
    """Decode a body as its content type says, UTF-8 where it does not; bytes that do not fit are replaced."""
    match = _CHARSET.search(headers.get("content-type", ""))
    try:
        return content.decode(match[1] if match is not None else "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def is_json(headers: Headers) -> bool:
    """Tell whether a content type is JSON: `application/json`, or one that ends in `+json`."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


class Arrival:
    """One answer with a status below 400.

    Attributes:
        call: The call it answers.
        response: The open answer; read to its end already where `content` is there.
        content: The body, once it has been read to its end.
        headers: The head's fields.
        status: The HTTP status.
    """

    __slots__ = ("_headers", "_told_end", "call", "content", "response")

    def __init__(self, call: Call, response: WireResponse, content: bytes | None) -> None:
        self.call: Call = call
        self.response: WireResponse = response
        self.content: bytes | None = content
        self._headers: Headers | None = None
        self._told_end = False

    def tell_stream_end(self, events: int, received: int, *, complete: bool, usages: Iterable[object] = ()) -> None:
        """Tell the observers that a stream is over, however it ended, and what it cost; only the first time.

        A stream that is dropped unclosed tells nothing: its finalizer may run in any thread.

        Args:
            events: How many were given out.
            received: Bytes that had arrived.
            complete: The end marker had come.
            usages: What the stream said of its cost.
        """
        if self._told_end:
            return
        self._told_end = True
        settings = self.call.settings
        if settings.trace is not None:
            settings.trace("stream.end", {"events": events, "bytes": received, "complete": complete})
        if settings.usage is not None and self._counts_usage:
            settings.count(usage_from(*usages))

    def count_usage(self, answer: object) -> None:
        """Tell the counter what an answer says it cost, if it is one that does.

        Args:
            answer: The decoded answer; None looks into the body, for those who leave decoding to the caller.
        """
        if self._told_end or not self._counts_usage:
            return
        self._told_end = True
        usage = usage_in(self.body) if answer is None else usage_of(answer)
        if usage is not None:
            self.call.settings.count(usage)

    @property
    def _counts_usage(self) -> bool:
        operation = self.call.operation
        return counts_usage(operation.verb, operation.name)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Headers:
        """The head's fields."""
        if self._headers is None:
            self._headers = Headers(self.response.headers)
        return self._headers

    @property
    def body(self) -> bytes:
        """The body as bytes; empty while it has not been read to its end."""
        return self.content or b""

    @property
    def request_id(self) -> str | None:
        """The server's `x-request-id`."""
        for name, value in self.response.headers:
            if name == b"x-request-id":
                return value.decode("latin-1")
        return None

    @property
    def elapsed(self) -> timedelta:
        """The time from the call to the answer: its head, or its last byte where that was read within the call."""
        return timedelta(seconds=self.call.elapsed)

    def info(self, content: bytes | None = None) -> ResponseInfo:
        """Describe the answer for errors."""
        wire = self.call.wire
        assert wire is not None  # an answer has a request
        known = self.body if content is None else content
        return ResponseInfo(self.status, self.headers, known, request_info(wire), self.response.http_version)

    def decoder(self, returns: Any) -> ResponseDecoder[Any]:
        """Return the decoder for a type, as the client's options ask for it."""
        settings = self.call.settings
        return decoder_for(returns, keep_unknown=settings.keep_unknown, strict=settings.strict)

    def check(self, content: bytes) -> None:
        """Refuse a body that is no answer: empty, an error in spite of its status, or of another content type in strict mode.

        Raises:
            APIError: It is an error object.
            APIResponseValidationError: It cannot be what was asked for.
        """
        if not content or content.isspace():
            raise unreadable(self.info(), "is empty where a JSON document was expected")
        if _ERROR_START.match(content):
            self._refuse_error(content)
        if self.call.settings.strict and not is_json(self.headers):
            raise unreadable(self.info(), "has a content type that is not JSON")

    def _refuse_error(self, content: bytes) -> None:
        try:
            body = decode_any(content)
        except DecodeFailure:
            return
        # An object with an id is one of the API's own, whatever its `error` member says.
        found = None if _has_id(body) else event_error("", body)
        if found is not None:
            raise error_from_event(found, self.info())

    def decode(self, content: bytes, returns: Any) -> Any:
        """Decode a JSON body into a type.

        Raises:
            APIError: It is an error object.
            APIResponseValidationError: It cannot be read as the type.
        """
        self.check(content)
        try:
            return self.finish(self.decoder(returns).decode(content))
        except DecodeFailure as failure:
            raise unreadable(self.info(), f"cannot be read: {failure}") from failure

    def finish(self, result: object) -> object:
        """Attach the request id to a decoded object that has room for it."""
        try:
            room = cast("Any", result).__dict__
        except AttributeError:
            return result
        room["_request_id"] = self.request_id
        return result


def _has_id(body: object) -> bool:
    return isinstance(body, dict) and "id" in body
