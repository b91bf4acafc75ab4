"""Structured outputs: types that models answer in, and tools whose arguments are types; each name is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._sansio.json_string import InvalidJSON
    from .._sansio.partial_json import PartialJSON
    from .formats import response_format_of, text_format_of, type_to_response_format_param
    from .output import Output, output_of
    from .strict import strict_schema
    from .tool import (
        CallableTool,
        FunctionTool,
        function_tool,
        pydantic_function_tool,
        pydantic_responses_function_tool,
    )

__all__ = (
    "CallableTool",
    "FunctionTool",
    "InvalidJSON",
    "Output",
    "PartialJSON",
    "function_tool",
    "output_of",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "response_format_of",
    "strict_schema",
    "text_format_of",
    "type_to_response_format_param",
)

_DOORS = {
    "InvalidJSON": ".._sansio.json_string",
    "PartialJSON": ".._sansio.partial_json",
    **dict.fromkeys(("response_format_of", "text_format_of", "type_to_response_format_param"), ".formats"),
    **dict.fromkeys(("Output", "output_of"), ".output"),
    **dict.fromkeys(
        ("CallableTool", "FunctionTool", "function_tool", "pydantic_function_tool", "pydantic_responses_function_tool"),
        ".tool",
    ),
    "strict_schema": ".strict",
}


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
