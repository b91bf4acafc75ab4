"""`FunctionTool`: a function of yours that agents may call, with its arguments as a type; when it is called is not decided here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, overload

from msgspec import Struct

from .._codec import decode_any, encode
from .._omit import Omit, omit
from ..errors import UnsupportedSchemaError
from ..structured.docstring import read_docstring
from ..structured.output import Output, api_name, fresh_output_of
from ..structured.signature import call_with, parameters_of
from .formats import object_schema
from .outputs import SentOutput, output_from

if TYPE_CHECKING:
    from ..types.beta.agent_tool_param import AgentToolConfigParamFunction

__all__ = ("FunctionTool", "function_tool", "is_async", "pydantic_function_tool")

T = TypeVar("T")


class FunctionTool(Generic[T]):
    """A function that an agent may call, as the agent is told of it and as it is called here.

    `definition` goes into the agent's `tools`, the object itself into `tool_handlers={tool.name: tool}`.

    Args:
        model: The type of the arguments: a Struct, dataclass, TypedDict, attrs class, pydantic model, or a JSON schema.
        handler: The function, plain or async, which is given the arguments as that type.
        name: What the agent calls it.
        description: What the agent is told about it.
        defer_loading: Whether the agent finds it by searching its tools.

    Raises:
        UnsupportedSchemaError: The type has no JSON schema of an object.
        ValueError: The API does not take such a name.

    Attributes:
        handler: The function.
    """

    __slots__ = ("_definition", "_output", "handler")

    def __init__(
        self,
        model: type[T],
        handler: Callable[[T], object],
        *,
        name: str,
        description: str,
        defer_loading: bool | Omit = omit,
    ) -> None:
        self.handler: Callable[[T], object] = handler
        output: Output[T] = fresh_output_of(model, strict=False)
        self._output = output
        definition: dict[str, object] = {
            "type": "function",
            "name": api_name("", name),
            "description": description,
            "parameters": object_schema(output.schema, output.name),
        }
        if not isinstance(defer_loading, Omit):
            definition["defer_loading"] = defer_loading
        self._definition = definition

    @property
    def name(self) -> str:
        """What the agent calls it."""
        return cast("str", self._definition["name"])

    @property
    def definition(self) -> AgentToolConfigParamFunction:
        """What goes into an agent's `tools`, as a new dict."""
        return cast("AgentToolConfigParamFunction", dict(self._definition))

    def decode(self, arguments: Mapping[str, object]) -> T:
        """Return what the agent wrote as arguments, as the type.

        Raises:
            DecodeFailure: They do not fit; the message says where.
        """
        return self._output.decode(encode(arguments))

    def __call__(self, arguments: Mapping[str, object]) -> object:
        """Call the function, and return what the agent is sent; what an async function gives must be awaited.

        Args:
            arguments: What the agent wrote.

        Raises:
            DecodeFailure: They do not fit; the function was not called.
            TypeError: What it returned has no form in JSON.
        """
        value = self.handler(self.decode(arguments))
        if inspect.isawaitable(value):
            return _later(value)
        return output_from(value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


async def _later(value: Any) -> SentOutput:
    return output_from(await value)


def is_async(function: object) -> bool:
    """Tell whether calling something only makes what is to be awaited."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


class _Decorator(Protocol):
    def __call__(self, function: Callable[..., object], /) -> FunctionTool[Struct]: ...


@overload
def function_tool(
    function: Callable[..., object],
    *,
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> FunctionTool[Struct]: ...
@overload
def function_tool(
    function: None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> _Decorator: ...
def function_tool(
    function: Callable[..., object] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> FunctionTool[Struct] | _Decorator:
    """Return a tool for agents made from a function; a decorator, too.

    The parameters' annotations say what the agent must give, and those with a default may be left out. The docstring says
    what the function and each parameter are for.

    Args:
        function: A function or a bound method, plain or async.
        name: What the agent calls it; else the function's name.
        description: What the agent is told about it; else what the docstring says.
        defer_loading: Whether the agent finds it by searching its tools.

    Raises:
        UnsupportedSchemaError: A parameter has no annotation or no JSON schema, or is not one of a fixed number.
        ValueError: The API does not take such a name.
    """
    if function is None:
        return lambda given: _tool_of(given, name, description, defer_loading)
    return _tool_of(function, name, description, defer_loading)


def _tool_of(
    function: Callable[..., object], name: str | None, description: str | None, defer_loading: bool | Omit
) -> FunctionTool[Struct]:
    called: str | None = getattr(function, "__name__", None)
    if name is None and (called is None or not called.isidentifier()):
        raise UnsupportedSchemaError(f"{function!r} has no name that an agent could call; give name=...", path="name")
    own = api_name(called or "", name)
    said = read_docstring(getattr(function, "__doc__", None))
    struct = parameters_of(function, called if called and called.isidentifier() else own, said.parameters)

    async def call_async(arguments: Struct) -> object:
        return await call_with(function, arguments)

    def call(arguments: Struct) -> object:
        return call_with(function, arguments)

    tool: FunctionTool[Struct] = FunctionTool(
        struct,
        call_async if is_async(function) else call,
        name=own,
        description=said.summary if description is None else description,
        defer_loading=defer_loading,
    )
    _say_defaults(tool, function)
    return tool


def _say_defaults(tool: FunctionTool[Struct], function: Callable[..., object]) -> None:
    """Write the defaults of a function's parameters into what an agent is told, and that there are no others."""
    parameters: dict[str, Any] = cast("dict[str, Any]", tool.definition["parameters"])
    parameters["additionalProperties"] = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            try:
                default = decode_any(encode(parameter.default))
            except (TypeError, ValueError):
                continue  # it holds all the same, and cannot be told
            member = parameters["properties"][parameter.name]
            # Beside a reference other words have no meaning.
            if "$ref" not in member:
                member["default"] = default


def pydantic_function_tool(
    model: type[T],
    *,
    handler: Callable[[T], object],
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> FunctionTool[T]:
    """Return a tool for agents whose arguments are a type.

    Args:
        model: A pydantic model, or any type that `output_type` takes.
        handler: What is called with the arguments as that type; plain or async.
        name: What the agent calls it; else the type's name.
        description: What the agent is told about it; else the type's docstring.
        defer_loading: Whether the agent finds it by searching its tools.

    Raises:
        UnsupportedSchemaError: The type has no JSON schema of an object.
        ValueError: The API does not take such a name.
    """
    output: Output[T] = fresh_output_of(model, name=name, strict=False)
    if description is None:
        said = object_schema(output.schema, output.name).get("description")
        description = said if isinstance(said, str) else ""
    return FunctionTool(model, handler, name=output.name, description=description, defer_loading=defer_loading)
