"""What the keywords of a JSON schema may have for values, and which bound of two is the tighter; a request may hold anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast

from .exchange import Json

__all__ = ("TIGHTER", "misshapen")

TIGHTER: Final[dict[str, Callable[[float, float], float]]] = {
    "minimum": max, "exclusiveMinimum": max, "minLength": max, "minItems": max, "minProperties": max,
    "maximum": min, "exclusiveMaximum": min, "maxLength": min, "maxItems": min, "maxProperties": min,
}  # fmt: skip

_SHAPES: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("properties", "patternProperties", "dependentRequired", "$defs", "definitions"), (dict,)),
    **dict.fromkeys(("enum", "anyOf", "oneOf", "allOf", "prefixItems", "required"), (list,)),
    **dict.fromkeys((*TIGHTER, "multipleOf"), (int, float)),
    **dict.fromkeys(("$ref", "pattern", "format"), (str,)),
    "type": (str, list),
}


def misshapen(node: Json) -> str:
    """Say which keyword of a schema has a value that no schema has there; an empty text if none."""
    for name, kinds in _SHAPES.items():
        value = node.get(name)
        wrong = name in node and (not isinstance(value, kinds) or isinstance(value, bool))
        if name in ("required", "type") and isinstance(value, list):
            wrong = not all(isinstance(one, str) for one in cast("list[object]", value))
        if wrong or (name == "multipleOf" and name in node and cast("float", value) <= 0):
            return f"has {value!r:.100} for {name!r}"
    for pattern in (*cast("Json", node.get("patternProperties", {})), cast("str", node.get("pattern", ""))):
        try:
            re.compile(pattern)
        except re.error as error:
            return f"has a pattern that Python does not know: {error}"
    return ""
