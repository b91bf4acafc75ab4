"""Reading members of a request body, with the complaints the API would make; no endpoint's own rules here."""

from __future__ import annotations

from typing import cast

from .exchange import Json, invalid

__all__ = ("boolean", "integer", "metadata", "number", "required", "stops", "text")


def required(body: Json, name: str) -> object:
    """Return a member that must be there and not null.

    Raises:
        Refusal: It is not.
    """
    value = body.get(name)
    if value is None:
        raise invalid(
            name, f"The parameter {name!r} is missing; the request cannot do without it.", "missing_parameter"
        )
    return value


def text(body: Json, name: str, default: str | None = None) -> str | None:
    """Return a member that is a string, or the default for none and null."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise invalid(name, f"{name!r} must be a string, not {_kind(value)}.", "invalid_type")
    return value


def boolean(body: Json, name: str, default: bool = False) -> bool:
    """Return a member that is true or false, or the default for none and null."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(name, f"{name!r} must be true or false, not {_kind(value)}.", "invalid_type")
    return value


def integer(body: Json, name: str, low: int, high: int) -> int | None:
    """Return a member that is a whole number within bounds; None for none and null."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, f"{name!r} must be a whole number, not {_kind(value)}.", "invalid_type")
    if not low <= value <= high:
        raise invalid(name, f"{name!r} must be between {low} and {high}, not {value}.", "integer_out_of_range")
    return value


def number(body: Json, name: str, low: float, high: float) -> float | None:
    """Return a member that is a number within bounds; None for none and null."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(name, f"{name!r} must be a number, not {_kind(value)}.", "invalid_type")
    if not low <= value <= high:
        raise invalid(name, f"{name!r} must be between {low} and {high}, not {value}.", "decimal_out_of_range")
    return value


def metadata(body: Json, name: str = "metadata") -> dict[str, str] | None:
    """Return a member that maps up to 16 short names to strings; None for none and null."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid(name, f"{name!r} must be an object, not {_kind(value)}.", "invalid_type")
    pairs = cast("Json", value)
    # 16 pairs, names of 64 and values of 512 characters: the API reference, member `metadata`.
    if len(pairs) > 16:
        raise invalid(name, f"{name!r} has {len(pairs)} members; at most 16 are kept.", "too_many_members")
    for key, item in pairs.items():
        if len(key) > 64 or not isinstance(item, str) or len(item) > 512:
            raise invalid(
                f"{name}.{key}", f"{name!r} maps names of up to 64 characters to strings of up to 512.", "invalid_value"
            )
    return cast("dict[str, str]", pairs)


def stops(body: Json) -> tuple[str, ...]:
    """Return the stop sequences: one string, or up to four."""
    value = body.get("stop")
    if value is None:
        return ()
    items: list[object] = cast("list[object]", value) if isinstance(value, list) else [value]
    if len(items) > 4 or not all(isinstance(item, str) for item in items):
        raise invalid("stop", "'stop' must be a string or a list of up to 4 strings.", "invalid_type")
    return tuple(str(item) for item in items if item)


def _kind(value: object) -> str:
    """Name a JSON value's type as JSON does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"
