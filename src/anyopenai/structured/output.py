"""`Output`: a type that a model's answer is asked for in and read as; requests and answers themselves are not known here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar, cast, overload

from .._codec import DecodeFailure, decode_any
from .._codec.plain import excerpt, kind_of
from .._sansio.partial_json import PartialJSON
from ..errors import UnsupportedSchemaError
from .schema import Read, reader_of, schema_of, type_name
from .strict import strict_schema

__all__ = ("Output", "api_name", "fresh_output_of", "output_of", "read_object")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAX_NAME: Final = 64
"""Most characters of a schema's or function's name. Source: https://platform.openai.com/docs/api-reference/chat/create"""

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Output(Generic[T_co]):
    """What a model's answer must look like: a type with its schema, its name and its decoder. `output_of` makes one.

    Attributes:
        kind: The type; `dict` for a plain JSON schema.
        name: What the API calls the schema.
        description: What the model is told about it; None for nothing.
        schema: The JSON schema that is sent.
        strict: Whether the API must keep to the schema.
    """

    __slots__ = ("_read", "description", "kind", "name", "schema", "strict")

    def __init__(
        self, kind: Any, name: str, description: str | None, schema: dict[str, Any], strict: bool, read: Read
    ) -> None:
        self.kind: Any = kind
        self.name: str = name
        self.description: str | None = description
        self.schema: dict[str, Any] = schema
        self.strict: bool = strict
        self._read = read

    def decode(self, text: str | bytes) -> T_co:
        """Return what the model wrote, as the type.

        Args:
            text: The whole JSON document.

        Raises:
            DecodeFailure: It is not JSON, or does not fit the type; the message says where.
        """
        return cast("T_co", self._read(text))

    def partial(self) -> PartialJSON:
        """Return a parser to be fed with the text as it arrives, whose `value` is what is known so far.

        Its values are plain dicts and lists, since a type's required members may not have come yet; `decode` the text
        when it is complete.
        """
        return PartialJSON()

    def __repr__(self) -> str:
        return f"output_of({type_name(self.kind)}, name={self.name!r})"


@overload
def output_of(
    kind: type[T], *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Output[T]: ...
@overload
def output_of(
    kind: Mapping[str, object], *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Output[dict[str, object]]: ...
@overload
def output_of(
    kind: Output[T], *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Output[T]: ...
def output_of(
    kind: Any, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Output[Any]:
    """Return what asks for a type and reads it; where only the type is given, one is kept for each.

    Args:
        kind: A msgspec Struct, dataclass, TypedDict, attrs class or pydantic model, or a JSON schema of an object. The
            members of a plain schema that it does not require may come as null.
        name: What the API calls the schema; else the type's name, or the schema's `title`.
        description: What the model is told about it; else the description that the schema has says it.
        strict: False sends the schema as it is and does not hold the model to it, for types that strict mode has no
            form for; the answer is decoded all the same.

    Raises:
        UnsupportedSchemaError: The type has no schema, or strict mode has no form for it.
        ValueError: The API does not take such a name.
    """
    if isinstance(kind, Output):
        return cast("Output[object]", kind)
    if isinstance(kind, Mapping):
        return _of_schema(cast("Mapping[str, object]", kind), name, description, strict)
    try:
        return _of_type(kind, name, description, strict)
    except TypeError as error:
        if isinstance(error, UnsupportedSchemaError):
            raise
        # A type that cannot be hashed, such as one annotated with a list.
        return fresh_output_of(kind, name=name, description=description, strict=strict)


# Bounded, as a program may make types without end; each entry is a schema and a decoder.
@lru_cache(maxsize=1024)
def _of_type(kind: Any, name: str | None, description: str | None, strict: bool) -> Output[Any]:
    return fresh_output_of(kind, name=name, description=description, strict=strict)


def fresh_output_of(
    kind: Any, *, name: str | None = None, description: str | None = None, strict: bool = True
) -> Output[Any]:
    """Do what `output_of` does for a type, and keep nothing."""
    called = type_name(kind)
    schema = schema_of(kind)
    if strict:
        schema = strict_schema(schema, name=called)
    return Output(kind, api_name(called, name), description, schema, strict, reader_of(kind))


def _of_schema(
    given: Mapping[str, object], name: str | None, description: str | None, strict: bool
) -> Output[dict[str, object]]:
    title = given.get("title")
    called = title if isinstance(title, str) and title else "output"
    schema = strict_schema(given, name=called, optional_as_null=True) if strict else dict(given)
    return Output(dict, api_name(called, name), description, schema, strict, read_object)


def read_object(text: str | bytes) -> dict[str, object]:
    """Read JSON text that is an object.

    Raises:
        DecodeFailure: It is something else.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    value = decode_any(data)
    if not isinstance(value, dict):
        raise DecodeFailure(f"it is {kind_of(value)} where an object was asked for; it begins {excerpt(data)}")
    return cast("dict[str, object]", value)


def api_name(called: str, given: str | None) -> str:
    """Return a name as the API takes it: the given one, checked, else that of a type, made to fit.

    Raises:
        ValueError: The given one does not fit.
    """
    if given is None:
        return _NOT_IN_NAMES.sub("_", called).strip("_")[:_MAX_NAME] or "output"
    if not given or len(given) > _MAX_NAME or _NOT_IN_NAMES.search(given):
        raise ValueError(f"the API takes names of 1 to {_MAX_NAME} letters, digits, _ and -, not {given!r}")
    return given
