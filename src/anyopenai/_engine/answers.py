"""What a call gives its caller once an answer has arrived: the decoded object, text, bytes, a page or a stream."""

from __future__ import annotations

from collections.abc import Generator
from inspect import isclass
from types import NoneType
from typing import Any, cast, get_args, get_origin

from anyio.lowlevel import checkpoint

from .._codec import DecodeFailure
from .._contract import ResponseInfo
from ..pagination import BasePage
from .arrival import LARGE, Arrival, text_of
from .iteration import Stream
from .mapping import unreadable
from .no_stream import refuse_no_stream
from .response import BinaryResponse, RawResponse, StreamedResponse

__all__ = ("open_stream", "parse_now", "parse_streamed", "read_answer")


async def read_answer(arrival: Arrival) -> Any:
    """Return what a plain call gives; a large document is decoded in steps, between which other tasks run.

    Raises:
        APIError: The body is an error object.
        APIResponseValidationError: The body cannot be read as what was asked for.
    """
    call = arrival.call
    content = arrival.content
    assert content is not None  # a plain call reads its answer
    if len(content) < LARGE or call.answer != "json" or not _is_decoded(call.returns):
        return parse_now(arrival, None)
    arrival.check(content)
    try:
        steps = arrival.decoder(call.returns).decode_steps(content)
        return _walkable(arrival, _converted(arrival, arrival.finish(await _interleaved(steps))))
    except DecodeFailure as failure:
        raise unreadable(arrival.info(), f"cannot be read: {failure}") from failure


async def _interleaved(steps: Generator[None, None, Any]) -> Any:
    """Drive a decoder step by step, letting other tasks run in between."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        await checkpoint()


def parse_now(arrival: Arrival, to: Any) -> Any:
    """Return a body that has been read as the call's own type, or as `to`.

    Raises:
        APIError: The body is an error object.
        APIResponseValidationError: The body cannot be read as what was asked for.
    """
    call = arrival.call
    returns = call.returns if to is None else to
    if _is_stream(returns) or (to is None and call.streaming):
        return _stream(arrival, to)
    answer = call.answer if to is None else "json"
    content = arrival.body
    if answer == "none" or returns is None or returns is NoneType:
        return None
    if answer == "text" or (returns is str and to is not None):
        return text_of(content, arrival.headers)
    if answer == "binary" or returns is BinaryResponse:
        return BinaryResponse(arrival)
    if returns is bytes:
        return content
    if returns is ResponseInfo:
        return arrival.info()
    if _is_raw(returns):
        return RawResponse(arrival, lambda inner: parse_now(arrival, inner or _argument(returns)))
    result = arrival.decode(content, returns)
    return _walkable(arrival, _converted(arrival, result) if to is None else result)


async def parse_streamed(response: StreamedResponse[Any], to: Any) -> Any:
    """Return the body of an open answer as the call's own type, or as `to`; it is read first, unless that is a stream.

    Raises:
        APIError: The body broke off, or is an error object.
        APIResponseValidationError: The body cannot be read as what was asked for.
    """
    arrival = response._arrival
    call = arrival.call
    if (to is None and call.streaming) or _is_stream(to):
        arrival = response._hand_over()
        await refuse_no_stream(arrival)
        return _stream(arrival, to)
    await response.read()
    if call.settings.usage is not None:
        arrival.count_usage(None)
    return parse_now(arrival, to)


async def open_stream(arrival: Arrival) -> Stream[Any]:
    """Return the stream of events that an open answer is.

    Raises:
        APIError: The answer is an error object in one piece.
        APIResponseValidationError: The answer is a document, such as a proxy's page.
    """
    await refuse_no_stream(arrival)
    return cast("Stream[Any]", _stream(arrival, None))


def _stream(arrival: Arrival, to: Any) -> Any:
    call = arrival.call
    if to is not None or call.resumption is None:
        stream: Stream[Any] = Stream(arrival, call.operation.event if to is None else _event_of(to))
        return stream if to is not None else _converted(arrival, stream)
    from .resumable import ResumableStream

    return _converted(arrival, ResumableStream(arrival, call.operation.event, call.resumption))


def _converted(arrival: Arrival, result: Any) -> Any:
    """Make of a decoded answer, or of an open stream, what the call's method says it gives."""
    convert = arrival.call.convert
    if convert is None:
        return result
    try:
        return convert(result)
    except DecodeFailure as failure:
        raise unreadable(arrival.info(), f"does not fit: {failure}") from failure


def _walkable(arrival: Arrival, result: Any) -> Any:
    """Tell a page how it was asked for."""
    source = arrival.call.pages
    if source is not None and issubclass(type(result), BasePage):
        result._attach(source)
    return result


def _is_decoded(kind: Any) -> bool:
    """Tell whether an answer's type comes from a decoder; the others take the body as it is."""
    return kind not in (None, NoneType, bytes, BinaryResponse, ResponseInfo) and not _is_raw(kind)


def _is_raw(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isclass(origin) and issubclass(origin, RawResponse)


def _is_stream(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    return isclass(origin) and issubclass(origin, Stream)


def _event_of(kind: Any) -> Any:
    """Return the event type of `Stream[Event]`; plain objects where it does not say."""
    arguments = get_args(kind)
    return arguments[0] if arguments else object


def _argument(kind: Any) -> Any:
    arguments = get_args(kind)
    return arguments[0] if arguments else object
