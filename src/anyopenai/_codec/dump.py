"""From objects to plain values for `to_dict()` and `to_json()`; bodies of requests are `encoder`'s business."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import NamedTuple, cast

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from .extras import absent_of, extras_of

__all__ = ("Member", "dump_json", "dump_mapping", "dump_struct", "members_of", "tag_of")

_SCALARS = frozenset({str, int, float, bool, type(None)})


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
    dump = _Dumper(mode == "json", by_wire_name, exclude_unset, exclude_none).value

    def wanted(name: str) -> bool:
        return (include is None or name in include) and (exclude is None or name not in exclude)

    return _Dumper(mode == "json", by_wire_name, exclude_unset, exclude_none).struct(
        value, None if include is None and exclude is None else wanted, dump
    )


def dump_mapping(value: Mapping[str, object], *, mode: str = "python", exclude_none: bool = False) -> dict[str, object]:
    """Return a mapping as a plain dict, the Structs in it dumped too."""
    dumper = _Dumper(mode == "json", True, True, exclude_none)
    return {name: dumper.value(item) for name, item in value.items()}


def dump_json(value: object, indent: int | None) -> str:
    """Return plain values as JSON text."""
    text = msgspec.json.encode(value)
    return (text if indent is None else msgspec.json.format(text, indent=indent)).decode()


class _Dumper:
    __slots__ = ("_by_wire_name", "_exclude_none", "_exclude_unset", "_json")

    def __init__(self, json: bool, by_wire_name: bool, exclude_unset: bool, exclude_none: bool) -> None:
        self._json = json
        self._by_wire_name = by_wire_name
        self._exclude_unset = exclude_unset
        self._exclude_none = exclude_none

    def struct(
        self, value: Struct, wanted: Callable[[str], bool] | None, dump: Callable[[object], object]
    ) -> dict[str, object]:
        kind = type(value)
        result: dict[str, object] = {}
        tag = tag_of(kind)
        if tag is not None and (wanted is None or wanted(tag[0])):
            result[tag[0]] = tag[1]
        absent = absent_of(value)
        for name, wire, default in members_of(kind):
            if wanted is not None and not wanted(name):
                continue
            member: object = getattr(value, name)
            if member is None:
                if self._exclude_none or (self._exclude_unset and (default is None or name in absent)):
                    continue
            elif self._exclude_unset and default is not NODEFAULT and member is default:
                continue
            key = wire if self._by_wire_name else name
            result[key] = member if type(member) in _SCALARS else dump(member)
        for name, member in extras_of(value).items():
            if (wanted is None or wanted(name)) and not (member is None and self._exclude_none):
                result[name] = dump(member)
        return result

    def value(self, value: object) -> object:
        # Loops, not comprehensions: each would cost a frame per level, and deep documents are served too.
        kind = type(value)
        if kind in _SCALARS:
            return value
        if isinstance(value, Struct):
            return self.struct(value, None, self.value)
        if isinstance(value, dict):
            plain: dict[object, object] = {}
            for key, item in cast("dict[object, object]", value).items():
                plain[key] = self.value(item)
            return plain
        if isinstance(value, list | tuple | set | frozenset):
            items: list[object] = []
            for item in cast("list[object]", value):
                items.append(self.value(item))
            return items
        if isinstance(value, array):
            return cast("array[float]", value).tolist()
        return msgspec.to_builtins(value, str_keys=True, enc_hook=_refuse) if self._json else value


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no form in JSON")
