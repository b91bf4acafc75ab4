"""What generated type modules are made of, under one name each; the machinery itself lives in `_codec`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._codec import BaseModel, Resolved, VectorHolder
from .._codec import Variant as Variant

if TYPE_CHECKING:
    from typing import Literal as Literal

    from .._codec import Vector as Vector
else:
    # What msgspec reads: sets of known values stay open, and a vector arrives as base64 or as a list of numbers.
    from .._codec import Literal
    from .._codec import VectorWire as Vector

__all__ = ("BaseModel", "Literal", "Resolved", "Variant", "Vector", "VectorHolder")
