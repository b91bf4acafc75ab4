"""Where a Struct keeps what its class does not declare: undeclared members, names of absent ones; nothing else.

All of it stands in the instance's `__dict__`: an undeclared member under its own name where that is free, so that
plain attribute access finds it, else in the mapping under `HIDDEN`. A name that begins with an underscore is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

__all__ = (
    "ABSENT",
    "DERIVED",
    "HIDDEN",
    "absent_of",
    "attach",
    "derive",
    "derived_of",
    "extras_of",
    "mark_absent",
    "room_of",
)

HIDDEN = "_extra"
"""Undeclared members whose names would hide an attribute of the class, such as a member called `to_dict`."""

ABSENT = "_absent"
"""Names of members that the class requires and the document left out; they read as None and are not sent back."""

DERIVED = "_derived"
"""What was worked out of an object's members, such as what its text says when parsed: shown, and never sent."""

_NOTHING: dict[str, object] = {}
_NONE_ABSENT: frozenset[str] = frozenset()


def room_of(target: object) -> dict[str, object]:
    """Return an instance's `__dict__`; its class must have one."""
    return cast("dict[str, object]", target.__dict__)


def attach(target: object, members: Mapping[str, object]) -> None:
    """Give an instance undeclared members; nothing happens where its class has no room for them."""
    room = cast("dict[str, object] | None", getattr(target, "__dict__", None))
    if room is None:
        return
    kind = type(target)
    for name, value in members.items():
        if name[:1] == "_" or hasattr(kind, name):
            cast("dict[str, object]", room.setdefault(HIDDEN, {}))[name] = value
        else:
            room[name] = value


def mark_absent(target: object, names: frozenset[str]) -> None:
    """Note which required members (by attribute name) the document left out."""
    room = cast("dict[str, object] | None", getattr(target, "__dict__", None))
    if room is not None:
        room[ABSENT] = names


def extras_of(target: object) -> dict[str, object]:
    """Return the undeclared members of an instance; the result is the caller's only when it is not empty."""
    room = cast("dict[str, object] | None", getattr(target, "__dict__", None))
    if not room:
        return _NOTHING
    kind = type(target)
    members = {name: value for name, value in room.items() if name[:1] != "_" and not hasattr(kind, name)}
    hidden = room.get(HIDDEN)
    if hidden:
        members.update(cast("dict[str, object]", hidden))
    return members


def absent_of(target: object) -> frozenset[str]:
    """Return the names of required members that the document left out."""
    room = cast("dict[str, object] | None", getattr(target, "__dict__", None))
    return cast("frozenset[str]", room.get(ABSENT, _NONE_ABSENT)) if room else _NONE_ABSENT


def derive(target: object, name: str, value: object) -> None:
    """Keep under a name what was worked out of an instance's members; its class must have room for it."""
    cast("dict[str, object]", room_of(target).setdefault(DERIVED, {}))[name] = value


def derived_of(target: object) -> dict[str, object]:
    """Return what was worked out of an instance's members; the result is not the caller's."""
    room = cast("dict[str, object] | None", getattr(target, "__dict__", None))
    return cast("dict[str, object]", room.get(DERIVED, _NOTHING)) if room else _NOTHING
