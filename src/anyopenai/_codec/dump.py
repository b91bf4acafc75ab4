"""From objects to plain values for `to_dict()` and `to_json()`; bodies of requests are `encoder`'s business."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple, cast
from uuid import UUID

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from .extras import absent_of, derived_of, extras_of

__all__ = ("Member", "dump_json", "dump_mapping", "dump_struct", "members_of", "tag_of")

_SCALARS = frozenset({str, int, float, bool, type(None)})
_KEPT = (bytes, bytearray, date, datetime, time, timedelta, Decimal, UUID)


class Member(NamedTuple):
    """One declared member of a Struct.

    Attributes:
        name: The attribute.
        wire: Its name in JSON.
        default: What it is when the document has none; `NODEFAULT` where it is required or a factory makes it.
    """

    name: str
    wire: str
    default: object


@cache
def members_of(kind: type[Struct]) -> tuple[Member, ...]:
    """Return the members that a Struct class declares, in order."""
    return tuple(Member(field.name, field.encode_name, field.default) for field in fields(kind))


def tag_of(kind: type[Struct]) -> tuple[str, str | int] | None:
    """Return the member that says which class an object is, and its value for this class."""
    config = kind.__struct_config__
    return None if config.tag_field is None or config.tag is None else (config.tag_field, config.tag)


def dump_struct(
    value: Struct,
    *,
    mode: str = "python",
    by_wire_name: bool = True,
    exclude_unset: bool = True,
    exclude_none: bool = False,
    include: Collection[str] | None = None,
    exclude: Collection[str] | None = None,
) -> dict[str, object]:
    """Return a Struct's members as a dict of plain values.

    Args:
        value: The Struct.
        mode: `"json"` gives only what JSON has; `"python"` leaves dates and the like as they are.
        by_wire_name: Keys are the names in JSON; else the attribute names.
        exclude_unset: Leave out optional members that are at their default, and required ones the server left out.
        exclude_none: Leave out every member that is None.
        include: Only these members of `value` itself.
        exclude: Not these members of `value` itself.
    """

    def wanted(name: str) -> bool:
        return (include is None or name in include) and (exclude is None or name not in exclude)

    dumper = _Dumper(mode == "json", by_wire_name, exclude_unset, exclude_none)
    members = dumper.members(value)
    if include is not None or exclude is not None:
        members = {name: member for name, member in members.items() if wanted(name)}
    return dumper.plain(members)


def dump_mapping(value: Mapping[str, object], *, mode: str = "python", exclude_none: bool = False) -> dict[str, object]:
    """Return a mapping as a plain dict, the Structs in it dumped too."""
    return _Dumper(mode == "json", True, True, exclude_none).plain(value)


def dump_json(value: object, indent: int | None) -> str:
    """Return plain values as JSON text."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half of a surrogate pair, as a server may cut an emoji: an escape is the only way to write it.
        return json.dumps(value, indent=indent, separators=None if indent else (",", ":"))
    return (text if indent is None else msgspec.json.format(text, indent=indent)).decode()


class _Dumper:
    __slots__ = ("_by_wire_name", "_exclude_none", "_exclude_unset", "_json")

    def __init__(self, json: bool, by_wire_name: bool, exclude_unset: bool, exclude_none: bool) -> None:
        self._json = json
        self._by_wire_name = by_wire_name
        self._exclude_unset = exclude_unset
        self._exclude_none = exclude_none

    def plain(self, members: Mapping[str, object]) -> dict[str, object]:
        """Dump every member.

        Raises:
            ValueError: They nest too deeply, or contain themselves.
        """
        try:
            return {name: self.value(member) for name, member in members.items()}
        except RecursionError:
            raise ValueError("the object nests too deeply to be dumped, or contains itself") from None

    def members(self, value: Struct) -> dict[str, object]:
        """Return the members of a Struct that are to be shown, by the names they are to be shown by."""
        kind = type(value)
        result: dict[str, object] = {}
        tag = tag_of(kind)
        if tag is not None:
            result[tag[0]] = tag[1]
        absent = absent_of(value)
        for name, wire, default in members_of(kind):
            member: object = getattr(value, name)
            if member is None:
                if self._exclude_none or (self._exclude_unset and (default is None or name in absent)):
                    continue
            elif self._exclude_unset and default is not NODEFAULT and member is default:
                continue
            result[wire if self._by_wire_name else name] = member
        for name, member in extras_of(value).items():
            if not (member is None and self._exclude_none):
                result[name] = member
        for name, member in derived_of(value).items():
            if not (member is None and self._exclude_none):
                result[name] = self._foreign(member)
        return result

    def _foreign(self, value: object) -> object:
        """Return an object of the user's own class as plain values."""
        dump = getattr(value, "model_dump", None)
        if dump is not None and not isinstance(value, Struct):
            return cast("object", dump(mode="json" if self._json else "python"))
        if isinstance(value, dict):
            return cast("dict[str, object]", value)
        if isinstance(value, Struct) or type(value) in _SCALARS:
            return value
        # Dataclasses and attrs classes; what is left as it is in Python mode is what a Struct's members are left as.
        return msgspec.to_builtins(value, builtin_types=None if self._json else _KEPT, str_keys=True)

    def value(self, value: object) -> object:
        """Return a value as `to_dict()` shows it."""
        # One call a level and loops inside, not comprehensions: the interpreter allows 1,000 calls.
        kind = type(value)
        if kind in _SCALARS:
            return value
        if isinstance(value, Struct):
            value = self.members(value)
        if isinstance(value, dict):
            plain: dict[object, object] = {}
            for key, item in cast("dict[object, object]", value).items():
                plain[key] = item if type(item) in _SCALARS else self.value(item)
            return plain
        if isinstance(value, list | tuple | set | frozenset):
            items: list[object] = []
            for item in cast("list[object]", value):
                items.append(item if type(item) in _SCALARS else self.value(item))
            return items
        if isinstance(value, array):
            return cast("array[float]", value).tolist()
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_refuse) if self._json else value


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no form in JSON")
