"""The lenient pass: builds a type from a plain value and never refuses; nothing here reads bytes.

A document that msgspec refuses is mostly right: a server left a member out, sent null, a number as text, a new kind of
item. Every type is compiled once into a function that takes what fits and keeps the rest as it is.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from .dump import tag_of
from .extras import attach, mark_absent
from .unknown import UnknownObject
from .variants import Chooser, Resolved, Variant
from .vector import Vector, VectorWire

__all__ = ("NULL_IS_EMPTY", "Lenient", "dec_hook", "lenient", "strict_convert")

NULL_IS_EMPTY = "_null_is_empty"
"""The class attribute of a Struct that names members, lists, whose null is read as an empty list."""

Json = dict[str, Any] | list[Any] | str | int | float | bool | None

Converter = Callable[[Any], object]
"""Takes a plain value; gives the instance, or the value itself where it does not fit."""

_KEPT: frozenset[Any] = frozenset((str, int, bool, type(None), object, Any, list, dict))
"""Types whose plain values are what they are."""


def strict_convert(kind: Any, value: object) -> object:
    """Build one type, not a union, from a plain value.

    Raises:
        msgspec.ValidationError: The value does not fit.
    """
    return msgspec.convert(value, kind, dec_hook=dec_hook, str_keys=True)


def dec_hook(kind: type[Any], value: object) -> object:
    """Decode what msgspec does not know: `Resolved` unions, and models that bring `model_validate` along."""
    if kind is object:
        # msgspec reads Any as "as it is"; object is a class like any other to it.
        return value
    if issubclass(kind, Resolved):
        return kind.resolve(value, strict_convert, strict_convert)
    validate = getattr(kind, "model_validate", None)
    if validate is None:
        # A TypeError becomes a ValidationError that says where.
        raise TypeError(f"{kind.__name__} cannot be decoded from JSON")
    return validate(value)


class Lenient:
    """Compiles types into functions that build them from plain values.

    Args:
        keep_unknown: Attach members that a Struct does not declare to its instances.
    """

    __slots__ = ("_compiled", "_keep_unknown")

    def __init__(self, *, keep_unknown: bool) -> None:
        self._keep_unknown = keep_unknown
        self._compiled: dict[object, Converter | None] = {}

    def build(self, kind: Any, value: object) -> object:
        """Build a type from a plain value as far as it goes."""
        converter = self.compile(kind)
        return value if converter is None else converter(value)

    def compile(self, kind: Any) -> Converter | None:
        """Return the function for a type; None where every value is kept as it is."""
        try:
            return self._compiled[kind]
        except KeyError:
            pass
        except TypeError:
            # Annotated types may carry what cannot be hashed.
            return self._compile(kind)
        converter = self._compiled[kind] = self._compile(kind)
        return converter

    def _compile(self, kind: Any) -> Converter | None:
        if kind in _KEPT or isinstance(kind, TypeVar):
            return None
        if kind is float:
            return _float
        origin = get_origin(kind)
        if origin is None:
            if isinstance(kind, type):
                if issubclass(kind, Struct):
                    return self._struct(kind, kind)
                if issubclass(kind, Resolved):
                    return self._resolved(kind)
                return _by_msgspec(kind)
            # NewType and type aliases of Python 3.12.
            inner = getattr(kind, "__supertype__", None) or getattr(kind, "__value__", None)
            return None if inner is None else self.compile(inner)
        if kind == VectorWire:
            return _vector
        if origin is Union or origin is types.UnionType:
            return self._union(get_args(kind))
        if origin is typing.Annotated:
            return self.compile(get_args(kind)[0])
        if origin is Literal:
            return None
        if origin is list:
            return self._list(kind)
        if origin is dict:
            return self._dict(kind)
        if isinstance(origin, type) and issubclass(origin, Struct):
            return self._struct(kind, origin)
        return _by_msgspec(kind)

    def _struct(self, kind: Any, model: type[Struct]) -> Converter:
        if model.__struct_config__.array_like:
            return _by_msgspec(kind)
        tag = tag_of(model)
        tag_name, tag_value = (None, None) if tag is None else tag
        keep = self._keep_unknown and model.__dictoffset__ != 0
        plan: _Plan | None = None

        def convert(value: Json) -> object:
            nonlocal plan
            if type(value) is not dict:
                return value
            if tag_name is not None and value.get(tag_name, tag_value) != tag_value:
                return UnknownObject(value)
            if plan is None:
                plan = _Plan(self, kind, tag_name)
            if plan.renamed is not None:
                members = {plan.renamed[name]: item for name, item in value.items() if name in plan.renamed}
            elif value.keys() <= plan.wires:
                members = value.copy()
            else:
                members = {name: item for name, item in value.items() if name in plan.wires}
            for name, build in plan.built:
                item = members.get(name)
                if item is not None:
                    members[name] = build(item)
            for name in plan.empties:
                if name in members and members[name] is None:
                    members[name] = []
            absent = None
            if not plan.required <= members.keys():
                absent = plan.required - members.keys()
                members |= dict.fromkeys(absent)
            try:
                result = model(**members)
            except (TypeError, ValueError):
                # A class of the user's own refused in its __post_init__.
                return value
            if absent is not None:
                mark_absent(result, absent)
            if keep and not value.keys() <= plan.declared:
                attach(result, {name: item for name, item in value.items() if name not in plan.declared})
            return result

        return convert

    def _resolved(self, kind: type[Resolved]) -> Converter:
        def convert(value: Json) -> object:
            return kind.resolve(value, self.build, strict_convert)

        return convert

    def _list(self, kind: Any) -> Converter | None:
        inner = get_args(kind)[0]
        build = self.compile(inner)
        if build is None:
            return None

        def convert(value: Json) -> object:
            # map, as a comprehension would cost a frame per level of the document on Python 3.11.
            if type(value) is not list:
                return value
            return [*map(build, value)]

        return convert

    def _dict(self, kind: Any) -> Converter | None:
        key_type, inner = get_args(kind)
        if key_type is not str:
            return _by_msgspec(kind)
        build = self.compile(inner)
        if build is None:
            return None

        def convert(value: Json) -> object:
            if type(value) is not dict:
                return value
            return dict(zip(value, map(build, value.values()), strict=True))

        return convert

    def _union(self, members: tuple[Any, ...]) -> Converter | None:
        objects: list[tuple[Any, type[Struct]]] = []
        by_kind: dict[type, Converter] = {}
        for member in members:
            origin = get_origin(member) or member
            if isinstance(origin, type) and issubclass(origin, Struct):
                objects.append((member, origin))
                continue
            build = self.compile(member)
            if build is None:
                continue
            if isinstance(origin, type) and issubclass(origin, Resolved):
                return build
            if origin in (list, dict):
                by_kind[origin] = build
            elif origin is float:
                if int not in members:
                    by_kind[int] = build
            else:
                # Of bytes, dates and the like, msgspec admits one beside each kind of JSON value.
                for kind in _json_kinds(members):
                    by_kind.setdefault(kind, build)
        if objects:
            by_kind[dict] = self._objects(objects)
        if not by_kind:
            return None

        def convert(value: Json) -> object:
            build = by_kind.get(type(value))
            return value if build is None else build(value)

        return convert

    def _objects(self, members: list[tuple[Any, type[Struct]]]) -> Converter:
        if len(members) == 1:
            return cast("Converter", self.compile(members[0][0]))
        by_tag: dict[object, Converter] = {}
        by_model = {model: cast("Converter", self.compile(kind)) for kind, model in members}
        tag_name = ""
        for model in by_model:
            tag = tag_of(model)
            if tag is not None:
                tag_name = tag[0]
                by_tag[tag[1]] = by_model[model]
        chooser: Chooser | None = None

        def convert(value: dict[str, Any]) -> object:
            nonlocal chooser
            tag = value.get(tag_name)
            if isinstance(tag, str | int):
                build = by_tag.get(tag)
                return UnknownObject(value) if build is None else build(value)
            if chooser is None:
                chooser = Chooser([Variant(model) for model in by_model], strict_convert)
            model, _ = chooser.choose(value)
            return UnknownObject(value) if model is None else by_model[model](value)

        return convert


class _Plan:
    """What building one Struct class takes, worked out when the first instance is built."""

    __slots__ = ("built", "declared", "empties", "renamed", "required", "wires")

    def __init__(self, compiler: Lenient, kind: Any, tag_name: str | None) -> None:
        members = fields(kind)
        # By attribute name, and said by the class: everywhere else null is kept, as it came.
        self.empties: tuple[str, ...] = getattr(get_origin(kind) or kind, NULL_IS_EMPTY, ())
        self.wires = frozenset(member.encode_name for member in members)
        self.declared = self.wires if tag_name is None else self.wires | {tag_name}
        self.renamed = (
            None
            if all(member.name == member.encode_name for member in members)
            else {member.encode_name: member.name for member in members}
        )
        self.required = frozenset(
            member.name for member in members if member.default is NODEFAULT and member.default_factory is NODEFAULT
        )
        self.built = tuple(
            (member.name, build) for member in members if (build := compiler.compile(member.type)) is not None
        )


def _float(value: Json) -> object:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return value
    return value


_base64 = msgspec.json.Decoder(bytes).decode


def _vector(value: Json) -> object:
    # The JSON decoder's reading of base64, so that both passes take and refuse the same; a backslash is an escape to
    # it. A list becomes a vector when the object that holds it is built.
    if type(value) is not str or "\\" in value:
        return value
    try:
        return Vector.from_bytes(_base64(f'"{value}"'))
    except (msgspec.DecodeError, ValueError):
        return value


def _by_msgspec(kind: Any) -> Converter:
    def convert(value: Json) -> object:
        try:
            return strict_convert(kind, value)
        except (msgspec.ValidationError, RecursionError):
            return value

    return convert


def _json_kinds(members: tuple[Any, ...]) -> list[type]:
    """List the kinds of JSON value that a type with a form of its own may be written as, beside others in a union."""
    kinds: list[type] = [str, int, float, bool, list, dict]
    return [kind for kind in kinds if kind not in members]


_lenient = (Lenient(keep_unknown=False), Lenient(keep_unknown=True))


def lenient(*, keep_unknown: bool) -> Lenient:
    """Return the compiler that all decoders share."""
    return _lenient[keep_unknown]
