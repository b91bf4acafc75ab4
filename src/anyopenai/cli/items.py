"""What `anyopenai embed` reads and writes beside the vectors: one item for each line; no files are opened here."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import msgspec

from .failures import CommandError
from .lines import Lines

__all__ = ("Form", "Item", "ItemReader", "form_of_line", "item_from_line")

Form: TypeAlias = Literal["jsonl", "text"]


class Item(msgspec.Struct, frozen=True):
    """One text to embed, and who it is.

    Attributes:
        id: The caller's name for it; the line's number where the input has none.
        text: What is embedded.
    """

    id: str | int
    text: str


_json = msgspec.json.Decoder()


def form_of_line(line: bytes) -> Form:
    """Guess from the first line that is not blank whether an input is JSONL or plain lines."""
    try:
        row = _json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "text"
    return "jsonl" if isinstance(row, dict) and ("text" in row or "input" in row) else "text"


def item_from_line(line: bytes, number: int, form: Form) -> Item | None:
    """Read one line; None if it is blank.

    Args:
        line: Without its line break.
        number: Its number, counted from 1; the item's id where the line has none.
        form: How lines are written.

    Raises:
        ValueError: The line is not of that form; the message does not name the line.
    """
    if not line.strip():
        return None
    if form == "text":
        try:
            return Item(number, line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    try:
        row = _json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError('a JSON object is needed, such as {"id": "a", "text": "..."}')
    members = cast("dict[str, object]", row)
    name = "text" if "text" in members else "input"
    text = members.get(name)
    if text is None:
        raise ValueError('the object has neither "text" nor "input"')
    if not isinstance(text, str):
        raise ValueError(f'"{name}" must be a string, not {_json_type(text)}')
    if not text:
        raise ValueError(f'"{name}" is empty, which the API refuses')
    given = members.get("id")
    if given is not None and (isinstance(given, bool) or not isinstance(given, str | int)):
        raise ValueError(f'"id" must be a string or a whole number, not {_json_type(given)}')
    return Item(number if given is None else given, text)


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return "a string"
    return "null" if value is None else "an object"


class ItemReader:
    """Batches of items from lines.

    Args:
        lines: Where they come from.
        batch_size: Most items in one batch.
        form: How lines are written; None finds out from the first that is not blank.
    """

    # The API takes 300,000 tokens in one request. A token is hardly ever less than one character of ASCII, and no
    # text has more tokens than bytes of UTF-8; about four characters a token is usual, so this is reached by long
    # texts only. https://platform.openai.com/docs/api-reference/embeddings/create
    MAX_CHARACTERS = 600_000

    def __init__(self, lines: Lines, batch_size: int, form: Form | None = None) -> None:
        self._lines = lines
        self._batch_size = batch_size
        self._form: Form | None = form
        self._ready: list[Item] = []
        self._ended = False

    async def next_batch(self) -> list[Item]:
        """Return the next items, at most a batch; an empty list at the end.

        Raises:
            CommandError: A line is not an item; the message names file and line.
        """
        while not self._ended and len(self._ready) < self._batch_size:
            lines = await self._lines.read()
            self._ended = not lines
            for number, line in lines:
                self._add(number, line)
        size = self._fitting()
        batch = self._ready[:size]
        del self._ready[:size]
        return batch

    def _add(self, number: int, line: bytes) -> None:
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # a byte order mark, as Windows' editors write it
        if self._form is None and line.strip():
            self._form = form_of_line(line)
        try:
            item = item_from_line(line, number, self._form or "text")
        except ValueError as error:
            raise CommandError(f"{self._lines.name}, line {number}: {error}") from error
        if item is not None:
            self._ready.append(item)

    def _fitting(self) -> int:
        characters = 0
        for count, item in enumerate(self._ready[: self._batch_size]):
            characters += len(item.text)
            if characters > self.MAX_CHARACTERS and count:
                return count
        return min(len(self._ready), self._batch_size)
