"""Items of a conversation as they are sent: plain, detached from whoever made them, and paired: calls with their outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from .._codec import decode_any, encode

__all__ = (
    "CALLS",
    "OUTPUTS",
    "Item",
    "as_list",
    "call_id_of",
    "check_answered",
    "input_items",
    "is_made_by_model",
    "output_of",
    "plain",
)

Item: TypeAlias = dict[str, object]
"""One item of input or output, as JSON has it."""

CALLS: Final[Mapping[object, str]] = {
    "function_call": "call_id",
    "computer_call": "call_id",
    "mcp_approval_request": "id",
    "custom_tool_call": "call_id",
    "shell_call": "call_id",
    "local_shell_call": "call_id",
    "apply_patch_call": "call_id",
}
"""Items that something must answer, and the member with their id."""

OUTPUTS: Final[Mapping[object, str]] = {
    "function_call_output": "call_id",
    "computer_call_output": "call_id",
    "mcp_approval_response": "approval_request_id",
    "custom_tool_call_output": "call_id",
    "shell_call_output": "call_id",
    "local_shell_call_output": "id",
    "apply_patch_call_output": "call_id",
}
"""Items that answer a call, and the member with that call's id."""


def plain(value: object) -> object:
    """Return a value as JSON has it, sharing nothing with what was given.

    Raises:
        TypeError: Something in it has no form in JSON.
        ValueError: It cannot be written as JSON.
    """
    return decode_any(encode(value))


def input_items(given: object) -> list[Item]:
    """Return `input` as items: a text is the user's message, nothing is no item.

    Raises:
        ValueError: It is neither a text nor a list of items.
        TypeError: Something in it has no form in JSON.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": "user", "content": cast("str", plain(given))}]
    listed = as_list(given)
    if listed is None:
        raise ValueError(f"input is a text or a list of items, not {type(given).__name__}")
    items = cast("list[object]", plain(listed))
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f"input[{number}] is no item: {type(item).__name__}")
    return cast("list[Item]", items)


def as_list(given: Any) -> list[object] | None:
    """Return the items of anything that is iterated for items; None for a text, bytes, a mapping, or what is no iterable."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        return None
    return list(cast("Iterable[object]", given))


def call_id_of(item: Mapping[str, object]) -> str | None:
    """Return the id of an item that something must answer; None for another item."""
    member = CALLS.get(item.get("type"))
    found = item.get(member) if member is not None else None
    return found if isinstance(found, str) else None


def output_of(item: Mapping[str, object]) -> str | None:
    """Return the id of the call that an item answers; None for an item that answers none."""
    member = OUTPUTS.get(item.get("type"))
    found = item.get(member) if member is not None else None
    return found if isinstance(found, str) else None


def is_made_by_model(item: Mapping[str, object]) -> bool:
    """Tell whether an item came in a model's answer, rather than from the user or from a tool."""
    kind = item.get("type")
    if kind in OUTPUTS or kind == "item_reference":
        return False
    return item.get("role") == "assistant" or (kind is not None and kind != "message")


def check_answered(history: Sequence[Mapping[str, object]]) -> None:
    """Refuse a history that does not stand on its own.

    Raises:
        ValueError: A call has no output, an output no call before it, or an item is a reference.
    """
    waiting: set[str] = set()
    for number, item in enumerate(history):
        if item.get("type") == "item_reference":
            raise ValueError(f"input[{number}] is a reference to {item.get('id')!r}; a ledger keeps whole items")
        made, answered = call_id_of(item), output_of(item)
        if made is not None:
            if made in waiting:
                raise ValueError(f"input[{number}] has the call id {made!r} of another call")
            waiting.add(made)
        if answered is not None:
            if answered not in waiting:
                raise ValueError(f"input[{number}] answers the call {answered!r}, which is not before it")
            waiting.discard(answered)
    if waiting:
        raise ValueError(f"the input has calls without an output: {', '.join(sorted(waiting))}")
