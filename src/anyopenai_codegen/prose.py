"""Says facts in words, for docstrings: kinds, defaults, ranges, units; no sentence of the description is used."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from .naming import Layout
from .shapes import Alias, Choices, Either, Limits, Listed, Mapped, Named, Object, Scalar, Shape
from .source import literal

WIDTH = 112

_SCALARS = {
    "str": "str",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "None": "None",
    "object": "anything JSON can say",
    "time": "Unix time in seconds",
    "file": "a file (bytes, a path, an open binary file, or a tuple of file name and content)",
}

# The edge of the 64-bit integers is no limit that anyone would state.
_NO_LIMIT = 2**62

# A longer list of values is left to the type.
_LISTED_VALUES = 7


def said(limits: Limits, shape: Shape | None = None, *, answered: bool = False) -> str:
    """Return what is known of a value beside its type, as sentences; empty when there is nothing.

    Args:
        limits: The facts.
        shape: The value's shape.
        answered: The value is a part of an answer, so that a default says nothing.
    """
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
    if limits.default is not None and limits.default != "" and not single and not answered:
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
    whole = int(value)
    if whole != value:
        return repr(value)
    return f"{whole:,}" if abs(whole) >= 10_000 else str(whole)


def kind(shape: Shape, layout: Layout) -> str:
    """Return a shape in words."""
    match shape:
        case Scalar():
            return _SCALARS[shape.kind]
        case Choices():
            if _is_long(shape):
                return "one of the values its type lists"
            return listing([literal(value) for value in shape.values])
        case Listed():
            return f"list of {_inner(shape.item, layout)}"
        case Mapped():
            return f"mapping of str to {_inner(shape.value, layout)}"
        case Named():
            key = layout.key(shape.key)
            declaration = layout.declared[key]
            if isinstance(declaration, Alias) and _is_plain(declaration.shape) and not _is_long(declaration.shape):
                return kind(declaration.shape, layout)
            return f"`{layout.home(key).name}`"
        case Either():
            members = list(shape.members)
            if Scalar("str") in members:
                members = [member for member in members if not _is_enum(member, layout)]
            return listing(list(dict.fromkeys(kind(member, layout) for member in members)))


def _is_long(shape: Shape) -> bool:
    """Whether a set of values is told by its name."""
    return isinstance(shape, Choices) and len(shape.values) > _LISTED_VALUES


def _is_plain(shape: Shape) -> bool:
    members = shape.members if isinstance(shape, Either) else (shape,)
    return all(isinstance(member, Choices | Scalar) for member in members)


def _inner(shape: Shape, layout: Layout) -> str:
    text = kind(shape, layout)
    return f"({text})" if isinstance(shape, Choices | Either) and " or " in text else text


def _is_enum(shape: Shape, layout: Layout) -> bool:
    if isinstance(shape, Named):
        declaration = layout.declared[layout.key(shape.key)]
        return isinstance(declaration, Alias) and isinstance(declaration.shape, Choices)
    return isinstance(shape, Choices)


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


# More places than these say less, not more.
_PLACES = 3


def places(uses: list[str]) -> str:
    """Return where an object stands as a sentence; empty when nobody refers to it.

    Args:
        uses: `Owner.member`, or the name of a union.
    """
    if not uses:
        return ""
    members = [use for use in uses if "." in use]
    shown = (members or uses)[:_PLACES]
    more = len(members or uses) - len(shown)
    text = f"{', '.join(f'`{use}`' for use in shown)}{f' and {more} more' if more else ''}"
    return wrapped(f"Found in {text}." if members else f"One of {text}.", hanging=0)


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
