"""Values that satisfy a JSON schema, made of given words, the same ones every time; what schemas mean stands in `nodes`."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, cast

from .nodes import Node, Nodes, Unwritable, ValuelessSchema
from .numbers import number_within
from .texts import WORDS_IN_A_TEXT, text_within

__all__ = ("value_from_schema",)

# From this depth or number of values on the shortest value is given: a schema may lead to itself.
_DEEP: Final = 6
_MANY: Final = 400

# More is not written: a request of a few bytes must not fill the memory of a test.
_MOST_VALUES: Final = 10_000

# How many variants of an item are tried for a place of a list whose items must differ.
_TRIES: Final = 20


def value_from_schema(schema: object, words: Sequence[str], variant: int = 0) -> object:
    """Return a value that satisfies a JSON schema: the same one for the same arguments.

    Optional members are written, alternatives that are not null come first, and from some depth on the least value is
    taken, so that every schema that has a value ends.

    Args:
        schema: The schema; references point into it.
        words: What strings are made of, in turn; at least one.
        variant: Which of several values, from 0: numbers, formats and listed values move on with it.

    Raises:
        Unwritable: It has no value, or it takes a model to find one.
    """
    try:
        return _Writer(Nodes(schema), words).value(schema, 0, variant)
    except RecursionError:
        raise Unwritable("is nested too deeply") from None


class _Writer:
    """Writes one document."""

    def __init__(self, nodes: Nodes, words: Sequence[str]) -> None:
        self._nodes = nodes
        self._words = words
        self._next = 0
        self._written = 0

    def value(self, schema: object, depth: int, variant: int) -> object:
        self._written += 1
        if self._written > _MOST_VALUES:
            raise Unwritable(f"asks for more than {_MOST_VALUES} values")
        node = self._nodes.find(schema)
        match node.kind:
            case "any":
                return self.value(self._choice(node, depth), depth + 1, variant)
            case "enum":
                values = cast("list[object]", node.keywords["enum"])
                return values[variant % len(values)]
            case "object":
                return self._object(node, depth, variant)
            case "array":
                return self._array(node, depth, variant)
            case "integer" | "number":
                number = number_within(node.keywords, variant, whole=node.kind == "integer")
                if number is None:
                    raise Unwritable("has no number within its bounds that a float can tell from them")
                return number
            case "boolean":
                return variant % 2 == 0
            case "null":
                return None
            case _:
                return self._text(node, variant)

    def _is_short(self, depth: int) -> bool:
        return depth > _DEEP or self._written > _MANY

    def _height(self, schema: object) -> float:
        try:
            return self._nodes.find(schema).height
        except ValuelessSchema:
            return inf

    def _choice(self, node: Node, depth: int) -> object:
        heights = [self._height(one) for one in node.choices]
        if self._is_short(depth):
            return node.choices[heights.index(min(heights))]
        return next(one for one, height in zip(node.choices, heights, strict=True) if height < inf)

    def _object(self, node: Node, depth: int, variant: int) -> dict[str, object]:
        needed = node.needed()
        listed = [name for name in cast("dict[str, object]", node.keywords.get("properties", {})) if name not in needed]
        if self._is_short(depth):
            listed = []
        listed = [name for name in listed if self._height(node.member(name)) < inf]
        names = needed + listed[: max(0, node.count("maxProperties", 1 << 30) - len(needed))]
        order = list(cast("dict[str, object]", node.keywords.get("properties", {})))
        names.sort(key=lambda name: order.index(name) if name in order else len(order))
        found = {name: self.value(node.member(name), depth + 1, variant) for name in names}
        self._add_unlisted(node, found, depth, variant)
        return found

    def _add_unlisted(self, node: Node, found: dict[str, object], depth: int, variant: int) -> None:
        """Fill an object up with members that the schema does not list by name."""
        schema = node.keywords.get("additionalProperties", True)
        least = node.count("minProperties", 0)
        listed = schema is not True and schema is not False
        if not found and listed and not self._is_short(depth) and self._height(schema) < inf:
            least = max(least, min(1, node.count("maxProperties", 1)))
        number = 0
        while len(found) < least:
            name = self._words[number % len(self._words)] + (str(number) if number >= len(self._words) else "")
            if "propertyNames" in node.keywords:
                name = str(self.value(node.keywords["propertyNames"], depth + 1, number))
            number += 1
            if number > _TRIES + 2 * least:
                raise Unwritable(f"asks for {least} members and names only {len(found)}")
            if name not in found:
                found[name] = self.value(node.member(name), depth + 1, variant)

    def _array(self, node: Node, depth: int, variant: int) -> list[object]:
        least, most = node.count("minItems", 0), node.count("maxItems", 1 << 30)
        first = len(cast("list[object]", node.keywords.get("prefixItems", [])))
        count = least if self._is_short(depth) else min(max(least, first, 1), most)
        differ = node.keywords.get("uniqueItems") is True
        found: list[object] = []
        for place in range(count):
            schema = node.item(place)
            if self._height(schema) == inf and place >= least:
                break
            item = self.value(schema, depth + 1, variant + place)
            tries = iter(range(1, _TRIES))
            while differ and any(_is_same(item, other) for other in found):
                other_variant = next(tries, None)
                if other_variant is None:
                    if place >= least:
                        return found
                    raise Unwritable(f"asks for {count} items that differ and has no more than {place}")
                item = self.value(schema, depth + 1, variant + place + other_variant)
            found.append(item)
        return found

    def _text(self, node: Node, variant: int) -> str:
        text = text_within(node.keywords, self._words, self._next, variant)
        if text is None:
            raise Unwritable("has no text of the length, the format and the pattern that it asks for")
        self._next += WORDS_IN_A_TEXT
        return text


def _is_same(one: object, other: object) -> bool:
    """Tell whether two values are the same to JSON, where 1 is 1.0 and not true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
