"""`ToolCall` and `ToolOutput`: what a model asked for and what it is told; tools are found and called elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from .._codec import encode

__all__ = ("CallOutcome", "ToolCall", "ToolOutput", "output_from")


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call that a model asked for.

    Attributes:
        name: What the model called.
        arguments: What it wrote as arguments, as JSON text; of a custom tool its input, as it is.
        call_id: The id that its output is sent back with.
        index: Which of the turn's calls it is, from 0.
        turn: Which request was answered with it, from 1.
        kind: `"function"`, or `"custom"` for a tool that takes text.
    """

    name: str
    arguments: str
    call_id: str
    index: int
    turn: int
    kind: Literal["function", "custom"] = "function"


class ToolOutput(Struct, frozen=True):
    """What a tool may return to say itself what the model is sent, such as an image.

    Anything else that a tool returns is sent as text: a text as it is, other values as JSON.

    Attributes:
        content: A text; or parts as the API takes them, such as `[{"type": "input_image", "image_url": ...}]` for
            responses and `[{"type": "text", "text": ...}]` for chat completions.
        value: What your program sees as the call's `value`; not sent.
    """

    content: str | Sequence[Mapping[str, object]]
    value: object = None


class CallOutcome(Struct, frozen=True, kw_only=True):
    """What became of a call.

    Attributes:
        call: The call.
        content: What the model is sent.
        value: What the tool returned; None where it was not called, or raised.
        error: Why the call did not come to its end, where the model is told so; None if it did.
    """

    call: ToolCall
    content: str | Sequence[Mapping[str, object]]
    value: object = None
    error: Exception | None = None

    @property
    def text(self) -> str:
        """The content as text; of parts, the texts among them."""
        if isinstance(self.content, str):
            return self.content
        return "".join(text for part in self.content if isinstance(text := part.get("text"), str))


def output_from(call: ToolCall, value: object) -> CallOutcome:
    """Return the outcome of a call whose tool returned a value.

    Raises:
        TypeError: The value has no form in JSON.
        ValueError: A number in it is not finite, or it contains itself.
    """
    if isinstance(value, ToolOutput):
        return CallOutcome(call=call, content=value.content, value=value.value)
    content = value if isinstance(value, str) else encode(value).decode()
    return CallOutcome(call=call, content=content, value=value)
