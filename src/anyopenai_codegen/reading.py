"""Reads schemas into shapes and declarations, for one side: `allOf` merged, unions flat, null made explicit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from .description import Description, Side
from .facts import KnownName
from .notation import COMPONENT, SPELLING, DescriptionError, Schema
from .shapes import (
    ANYTHING,
    NONE,
    Alias,
    Choices,
    Declaration,
    Limits,
    Listed,
    Mapped,
    Member,
    Named,
    Object,
    Scalar,
    Shape,
    either,
    optional,
    without_none,
)

SHORT_ENUM = 5
"""Sets of known values up to this size stand where they are used, unless the overlay keeps their name."""

FOLDED = frozenset({"stream_id"})
"""Members that every event has in a socket and none elsewhere; a class of its own for each would double them all."""

_LIMITS = {
    "default": "default",
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
}


class Reader:
    """Reads what it is asked for and everything that leads to; `declared` collects the named things met on the way."""

    def __init__(
        self, description: Description, side: Side, known: dict[str, KnownName], kept_enums: Collection[str] = ()
    ) -> None:
        self._description = description
        self.side: Side = side
        self.known = known
        self._kept_enums = kept_enums
        self._reading: list[str] = []
        self._components: dict[str, Shape] = {}
        self.declared: dict[str, Declaration] = {}
        self.folded: dict[str, str] = {}

    @property
    def components(self) -> Collection[str]:
        """The names of the components that there are."""
        return self._description.schemas[self.side].keys()

    def component(self, name: str) -> Shape:
        """Read a component of the description."""
        if name not in self._components:
            if name in self._reading:
                # A union or list within itself: only a name can say that.
                self.declared.setdefault(name, Alias(name, ANYTHING))
                return Named(name)
            self._reading.append(name)
            try:
                shape = self.read(self._description.component(self.side, name), name, None)
            finally:
                self._reading.pop()
            recursive = self.declared.get(name)
            if isinstance(recursive, Alias) and recursive.shape == ANYTHING and shape != Named(name):
                recursive.shape = without_none(shape)
            self._components[name] = shape
        return self._components[name]

    def read(self, schema: Any, at: str, place: tuple[str, str] | None, also_at: str | None = None) -> Shape:
        """Read one schema.

        Args:
            schema: The schema.
            at: Where it stands, such as `Name/properties/x`.
            place: The declaration and member that lead here.
            also_at: The same place counted through a merged `allOf`.
        """
        if schema is True or schema == {}:
            return ANYTHING
        shape = self._shape(schema, at, place, also_at)
        if schema.get("nullable"):
            shape = either((shape, NONE))
        return self._hoisted(shape, at, place, also_at)

    def _shape(self, schema: Schema, at: str, place: tuple[str, str] | None, also_at: str | None) -> Shape:
        if "$ref" in schema:
            if not schema["$ref"].startswith(COMPONENT):
                raise DescriptionError(f"{at} refers to {schema['$ref']!r}, which is no component schema")
            return self.component(schema["$ref"][len(COMPONENT) :])
        if "$recursiveRef" in schema:
            return self.component(self._reading[-1])
        if "const" in schema:
            return _choices([schema["const"]])
        if "enum" in schema:
            return _choices(schema["enum"])
        if "allOf" in schema:
            return self._merged(schema, at, place, also_at)
        if schema.get("properties"):
            return self._object(schema, at, place, also_at)
        for word in ("anyOf", "oneOf"):
            branches = [
                (f"{at}/{word}/{number}", branch)
                for number, branch in enumerate(schema.get(word, ()))
                if set(branch) != {"required"}
            ]
            if branches:
                also = f"{also_at}/{word}" if also_at else None
                shapes = tuple(
                    self.read(branch, key, place, f"{also}/{key.rsplit('/', 1)[1]}" if also else None)
                    for key, branch in branches
                )
                return either(shapes, schema.get("discriminator", {}).get("propertyName"))
        return self._typed(schema, at, place, also_at)

    def _typed(self, schema: Schema, at: str, place: tuple[str, str] | None, also_at: str | None) -> Shape:
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = cast("list[str]", kind)
            return either(tuple(self._typed({**schema, "type": one}, at, place, also_at) for one in kinds))
        if kind == "array" or "items" in schema:
            also = f"{also_at}/items" if also_at else None
            return Listed(self.read(schema.get("items", {}), f"{at}/items", place, also))
        match kind:
            case "string":
                return Scalar("file" if schema.get("format") == "binary" else "str")
            case "integer":
                return Scalar("int")
            case "number":
                return Scalar("time" if schema.get("format") == "unixtime" else "float")
            case "boolean":
                return Scalar("bool")
            case "null":
                return NONE
            case "object":
                values = schema.get("additionalProperties", {})
                also = f"{also_at}/additionalProperties" if also_at else None
                return Mapped(self.read(values or {}, f"{at}/additionalProperties", place, also))
            case None:
                return ANYTHING
            case _:
                raise DescriptionError(f"{at} has the type {kind!r}, which this generator does not know")

    def _hoisted(self, shape: Shape, at: str, place: tuple[str, str] | None, also_at: str | None) -> Shape:
        """Give a union, enum or list the name that users know it by; null stays outside."""
        bare = without_none(shape)
        if isinstance(bare, Named | Scalar | Mapped):
            return shape
        if isinstance(bare, Choices) and len(bare.values) <= SHORT_ENUM and at not in self._kept_enums:
            return shape  # shorter to say than to look up
        for key in (at, also_at):
            if key in self.known and (key == at or at not in self.declared):
                declared = self.declared.setdefault(at, Alias(at, bare, place=place))
                if also_at and also_at not in declared.also_at:
                    declared.also_at.append(also_at)
                return either((Named(at), NONE)) if optional(shape) else Named(at)
        if isinstance(bare, Choices) and self.side == "param" and place is not None:
            # Too long to repeat in every overload: it is named after where it stands.
            self.declared.setdefault(at, Alias(at, bare, place=place))
            return either((Named(at), NONE)) if optional(shape) else Named(at)
        return shape

    def _object(self, schema: Schema, at: str, place: tuple[str, str] | None, also_at: str | None) -> Shape:
        return self._declare(at, place, also_at, [(at, schema)], schema.get("required", ()))

    def _merged(self, schema: Schema, at: str, place: tuple[str, str] | None, also_at: str | None) -> Shape:
        """Merge the parts of an `allOf`: one part is that part, objects become one object, the rest is a plain choice."""
        parts = [
            (f"{at}/allOf/{number}", part)
            for number, part in enumerate(schema["allOf"])
            if set(part) - {"required", "nullable", "default", "deprecated"}
        ]
        nullable = any(part.get("nullable") for part in schema["allOf"])
        if "properties" in schema:
            parts.append((at, {"properties": schema["properties"]}))
        extra = _only_members(schema["allOf"][1:])
        if "$ref" in schema["allOf"][0] and extra and set(extra) <= FOLDED:
            return self._folded(at, schema["allOf"][0], extra)
        if len(parts) == 1:
            shape = self.read(parts[0][1], parts[0][0], place, also_at or at)
            return either((shape, NONE)) if nullable else shape
        pieces: list[tuple[str, Schema]] = []
        required: list[str] = list(schema.get("required", ()))
        for key, part in parts:
            self._collect(key, part, pieces, required)
        if not pieces:
            return self.read(parts[-1][1], parts[-1][0], place, also_at or at)
        for part in schema["allOf"]:
            required.extend(part.get("required", ()))
        if self.side == "response":
            # What the schema adds says more of the object than what it shares with others.
            pieces.sort(key=lambda piece: not f"{piece[0]}/".startswith(f"{at}/"))
        shape = self._declare(at, place, also_at, pieces, required)
        return either((shape, NONE)) if nullable else shape

    def _folded(self, at: str, base: Schema, extra: Mapping[str, Schema]) -> Shape:
        """Give an object the members that a socket adds to it, instead of a copy of it that has them."""
        shape = self.read(base, at, None)
        assert isinstance(shape, Named)
        declared = self.declared[shape.key]
        assert isinstance(declared, Object)
        for wire, member in extra.items():
            kind = self.read(member, f"{shape.key}/properties/{wire}", (shape.key, wire))
            declared.members.setdefault(wire, Member(wire, kind, False, limits(member)))
        self.folded[at] = shape.key
        return shape

    def _collect(self, key: str, part: Schema, pieces: list[tuple[str, Schema]], required: list[str]) -> None:
        """Find the objects an `allOf` part stands for."""
        if "$ref" in part:
            name = part["$ref"][len(COMPONENT) :]
            self._collect(name, self._description.component(self.side, name), pieces, required)
        elif "allOf" in part:
            for number, inner in enumerate(part["allOf"]):
                self._collect(f"{key}/allOf/{number}", inner, pieces, required)
            required.extend(part.get("required", ()))
            if "properties" in part:
                pieces.append((key, part))
        elif "properties" in part:
            pieces.append((key, part))
            required.extend(part.get("required", ()))
        else:
            for word in ("anyOf", "oneOf"):
                objects = [branch for branch in part.get(word, ()) if branch.get("type") != "null"]
                if len(objects) == 1:
                    self._collect(f"{key}/{word}/0", objects[0], pieces, required)
                    return
            # A union in an `allOf`: the members that all variants share, and nothing is required.
            word = "oneOf" if "oneOf" in part else "anyOf"
            for number, branch in enumerate(part.get(word, ())):
                self._collect(f"{key}/{word}/{number}", branch, pieces, [])

    def _declare(
        self,
        at: str,
        place: tuple[str, str] | None,
        also_at: str | None,
        pieces: list[tuple[str, Schema]],
        required: Any,
    ) -> Shape:
        declared = self.declared.get(at)
        if isinstance(declared, Object):
            if also_at and also_at != at and also_at not in declared.also_at:
                declared.also_at.append(also_at)
            return Named(at)
        declared = Object(at, place=place)
        if also_at and also_at != at:
            declared.also_at.append(also_at)
        self.declared[at] = declared
        members: dict[str, Member] = {}
        for key, schema in pieces:
            for wire, member in schema["properties"].items():
                if wire in members and self.side == "response":
                    continue  # the pieces come in the order of what they know of the object
                here = f"{key}/properties/{escaped(wire)}"
                merged = f"{also_at or at}/properties/{escaped(wire)}"
                shape = self.read(member, here, (at, wire), merged if merged != here else None)
                spelling = str(cast("Schema", member).get(SPELLING, "")) if isinstance(member, dict) else ""
                members[wire] = Member(wire, shape, wire in required, limits(member), spelling)
        declared.members = members
        return Named(at)


def _only_members(parts: list[Schema]) -> dict[str, Schema]:
    """Return the members of schemas that say nothing else; empty if one of them does."""
    if any(part.keys() - {"properties", "type"} for part in parts):
        return {}
    return {wire: member for part in parts for wire, member in part.get("properties", {}).items()}


def escaped(wire: str) -> str:
    """Return a member name as a part of a pointer."""
    return wire.replace("~", "~0").replace("/", "~1")


def _choices(values: list[Any]) -> Shape:
    known = tuple(value for value in values if value is not None)
    shape: Shape = Choices(known) if known else NONE
    return either((shape, NONE)) if None in values else shape


def limits(schema: Any) -> Limits:
    """Return what a schema says of a value beside its type; of `X or null`, what X says."""
    if not isinstance(schema, dict):
        return Limits()
    whole = cast("Schema", schema)
    branches: list[Schema] = [
        branch for word in ("anyOf", "oneOf", "allOf") for branch in whole.get(word, ()) if branch.get("type") != "null"
    ]
    found: dict[str, Any] = {}
    for source in [*(branches if len(branches) == 1 else ()), whole]:
        for word, name in _LIMITS.items():
            value = source.get(word)
            if value is not None and not isinstance(value, dict | list):
                found[name] = value
        if source.get("deprecated"):
            found["deprecated"] = True
        if source.get("format") == "unixtime":
            found["time"] = True
    return Limits(**found)
