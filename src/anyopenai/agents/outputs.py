"""What a handler returned as what an agent is sent, and what an agent wrote as what a handler is given; nothing is called here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from .._codec import decode_any, encode
from .._codec.plain import kind_of

if TYPE_CHECKING:
    from ..types.beta.agent_session_input_message_param import InputContentParamInputImage, InputContentParamInputText

    SentOutput: TypeAlias = str | list[InputContentParamInputText | InputContentParamInputImage] | None
else:
    SentOutput = object

__all__ = ("SentOutput", "arguments_from", "output_from")

_TEXT_OF: Final = {"input_text": "text", "input_image": "image_url"}
"""The parts that an output may consist of, each with the member that holds what it is."""


def arguments_from(given: object) -> dict[str, object]:
    """Return the arguments of a call, which come as an object, or as its JSON text.

    Raises:
        DecodeFailure: They are text that is not JSON.
        TypeError: They are no object.
    """
    value = decode_any(given.encode("utf-8", "surrogatepass")) if isinstance(given, str) else given
    if not isinstance(value, Mapping):
        raise TypeError(f"the arguments are {kind_of(value)} where an object was expected")
    return dict(cast("Mapping[str, object]", value))


def output_from(value: object) -> SentOutput:
    """Return what an agent is sent of a value: text as it is, a list of parts as it is, anything else as JSON text.

    Raises:
        TypeError: The value has no form in JSON.
        ValueError: A number in it is not finite, or it contains itself.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value.encode()  # refuses halves of characters, which no body can carry
        return value
    if isinstance(value, list | tuple | Iterator):
        parts: list[Any] = [*cast("Iterable[Any]", value)]
        if parts and all(map(_is_part, parts)):
            return parts
        return encode(parts).decode()
    return encode(value).decode()


def _is_part(part: object) -> bool:
    if not isinstance(part, Mapping):
        return False
    members = cast("Mapping[str, object]", part)
    kind = members.get("type")
    return isinstance(kind, str) and kind in _TEXT_OF and isinstance(members.get(_TEXT_OF[kind]), str)
