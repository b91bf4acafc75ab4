"""JSON text to plain values: what any decoder falls back to, and the one failure all of them share."""

from __future__ import annotations

import json
from itertools import accumulate

import msgspec

__all__ = ("MAX_DEPTH", "DecodeFailure", "decode_any", "depth_exceeds", "excerpt", "kind_of")

# Real answers nest below 30 levels (a tool's JSON schema). The interpreter's own limit is 1,000 calls on Python 3.11,
# the caller's included, and other figures on later ones; half of it gives the same answer on all of them, and leaves
# room for building, repr, comparison and copying. A document that msgspec takes at once is bounded by msgspec alone:
# counting brackets costs as much as decoding.
MAX_DEPTH = 500

_EXCERPT = 200

_KINDS: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class DecodeFailure(ValueError):  # noqa: N818 - a failure of the data, told apart from errors of the program
    """Data that cannot be read as what was asked for; the message shows at most 200 characters of it."""


def excerpt(data: bytes | bytearray | memoryview) -> str:
    """Return the beginning of some data as it is shown in messages."""
    start = bytes(data[: 4 * _EXCERPT]).decode("utf-8", "replace")
    shown = start[:_EXCERPT]
    more = "..." if len(shown) < len(start) or len(data) > 4 * _EXCERPT else ""
    return f"{shown!r}{more}"


def kind_of(value: object) -> str:
    """Name the JSON kind of a plain value."""
    return _KINDS.get(type(value), "a number")


_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP = [0] * 256
for _byte in b"[{":
    _STEP[_byte] = 1
for _byte in b"]}":
    _STEP[_byte] = -1


def depth_exceeds(data: bytes | bytearray | memoryview, limit: int) -> bool:
    """Tell whether a document nests deeper than a limit, without recursion and at the speed of `bytes.replace`."""
    if len(data) <= 2 * limit:
        return False
    whole = bytes(data) if isinstance(data, memoryview) else data
    if whole.count(b"[") + whole.count(b"{") <= limit:
        return False
    outside_strings = whole.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    brackets = b"".join(outside_strings).translate(None, _NOT_BRACKETS)
    # Most brackets belong to the innermost values: taking those away (at most two levels a round) proves nearly every
    # wide document to be shallow, at a fraction of the cost of counting.
    rest = brackets
    for removed in (2, 4, 6):
        rest = rest.replace(b"{}", b"").replace(b"[]", b"")
        if len(rest) // 2 + removed <= limit:
            return False
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > limit


def _too_deep(data: bytes | bytearray | memoryview) -> DecodeFailure:
    return DecodeFailure(f"the JSON nests deeper than {MAX_DEPTH} levels; it begins {excerpt(data)}")


def _integer(digits: str) -> float:
    # Python refuses to convert more than 4,300 digits, as a defence; a number that long is beyond any float, too.
    try:
        return int(digits)
    except ValueError:
        return float(digits)


_any = msgspec.json.Decoder().decode


def decode_any(data: bytes | bytearray | memoryview, *, max_depth: int = MAX_DEPTH) -> object:
    """Return what a JSON document says, as plain values.

    Beyond the standard it takes what `json.loads` takes: NaN, Infinity, lone surrogates, a byte order mark, UTF-16.
    Bytes that are no valid UTF-8, which servers make by cutting a text between two tokens, read as U+FFFD.

    Args:
        data: The whole document.
        max_depth: Levels that it may nest.

    Raises:
        DecodeFailure: The data is not JSON, or nests too deeply.
    """
    if depth_exceeds(data, max_depth):
        raise _too_deep(data)
    try:
        return _any(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    raw = bytes(data)
    try:
        text = raw.decode(json.detect_encoding(raw), "surrogatepass")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
    try:
        return _loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        if not text.strip():
            raise DecodeFailure("expected JSON, got nothing") from None
        reason = f"{error.msg} at character {error.pos}"
    except RecursionError:
        raise _too_deep(data) from None
    raise DecodeFailure(f"the data is not JSON ({reason}); it begins {excerpt(data)}")


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(text, parse_int=_integer)
