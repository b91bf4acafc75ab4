"""Random documents for a type, read off the type itself, and what may go wrong with one on its way.

They are drawn from a `random.Random`, which Hypothesis seeds: its own strategies take a hundred times as long to draw
a nested document.
"""

from __future__ import annotations

import base64
import json
import struct
from random import Random
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from msgspec import NODEFAULT, Struct

from anyopenai._codec import Resolved, VectorWire

seeds = st.integers(0, 2**32 - 1).map(Random)

_DEEPEST = 5

_TEXTS = (
    "",
    "a",
    "stop",
    "null",
    "NaN",
    "{",
    '}"',
    "],[",
    '"data":[',
    "\\",
    "é",
    "\u2028",
    "😀",
    "\x00",
    "/",
    "message",
    "a b",
)
# Beyond 2**53 a float no longer holds every integer, and a round trip would say so.
_INTEGERS = (0, 1, -1, 7, 2**31, -(2**53), 2**53)
_FLOATS = (0.0, -0.0, 0.5, 1e-9, 1.7976931348623157e308, 5e-324, 0.1, -2.5)
_NAMES = ("reasoning", "to_dict", "_request_id", "items", "", "x y", "data", "id", "é")


def text(rand: Random) -> str:
    """Give a short text, often an awkward one."""
    return rand.choice(_TEXTS) if rand.random() < 0.7 else "".join(rand.choices('ab"\\{}[]:, \n\u00e9\u4e2d', k=6))


def plain(rand: Random, depth: int = 0) -> Any:
    """Give any JSON value."""
    kind = rand.randrange(6 if depth > 3 else 8)
    if kind == 6:
        return [plain(rand, depth + 1) for _ in range(rand.randrange(3))]
    if kind == 7:
        return {rand.choice(_NAMES): plain(rand, depth + 1) for _ in range(rand.randrange(3))}
    return (None, True, False, rand.choice(_INTEGERS), rand.choice(_FLOATS), text(rand))[kind]


def document(kind: Any, rand: Random, depth: int = 0) -> Any:
    """Give a document that a type was made for."""
    origin = get_origin(kind)
    if kind is str:
        return text(rand)
    if kind is bool:
        return rand.random() < 0.5
    if kind is int:
        return rand.choice(_INTEGERS)
    if kind is float:
        return rand.choice((*_FLOATS, *_INTEGERS))
    if kind in (None, NoneType):
        return None
    if kind in (Any, object):
        return plain(rand, depth)
    if kind == VectorWire:
        numbers = [rand.choice((0.0, 0.5, -1.0, 0.25)) for _ in range(rand.randrange(4))]
        packed = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        return rand.choice((numbers, packed, [*numbers, 0.1, 3]))
    if origin is Union or origin is UnionType:
        members = get_args(kind)
        if depth >= _DEEPEST and NoneType in members:
            return None
        return document(rand.choice(members), rand, depth)
    count = 0 if depth >= _DEEPEST else rand.randrange(4)
    if origin is list:
        return [document(get_args(kind)[0], rand, depth + 1) for _ in range(count)]
    if origin is dict:
        return {text(rand): document(get_args(kind)[1], rand, depth + 1) for _ in range(count)}
    model = origin or kind
    if issubclass(model, Resolved):
        array = model.array()
        if array is not None and rand.random() < 0.5:
            return document(array, rand, depth)
        variant = rand.choice(model.variants())
        return _object(variant.model, rand, depth, variant.constants)
    return _object(kind, rand, depth, {})


def _object(kind: Any, rand: Random, depth: int, constants: Any) -> dict[str, Any]:
    model = get_origin(kind) or kind
    assert issubclass(model, Struct), kind
    config = model.__struct_config__
    members: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.default is not NODEFAULT and (depth > _DEEPEST or rand.random() < 0.4):
            continue
        if field.encode_name in constants:
            members[field.encode_name] = rand.choice(constants[field.encode_name])
        else:
            members[field.encode_name] = document(field.type, rand, depth + 1)
    if config.tag_field is not None:
        members[config.tag_field] = config.tag
    names = list(members)
    rand.shuffle(names)
    return {name: members[name] for name in names}


def containers(value: Any) -> list[Any]:
    """List every object and list in a document, the outermost first."""
    found = [value]
    for place in found:
        inner = place.values() if isinstance(place, dict) else place
        found += [item for item in inner if isinstance(item, dict | list)]
    return found


def mutant(kind: Any, rand: Random) -> Any:
    """Give a document with a few things wrong: members left out, null, of another kind, unknown."""
    broken = json.loads(json.dumps(document(kind, rand)))
    for _ in range(rand.randrange(1, 4)):
        places = [place for place in containers(broken) if place]
        if not places:
            break
        place = rand.choice(places)
        key = rand.choice(list(place) if isinstance(place, dict) else range(len(place)))
        match rand.choice(("drop", "null", "other", "unknown", "tag")):
            case "drop":
                del place[key]
            case "null":
                place[key] = None
            case "unknown" if isinstance(place, dict):
                place[rand.choice(_NAMES)] = plain(rand)
            case "tag" if isinstance(place, dict):
                place["type"] = rand.choice(("message", "text", "never heard of", 1, None, [], {}))
            case _:
                place[key] = plain(rand)
    return broken


def spell(value: Any, rand: Random) -> bytes:
    """Write a document with random spaces and escapes."""

    def space() -> str:
        return "".join(rand.choices(" \t\n\r", k=rand.choice((0, 0, 0, 1, 2))))

    def quoted(value: str) -> str:
        return json.dumps(value, ensure_ascii=rand.random() < 0.5).replace("/", rand.choice(("/", "\\/")))

    def write(value: Any) -> str:
        if isinstance(value, dict):
            members = (f"{space()}{quoted(k)}{space()}:{space()}{write(v)}{space()}" for k, v in value.items())
            return "{" + (",".join(members) or space()) + "}"
        if isinstance(value, list):
            return "[" + (",".join(f"{space()}{write(item)}{space()}" for item in value) or space()) + "]"
        return quoted(value) if isinstance(value, str) else json.dumps(value)

    return f"{space()}{write(value)}{space()}".encode()
