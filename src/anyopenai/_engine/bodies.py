"""Request bodies as byte sources that can be sent again: files, paths, iterables; forms are put together in `form`.

This module owns the files that callers upload: their errors (a missing file, one without permission) reach the caller
as Python raises them, before anything is sent. Files are read in worker threads while they are sent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOBase
from stat import S_ISREG
from typing import IO, Any, Final, TypeAlias, cast

from anyio import to_thread

from ..errors import OpenAIError

__all__ = (
    "FilePart",
    "IterableSource",
    "Segment",
    "SegmentSource",
    "content_body",
    "is_replayable",
    "measure",
    "segment_from",
)

PIECE: Final = 2**20
"""Bytes per read of a file: of 512 MiB, worker-thread reads of 1 MiB cost 0.09 CPU s, reads of 64 KiB 0.88."""

_JOIN_BELOW: Final = PIECE // 4
"""Short segments are gathered up to here, so that a part's head is no write of its own."""


class _PathFile:
    """A file given by its path; opened when it is sent, each time anew."""

    __slots__ = ("_closed", "_file", "_left", "_reading", "_state", "path", "replayable", "size")

    def __init__(self, path: str, size: int | None = None) -> None:
        self.path = path
        self.size = size
        self.replayable = True
        self._file: IO[bytes] | None = None
        self._left = 0
        # A cancelled read may go on in its thread, and that thread must close what it opens, and nobody else meanwhile.
        self._state = threading.Lock()
        self._reading = False
        self._closed = False

    def measure(self) -> None:
        """Find the length; a pipe or device has none."""
        found = os.stat(self.path)
        if not S_ISREG(found.st_mode):
            return
        self.size = found.st_size
        # A file that cannot be read must not be noticed half-way through the request.
        open(self.path, "rb", buffering=0).close()

    def another(self) -> _PathFile:
        """Return the same file for another reading."""
        return _PathFile(self.path, self.size)

    async def read(self) -> bytes:
        """Return the next piece, or b"" at the end."""
        # Reading from a pipe may never return, so there cancelling leaves the thread behind.
        return await to_thread.run_sync(self._read, abandon_on_cancel=self.size is None)

    def _read(self) -> bytes:
        with self._state:
            self._reading = not self._closed
        if not self._reading:
            return b""
        try:
            return self._read_piece()
        finally:
            with self._state:
                self._reading = False
                if self._closed and self._file is not None:
                    self._file.close()

    def _read_piece(self) -> bytes:
        if self._file is None:
            self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by aclose()
            self._left = self.size or 0
        if self.size is None:
            return self._file.read(PIECE)
        piece = self._file.read(min(PIECE, self._left)) if self._left else b""
        if self._left and not piece:
            raise OpenAIError(
                f"the file {self.path!r} became shorter while it was sent: {self._left} bytes are missing"
            )
        self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        """Close the file; at once, as nothing was written to it."""
        with self._state:
            self._closed = True
            if self._file is not None and not self._reading:
                self._file.close()


class _OpenFile:
    """A file the caller opened: sent from its first byte, as openai-python does; the caller closes it."""

    __slots__ = ("_begun", "_left", "file", "replayable", "size")

    def __init__(self, file: IO[bytes], size: int | None = None, *, replayable: bool = False) -> None:
        self.file = file
        self.size = size
        self.replayable = replayable
        self._begun = False
        self._left = 0

    def measure(self) -> None:
        """Find the length and whether the file can be read again."""
        seekable = getattr(self.file, "seekable", None)
        try:
            self.replayable = bool(seekable()) if callable(seekable) else hasattr(self.file, "seek")
            if self.replayable:
                # Some file objects give nothing back from seek(), so the place is asked for.
                self.file.seek(0, os.SEEK_END)
                self.size = self.file.tell()
                self.file.seek(0)
        except (OSError, AttributeError):
            self.replayable = False
            self.size = None

    def another(self) -> _OpenFile:
        """Return the same file for another reading."""
        return _OpenFile(self.file, self.size, replayable=self.replayable)

    async def read(self) -> bytes:
        """Return the next piece, or b"" at the end."""
        if isinstance(self.file, BytesIO):
            return self._read()
        return await to_thread.run_sync(self._read, abandon_on_cancel=not self.replayable)

    def _read(self) -> bytes:
        if not self._begun:
            self._begun = True
            self._left = self.size or 0
            if self.replayable:
                self.file.seek(0)
        known = self.size is not None
        piece: object = self.file.read(min(PIECE, self._left) if known else PIECE) if self._left or not known else b""
        if not isinstance(piece, bytes):
            raise TypeError(
                f"the file gave {type(piece).__name__} where bytes are needed; open it in binary mode ('rb')"
            )
        if self._left and not piece:
            raise OpenAIError(f"the open file became shorter while it was sent: {self._left} bytes are missing")
        self._left -= len(piece) if known else 0
        return piece

    async def aclose(self) -> None:
        """Leave the file to the caller."""


FilePart: TypeAlias = _PathFile | _OpenFile
"""A file that is read while it is sent."""

Segment: TypeAlias = bytes | FilePart
"""A part of a body: bytes in memory, or a file."""


def measure(files: Iterable[FilePart]) -> None:
    """Find the lengths of files; it blocks, so it belongs into a worker thread.

    Raises:
        OSError: A path cannot be read.
    """
    for file in files:
        file.measure()


