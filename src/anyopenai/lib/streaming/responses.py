"""`openai.lib.streaming.responses` under its own name: streams of responses and their events; nothing lives here."""

from __future__ import annotations

from ...streaming import (
    AsyncResponseStream,
    AsyncResponseStreamManager,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from ...streaming import AsyncResponseStream as ResponseStream
from ...streaming import AsyncResponseStreamManager as ResponseStreamManager

__all__ = (
    "AsyncResponseStream",
    "AsyncResponseStreamManager",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseStream",
    "ResponseStreamEvent",
    "ResponseStreamManager",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
)
