"""What the places of a JSON schema come down to: references followed, `allOf` merged, alternatives listed; no values made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import inf, lcm
from typing import Final, cast
from urllib.parse import unquote

import msgspec

from .exchange import Json
from .keywords import TIGHTER, misshapen
from .numbers import fraction, is_within, number_within
from .patterns import PatternError
from .texts import is_text_within, text_within

__all__ = ("Node", "Nodes", "Unwritable", "ValuelessSchema")

# A schema that merges with itself can grow without an end; no real one comes near this many places.
_MOST_NODES: Final = 5_000
_MOST_ALTERNATIVES: Final = 200

_KINDS: Final = ("object", "array", "string", "integer", "number", "boolean", "null")

# What tells the kind of a value where a schema has no `type`.
_TELLING: Final = {
    "properties": "object", "required": "object", "additionalProperties": "object", "minProperties": "object",
    "items": "array", "prefixItems": "array", "minItems": "array", "uniqueItems": "array",
    "minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number",
    "multipleOf": "number",
}  # fmt: skip

# Constraints that speak about what a value is not, or of a part that nobody can name: they take a search.
_TAKES_A_MODEL: Final = ("not", "if", "contains", "dependentSchemas")


class Unwritable(Exception):  # noqa: N818 - a fact about a schema, which the endpoints turn into a refusal
    """No value can be written for a schema, or it takes a model to find one; the text says where it stands."""


class ValuelessSchema(Unwritable):
    """Nothing satisfies a schema; an optional member or an alternative of that kind is left out."""


class Node:
    """One place of a schema: alternatives, or an object, or an array, or a value without parts.

    Attributes:
        key: What it is known by.
        kind: `"object"`, `"array"`, `"string"`, `"number"`, `"integer"`, `"boolean"`, `"null"`; `"any"` for alternatives,
            `"enum"` for listed values.
        keywords: The constraints, merged.
        choices: The alternatives, as schemas, the preferred one first.
        why: Why it has no value, where that can be told from the place itself.
        height: How deep the least value of it is; infinite where there is none.
    """

    __slots__ = ("choices", "height", "key", "keywords", "kind", "why")

    def __init__(self, key: bytes, kind: str, keywords: Json, choices: list[object], why: str = "") -> None:
        self.key: bytes = key
        self.kind: str = kind
        self.keywords: Json = keywords
        self.choices: list[object] = choices
        self.why: str = why
        self.height: float = inf

    def member(self, name: str) -> object:
        """Return the schema of an object's member, whether it is listed or not."""
        found = [cast("Json", self.keywords.get("properties", {})).get(name)]
        found += [
            schema
            for pattern, schema in cast("Json", self.keywords.get("patternProperties", {})).items()
            if re.search(pattern, name)
        ]
        known = [schema for schema in found if schema is not None]
        if not known:
            return self.keywords.get("additionalProperties", True)
        return known[0] if len(known) == 1 else {"allOf": known}

    def item(self, place: int) -> object:
        """Return the schema of an array's item."""
        first = cast("list[object]", self.keywords.get("prefixItems", []))
        return first[place] if place < len(first) else self.keywords.get("items", True)

    def needed(self) -> list[str]:
        """Return the members that an object cannot do without."""
        names = list(cast("list[str]", self.keywords.get("required", [])))
        follow = cast("dict[str, list[str]]", self.keywords.get("dependentRequired", {}))
        for name in names:
            names += [other for other in follow.get(name, []) if other not in names]
        return names

    def parts(self) -> list[object]:
        """Return the schemas without whose values this one has no value."""
        if self.kind == "object":
            parts = [self.member(name) for name in self.needed()]
            if self.count("minProperties", 0) > len(parts):
                parts.append(self.keywords.get("additionalProperties", True))
            return parts
        if self.kind == "array":
            return [self.item(place) for place in range(min(self.count("minItems", 0), 1 + len(self._first())))]
        return []

    def count(self, name: str, default: int) -> int:
        """Return a keyword that is a whole number."""
        value = self.keywords.get(name, default)
        return int(cast("float", value)) if isinstance(value, int | float) else default

    def _first(self) -> list[object]:
        return cast("list[object]", self.keywords.get("prefixItems", []))


