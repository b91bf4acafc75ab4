"""The tools of a run: which of them are called here, what reads their arguments, what is sent of them; no call is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar, cast, overload

from msgspec import Struct

from .._codec import DecodeFailure
from ..structured.output import Output, api_name, read_object
from ..structured.signature import call_with
from ..structured.tool import CallableTool, FunctionTool, function_tool, tool_in

if TYPE_CHECKING:
    from ..types.chat.chat_completion_custom_tool_param import ChatCompletionCustomToolParam
    from ..types.responses.custom_tool_param import CustomToolParam

__all__ = (
    "AnyFunctionTool",
    "BoundTool",
    "CustomTool",
    "LocalTool",
    "Runnable",
    "ToolTable",
    "bind_tool",
    "lenient",
    "table_of",
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Runnable(Struct, frozen=True):
    """A tool that is called here.

    Attributes:
        name: What the model calls it.
        kind: Whether it is a function or takes text.
        decode: Reads the arguments; raises `DecodeFailure`.
        function: Is called with what `decode` gave.
        is_async: Whether the function gives what must be awaited, and does not block before.
    """

    name: str
    kind: Literal["function", "custom"]
    decode: Callable[[str], object]
    function: Callable[[Any], object]
    is_async: bool


class AnyFunctionTool(Protocol):
    """A tool of `function_tool()` or `bind_tool()`, whatever its arguments are."""

    # Not `FunctionTool[object]`: among the tools of a call, a checker would take it for what `bind_tool` is to return.
    @property
    def strict(self) -> bool:
        """Whether the model is held to the schema."""
        ...

    def members(self) -> dict[str, object]:
        """Return what both APIs are told of the tool."""
        ...


class BoundTool(FunctionTool[T_co], Generic[T_co]):
    """A tool whose arguments are a type, and the function that is called with them; `bind_tool` makes one."""

    __slots__ = ("_handler",)

    def __init__(
        self, output: Output[T_co], name: str, description: str | None, handler: Callable[[Any], object]
    ) -> None:
        super().__init__(output, name, description)
        self._handler = handler

    @property
    def handler(self) -> Callable[[Any], object]:
        """The function that is called with the arguments."""
        return self._handler


class CustomTool:
    """A custom tool, which takes text, and the function that is called with it; `bind_tool` makes one.

    Attributes:
        param: The tool as it is sent.
        name: What the model calls it.
    """

    __slots__ = ("_handler", "name", "param")

    def __init__(self, param: Mapping[str, object], handler: Callable[[str], object]) -> None:
        inner = param.get("custom", param)
        name = cast("Mapping[str, object]", inner).get("name") if isinstance(inner, Mapping) else None
        if not isinstance(name, str):
            raise ValueError("a custom tool has a name, by which the model calls it")
        self.param: Mapping[str, object] = param
        self.name: str = name
        self._handler = handler

    @property
    def handler(self) -> Callable[[str], object]:
        """The function that is called with what the model wrote."""
        return self._handler

    def __repr__(self) -> str:
        return f"<CustomTool {self.name}>"


LocalTool: TypeAlias = AnyFunctionTool | CustomTool | Callable[..., object]
"""What `run_tools()` takes among its tools and calls itself; a list of several needs it as its type: `list[LocalTool]`."""


@overload
def bind_tool(
    source: type[T] | FunctionTool[T],
    handler: Callable[[T], object],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> BoundTool[T]: ...
@overload
def bind_tool(
    source: ChatCompletionCustomToolParam | CustomToolParam, handler: Callable[[str], object], /
) -> CustomTool: ...
@overload
def bind_tool(
    source: Mapping[str, object],
    handler: Callable[[dict[str, object]], object],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> BoundTool[dict[str, object]]: ...
def bind_tool(
    source: Any,
    handler: Callable[[Any], object],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    strict: bool = True,
) -> BoundTool[Any] | CustomTool:
    """Return a tool for `run_tools()` whose calls a function answers, which is given the arguments as one object.

    Args:
        source: The type of the arguments (a Struct, dataclass, TypedDict, attrs class or pydantic model), a JSON schema,
            a tool of `function_tool()` or `pydantic_function_tool()`, or a function or custom tool written by hand as
            the API takes it.
        handler: What is called, plain or async; plain ones run in a worker thread.
        name: What the model calls it; else the type's or the tool's name.
        description: What the model is told about it; else what the type or the tool says.
        strict: False does not hold the model to the schema of a type.

    Raises:
        UnsupportedSchemaError: The type has no form in the schemas that the API takes.
        ValueError: The API does not take such a name, or a custom tool has none.
    """
    known = tool_in(source)
    if known is None and isinstance(source, Mapping):
        members = cast("Mapping[str, object]", source)
        if members.get("type") == "custom":
            return CustomTool(members, handler)
        if members.get("type") == "function":
            known = _written(members)
    if known is None:
        known = function_tool(cast("type[object]", source), name=name, description=description, strict=strict)
    said = known.description if description is None else description
    return BoundTool(known.output, known.name if name is None else api_name("", name), said, handler)


def _written(members: Mapping[str, object]) -> FunctionTool[dict[str, object]]:
    """Return a tool that was written by hand, in either API's form; its schema is sent as it is."""
    function = members.get("function", members)
    told = cast("Mapping[str, Any]", function if isinstance(function, Mapping) else {})
    name: object = told.get("name")
    if not isinstance(name, str):
        raise ValueError("a function tool has a name, by which the model calls it")
    schema: dict[str, Any] = dict(told.get("parameters") or {"type": "object", "properties": {}})
    output: Output[dict[str, object]] = Output(dict, name, None, schema, told.get("strict") is True, read_object)
    said: object = told.get("description")
    return FunctionTool(output, name, said if isinstance(said, str) else None)


