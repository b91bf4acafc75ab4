"""Answers that follow a JSON schema, made of the prompt's words, and the complaints about schemas that strict mode lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor
from typing import Any, Final, cast

import msgspec

from .exchange import Json, invalid

__all__ = ("answer_in_form", "form_of")

_FORMATS: Final = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "12345678-1234-5678-1234-567812345678",
}

_NOT_PERMITTED: Final = (
    "allOf", "oneOf", "not", "if", "default", "patternProperties", "prefixItems", "dependentRequired",
    "dependentSchemas", "minLength", "maxLength", "uniqueItems",
)  # fmt: skip

_WORDS_IN_A_STRING: Final = 4

# From this depth on the shortest value is given: a schema may lead to itself.
_DEEP: Final = 6
_TOO_DEEP: Final = 60


def form_of(form: object, param: str) -> Json | None:
    """Return the schema that an answer's form asks for; None where it asks for none.

    Args:
        form: `response_format` of a chat completion, or `text.format` of a response.
        param: Its name.

    Raises:
        Refusal: The schema is not one that the API takes.
    """
    if not isinstance(form, dict) or cast("Json", form).get("type") != "json_schema":
        return None
    members = cast("Json", form)
    asked = members.get("json_schema", members)
    if not isinstance(asked, dict):
        raise invalid(f"{param}.json_schema", f"'{param}.json_schema' must be an object.", "invalid_type")
    named = cast("Json", asked)
    schema = named.get("schema")
    if not isinstance(named.get("name"), str) or not isinstance(schema, dict):
        raise invalid(param, f"{param!r} must have a 'name' and a 'schema'.", "missing_parameter")
    found = cast("Json", schema)
    if named.get("strict") is True:
        for complaint in _complaints(found, ()):
            raise invalid(f"{param}.schema", f"Invalid schema for {param} {named['name']!r}: {complaint}")
    return found


def answer_in_form(schema: Json, prompt: str, param: str) -> str:
    """Return JSON text that follows a schema; its strings are words of the prompt.

    Raises:
        Refusal: It takes a model to follow the schema.
    """
    return msgspec.json.encode(_Writer(schema, prompt, param).value(schema, 0)).decode()


def _complaints(schema: object, path: tuple[str, ...]) -> Iterator[str]:
    where = f"In context={path!r}, "
    if not isinstance(schema, dict):
        yield f"{where}a schema must be an object."
        return
    node = cast("Json", schema)
    for keyword in _NOT_PERMITTED:
        if keyword in node:
            yield f"{where}{keyword!r} is not permitted."
    if not path and (node.get("type") != "object" or "anyOf" in node):
        yield f"{where}the root must have type 'object'."
    if "$ref" in node and len(node) > 1:
        yield f"{where}'$ref' cannot have keywords beside it."
    if not node.keys() & {"type", "anyOf", "$ref", "enum", "const"}:
        yield f"{where}a schema must have a 'type'."
    if "object" in _kinds(node):
        members = cast("Json", node.get("properties", {}))
        if node.get("additionalProperties") is not False:
            yield f"{where}'additionalProperties' is required to be supplied and to be false."
        if set(cast("list[str]", node.get("required", []))) != members.keys():
            yield f"{where}'required' must be supplied and name every member of 'properties'."
        for name, member in members.items():
            yield from _complaints(member, (*path, "properties", name))
    if "array" in _kinds(node):
        yield from _complaints(node.get("items"), (*path, "items"))
    for place, choice in enumerate(cast("list[object]", node.get("anyOf", []))):
        yield from _complaints(choice, (*path, "anyOf", str(place)))
    for name, inner in cast("Json", node.get("$defs", {})).items():
        yield from _complaints(inner, (*path, "$defs", name))


def _kinds(node: Json) -> list[str]:
    kinds = node.get("type")
    return [kinds] if isinstance(kinds, str) else cast("list[str]", kinds or [])


class _Writer:
    """Writes one document."""

    def __init__(self, root: Json, prompt: str, param: str) -> None:
        self._root = root
        self._param = param
        self._words = prompt.split() or ["nothing"]
        self._next = 0

    def value(self, node: Json, depth: int) -> object:
        if depth > _TOO_DEEP:
            raise self._refusal("leads to itself without an end")
        if "$ref" in node:
            return self.value(self._target(str(node["$ref"])), depth + 1)
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return cast("list[object]", node["enum"])[0]
        choices = node.get("anyOf") or node.get("oneOf")
        if choices:
            return self.value(self._choice(cast("list[Json]", choices), depth), depth + 1)
        kinds = _kinds(node)
        kind = "null" if depth > _DEEP and "null" in kinds else next(iter(kinds), "object")
        match kind:
            case "object":
                members = cast("Mapping[str, Json]", node.get("properties", {}))
                return {name: self.value(member, depth + 1) for name, member in members.items()}
            case "array":
                least = cast("int", node.get("minItems", 0))
                count = least if depth > _DEEP else max(least, min(1, cast("int", node.get("maxItems", 1))))
                return [self.value(cast("Json", node.get("items", {})), depth + 1) for _ in range(count)]
            case "integer" | "number":
                return self._number(node, whole=kind == "integer")
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._text(node)

    def _choice(self, choices: list[Json], depth: int) -> Json:
        if depth <= _DEEP:
            return choices[0]
        return min(choices, key=lambda one: ("$ref" in one, _kinds(one) != ["null"], bool({"object"} & {*_kinds(one)})))

    def _target(self, reference: str) -> Json:
        node: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                raise self._refusal(f"refers to {reference!r}, which is not there")
            node = cast("Json", node)[name]
        return cast("Json", node)

    def _text(self, node: Json) -> str:
        if "pattern" in node:
            raise self._refusal("has a pattern, and this stand-in computes no model to follow it")
        fixed = _FORMATS.get(str(node.get("format")))
        if fixed is not None:
            return fixed
        start, count = self._next, len(self._words)
        self._next += _WORDS_IN_A_STRING
        return " ".join(self._words[(start + place) % count] for place in range(min(count, _WORDS_IN_A_STRING)))

    def _number(self, node: Json, *, whole: bool) -> float:
        step = cast("float", node.get("multipleOf", 1 if whole else 0))
        low = cast("float", node.get("minimum", float("-inf")))
        high = cast("float", node.get("maximum", float("inf")))
        gap = step or 0.5
        if "exclusiveMinimum" in node:
            above = cast("float", node["exclusiveMinimum"])
            low = max(low, floor(above / gap) * gap + gap)
        if "exclusiveMaximum" in node:
            below = cast("float", node["exclusiveMaximum"])
            high = min(high, ceil(below / gap) * gap - gap)
        found = max(low, min(high, 1.0))
        if step:
            found = ceil(found / step) * step
        if found > high:
            raise self._refusal(f"has no number from {low} to {high} that this stand-in finds")
        return int(found) if whole or found == int(found) else found

    def _refusal(self, what: str) -> Exception:
        return invalid(self._param, f"The schema {what}.")
