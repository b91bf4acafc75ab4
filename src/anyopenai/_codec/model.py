"""`BaseModel`, the base of every type the API answers with; how documents become instances is not its business."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Literal, NoReturn, Self, cast

from msgspec import Struct

from .dump import dump_json, dump_struct, members_of
from .extras import derived_of, extras_of, room_of
from .lenient import lenient
from .plain import DecodeFailure, decode_any

__all__ = ("BaseModel",)

_REQUEST_ID = "_request_id"


class BaseModel(Struct, omit_defaults=True, repr_omit_defaults=True, dict=True):
    """Base of the API's types: a `msgspec.Struct` with the methods openai-python's users know.

    A member that the server left out reads as None. Members can be changed; two objects are equal when they are of
    one class and their members are equal. An object can be passed back to the API where its kind is accepted.
    Members that this version does not know are kept where the client was told to keep them: they read as attributes,
    stand in `model_extra`, and are sent back.
    """

    @property
    def _request_id(self) -> str | None:
        """The `x-request-id` of the answer this object came in; None for parts of an answer."""
        return cast("str | None", room_of(self).get(_REQUEST_ID))

    @_request_id.setter
    def _request_id(self, value: str | None) -> None:
        room_of(self)[_REQUEST_ID] = value

    @property
    def model_extra(self) -> dict[str, object]:
        """The members that this class does not declare, as a new dict."""
        return dict(extras_of(self))

    def to_dict(
        self,
        *,
        mode: Literal["json", "python"] = "python",
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> dict[str, object]:
        """Return the members as a dict of plain values, nested objects too.

        Args:
            mode: `"json"` gives only what JSON has; `"python"` leaves dates and the like as they are.
            use_api_names: Keys are the API's names; else the attribute names, such as `from_`.
            exclude_unset: Leave out optional members that are None.
            exclude_defaults: The same, as None is the only default.
            exclude_none: Leave out every member that is None.
            warnings: Accepted for openai-python's sake; nothing warns.
        """
        return dump_struct(
            self,
            mode=mode,
            by_wire_name=use_api_names,
            exclude_unset=exclude_unset or exclude_defaults,
            exclude_none=exclude_none,
        )

    def to_json(
        self,
        *,
        indent: int | None = 2,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        warnings: bool = True,
    ) -> str:
        """Return the members as JSON text.

        Args:
            indent: Spaces a level; None for one line.
            use_api_names: As for `to_dict`.
            exclude_unset: As for `to_dict`.
            exclude_defaults: As for `to_dict`.
            exclude_none: As for `to_dict`.
            warnings: Accepted for openai-python's sake; nothing warns.
        """
        plain = self.to_dict(
            mode="json",
            use_api_names=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )
        return dump_json(plain, indent)

    def model_dump(
        self,
        *,
        mode: Literal["json", "python"] | str = "python",
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        round_trip: bool = False,
        warnings: bool | Literal["none", "warn", "error"] = True,
    ) -> dict[str, object]:
        """Return the members as a dict; unlike `to_dict`, with members that are None and by attribute name.

        Args:
            mode: As for `to_dict`.
            include: Only these members of this object.
            exclude: Not these members of this object.
            by_alias: Keys are the API's names; else the attribute names.
            exclude_unset: Leave out optional members that are None.
            exclude_defaults: The same, as None is the only default.
            exclude_none: Leave out every member that is None.
            round_trip: Accepted for openai-python's sake; changes nothing.
            warnings: Accepted for openai-python's sake; nothing warns.
        """
        return dump_struct(
            self,
            mode=mode,
            by_wire_name=bool(by_alias),
            exclude_unset=exclude_unset or exclude_defaults,
            exclude_none=exclude_none,
            include=include,
            exclude=exclude,
        )

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        round_trip: bool = False,
        warnings: bool | Literal["none", "warn", "error"] = True,
    ) -> str:
        """Return what `model_dump` gives as JSON text, on one line unless `indent` says how many spaces."""
        plain = self.model_dump(
            mode="json",
            include=include,
            exclude=exclude,
            by_alias=by_alias,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )
        return dump_json(plain, indent)

    @classmethod
    def model_validate(cls, obj: object) -> Self:
        """Build an instance from plain values as an answer would be: what does not fit is kept, unknown members too.

        Raises:
            DecodeFailure: `obj` is no mapping (nor an instance), or says that it is an object of another kind.
        """
        if isinstance(obj, cls):
            return obj
        result: object = obj
        if isinstance(obj, Mapping):
            members = cast("Mapping[str, object]", obj)
            result = lenient(keep_unknown=True).build(cls, dict(members))
        if not isinstance(result, cls):
            raise DecodeFailure(f"expected the members of {cls.__name__}, got {str(result)[:200]!r}")
        return result

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray) -> Self:
        """Build an instance from JSON text as an answer would be: what does not fit is kept, unknown members too.

        Raises:
            DecodeFailure: The text is not JSON, or not an object of this kind.
        """
        data = json_data.encode("utf-8", "surrogatepass") if isinstance(json_data, str) else json_data
        return cls.model_validate(decode_any(data))

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """Return a copy; with `deep`, of everything inside too.

        Args:
            update: Members that differ in the copy.
            deep: Copy nested objects instead of sharing them.
        """
        result = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            setattr(result, name, value)
        return result

    if not TYPE_CHECKING:
        # Hidden from checkers, for which it would make every name an attribute.

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}; where the server sends such a member, a "
                "client with keep_unknown_fields=True keeps it",
                name=name,
                obj=self,
            )

    def __eq__(self, other: object) -> bool:
        same = super().__eq__(other)
        return same if same is not True else extras_of(self) == extras_of(other)

    def __repr__(self) -> str:
        try:
            text = super().__repr__()
            extras = {**extras_of(self), **derived_of(self)}
            if not extras:
                return text
            shown = ", ".join(f"{name}={value!r}" for name, value in extras.items())
        except RecursionError:
            return f"{type(self).__name__}(...)"
        return f"{text[:-1]}{'' if text.endswith('()') else ', '}{shown})"

    def __copy__(self) -> Self:
        return cast("Self", _rebuild(type(self), self._state(), dict(room_of(self))))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self._state(), dict(room_of(self)))

    def _state(self) -> dict[str, object]:
        return {member.name: getattr(self, member.name) for member in members_of(type(self))}


def _rebuild(kind: type[BaseModel], members: dict[str, object], room: dict[str, object]) -> BaseModel:
    result = kind(**members)
    if room:
        room_of(result).update(room)
    return result
