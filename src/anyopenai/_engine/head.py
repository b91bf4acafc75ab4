"""`ResponseHead`: status, headers and request of an answer, for the classes that add its body."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .mapping import request_info

if TYPE_CHECKING:
    from .._contract import RequestInfo, ResponseInfo
    from .._headers import Headers
    from .arrival import Arrival

__all__ = ("ResponseHead",)


class ResponseHead:
    """The head of an answer, under the names openai-python's users know."""

    __slots__ = ("_arrival",)

    def __init__(self, arrival: Arrival) -> None:
        self._arrival = arrival

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._arrival.status

    @property
    def headers(self) -> Headers:
        """The header fields, without regard to case."""
        return self._arrival.headers

    @property
    def request_id(self) -> str | None:
        """The server's `x-request-id`; name it when asking for support."""
        return self._arrival.request_id

    @property
    def http_response(self) -> ResponseInfo:
        """The same head as errors carry it, with the body as far as it has been read."""
        return self._arrival.info()

    @property
    def http_request(self) -> RequestInfo:
        """The request that was answered, its secrets hidden."""
        wire = self._arrival.call.wire
        assert wire is not None  # an answer has a request
        return request_info(wire)

    @property
    def method(self) -> str:
        """The request's verb."""
        return self.http_request.method

    @property
    def url(self) -> str:
        """The URL that answered, after redirects."""
        return self.http_request.url

    @property
    def http_version(self) -> str:
        """`"HTTP/1.1"` or `"HTTP/2"`."""
        return self._arrival.response.http_version

    @property
    def elapsed(self) -> timedelta:
        """The time from the call to the answer: its head, or its last byte where that was read by the call."""
        return self._arrival.elapsed

    @property
    def retries_taken(self) -> int:
        """How many attempts failed before this answer."""
        return self._arrival.call.retries

    @property
    def is_closed(self) -> bool:
        """Whether the connection has been given back or closed."""
        return self._arrival.content is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} {self.method} {self.url}>"
