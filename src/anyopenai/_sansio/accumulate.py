"""The text of a stream so far, for the error of one that breaks off; whole answers are put together elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

__all__ = ("TextSoFar", "text_for")


class TextSoFar:
    """Folds text deltas, in time linear in the text. This class is for streams without text and keeps nothing."""

    __slots__ = ("_append", "_more", "_parts")

    def __init__(self) -> None:
        self._parts: list[str] = []  # of choice 0, or of the one answer there is
        self._append = self._parts.append
        self._more: dict[int, list[str]] | None = None  # of the other choices

    def apply(self, event: object) -> None:
        """Take the next decoded event: a Struct, an `UnknownObject` or a mapping. Never raises, whatever its shape."""

    def value(self) -> str | dict[int, str] | None:
        """Return the text so far; by choice index when there are several choices; None when there is no text."""
        if self._more:
            texts = {0: self._parts} if self._parts else {}
            texts.update(sorted(self._more.items()))
            return {index: "".join(parts) for index, parts in texts.items()}
        return "".join(self._parts) or None

    def _add(self, index: object, text: object) -> None:
        if not isinstance(text, str) or not text:
            return
        if not index or not isinstance(index, int):
            self._append(text)
        elif self._more is None:
            self._more = {index: [text]}
        else:
            self._more.setdefault(index, []).append(text)


class _ChatText(TextSoFar):
    __slots__ = ()

    # `Any`: the event comes from a server, and what it lacks is handled.
    def apply(self, event: Any) -> None:
        try:
            (choice,) = event.choices
            text = choice.delta.content
            if text and choice.index == 0:
                self._append(text + "")  # anything but text fails here, not when the parts are joined
                return
        except (AttributeError, TypeError, ValueError):
            pass
        else:
            if not text:
                return
        for choice in _items(_read(event, "choices")):
            self._add(_read(choice, "index"), _read(_read(choice, "delta"), "content"))


class _CompletionText(TextSoFar):
    __slots__ = ()

    def apply(self, event: object) -> None:
        for choice in _items(_read(event, "choices")):
            self._add(_read(choice, "index"), _read(choice, "text"))


class _TypedText(TextSoFar):
    __slots__ = ("_type",)

    def __init__(self, type_: str) -> None:
        super().__init__()
        self._type = type_

    # `Any`: as above.
    def apply(self, event: Any) -> None:
        try:
            if event.type == self._type:
                self._append(event.delta + "")
        except (AttributeError, TypeError):
            if _read(event, "type") == self._type:
                self._add(0, _read(event, "delta"))


class _RunText(TextSoFar):
    __slots__ = ()

    def apply(self, event: object) -> None:
        if _read(event, "event") == "thread.message.delta":
            for part in _items(_read(_read(_read(event, "data"), "delta"), "content")):
                self._add(0, _read(_read(part, "text"), "value"))


# The event type whose `delta` is the answer's text.
_TEXT_DELTAS: Final = {"response": "response.output_text.delta", "transcript": "transcript.text.delta"}


def text_for(ending: str | None) -> TextSoFar:
    """Return an empty text for one stream.

    Args:
        ending: The stream's kind, as `Operation.ending` names it; of other kinds no text is kept.
    """
    if ending == "chat":
        return _ChatText()
    if ending == "completion":
        return _CompletionText()
    if ending == "run":
        return _RunText()
    if ending in _TEXT_DELTAS:
        return _TypedText(_TEXT_DELTAS[ending])
    return TextSoFar()


def _read(value: object, name: str) -> object:
    """Read a member of a Struct or of a mapping; None when there is none."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name)
    return getattr(value, name, None)


def _items(value: object) -> Iterable[object]:
    """Return the items of a list; none of anything else."""
    return cast("list[object]", value) if isinstance(value, list) else ()