class Nodes:
    """The places of one document's schema, each looked at once.

    Args:
        root: The whole schema, to which references point.
    """

    def __init__(self, root: object) -> None:
        self._root = root
        self._known: dict[bytes, Node] = {}

    def find(self, schema: object) -> Node:
        """Return what a schema comes down to, its height and those below it known.

        Raises:
            ValuelessSchema: Nothing satisfies it.
            Unwritable: It takes a model to find a value, or a reference leads nowhere.
        """
        key = msgspec.json.encode(schema)
        if key not in self._known:
            self._look(schema, key)
        node = self._known[key]
        if node.height == inf:
            raise ValuelessSchema(self._reason(node))
        return node

    def _reason(self, node: Node) -> str:
        """Say why nothing satisfies a schema: follow it to a place that takes nothing, or round and round."""
        seen: set[bytes] = set()
        while node.key not in seen:
            if node.why:
                return node.why
            seen.add(node.key)
            below = [self._known[msgspec.json.encode(one)] for one in (node.choices or node.parts())]
            node = next(one for one in below if one.height == inf)
        return "has no value that ends: it leads to itself without an end"

    def _look(self, schema: object, key: bytes) -> None:
        """Read everything that a schema leads to, and find how high the least value of each place is."""
        fresh: list[tuple[Node, list[bytes]]] = []
        waiting = [(schema, key)]
        while waiting:
            schema, key = waiting.pop()
            if key in self._known:
                continue
            if len(self._known) >= _MOST_NODES:
                raise Unwritable(f"has more than {_MOST_NODES} places")
            node = self._known[key] = self._node(schema, key)
            below = [(one, msgspec.json.encode(one)) for one in (node.choices or node.parts())]
            fresh.append((node, [one for _, one in below]))
            waiting += below
        changed = True
        while changed:
            changed = False
            for node, below_keys in reversed(fresh):
                heights = [self._known[one].height for one in below_keys]
                least = 1 + (min(heights) if node.choices else max(heights, default=-1))
                if least < node.height and not node.why:
                    node.height, changed = least, True

    def _node(self, schema: object, key: bytes) -> Node:
        found = self._resolved(schema, ())
        if found is None:
            return Node(key, "nothing", {}, [], "has no value: it contradicts itself, or leads to itself")
        for keyword in _TAKES_A_MODEL:
            if keyword in found:
                raise Unwritable(f"uses {keyword!r}, which this stand-in cannot follow")
        kinds = _kinds(found)
        for keyword in ("anyOf", "oneOf"):
            if keyword in found:
                rest = {name: value for name, value in found.items() if name != keyword}
                options = cast("list[object]", found[keyword])
                choices: list[object] = [{"allOf": [rest, one]} if rest else one for one in options]
                why = "" if choices else f"has no alternatives in {keyword!r}"
                return Node(key, "any", found, sorted(choices, key=self._is_null), why)
        if "enum" in found:
            values = [value for value in cast("list[object]", found["enum"]) if _is_taken(value, kinds, found)]
            return Node(key, "enum", {"enum": values}, [], "" if values else "lists no value that it takes")
        kinds = kinds or list(dict.fromkeys(kind for name, kind in _TELLING.items() if name in found)) or ["string"]
        if len(kinds) > 1:
            return Node(key, "any", found, [found | {"type": kind} for kind in sorted(kinds, key="null".__eq__)])
        return Node(key, kinds[0], found, [], _complaint(found, kinds[0]))

    def _is_null(self, schema: object) -> bool:
        return isinstance(schema, dict) and _kinds(self._resolved(cast("Json", schema), ()) or {}) == ["null"]

    def _resolved(self, schema: object, seen: tuple[str, ...]) -> Json | None:
        """Return a schema without `$ref`, `allOf` and `const`; None if nothing fits it."""
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            return None
        node = cast("Json", schema)
        if wrong := misshapen(node):
            raise Unwritable(wrong)
        found: Json | None = {
            name: value
            for name, value in node.items()
            if name not in ("$ref", "$defs", "definitions", "allOf", "const", "title", "description", "default")
        }
        if "const" in node:
            found = _merged(found, {"enum": [node["const"]]})
        if "$ref" in node:
            reference = str(node["$ref"])
            if reference in seen:
                return None
            found = _merged(found, self._resolved(self._target(reference), (*seen, reference)))
        for part in cast("list[object]", node.get("allOf", [])):
            found = _merged(found, self._resolved(part, seen))
        return found

    def _target(self, reference: str) -> object:
        node: object = self._root
        for part in unquote(reference).removeprefix("#").split("/")[1:] if reference != "#" else ():
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdigit() and int(name) < len(cast("list[object]", node)):
                node = cast("list[object]", node)[int(name)]
            elif isinstance(node, dict) and name in node:
                node = cast("Json", node)[name]
            else:
                raise Unwritable(f"refers to {reference!r}, which is not there")
        if not reference.startswith("#") or (node is self._root and reference != "#"):
            raise Unwritable(f"refers to {reference!r}, which is not there")
        return node


def _complaint(node: Json, kind: str) -> str:
    """Say why a value of one kind cannot be; an empty text if nothing speaks against it."""
    if kind not in _KINDS:
        return f"asks for the type {kind!r}, which JSON does not have"
    if kind in ("integer", "number") and number_within(node, 0, whole=kind == "integer") is None:
        return "has no number within its bounds"
    if kind == "string":
        try:
            if text_within(node, ("x",), 0, 0) is None:
                return "has no text of the length, the format and the pattern that it asks for"
        except PatternError as error:
            raise Unwritable(f"has a pattern that {error}") from None
    for least, most in (("minItems", "maxItems"), ("minProperties", "maxProperties")):
        if cast("float", node.get(least, 0)) > cast("float", node.get(most, inf)):
            return f"has a {least!r} above its {most!r}"
    if kind == "object" and len(set(cast("list[str]", node.get("required", [])))) > cast(
        "float", node.get("maxProperties", inf)
    ):
        return "requires more members than its 'maxProperties'"
    return ""


