"""Which of several classes a JSON object is, where its tag alone does not say: `Variant`, `Resolved`; no conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType, NoneType, UnionType
from typing import Any, ClassVar, NamedTuple, Union, cast, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from .dump import tag_of
from .unknown import UnknownObject

__all__ = ("Chooser", "Resolved", "Variant", "told_apart")

Convert = Callable[[Any, object], object]
"""Builds an instance of a type from a plain value."""

# A constant that matches outweighs any number of members that happen to have the same name.
_MATCH = 1000
_MISSING_REQUIRED = -3
_PRESENT = 2
_UNDECLARED = -1

# A server may make up names without end.
_MAX_SHAPES = 512


class Variant(NamedTuple):
    """One class that an object may be, and what an object of it says about itself.

    Attributes:
        model: The Struct class.
        constants: Names in JSON, and the values that the member may have in this class, such as
            `{"type": ("message",), "role": ("user", "system")}`. The class's own tag need not be repeated. An object
            that has another value there is not of this class; one that lacks the member may be.
    """

    model: type[Struct]
    constants: Mapping[str, Sequence[object]] = {}


class _Row:
    __slots__ = ("constants", "declared", "model", "required")

    def __init__(self, variant: Variant) -> None:
        self.model = variant.model
        self.constants = {name: frozenset(values) for name, values in variant.constants.items()}
        tag = tag_of(variant.model)
        if tag is not None:
            self.constants.setdefault(tag[0], frozenset({tag[1]}))
        members = fields(variant.model)
        self.declared = frozenset(member.encode_name for member in members) | self.constants.keys()
        self.required = frozenset(
            member.encode_name
            for member in members
            if member.default is NODEFAULT and member.default_factory is NODEFAULT
        )

    def score(self, value: Mapping[str, object]) -> int | None:
        """Say how well an object fits; None if it contradicts."""
        total = 0
        for name, allowed in self.constants.items():
            said = value.get(name)
            if said is None:
                continue
            if isinstance(said, list | dict) or said not in allowed:
                return None
            total += _MATCH
        names = value.keys()
        present = len(names & self.required)
        total += _MISSING_REQUIRED * (len(self.required) - present)
        total += _PRESENT * len(names & self.declared) + _UNDECLARED * len(names - self.declared)
        return total


class Chooser:
    """Picks the class of an object among variants: by constants, then by the members it has.

    The choice depends on the object alone, so the strict and the lenient pass agree on it. Where two classes fit
    equally well, the first that msgspec accepts the object for is taken, else the first declared.
    """

    __slots__ = ("_constants", "_rows", "_seen", "_strict")

    def __init__(self, variants: Sequence[Variant], strict: Convert) -> None:
        self._rows = tuple(_Row(variant) for variant in variants)
        self._constants = tuple(dict.fromkeys(name for row in self._rows for name in row.constants))
        self._strict = strict
        # What fits depends on the constants and the names alone, and servers send few combinations of those.
        self._seen: dict[object, tuple[_Row, ...]] = {}

    def choose(self, value: Mapping[str, object]) -> tuple[type[Struct] | None, object]:
        """Return the class of an object, None if it is of none of them; and the instance, if one had to be built."""
        said = tuple(map(value.get, self._constants))
        shape = (said, frozenset(value))
        try:
            rows = self._seen.get(shape)
        except TypeError:
            # A list or an object where a constant was due.
            rows = self._fitting(value)
        else:
            if rows is None:
                rows = self._fitting(value)
                if len(self._seen) < _MAX_SHAPES:
                    self._seen[shape] = rows
        if len(rows) > 1:
            for row in rows:
                try:
                    return row.model, self._strict(row.model, value)
                except (msgspec.ValidationError, RecursionError):
                    continue
        return (rows[0].model if rows else None), None

    def _fitting(self, value: Mapping[str, object]) -> tuple[_Row, ...]:
        """Return the variants that fit best, in order; none if the object has nothing in common with any."""
        scored = [(score, row) for row in self._rows if (score := row.score(value)) is not None]
        if not scored:
            return ()
        best = max(score for score, _ in scored)
        rows = tuple(row for score, row in scored if score == best)
        return rows if best > 0 or any(row.declared & value.keys() for row in rows) else ()


class _ResolvedType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        # msgspec checks what dec_hook returns; the result is one of the variants, or the value as it was.
        return True


class Resolved(metaclass=_ResolvedType):
    """Base of markers for unions that msgspec cannot express; a subclass stands in annotations at run time.

    msgspec takes a union of Structs only if one member, with one value a class, tells them apart. Where an object is
    known by two members (`type`, then `role`), or where the tag may be missing, generated code declares the union
    twice: for type checkers as what it is, at run time as a subclass that lists the variants::

        if TYPE_CHECKING:
            InputItem: TypeAlias = EasyInputMessage | Message | OutputMessage | FunctionCall
        else:

            class InputItem(Resolved):
                def variants():
                    return (
                        Variant(EasyInputMessage, {"type": ("message",), "role": ("user", "assistant", "system")}),
                        Variant(Message, {"type": ("message",), "role": ("user", "system")}),
                        Variant(OutputMessage, {"role": ("assistant",)}),
                        Variant(FunctionCall),
                    )

    `variants` takes no arguments and is called once, when the first value is decoded, so it may name classes that are
    defined later. Variants are ordinary Structs; they may be tagged (the tag counts as a constant), and several may
    have the same tag. The name can be used alone, in `list[InputItem]`, `dict[str, InputItem]` and
    `InputItem | None`. msgspec allows nothing else beside it in a union: scalars that the union also admits need no
    mention (anything that is not an object stays as it is), and a list is declared by `array`::

            class Input(Resolved):
                def variants(): ...

                def array():
                    return list[InputItem]

    An object that fits no variant becomes an `UnknownObject`.
    """

    _chooser: ClassVar[Chooser | None] = None
    _array: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        cls._chooser = cls._array = None
        for name in ("variants", "array"):
            function = cls.__dict__.get(name)
            if isinstance(function, FunctionType):
                setattr(cls, name, staticmethod(function))

    @staticmethod
    def variants() -> Sequence[Variant]:
        """Return what an object may be; a subclass says so."""
        return ()

    @staticmethod
    def array() -> Any:
        """Return the list type that the union admits; None if it admits none."""
        return None

    @classmethod
    def resolve(cls, value: object, convert: Convert, strict: Convert) -> object:
        """Build the variant that a plain value is.

        Args:
            value: The value as JSON has it.
            convert: Builds the chosen class.
            strict: Builds a class or raises `msgspec.ValidationError`; tells variants apart that fit equally well.
        """
        if type(value) is dict:
            chooser = cls._chooser
            if chooser is None:
                chooser = cls._chooser = Chooser(cls.variants(), strict)
            members = cast("dict[str, object]", value)
            model, built = chooser.choose(members)
            if built is not None and convert is strict:
                return built
            return UnknownObject(members) if model is None else convert(model, members)
        if type(value) is list:
            items = cast("list[object]", value)
            if cls._array is None:
                cls._array = cls.array()
            return items if cls._array is None else convert(cls._array, items)
        return value


def told_apart(kind: Any) -> Any:
    """Return what msgspec can decode a user's union as: of Structs that no tag tells apart, a `Resolved`.

    Any other type is returned as it is.
    """
    if get_origin(kind) not in (Union, UnionType):
        return kind
    members = get_args(kind)
    models = [member for member in members if isinstance(member, type) and issubclass(member, Struct)]
    others = [member for member in members if member is not NoneType and member not in models]
    tags = {model.__struct_config__.tag for model in models}
    if others or len(models) < 2 or (None not in tags and len(tags) == len(models)):
        return kind
    variants = tuple(Variant(model) for model in models)
    name = " | ".join(model.__name__ for model in models)
    union: Any = type(name, (Resolved,), {"variants": lambda: variants, "__module__": __name__})
    return union | None if NoneType in members else union
