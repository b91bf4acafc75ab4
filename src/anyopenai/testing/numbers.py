"""Numbers within the bounds and the steps that a JSON schema gives, computed exactly; no other values."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Final, cast

from .exchange import Json

__all__ = ("fraction", "is_within", "number_within")

_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def number_within(keywords: Json, variant: int, *, whole: bool) -> float | None:
    """Return a number that the bounds of a schema take: 1, or the one nearest to it; None if there is none.

    Args:
        keywords: The schema's.
        variant: Which of several, from 0; where they end, they begin again.
        whole: Whether it must be a whole number.
    """
    step = fraction(keywords["multipleOf"]) if keywords.get("multipleOf") else Fraction(0)
    if whole:
        # The least number that is a multiple of the step and whole.
        step = Fraction(step.numerator) if step else Fraction(1)
    low, high = fraction(keywords["minimum"]) if "minimum" in keywords else None, None
    if "maximum" in keywords:
        high = fraction(keywords["maximum"])
    above = fraction(keywords["exclusiveMinimum"]) if "exclusiveMinimum" in keywords else None
    below = fraction(keywords["exclusiveMaximum"]) if "exclusiveMaximum" in keywords else None
    if step:
        lows = [ceil(low / step)] if low is not None else []
        highs = [floor(high / step)] if high is not None else []
        lows += [floor(above / step) + 1] if above is not None else []
        highs += [ceil(below / step) - 1] if below is not None else []
        found = _between(ceil(Fraction(1) / step), variant, max(lows, default=None), min(highs, default=None))
        exact = found * step if found is not None else None
    else:
        exact = _within(low, high, above, below, variant)
    if exact is None:
        return None
    number = int(exact) if exact.denominator == 1 else float(exact)
    return number if is_within(keywords, number) else None


def is_within(keywords: Json, number: float) -> bool:
    """Tell whether a number keeps the bounds and the step of a schema."""
    bounds = {name: fraction(keywords[name]) for name in _BOUNDS if name in keywords}
    step = fraction(keywords["multipleOf"]) if keywords.get("multipleOf") else None
    return (
        ("minimum" not in bounds or number >= bounds["minimum"])
        and ("maximum" not in bounds or number <= bounds["maximum"])
        and ("exclusiveMinimum" not in bounds or number > bounds["exclusiveMinimum"])
        and ("exclusiveMaximum" not in bounds or number < bounds["exclusiveMaximum"])
        and (step is None or fraction(number) % step == 0)
    )


def fraction(value: object) -> Fraction:
    """Return a JSON number exactly as it is written."""
    return Fraction(str(value))


def _between(wanted: int, variant: int, low: int | None, high: int | None) -> int | None:
    """Return the whole number nearest to the wanted one, moved on by the variant and round again at the end."""
    if low is not None and high is not None:
        if low > high:
            return None
        return low + (min(max(wanted, low), high) - low + variant) % (high - low + 1)
    if high is not None:
        return min(wanted, high) - variant
    return max(wanted, low if low is not None else wanted) + variant


def _within(
    low: Fraction | None, high: Fraction | None, above: Fraction | None, below: Fraction | None, variant: int
) -> Fraction | None:
    """Return a number between bounds of which some do not belong: 1 and those after it, else one between them."""
    floors = [bound for bound in (low, above) if bound is not None]
    ceilings = [bound for bound in (high, below) if bound is not None]
    bottom, top = max(floors, default=None), min(ceilings, default=None)
    wanted = Fraction(1 + variant)
    is_open = bottom is not None and bottom == above, top is not None and top == below
    if (bottom is None or wanted > bottom or (wanted == bottom and not is_open[0])) and (
        top is None or wanted < top or (wanted == top and not is_open[1])
    ):
        return wanted
    if bottom is not None and top is not None:
        if bottom > top or (bottom == top and any(is_open)):
            return None
        return bottom if bottom == top else bottom + (top - bottom) / (variant + 2)
    if bottom is not None:
        return bottom + is_open[0] + variant
    return cast("Fraction", top) - is_open[1] - variant
