"""Lines from a file or from standard input, in bounded memory and cancellable; what a line means is not known here."""

from __future__ import annotations

import os
import stat
import sys
from types import TracebackType
from typing import Final

from anyio import to_thread, wait_readable

from .failures import CommandError

__all__ = ("LineSplitter", "Lines")

# One hop to a worker thread per piece: at 256 KiB the hop (about 0.1 ms) disappears beside parsing the lines.
PIECE: Final = 256 * 1024

# No model takes a text of this size; a file without line breaks is refused instead of being read into memory.
MAX_LINE: Final = 8 * 1024 * 1024


class LineSplitter:
    r"""Bytes in, complete lines out, without their breaks (`\n` or `\r\n`).

    Args:
        max_line: Longest line, in bytes.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._rest = bytearray()
        self.lines: int = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the lines that this piece completes.

        Raises:
            ValueError: A line is longer than `max_line`; `lines` says how many came before it.
        """
        head, found, tail = piece.rpartition(b"\n")
        if not found:
            self._rest += piece
            self._check(self._rest)
            return []
        lines = bytes(self._rest + head).split(b"\n")
        self._rest = bytearray(tail)
        for line in lines:
            self._check(line)
            self.lines += 1
        self._check(self._rest)
        return [line.removesuffix(b"\r") for line in lines]

    def finish(self) -> list[bytes]:
        """Return the last line if the input did not end with a break."""
        if not self._rest:
            return []
        line = bytes(self._rest)
        self._rest.clear()
        self.lines += 1
        return [line.removesuffix(b"\r")]

    def _check(self, line: bytes | bytearray) -> None:
        if len(line) > self._max_line:
            raise ValueError(f"longer than {self._max_line:,} bytes")


class Lines:
    """The lines of a file or of standard input; use it with `async with`.

    Cancelling a read is safe and ends the reading. Waiting for a pipe or a terminal occupies no thread, so that an
    interrupted command ends at once.

    Args:
        source: Path of a file, or `"-"` for standard input.
    """

    def __init__(self, source: str) -> None:
        self.name: str = "standard input" if source == "-" else source
        self.size: int | None = None
        self._source = source
        self._fd = -1
        self._pollable = False
        self._splitter = LineSplitter()
        self._ended = False

    async def __aenter__(self) -> Lines:
        if self._source == "-":
            self._fd = sys.stdin.fileno()
        else:
            self._fd = await to_thread.run_sync(os.open, self._source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        facts = os.fstat(self._fd)
        regular = stat.S_ISREG(facts.st_mode)
        self.size = facts.st_size if regular else None
        # A regular file cannot be waited for, and never makes anyone wait.
        self._pollable = not regular and sys.platform != "win32"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._source != "-":
            os.close(self._fd)

    async def read(self) -> list[tuple[int, bytes]]:
        """Return the next lines with their numbers, counted from 1; an empty list at the end.

        They are those that have arrived: a line typed on a terminal is returned at once.

        Raises:
            OSError: Reading fails.
            CommandError: A line is too long.
        """
        while not self._ended:
            piece = await self._receive()
            before = self._splitter.lines
            try:
                lines = self._splitter.feed(piece) if piece else self._splitter.finish()
            except ValueError as error:
                raise CommandError(
                    f"{self.name}, line {self._splitter.lines + 1}: {error}; put one text on each line"
                ) from error
            self._ended = not piece
            if lines:
                return list(enumerate(lines, before + 1))
        return []

    async def _receive(self) -> bytes:
        if self._pollable:
            try:
                await wait_readable(self._fd)
            except PermissionError:
                # Devices such as /dev/null are always ready, and epoll refuses to watch them.
                self._pollable = False
            else:
                return os.read(self._fd, PIECE)
        return await to_thread.run_sync(os.read, self._fd, PIECE)
