"""What grows while a stream is read, at a cost linear in what arrives: texts, and values of members not known here."""

from __future__ import annotations

from typing import Final, cast

from .._sansio.json_string import InvalidJSON
from .._sansio.partial_json import PartialJSON

__all__ = ("GrowingMember", "GrowingText", "ReadText", "fold", "plain")

# Strings that every piece repeats whole, in members of members that this version does not know.
_REPEATED: Final = frozenset({"format", "id", "name", "role", "type"})


class GrowingText:
    """A text that arrives in pieces and is put together when somebody looks at it.

    Attributes:
        pieces: What has come since then.
        length: Characters in all.
    """

    __slots__ = ("_text", "length", "pieces")

    def __init__(self) -> None:
        self._text = ""
        self.pieces: list[str] = []
        self.length: int = 0

    def append(self, piece: str) -> None:
        """Take the next piece."""
        self.pieces.append(piece)
        self.length += len(piece)

    def value(self) -> str:
        """Return the text so far."""
        pieces = self.pieces
        if pieces:
            # Nothing here holds the text while it grows: if nobody else does, Python lengthens it in place.
            text, self._text = self._text, ""
            text += "".join(pieces)
            pieces.clear()
            self._text = text
        return self._text

    def upto(self, length: int) -> str:
        """Return the first characters of the text."""
        text = self.value()
        return text if len(text) == length else text[:length]


class ReadText(GrowingText):
    """A growing text of JSON, which is read as far as it goes when somebody asks what it says."""

    __slots__ = ("_parser", "_read")

    def __init__(self) -> None:
        super().__init__()
        self._parser: PartialJSON | None = PartialJSON()
        self._read = 0

    @property
    def partial(self) -> object:
        """What the text says so far; None while nothing is known, and as far as it was JSON if it is none."""
        return None if self._parser is None else self._advanced(self._parser).value

    @property
    def complete(self) -> bool:
        """Whether the text is a whole JSON document."""
        return self._parser is not None and self._advanced(self._parser).complete

    def _advanced(self, parser: PartialJSON) -> PartialJSON:
        if self._read < self.length:
            piece = self.value()[self._read :]
            self._read = self.length
            try:
                parser.feed(piece)
            except InvalidJSON:
                # Said when the whole is read. The parser takes no more, and its value stays.
                self._read = self.length
        return parser


class GrowingMember:
    """A member of an object that grows with a text; the object is brought up to date when somebody looks at it.

    Args:
        holder: The object; what its member is goes before the text, unless the text has begun.
        name: The member.
        text: The text, if somebody else has it too.
    """

    __slots__ = ("_holder", "_name", "_upto", "text")

    def __init__(self, holder: object, name: str, text: GrowingText | None = None) -> None:
        self._holder = holder
        self._name = name
        self.text: GrowingText = GrowingText() if text is None else text
        begun: object = getattr(holder, name)
        if isinstance(begun, str) and begun and not self.text.length:
            self.text.append(begun)
        self._upto = len(begun) if isinstance(begun, str) else -1

    def show(self) -> None:
        """Bring the object up to date."""
        if self._upto != self.text.length:
            setattr(self._holder, self._name, "")  # so that nothing holds the text while it grows
            setattr(self._holder, self._name, self.text.value())
            self._upto = self.text.length


def fold(whole: object, piece: object) -> object:
    """Add a piece of a member that is not known here to what has come of it, and return that.

    Texts are joined, objects merged member by member, and lists too where their items say which they are (`index`);
    of anything else the last one counts. None adds nothing. `plain` makes of the result what users see.
    """
    if piece is None:
        return whole
    if isinstance(piece, str):
        if not isinstance(whole, GrowingText):
            whole = GrowingText()
        whole.append(piece)
        return whole
    if isinstance(piece, dict):
        members = cast("dict[str, object]", whole) if isinstance(whole, dict) else {}
        for name, value in cast("dict[str, object]", piece).items():
            repeated = name in _REPEATED and isinstance(value, str) and value
            members[name] = value if repeated else fold(members.get(name), value)
        return members
    if isinstance(piece, list):
        items = cast("list[object]", whole) if isinstance(whole, list) else []
        for item in cast("list[object]", piece):
            _fold_item(items, item)
        return items
    return piece


def _fold_item(items: list[object], item: object) -> None:
    index = _index(item)
    if type(index) is int:
        # The last ones first: that is where a list grows.
        for position in range(len(items) - 1, -1, -1):
            if _index(items[position]) == index:
                items[position] = fold(items[position], item)
                return
    items.append(fold(None, item))


def _index(item: object) -> object:
    return cast("dict[str, object]", item).get("index") if isinstance(item, dict) else None


def plain(whole: object) -> object:
    """Return what `fold` has put together, as plain values."""
    if isinstance(whole, GrowingText):
        return whole.value()
    if isinstance(whole, dict):
        return {name: plain(value) for name, value in cast("dict[str, object]", whole).items()}
    if isinstance(whole, list):
        return [plain(item) for item in cast("list[object]", whole)]
    return whole
