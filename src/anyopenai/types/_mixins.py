"""Hand-written bases of generated types: conveniences that the API itself does not send; no generated name is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from .._codec.extras import derived_of
from ._base import BaseModel

__all__ = ("Choices", "ResponseText", "derived", "members")


class Choices(BaseModel):
    """Base of what has `choices`, which some servers send as null: in a last chunk, or beside a content filter."""

    _null_is_empty: ClassVar[tuple[str, ...]] = ("choices",)


class ResponseText(BaseModel):
    """What `Response` has beside its members."""

    @property
    def output_text(self) -> str:
        """The text of all `output_text` parts of all messages in `output`, joined; empty when there is none."""
        texts: list[str] = []
        # Read by name, not by class: a part may be of a kind that this version does not know, or a member absent.
        for item in members(self, "output"):
            if getattr(item, "type", None) == "message":
                for part in members(item, "content"):
                    text: object = getattr(part, "text", None)
                    if getattr(part, "type", None) == "output_text" and isinstance(text, str):
                        texts.append(text)
        return "".join(texts)


def members(holder: object, name: str) -> Iterable[object]:
    """Return the items of a member that is a list; none if it is anything else."""
    found: object = getattr(holder, name, None)
    return cast("list[object]", found) if isinstance(found, list) else ()


def derived(holder: object, name: str) -> Any:
    """Return what was worked out of an object's members under a name; None if nothing was."""
    return derived_of(holder).get(name)
