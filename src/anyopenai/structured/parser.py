"""What every answer is read with: its texts as a type, and the arguments of its calls as what their tools take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar, cast

from .._codec import DecodeFailure
from .output import Output

__all__ = ("AnswerParser", "listed")

T = TypeVar("T")


class AnswerParser(Generic[T]):
    """Reads the parts of an answer; the walk through it is each API's own.

    Args:
        output: What texts are read as; None leaves them as text.
        tools: What reads the arguments of calls, by the function's name.
    """

    __slots__ = ("output", "tools")

    def __init__(self, output: Output[T] | None, tools: Mapping[str, Callable[[str | bytes], object]]) -> None:
        self.output: Output[T] | None = output
        self.tools: Mapping[str, Callable[[str | bytes], object]] = tools

    def text(self, text: str | None, *, path: str) -> T | None:
        """Return a whole text as the type; None where there is none, or nothing was asked for.

        Raises:
            DecodeFailure: It does not fit.
        """
        if self.output is None or type(text) is not str or not text:
            return None
        try:
            return self.output.decode(text)
        except DecodeFailure as failure:
            raise DecodeFailure(f"{path}: {failure}") from failure.__cause__

    def arguments(self, name: str, text: str, *, path: str) -> object | None:
        """Return the whole arguments of a call as what its tool takes; None for a tool that is not known here.

        Raises:
            DecodeFailure: They do not fit.
        """
        # A server may send anything in their places.
        read = self.tools.get(name) if type(name) is str and type(text) is str else None
        if read is None:
            return None
        try:
            return read(text)
        except DecodeFailure as failure:
            raise DecodeFailure(f"{path} of {name!r}: {failure}") from failure.__cause__


def listed(found: object) -> list[object]:
    """Return a list of an answer; an empty one where the server sent something else."""
    return cast("list[object]", found) if isinstance(found, list) else []
