"""Which of several classes a JSON object is, where its tag alone does not say: `Variant`, `Resolved`; no conversion."""

from __future__ import annotations

from collections import Counter
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

    __slots__ = ("_by_value", "_name", "_others", "_rows", "_strict")

    def __init__(self, variants: Sequence[Variant], strict: Convert) -> None:
        self._rows = tuple(_Row(variant) for variant in variants)
        self._strict = strict
        # Most unions have one member that most of their variants are known by; it leaves one or two to look at.
        names = Counter(name for row in self._rows for name in row.constants)
        self._name = names.most_common(1)[0][0] if names else ""
        self._others = tuple(row for row in self._rows if self._name not in row.constants)
        values = {value for row in self._rows for value in row.constants.get(self._name, ())}
        self._by_value = {
            value: tuple(
                row for row in self._rows if self._name not in row.constants or value in row.constants[self._name]
            )
            for value in values
        }

    def choose(self, value: Mapping[str, object]) -> type[Struct] | None:
        """Return the class of an object; None if it is of none of them."""
        said = value.get(self._name)
        if said is None:
            candidates = self._rows
        else:
            candidates = self._others if isinstance(said, list | dict) else self._by_value.get(said, self._others)
        scored = [(score, row) for row in candidates if (score := row.score(value)) is not None]
        if not scored:
            return None
        best = max(score for score, _ in scored)
        rows = [row for score, row in scored if score == best]
        if best <= 0 and not any(row.declared & value.keys() for row in rows):
            return None
        if len(rows) > 1:
            for row in rows:
                try:
                    self._strict(row.model, value)
                except (msgspec.ValidationError, RecursionError):
                    continue
                return row.model
        return rows[0].model


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
            model = chooser.choose(members)
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
