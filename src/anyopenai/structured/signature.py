"""A function's parameters as a Struct class, and a call with its members; what a model is told of them is `tool`'s business."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct

from ..errors import UnsupportedSchemaError

__all__ = ("call_with", "parameters_of")


def parameters_of(function: Callable[..., object], name: str, descriptions: dict[str, str]) -> type[Struct]:
    """Return a Struct class whose fields are a function's parameters.

    Args:
        function: A function, a method, or an object with `__call__`; plain or async.
        name: What the class is called.
        descriptions: What is said of each parameter.

    Raises:
        UnsupportedSchemaError: A parameter has no annotation, or is not one of a fixed number.
    """
    # An object that can be called has its annotations on its class's method.
    target: Any = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = get_type_hints(inspect.unwrap(target), include_extras=True)
    except NameError as error:
        raise UnsupportedSchemaError(
            f"an annotation of {name}() cannot be read: {error}; define the type at module level", path=name
        ) from error
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        path = f"{name}.{parameter.name}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise UnsupportedSchemaError(
                f"{name}() takes any number of arguments ({parameter}), which a schema cannot express; name each of them",
                path=path,
            )
        if parameter.name not in hints:
            raise UnsupportedSchemaError(
                f"the parameter {parameter.name!r} of {name}() has no annotation; write its type", path=path
            )
        kind = hints[parameter.name]
        about = _said_of(kind) or descriptions.get(parameter.name)
        if about:
            kind = Annotated[kind, Meta(description=about)]
        if parameter.default is parameter.empty:
            fields.append((parameter.name, kind))
        else:
            # A factory, as msgspec refuses mutable defaults: this one belongs to the function.
            fields.append((parameter.name, kind, msgspec.field(default_factory=_constant(parameter.default))))
    try:
        return msgspec.defstruct(name, fields, kw_only=True, module=getattr(function, "__module__", None))
    except (TypeError, ValueError) as error:
        raise UnsupportedSchemaError(f"the parameters of {name}() have no schema: {error}", path=name) from error


def _said_of(kind: Any) -> str | None:
    """Return what an annotation says of a parameter: `Annotated[int, "..."]`, or with pydantic's `Field(description=...)`."""
    for extra in getattr(kind, "__metadata__", ()):
        said = extra if isinstance(extra, str) else getattr(extra, "description", None)
        if isinstance(said, str):
            return said
    return None


def _constant(value: object) -> Callable[[], object]:
    return lambda: value


def call_with(function: Callable[..., Any], arguments: Struct) -> Any:
    """Call a function with the members of what `parameters_of` gave a class for."""
    positional: list[object] = []
    named: dict[str, object] = {}
    for parameter in inspect.signature(function).parameters.values():
        value: object = getattr(arguments, parameter.name)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[parameter.name] = value
    return function(*positional, **named)
