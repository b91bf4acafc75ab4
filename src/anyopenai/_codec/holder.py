"""`VectorHolder`, the base of objects with an embedding in them; the vector itself is `vector`'s."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from msgspec.structs import force_setattr

from .model import BaseModel
from .vector import Vector

__all__ = ("VectorHolder",)


class VectorHolder(BaseModel):
    """Base of Structs with a member `embedding`: bytes and number lists in it become a `Vector`.

    A generated class declares the member as `embedding: Vector`, where type checkers see `Vector` and msgspec sees
    `VectorWire`. Anything else stays as it was sent: text that is not base64 or of a wrong length, lists with
    other things in them.
    """

    def __post_init__(self) -> None:
        value: object = getattr(self, "embedding", None)
        if type(value) is bytes:
            # A ValueError makes msgspec refuse the document; the lenient pass then keeps the text.
            force_setattr(self, "embedding", Vector.from_bytes(value))
        elif type(value) is list:
            with suppress(TypeError, OverflowError):
                force_setattr(self, "embedding", Vector(cast("list[float]", value)))
