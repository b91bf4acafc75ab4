"""`Plain`: any Python value to what JSON has, one item at a time, so that errors say where; no bytes are written."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from io import IOBase
from math import isfinite
from os import PathLike
from typing import Any, cast
from uuid import UUID

from msgspec import UNSET, Struct

from .._omit import omit
from .dump import members_of, tag_of
from .extras import absent_of, extras_of
from .plain import MAX_DEPTH

__all__ = ("Plain",)

_SHOWN_PATH = 200

_AS_THEY_ARE = frozenset({int, bool, type(None), datetime, date, time, timedelta, Decimal, UUID})


class Plain:
    """Turns one value into plain dicts, lists and scalars, copies all of them; an instance serves one value."""

    __slots__ = ("_above", "_path")

    def __init__(self) -> None:
        self._above: set[int] = set()
        self._path: list[object] = []

    def value(self, value: object) -> object:
        """Return a value as JSON has it.

        Raises:
            TypeError: Something in it has no form in JSON.
            ValueError: A number is not finite, a text is no valid Unicode, it contains itself, or it nests too deeply.
        """
        # One call a level, loops inside: the interpreter allows 1,000 calls, the caller's included.
        kind = type(value)
        if kind in _AS_THEY_ARE:
            return value
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, float):
            return self._number(float.__float__(value))
        if isinstance(value, int):
            return int.__int__(value)
        if value is None:
            return None
        if type(value) in _AS_THEY_ARE:
            return value
        parts = self._parts(value)
        if parts is None:
            return self.value(self._converted(value))
        identity = id(value)
        if identity in self._above:
            raise ValueError(f"{self._where()} contains itself; JSON has no form for that")
        if len(self._above) >= MAX_DEPTH:
            raise ValueError(f"the request body nests deeper than {MAX_DEPTH} levels, at {self._where()}")
        self._above.add(identity)
        path = self._path
        result: dict[object, object] | list[object]
        if isinstance(parts, dict):
            result = {}
            for key, member in cast("dict[object, object]", parts).items():
                if member is omit or member is UNSET:
                    continue
                path.append(key)
                result[key if type(key) is str and key.isascii() else self._key(key)] = self.value(member)
                path.pop()
        else:
            result = []
            for index, item in enumerate(parts):
                path.append(index)
                result.append(self.value(item))
                path.pop()
        self._above.discard(identity)
        return result

    def _parts(self, value: object) -> dict[object, object] | Iterable[object] | None:
        """Return the members or items of a value; None if it must be converted first."""
        kind = type(value)
        if isinstance(value, dict):
            return cast("dict[object, object]", value)
        if isinstance(value, list | tuple):
            return cast("list[object]", value)
        if isinstance(value, Struct):
            return _members(value)
        if isinstance(value, array):
            return cast("array[float]", value).tolist()
        if isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(
                f"{self._where()} is {kind.__name__}, and JSON has text only: decode it, or encode it with base64 "
                "where the API expects that"
            )
        if isinstance(value, PathLike | IOBase):
            raise TypeError(f"{self._where()} is a file ({kind.__name__}), and this part of a request is JSON")
        if isinstance(value, Mapping):
            return dict(cast("Mapping[object, object]", value))
        if callable(getattr(kind, "model_dump", None)) or callable(getattr(kind, "tolist", None)):
            return None
        if dataclasses.is_dataclass(kind):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
        if isinstance(value, Iterable):
            return cast("Iterable[object]", value)
        raise TypeError(f"{self._where()} is of type {kind.__name__}, which has no form in JSON")

    def _converted(self, value: object) -> object:
        """Return what a pydantic model, a NumPy array or a NumPy scalar stands for."""
        foreign = cast("Any", value)
        if callable(getattr(type(value), "model_dump", None)):
            # Without the members that were not set, which is how openai-python sends such models.
            return foreign.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return foreign.tolist()

    def _text(self, value: str) -> str:
        text = str.__str__(value)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"{self._where()} holds half of a surrogate pair (U+{ord(text[error.start]):04X} at index "
                    f"{error.start}), which cannot be sent as UTF-8"
                ) from None
        return text

    def _number(self, value: float) -> float:
        if not isfinite(value):
            raise ValueError(f"{self._where()} is {value}, and JSON has finite numbers only")
        return value

    def _key(self, key: object) -> object:
        if isinstance(key, Enum):
            key = key.value
        if isinstance(key, str):
            return self._text(key)
        if isinstance(key, float):
            return self._number(float.__float__(key))
        if isinstance(key, int) and not isinstance(key, bool):
            return int.__int__(key)
        if type(key) in _AS_THEY_ARE and key is not None and not isinstance(key, bool):
            return key
        raise TypeError(f"{self._where()}: the name of a member is a str, not {type(key).__name__}")

    def _where(self) -> str:
        path = ""
        for part in self._path:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        return f"{path[:_SHOWN_PATH]}{'...' if len(path) > _SHOWN_PATH else ''}" or "the request body"


def _members(value: Struct) -> dict[object, object] | list[object]:
    """Return a Struct's members as msgspec would write them, undeclared ones too."""
    kind = type(value)
    config = kind.__struct_config__
    tag = tag_of(kind)
    if config.array_like:
        return (
            [*tag[1:], *(getattr(value, name) for name in kind.__struct_fields__)]
            if tag
            else [getattr(value, name) for name in kind.__struct_fields__]
        )
    result: dict[object, object] = {}
    if tag is not None:
        result[tag[0]] = tag[1]
    absent = absent_of(value)
    for name, wire, default in members_of(kind):
        member: object = getattr(value, name)
        if (config.omit_defaults and member is default) or (member is None and name in absent):
            continue
        result[wire] = member
    result.update(extras_of(value))
    return result
