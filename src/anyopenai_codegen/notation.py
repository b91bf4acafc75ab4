"""The short form in which `facts/` writes schemas, and the schemas it stands for; nothing is decided here.

A text is a type, or several with `|` between them: `str`, `int`, `float`, `bool`, `null`, `any`, `time`, `file`, a
component's name, `'constant'`, `[type]` for a list, `{type}` for a mapping. A JSON object is an object's members, `?`
after the names of those that may be missing, and an underscore after one that is a keyword of Python; a list of one is a list of that, and `{"|": [...]}` a union, where a text
cannot say it.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import Any, cast

Schema = dict[str, Any]

COMPONENT = "#/components/schemas/"

SPELLING = "x-spelling"
"""What a member's schema has beside it where users write the member's name in another way."""


class DescriptionError(Exception):
    """The description says something this generator cannot read; the message names the place."""


_SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "null": {"type": "null"},
    "any": {},
    "time": {"type": "number", "format": "unixtime"},
    "file": {"type": "string", "format": "binary"},
    "map": {"type": "object", "additionalProperties": {}},
}

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|=(true|false|-?\d+)|([A-Za-z_][\w.@-]*)|([|\[\]{}]))")


def expanded(short: Any) -> Schema:
    """Return the schema that a short form stands for."""
    if isinstance(short, str):
        return _Text(short).schema()
    if isinstance(short, list):
        return {"type": "array", "items": expanded(short[0])}
    if not isinstance(short, dict):
        raise DescriptionError(f"{short!r} is no short form of a schema")
    members = cast("dict[str, Any]", short)
    if members.keys() == {"|"}:
        return {"anyOf": [expanded(member) for member in members["|"]]}
    if members.keys() == {"{}"}:
        return {"type": "object", "additionalProperties": expanded(members["{}"])}
    return {
        "type": "object",
        "properties": dict(_member(name.removesuffix("?"), member) for name, member in members.items()),
        "required": [_wire(name) for name in members if not name.endswith("?")],
    }


def _member(name: str, short: Any) -> tuple[str, Schema]:
    """Return a member's name in JSON and its schema, which says how users spell it where they have to do otherwise."""
    schema = expanded(short)
    wire = _wire(name)
    return wire, schema if wire == name else {**schema, SPELLING: name}


def _wire(name: str) -> str:
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


class _Text:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))

    def _split(self, text: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise DescriptionError(f"{text!r} is no short form of a schema: {text[place:]!r}")
            constant, value, name, mark = match.groups()
            if constant is not None:
                found.append(("constant", json.loads(f'"{constant}"')))
            elif value is not None:
                found.append(("constant", json.loads(value)))
            else:
                found.append(("name", name) if name else ("mark", mark))
            place = match.end()
        return found

    def schema(self) -> Schema:
        schema = self._union()
        if self._tokens:
            raise DescriptionError(f"{self._text!r} is no short form of a schema: {self._tokens[0][1]!r} is left over")
        return schema

    def _union(self) -> Schema:
        members = [self._one()]
        while self._tokens and self._tokens[0] == ("mark", "|"):
            self._tokens.pop(0)
            members.append(self._one())
        # Constants side by side are one set of values.
        values = [member["const"] for member in members if "const" in member]
        if len(values) > 1:
            first = next(place for place, member in enumerate(members) if "const" in member)
            joined: list[Schema] = [member for member in members if "const" not in member]
            joined.insert(first, {"enum": values})
            members = joined
        return members[0] if len(members) == 1 else {"anyOf": members}

    def _one(self) -> Schema:
        kind, value = self._tokens.pop(0) if self._tokens else ("end", "the end")
        if kind == "constant":
            return {"const": value}
        if kind == "name":
            known = _SCALARS.get(value)
            return dict(known) if known is not None else {"$ref": COMPONENT + value}
        if (kind, value) == ("mark", "["):
            return {"type": "array", "items": self._closed("]")}
        if (kind, value) == ("mark", "{"):
            return {"type": "object", "additionalProperties": self._closed("}")}
        raise DescriptionError(f"{self._text!r} is no short form of a schema: {value!r} stands where a type should")

    def _closed(self, mark: str) -> Schema:
        inner = self._union()
        if not self._tokens or self._tokens.pop(0) != ("mark", mark):
            raise DescriptionError(f"{self._text!r} is no short form of a schema: {mark!r} is missing")
        return inner
