"""Bodies read step by step: pieces of bytes, of text, lines, and files that are complete or absent; no requests here."""

from __future__ import annotations

import codecs
import os
import re
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from io import FileIO
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from anyio import to_thread

from .._tasks import grace

if TYPE_CHECKING:
    from .._headers import Headers

__all__ = ("ByteIterator", "Chunks", "LineIterator", "TextIterator", "pieces_of", "save", "save_now")

T = TypeVar("T")

WRITE_BYTES: Final = 2**20
"""Bytes gathered for one write to a file: a worker thread's turn costs about 50 microseconds, however little it writes."""

_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]+)""", re.IGNORECASE)


class Chunks(Generic[T]):
    """Pieces that are there already, for `for` and for `async for`."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterable[T]) -> None:
        self._pieces = iter(pieces)

    def __iter__(self) -> Iterator[T]:
        return self._pieces

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


def pieces_of(content: bytes, size: int | None) -> Iterator[bytes]:
    """Cut bytes that are there already.

    Raises:
        ValueError: `size` is below 1.
    """
    check_size(size)
    step = size or WRITE_BYTES
    return (content[start : start + step] for start in range(0, len(content), step))


def check_size(size: int | None) -> None:
    """Refuse a size of pieces below 1."""
    if size is not None and size < 1:
        raise ValueError(f"chunk_size must be at least 1 byte, not {size}")


class ByteIterator:
    """A body's bytes as they arrive, or in pieces of one size.

    Cancelling a step loses the rest of the body.

    Args:
        receive: Gives the next piece, b"" at the end.
        size: Bytes in every piece but the last; None gives pieces as they come.
    """

    __slots__ = ("_buffer", "_ended", "_receive", "_size")

    def __init__(self, receive: Callable[[], Awaitable[bytes]], size: int | None = None) -> None:
        check_size(size)
        self._receive = receive
        self._size = size
        self._buffer = bytearray()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        size = self._size
        if size is None:
            if not self._ended and (piece := await self._receive()):
                return piece
            self._ended = True
            raise StopAsyncIteration
        buffer = self._buffer
        while len(buffer) < size and not self._ended:
            piece = await self._receive()
            buffer += piece
            self._ended = not piece
        if not buffer:
            raise StopAsyncIteration
        piece = bytes(buffer[:size])
        del buffer[:size]
        return piece


class TextIterator:
    """A body's text as it arrives; a character whose bytes come in two pieces is kept together."""

    __slots__ = ("_decoder", "_pieces")

    def __init__(self, pieces: ByteIterator, headers: Headers) -> None:
        self._pieces: AsyncIterator[bytes] | None = aiter(pieces)
        match = _CHARSET.search(headers.get("content-type", ""))
        try:
            found = codecs.lookup(match[1] if match is not None else "utf-8")
        except LookupError:
            found = codecs.lookup("utf-8")
        self._decoder = found.incrementaldecoder("replace")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while self._pieces is not None:
            piece = await anext(self._pieces, None)
            if piece is None:
                self._pieces = None
                text = self._decoder.decode(b"", final=True)
            else:
                text = self._decoder.decode(piece)
            if text:
                return text
        raise StopAsyncIteration


_LINE_END: Final = re.compile(r"\r\n|\n|\r(?!\Z)")


class LineIterator:
    """A body's lines as they arrive, ended by LF, CR or both."""

    __slots__ = ("_lines", "_tail", "_text")

    def __init__(self, text: TextIterator) -> None:
        self._text: AsyncIterator[str] | None = aiter(text)
        self._lines: Iterator[str] = iter(())
        self._tail: list[str] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            for line in self._lines:
                return line
            if self._text is None:
                raise StopAsyncIteration
            piece = await anext(self._text, None)
            if piece is None:
                self._text = None
                rest = "".join(self._tail)
                self._lines = iter(rest.splitlines() if rest.endswith("\r") else [rest] if rest else [])
                continue
            self._tail.append(piece)
            # A CR at the very end may be half of a CRLF, so it waits for what follows.
            if "\n" in piece or "\r" in piece or (self._tail[-2:-1] and self._tail[-2].endswith("\r")):
                *lines, rest = _LINE_END.split("".join(self._tail))
                self._tail = [rest] if rest else []
                self._lines = iter(lines)


async def save(file: str | os.PathLike[str], pieces: AsyncIterable[bytes]) -> None:
    """Write pieces to a file that is complete in the end, or as it was before.

    They go to a file beside it, which takes its place at the end and is removed when anything fails, cancellation
    included. Every access to the file system happens in a worker thread.

    Raises:
        OSError: The file cannot be written.
    """
    part = _Part(os.fspath(file))
    try:
        await to_thread.run_sync(part.open)
        buffer: list[bytes] = []
        size = 0
        async for piece in pieces:
            buffer.append(piece)
            size += len(piece)
            if size >= WRITE_BYTES:
                await to_thread.run_sync(part.write, buffer)
                buffer, size = [], 0
        await to_thread.run_sync(part.finish, buffer)
    finally:
        if not part.over:
            with grace():
                await to_thread.run_sync(part.discard)


def save_now(file: str | os.PathLike[str], content: bytes) -> None:
    """Do the same with bytes that are there already, without awaiting; blocks for as long as the disk takes.

    Raises:
        OSError: The file cannot be written.
    """
    part = _Part(os.fspath(file))
    try:
        part.open()
        part.finish([content] if content else [])
    finally:
        part.discard()


class _Part:
    """A file being written beside the one it will become; its methods block.

    It is there before the file is, and one method waits for the other: `asyncio.Task.cancel` takes effect while a
    worker thread is still at work, and whatever that thread opens must be found. Guarded by the sweep over
    a_download_to_a_file.

    Attributes:
        over: Nothing is left to do: it has taken its place, or is gone.
    """

    def __init__(self, target: str) -> None:
        self.over = False
        self._target = target
        self._path = target
        self._file: FileIO | None = None
        self._working = threading.Lock()

    def open(self) -> None:
        with self._working:
            if self.over:
                return
            # A link stays a link: what it points to is replaced.
            self._target = os.path.realpath(self._target)
            # A device or a pipe is written to, not replaced.
            self._path = self._target
            if not os.path.exists(self._target) or os.path.isfile(self._target):
                folder, name = os.path.split(self._target)
                self._path = os.path.join(folder, f".{name[:64]}.{os.urandom(8).hex()}.part")
            self._file = FileIO(self._path, "wb" if self._path == self._target else "xb")

    def write(self, pieces: list[bytes]) -> None:
        with self._working:
            self._write(pieces)

    def _write(self, pieces: list[bytes]) -> None:
        data = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        while data and self._file is not None:
            data = data[self._file.write(data) :]

    def finish(self, pieces: list[bytes]) -> None:
        with self._working:
            file = self._file
            if self.over or file is None:
                return
            if pieces:
                self._write(pieces)
            file.close()
            if self._path != self._target:
                os.replace(self._path, self._target)
            self.over = True

    def discard(self) -> None:
        with self._working:
            file, self._file = self._file, None
            if self.over:
                return
            self.over = True
            if file is not None:
                file.close()
                if self._path != self._target and os.path.exists(self._path):
                    os.unlink(self._path)
