"""What a schema comes down to: a few shapes and two kinds of declaration; how they are read and written lives elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Scalar:
    """One JSON scalar, or anything (`object`); `time` is a Unix time, `file` the content of a form part."""

    kind: Literal["str", "int", "float", "bool", "None", "object", "time", "file"]


@dataclass(frozen=True)
class Choices:
    """The values that are known today; the set is open."""

    values: tuple[str | int | bool, ...]


@dataclass(frozen=True)
class Listed:
    """A JSON array of one kind of item."""

    item: Shape


@dataclass(frozen=True)
class Mapped:
    """A JSON object with free keys and one kind of value."""

    value: Shape


@dataclass(frozen=True)
class Named:
    """A reference to a declaration, by its key."""

    key: str


@dataclass(frozen=True)
class Either:
    """A union, flat but for named unions in it; `tag` is the member that tells its objects apart, if one is declared."""

    members: tuple[Shape, ...]
    tag: str | None = None


Shape: TypeAlias = Scalar | Choices | Listed | Mapped | Named | Either

NONE = Scalar("None")
ANYTHING = Scalar("object")


@dataclass(frozen=True)
class Limits:
    """The facts about a value beside its type, for docstrings."""

    default: object = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    deprecated: bool = False
    time: bool = False


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One member of an object.

    Attributes:
        wire: Its name in JSON.
        shape: Its type; a union with None where null is allowed.
        required: Whether it is always there.
        limits: What else is known of its value.
        spelling: Its name in a TypedDict, where users know it by another one; empty: the same.
    """

    wire: str
    shape: Shape
    required: bool
    limits: Limits = NO_LIMITS
    spelling: str = ""


@dataclass
class Object:
    """A JSON object with known members: becomes a Struct or a TypedDict.

    Attributes:
        key: Where it stands in the description, such as `Name/properties/x/items`.
        members: By their name in JSON.
        also_at: Other places that lead to it, through a merged `allOf`.
        place: The declaration it was first met in, and the member; None for a component.
    """

    key: str
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    also_at: list[str] = field(default_factory=list[str])
    place: tuple[str, str] | None = None


@dataclass
class Alias:
    """A union, enum or list that has a name of its own."""

    key: str
    shape: Shape
    also_at: list[str] = field(default_factory=list[str])
    place: tuple[str, str] | None = None


Declaration: TypeAlias = Object | Alias


def optional(shape: Shape) -> bool:
    """Whether null is allowed."""
    return shape == NONE or (isinstance(shape, Either) and NONE in shape.members)


def without_none(shape: Shape) -> Shape:
    """Return the shape with null taken out."""
    if not isinstance(shape, Either) or NONE not in shape.members:
        return shape
    return either(tuple(member for member in shape.members if member != NONE), shape.tag)


def either(members: tuple[Shape, ...], tag: str | None = None) -> Shape:
    """Return the union of the shapes: flat, without doubles, null last, enums of one kind joined."""
    flat: list[Shape] = []
    for member in members:
        parts = member.members if isinstance(member, Either) else (member,)
        if isinstance(member, Either):
            tag = tag or member.tag
        flat.extend(part for part in parts if part not in flat)
    enums = [member for member in flat if isinstance(member, Choices)]
    if len(enums) > 1:
        joined = Choices(tuple(dict.fromkeys(value for enum in enums for value in enum.values)))
        flat = [joined if member is enums[0] else member for member in flat if member not in enums[1:]]
    if NONE in flat:
        flat.remove(NONE)
        flat.append(NONE)
    if ANYTHING in flat:
        return ANYTHING
    return flat[0] if len(flat) == 1 else Either(tuple(flat), tag)


def inner(shape: Shape) -> Iterator[Shape]:
    """Every shape within a shape, itself first; declarations are not entered."""
    yield shape
    if isinstance(shape, Listed):
        yield from inner(shape.item)
    elif isinstance(shape, Mapped):
        yield from inner(shape.value)
    elif isinstance(shape, Either):
        for member in shape.members:
            yield from inner(member)
