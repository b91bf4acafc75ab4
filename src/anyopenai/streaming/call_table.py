"""Which call a piece belongs to, also where servers say that badly; what a call is made of is known to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .growth import ReadText

__all__ = ("CallTable", "NumberedCall")


class NumberedCall:
    """One call of a tool that is being made.

    Attributes:
        position: Which of the calls it is, from 0.
        id: The server's name for it; empty if it gave none.
        name: The tool's name so far; empty if its kind has none.
        text: What it is called with.
        kind: Its kind, where pieces say it; empty otherwise.
    """

    __slots__ = ("id", "kind", "name", "position", "text")

    def __init__(self, position: int) -> None:
        self.position: int = position
        self.id: str = ""
        self.name: str = ""
        self.text: ReadText = ReadText()
        self.kind: str = ""


CallT = TypeVar("CallT", bound=NumberedCall)


class CallTable(list[CallT], Generic[CallT]):
    """The calls of one message or step, in the order in which they began.

    Servers say which call a piece belongs to by an index, by an id, by both, or not at all; some give every call the
    index 0, some repeat id and name with every piece. An id that is not known begins a call, and so does an index; a
    name does if the call at hand has another id or complete arguments, and so does another kind. A piece that says
    nothing goes on with the latest call.

    Args:
        begin: Makes a call, of its position.
    """

    __slots__ = ("_begin", "_by_id", "_by_index")

    def __init__(self, begin: Callable[[int], CallT]) -> None:
        super().__init__()
        self._begin = begin
        self._by_index: dict[int, CallT] = {}
        self._by_id: dict[str, CallT] = {}

    def find(
        self, index: object, id_: object, name: object, added: object, place: int | None, kind: str = ""
    ) -> tuple[CallT, bool]:
        """Return the call that a piece belongs to, and whether it begins with it; its id and name are taken.

        Args:
            index: The number that the piece has; anything but a number for none.
            id_: Its id; anything but text for none.
            name: Its name, or a part of that.
            added: What it adds to the call's text.
            place: Its place among the pieces that came with it; None if it came alone.
            kind: What kind of call it belongs to; empty where pieces do not say.
        """
        number = index if type(index) is int else None
        key = id_ if isinstance(id_, str) else ""
        called = name if isinstance(name, str) else ""
        call = self._known(number, key, called, added, place, kind)
        begins = call is None
        if call is None:
            call = self._begin(len(self))
            call.kind = kind
            self.append(call)
        if number is not None:
            self._by_index[number] = call
        if key and not call.id:
            call.id = key
            self._by_id[key] = call
        if called and called != call.name:
            # A name in pieces is joined, as long as nothing else has come.
            call.name += called
        return call, begins

    def _known(
        self, index: int | None, id_: str, name: str, added: object, place: int | None, kind: str
    ) -> CallT | None:
        """Return the call that a piece goes on with; None if it begins one."""
        if id_ and id_ in self._by_id:
            return self._by_id[id_]
        if index is not None:
            call = self._by_index.get(index)
        elif place is not None and not id_ and not name:
            call = self[place] if place < len(self) else None
        else:
            call = self[-1] if self else None
        if call is None or (kind and call.kind and kind != call.kind):
            return None
        if not (id_ or name):
            return call
        if id_ and call.id:
            return None  # two ids at one index
        if id_ and index is None and call.text.length:
            return None
        if name and call.name and call.text.length and ((name != call.name) or (added and call.text.complete)):
            return None
        return call
