"""Incomplete JSON to the value so far, at a cost linear in the bytes fed; which type the value becomes is not decided here.

A model writes its answer from left to right, and a program can show the finished parts of an object while the rest is
on its way. The value grows in place: what has not changed is neither copied nor looked at again.

Source: https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import codecs
import re
from typing import Any, Final, cast

from .json_string import InvalidJSON, JSONString

__all__ = ("MAX_DEPTH", "MAX_NUMBER", "InvalidJSON", "PartialJSON")

MAX_DEPTH: Final = 500
"""Levels that a document may nest by default: as many as whole answers may."""

MAX_NUMBER: Final = 4300
"""Most characters of one number: Python's own bound for integers, and what keeps a number in single bytes linear."""

# The blank of RFC 8259, which knows four characters.
_BLANK: Final = re.compile(r"[ \t\n\r]*")
# A string without escapes, whole, and what stands around it: most of them.
_SHORT: Final = re.compile(r'"([^"\\\x00-\x1f]*)"')
_KEY: Final = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*')
_NUMBER_RUN: Final = re.compile(r"[-+.0-9eE]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBER_START: Final = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE](?:[+-]?[0-9]*)?)?)?|[eE](?:[+-]?[0-9]*)?)?)?"
)
_WORD_RUN: Final = re.compile(r"[a-z]*")

_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None}
# What may come next.
_VALUE: Final = 0
_FIRST_ITEM: Final = 1
_FIRST_KEY: Final = 2
_NEXT_KEY: Final = 3
_COLON: Final = 4
_AFTER: Final = 5
_STRING: Final = 6
_DONE: Final = 7

_EXPECTED: Final = {
    _VALUE: "a value",
    _FIRST_ITEM: "a value or ']'",
    _FIRST_KEY: "a member's name or '}'",
    _NEXT_KEY: "a member's name",
    _COLON: "':'",
    _AFTER: "',' or an end",
    _STRING: "the rest of a string",
    _DONE: "nothing more",
}


