"""Decides how unions of objects are told apart when an answer is decoded: by a tag, or by a table of rows.

msgspec tells Structs apart by one tag field whose values do not overlap. Most unions are like that. For the rest (`type`
then `role`, no constant at all) a `Resolved` marker stands in the union's place, and `_codec` picks the row that fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .naming import Layout
from .shapes import Choices, Either, Named, Object, Shape, inner, without_none

_FAVOURITES = ("type", "object", "role", "event", "name", "kind")


@dataclass(frozen=True)
class Tag:
    """A Struct's tag: the member that carries it, and its values; a value beyond the first needs a variant class."""

    wire: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One variant of a union that needs a table.

    Attributes:
        key: The object.
        constants: Members whose value is fixed, and their values.
        required: Members that are always there.
    """

    key: str
    constants: dict[str, tuple[str, ...]]
    required: tuple[str, ...]


@dataclass
class Unions:
    """The decisions for all unions of one side.

    Attributes:
        tags: By key of the object.
        tables: Unions that need a table, as the sorted keys of their objects.
    """

    tags: dict[str, Tag] = field(default_factory=dict[str, Tag])
    tables: set[tuple[str, ...]] = field(default_factory=set[tuple[str, ...]])


def objects_of(shape: Shape, layout: Layout) -> list[str]:
    """Return the keys of a union's objects, named unions within it opened."""
    found: list[str] = []
    members = shape.members if isinstance(shape, Either) else (shape,)
    for member in members:
        if isinstance(member, Named):
            key = layout.key(member.key)
            declaration = layout.declared[key]
            keys = [key] if isinstance(declaration, Object) else objects_of(declaration.shape, layout)
            found.extend(other for other in keys if other not in found)
    return found


def identity(keys: list[str]) -> tuple[str, ...]:
    """Return what names a union regardless of order."""
    return tuple(sorted(keys))


def constants(declaration: Object) -> dict[str, tuple[str, ...]]:
    """Return the members that can only be certain strings."""
    found: dict[str, tuple[str, ...]] = {}
    for member in declaration.members.values():
        shape = without_none(member.shape)
        if isinstance(shape, Choices) and all(isinstance(value, str) for value in shape.values):
            found[member.wire] = tuple(str(value) for value in shape.values)
    return found


def decide(layout: Layout) -> Unions:
    """Look at every union of a side and decide."""
    unions: dict[tuple[str, ...], tuple[list[str], str | None]] = {}
    for declaration in layout.kept.values():
        shapes = (
            [member.shape for member in declaration.members.values()]
            if isinstance(declaration, Object)
            else [declaration.shape]
        )
        for shape in (part for whole in shapes for part in inner(whole)):
            if isinstance(shape, Either):
                keys = objects_of(shape, layout)
                if len(keys) > 1:
                    unions.setdefault(identity(keys), (keys, shape.tag))
    decided = Unions()
    # The largest union first: where two want different tags of one object, the smaller one gets the table.
    for name, (keys, declared) in sorted(unions.items(), key=lambda item: (-len(item[0]), item[0])):
        tag = _tag(keys, declared, layout, decided)
        if tag is None:
            decided.tables.add(name)
            continue
        for key in keys:
            declaration = layout.declared[key]
            assert isinstance(declaration, Object)
            decided.tags[key] = Tag(tag, constants(declaration)[tag])
    return decided


def _tag(keys: list[str], declared: str | None, layout: Layout, decided: Unions) -> str | None:
    """Return the member that tells the objects apart, if there is one that no earlier union contradicts."""
    fixed: list[dict[str, tuple[str, ...]]] = []
    for key in keys:
        declaration = layout.declared[key]
        assert isinstance(declaration, Object)
        fixed.append(constants(declaration))
    common = [wire for wire in fixed[0] if all(wire in other for other in fixed[1:])]
    order = sorted(
        common,
        key=lambda wire: (wire != declared, _FAVOURITES.index(wire) if wire in _FAVOURITES else len(_FAVOURITES)),
    )
    for wire in order:
        values = [value for other in fixed for value in other[wire]]
        if len(values) != len(set(values)):
            continue
        if all(decided.tags.get(key, Tag(wire, ())).wire == wire for key in keys):
            return wire
    return None


def row(key: str, layout: Layout) -> Row:
    """Return what is known of one object, for a table."""
    declaration = layout.declared[key]
    assert isinstance(declaration, Object)
    required = tuple(member.wire for member in declaration.members.values() if member.required)
    return Row(key, constants(declaration), required)
