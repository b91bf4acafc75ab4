"""The JSON schema of a type, and the function that reads JSON text as it; what the API takes of it is `strict`'s business.

Structs, dataclasses, TypedDicts and attrs classes are msgspec's; models of pydantic bring their own means, and pydantic
is imported only for its dataclasses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, Final, cast, get_origin

import msgspec
from msgspec import inspect

from .._codec import DecodeFailure
from .._codec.lenient import dec_hook
from .._codec.plain import excerpt
from ..errors import MissingExtraError, UnsupportedSchemaError

__all__ = ("Read", "is_model", "reader_of", "schema_of", "type_name")

Read = Callable[[str | bytes], object]
"""Reads JSON text; raises `DecodeFailure` where it does not fit."""

_SHOWN_ERRORS: Final = 3


def is_model(kind: object) -> bool:
    """Tell whether a class is a model of pydantic, without importing it."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate_json")


def type_name(kind: Any) -> str:
    """Return how a type is called in messages: `Weather`, `Page[Weather]`."""
    if isinstance(kind, type) and get_origin(kind) is None:
        return kind.__name__
    origin = get_origin(kind)
    arguments: tuple[object, ...] = getattr(kind, "__args__", ())
    if isinstance(origin, type) and origin is not UnionType and arguments:
        return f"{origin.__name__}[{', '.join(map(type_name, arguments))}]"
    return str(kind).replace("typing.", "")


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type.

    Raises:
        UnsupportedSchemaError: It has none.
    """
    try:
        if is_model(kind):
            return cast("dict[str, Any]", kind.model_json_schema())
        if _is_model_dataclass(kind):
            return cast("dict[str, Any]", _adapter(kind).json_schema())
        schema = msgspec.json.schema(kind, schema_hook=_schema_hook)
        _say_formats(inspect.type_info(kind), schema, schema.get("$defs", {}), set())
        return schema
    except MissingExtraError:
        raise
    except (TypeError, NotImplementedError, NameError) as error:
        raise _foreign_type(kind) or _no_schema(kind, str(error).partition("\n")[0]) from error
    except Exception as error:
        # pydantic raises errors of its own, which are not known here.
        if type(error).__module__.partition(".")[0] == "pydantic":
            raise _no_schema(kind, str(error).partition("\n")[0]) from error
        raise


def _foreign_type(kind: Any) -> UnsupportedSchemaError | None:
    """Say where in a type a class stands that msgspec does not know; None if it knows them all, or not what the type is."""
    try:
        found = _foreign(inspect.type_info(kind), type_name(kind), set())
    except (TypeError, NameError):
        return None
    if found is None:
        return None
    path, foreign = found
    return UnsupportedSchemaError(
        f"{path} (asked for as {type_name(kind)}) is of type {type_name(foreign)}, which has no JSON schema; use a str, "
        "int, float, bool, date, list, Literal, Enum, Struct, dataclass, TypedDict, attrs class or pydantic model",
        path=path,
    )


def _foreign(info: Any, path: str, seen: set[object]) -> tuple[str, object] | None:
    """Find the first class that msgspec does not know: where it stands, and the class.

    Args:
        info: What msgspec knows of the type.
        path: Where the type stands.
        seen: Classes that have been looked at.
    """
    inner: list[tuple[Any, str]] = []
    if isinstance(info, inspect.CustomType | inspect.ExtType):
        kind = getattr(info, "cls", type(info))
        return None if is_model(kind) else (path, kind)
    if isinstance(info, inspect.Metadata):
        inner = [(info.type, path)]
    elif isinstance(info, inspect.UnionType):
        inner = [(choice, path) for choice in info.types]
    elif isinstance(info, inspect.DictType):
        inner = [(info.key_type, path), (info.value_type, path)]
    elif isinstance(info, inspect.TupleType | inspect.NamedTupleType):
        parts = info.item_types if isinstance(info, inspect.TupleType) else [field.type for field in info.fields]
        inner = [(part, path) for part in parts]
    elif isinstance(info, inspect.ListType | inspect.SetType | inspect.FrozenSetType | inspect.VarTupleType):
        inner = [(info.item_type, path)]
    elif isinstance(info, inspect.StructType | inspect.DataclassType | inspect.TypedDictType) and info.cls not in seen:
        seen.add(info.cls)
        inner = [(field.type, f"{path}.{field.encode_name}") for field in info.fields]
    return next((found for part, where in inner if (found := _foreign(part, where, seen))), None)


def _no_schema(kind: Any, reason: str) -> UnsupportedSchemaError:
    name = type_name(kind)
    return UnsupportedSchemaError(
        f"{name} has no JSON schema: {reason}; use a msgspec Struct, a dataclass, a TypedDict, an attrs class, a "
        "pydantic model, or a JSON schema",
        path=name,
    )


def reader_of(kind: Any) -> Read:
    """Return the function that reads JSON text as a type; making it costs, calling it does not make anything.

    Raises:
        UnsupportedSchemaError: Nothing can be read as such a type.
    """
    if is_model(kind):
        return _reader_of_model(kind, kind.model_validate_json)
    if _is_model_dataclass(kind):
        return _reader_of_model(kind, _adapter(kind).validate_json)
    try:
        decode = msgspec.json.Decoder(kind, dec_hook=dec_hook).decode
    except (TypeError, NameError) as error:
        raise _no_schema(kind, str(error).partition("\n")[0]) from error

    def read(text: str | bytes) -> object:
        try:
            return decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise _misfit(kind, text, str(error)) from error

    return read


def _reader_of_model(kind: Any, validate: Callable[[str | bytes], object]) -> Read:
    def read(text: str | bytes) -> object:
        try:
            return validate(text)
        except ValueError as error:
            raise _misfit(kind, text, _said_by_model(error)) from error

    return read


def _misfit(kind: Any, text: str | bytes, reason: str) -> DecodeFailure:
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return DecodeFailure(f"it is not {type_name(kind)}: {reason}; it begins {excerpt(data)}")


def _said_by_model(error: ValueError) -> str:
    """Say what a validation error says, in a line: places and reasons, without the input."""
    errors: Callable[..., list[Mapping[str, Any]]] | None = getattr(error, "errors", None)
    if errors is None:
        return str(error).partition("\n")[0]
    found = errors(include_url=False, include_context=False, include_input=False)
    said = [
        f"{one['msg']} - at `${''.join(f'[{part}]' if isinstance(part, int) else f'.{part}' for part in one['loc'])}`"
        for one in found[:_SHOWN_ERRORS]
    ]
    more = len(found) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")


def _schema_hook(kind: type) -> dict[str, Any]:
    """Give msgspec the schema of a model within a Struct."""
    if is_model(kind):
        return cast("dict[str, Any]", cast("Any", kind).model_json_schema())
    raise NotImplementedError


def _say_formats(info: Any, node: dict[str, Any], definitions: dict[str, Any], seen: set[object]) -> None:
    """Say of dates with a time, and of times, what text they are: msgspec says it only where a time zone is demanded.

    Args:
        info: What msgspec knows of the type.
        node: The type's schema, which is changed.
        definitions: The schemas that references lead to.
        seen: Classes that have been looked at.
    """
    while isinstance(node.get("$ref"), str):
        node = definitions[node["$ref"].rpartition("/")[2]]
    if isinstance(info, inspect.Metadata):
        _say_formats(info.type, node, definitions, seen)
    elif isinstance(info, inspect.DateTimeType | inspect.TimeType):
        if node.get("type") == "string":
            node.setdefault("format", "date-time" if isinstance(info, inspect.DateTimeType) else "time")
    elif isinstance(info, inspect.UnionType):
        for choice in info.types:
            # Of what is written as text, msgspec admits one in a union.
            texts = isinstance(choice, inspect.DateTimeType | inspect.TimeType)
            for inner in node.get("anyOf", ()):
                if not texts or inner.get("type") == "string":
                    _say_formats(choice, inner, definitions, seen)
    elif isinstance(info, inspect.ListType | inspect.SetType | inspect.FrozenSetType | inspect.VarTupleType):
        if isinstance(node.get("items"), dict):
            _say_formats(info.item_type, node["items"], definitions, seen)
    elif isinstance(info, inspect.StructType | inspect.DataclassType | inspect.TypedDictType) and info.cls not in seen:
        members: dict[str, Any] = node.get("properties", {})
        # Not the schema of another class in the same union.
        if str(node.get("title")).partition("[")[0] == (get_origin(info.cls) or info.cls).__name__:
            seen.add(info.cls)
            for field in info.fields:
                _say_formats(field.type, members[field.encode_name], definitions, seen)


def _is_model_dataclass(kind: object) -> bool:
    return hasattr(kind, "__pydantic_validator__") and hasattr(kind, "__dataclass_fields__")


def _adapter(kind: Any) -> Any:
    try:
        from pydantic import TypeAdapter
    except ImportError:
        raise MissingExtraError(
            f"{type_name(kind)} is a dataclass of pydantic, which is not installed; pip install 'anyopenai[pydantic]'"
        ) from None
    return TypeAdapter(kind)
