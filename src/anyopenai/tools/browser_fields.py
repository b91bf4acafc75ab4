"""What an argument of a browser tool may be: each kind of value says its JSON schema and judges values by the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, cast

__all__ = ("Choice", "Field", "Flag", "ListOf", "Nullable", "Record", "Text", "Whole", "is_text")

# The largest integer that JSON's other readers keep apart from its neighbours: 2**53 - 1.
MAX_SAFE_INTEGER: Final = 9007199254740991

Schema = dict[str, object]


class Field(Protocol):
    """A kind of value."""

    def schema(self) -> Schema:
        """Describe the values for the model."""
        ...

    def accepts(self, value: object) -> bool:
        """Tell whether a plain value is one of them."""
        ...


def is_text(value: object, minimum: int = 0, maximum: int | None = None) -> bool:
    """Tell whether a value is text that can be sent, of so many bytes in UTF-8; half a character is no text."""
    if not isinstance(value, str):
        return False
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return False
    return size >= minimum and (maximum is None or size <= maximum)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a size in bytes, perhaps not a blank one."""

    minimum: int = 0
    maximum: int | None = None
    blank: bool = True
    description: str = ""

    def schema(self) -> Schema:
        """Describe the text."""
        return {"type": "string", **_described(self.description)}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is such text."""
        return is_text(value, self.minimum, self.maximum) and (self.blank or bool(cast("str", value).strip()))


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    minimum: int = 0
    maximum: int = MAX_SAFE_INTEGER

    def schema(self) -> Schema:
        """Describe the number."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is such a number; true and 1.0 are none."""
        return type(value) is int and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def schema(self) -> Schema:
        """Describe the values."""
        return {"type": "boolean"}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is one of the two."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few texts, or of a few numbers."""

    values: tuple[str, ...] | tuple[int, ...]

    def schema(self) -> Schema:
        """Describe the values."""
        kind = "string" if isinstance(self.values[0], str) else "integer"
        return {"type": kind, "enum": list(self.values)}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is one of them; true and 1.0 are not 1."""
        return type(value) is type(self.values[0]) and value in self.values


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of so many values of one kind, perhaps each different."""

    item: Field
    minimum: int | None = None
    maximum: int | None = None
    unique: bool = False
    description: str = ""

    def schema(self) -> Schema:
        """Describe the list."""
        schema: Schema = {"type": "array", "items": self.item.schema()}
        if self.minimum is not None:
            schema["minItems"] = self.minimum
        if self.maximum is not None:
            schema["maxItems"] = self.maximum
        return {**schema, **_described(self.description)}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is such a list."""
        if not isinstance(value, list):
            return False
        items = cast("list[object]", value)
        return (
            (self.minimum or 0) <= len(items)
            and (self.maximum is None or len(items) <= self.maximum)
            and all(self.item.accepts(item) for item in items)
            and not (self.unique and any(item in items[:position] for position, item in enumerate(items)))
        )


@dataclass(frozen=True, slots=True)
class Nullable:
    """A text or null."""

    field: Text

    def schema(self) -> Schema:
        """Describe both."""
        return {**self.field.schema(), "type": ["string", "null"]}

    def accepts(self, value: object) -> bool:
        """Tell whether a value is null or such a text."""
        return value is None or self.field.accepts(value)


@dataclass(frozen=True, slots=True)
class Record:
    """An object with certain members, all of them and no others."""

    fields: Mapping[str, Field]

    def schema(self) -> Schema:
        """Describe the object as strict mode demands it."""
        return {
            "type": "object",
            "properties": {name: field.schema() for name, field in self.fields.items()},
            "required": list(self.fields),
            "additionalProperties": False,
        }

    def accepts(self, value: object) -> bool:
        """Tell whether a value is such an object."""
        if not isinstance(value, dict):
            return False
        members = cast("dict[str, object]", value)
        return members.keys() == self.fields.keys() and not self.wrong(members)

    def wrong(self, members: Mapping[str, object]) -> list[str]:
        """Name the members whose values are not what they may be."""
        return [name for name, field in self.fields.items() if not field.accepts(members.get(name))]


def _described(description: str) -> Schema:
    return {"description": description} if description else {}
