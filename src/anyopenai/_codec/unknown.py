"""`UnknownObject`: a JSON object whose kind this version does not know; no decoding lives here."""

from __future__ import annotations

from typing import Literal, cast

from .dump import dump_json, dump_mapping

__all__ = ("UnknownObject",)


class UnknownObject(dict[str, object]):
    """A JSON object of a kind this version does not know, as the server sent it.

    It is a `dict` whose members can also be read and set as attributes (`item.type`); objects inside it become
    `UnknownObject` as they are read that way. A member that is called like a method of `dict`, such as `items`, is
    reached by subscription only. It can be passed back to the API as it is.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> object:
        # Protocols such as copy and pickle ask for dunder names, which no server sends.
        if name.startswith("__") or name not in self:
            raise AttributeError(f"this {type(self).__name__} has no member {name!r}; it has {sorted(self)[:20]}")
        value = self[name]
        if type(value) is dict:
            wrapped = self[name] = UnknownObject(cast("dict[str, object]", value))
            return wrapped
        if type(value) is list:
            items = cast("list[object]", value)
            for index, item in enumerate(items):
                if type(item) is dict:
                    items[index] = UnknownObject(cast("dict[str, object]", item))
            return items
        return value

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"this {type(self).__name__} has no member {name!r}") from None

    def __repr__(self) -> str:
        return f"UnknownObject({super().__repr__()})"

    def to_dict(
        self, *, mode: Literal["python", "json"] = "python", exclude_none: bool = False, **_: object
    ) -> dict[str, object]:
        """Return the members as a plain dict, nested ones too."""
        return dump_mapping(self, mode=mode, exclude_none=exclude_none)

    def to_json(self, *, indent: int | None = 2, exclude_none: bool = False, **_: object) -> str:
        """Return the members as JSON text; `indent` is in spaces, None for one line."""
        return dump_json(self.to_dict(mode="json", exclude_none=exclude_none), indent)

    def model_dump(
        self, *, mode: Literal["python", "json"] = "python", exclude_none: bool = False, **_: object
    ) -> dict[str, object]:
        """Return the members as a plain dict; the name openai-python's users type."""
        return self.to_dict(mode=mode, exclude_none=exclude_none)

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False, **_: object) -> str:
        """Return the members as JSON text on one line; the name openai-python's users type."""
        return self.to_json(indent=indent, exclude_none=exclude_none)
