"""`ParsedResponse` and its parts: a response whose texts have been read as a type; written by hand.

The classes are generic for type checkers only: `parsed` stands beside the members of a text, so one decoder serves
every type, and what is sent back are the items as they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from .._base import Literal
from .._mixins import derived, members
from .response import Response
from .response_apply_patch_tool_call import ResponseApplyPatchToolCall
from .response_apply_patch_tool_call_output import ResponseApplyPatchToolCallOutput
from .response_code_interpreter_tool_call import ResponseCodeInterpreterToolCall
from .response_compaction_item import ResponseCompactionItem
from .response_computer_tool_call import ResponseComputerToolCall
from .response_computer_tool_call_output_item import ResponseComputerToolCallOutputItem
from .response_custom_tool_call import ResponseCustomToolCall
from .response_custom_tool_call_output_item import ResponseCustomToolCallOutputItem
from .response_file_search_tool_call import ResponseFileSearchToolCall
from .response_function_shell_tool_call import ResponseFunctionShellToolCall
from .response_function_shell_tool_call_output import ResponseFunctionShellToolCallOutput
from .response_function_tool_call import ResponseFunctionToolCall
from .response_function_tool_call_output_item import ResponseFunctionToolCallOutputItem
from .response_function_web_search import ResponseFunctionWebSearch
from .response_output_item import (
    AdditionalTools,
    ImageGenerationCall,
    LocalShellCall,
    LocalShellCallOutput,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpListTools,
    Program,
    ProgramOutput,
)
from .response_output_message import ResponseOutputMessage
from .response_output_refusal import ResponseOutputRefusal
from .response_output_text import ResponseOutputText
from .response_reasoning_item import ResponseReasoningItem
from .response_tool_search_call import ResponseToolSearchCall
from .response_tool_search_output_item import ResponseToolSearchOutputItem

__all__ = (
    "ParsedContent",
    "ParsedResponse",
    "ParsedResponseFunctionToolCall",
    "ParsedResponseOutputItem",
    "ParsedResponseOutputMessage",
    "ParsedResponseOutputText",
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # Where nothing was asked for there is nothing to be parsed as.
    ContentType = TypeVarWithDefault("ContentType", default=object)
else:
    ContentType = TypeVar("ContentType")


class ParsedResponseOutputText(
    ResponseOutputText, Generic[ContentType], kw_only=True, tag_field="type", tag="output_text"
):
    """One of `ParsedContent`."""

    type: ClassVar[Literal["output_text"]] = "output_text"

    @property
    def parsed(self) -> ContentType | None:
        """The text as the type that was asked for; None if none was."""
        found: ContentType | None = derived(self, "parsed")
        return found


ParsedContent: TypeAlias = ParsedResponseOutputText[ContentType] | ResponseOutputRefusal


class ParsedResponseOutputMessage(
    ResponseOutputMessage, Generic[ContentType], kw_only=True, tag_field="type", tag="message"
):
    """One of `ParsedResponseOutputItem`."""

    type: ClassVar[Literal["message"]] = "message"
    content: list[ParsedResponseOutputText[ContentType] | ResponseOutputRefusal]  # type: ignore[assignment]  # a list of what is more special


class ParsedResponseFunctionToolCall(ResponseFunctionToolCall, kw_only=True, tag_field="type", tag="function_call"):
    """One of `ParsedResponseOutputItem`."""

    type: ClassVar[Literal["function_call"]] = "function_call"

    @property
    def parsed_arguments(self) -> object | None:
        """The arguments as the tool's type, or as a dict where the tool is a plain strict schema; None for others."""
        found: object | None = derived(self, "parsed_arguments")
        return found


ParsedResponseOutputItem: TypeAlias = (
    ParsedResponseOutputMessage[ContentType]
    | ParsedResponseFunctionToolCall
    | ResponseFileSearchToolCall
    | ResponseFunctionToolCallOutputItem
    | ResponseFunctionWebSearch
    | ResponseComputerToolCall
    | ResponseComputerToolCallOutputItem
    | ResponseReasoningItem
    | Program
    | ProgramOutput
    | ResponseToolSearchCall
    | ResponseToolSearchOutputItem
    | AdditionalTools
    | ResponseCompactionItem
    | ImageGenerationCall
    | ResponseCodeInterpreterToolCall
    | LocalShellCall
    | LocalShellCallOutput
    | ResponseFunctionShellToolCall
    | ResponseFunctionShellToolCallOutput
    | ResponseApplyPatchToolCall
    | ResponseApplyPatchToolCallOutput
    | McpCall
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponse
    | ResponseCustomToolCall
    | ResponseCustomToolCallOutputItem
)
"""`ResponseOutputItem`, in which messages and function calls are parsed ones."""


class ParsedResponse(Response, Generic[ContentType], kw_only=True):
    """The answer of `responses.parse`."""

    output: list[ParsedResponseOutputItem[ContentType]]  # type: ignore[assignment]  # a list of what is more special

    @property
    def output_parsed(self) -> ContentType | None:
        """The first text that has been parsed; None if there is none, or the model refused."""
        # Read by name, not by class: an item may be of a kind that this version does not know, or a member absent.
        for item in members(self, "output"):
            if getattr(item, "type", None) == "message":
                for part in members(item, "content"):
                    found: ContentType | None = derived(part, "parsed")
                    if found is not None:
                        return found
        return None
