"""Hand-written bases of generated types: conveniences that the API itself does not send; no generated name is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._base import BaseModel

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("ResponseText",)


class ResponseText(BaseModel):
    """What `Response` has beside its members."""

    if TYPE_CHECKING:

        @property
        def output(self) -> Sequence[object]: ...

    @property
    def output_text(self) -> str:
        """The text of all `output_text` parts of all messages in `output`, joined; empty when there is none."""
        texts: list[str] = []
        # Read by name, not by class: a part may be of a kind that this version does not know, or a member may be absent.
        for item in self.output or ():
            if getattr(item, "type", None) != "message":
                continue
            for part in getattr(item, "content", None) or ():
                if getattr(part, "type", None) == "output_text":
                    texts.append(getattr(part, "text", None) or "")
        return "".join(texts)