class SegmentSource:
    """A body of several segments, one after another.

    Attributes:
        length: Exact length in bytes; None when a file's is not known.
        replayable: Whether it can be sent again: false with a file that cannot be rewound.
        begun: Whether somebody has started to read it.
    """

    __slots__ = ("_segments", "begun", "length", "replayable")

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = tuple(segments)
        self.length: int | None = 0
        for part in self._segments:
            size = len(part) if isinstance(part, bytes) else part.size
            self.length = None if size is None or self.length is None else self.length + size
        self.replayable: bool = all(isinstance(part, bytes) or part.replayable for part in self._segments)
        self.begun = False

    def open(self) -> _SegmentReader:
        """Start one reading from the first byte."""
        self.begun = True
        return _SegmentReader([part if isinstance(part, bytes) else part.another() for part in self._segments])


class _SegmentReader:
    """One reading of a `SegmentSource`."""

    __slots__ = ("_index", "_offset", "_segments")

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._index = 0
        self._offset = 0

    async def read(self) -> bytes:
        """Return the next piece, or b"" at the end."""
        pieces: list[bytes] = []
        size = 0
        while self._index < len(self._segments) and size < _JOIN_BELOW:
            segment = self._segments[self._index]
            if isinstance(segment, bytes):
                piece = segment[self._offset : self._offset + PIECE] if len(segment) > PIECE else segment
                self._offset += len(piece)
                if self._offset >= len(segment):
                    self._next()
            else:
                piece = await segment.read()
                if not piece:
                    await segment.aclose()
                    self._next()
            if piece:
                pieces.append(piece)
                size += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next(self) -> None:
        self._index += 1
        self._offset = 0

    async def aclose(self) -> None:
        """Close the file that was being read, if one was."""
        for segment in self._segments[self._index : self._index + 1]:
            if not isinstance(segment, bytes):
                await segment.aclose()


class IterableSource:
    """A body that an iterable gives piece by piece, its length unknown.

    Attributes:
        length: None: it is sent chunked.
        replayable: True only for lists and tuples; anything else may be used up by one reading.
        begun: Whether somebody has started to read it.
    """

    __slots__ = ("_pieces", "begun", "length", "replayable")

    def __init__(self, pieces: Iterable[object] | AsyncIterable[object]) -> None:
        self._pieces = pieces
        self.length: int | None = None
        self.replayable: bool = isinstance(pieces, list | tuple)
        self.begun = False

    def open(self) -> _IterableReader:
        """Start the reading."""
        self.begun = True
        pieces = self._pieces
        return _IterableReader(aiter(pieces) if isinstance(pieces, AsyncIterable) else iter(pieces))


class _IterableReader:
    """One reading of an `IterableSource`."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Iterator[object] | AsyncIterator[object]) -> None:
        self._pieces = pieces

    async def read(self) -> bytes:
        """Return the next piece that is not empty, or b"" at the end."""
        while True:
            pieces = self._pieces
            piece = await anext(pieces, None) if isinstance(pieces, AsyncIterator) else next(pieces, None)
            if piece is None:
                return b""
            if not isinstance(piece, bytes | bytearray | memoryview):
                raise TypeError(f"content= must give pieces of bytes, not {type(piece).__name__}")
            if given := bytes(cast("bytes", piece)):
                return given

    async def aclose(self) -> None:
        """Close an asynchronous generator, so that its own clean-up runs now."""
        close: Any = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


def is_replayable(body: object) -> bool:
    """Tell whether a body can be sent, maybe once more, from its first byte."""
    return isinstance(body, bytes) or bool(getattr(body, "replayable", False)) or not getattr(body, "begun", False)


def segment_from(content: object, where: str) -> Segment:
    """Read one content of a file in any of its forms.

    Args:
        content: Bytes, an open binary file, or a path.
        where: Says in error messages what it is.

    Raises:
        TypeError: It is text, a text file, or nothing that can be sent.
    """
    if isinstance(content, bytes):
        return content
    if isinstance(content, bytearray | memoryview):
        return bytes(cast("bytes", content))
    if isinstance(content, str):
        raise TypeError(
            f"{where} is text, which may be a path or the content; pass bytes, an open binary file, "
            "pathlib.Path(...) or a tuple (file name, content)"
        )
    if isinstance(content, os.PathLike):
        return _PathFile(os.fspath(cast("os.PathLike[str]", content)))
    # anyio's and trio's files hold the real one; reading it in our own thread calls is the same.
    file: object = getattr(content, "wrapped", content)
    if isinstance(file, TextIOBase):
        raise TypeError(f"{where} is a file opened as text; open it in binary mode ('rb')")
    if callable(getattr(file, "read", None)):
        return _OpenFile(cast("IO[bytes]", file))
    raise TypeError(
        f"{where} is {type(content).__name__}; pass bytes, an open binary file, pathlib.Path(...) or a tuple (file name, "
        "content[, content type[, headers]])"
    )


async def content_body(content: object, where: str) -> bytes | SegmentSource | IterableSource:
    """Build the body for `content=`: bytes, text, a path, an open file, or an iterable of bytes.

    Args:
        content: Any of these.
        where: Names the method in error messages.

    Raises:
        TypeError: It is none of these.
        OSError: A path cannot be read.
    """
    kind = type(content).__name__
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(cast("bytes", content))
    if not isinstance(content, os.PathLike) and not hasattr(content, "read"):
        if isinstance(content, AsyncIterable | Iterable) and not isinstance(content, Mapping):
            return IterableSource(cast("Iterable[object] | AsyncIterable[object]", content))
        raise TypeError(
            f"content= of {where}() must be bytes, text, a path, an open binary file or an iterable of bytes, "
            f"not {kind}"
        )
    segment = segment_from(cast("bytes", content), f"content= of {where}()")
    if not isinstance(segment, bytes):
        await to_thread.run_sync(measure, (segment,))
    return SegmentSource((segment,))