def _kinds(node: Json) -> list[str]:
    kinds = node.get("type")
    return [kinds] if isinstance(kinds, str) else list(cast("list[str]", kinds or []))


def _is_one_of(value: object, kinds: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, int | float):
        return "number" in kinds or ("integer" in kinds and value == int(value))
    if isinstance(value, str):
        return "string" in kinds
    if value is None:
        return "null" in kinds
    return ("array" if isinstance(value, list) else "object") in kinds


def _is_taken(value: object, kinds: list[str], node: Json) -> bool:
    """Tell whether a listed value keeps the other constraints that stand beside the list."""
    if kinds and not _is_one_of(value, kinds):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return is_within(node, value)
    if isinstance(value, str):
        return is_text_within(node, value)
    return True


def _merged(one: Json | None, other: Json | None) -> Json | None:
    """Return a schema that takes what both take; None if that is nothing."""
    if one is None or other is None or (one.keys() & other.keys() & {"format"} and one["format"] != other["format"]):
        return None
    found = dict(one)
    for name, value in other.items():
        if name not in found:
            found[name] = value
        elif name not in ("properties", "prefixItems", "items") and found[name] != value:
            found[name] = _together(name, found[name], value)
    found.update(_members(one, other))
    found.update(_items(one, other))
    nothing = (name in found and not found[name] for name in ("type", "enum"))
    return None if any(nothing) else found


def _members(one: Json, other: Json) -> Iterator[tuple[str, object]]:
    """Merge the members of two objects: each is told by both sides, as a member or as one that is not listed."""
    mine, theirs = (cast("Json", side.get("properties", {})) for side in (one, other))
    if not mine and not theirs:
        return
    members: Json = {}
    for name in (*mine, *(name for name in theirs if name not in mine)):
        told = [side[name] for side in (mine, theirs) if name in side]
        if len(told) == 1:
            silent = other if name in mine else one
            matched = any(re.search(pattern, name) for pattern in cast("Json", silent.get("patternProperties", {})))
            if "additionalProperties" in silent and silent["additionalProperties"] is not True and not matched:
                told.append(silent["additionalProperties"])
        elif told[0] == told[1]:
            del told[1]
        members[name] = told[0] if len(told) == 1 else {"allOf": told}
    yield "properties", members


def _items(one: Json, other: Json) -> Iterator[tuple[str, object]]:
    """Merge the items of two arrays: those that are listed by place, and the rest."""
    firsts = [cast("list[object]", side.get("prefixItems", [])) for side in (one, other)]
    rests = [side.get("items", True) for side in (one, other)]
    if any(firsts):
        listed = [
            [first[place] if place < len(first) else rest for first, rest in zip(firsts, rests, strict=True)]
            for place in range(max(map(len, firsts)))
        ]
        yield "prefixItems", [{"allOf": told} for told in listed]
    told = [rest for rest in rests if rest is not True]
    if told:
        yield "items", told[0] if len(told) == 1 or told[0] == told[1] else {"allOf": told}


def _together(name: str, one: object, other: object) -> object:
    """Return the keyword that stands for two that differ."""
    if name in TIGHTER:
        return TIGHTER[name](cast("float", one), cast("float", other))
    match name:
        case "type":
            kinds, others = _kinds({"type": one}), _kinds({"type": other})
            wide = {kind for kinds_ in (kinds, others) for kind in kinds_ if kind == "number"}
            both = [kind for kind in kinds if kind in others or (kind == "integer" and "number" in others)]
            return both + [kind for kind in others if kind == "integer" and wide and kind not in both]
        case "required":
            return list(dict.fromkeys([*cast("list[str]", one), *cast("list[str]", other)]))
        case "enum":
            return [value for value in cast("list[object]", one) if value in cast("list[object]", other)]
        case "multipleOf":
            steps = fraction(one), fraction(other)
            top = lcm(*(step.numerator * (steps[1 - place].denominator) for place, step in enumerate(steps)))
            return float(Fraction(top, steps[0].denominator * steps[1].denominator))
        case "anyOf" | "oneOf":
            pairs = [{"allOf": [a, b]} for a in cast("list[object]", one) for b in cast("list[object]", other)]
            if len(pairs) > _MOST_ALTERNATIVES:
                raise Unwritable(f"has more than {_MOST_ALTERNATIVES} alternatives of alternatives")
            return pairs
        case "additionalProperties":
            return {"allOf": [one, other]}
        case "uniqueItems":
            return True
        case "pattern":
            raise Unwritable("has two patterns for one string")
        case _:
            return one
