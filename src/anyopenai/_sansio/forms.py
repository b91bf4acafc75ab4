"""Query strings and form fields out of nested values; multipart framing is in `multipart`, files are the engine's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, cast
from urllib.parse import quote

import msgspec

from .._omit import omit

__all__ = ("encode_pairs", "encode_query", "flatten_fields")

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]*")

# A value inside itself never ends; nothing of the API nests this deep.
_MAX_DEPTH: Final = 64


def encode_query(params: Mapping[str, object]) -> str:
    """Encode parameters as a query string without its question mark; "" when nothing is left to send.

    Arrays become `name[]=a&name[]=b`, objects `name[key]=value`, in the order given; booleans `true` and `false`.
    None and `omit` are left out at any depth, and so are empty arrays and objects. Everything but letters, digits and
    `-._~` is percent-encoded as UTF-8, so that every server decodes what was given.

    Args:
        params: Parameters; values may be text, numbers, booleans, arrays, mappings, and whatever msgspec turns into
            these (Structs, dataclasses, enums, dates).

    Raises:
        ValueError: Text that UTF-8 cannot carry (a lone surrogate), or a number that is not finite.
        TypeError: A value of no known kind.
    """
    return encode_pairs(flatten_fields(params))


def encode_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Percent-encode names and values into `name=value&...`."""
    return "&".join([f"{_quoted(name, name)}={_quoted(value, name)}" for name, value in pairs])


def flatten_fields(body: Mapping[str, object]) -> list[tuple[str, str]]:
    """Flatten nested values into named text fields, as `encode_query` does and forms need.

    `{"granularities": ["word"], "expires_after": {"anchor": "x"}}` gives `granularities[]` and
    `expires_after[anchor]`.

    Args:
        body: What to send; files are taken out by the caller.

    Raises:
        ValueError: A number that is not finite, or a value nested in itself.
        TypeError: A value of no known kind.
    """
    fields: list[tuple[str, str]] = []
    for name, value in body.items():
        _flatten(name, value, fields, 0)
    return fields


def _flatten(name: str, value: object, fields: list[tuple[str, str]], depth: int) -> None:
    if value is None or value is omit:
        return
    if isinstance(value, str):
        # A str subclass, such as an enum's member, is sent as the text it holds.
        fields.append((name, str.__str__(value)))
    elif value is True or value is False:
        fields.append((name, "true" if value else "false"))
    elif isinstance(value, int):
        fields.append((name, int.__repr__(value)))
    elif isinstance(value, float):
        if value - value != 0.0:
            raise ValueError(f"parameter {name!r} is {value!r}, and only finite numbers can be sent")
        fields.append((name, float.__repr__(value)))
    elif depth >= _MAX_DEPTH:
        raise ValueError(f"parameter {name[:60]!r} is nested deeper than {_MAX_DEPTH} levels")
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            _flatten(f"{name}[{key}]", item, fields, depth + 1)
    elif isinstance(value, bytes | bytearray | memoryview):
        # msgspec would send them as base64, which no parameter of the API is.
        raise TypeError(f"parameter {name!r} holds bytes, and only text can be sent here; decode it first")
    elif isinstance(value, Collection | Iterator):
        # Not every Iterable: models of some libraries iterate over their fields.
        name += "[]"
        for item in cast("Iterable[object]", value):
            _flatten(name, item, fields, depth + 1)
    else:
        _flatten(name, _plain(name, value), fields, depth + 1)


def _plain(name: str, value: object) -> object:
    """Turn one foreign value into plain ones."""
    try:
        plain: object = msgspec.to_builtins(value, str_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"parameter {name!r} has a value of type {type(value).__name__}, which cannot be sent as text"
        ) from error
    return plain


def _quoted(text: str, name: str) -> str:
    if _UNRESERVED.fullmatch(text):
        return text  # most names and values; quote() takes five times as long to find that out
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"parameter {name!r} holds text that is not valid Unicode (a lone surrogate)") from None
