"""Answers that say of themselves that they are no stream of events where one was asked for; streams are read elsewhere."""

from __future__ import annotations

from typing import Final

from .._codec import DecodeFailure, decode_any
from .._sansio.errorshapes import event_error
from .arrival import Arrival
from .mapping import error_from_event, foreign_errors, unreadable

__all__ = ("refuse_no_stream",)

# What an event stream never is; anything else (no content type, text/plain) is taken for one, as small servers send it.
_NO_STREAM: Final = ("application/json", "text/html", "application/xml", "text/xml", "application/problem+json")
MAX_NO_STREAM: Final = 65536


async def refuse_no_stream(arrival: Arrival) -> None:
    """Raise if an open answer says that it is no stream of events."""
    kind = arrival.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _NO_STREAM:
        return
    call = arrival.call
    response = arrival.response
    pieces: list[bytes] = []
    size = 0
    with foreign_errors(call):
        while size < MAX_NO_STREAM and (
            piece := await response.receive(timeout=call.remaining_silence(call.timeout.read))
        ):
            pieces.append(piece)
            size += len(piece)
    await response.aclose()
    content = b"".join(pieces)
    info = arrival.info(content)
    try:
        facts = event_error("", decode_any(content))
    except DecodeFailure:
        facts = None
    if facts is not None:
        raise error_from_event(facts, info)
    raise unreadable(info, "is one document where a stream of events was expected")
