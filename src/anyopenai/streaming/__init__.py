"""Helpers for streams: events, snapshots and final results of chat completions, responses and runs; each name is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .assistant_handler import AsyncAssistantEventHandler, AsyncAssistantEventHandlerT
    from .assistant_state import RunSoFar
    from .assistant_stream import AsyncAssistantStreamManager
    from .chat_events import (
        ChatCompletionStreamEvent,
        ChunkEvent,
        ContentDeltaEvent,
        ContentDoneEvent,
        FunctionToolCallArgumentsDeltaEvent,
        FunctionToolCallArgumentsDoneEvent,
        LogprobsContentDeltaEvent,
        LogprobsContentDoneEvent,
        LogprobsRefusalDeltaEvent,
        LogprobsRefusalDoneEvent,
        RefusalDeltaEvent,
        RefusalDoneEvent,
    )
    from .chat_state import ChatCompletionStreamState
    from .chat_stream import AsyncChatCompletionStream, AsyncChatCompletionStreamManager
    from .response_events import (
        ResponseCompletedEvent,
        ResponseContentPartAddedEvent,
        ResponseContentPartDoneEvent,
        ResponseCreatedEvent,
        ResponseFailedEvent,
        ResponseFunctionCallArgumentsDeltaEvent,
        ResponseIncompleteEvent,
        ResponseInProgressEvent,
        ResponseOutputItemAddedEvent,
        ResponseOutputItemDoneEvent,
        ResponseQueuedEvent,
        ResponseStreamEvent,
        ResponseTextDeltaEvent,
        ResponseTextDoneEvent,
    )
    from .response_stream import AsyncResponseStream, AsyncResponseStreamManager

__all__ = (
    "AsyncAssistantEventHandler",
    "AsyncAssistantEventHandlerT",
    "AsyncAssistantStreamManager",
    "AsyncChatCompletionStream",
    "AsyncChatCompletionStreamManager",
    "AsyncResponseStream",
    "AsyncResponseStreamManager",
    "ChatCompletionStreamEvent",
    "ChatCompletionStreamState",
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
    "ResponseCompletedEvent",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseCreatedEvent",
    "ResponseFailedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseInProgressEvent",
    "ResponseIncompleteEvent",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseQueuedEvent",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "RunSoFar",
)

_HOMES = {
    "assistant_handler": ("AsyncAssistantEventHandler", "AsyncAssistantEventHandlerT"),
    "assistant_state": ("RunSoFar",),
    "assistant_stream": ("AsyncAssistantStreamManager",),
    "chat_events": (
        "ChatCompletionStreamEvent",
        "ChunkEvent",
        "ContentDeltaEvent",
        "ContentDoneEvent",
        "FunctionToolCallArgumentsDeltaEvent",
        "FunctionToolCallArgumentsDoneEvent",
        "LogprobsContentDeltaEvent",
        "LogprobsContentDoneEvent",
        "LogprobsRefusalDeltaEvent",
        "LogprobsRefusalDoneEvent",
        "RefusalDeltaEvent",
        "RefusalDoneEvent",
    ),
    "chat_state": ("ChatCompletionStreamState",),
    "chat_stream": ("AsyncChatCompletionStream", "AsyncChatCompletionStreamManager"),
    "response_events": (
        "ResponseCompletedEvent",
        "ResponseContentPartAddedEvent",
        "ResponseContentPartDoneEvent",
        "ResponseCreatedEvent",
        "ResponseFailedEvent",
        "ResponseFunctionCallArgumentsDeltaEvent",
        "ResponseInProgressEvent",
        "ResponseIncompleteEvent",
        "ResponseOutputItemAddedEvent",
        "ResponseOutputItemDoneEvent",
        "ResponseQueuedEvent",
        "ResponseStreamEvent",
        "ResponseTextDeltaEvent",
        "ResponseTextDoneEvent",
    ),
    "response_stream": ("AsyncResponseStream", "AsyncResponseStreamManager"),
}
_DOORS = {name: f".{home}" for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:
    # Hidden from checkers, for which it would make every name there is.

    def __getattr__(name: str) -> object:
        if name not in _DOORS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_DOORS[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return list(__all__)
