"""Where the items of a document's list begin and end, so that it can be decoded piece by piece; no decoding here."""

from __future__ import annotations

import re

__all__ = ("guess_end", "item_end", "list_start", "next_item")

# A list this far into a document is not worth looking for: what servers put before it is an id and a model's name.
_MAX_HEAD = 8192

# Closing braces looked at for the first end that balances, before strings are read exactly.
_MAX_GUESSES = 256

_SPACE = rb"[ \t\n\r]*+"
_AFTER_ITEM = re.compile(_SPACE + rb"([,\]])" + _SPACE)
_STRING_OR_BRACE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}]', re.DOTALL)


def list_start(data: bytes | bytearray, name: str) -> int | None:
    """Return where the list of a member of the outermost object begins, past its bracket and spaces.

    None where there is none near the beginning; a document that is broken elsewhere is not noticed.
    """
    opening = re.compile(b'"' + name.encode() + b'"' + _SPACE + b":" + _SPACE + rb"\[" + _SPACE)
    for match in opening.finditer(data, 0, _MAX_HEAD):
        head = bytes(data[: match.start()])
        if b"\\" in head or not head.lstrip(b" \t\n\r").startswith(b"{"):
            return None
        parts = head.split(b'"')
        outside = b"".join(parts[::2])
        depth = outside.count(b"{") + outside.count(b"[") - outside.count(b"}") - outside.count(b"]")
        # An even number of quotes: the name is not inside a string.
        if len(parts) % 2 and depth == 1:
            return match.end()
    return None


def guess_end(data: bytes | bytearray, start: int) -> int | None:
    """Return the first place where as many braces closed as opened, those in strings counted too.

    Mostly the end of the object that begins at `start`, at the speed of `bytes.find`; only decoding it can tell.
    """
    position = start + 1
    opened = 1
    for _ in range(_MAX_GUESSES):
        close = data.find(b"}", position)
        if close < 0:
            return None
        # Nothing is to be counted in most of a vector's base64, and find is ten times as fast as count.
        nested = data.find(b"{", position, close)
        opened += (data.count(b"{", nested, close) if nested >= 0 else 0) - 1
        position = close + 1
        if opened <= 0:
            return position
    return None


def item_end(data: bytes | bytearray, start: int) -> int | None:
    """Return the end of the object that begins at `start`, strings read exactly; None if it has none."""
    depth = 0
    for match in _STRING_OR_BRACE.finditer(data, start):
        token = data[match.start()]
        if token == 0x7B:
            depth += 1
        elif token == 0x7D:
            depth -= 1
            if depth <= 0:
                return match.end()
    return None


def next_item(data: bytes | bytearray, end: int) -> tuple[int, bool] | None:
    """Return where the next item begins, or the closing bracket and True; None if neither follows."""
    match = _AFTER_ITEM.match(data, end)
    if match is None:
        return None
    return (match.start(1), True) if match[1] == b"]" else (match.end(), False)