class ToolTable(Struct, frozen=True):
    """The tools of a run.

    Attributes:
        sent: What the API is told of them, and of those that the server runs.
        runnable: Those that are called here, by name.
    """

    sent: list[object]
    runnable: dict[str, Runnable]

    @property
    def readers(self) -> dict[str, Callable[[str | bytes], object]]:
        """What reads arguments while an answer arrives; arguments that do not fit read as None."""
        return {name: lenient(one.decode) for name, one in self.runnable.items() if one.kind == "function"}


def lenient(decode: Callable[[str], object]) -> Callable[[str | bytes], object]:
    """Return what reads arguments and gives None for those that do not fit: the model is told of them, nothing fails."""

    def read(text: str | bytes) -> object:
        try:
            return decode(text if isinstance(text, str) else text.decode("utf-8", "replace"))
        except DecodeFailure:
            return None

    return read


def table_of(tools: Iterable[Any], api: Literal["chat", "responses"]) -> ToolTable:
    """Return the tools of a run.

    Raises:
        UnsupportedSchemaError: A function's parameter has no annotation, or no form in the schemas that the API takes.
        ValueError: Nothing here could answer a tool's calls, or two tools have one name.
        TypeError: Something is no tool.
    """
    sent: list[object] = []
    runnable: dict[str, Runnable] = {}
    for given in tools:
        one, told = _entry(given, api)
        sent.append(told)
        if one is None:
            continue
        if one.name in runnable:
            raise ValueError(f"two tools are called {one.name!r}; give one of them another name=")
        runnable[one.name] = one
    return ToolTable(sent, runnable)


def _entry(given: Any, api: str) -> tuple[Runnable | None, object]:
    """Return a tool that is called here, if it is, and what is sent of it."""
    if isinstance(given, CustomTool):
        handler = given.handler
        return Runnable(given.name, "custom", str, handler, is_async(handler)), given.param
    tool = tool_in(given)
    if tool is None and (isinstance(given, type) or (callable(given) and not isinstance(given, Mapping | Struct))):
        tool = function_tool(given)
    if tool is None:
        if not isinstance(given, Mapping | Struct):
            raise TypeError(f"tools= takes functions, tools and tools as the API takes them, not {given!r}")
        if _member(given, "type") in ("function", "custom"):
            raise _no_function(_member(_member(given, _member(given, "type")) or given, "name"))
        return None, cast("object", given)
    told = tool.members()
    sent: object = {"type": "function", "function": told} if api == "chat" else {"type": "function", **told}
    return _runnable(tool), sent


def _runnable(tool: FunctionTool[Any]) -> Runnable:
    if isinstance(tool, CallableTool):
        function: Callable[..., object] = tool.function
        return Runnable(tool.name, "function", tool.decode, partial(call_with, function), is_async(function))
    if isinstance(tool, BoundTool):
        return Runnable(tool.name, "function", tool.decode, tool.handler, is_async(tool.handler))
    raise _no_function(tool.name)


def _no_function(name: object) -> ValueError:
    return ValueError(
        f"the tool {name!r} says what the model may call and not what is called; use bind_tool(tool, function), or a "
        "function in its place"
    )


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether a function, method, partial or object that can be called is asynchronous."""
    while isinstance(function, partial):
        function = cast("partial[object]", function).func
    # Of an object, what is called is its class's method.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _member(holder: Any, name: Any) -> Any:
    """Return a member of a tool, which is a dict or an object of an answer."""
    if isinstance(holder, Mapping):
        return cast("Mapping[str, object]", holder).get(name)
    return getattr(holder, name, None) if isinstance(name, str) else None
