"""`Vector`: an embedding in one block of memory, and the type that stands for it in JSON; nothing about the objects that hold one."""

from __future__ import annotations

import sys
from array import array
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, SupportsIndex, cast, overload

__all__ = ("Vector", "VectorWire")

if TYPE_CHECKING:
    _FloatArray = array[float]
else:
    # array became subscriptable at run time in Python 3.12.
    _FloatArray = array

VectorWire = bytes | list[float]
"""What stands for `Vector` in annotations at run time.

msgspec decodes base64 text straight into `bytes`, three times as fast as a `str` that is decoded afterwards.
"""

_SHOWN = 3


class Vector(_FloatArray):
    """A sequence of floats in one block of memory: 4 bytes a number from base64, 8 from a JSON list.

    It equals any sequence of the same numbers, slices to a `Vector`, and gives its memory away without copying
    (`numpy.asarray(vector)`, `memoryview(vector)`). `typecode` is `"f"` (as the API sent it in base64) or `"d"`
    (from a list: nothing is rounded). `to_dict()` and `to_json()` of an object that holds one give a list.

    Args:
        values: The numbers.
        typecode: `"d"` for 64-bit floats, `"f"` for 32-bit ones.

    Source: https://platform.openai.com/docs/api-reference/embeddings/object
    """

    __slots__ = ()

    def __new__(cls, values: Iterable[float] = (), typecode: Literal["f", "d"] = "d") -> Vector:
        if isinstance(values, bytes | bytearray):
            raise TypeError("a Vector is made of numbers; for little-endian 32-bit floats use Vector.from_bytes()")
        return cast("Vector", super().__new__(cls, typecode, values))

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Vector:
        """Make a vector from little-endian 32-bit floats, the form inside the API's base64.

        Raises:
            ValueError: The length is not a multiple of 4 bytes.
        """
        if len(data) % 4:
            raise ValueError(f"{len(data)} bytes are no sequence of 32-bit floats; the length must be a multiple of 4")
        vector = cls((), "f")
        vector.frombytes(data)
        if sys.byteorder == "big":
            vector.byteswap()
        return vector

    @classmethod
    def from_base64(cls, text: str | bytes) -> Vector:
        """Make a vector from base64 text as the embeddings API sends it.

        Raises:
            ValueError: The text is not base64, or not of 32-bit floats.
        """
        return cls.from_bytes(a2b_base64(text, strict_mode=True))

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> float: ...
    @overload
    def __getitem__(self, key: slice, /) -> Vector: ...
    def __getitem__(self, key: SupportsIndex | slice, /) -> float | Vector:
        result = super().__getitem__(key)
        return self._same(result) if isinstance(key, slice) else cast("float", result)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, array):
            return super().__eq__(cast("object", other))
        if isinstance(other, Sequence) and not isinstance(other, str | bytes | bytearray):
            values = cast("Sequence[object]", other)
            return len(self) == len(values) and all(map(_equal, self, values))
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        # array compares for itself, and says that no list is equal.
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    # Values may change in place, so a vector is no key.
    __hash__: ClassVar[None] = None

    def __copy__(self) -> Vector:
        return self[:]

    def __deepcopy__(self, memo: object) -> Vector:
        return self[:]

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]:
        # Little-endian whatever this machine is: the pickle may be read on another one.
        plain = self[:]
        if sys.byteorder == "big":
            plain.byteswap()
        return _restore, (self.typecode, plain.tobytes())

    def __repr__(self) -> str:
        if len(self) <= 2 * _SHOWN:
            return f"Vector({self.tolist()})"
        head = ", ".join(map(repr, self[:_SHOWN].tolist()))
        return f"Vector([{head}, ... {len(self)} numbers])"

    def _same(self, values: Any) -> Vector:
        vector = Vector((), cast("Literal['f', 'd']", self.typecode))
        vector.frombytes(values.tobytes())
        return vector


def _equal(left: object, right: object) -> bool:
    return bool(left == right)


def _restore(typecode: Literal["f", "d"], data: bytes) -> Vector:
    vector = Vector((), typecode)
    vector.frombytes(data)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector
