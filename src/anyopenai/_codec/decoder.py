"""From a JSON document to a type: msgspec first, the lenient pass where it refuses; encoding is not done here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Hashable, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, is_typeddict

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from .lenient import Lenient, dec_hook, lenient
from .plain import MAX_DEPTH, DecodeFailure, decode_any, excerpt, kind_of
from .steps import guess_end, item_end, list_start, next_item
from .variants import Resolved, told_apart

__all__ = ("ResponseDecoder", "decoder_for")

T = TypeVar("T")

Data = bytes | bytearray | memoryview

# What msgspec raises on a document that it does not take; lone bytes that are no UTF-8 come as a UnicodeDecodeError.
_REFUSED = (msgspec.DecodeError, UnicodeError, RecursionError)

# A piece that msgspec decodes in about 0.1 ms, and the size from which a document is worth taking apart.
_STEP_BYTES = 32_768
_WHOLE_BYTES = 65_536

# Kinds of JSON value, as the types that plain decoding gives.
_OBJECT: frozenset[type] = frozenset({dict})
_LIST: frozenset[type] = frozenset({list})
_NUMBER: frozenset[type] = frozenset({int, float})
_ANY_KIND: frozenset[type] = frozenset({dict, list, str, int, float, bool, NoneType})
_OF_SCALAR: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    bool: frozenset({bool}),
    int: _NUMBER,
    float: _NUMBER,
}


class ResponseDecoder(Generic[T]):
    """Decodes documents into one type; `decoder_for` keeps one for each type.

    A document that msgspec accepts for the type costs what msgspec costs. Any other is read as plain JSON and built as
    far as it goes: a member that was left out reads as None or its default, a value of another kind is kept as it is,
    an object of an unknown kind becomes an `UnknownObject`.

    Args:
        kind: A Struct class, a list, dict or union of such, a scalar type, or what else msgspec decodes.
        keep_unknown: Attach members that the Structs do not declare (see `BaseModel.model_extra`).
        strict: Fail where the document does not fit the type, instead of building what can be built.
    """

    __slots__ = ("_accepts", "_items", "_keep_unknown", "_kind", "_lenient", "_raw", "_strict")

    def __init__(self, kind: Any, *, keep_unknown: bool = False, strict: bool = False) -> None:
        self._kind = kind = told_apart(kind)
        self._keep_unknown = keep_unknown
        self._strict = strict
        native: Any = Any if kind is object else kind
        self._raw: Callable[[Data], T] = msgspec.json.Decoder(native, dec_hook=dec_hook).decode
        self._lenient: Lenient = lenient(keep_unknown=keep_unknown)
        self._accepts = _accepted(kind)
        self._items: _Items | Literal[False] | None = None

    def __repr__(self) -> str:
        options = f"{', keep_unknown=True' if self._keep_unknown else ''}{', strict=True' if self._strict else ''}"
        return f"decoder_for({_name(self._kind)}{options})"

    def decode(self, data: Data) -> T:
        """Return what a document says, as the type.

        Args:
            data: The whole document.

        Raises:
            DecodeFailure: The data is not JSON; it nests too deeply (for msgspec, or deeper than 500 levels where it
                does not fit the type); it is of another kind altogether (a list or a string where an object was asked
                for); or, with `strict`, it does not fit the type.
        """
        if self._keep_unknown:
            return self._decode_keeping(data)
        try:
            return self._raw(data)
        except _REFUSED as error:
            return self._recover(data, error)

    @property
    def quick(self) -> Callable[[Data], T]:
        """What decodes a document that fits the type as it is, for many of them; of any other it raises something."""
        return self._decode_keeping if self._keep_unknown else self._raw

    def decode_steps(self, data: Data) -> Generator[None, None, T]:
        """Do the same as `decode` in small steps: a generator that returns the result.

        Between two yields about 32 KB are decoded, so that whoever drives it can let other tasks run. Only a document
        of the form `{..., "data": [{...}, ...], ...}` can be taken apart; any other is decoded in one step.

        Raises:
            DecodeFailure: As for `decode`.
        """
        items = self._list_of() if len(data) > _WHOLE_BYTES else None
        if items is None:
            return self.decode(data)
        text = bytes(data) if isinstance(data, memoryview) else data
        start = list_start(text, "data")
        yield
        if start is None:
            return self.decode(data)
        result = yield from self._decode_list(text, start, items)
        return self.decode(data) if result is None else result

    def _decode_list(self, data: bytes | bytearray, start: int, items: _Items) -> Generator[None, None, T | None]:
        """Decode a list's items one by one, then what is around them; None where the document is not that simple."""
        found: list[object] = []
        position = start
        done = data[position : position + 1] == b"]"
        exact = False
        last_yield = position
        with memoryview(data) as view:
            while not done:
                if data[position : position + 1] != b"{":
                    return None
                end = None if exact else guess_end(data, position)
                if end is None or not items.decode_into(found, view[position:end]):
                    # Braces inside strings; the items of one list are alike, so the next will have some as well.
                    exact = True
                    end = item_end(data, position)
                    if end is None or not items.decode_into(found, view[position:end]):
                        return None
                following = next_item(data, end)
                if following is None:
                    return None
                position, done = following
                if position - last_yield > _STEP_BYTES:
                    last_yield = position
                    yield
        tail = data[position:]
        if b'"data"' in tail or b"\\" in tail:
            # The member may come a second time.
            return None
        try:
            result = self.decode(data[:start] + tail)
        except DecodeFailure:
            # It is worded for the document as a whole.
            return None
        if type(result) is not items.model:
            return None
        setattr(result, items.name, found)
        return result

    def _decode_keeping(self, data: Data) -> T:
        if self._strict:
            try:
                self._raw(data)
            except _REFUSED as error:
                return self._recover(data, error)
        return self._built(decode_any(data), data)

    def _recover(self, data: Data, error: Exception) -> T:
        if self._kind in (None, NoneType) and not bytes(data).strip():
            return cast("T", None)
        value = decode_any(data)
        if self._strict:
            raise DecodeFailure(f"the JSON is not {_name(self._kind)}: {error}; it begins {excerpt(data)}") from None
        return self._built(value, data)

    def _built(self, value: object, data: Data) -> T:
        if type(value) not in self._accepts:
            raise DecodeFailure(f"expected {_name(self._kind)}, got {kind_of(value)}: {excerpt(data)}")
        try:
            result = self._lenient.build(self._kind, value)
        except RecursionError:
            raise DecodeFailure(f"the JSON nests too deeply to be built here; it begins {excerpt(data)}") from None
        if self._kind in (None, NoneType):
            return cast("T", None)
        if _is_foreign(self._kind) and not isinstance(result, self._kind):
            raise DecodeFailure(f"the JSON is not {_name(self._kind)}; it begins {excerpt(data)}")
        return cast("T", result)

    def _list_of(self) -> _Items | None:
        if self._items is None:
            self._items = self._find_items() or False
        return self._items or None

    def _find_items(self) -> _Items | None:
        model = get_origin(self._kind) or self._kind
        if not (isinstance(model, type) and issubclass(model, Struct)):
            return None
        config = model.__struct_config__
        if config.array_like or config.frozen or hasattr(model, "__post_init__"):
            # The list is put in afterwards, which such a class does not allow or would not notice.
            return None
        for field in fields(self._kind):
            if field.encode_name != "data":
                continue
            for member in (field.type, *get_args(field.type)):
                if get_origin(member) is list:
                    return _Items(model, field.name, get_args(member)[0], self._keep_unknown, self._strict)
        return None


class _Items:
    """The items of a page: what they are, and how one is decoded."""

    __slots__ = ("_build", "_keep_unknown", "_raw", "_strict", "model", "name")

    def __init__(self, model: type, name: str, kind: Any, keep_unknown: bool, strict: bool) -> None:
        self.model = model
        self.name = name
        self._keep_unknown = keep_unknown
        self._strict = strict
        self._raw = msgspec.json.Decoder(kind, dec_hook=dec_hook).decode
        self._build = lenient(keep_unknown=keep_unknown).compile(kind)

    def decode_into(self, found: list[object], piece: memoryview) -> bool:
        """Append the item that a piece of the document is; False if it is not one whole item."""
        if not self._keep_unknown or self._strict:
            try:
                item: object = self._raw(piece)
            except _REFUSED:
                if self._strict:
                    return False
            else:
                if not self._keep_unknown:
                    found.append(item)
                    return True
        text = bytes(piece)
        if b"\0" in text:
            # It would pass for UTF-16 by itself, which the document is not.
            return False
        try:
            # The list and what holds it are two levels of the document.
            item = decode_any(text, max_depth=MAX_DEPTH - 2)
            found.append(item if self._build is None else self._build(item))
        except (DecodeFailure, RecursionError):
            return False
        return True


@lru_cache(maxsize=2048)
def _cached(kind: Any, keep_unknown: bool, strict: bool) -> ResponseDecoder[Any]:
    return ResponseDecoder(kind, keep_unknown=keep_unknown, strict=strict)


def decoder_for(kind: type[T], *, keep_unknown: bool = False, strict: bool = False) -> ResponseDecoder[T]:
    """Return the decoder for a type, made on first use.

    Args:
        kind: The type; see `ResponseDecoder`.
        keep_unknown: Attach members that the Structs do not declare.
        strict: Fail where the document does not fit the type.

    Raises:
        TypeError: msgspec cannot decode such a type; its message says why.
    """
    try:
        return _cached(cast("Hashable", kind), keep_unknown, strict)
    except TypeError:
        # A type that cannot be hashed, or one that msgspec refuses: then this raises the same again.
        return ResponseDecoder(kind, keep_unknown=keep_unknown, strict=strict)


def _accepted(kind: Any) -> frozenset[type]:
    """Say which kinds of JSON value can become a type at all."""
    origin = get_origin(kind) or kind
    if origin is Union or origin is UnionType:
        kinds: set[type] = set()
        for member in get_args(kind):
            kinds |= {NoneType} if member is NoneType else _accepted(member)
        return frozenset(kinds)
    if origin is Annotated:
        return _accepted(get_args(kind)[0])
    if isinstance(origin, type):
        model = cast("type[object]", origin)
        if issubclass(model, Struct):
            return _LIST if model.__struct_config__.array_like else _OBJECT
        if issubclass(model, Mapping) or is_typeddict(model) or dataclasses.is_dataclass(model):
            return _OBJECT
        if issubclass(model, list | tuple | set | frozenset):
            return _LIST
    return _OF_SCALAR.get(origin, _ANY_KIND)


def _is_foreign(kind: Any) -> bool:
    """Tell whether a class is one that only msgspec, or the class itself, can build."""
    if not isinstance(kind, type) or is_typeddict(kind) or kind is object:
        return False
    return not issubclass(kind, Struct | Resolved | dict | list | str | int | float)


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and get_origin(kind) is None else str(kind).replace("typing.", "")
