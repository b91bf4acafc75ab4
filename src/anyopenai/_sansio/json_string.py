"""A JSON string that is read piece by piece: its escapes and halves of characters; what it belongs to is not known here.

Source: https://www.rfc-editor.org/rfc/rfc8259#section-7
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ("InvalidJSON", "JSONString")

# What stands for itself.
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
_HEX: Final = re.compile(r"[0-9a-fA-F]*")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class InvalidJSON(ValueError):  # noqa: N818 - a failure of the data, told apart from errors of the program
    """A document is not JSON, or not yet all of it; the message says where, and shows a few characters.

    Attributes:
        position: Characters of the document before the place.
    """

    position: int

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position

    def __reduce__(self) -> tuple[type[InvalidJSON], tuple[str, int]]:
        return InvalidJSON, (str(self), self.position)


class JSONString:
    """The string that is open.

    Attributes:
        parts: What has been read of it and not been taken away.
        held: What the piece of text ended with, where that is the beginning of an escape.
    """

    __slots__ = ("_high", "held", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.held: str = ""
        self._high = 0  # the first half of a surrogate pair, whose second half is to follow

    def take(self, text: str, at: int, before: int) -> tuple[int, bool]:
        """Read on: return where the text goes on, and whether the string has ended there.

        Args:
            text: What begins with what was held, if anything was.
            at: Where in it the string goes on.
            before: Characters of the document before the text.

        Raises:
            InvalidJSON: An escape or a character that JSON does not have.
        """
        self.held = ""
        parts = self.parts
        end = len(text)
        while at < end:
            if not self._high:
                stop = _PLAIN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
                if stop > at:
                    parts.append(text[at:stop])
                    at = stop
                    if at == end:
                        break
            letter = text[at]
            if letter == "\\":
                following = self._take_escape(text, at, before)
                if following == at:
                    self.held = text[at:]
                    break
                at = following
                continue
            if self._high:
                # Half a pair that has no other half stays what it is, as Python's own decoder leaves it.
                parts.append(chr(self._high))
                self._high = 0
                continue
            if letter == '"':
                return at + 1, True
            raise InvalidJSON(
                f"the JSON has a bare control character {letter!r} in a string at character {before + at}", before + at
            )
        return end, False

    def _take_escape(self, text: str, at: int, before: int) -> int:
        """Read an escape and return where it ends; where it begins, if the text ends before it."""
        kind = text[at + 1 : at + 2]
        if not kind:
            return at
        if kind == "u":
            return self._take_code(text, at, before)
        plain = _ESCAPES.get(kind)
        if plain is None:
            raise InvalidJSON(
                f"the JSON has an unknown escape {text[at : at + 2]!r} at character {before + at}", before + at
            )
        if self._high:
            self.parts.append(chr(self._high))
            self._high = 0
        self.parts.append(plain)
        return at + 2

    def _take_code(self, text: str, at: int, before: int) -> int:
        """Do the same for an escape by number."""
        digits = text[at + 2 : at + 6]
        if _HEX.fullmatch(digits) is None:
            raise InvalidJSON(
                f"the JSON has a broken escape {text[at : at + 6]!r} at character {before + at}", before + at
            )
        if len(digits) < 4:
            return at
        code = int(digits, 16)
        high, self._high = self._high, 0
        if high and 0xDC00 <= code < 0xE000:
            self.parts.append(chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)))
            return at + 6
        if high:
            self.parts.append(chr(high))
        if 0xD800 <= code < 0xDC00:
            self._high = code
        else:
            self.parts.append(chr(code))
        return at + 6
