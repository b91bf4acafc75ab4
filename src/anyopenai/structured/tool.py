"""`FunctionTool`: a function that a model may call, made from a type or from a function; running loops is not done here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from msgspec import Struct

from .._omit import Omit, omit
from ..errors import UnsupportedSchemaError
from .docstring import read_docstring
from .output import Output, api_name, fresh_output_of, output_of
from .signature import call_with, parameters_of

if TYPE_CHECKING:
    from ..types.chat.chat_completion_function_tool_param import ChatCompletionFunctionToolParam
    from ..types.responses.function_tool_param import FunctionToolParam

__all__ = (
    "CallableTool",
    "FunctionTool",
    "ToolFunction",
    "function_tool",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "tool_in",
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")


class _Call(Protocol):
    """What a model asked for: a call in an answer, or its `function`."""

    @property
    def arguments(self) -> str: ...


class ToolFunction(dict[str, Any]):
    """The object of a tool that has its parameters, which remembers the tool it was made from.

    Attributes:
        tool: The tool.
        model: The type of the arguments.
    """

    __slots__ = ("tool",)

    def __init__(self, members: Mapping[str, object], tool: FunctionTool[Any]) -> None:
        super().__init__(members)
        self.tool: FunctionTool[Any] = tool

    @property
    def model(self) -> object:
        """The type of the arguments."""
        return self.tool.kind

    def __deepcopy__(self, memo: object) -> ToolFunction:
        return ToolFunction(self, self.tool)

    def __copy__(self) -> ToolFunction:
        return ToolFunction(self, self.tool)

    def __reduce__(self) -> tuple[object, ...]:
        # To another process it travels as what is sent: a tool may stand for a closure.
        return dict, (dict(self),)


class FunctionTool(Generic[T_co]):
    """A function that a model may call, whose arguments are a type. `function_tool` makes one.

    `parse()` and the streams' helpers take it among their `tools`; `create()` takes `for_chat()` and `for_responses()`.

    Attributes:
        name: What the model calls it.
        description: What the model is told about it; None for nothing.
        parameters: The JSON schema of the arguments.
        strict: Whether the model is held to the schema.
        kind: The type of the arguments.
    """

    __slots__ = ("_output", "description", "name")

    def __init__(self, output: Output[T_co], name: str, description: str | None) -> None:
        self._output = output
        self.name: str = name
        self.description: str | None = description

    @property
    def output(self) -> Output[T_co]:
        """The arguments as what a model writes: their type, schema and decoder."""
        return self._output

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self._output.schema

    @property
    def strict(self) -> bool:
        """Whether the model is held to the schema."""
        return self._output.strict

    @property
    def kind(self) -> Any:
        """The type of the arguments."""
        return self._output.kind

    def decode(self, arguments: str | bytes) -> T_co:
        """Return what the model wrote as arguments, as the type.

        Raises:
            DecodeFailure: It is not JSON, or does not fit; the message says where.
        """
        return self._output.decode(arguments)

    def arguments_of(self, call: _Call) -> T_co:
        """Return the arguments of a call: `tool_calls[0].function` of a chat message, or a response's function call.

        Raises:
            DecodeFailure: They do not fit; the message says where.
        """
        return self.decode(call.arguments)

    def for_chat(self) -> ChatCompletionFunctionToolParam:
        """Return the tool as `chat.completions.create(tools=[...])` takes it."""
        function = ToolFunction(self.members(), self)
        return cast("ChatCompletionFunctionToolParam", {"type": "function", "function": function})

    def for_responses(self) -> FunctionToolParam:
        """Return the tool as `responses.create(tools=[...])` takes it."""
        return cast("FunctionToolParam", ToolFunction({"type": "function", **self.members()}, self))

    def members(self) -> dict[str, object]:
        """Return what both APIs are told of the tool, as a new dict."""
        members: dict[str, object] = {"name": self.name, "parameters": self.parameters, "strict": self.strict}
        if self.description is not None:
            members["description"] = self.description
        return members

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class CallableTool(FunctionTool[Struct], Generic[P, R]):
    """A tool made from a function, which can still be called as the function.

    Attributes:
        function: The function.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[P, R], output: Output[Struct], name: str, description: str | None) -> None:
        super().__init__(output, name, description)
        self.function: Callable[P, R] = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    def invoke(self, arguments: str | bytes | Struct) -> R:
        """Call the function with what the model wrote as arguments, or with what `decode` made of it.

        What an async function gives must be awaited.

        Raises:
            DecodeFailure: The arguments do not fit; the function has not been called.
        """
        given = arguments if isinstance(arguments, Struct) else self.decode(arguments)
        return cast("R", call_with(self.function, given))


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> CallableTool[P, R]: ...


