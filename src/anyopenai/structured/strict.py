"""A JSON schema in the form that the API's strict mode demands, or a refusal that says where it has none; no types here.

Strict mode has objects whose members are all required and all named, lists of one kind of item, `anyOf`, `enum`, and
definitions that may lead to themselves. What only narrows a value and is not known there (`minLength`, `uniqueItems`,
a `default`) is left out, and holds when the answer is decoded. What gives a value another shape is refused.

Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from ..errors import UnsupportedSchemaError

__all__ = ("strict_schema",)

Schema = dict[str, Any]

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("pattern", "format"),
    "number": ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "integer": ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "array": ("minItems", "maxItems"),
    "object": (),
    "boolean": (),
    "null": (),
}
"""What strict mode takes beside a type."""

_FORMATS: Final = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})

_WORDS: Final = ("title", "description")
_MEANINGLESS: Final = frozenset({*_WORDS, "default", "examples", "deprecated", "$defs", "definitions", "$schema"})

_SHAPES: Final[Mapping[str, str]] = {
    "not": "values that are ruled out (`not`)",
    "if": "conditions (`if`)",
    "dependentSchemas": "members that depend on others (`dependentSchemas`)",
    "dependentRequired": "members that depend on others (`dependentRequired`)",
    "patternProperties": "members named by a pattern (`patternProperties`)",
    "prefixItems": "a tuple with a type for each place (`prefixItems`)",
    "contains": "lists in which one item differs (`contains`)",
}
"""Keywords that change what a value looks like, and what they mean."""

_INSTEAD: Final[Mapping[str, str]] = {
    "prefixItems": "use a class with a member for each place",
    "patternProperties": "use a list of objects with a name and a value",
}

_TYPE_OF: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def strict_schema(schema: Mapping[str, object], *, name: str, optional_as_null: bool = False) -> Schema:
    """Return a schema in strict form; what is passed in is not changed.

    Args:
        schema: A JSON schema of an object.
        name: What the schema is of, for messages.
        optional_as_null: Members that are not required may be null; else they are required as they are, which is what
            a class with defaults means: its decoder would take them as absent, and the model fills them in.

    Raises:
        UnsupportedSchemaError: Strict mode has no form for it; the message says for what, and where.
    """
    return _Strict(schema, name, optional_as_null).whole()


class _Strict:
    """One schema on its way to its strict form."""

    def __init__(self, schema: Mapping[str, object], name: str, optional_as_null: bool) -> None:
        self._root = schema
        self._name = name
        self._optional_as_null = optional_as_null
        self._found: dict[str, Mapping[str, Any]] = {}
        self._converted: dict[str, Schema | None] = {}
        self._define(schema, name)

    def whole(self) -> Schema:
        root = self._root
        seen: set[str] = set()
        while isinstance(root.get("$ref"), str) and root["$ref"] != "#":
            target = self._name_of(root["$ref"], self._name)
            if target in seen:
                raise self._refusal("is defined as itself", self._name)
            seen.add(target)
            root = {**self._found[target], **{key: value for key, value in root.items() if key != "$ref"}}
        if "anyOf" in root or "oneOf" in root or root.get("type") != "object":
            raise UnsupportedSchemaError(
                f"{self._name} is {_article(root)}, and the API takes an object only as the whole of an answer; make it a "
                "member of a class",
                path=self._name,
            )
        result = self._node(root, self._name)
        used = self._used(result)
        return {"$defs": used, **result} if used else result

    def _used(self, result: Schema) -> Schema:
        """Return the definitions that a schema leads to, in the order in which it does."""
        used: Schema = {}
        todo: list[Any] = [result]
        for part in todo:
            if isinstance(part, dict):
                reference = cast("Schema", part).get("$ref")
                name = None if reference in (None, "#") else self._name_of(reference, self._name)
                if name is not None and name not in used:
                    used[name] = self._converted[name]
                    todo.append(used[name])
                todo += cast("Schema", part).values()
            elif isinstance(part, list):
                todo += cast("list[object]", part)
        return used

    # -- definitions -----------------------------------------------------------------------------------------------

    def _define(self, schema: Mapping[str, Any], path: str) -> None:
        """Take in the definitions that stand at a place."""
        for keyword in ("$defs", "definitions"):
            for name, inner in schema.get(keyword, {}).items():
                if self._found.setdefault(name, inner) != inner:
                    raise self._refusal(f"has two different definitions called {name!r}; rename one class", path)

    def _name_of(self, reference: object, path: str) -> str:
        """Return the definition that a reference leads to."""
        if isinstance(reference, str) and reference.startswith("#/"):
            place, _, last = reference.rpartition("/")
            name = last.replace("~1", "/").replace("~0", "~")
            if place in ("#/$defs", "#/definitions") and name in self._found:
                return name
        raise self._refusal(f"refers to {reference!r}, which is no definition of the schema", path)

    def _reference(self, node: Mapping[str, Any], path: str) -> Schema:
        if node["$ref"] == "#":
            return {"$ref": "#"}
        name = self._name_of(node["$ref"], path)
        words = {key: node[key] for key in _WORDS if key in node}
        more = node.keys() - {"$ref"} - _MEANINGLESS
        if name not in self._converted:
            # Reserved first: the definition may lead to itself.
            self._converted[name] = None
            self._converted[name] = self._node(self._found[name], str(self._found[name].get("title", name)))
        inner = self._converted[name]
        if not words and not more:
            return {"$ref": f"#/$defs/{_escaped(name)}"}
        if more:
            return self._node(
                {**self._found[name], **{key: value for key, value in node.items() if key != "$ref"}}, path
            )
        if inner is None:
            # In the middle of its own definition; a reference has no room for words.
            return {"$ref": f"#/$defs/{_escaped(name)}"}
        return {**inner, **words}

    # -- nodes -----------------------------------------------------------------------------------------------------

    def _node(self, node: object, path: str) -> Schema:
        if not isinstance(node, Mapping):
            raise self._refusal("may be anything", path, "give it a type")
        schema = cast("Mapping[str, Any]", node)
        if schema is not self._root:
            self._define(schema, path)
        for keyword, meaning in _SHAPES.items():
            if keyword in schema:
                raise self._refusal(f"has {meaning}", path, _INSTEAD.get(keyword, ""))
        if "allOf" in schema:
            parts = schema["allOf"]
            if len(parts) != 1:
                raise self._refusal("combines several schemas (`allOf`)", path, "write one class with all members")
            return self._node({**parts[0], **{key: value for key, value in schema.items() if key != "allOf"}}, path)
        if "$ref" in schema:
            return self._reference(schema, path)
        result: Schema = {key: schema[key] for key in _WORDS if isinstance(schema.get(key), str)}
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                result["anyOf"] = [
                    self._node(one, f"{path}|{number}") for number, one in enumerate(schema[keyword], start=1)
                ]
                return result
        if "enum" in schema:
            return {**result, **_of_values(schema["enum"], schema.get("type")), "enum": list(schema["enum"])}
        if "const" in schema:
            return {**result, **_of_values([schema["const"]], schema.get("type")), "const": schema["const"]}
        kinds = schema.get("type")
        if kinds is None and "properties" in schema:
            kinds = "object"
        for kind in [kinds] if isinstance(kinds, str) else cast("Iterable[str]", kinds or ()):
            if kind not in _KEPT:
                raise self._refusal(f"has the unknown type {kind!r}", path)
            result.update({key: schema[key] for key in _KEPT[kind] if key in schema})
            if kind == "object":
                result.update(self._object(schema, path))
            elif kind == "array":
                result["items"] = self._items(schema, path)
        if not kinds:
            raise self._refusal("may be anything", path, "give it a type")
        if result.get("format") not in _FORMATS:
            result.pop("format", None)
        result["type"] = kinds
        return result

    def _object(self, schema: Mapping[str, Any], path: str) -> Schema:
        members: Mapping[str, Any] = schema.get("properties", {})
        others = schema.get("additionalProperties", False)
        if (others is True and not members) or isinstance(others, Mapping):
            raise self._refusal("is a mapping with any names", path, "use a list of objects with a name and a value")
        required: frozenset[str] = frozenset(schema.get("required", ()))
        properties: Schema = {}
        for name, member in members.items():
            inner = self._node(member, f"{path}.{name}")
            properties[name] = _or_null(inner) if self._optional_as_null and name not in required else inner
        return {"properties": properties, "required": list(properties), "additionalProperties": False}

    def _items(self, schema: Mapping[str, Any], path: str) -> Schema:
        items = schema.get("items")
        if not isinstance(items, Mapping):
            raise self._refusal("is a list of anything", path, "give its items a type")
        return self._node(cast("Mapping[str, object]", items), f"{path}[]")

    def _refusal(self, what: str, path: str, instead: str = "") -> UnsupportedSchemaError:
        whose = "" if path == self._name else f" (asked for as {self._name})"
        advice = instead or "change the type"
        return UnsupportedSchemaError(
            f"{path}{whose} {what}, which the API's strict mode cannot express; {advice}, or ask for it without strict "
            "mode: output_of(..., strict=False)",
            path=path,
        )


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _article(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if "anyOf" in schema or "oneOf" in schema:
        return "one of several types"
    if not isinstance(kind, str):
        return "no object"
    return {"array": "a list", "integer": "an integer"}.get(kind, f"a {kind}")


def _of_values(values: Iterable[object], given: object) -> Schema:
    """Return the type of some constants, as strict mode wants it said."""
    if given is not None:
        return {"type": given}
    kinds = list(dict.fromkeys(_TYPE_OF[type(value)] for value in values if type(value) in _TYPE_OF))
    return {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}


def _or_null(schema: Schema) -> Schema:
    """Let a value be null as well."""
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    choices: list[Schema] | None = schema.get("anyOf")
    if choices is not None:
        if any(choice.get("type") == "null" for choice in choices):
            return schema
        return {**schema, "anyOf": [*choices, {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}
