"""A thread's message as it grows out of its deltas; the run it belongs to is not known here."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any, cast

from ..types.beta.threads.message import Message
from .assistant_block import BLOCKS, GrowingBlock, kind_of

if TYPE_CHECKING:
    from ..types.beta.threads.message_content import MessageContent

__all__ = ("GrowingMessage",)


class GrowingMessage:
    """Puts a message together from its deltas, at a cost linear in them.

    Args:
        message: The message as it was when it began; it stays as it is.

    Attributes:
        current: The part that the latest piece belongs to.
    """

    __slots__ = ("_blocks", "_by_index", "_dirty", "_ended", "_moved", "_shown", "current")

    def __init__(self, message: Message) -> None:
        self._shown = shown = message.model_copy()
        self._blocks: list[GrowingBlock] = []
        self._by_index: dict[int, GrowingBlock] = {}
        self._dirty: set[GrowingBlock] = set()
        self._moved = False
        self._ended = False
        self.current: GrowingBlock | None = None
        begun = cast("list[Any] | None", message.content)
        for index, part in enumerate(begun if type(begun) is list else ()):
            self._begin(GrowingBlock(index, str(getattr(part, "type", "")), part))
        self._dirty.update(self._blocks)
        shown.content = []

    # `Any`: the pieces come from a server, and what they lack is handled.
    def take(self, delta: Any) -> list[tuple[GrowingBlock, Any, bool]]:
        """Add a delta; return for each of its pieces the part it belongs to, and whether that begins with it."""
        role: object = getattr(delta, "role", None)
        if role is not None:
            self._shown.role = cast("Any", role)
        pieces: list[Any] | None = getattr(delta, "content", None)
        if type(pieces) is not list:
            return []
        several = len(pieces) > 1
        found: list[tuple[GrowingBlock, Any, bool]] = []
        for place, piece in enumerate(pieces):
            if piece is None:
                continue
            block, begins = self._block(piece, place if several else None)
            block.take(piece)
            self._dirty.add(block)
            found.append((block, piece, begins))
        return found

    def _block(self, piece: Any, place: int | None) -> tuple[GrowingBlock, bool]:
        """Return the part that a piece belongs to: by its index, else by its place, else the latest one of its kind."""
        kind = kind_of(piece, BLOCKS)
        index: object = getattr(piece, "index", None)
        if type(index) is not int:
            index = place
        if index is not None:
            block = self._by_index.get(index)
        else:
            block = self.current or (self._blocks[-1] if self._blocks else None)
        if block is not None and (not kind or kind == block.kind):
            return block, False
        last = self._blocks[-1].index + 1 if self._blocks else 0
        # A number that another kind of part has already is a number that says nothing.
        number = index if index is not None and block is None else last
        begun = self._begin(GrowingBlock(number, kind))
        if index is not None:
            self._by_index[index] = begun
        return begun, True

    def _begin(self, block: GrowingBlock) -> GrowingBlock:
        blocks = self._blocks
        if blocks and blocks[-1].index > block.index:
            insort(blocks, block, key=lambda one: one.index)
            self._moved = True
        else:
            blocks.append(block)
        self._by_index[block.index] = block
        return block

    def update(self, message: Message) -> None:
        """Take over what an event says of the whole message, but for its content, which has begun."""
        for name in _HEAD:
            setattr(self._shown, name, getattr(message, name, None))

    def end(self, message: Message) -> Message:
        """Take the message as it is at its end, and return that: its content is what came if it is left out."""
        content = cast("list[Any] | None", message.content)
        if not content and self._blocks:
            message = message.model_copy()
            message.content = self.snapshot().content
        self._shown = message
        self._ended = True
        return message

    def untold(self) -> list[MessageContent]:
        """Return the parts whose end has not been told, as they are at the end; from now on it has."""
        found: list[MessageContent] = []
        content = cast("list[Any] | None", self._shown.content) if self._ended else None
        for place, block in enumerate(self._blocks):
            if block.told:
                continue
            block.told = True
            whole: Any = content[place] if content and place < len(content) else None
            if whole is None or getattr(whole, "type", None) != block.kind:
                whole = block.snapshot()
            found.append(whole)
        return found

    def snapshot(self) -> Message:
        """Return the message so far: one object that grows, and at the end the one that the last event has."""
        shown = self._shown
        if self._ended:
            return shown
        for block in self._dirty:
            block.snapshot()
        self._dirty.clear()
        if self._moved:
            self._moved = False
            shown.content = [block.snapshot() for block in self._blocks]
        elif len(shown.content) < len(self._blocks):
            shown.content += [block.snapshot() for block in self._blocks[len(shown.content) :]]
        return shown


_HEAD = ("assistant_id", "attachments", "completed_at", "created_at", "incomplete_at", "incomplete_details", "metadata",
         "role", "run_id", "status", "thread_id")  # fmt: skip
