"""`to_response_input_items`: what a response put out, as input of the next request; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

from .._codec import encode

if TYPE_CHECKING:
    from ..types.beta.beta_response import BetaResponse
    from ..types.responses.response import Response
    from ..types.responses.response_input_item_param import ResponseInputItemParam
    from ..types.responses.response_output_item import ResponseOutputItem

    ReplayedItem: TypeAlias = ResponseOutputItem | ResponseInputItemParam | Mapping[str, object] | msgspec.Struct
    """An item of an output, of an input or of a stored conversation."""

__all__ = ("to_response_input_item", "to_response_input_items")

# Members of answers that no request takes: by whom an item was made, and what a custom tool's items do not have.
_ANSWERS_ONLY: Final = "created_by"
_NO_STATUS: Final = frozenset({"custom_tool_call", "custom_tool_call_output"})

# The members that a request must have and that may be null; elsewhere null is refused or says nothing.
_NULLS: Final[dict[str, frozenset[str]]] = {
    "code_interpreter_call": frozenset({"code", "outputs"}),
    "image_generation_call": frozenset({"result"}),
}
_NO_NULLS: Final[frozenset[str]] = frozenset()


def to_response_input_items(items: Response | BetaResponse | Iterable[ReplayedItem]) -> list[ResponseInputItemParam]:
    """Return the items of an output as input of another request, in their order; reasoning with what it holds encrypted.

    What only answers have is left out: `created_by`, members that are null, and what was parsed. Items of kinds that this
    version does not know are passed on as they are.

    Args:
        items: A response, whose output is meant; or items of outputs, of inputs and of stored conversations, mixed.

    Source: https://platform.openai.com/docs/guides/conversation-state
    """
    # Read by name: no response class needs to be loaded for items.
    given = cast("Iterable[ReplayedItem] | None", getattr(items, "output", items))
    return [to_response_input_item(item) for item in given or ()]


def to_response_input_item(item: ReplayedItem) -> ResponseInputItemParam:
    """Return one item as input of another request; see `to_response_input_items`.

    Raises:
        TypeError: It is no object.
    """
    # What is sent of an object is what its encoder writes: without what is derived of its members.
    plain: object = msgspec.json.decode(encode(item))
    if not isinstance(plain, dict):
        raise TypeError(f"an item of a response is an object, not {type(item).__name__}")
    members = cast("dict[str, object]", plain)
    said = members.get("type")
    kind = said if isinstance(said, str) else ""
    nulls = _NULLS.get(kind, _NO_NULLS)
    kept = {
        name: value
        for name, value in members.items()
        if name != _ANSWERS_ONLY
        and (value is not None or name in nulls)
        and not (name == "status" and kind in _NO_STATUS)
    }
    output = kept.get("output")
    if isinstance(output, list):
        kept["output"] = [_without_maker(part) for part in cast("list[object]", output)]
    return cast("ResponseInputItemParam", kept)


def _without_maker(part: object) -> object:
    if not isinstance(part, dict):
        return part
    return {name: value for name, value in cast("dict[str, object]", part).items() if name != _ANSWERS_ONLY}
