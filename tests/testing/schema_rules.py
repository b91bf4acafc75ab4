"""Says whether a value satisfies a JSON schema: the rules that the stand-in's values are held to, written a second time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

FORMATS: dict[str, Any] = {
    "date-time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "duration": re.compile(r"P\d+D").fullmatch,
    "email": re.compile(r"[^@ ]+@[^@ ]+\.\w+").fullmatch,
    "hostname": re.compile(r"[\w.-]+").fullmatch,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "uri": re.compile(r"\w+://\S+").fullmatch,
    "uuid": UUID,
}


def satisfies(value: Any, schema: Any, root: Any, seen: frozenset[str] = frozenset()) -> bool:
    return not list(faults(value, schema, root, seen))


def faults(value: Any, schema: Any, root: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Give what is wrong with a value; a reference that leads to itself at one place, as in `seen`, takes nothing."""
    if schema is True:
        return
    if schema is False:
        yield f"{value!r} where nothing may be"
        return
    kinds = schema.get("type", [])
    if kinds and not any(is_a(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{value!r} is not {kinds}"
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        yield f"{value!r} is not listed"
    if "const" in schema and not same(value, schema["const"]):
        yield f"{value!r} is not {schema['const']!r}"
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#").split("/")[1:]:
            target = target[part]
        if schema["$ref"] in seen:
            yield "a reference that leads to itself"
            return
        seen |= {schema["$ref"]}
        yield from faults(value, target, root, seen)
    for one in schema.get("allOf", []):
        yield from faults(value, one, root, seen)
    if "anyOf" in schema and not any(satisfies(value, one, root, seen) for one in schema["anyOf"]):
        yield f"{value!r} is none of anyOf"
    if isinstance(value, dict):
        yield from object_faults(value, schema, root)
    elif isinstance(value, list):
        yield from array_faults(value, schema, root)
    elif isinstance(value, str):
        yield from text_faults(value, schema)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from number_faults(value, schema)


def object_faults(value: dict[str, Any], schema: Any, root: Any) -> Iterator[str]:
    yield from (f"{name!r} is missing" for name in schema.get("required", []) if name not in value)
    for name, member in value.items():
        known = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        known += [one for pattern, one in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        for one in known or [schema.get("additionalProperties", True)]:
            yield from faults(member, one, root)
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 1 << 30):
        yield f"{len(value)} members"
    for name, others in schema.get("dependentRequired", {}).items():
        if name in value and not set(others) <= value.keys():
            yield f"{name!r} without {others}"


def array_faults(value: list[Any], schema: Any, root: Any) -> Iterator[str]:
    first = schema.get("prefixItems", [])
    for place, item in enumerate(value):
        yield from faults(item, first[place] if place < len(first) else schema.get("items", True), root)
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1 << 30):
        yield f"{len(value)} items"
    if schema.get("uniqueItems") and any(same(a, b) for place, a in enumerate(value) for b in value[:place]):
        yield "items that are the same"


def text_faults(value: str, schema: Any) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30):
        yield f"{len(value)} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{value!r} does not match {schema['pattern']!r}"
    try:
        if FORMATS.get(schema.get("format"), bool)(value) is None:
            yield f"{value!r} is not a {schema['format']}"
    except ValueError:
        yield f"{value!r} is not a {schema['format']}"


def number_faults(value: float, schema: Any) -> Iterator[str]:
    exact = Fraction(str(value))
    if "multipleOf" in schema and exact % Fraction(str(schema["multipleOf"])):
        yield f"{value} is no multiple of {schema['multipleOf']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{value} is too low"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{value} is too high"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{value} is too low"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{value} is too high"


def is_a(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            kinds: dict[str, Any] = {
                "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
            }  # fmt: skip
            return isinstance(value, kinds[kind])


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)
