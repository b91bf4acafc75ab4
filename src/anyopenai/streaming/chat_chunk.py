"""Chunks with members that the description of the API leaves out and its servers send; nothing is put together here."""

from __future__ import annotations

from ..types.chat.chat_completion_chunk import ChatCompletionChunk as DescribedChunk
from ..types.chat.chat_completion_chunk import Choice as DescribedChoice
from ..types.chat.chat_completion_chunk import ChoiceDelta as DescribedDelta
from ..types.chat.chat_completion_chunk import ChoiceDeltaToolCall as DescribedToolCall
from ..types.chat.chat_completion_message import Annotation
from ..types.chat.chat_completion_message_custom_tool_call import Custom

__all__ = ("ChatCompletionChunk",)


class ChoiceDeltaToolCall(DescribedToolCall, kw_only=True):
    """A piece of a call, which may be one of a custom tool."""

    custom: Custom | None = None


class ChoiceDelta(DescribedDelta, kw_only=True):
    """A piece of a message, with the sources that a search on the web brought."""

    tool_calls: list[ChoiceDeltaToolCall] | None = None  # type: ignore[assignment]  # a list of what is more special
    annotations: list[Annotation] | None = None


class Choice(DescribedChoice, kw_only=True):
    """A piece of a choice."""

    delta: ChoiceDelta  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ChatCompletionChunk(DescribedChunk, kw_only=True):
    """A chunk as `chat.completions.stream()` reads it."""

    choices: list[Choice]  # type: ignore[assignment]  # a list of what is more special
