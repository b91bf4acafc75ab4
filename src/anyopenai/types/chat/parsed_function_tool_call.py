"""A chat completion's call of a function, with its arguments as what they were asked for; written by hand."""

from __future__ import annotations

from typing import ClassVar

from .._base import Literal
from .._mixins import derived
from .chat_completion_message_function_tool_call import ChatCompletionMessageFunctionToolCall, Function

__all__ = ("ParsedFunction", "ParsedFunctionToolCall")


class ParsedFunction(Function, kw_only=True):
    """Found in `ParsedFunctionToolCall.function`."""

    @property
    def parsed_arguments(self) -> object | None:
        """The arguments as the tool's type, or as a dict where the tool is a plain strict schema; None for others."""
        found: object | None = derived(self, "parsed_arguments")
        return found


class ParsedFunctionToolCall(ChatCompletionMessageFunctionToolCall, kw_only=True, tag_field="type", tag="function"):
    """Found in `ParsedChatCompletionMessage.tool_calls`."""

    type: ClassVar[Literal["function"]] = "function"
    function: ParsedFunction  # pyright: ignore[reportIncompatibleVariableOverride]  # what is more special
