"""Says facts in words, for docstrings: kinds, defaults, ranges, units; no sentence of the description is used."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from .naming import Layout
from .shapes import Alias, Choices, Either, Limits, Listed, Mapped, Named, Object, Scalar, Shape
from .source import literal

WIDTH = 112

_SCALARS = {
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "None": "None",
    "object": "anything JSON has",
    "time": "a Unix time in seconds",
    "file": "a file",
}

# The edge of the 64-bit integers is no limit that anyone would state.
_NO_LIMIT = 2**62

# A longer list of values is left to the type.
_LISTED_VALUES = 8


def said(limits: Limits, shape: Shape | None = None) -> str:
    """Return what is known of a value beside its type, as sentences; empty when there is nothing."""
    parts: list[str] = []
    if limits.minimum is not None and limits.maximum is not None and limits.maximum > _NO_LIMIT:
        limits = replace(limits, minimum=None, maximum=None)
    if limits.time or shape == Scalar("time"):
        parts.append("Unix time in seconds")
    if limits.minimum is not None and limits.maximum is not None:
        parts.append(f"{number(limits.minimum)} to {number(limits.maximum)}")
    elif limits.minimum is not None:
        parts.append(f"at least {number(limits.minimum)}")
    elif limits.maximum is not None:
        parts.append(f"at most {number(limits.maximum)}")
    if limits.above is not None:
        parts.append(f"above {number(limits.above)}")
    if limits.below is not None:
        parts.append(f"below {number(limits.below)}")
    parts += _counted(limits.min_length, limits.max_length, "character")
    parts += _counted(limits.min_items, limits.max_items, "item")
    single = isinstance(shape, Choices) and len(shape.values) == 1
    if limits.default is not None and limits.default != "" and not single:
        parts.append(f"default {literal(limits.default)}")
    text = ", ".join(parts)
    text = f"{text[:1].upper()}{text[1:]}." if text else ""
    return f"{text} Deprecated.".strip() if limits.deprecated else text


def _counted(least: int | None, most: int | None, unit: str) -> list[str]:
    if least and most is not None:
        return [f"{number(least)} to {number(most)} {unit}s"] if least != most else [f"{number(least)} {unit}s"]
    if most is not None:
        return [f"at most {number(most)} {unit}s"]
    if least:
        return [f"at least {number(least)} {unit}{'s' if least > 1 else ''}"]
    return []


def number(value: float) -> str:
    """Return a number as people write it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return repr(value)


def kind(shape: Shape, layout: Layout) -> str:
    """Return a shape in words."""
    match shape:
        case Scalar():
            return _SCALARS[shape.kind]
        case Choices():
            if len(shape.values) > _LISTED_VALUES:
                return "a known value"
            return listing([literal(value) for value in shape.values])
        case Listed():
            return f"a list of {_many(shape.item, layout)}"
        case Mapped():
            value = "" if shape.value == Scalar("object") else f" to {_many(shape.value, layout)}"
            return f"a mapping of names{value}"
        case Named():
            key = layout.key(shape.key)
            declaration = layout.declared[key]
            if isinstance(declaration, Alias) and isinstance(declaration.shape, Choices | Scalar):
                return kind(declaration.shape, layout)
            return f"`{layout.home(key).name}`"
        case Either():
            members = [kind(member, layout) for member in shape.members]
            if Scalar("str") in shape.members and any(isinstance(member, Choices) for member in shape.members):
                members = [text for member, text in zip(shape.members, members, strict=True) if not isinstance(member, Choices)]
            return listing(list(dict.fromkeys(members)))


def _many(shape: Shape, layout: Layout) -> str:
    plural = {"str": "texts", "int": "integers", "float": "numbers", "bool": "booleans", "file": "files"}
    if isinstance(shape, Scalar):
        return plural.get(shape.kind, _SCALARS[shape.kind])
    if isinstance(shape, Listed):
        return f"lists of {_many(shape.item, layout)}"
    return kind(shape, layout)


def listing(words: list[str]) -> str:
    """Return words as "a, b or c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def wrapped(text: str, indent: int = 0, hanging: int = 4) -> str:
    """Return text in lines that fit under a docstring's indentation."""
    return textwrap.fill(
        text,
        WIDTH - indent,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def uses(layout: Layout) -> dict[str, list[str]]:
    """Return where each object stands: `Owner.member`, in the order of the declarations."""
    found: dict[str, list[str]] = {}

    def note(shape: Shape, where: str) -> None:
        match shape:
            case Named():
                key = layout.key(shape.key)
                declaration = layout.declared[key]
                if isinstance(declaration, Object):
                    places = found.setdefault(key, [])
                    if where not in places:
                        places.append(where)
                else:
                    for member in _alternatives(declaration.shape):
                        note(member, layout.home(key).name)
            case Listed():
                note(shape.item, where)
            case Mapped():
                note(shape.value, where)
            case Either():
                for member in shape.members:
                    note(member, where)
            case _:
                pass

    for key, declaration in layout.kept.items():
        if isinstance(declaration, Object):
            for member in declaration.members.values():
                note(member.shape, f"{layout.home(key).name}.{member.wire}")
    return found


def _alternatives(shape: Shape) -> tuple[Shape, ...]:
    return shape.members if isinstance(shape, Either) else (shape,)
