"""Reads the official OpenAPI description and our tables beside it into one set of schemas; knows nothing of Python.

Prose, examples and anything else that does not change the code is dropped on reading, so that the published file and
a stripped copy of it give the same digest and the same output.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from .facts import Facts
from .notation import COMPONENT, DescriptionError, Schema, expanded

Side = Literal["response", "param"]
"""Answers and requests see a schema differently: each side has its own patches, names and kind of class."""

WEBHOOKS = "/webhooks"
"""The component that is no component of the description: the union of all that webhooks send."""

# What a schema may say and the generator reads; the rest is prose or tooling hints.
_PLAIN = (
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "deprecated",
    "discriminator",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "nullable",
    "oneOf",
    "properties",
    "required",
    "type",
)


def bare_schema(schema: Any) -> Any:
    """Return the schema without prose, examples and vendor extensions."""
    if not isinstance(schema, dict):
        return schema
    whole = cast("Schema", schema)
    bare: Schema = {}
    for key in _PLAIN:
        if key not in whole:
            continue
        value = whole[key]
        if key == "properties":
            value = {name: bare_schema(member) for name, member in value.items()}
        elif key in ("anyOf", "oneOf", "allOf"):
            value = [bare_schema(member) for member in value]
        elif key in ("items", "additionalProperties"):
            value = bare_schema(value)
        elif key == "discriminator":
            value = {"propertyName": value["propertyName"]}
        bare[key] = value
    if "$recursiveRef" in whole:
        bare["$recursiveRef"] = whole["$recursiveRef"]
    return bare


def _bare_content(content: Any) -> Any:
    bare: dict[str, Any] = {}
    for media, entry in content.items():
        bare[media] = {"schema": bare_schema(entry.get("schema", {}))}
        # How a form's members are sent; only what differs from the rule of forms is said.
        kinds = {
            name: spelt["contentType"] for name, spelt in entry.get("encoding", {}).items() if "contentType" in spelt
        }
        if kinds:
            bare[media]["encoding"] = kinds
    return bare


def _bare_operation(operation: Any) -> Any:
    bare: dict[str, Any] = {"operationId": operation.get("operationId", "")}
    parameters = [
        {
            "name": parameter["name"],
            "in": parameter["in"],
            "required": bool(parameter.get("required")),
            "schema": bare_schema(parameter.get("schema", {})),
            **({"deprecated": True} if parameter.get("deprecated") else {}),
        }
        for parameter in operation.get("parameters", ())
    ]
    if parameters:
        bare["parameters"] = parameters
    if "requestBody" in operation:
        bare["requestBody"] = {"content": _bare_content(operation["requestBody"].get("content", {}))}
    bare["responses"] = {
        status: {"content": _bare_content(answer.get("content", {}))}
        if "$ref" not in answer
        else {"$ref": answer["$ref"]}
        for status, answer in operation.get("responses", {}).items()
    }
    if operation.get("deprecated"):
        bare["deprecated"] = True
    return bare


_VERBS = ("get", "post", "put", "patch", "delete")


def bare_document(document: Any) -> dict[str, Any]:
    """Return what the generator reads of a whole description, in a fixed order."""
    try:
        return {
            "version": str(document["info"]["version"]),
            "paths": {
                path: {verb: _bare_operation(entry[verb]) for verb in _VERBS if verb in entry}
                for path, entry in sorted(document["paths"].items())
            },
            "webhooks": {
                name: {verb: _bare_operation(entry[verb]) for verb in _VERBS if verb in entry}
                for name, entry in sorted(document.get("webhooks", {}).items())
            },
            "schemas": {
                name: bare_schema(schema) for name, schema in sorted(document["components"]["schemas"].items())
            },
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DescriptionError(f"this is not the OpenAPI description: {error!r} while reading it") from error


def load_document(path: Path) -> Any:
    """Read a description in JSON, or in YAML where PyYAML is installed."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".yaml", ".yml"):
        try:
            import yaml  # type: ignore[import-untyped]  # optional, and only for people who have the YAML file
        except ImportError:
            raise DescriptionError(f"{path.name} is YAML: install PyYAML, or convert the file to JSON first") from None
        return yaml.safe_load(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DescriptionError(f"{path.name} is not JSON: {error}") from None


@dataclass(frozen=True)
class Description:
    """Everything the API says of itself: operations by id, and component schemas as either side sees them."""

    version: str
    digest: str
    operations: dict[str, dict[str, Any]]
    schemas: dict[Side, dict[str, Schema]]

    def component(self, side: Side, name: str) -> Schema:
        """Return a component's schema."""
        try:
            return self.schemas[side][name]
        except KeyError:
            raise DescriptionError(f"the description refers to {name!r}, which it does not define") from None


def read(path: Path, facts: Facts) -> Description:
    """Read the official description and complete it with the facts of `supplement.json` and `patches.json`."""
    document = bare_document(load_document(path))
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()

    operations: dict[str, dict[str, Any]] = {}
    for entries in document["paths"].values():
        for entry in entries.values():
            operations[entry["operationId"]] = entry

    official: dict[str, Schema] = document["schemas"]
    supplement, moved = _beside(official, facts.supplement["schemas"], "sdk")
    for method, entry in facts.supplement["operations"].items():
        operations[method] = _renamed(_supplemented(method, entry), moved)

    patches, patched = _beside({**official, **supplement}, facts.patches["schemas"], "patch")
    names = [*(_webhook(entry) for entry in document["webhooks"].values()), *facts.supplement["webhooks"].values()]
    events: list[Schema] = [{"$ref": COMPONENT + moved.get(name, name)} for name in names]
    both = {**official, **supplement, **patches}
    schemas: dict[Side, dict[str, Schema]] = {}
    sides: tuple[Side, Side] = ("response", "param")
    for side in sides:
        own: dict[str, Schema] = json.loads(json.dumps(both))
        for pointer, members in facts.patches[side].items():
            schema = at_pointer(own, pointer)
            for name, member in members.items():
                wire = name.removesuffix("?")
                schema.setdefault("properties", {})[wire] = _renamed(expanded(member), patched)
                if wire != name:
                    schema["required"] = [one for one in schema.get("required", ()) if one != wire]
        for pointer, values in facts.overlay.get("values", {}).items():
            schema = at_pointer(own, pointer)
            known = schema.pop("const", None)
            schema["enum"] = [*([] if known is None else [known]), *schema.get("enum", ()), *values]
        own[WEBHOOKS] = {"anyOf": events, "discriminator": {"propertyName": "type"}}
        schemas[side] = own
    return Description(document["version"], digest, operations, schemas)


def _webhook(entry: dict[str, Any]) -> str:
    """Return the component that a webhook sends."""
    schema: Schema = entry["post"]["requestBody"]["content"]["application/json"]["schema"]
    return str(schema["$ref"])[len(COMPONENT) :]


def _supplemented(method: str, short: dict[str, Any]) -> dict[str, Any]:
    """Return an operation of `supplement.json` in the form that the description's own have."""
    operation: dict[str, Any] = {"operationId": method}
    operation["parameters"] = [
        {"name": name.removesuffix("?"), "in": place, "required": not name.endswith("?"), "schema": expanded(schema)}
        for place in ("query", "header")
        for name, schema in short.get(place, {}).items()
    ]
    if "body" in short:
        media = short.get("form", "application/json")
        operation["requestBody"] = {"content": {media: {"schema": expanded(short["body"])}}}
    kinds = (("answer", "application/json"), ("events", "text/event-stream"), ("content", "application/octet-stream"))
    content = {media: {"schema": expanded(short[word])} for word, media in kinds if word in short}
    operation["responses"] = {"200": {"content": content}}
    return operation


def _beside(taken: dict[str, Schema], added: dict[str, Any], mark: str) -> tuple[dict[str, Schema], dict[str, str]]:
    """Return `added` under names that are free, and which names had to change: both tables may name a schema alike."""
    bare = {name: expanded(short) for name, short in added.items()}
    moved = {name: f"{name}@{mark}" for name in bare if name in taken and bare[name] != taken[name]}
    return {moved.get(name, name): _renamed(schema, moved) for name, schema in bare.items()}, moved


def _renamed(value: Any, moved: dict[str, str]) -> Any:
    if isinstance(value, dict):
        renamed: Schema = {}
        for key, member in cast("Schema", value).items():
            if key == "$ref" and isinstance(member, str) and member.startswith(COMPONENT):
                name = member[len(COMPONENT) :]
                renamed[key] = COMPONENT + moved.get(name, name)
            else:
                renamed[key] = _renamed(member, moved)
        return renamed
    if isinstance(value, list):
        return [_renamed(member, moved) for member in cast("Iterable[Any]", value)]
    return value


def at_pointer(schemas: dict[str, Schema], pointer: str) -> Schema:
    """Return the schema that a pointer such as `Name/properties/x/anyOf/0` names; it may lead through a merged `allOf`."""
    name, _, rest = pointer.partition("/")
    if name not in schemas:
        raise DescriptionError(f"a patch names {name!r}, which the description does not define")
    found: Any = schemas[name]
    parts = [part.replace("~1", "/").replace("~0", "~") for part in rest.split("/")] if rest else []
    while parts:
        part = parts.pop(0)
        if part == "properties":
            found = _member(schemas, cast("Schema", found), parts.pop(0), pointer)
        else:
            try:
                found = found[int(part)] if part.isdigit() else found[part]
            except (KeyError, IndexError, TypeError):
                raise DescriptionError(f"a patch names {pointer!r}, but there is no {part!r} in it") from None
    if not isinstance(found, dict):
        raise DescriptionError(f"a patch names {pointer!r}, which is no schema")
    return cast("Schema", found)


def _member(schemas: dict[str, Schema], schema: Schema, name: str, pointer: str) -> Schema:
    if "$ref" in schema:
        return _member(schemas, schemas[schema["$ref"][len(COMPONENT) :]], name, pointer)
    if name in schema.get("properties", {}):
        found: Schema = schema["properties"][name]
        return found
    for part in schema.get("allOf", ()):
        try:
            return _member(schemas, part, name, pointer)
        except DescriptionError:
            continue
    raise DescriptionError(f"a patch names {pointer!r}, but there is no member {name!r}")
