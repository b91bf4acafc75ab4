"""Hand-written bases of generated types: conveniences that the API itself does not send; no generated name is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ._base import BaseModel

__all__ = ("ResponseText",)


class ResponseText(BaseModel):
    """What `Response` has beside its members."""

    @property
    def output_text(self) -> str:
        """The text of all `output_text` parts of all messages in `output`, joined; empty when there is none."""
        texts: list[str] = []
        # Read by name, not by class: a part may be of a kind that this version does not know, or a member absent.
        for item in _members(self, "output"):
            if getattr(item, "type", None) == "message":
                for part in _members(item, "content"):
                    text: object = getattr(part, "text", None)
                    if getattr(part, "type", None) == "output_text" and isinstance(text, str):
                        texts.append(text)
        return "".join(texts)


def _members(holder: object, name: str) -> Iterable[object]:
    found: object = getattr(holder, name, None)
    return cast("list[object]", found) if isinstance(found, list) else ()
