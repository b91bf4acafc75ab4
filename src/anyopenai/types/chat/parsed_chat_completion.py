"""`ParsedChatCompletion` and its parts: a chat completion whose messages have been read as a type; written by hand.

The classes are generic for type checkers only: `parsed` stands beside the members of a message, so one decoder serves
every type, and what is sent back is the message as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .._mixins import derived
from .chat_completion import ChatCompletion, Choice
from .chat_completion_message import ChatCompletionMessage
from .chat_completion_message_custom_tool_call import ChatCompletionMessageCustomToolCall
from .parsed_function_tool_call import ParsedFunctionToolCall

__all__ = ("ParsedChatCompletion", "ParsedChatCompletionMessage", "ParsedChoice")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # Where nothing was asked for there is nothing to be parsed as.
    ContentType = TypeVarWithDefault("ContentType", default=object)
else:
    ContentType = TypeVar("ContentType")


class ParsedChatCompletionMessage(ChatCompletionMessage, Generic[ContentType], kw_only=True):
    """Found in `ParsedChoice.message`."""

    tool_calls: list[ParsedFunctionToolCall | ChatCompletionMessageCustomToolCall] | None = None  # type: ignore[assignment]  # a list of what is more special

    @property
    def parsed(self) -> ContentType | None:
        """The content as the type that was asked for; None if there is none, or the model refused."""
        found: ContentType | None = derived(self, "parsed")
        return found


class ParsedChoice(Choice, Generic[ContentType], kw_only=True):
    """Found in `ParsedChatCompletion.choices`."""

    message: ParsedChatCompletionMessage[ContentType]  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special


class ParsedChatCompletion(ChatCompletion, Generic[ContentType], kw_only=True):
    """The answer of `chat.completions.parse`."""

    choices: list[ParsedChoice[ContentType]]  # type: ignore[assignment]  # a list of what is more special