@overload
def function_tool(  # type: ignore[overload-overlap]  # a class can be called too; the first form that fits is meant
    source: type[T], /, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> FunctionTool[T]: ...
@overload
def function_tool(
    source: Callable[P, R], /, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> CallableTool[P, R]: ...
@overload
def function_tool(
    source: Mapping[str, object], /, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> FunctionTool[dict[str, object]]: ...
@overload
def function_tool(*, name: str | None = None, description: str | None = None, strict: bool = True) -> _Decorator: ...
def function_tool(
    source: Any = None, /, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Any:
    """Return a tool that a model may call; a decorator, too.

    Of a function, the parameters' annotations say what the model must give, and the docstring says what the function
    and each parameter are for (Google's, NumPy's or Sphinx's style). A parameter with a default is asked for like any
    other: allow None where the model should be able to leave it open.

    Args:
        source: A function, plain or async; or the type of the arguments: a Struct, dataclass, TypedDict, attrs class,
            pydantic model, or a JSON schema.
        name: What the model calls it; else the function's or the type's name.
        description: What the model is told about it; else what the docstring says.
        strict: False does not hold the model to the schema, for what strict mode has no form for.

    Raises:
        UnsupportedSchemaError: A parameter has no annotation, or no form in the schemas that the API takes.
        ValueError: The API does not take such a name.
    """
    if source is None:

        def decorate(function: Callable[P, R]) -> CallableTool[P, R]:
            return _tool_of(function, name, description, strict)

        return decorate
    if isinstance(source, type | Mapping) or hasattr(source, "__origin__"):
        output = output_of(cast("type[object]", source), strict=strict)
        said = description if description is not None else _description(output.schema)
        return FunctionTool(output, output.name if name is None else api_name("", name), said)
    if not callable(source):
        raise TypeError(f"function_tool() takes a function, a type or a JSON schema, not {type(source).__name__}")
    return _tool_of(source, name, description, strict)


def _tool_of(function: Callable[P, R], name: str | None, description: str | None, strict: bool) -> CallableTool[P, R]:
    called = getattr(function, "__name__", None)
    if name is None and (called is None or not called.isidentifier()):
        raise UnsupportedSchemaError(f"{function!r} has no name that a model could call; give name=...", path="name")
    own = api_name(called or "", name)
    said = read_docstring(getattr(function, "__doc__", None))
    struct = parameters_of(function, called if called and called.isidentifier() else own, said.parameters)
    # Past the cache: the class is as new as the tool, and goes with it.
    output: Output[Struct] = fresh_output_of(struct, name=own, strict=strict)
    about = description if description is not None else said.summary or None
    return CallableTool(function, output, own, about)


def pydantic_function_tool(
    model: type[object], *, name: str | None = None, description: str | None = None
) -> ChatCompletionFunctionToolParam:
    """Return a tool as chat completions take it, whose calls `parse()` and the streams' helpers give as the type.

    Args:
        model: A pydantic model, or any type that `function_tool` takes.
        name: What the model calls it; else the type's name.
        description: What the model is told about it; else the type's docstring.

    Raises:
        UnsupportedSchemaError: The type has no form in the schemas that the API takes.
    """
    return function_tool(model, name=name, description=description).for_chat()


def pydantic_responses_function_tool(
    model: type[object],
    *,
    name: str | None = None,
    description: str | None = None,
    defer_loading: bool | Omit = omit,
) -> FunctionToolParam:
    """Return a tool as the Responses API takes it, whose calls `parse()` and the streams' helpers give as the type.

    Args:
        model: A pydantic model, or any type that `function_tool` takes.
        name: What the model calls it; else the type's name.
        description: What the model is told about it; else the type's docstring.
        defer_loading: Whether the model has to find it by the tool search before it can call it.

    Raises:
        UnsupportedSchemaError: The type has no form in the schemas that the API takes.
    """
    param = function_tool(model, name=name, description=description).for_responses()
    if not isinstance(defer_loading, Omit):
        param["defer_loading"] = defer_loading
    return param


def tool_in(param: object) -> FunctionTool[Any] | None:
    """Return the tool that a parameter is, or was made from, in either form; None if it was written by hand."""
    if isinstance(param, FunctionTool):
        return cast("FunctionTool[object]", param)
    if not isinstance(param, Mapping):
        return None
    members = cast("Mapping[str, object]", param)
    inner = members.get("function", members)
    return inner.tool if isinstance(inner, ToolFunction) else None


def _description(schema: Mapping[str, object]) -> str | None:
    said = schema.get("description")
    return said if isinstance(said, str) else None
