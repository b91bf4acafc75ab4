"""Request bodies to JSON: msgspec where everything is native, a checked walk where not; answers are not read here."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import Struct

from .._omit import omit
from .unknown import UnknownObject
from .vector import Vector
from .walk import Plain

__all__ = ("encode",)

_SCALARS = frozenset({str, int, float, bool, type(None), datetime, date, time, timedelta, Decimal, UUID})
"""Types that msgspec writes as they should be written."""

_DICTS = frozenset({dict, UnknownObject})
_LISTS = frozenset({list, tuple})


class _NotNative(Exception):  # noqa: N818 - a signal, caught in `encode`
    """msgspec met what it cannot write by itself."""


def _hook(value: object) -> object:
    if type(value) is Vector:
        return value.tolist()
    raise _NotNative


_native = msgspec.json.Encoder(enc_hook=_hook).encode

_BARE_NULL = re.compile(rb"(?:^|[:,\[])null")


def encode(value: object) -> bytes:
    """Return a request body as JSON.

    Dicts and TypedDicts, Structs, lists, tuples, generators and other iterables, any mapping, `Vector`, NumPy arrays
    and scalars, pydantic models, dataclasses, dates, UUIDs, decimals and enums are written; `omit` as the value of a
    member leaves the member out, at any depth. Nothing that is passed in is changed.

    Args:
        value: The body.

    Raises:
        TypeError: Something in it has no form in JSON (bytes and paths included); the message says where it is.
        ValueError: A number in it is not finite, a text is no valid Unicode, it contains itself, or it nests deeper
            than 500 levels.
    """
    if type(value) is dict:
        # Methods hand over every argument; most were left out.
        members = cast("dict[str, object]", value)
        value = {name: member for name, member in members.items() if member is not omit}
    try:
        text = _native(value)
    except (_NotNative, TypeError, ValueError, RecursionError):
        return _encode_walked(value)
    # msgspec writes numbers that are not finite as null. The walk comes after the attempt because a body that
    # contains itself has no end to walk to.
    if is_native(value, floats=b"null" in text and _BARE_NULL.search(text) is not None):
        return text
    return _encode_walked(value)


def _encode_walked(value: object) -> bytes:
    try:
        return _native(Plain().value(value))
    except RecursionError:
        raise ValueError("the request body nests too deeply to be written as JSON") from None


def is_native(value: object, *, floats: bool) -> bool:
    """Tell whether msgspec wrote a value as we would.

    It does not for bytes (it writes base64), undeclared members of our Structs (it leaves them out) and, which is
    looked at with `floats`, for numbers that are not finite (it writes null). The value must have an end.
    """
    todo: list[object] = [value]
    for item in todo:
        kind = type(item)
        members: Any = item
        if kind in _DICTS:
            members = members.values()
        elif kind in _LISTS:
            pass
        elif isinstance(item, Struct):
            room = getattr(item, "__dict__", None)
            if room and (len(room) > 1 or "_request_id" not in room):
                return False
            members = [getattr(item, name) for name in item.__struct_fields__]
        elif kind is Vector:
            if floats and not all(map(isfinite, members)):
                return False
            continue
        elif kind is float:
            if not isfinite(members):
                return False
            continue
        elif kind in _SCALARS or isinstance(item, Enum):
            continue
        else:
            return False
        if floats:
            todo += members
        elif not _SCALARS.issuperset(map(type, members)):
            todo += [member for member in members if type(member) not in _SCALARS]
    return True
