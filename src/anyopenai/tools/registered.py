"""`AsyncRegisteredFunction`: a function that a runner may call for a model, with what the model is told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar, cast

import msgspec

from .._codec import decode_any, encode
from ..structured.tool import CallableTool, FunctionTool, tool_in

if TYPE_CHECKING:
    from ..types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
    from ..types.responses.function_tool_param import FunctionToolParam
    from ..types.responses.response_input_file_content_param import ResponseInputFileContentParam
    from ..types.responses.response_input_image_content_param import ResponseInputImageContentParam
    from ..types.responses.response_input_text_content_param import ResponseInputTextContentParam

    FunctionResult: TypeAlias = (
        str
        | list[ResponseInputTextContentParam | ResponseInputImageContentParam | ResponseInputFileContentParam]
        | list[ResponseInputTextContentParam]
        | list[ResponseInputImageContentParam]
        | list[ResponseInputFileContentParam]
    )
    ModelT = TypeVar("ModelT")
else:
    FunctionResult = str | list[Mapping[str, object]]
    ModelT = TypeVar("ModelT")

__all__ = ("AsyncRegisteredFunction", "FunctionResult", "RegisteredFunction", "checked_output")

# What a part needs of which one: a text, or one of the places where its content is.
_PLACES: Final[Mapping[object, tuple[str, ...]]] = {
    "input_text": ("text",),
    "input_image": ("image_url", "file_id"),
    "input_file": ("file_id", "file_url", "file_data"),
}


@dataclass
class AsyncRegisteredFunction:
    """A function that a runner may call.

    Attributes:
        tool: What the model is told: a tool as `responses.create` takes it, or a `FunctionTool`.
        execute: Called with the arguments as a dict; gives a text, or parts with texts, images and files. Async, or plain
            and called in a worker thread.
        allow_output_override: Whether `ResponsesRunnerTurn.supply_outputs` may stand in for it.
        independent: Whether it may run beside other independent calls of one turn; else calls run one after another.
    """

    tool: FunctionToolParam | FunctionTool[Any]
    execute: Callable[[dict[str, object]], Awaitable[FunctionResult]] | Callable[[dict[str, object]], FunctionResult]
    allow_output_override: bool = False
    independent: bool = False
    _typed: FunctionTool[Any] | None = field(default=None, repr=False, kw_only=True)

    @classmethod
    def from_tool(
        cls,
        tool: FunctionToolParam | ChatCompletionFunctionToolParam | FunctionTool[ModelT],
        *,
        execute: Callable[[ModelT], Awaitable[FunctionResult]] | Callable[[ModelT], FunctionResult] | None = None,
        allow_output_override: bool = False,
        independent: bool = False,
    ) -> Self:
        """Register a tool that was made from a type or a function; arguments are read as the type before anything runs.

        Args:
            tool: What `function_tool()` or `pydantic_function_tool()` made.
            execute: Called with the arguments as the tool's type; left out, a tool made from a function calls that.
            allow_output_override: As the attribute.
            independent: As the attribute.

        Raises:
            ValueError: The tool was not made from a type, or there is nothing to execute.
        """
        typed: FunctionTool[Any] | None = tool_in(tool)
        if typed is None:
            raise ValueError(
                "from_tool() takes a tool of function_tool() or pydantic_function_tool(), not a plain dict"
            )
        run: Callable[..., Any] | None = execute
        if run is None and isinstance(typed, CallableTool):
            run = _called(cast("CallableTool[..., Any]", typed))
        if run is None:
            raise ValueError(f"the tool {typed.name!r} is a type and cannot be called; give from_tool(execute=...)")
        return cls(
            tool=cast("FunctionTool[Any]", typed),
            execute=run,
            allow_output_override=allow_output_override,
            independent=independent,
            _typed=cast("FunctionTool[Any]", typed),
        )

    @property
    def name(self) -> str:
        """What the model calls it."""
        return str(self.declaration().get("name", ""))

    def declaration(self) -> dict[str, object]:
        """Return what the model is told, as a new dict."""
        tool = self.tool
        given: object = tool.for_responses() if isinstance(tool, FunctionTool) else tool
        return cast("dict[str, object]", decode_any(encode(given))) if isinstance(given, Mapping) else {}

    def check(self) -> None:
        """Refuse what cannot be registered.

        Raises:
            ValueError: What is wrong.
        """
        declared = self.declaration()
        name = declared.get("name")
        if declared.get("type") != "function" or not isinstance(name, str) or not name:
            raise ValueError(f"a registered function needs a tool of type function with a name, not {self.tool!r}")
        if not callable(self.execute):
            raise ValueError(f"the registered function {name!r} has nothing to execute; give execute=")
        for member in ("allow_output_override", "independent"):
            if not isinstance(getattr(self, member), bool):
                raise ValueError(f"{member} of the registered function {name!r} is True or False")

    def arguments(self, text: object) -> object:
        """Return what a model wrote as arguments, as `execute` takes it.

        Raises:
            ValueError: It is no JSON object, or does not fit the type.
        """
        if not isinstance(text, str):
            raise ValueError("the arguments are no text")
        if self._typed is not None:
            return self._typed.decode(text)
        # Strict: NaN and the like are no JSON, and a function is not to meet them.
        found: object = msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
        if not isinstance(found, dict):
            raise ValueError("the arguments are no JSON object")
        return cast("dict[str, object]", found)


RegisteredFunction = AsyncRegisteredFunction


def _called(tool: CallableTool[..., Any]) -> Callable[[Any], Any]:
    """Return what calls a tool's own function, async where that is."""
    from .invocation import is_async

    if not is_async(tool.function):
        return tool.invoke

    async def call(arguments: Any) -> Any:
        return await tool.invoke(arguments)

    return call


def checked_output(given: object) -> str | list[object]:
    """Return what a function gave as it is sent.

    Raises:
        ValueError: It is neither a text nor a list of texts, images and files; or it cannot be written as JSON.
        TypeError: Something in it has no form in JSON.
    """
    if isinstance(given, str):
        return cast("str", decode_any(encode(given)))
    if not isinstance(given, list):
        raise ValueError(f"a function returned {type(given).__name__}; return a text, or a list of parts")
    parts = cast("list[object]", decode_any(encode(cast("list[object]", given))))
    for number, part in enumerate(parts):
        members = cast("dict[str, object]", part) if isinstance(part, dict) else {}
        places = _PLACES.get(members.get("type"), ())
        if not any(isinstance(members.get(place), str) for place in places):
            raise ValueError(f"part [{number}] of a function's result is no input_text, input_image or input_file")
    return parts
