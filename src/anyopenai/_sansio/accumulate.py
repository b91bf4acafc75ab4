"""What a stream has brought so far (text, sound, images), for the error of one that fails; whole answers are put together elsewhere."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from .endings import Ending

__all__ = ("TextSoFar", "delta_of", "text_for")


class TextSoFar:
    """Folds deltas, in time linear in what they bring. This class is for streams of other kinds and keeps nothing.

    Args:
        ending: The watcher for the stream's end marker, for `watch`.
    """

    __slots__ = ("_append", "_ending", "_more", "_parts")

    def __init__(self, ending: Ending | None = None) -> None:
        self._ending = ending
        self._parts: list[str] = []  # of choice 0, or of the one answer there is
        self._append = self._parts.append
        self._more: dict[int, list[str]] | None = None  # of the other choices

    def apply(self, event: object) -> None:
        """Take the next decoded event: a Struct, an `UnknownObject` or a mapping. Never raises, whatever its shape."""

    def watch(self, event: object) -> bool:
        """Take the next event, and have the watcher for the end marker observe it; returns what that returns."""
        self.apply(event)
        return self._ending is not None and self._ending.observe(event)

    def value(self) -> object | None:
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
    def watch(self, event: Any) -> bool:
        try:
            (choice,) = event.choices
            if choice.finish_reason is None and choice.index == 0:
                # The usual one, which says nothing of the end: this is the way of nearly every event there is.
                content = choice.delta.content
                if content:
                    self._append(content + "")
                return False
        except (AttributeError, TypeError, ValueError):
            pass
        return super().watch(event)

    # `Any`: as above.
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

    def __init__(self, type_: str, ending: Ending | None = None) -> None:
        super().__init__(ending)
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

    # `Any`: as above.
    def apply(self, event: Any) -> None:
        try:
            if event.event != "thread.message.delta":
                return
            (part,) = event.data.delta.content
            self._append(part.text.value + "")
            return
        except (AttributeError, TypeError, ValueError):
            pass
        if _read(event, "event") == "thread.message.delta":
            for part in _items(_read(_read(_read(event, "data"), "delta"), "content")):
                self._add(0, _read(_read(part, "text"), "value"))


class _Sound(TextSoFar):
    """The sound of a speech: its bytes."""

    __slots__ = ()

    def apply(self, event: object) -> None:
        if _read(event, "type") == "speech.audio.delta":
            self._add(0, _read(event, "audio"))

    def value(self) -> bytes | None:
        sound: list[bytes] = []
        for part in self._parts:
            # Each delta is Base64 by itself; one that is not is the server's mistake and ends what can be put together.
            try:
                sound.append(binascii.a2b_base64(part))
            except ValueError:
                break
        return b"".join(sound) or None


class _Images(TextSoFar):
    """The events of the images that are complete, and last the newest sketch of the one that is not."""

    __slots__ = ("_done", "_sketch")

    def __init__(self, ending: Ending | None = None) -> None:
        super().__init__(ending)
        self._done: list[object] = []
        self._sketch: object = None

    def apply(self, event: object) -> None:
        kind = _read(event, "type")
        if not isinstance(kind, str):
            return
        if kind.endswith(".completed"):
            self._done.append(event)
            self._sketch = None
        elif kind.endswith(".partial_image"):
            self._sketch = event

    def value(self) -> list[object] | None:
        return [*self._done, *([] if self._sketch is None else [self._sketch])] or None


# The event type whose `delta` is the answer's text.
_TEXT_DELTAS: Final = {
    "agent_session": "agent.session.turn.output_text.delta",
    "response": "response.output_text.delta",
    "transcript": "transcript.text.delta",
}


_TEXTS: Final[dict[str, type[TextSoFar]]] = {
    "chat": _ChatText,
    "completion": _CompletionText,
    "image": _Images,
    "run": _RunText,
    "speech": _Sound,
}


def text_for(name: str | None, ending: Ending | None = None) -> TextSoFar:
    """Return an empty record of what one stream brings.

    Args:
        name: The stream's kind, as `Operation.ending` names it; of other kinds nothing is kept.
        ending: The watcher for its end marker, for `TextSoFar.watch`.
    """
    delta = _TEXT_DELTAS.get(name or "")
    if delta is not None:
        return _TypedText(delta, ending)
    return _TEXTS.get(name or "", TextSoFar)(ending)


def delta_of(ending: str | None) -> Callable[[object], str] | None:
    """Return what reads the text out of one event, "" where it has none; None for streams whose answer is no text.

    Of several choices it is the first one's text.

    Args:
        ending: The stream's kind, as `Operation.ending` names it.
    """
    if ending == "chat":
        return lambda event: _first_choice(event, "delta", "content")
    if ending == "completion":
        return lambda event: _first_choice(event, "text")
    if ending == "run":
        return _run_delta
    wanted = None if ending is None else _TEXT_DELTAS.get(ending)
    if wanted is None:
        return None
    return lambda event: _text(_read(event, "delta")) if _read(event, "type") == wanted else ""


def _first_choice(event: object, *path: str) -> str:
    for choice in _items(_read(event, "choices")):
        if not _read(choice, "index"):
            value = choice
            for name in path:
                value = _read(value, name)
            return _text(value)
    return ""


def _run_delta(event: object) -> str:
    text = _RunText()
    text.apply(event)
    return _text(text.value())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(value: object, name: str) -> object:
    """Read a member of a Struct or of a mapping; None when there is none."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name)
    return getattr(value, name, None)


def _items(value: object) -> Iterable[object]:
    """Return the items of a list; none of anything else."""
    return cast("list[object]", value) if isinstance(value, list) else ()
