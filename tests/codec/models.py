"""Types as the generator writes them, one of each kind that the codec must serve."""

# ruff: noqa: F821, UP037 - the run-time Literal hides from the linter that these strings are values

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from msgspec import field

from anyopenai._codec import BaseModel, Resolved, Variant, VectorHolder, VectorWire

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from anyopenai._codec import Vector
else:
    from anyopenai._codec import Literal

    Vector = VectorWire

T = TypeVar("T")


class Usage(BaseModel, kw_only=True):
    prompt_tokens: int
    total_tokens: int
    details: UsageDetails | None = None


class UsageDetails(BaseModel, kw_only=True):
    cached_tokens: int | None = None
    share: float | None = None


class Function(BaseModel, kw_only=True):
    name: str
    arguments: str


class FunctionCall(BaseModel, kw_only=True, tag_field="type", tag="function"):
    type: ClassVar[Literal["function"]] = "function"
    id: str
    function: Function


class CustomCall(BaseModel, kw_only=True, tag_field="type", tag="custom"):
    type: ClassVar[Literal["custom"]] = "custom"
    id: str
    input: str
    parameters: dict[str, object] | None = None


ToolCall: TypeAlias = FunctionCall | CustomCall


class Message(BaseModel, kw_only=True):
    content: str | None
    refusal: str | None
    role: Literal["assistant"]
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel, kw_only=True):
    finish_reason: Literal["stop", "length"]
    index: int
    message: Message
    scores: dict[str, float] | None = None


class Completion(BaseModel, kw_only=True):
    id: str
    choices: list[Choice]
    created: int
    object: Literal["completion"]
    model: str
    usage: Usage | None = None
    metadata: dict[str, str] | None = None


class Delta(BaseModel, kw_only=True):
    content: str | None = None
    role: Literal["assistant", "user"] | None = None
    tool_calls: list[DeltaCall] | None = None


class DeltaCall(BaseModel, kw_only=True):
    index: int
    id: str | None = None


class ChunkChoice(BaseModel, kw_only=True):
    delta: Delta
    finish_reason: Literal["stop"] | None
    index: int


class Chunk(BaseModel, kw_only=True):
    id: str
    choices: list[ChunkChoice]
    created: int
    model: str
    object: Literal["chunk"]
    usage: Usage | None = None


class TextPart(BaseModel, kw_only=True, tag_field="type", tag="text"):
    type: ClassVar[Literal["text"]] = "text"
    text: str


class ImagePart(BaseModel, kw_only=True, tag_field="type", tag="image"):
    type: ClassVar[Literal["image"]] = "image"
    url: str
    detail: float | int | None = None


Part: TypeAlias = TextPart | ImagePart


class EasyMessage(BaseModel, kw_only=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Part]
    type: Literal["message"] | None = None


class InputMessage(BaseModel, kw_only=True, tag_field="type", tag="message"):
    type: ClassVar[Literal["message"]] = "message"
    role: Literal["user", "system"]
    content: list[Part]
    status: str | None = None


class OutputMessage(BaseModel, kw_only=True, tag_field="type", tag="message"):
    type: ClassVar[Literal["message"]] = "message"
    id: str
    role: Literal["assistant"]
    content: list[Part]
    status: str


class Reference(BaseModel, kw_only=True):
    id: str
    type: Literal["reference"] | None = None


class Group(BaseModel, kw_only=True, tag_field="type", tag="group"):
    type: ClassVar[Literal["group"]] = "group"
    items: list[InputItem]


if TYPE_CHECKING:
    InputItem: TypeAlias = EasyMessage | InputMessage | OutputMessage | Reference | Group
    Input: TypeAlias = str | list[InputItem] | Group
else:

    class InputItem(Resolved):
        def variants():
            return (
                Variant(EasyMessage, {"type": ("message",), "role": ("user", "assistant", "system")}),
                Variant(InputMessage, {"role": ("user", "system")}),
                Variant(OutputMessage, {"role": ("assistant",)}),
                Variant(Reference, {"type": ("reference",)}),
                Variant(Group),
            )

    class Input(Resolved):
        def variants():
            return (Variant(Group),)

        def array():
            return list[InputItem]


class Item(BaseModel, kw_only=True):
    id: str
    input: Input
    extra: InputItem | None = None
    by_name: dict[str, InputItem] | None = None
    from_: str | None = field(default=None, name="from")


class Embedding(VectorHolder, kw_only=True):
    embedding: Vector
    index: int
    object: Literal["embedding"]


class Embeddings(BaseModel, kw_only=True):
    data: list[Embedding]
    model: str
    object: Literal["list"]
    usage: Usage


class Page(BaseModel, Generic[T], kw_only=True):
    data: list[T]
    has_more: bool | None = None


class Tree(BaseModel, kw_only=True):
    value: object
    children: list[Tree] | None = None
