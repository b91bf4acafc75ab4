"""The requests whose answers are streams of runs, and what opens them; reading and hooks are the handler's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Generic

from .._contract import Operation
from ..types.beta.assistant_stream_event import AssistantStreamEvent
from ..types.beta.threads.run import Run
from .assistant_handler import AsyncAssistantEventHandler, AsyncAssistantEventHandlerT, begin, check_unused
from .helper import StreamManager, refuse_view

if TYPE_CHECKING:
    from .._contract import Body, Caller, RequestOptions
    from .._engine.iteration import Stream

__all__ = ("CREATE", "CREATE_WITH_THREAD", "SUBMIT", "AsyncAssistantStreamManager", "opening")

_EVENT: Final[Any] = AssistantStreamEvent


def _operation(name: str, path: str) -> Operation[Any]:
    return Operation(
        name=name,
        verb="POST",
        path=path,
        returns=Run,
        body="json",
        event=_EVENT,
        ending="run",
        named_events=True,
        headers=(("OpenAI-Beta", "assistants=v2"),),
        doc="https://platform.openai.com/docs/api-reference/assistants-streaming",
    )


CREATE: Final = _operation("beta.threads.runs.stream", "/threads/{thread_id}/runs")
CREATE_WITH_THREAD: Final = _operation("beta.threads.create_and_run_stream", "/threads/runs")
SUBMIT: Final = _operation(
    "beta.threads.runs.submit_tool_outputs_stream", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
)


class AsyncAssistantStreamManager(StreamManager[AsyncAssistantEventHandlerT], Generic[AsyncAssistantEventHandlerT]):
    """Sends the request when it is entered, and closes the stream when it is left; entering gives the handler."""

    __slots__ = ()


def opening(
    caller: Caller,
    operation: Operation[Any],
    handler: AsyncAssistantEventHandler | None,
    *,
    body: Body,
    options: RequestOptions,
    path: tuple[str, ...] = (),
    query: Mapping[str, object] | None = None,
) -> AsyncAssistantStreamManager[Any]:
    """Return what sends a request when it is entered, and reads the answer's events.

    Raises:
        TypeError: The caller is a raw view.
    """
    refuse_view(caller)
    reader = AsyncAssistantEventHandler() if handler is None else handler

    async def send() -> object:
        check_unused(reader)
        return await caller.call(
            operation, path=path, query=query, body={**body, "stream": True}, stream=True, options=options
        )

    def wrap(raw: Stream[Any]) -> AsyncAssistantEventHandler:
        return begin(reader, raw)

    return AsyncAssistantStreamManager(send, wrap)
