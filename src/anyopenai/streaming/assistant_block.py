"""One part of a thread's message as it grows out of its pieces; which part a piece belongs to is not decided here."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Final, cast

from .._codec import BaseModel, DecodeFailure, UnknownObject
from ..types.beta.threads.file_citation_annotation import FileCitationAnnotation
from ..types.beta.threads.file_path_annotation import FilePathAnnotation
from ..types.beta.threads.image_file import ImageFile
from ..types.beta.threads.image_file_content_block import ImageFileContentBlock
from ..types.beta.threads.image_url import ImageURL
from ..types.beta.threads.image_url_content_block import ImageURLContentBlock
from ..types.beta.threads.refusal_content_block import RefusalContentBlock
from ..types.beta.threads.text import Text
from ..types.beta.threads.text_content_block import TextContentBlock
from .growth import GrowingMember, fold, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..types.beta.threads.annotation import Annotation
    from ..types.beta.threads.message_content import MessageContent

__all__ = ("BLOCKS", "GrowingBlock", "kind_of", "plain_members")

_ANNOTATIONS: Final[dict[str, type[FileCitationAnnotation | FilePathAnnotation]]] = {
    "file_citation": FileCitationAnnotation,
    "file_path": FilePathAnnotation,
}

# The parts that there are, with nothing in them yet.
_EMPTY: Final[dict[str, Callable[[], BaseModel]]] = {
    "text": lambda: TextContentBlock(text=Text(value="", annotations=[])),
    "refusal": lambda: RefusalContentBlock(refusal=""),
    "image_file": lambda: ImageFileContentBlock(image_file=ImageFile(file_id="")),
    "image_url": lambda: ImageURLContentBlock(image_url=ImageURL(url="")),
}


BLOCKS: Final = tuple(_EMPTY)
"""The kinds of parts."""


class GrowingBlock:
    """A part of a message.

    Attributes:
        kind: Its `type`.
        index: Its number in the message.
        told: Its end has been told, and nothing has come since.
        reopened: Something came after its end had been told.
    """

    __slots__ = ("_annotations", "_fresh", "_others", "_places", "_shown", "_text", "index", "kind", "reopened", "told")

    # `Any`: what servers send, of kinds that may be new.
    def __init__(self, index: int, kind: str, begun: Any = None) -> None:
        self.index: int = index
        self.kind: str = kind
        self.told: bool = False
        self.reopened: bool = False
        self._annotations: list[_Annotated] = []
        self._places: dict[int, int] = {}
        self._fresh: set[int] = set()  # places of annotations, or anything for a part of another kind
        self._others: object = None
        fresh: Any = _EMPTY[kind]() if kind in _EMPTY else UnknownObject()
        shown = fresh if begun is None else _own(begun)
        self._shown = shown
        self._text: GrowingMember | None = None
        if isinstance(shown, TextContentBlock):
            self._text = GrowingMember(shown.text, "value")
            self._annotations = [_Annotated(one) for one in shown.text.annotations]
            self._places = {number: number for number in range(len(self._annotations))}
        elif isinstance(shown, RefusalContentBlock):
            self._text = GrowingMember(shown, "refusal")
        elif isinstance(shown, ImageURLContentBlock):
            self._text = GrowingMember(shown.image_url, "url")
        elif isinstance(shown, UnknownObject):
            self._others = fold(None, shown.to_dict())

    def take(self, piece: Any) -> None:
        """Add a piece."""
        if self.told:
            self.told, self.reopened = False, True
        shown = self._shown
        if isinstance(shown, TextContentBlock):
            text = getattr(piece, "text", None)
            self._append(getattr(text, "value", None))
            annotations: object = getattr(text, "annotations", None)
            if annotations and type(annotations) is list:
                for annotation in cast("list[object]", annotations):
                    self._annotate(annotation)
        elif isinstance(shown, RefusalContentBlock):
            self._append(getattr(piece, "refusal", None))
        elif isinstance(shown, ImageFileContentBlock):
            image = getattr(piece, "image_file", None)
            _replace(shown.image_file, "file_id", getattr(image, "file_id", None))
            _replace(shown.image_file, "detail", getattr(image, "detail", None))
        elif isinstance(shown, ImageURLContentBlock):
            image = getattr(piece, "image_url", None)
            self._append(getattr(image, "url", None))
            _replace(shown.image_url, "detail", getattr(image, "detail", None))
        else:
            self._others = fold(self._others, plain_members(piece))
            self._fresh.add(0)

    def _append(self, piece: object) -> None:
        if type(piece) is str and self._text is not None:
            text = self._text.text
            text.pieces.append(piece)
            text.length += len(piece)

    def _annotate(self, annotation: object) -> None:
        """Add an annotation, or a piece of one that has begun."""
        index: object = getattr(annotation, "index", None)
        number = index if type(index) is int else len(self._annotations)
        place = self._places.setdefault(number, len(self._annotations))
        if place == len(self._annotations):
            self._annotations.append(_Annotated())
        self._annotations[place].take(annotation)
        self._fresh.add(place)

    def snapshot(self) -> MessageContent:
        """Return the part so far: the same object each time, brought up to date."""
        shown = self._shown
        if self._text is not None:
            self._text.show()
        if self._fresh:
            if isinstance(shown, TextContentBlock):
                listed = shown.text.annotations
                for place in sorted(self._fresh):
                    listed[place : place + 1] = [self._annotations[place].value()]
            else:
                shown.update(plain(self._others))
            self._fresh.clear()
        return cast("MessageContent", shown)


class _Annotated:
    """An annotation that may come in pieces."""

    __slots__ = ("_folded",)

    def __init__(self, begun: object = None) -> None:
        self._folded: object = fold(None, plain_members(begun))

    def take(self, piece: object) -> None:
        self._folded = fold(self._folded, plain_members(piece))

    def value(self) -> Annotation:
        members = cast("dict[str, object]", plain(self._folded))
        members.pop("index", None)
        kind = _ANNOTATIONS.get(str(members.get("type")))
        try:
            return UnknownObject(members) if kind is None else kind.model_validate(members)  # type: ignore[return-value]  # what is not known
        except DecodeFailure:
            return UnknownObject(members)  # type: ignore[return-value]  # what is not known


def kind_of(piece: object, kinds: tuple[str, ...]) -> str:
    """Return a piece's `type`; where a server leaves it out, the member of that name; empty if nothing says it."""
    kind: object = getattr(piece, "type", None)
    if isinstance(kind, str):
        return kind
    return next((name for name in kinds if getattr(piece, name, None) is not None), "")


def plain_members(value: object) -> dict[str, object]:
    """Return the members of an object that came from a server, as plain values."""
    if isinstance(value, BaseModel | UnknownObject):
        return value.to_dict(mode="json")
    return {}


def _replace(holder: object, name: str, value: object) -> None:
    if value is not None:
        setattr(holder, name, value)


def _own(block: Any) -> Any:
    """Return a copy of a part that can grow without changing the event it came in."""
    own = copy(block)
    for name in ("text", "image_file", "image_url"):
        inner: object = getattr(own, name, None)
        if isinstance(inner, BaseModel):
            setattr(own, name, copy(inner))
    if isinstance(own, TextContentBlock):
        annotations: list[Any] | None = cast("list[Any] | None", own.text.annotations)
        own.text.annotations = [*(annotations or ())]
    return own
