"""Whether a failed request may be sent again without asking anyone: what RFC 9110 and 9113 leave to a client; no sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .base import TransportFailure, WireRequest

__all__ = ("Resending",)

# RFC 9110 section 9.2.2: repeating these changes nothing.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

# A server that ends its connections often may hit one request several times in a row. Each time it says that it has not
# begun with it, so the number only bounds what a server that refuses everything can make of it.
_MAX_REFUSALS: Final = 16


class Resending:
    """Counts the attempts of one request.

    What a server says it has not begun with (HTTP/2: REFUSED_STREAM, GOAWAY) is sent again whatever it does. What was on
    a kept connection that the server closed is sent again once, if repeating it changes nothing: its method is
    idempotent, or it carries an `idempotency-key`, or nothing of it had left.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2 https://www.rfc-editor.org/rfc/rfc9113#section-8.7
    """

    __slots__ = ("_refusals", "_resends")

    def __init__(self) -> None:
        self._refusals = 0
        self._resends = 0

    def allows(self, request: WireRequest, failure: TransportFailure, *, answering: bool) -> bool:
        """Count a failure, and tell whether the request may be sent again.

        Args:
            request: What failed.
            failure: How.
            answering: Some of an answer had arrived, which proves that it was processed.
        """
        body = request.body
        if not (isinstance(body, bytes) or body.replayable or failure.phase == "pool"):
            return False
        if failure.unprocessed:
            self._refusals += 1
            return self._refusals <= _MAX_REFUSALS
        self._resends += 1
        if self._resends > 1 or answering or failure.fresh or failure.kind != "lost":
            return False
        if request.sent == "none" or request.method in _IDEMPOTENT:
            return True
        return any(name == b"idempotency-key" for name, _ in request.headers)
