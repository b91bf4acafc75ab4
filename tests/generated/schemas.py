"""Component schemas, and values that they allow: made from the description alone, and the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from anyopenai_codegen.notation import SPELLING

Schema: TypeAlias = dict[str, Any]

COMPONENT = "#/components/schemas/"

FILE = ("text.txt", b"some text")
"""The value of every file."""

# By pattern or format; whatever else is asked for, `text` is right.
_TEXTS = {
    "^tunnel_[a-z0-9]{32}$": f"tunnel_{'0' * 32}",
    "binary": FILE,
    "byte": "dGV4dA==",
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "email": "someone@example.com",
    "uri": "https://example.com/text",
    "uuid": "01234567-89ab-4def-8123-456789abcdef",
}

# How many references and members deep members that may be missing are given: a request of the Responses API has
# thousands of them.
_DEPTH = 10


class Schemas(dict[str, Schema]):
    """Schemas by component name."""

    def resolved(self, schema: Schema) -> Schema:
        """Return the schema that a reference names; of any other schema, itself."""
        while "$ref" in schema:
            schema = self[schema["$ref"].removeprefix(COMPONENT)]
        return schema

    def variants(self, schema: Schema) -> Iterator[Schema]:
        """Yield the alternatives of a schema without null, and itself if it has none."""
        schema = self.resolved(schema)
        branches = _branches(schema)
        if not branches:
            yield schema
        for branch in branches:
            yield from self.variants(branch)

    def flat(self, schema: Schema) -> Schema:
        """Return an object's schema with the parts of every `allOf` put together, and closed to other members."""
        members: dict[str, Any] = {}
        required: list[str] = []
        for part in self._parts(schema):
            members |= part.get("properties", {})
            required += part.get("required", ())
        return {"type": "object", "properties": members, "required": required, "additionalProperties": False}

    def _parts(self, schema: Schema) -> Iterator[Schema]:
        schema = self.resolved(schema)
        for part in schema.get("allOf", ()):
            yield from self._parts(part)
        yield schema

    def value(self, schema: Schema, *, whole: bool = False, above: tuple[str, ...] = ()) -> Any:
        """Return a value that the schema allows.

        Args:
            schema: What the value must be.
            whole: Give members that may be missing too, and of alternatives the last one instead of the first.
            above: References and members that lead here.
        """
        if "$ref" in schema:
            name = schema["$ref"]
            whole = whole and name not in above
            return self.value(self.resolved(schema), whole=whole, above=(*above, name))
        if "contentSchema" in schema:
            return self.value(schema["contentSchema"], whole=whole, above=above)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return next(value for value in schema["enum"] if value is not None)
        if "allOf" in schema or "properties" in schema:
            return self._object(schema, whole and len(above) < _DEPTH, above)
        branches = _branches(schema)
        if branches:
            return self.value(branches[-1 if whole else 0], whole=whole, above=above)
        return self._plain(schema, whole, above)

    def _object(self, schema: Schema, whole: bool, above: tuple[str, ...]) -> Any:
        flat = self.flat(schema)
        if not flat["properties"]:
            return self.value(schema["allOf"][0], whole=whole, above=above)
        # Of members that exclude each other, those of the first alternative.
        first, *others = [branch["required"] for branch in schema.get("oneOf", ()) if set(branch) == {"required"}] or [
            []
        ]
        excluded = {name for other in others for name in other} - set(first)
        return {
            member.get(SPELLING, name): self.value(member, whole=whole, above=(*above, name))
            for name, member in flat["properties"].items()
            if name not in excluded and (whole or name in [*flat["required"], *first])
        }

    def _plain(self, schema: Schema, whole: bool, above: tuple[str, ...]) -> Any:
        kinds = schema.get("type", "any")
        match next(kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"):
            case "string":
                text = _TEXTS.get(schema.get("pattern") or schema.get("format", ""), "text")
                if isinstance(text, str):
                    text = text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]
                return text
            case "integer":
                return int(_between(schema, 1))
            case "number":
                return _between(schema, 0.5)
            case "boolean":
                return True
            case "array":
                items = schema.get("items", {})
                return [self.value(items, whole=whole, above=above) for _ in range(schema.get("minItems") or 1)]
            case "object":
                members = schema.get("additionalProperties")
                return {"key": self.value(members, whole=whole, above=above) if isinstance(members, dict) else "text"}
            case _:
                return "text"


def _branches(schema: Schema) -> list[Schema]:
    """Return the alternatives that a schema lists, without null and without those that only require members."""
    return [
        branch
        for word in ("anyOf", "oneOf")
        for branch in schema.get(word, ())
        if branch.get("type") != "null" and set(branch) != {"required"}
    ]


def _between(schema: Schema, wanted: float) -> float:
    return max(schema.get("minimum", wanted), min(schema.get("maximum", wanted), wanted))
