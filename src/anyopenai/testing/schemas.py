"""The schemas that requests bring: answers that follow them, and the complaints about what strict mode does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

import msgspec

from .exchange import Json, invalid
from .keywords import misshapen
from .nodes import Unwritable
from .values import value_from_schema

__all__ = ("answer_in_form", "checked_schema", "form_of")

_NOT_PERMITTED: Final = (
    "allOf", "oneOf", "not", "if", "default", "patternProperties", "prefixItems", "dependentRequired",
    "dependentSchemas", "minLength", "maxLength", "uniqueItems",
)  # fmt: skip


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
    strict = named.get("strict") is True
    return checked_schema(cast("Json", schema), f"{param}.schema", f"{param} {named['name']!r}", strict=strict)


def checked_schema(schema: Json, param: str, whose: str, *, strict: bool) -> Json:
    """Return a schema that the API takes.

    Args:
        schema: The schema.
        param: Which parameter is to blame.
        whose: What it is the schema of.
        strict: Whether strict mode was asked for.

    Raises:
        Refusal: Strict mode lacks something in it.
    """
    if strict:
        for complaint in _complaints(schema, ()):
            raise invalid(param, f"Invalid schema for {whose}: {complaint}", "invalid_schema")
    return schema


def answer_in_form(schema: Json, prompt: str, param: str, variant: int = 0) -> str:
    """Return JSON text that follows a schema; its strings are words of the prompt.

    Args:
        schema: The schema.
        prompt: Where the words come from.
        param: Which parameter a refusal blames.
        variant: Which of several answers, from 0.

    Raises:
        Refusal: It takes a model to follow the schema, or nothing follows it.
    """
    try:
        value = value_from_schema(schema, prompt.split() or ["nothing"], variant)
    except Unwritable as error:
        raise invalid(param, f"The schema {error}.") from None
    return msgspec.json.encode(value).decode()


def _complaints(schema: object, path: tuple[str, ...]) -> Iterator[str]:
    where = f"In context={path!r}, "
    if not isinstance(schema, dict):
        yield f"{where}a schema must be an object."
        return
    node = cast("Json", schema)
    if wrong := misshapen(node):
        yield f"{where}the schema {wrong}."
        return
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
