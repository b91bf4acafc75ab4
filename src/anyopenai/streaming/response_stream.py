"""`responses.stream()` as users hold it: its manager and its stream of events; putting answers together is not done here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from .._contract import Omit, Operation
from .._engine.mapping import error_from_event
from ..types.responses.response import Response
from .helper import HelperStream, StreamManager, refuse_view
from .response_events import ResponseStreamEvent, ResponseTextDeltaEvent
from .response_state import GrowingResponse

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    from .._contract import Caller, RequestOptions, ResponseInfo
    from .._engine.iteration import Stream
    from ..errors import APIError
    from ..structured.response import ResponseParser
    from ..types.responses.parsed_response import ParsedResponse

    T = TypeVarWithDefault("T", default=object)
else:
    T = TypeVar("T")

__all__ = ("AsyncResponseStream", "AsyncResponseStreamManager", "failure_of", "opening")

_DOC: Final = "https://platform.openai.com/docs/guides/streaming-responses"
_EVENT: Final[Any] = ResponseStreamEvent

_CREATE: Final[Operation[Any]] = Operation(
    name="responses.stream",
    verb="POST",
    path="/responses",
    returns=Response,
    body="json",
    event=_EVENT,
    ending="response",
    doc=_DOC,
)
_RETRIEVE: Final[Operation[Any]] = Operation(
    name="responses.stream",
    verb="GET",
    path="/responses/{response_id}",
    returns=Response,
    event=_EVENT,
    ending="response",
    doc=_DOC,
)


class AsyncResponseStream(HelperStream[ResponseStreamEvent[T]], Generic[T]):
    """The events of one response, and the response that they become: an async iterator and context manager.

    Iteration ends when the answer is complete. Leaving the block early, `close()`, and cancelling a step hang up.
    """

    __slots__ = ("_state",)

    def __init__(self, raw: Stream[Any], state: GrowingResponse[T]) -> None:
        super().__init__(raw, take=state.take, finish=state.finish, partial=state.partial, spoken=_spoken)
        self._state = state

    @property
    def current_response_snapshot(self) -> ParsedResponse[T]:
        """The response so far: one object that grows, brought up to date when it is read.

        At the end it is the one that the last event has. It stays when the stream fails, and is the `partial` of a
        `StreamTruncated`.

        Raises:
            OpenAIError: Nothing has arrived yet.
        """
        return self._state.snapshot

    async def get_final_response(self) -> ParsedResponse[T]:
        """Read the stream to its end and return the response, if it was completed; cancelling hangs up.

        Raises:
            LengthFinishReasonError: It was cut by its token limit; `completion` is what there is of it.
            ContentFilterFinishReasonError: It was cut by the content filter.
            APIResponseValidationError: Something does not fit the type it was asked for as.
            APIError: The response failed, the server sent an `error` event, or what reading raises, also if it was raised
                before.
            OpenAIError: The stream was closed before its end, or the response ended otherwise.
        """
        await self._read_all()
        failed = self._state.failed
        if failed is not None:
            raise failure_of(failed, self.response)
        return self._state.final()


def failure_of(failed: Any, head: ResponseInfo) -> APIError:
    """Return the error for what the server said went wrong with a response: its `error`, or an `error` event."""
    said: object = getattr(failed, "message", None)
    body: object = failed.to_dict(mode="json") if hasattr(failed, "to_dict") else failed
    return error_from_event((said if isinstance(said, str) else None, body), head)


def _spoken(event: Any) -> str | None:
    """Return the piece of the text that an event is; None for another event."""
    return event.delta if isinstance(event, ResponseTextDeltaEvent) else None


class AsyncResponseStreamManager(StreamManager[AsyncResponseStream[T]], Generic[T]):
    """Sends the request when it is entered, and closes the stream when it is left."""

    __slots__ = ()


def opening(
    caller: Caller,
    body: Mapping[str, object],
    parser: ResponseParser[Any],
    response_id: str | Omit,
    starting_after: int | None | Omit,
    options: RequestOptions,
) -> AsyncResponseStreamManager[Any]:
    """Return what sends a request when it is entered, and reads the answer's events.

    Args:
        caller: Carries the request out.
        body: The arguments for a new response.
        parser: What reads the answer.
        response_id: The response to stream again, in place of a new one.
        starting_after: The number of its last event that is known already.
        options: The options of the call.

    Raises:
        TypeError: The arguments are not those of one kind of request, or the caller is a raw view.
    """
    refuse_view(caller)
    given = sorted(name for name, value in body.items() if not isinstance(value, Omit))
    if isinstance(response_id, Omit):
        if not isinstance(starting_after, Omit):
            raise TypeError("stream() takes starting_after together with response_id, which says of which response")

        def wrap(raw: Stream[Any]) -> AsyncResponseStream[Any]:
            return AsyncResponseStream(raw, GrowingResponse(parser))

        return AsyncResponseStreamManager(
            lambda: caller.call(_CREATE, body={**body, "stream": True}, stream=True, options=options), wrap
        )
    # A type and tools say how to read; they are not sent again.
    others = [name for name in given if name not in ("text", "tools")]
    if others:
        raise TypeError(f"stream(response_id=...) reads a response that exists, and takes no {', '.join(others)}")
    after = None if isinstance(starting_after, Omit) else starting_after

    def wrap_again(raw: Stream[Any]) -> AsyncResponseStream[Any]:
        return AsyncResponseStream(raw, GrowingResponse(parser, after))

    # From its beginning: snapshots need the events that are known already, too.
    return AsyncResponseStreamManager(
        lambda: caller.call(_RETRIEVE, path=(response_id,), query={"stream": True}, stream=True, options=options),
        wrap_again,
    )
