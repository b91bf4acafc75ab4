"""`Literal` as generated modules see it at run time: the plain types of its values, so that enums stay open."""

from __future__ import annotations

from typing import Any, cast

__all__ = ("Literal",)


class _OpenLiteral:
    __slots__ = ()

    def __getitem__(self, values: object) -> Any:
        """Give `str` for string values, `int` for integers, a union for a mixture."""
        result: Any = None
        for value in cast("tuple[object, ...]", values) if isinstance(values, tuple) else (values,):
            kind = type(value)
            result = kind if result is None else result | kind
        return result

    def __repr__(self) -> str:
        return "anyopenai._codec.Literal"


Literal = _OpenLiteral()
"""Stands for `typing.Literal` where msgspec reads annotations.

A server may send a value that this version does not know; `typing.Literal` would make msgspec refuse the whole
document. Type checkers see the real one::

    if TYPE_CHECKING:
        from typing import Literal
    else:
        from .._codec import Literal
"""