class PartialJSON:
    """Reads a JSON document piece by piece; `value` is what is known of it so far.

    An object has its members, and a list its items, as far as they have begun. A string is there up to where it was
    cut, without half an escape or half a character. A number or a word (`true`) is there once what follows it shows
    that it has ended: `12` may still become `125`. A member is there once its value has begun.

    The value does not depend on how the document is cut. It grows in place, so keep a copy of what must not change.
    After an error the value stays what it was, and nothing more is taken.

    Args:
        open_strings: Show a string before its end; False leaves it out, and what `value` is never changes but by growing.
        max_depth: Levels that the document may nest.
    """

    __slots__ = (
        "_bytes",
        "_failure",
        "_held",
        "_is_key",
        "_key",
        "_max_depth",
        "_open_strings",
        "_read",
        "_root",
        "_shown",
        "_stack",
        "_state",
        "_string",
        "_text",
        "begun",
    )

    begun: bool
    """Whether anything is known of the value; before that, `value` is None."""

    def __init__(self, *, open_strings: bool = True, max_depth: int = MAX_DEPTH) -> None:
        if max_depth < 1:
            raise ValueError(f"max_depth must be at least 1, not {max_depth!r}")
        self._open_strings = open_strings
        self._max_depth = max_depth
        self._bytes: codecs.IncrementalDecoder | None = None
        self._failure: InvalidJSON | None = None
        self._root: object = None
        self.begun = False
        self._stack: list[tuple[Any, Any]] = []  # open containers around the innermost one, and their keys
        self._state = _VALUE
        self._key = ""  # of the value that is being read, in an object
        self._held = ""  # a token that the input cut: a number, a word, an escape
        self._read = 0  # characters of the document before the text at hand
        # The open string, what of it was shown, whether it stands in the value, and whether it is a member's name.
        self._string = JSONString()
        self._text = ""
        self._shown = False
        self._is_key = False
        self._stack.append((None, None))

    @property
    def value(self) -> object:
        """What is known so far: plain dicts, lists and scalars, the same objects as before where they have grown."""
        if (
            self._state == _STRING
            and not self._is_key
            and self._open_strings
            and (self._string.parts or not self._shown)
        ):
            self._show()
        return self._root

    @property
    def complete(self) -> bool:
        """Whether the value has ended; a number at the top level ends with `finish`."""
        return self._state == _DONE

    def feed(self, data: str | bytes | bytearray | memoryview) -> None:
        """Take the next piece of the document.

        Args:
            data: Text, or bytes of UTF-8; any number of them. A document comes as one of the two.

        Raises:
            InvalidJSON: The document is not JSON, nests too deeply, or has a number longer than `MAX_NUMBER`.
        """
        if self._failure is not None:
            raise self._failure
        try:
            text = data if isinstance(data, str) else self._decoded(data, False)
            if text:
                self._take(text)
        except InvalidJSON as failure:
            self._failure = failure
            raise

    def finish(self) -> object:
        """Return the whole value at the document's end.

        Raises:
            InvalidJSON: The document has not ended.
        """
        if self._failure is not None:
            raise self._failure
        if self._bytes is not None:
            rest = self._decoded(b"", True)
            if rest:
                self._take(rest)
        if self._state == _VALUE and len(self._stack) == 1 and _NUMBER.fullmatch(self._held):
            self._take(" ")
        if self._state != _DONE:
            end = self._read + len(self._held)
            wanted = f"the rest of {self._held!r}" if self._held else _EXPECTED[self._state]
            raise InvalidJSON(f"the JSON ends after {end} characters, where {wanted} should follow", end)
        return self._root

    def _decoded(self, data: bytes | bytearray | memoryview, final: bool) -> str:
        if self._bytes is None:
            # Takes one byte order mark away, as a file may have it.
            self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
        try:
            return self._bytes.decode(cast("bytes", data), final)
        except UnicodeDecodeError as error:
            raise InvalidJSON(
                f"the bytes after {self._read} characters are not UTF-8: {error.reason}", self._read
            ) from None

    def _refuse(self, state: int, text: str, at: int) -> InvalidJSON:
        where = self._read + at
        return InvalidJSON(
            f"the JSON has {text[at : at + 20]!r} at character {where}, where {_EXPECTED[state]} belongs", where
        )

    # -- the value that grows --------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Put the open string, as far as it has come, where it belongs."""
        container = self._stack[-1][0]
        shown = self._shown
        # Nothing else may hold the text while it grows: then Python lengthens it in place, and a long string that
        # is looked at after each of many pieces costs no copy of itself each time.
        text, self._text = self._text, ""
        if shown:
            _put(container, self._key, "", True) if container is not None else setattr(self, "_root", "")
        text += "".join(self._string.parts)
        self._string.parts.clear()
        if container is None:
            self._root = text
            self.begun = True
        else:
            _put(container, self._key, text, shown)
        self._text = text
        self._shown = True

    def _end_string(self) -> int:
        """Close the open string and return what may come next."""
        if self._is_key:
            self._key = "".join(self._string.parts)
            self._string.parts.clear()
            return _COLON
        self._show()
        self._text = ""
        self._shown = False
        return _AFTER if self._stack[-1][0] is not None else _DONE

    # -- reading ---------------------------------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        """Read a piece of text, which is not empty."""
        if self._held:
            text, self._held = self._held + text, ""
        state = self._state
        stack = self._stack
        string = self._string
        container: Any = stack[-1][0]
        in_object = isinstance(container, dict)
        depth = len(stack) - 1
        at = 0
        end = len(text)
        blank = _BLANK.match
        try:
            while at < end:
                if state == _STRING:
                    at, ended = string.take(text, at, self._read)
                    if not ended:
                        self._held = string.held
                        return
                    state = self._end_string()
                    continue
                if state in (_NEXT_KEY, _FIRST_KEY):
                    found = _KEY.match(text, at)
                    if found is not None:
                        self._key = found[1]
                        at = found.end()
                        state = _VALUE
                        continue
                at = blank(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
                if at == end:
                    return
                letter = text[at]
                if state == _AFTER:
                    if letter == ",":
                        state = _NEXT_KEY if in_object else _VALUE
                        at += 1
                        continue
                    if letter != ("}" if in_object else "]"):
                        raise self._refuse(state, text, at)
                elif state == _COLON:
                    if letter != ":":
                        raise self._refuse(state, text, at)
                    state = _VALUE
                    at += 1
                    continue
                elif state in (_FIRST_KEY, _NEXT_KEY):
                    if letter == '"':
                        self._is_key = True
                        state = _STRING
                        at += 1
                        continue
                    if letter != "}" or state == _NEXT_KEY:
                        raise self._refuse(state, text, at)
                elif state == _DONE:
                    raise self._refuse(state, text, at)
                elif letter == '"':
                    short = _SHORT.match(text, at)
                    if short is None:
                        self._is_key = False
                        state = _STRING
                        at += 1
                        continue
                    self._add(container, short[1])
                    at = short.end()
                    state = _DONE if container is None else _AFTER
                    continue
                elif letter == "{" or letter == "[":
                    if depth == self._max_depth:
                        raise InvalidJSON(
                            f"the JSON nests deeper than {depth} levels at character {self._read + at}", self._read + at
                        )
                    inner: Any = {} if letter == "{" else []
                    self._add(container, inner)
                    stack.append((inner, self._key))
                    container = inner
                    in_object = letter == "{"
                    depth += 1
                    state = _FIRST_KEY if in_object else _FIRST_ITEM
                    at += 1
                    continue
                elif letter != "]" or state != _FIRST_ITEM:
                    last = at
                    at = self._take_word(text, at, state)
                    if at == last:
                        return
                    state = _DONE if container is None else _AFTER
                    continue
                # A container ends.
                at += 1
                stack.pop()
                container = stack[-1][0]
                in_object = isinstance(container, dict)
                depth -= 1
                state = _DONE if container is None else _AFTER
        finally:
            self._state = state
            self._read += end - len(self._held)

    def _add(self, container: Any, value: object) -> None:
        if type(container) is dict:
            container[self._key] = value
        elif container is None:
            self._root = value
            self.begun = True
        else:
            container.append(value)

    def _take_word(self, text: str, at: int, state: int) -> int:
        """Read a number or a word and return where it ends; where it begins, if that cannot be known yet."""
        letter = text[at]
        if letter == "-" or "0" <= letter <= "9":
            end = _NUMBER_RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            token = text[at:end]
            if end - at > MAX_NUMBER:
                raise InvalidJSON(
                    f"the JSON has a number of more than {MAX_NUMBER} characters at character {self._read + at}",
                    self._read + at,
                )
            if end == len(text):
                if _NUMBER_START.fullmatch(token) is None:
                    raise self._refuse(state, text, at)
                self._held = token
                return at
            found = _NUMBER.fullmatch(token)
            if found is None:
                raise self._refuse(state, text, at)
            whole = found[1] is None and found[2] is None
            self._add(self._stack[-1][0], int(token) if whole else float(token))
            return end
        end = _WORD_RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        token = text[at:end]
        if end == len(text) and token not in _WORDS:
            if not token or not any(word.startswith(token) for word in _WORDS):
                raise self._refuse(state, text, at)
            self._held = token
            return at
        if token not in _WORDS:
            raise self._refuse(state, text, at)
        self._add(self._stack[-1][0], _WORDS[token])
        return end


def _put(container: Any, key: str, value: object, again: bool) -> None:
    """Set the value that is being read: a dict's member, or a list's last item."""
    if type(container) is dict:
        container[key] = value
    elif again:
        container[-1] = value
    else:
        container.append(value)
