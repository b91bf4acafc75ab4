"""Request bodies as byte sources that can be sent again: files, paths, forms, iterables; JSON text is made in `prepare`.

This module owns the files that callers upload: their errors (a missing file, one without permission) reach the caller
as Python raises them, before anything is sent. Files are read in worker threads while they are sent.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOBase
from pathlib import PurePath
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

from anyio import to_thread

from .._sansio.multipart import (
    PART_END,
    MultipartPart,
    boundary_from,
    encode_multipart,
    field_part,
    multipart_content_type,
    multipart_end,
    multipart_head,
)
from ..errors import OpenAIError

if TYPE_CHECKING:
    from .._files import FileTypes

__all__ = ("FileForm", "IterableSource", "SegmentSource", "content_body", "is_replayable", "multipart_body")

PIECE: Final = 2**20
"""Bytes per read of a file: worker-thread reads of 1 MiB cost a ninth of reads of 64 KiB (PERFORMANCE: 0.09 against 0.88 s)."""

IN_MEMORY: Final = 2**20
"""Forms up to this size are joined and sent in one write; larger ones are sent piece by piece without a copy."""

Reader: TypeAlias = Callable[[], "bytes"]


class _PathFile:
    """A file given by its path; opened when it is sent, each time anew."""

    __slots__ = ("_file", "_left", "path", "size")

    def __init__(self, path: os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.size: int | None = None
        self._file: IO[bytes] | None = None
        self._left = 0

    def measure(self) -> None:
        """Find the length (in a worker thread); a pipe or device has none."""
        found = os.stat(self.path)
        self.size = found.st_size if S_ISREG(found.st_mode) else None
        if self.size is None:
            return
        # A file that cannot be read must not be noticed half-way through the request.
        if not os.access(self.path, os.R_OK):
            raise PermissionError(13, "Permission denied", self.path)

    def another(self) -> _PathFile:
        copy = _PathFile.__new__(_PathFile)
        copy.path = self.path
        copy.size = self.size
        copy._file = None
        copy._left = 0
        return copy

    async def read(self) -> bytes:
        return await to_thread.run_sync(self._read)

    def _read(self) -> bytes:
        if self._file is None:
            self._file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - closed by close(), in another thread call
            self._left = -1 if self.size is None else self.size
        wanted = PIECE if self._left < 0 else min(PIECE, self._left)
        piece = self._file.read(wanted) if wanted else b""
        if self._left > 0:
            if not piece:
                raise OpenAIError(
                    f"the file {self.path!r} became shorter while it was sent; {self._left} bytes are gone"
                )
            self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        if self._file is not None:
            await to_thread.run_sync(self._file.close)


class _OpenFile:
    """A file the caller opened: sent from its first byte, like in openai-python; the caller closes it."""

    __slots__ = ("_begun", "_left", "file", "seekable", "size")

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.size: int | None = None
        self.seekable = False
        self._begun = False
        self._left = 0

    def measure(self) -> None:
        """Find the length and whether the file can be read again (in a worker thread)."""
        seekable = getattr(self.file, "seekable", None)
        try:
            self.seekable = bool(seekable()) if callable(seekable) else hasattr(self.file, "seek")
            if self.seekable:
                self.size = self.file.seek(0, os.SEEK_END)
                self.file.seek(0)
        except (OSError, AttributeError):
            self.seekable = False
            self.size = None

    def another(self) -> _OpenFile:
        copy = _OpenFile.__new__(_OpenFile)
        copy.file = self.file
        copy.size = self.size
        copy.seekable = self.seekable
        copy._begun = False
        copy._left = 0
        return copy

    async def read(self) -> bytes:
        # Memory needs no thread.
        return self._read() if isinstance(self.file, BytesIO) else await to_thread.run_sync(self._read)

    def _read(self) -> bytes:
        if not self._begun:
            self._begun = True
            self._left = -1 if self.size is None else self.size
            if self.seekable:
                self.file.seek(0)
        wanted = PIECE if self._left < 0 else min(PIECE, self._left)
        piece: object = self.file.read(wanted) if wanted else b""
        if not isinstance(piece, bytes):
            raise TypeError(
                f"the file gave {type(piece).__name__} where bytes are needed; open it in binary mode ('rb')"
            )
        if self._left > 0:
            if not piece:
                raise OpenAIError(f"the open file became shorter while it was sent; {self._left} bytes are gone")
            self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        return None


_File: TypeAlias = _PathFile | _OpenFile
_Segment: TypeAlias = bytes | _File


class SegmentSource:
    """A body of several segments: bytes in memory, and files between them.

    Attributes:
        length: Exact length in bytes; None when a file's is not known.
        replayable: Whether it can be sent again: false with a file that cannot be rewound.
        begun: Whether somebody has started to read it.
    """

    __slots__ = ("_segments", "begun", "length", "replayable")

    def __init__(self, segments: Sequence[_Segment]) -> None:
        self._segments = tuple(segments)
        sizes = [len(part) if isinstance(part, bytes) else part.size for part in self._segments]
        self.length: int | None = None if None in sizes else sum(size or 0 for size in sizes)
        self.replayable: bool = all(not isinstance(part, _OpenFile) or part.seekable for part in self._segments)
        self.begun = False

    def open(self) -> _SegmentReader:
        """Start one reading from the first byte."""
        self.begun = True
        return _SegmentReader([part if isinstance(part, bytes) else part.another() for part in self._segments])


class _SegmentReader:
    """One reading of a `SegmentSource`; short segments come joined, so that a small form is one write."""

    __slots__ = ("_index", "_offset", "_segments")

    def __init__(self, segments: Sequence[_Segment]) -> None:
        self._segments = segments
        self._index = 0
        self._offset = 0

    async def read(self) -> bytes:
        """Return the next piece, or b"" at the end."""
        pieces: list[bytes] = []
        size = 0
        while self._index < len(self._segments) and size < PIECE // 4:
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

    def __init__(self, pieces: Iterable[bytes] | AsyncIterable[bytes]) -> None:
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

    def __init__(self, pieces: Iterator[bytes] | AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def read(self) -> bytes:
        """Return the next piece that is not empty, or b"" at the end."""
        while True:
            piece: object
            if isinstance(self._pieces, AsyncIterator):
                piece = await anext(self._pieces, None)
            else:
                piece = next(self._pieces, None)
            if piece is None:
                return b""
            if isinstance(piece, bytearray | memoryview):
                piece = bytes(piece)
            if not isinstance(piece, bytes):
                raise TypeError(f"content= must give pieces of bytes, not {type(piece).__name__}")
            if piece:
                return piece

    async def aclose(self) -> None:
        """Close an asynchronous generator, so that its own clean-up runs now."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


def is_replayable(body: object) -> bool:
    """Tell whether a body can be sent (again) from its first byte."""
    return isinstance(body, bytes) or bool(getattr(body, "replayable", False)) or not getattr(body, "begun", False)


def _file_from(content: object, where: str) -> _Segment:
    """Read one content of a file in any of its forms.

    Raises:
        TypeError: It is text, a text file, or nothing that can be sent.
    """
    if isinstance(content, bytes):
        return content
    if isinstance(content, bytearray | memoryview):
        return bytes(content)
    if isinstance(content, str):
        raise TypeError(
            f"{where} is text, which may be a path or the content; pass bytes, an open binary file, "
            "pathlib.Path(...) or a tuple (file name, content)"
        )
    if isinstance(content, os.PathLike):
        return _PathFile(cast("os.PathLike[str]", content))
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


def _name_of(content: object) -> str:
    """Find a file name: of a path or an open file its own, else one that says nothing."""
    if isinstance(content, os.PathLike):
        return PurePath(os.fspath(cast("os.PathLike[str]", content))).name or "upload"
    name: object = getattr(content, "name", None)
    # A file opened from a descriptor has a number as its name.
    return PurePath(name).name or "upload" if isinstance(name, str) else "upload"


class FileForm:
    """A form with files: text fields, and files in the forms that callers give them.

    Args:
        fields: Text fields, already flattened.
        files: Field names and files.
        where: Names the method in error messages.
    """

    __slots__ = ("fields", "parts")

    def __init__(self, fields: Sequence[tuple[str, str]], files: Iterable[tuple[str, FileTypes]], where: str) -> None:
        self.fields = fields
        self.parts: list[tuple[MultipartPart, _Segment]] = [_part(name, file, where) for name, file in files]


def _part(name: str, file: object, where: str) -> tuple[MultipartPart, _Segment]:
    """Read one file as callers give it: a content, or a tuple around one."""
    where = f"the file {name!r} given to {where}()"
    filename: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = {}
    content: object = file
    if isinstance(file, tuple):
        items = cast("tuple[Any, ...]", file)
        if not 2 <= len(items) <= 4:
            raise TypeError(
                f"{where} is a tuple of {len(items)}; write (file name, content), (file name, content, content type) or "
                "(file name, content, content type, headers)"
            )
        filename, content = items[0], items[1]
        content_type = items[2] if len(items) > 2 else None
        headers = items[3] if len(items) > 3 and items[3] is not None else {}
    segment = _file_from(content, where)
    if filename is None:
        filename = _name_of(content)
    elif not isinstance(filename, str):
        raise TypeError(f"{where} has {type(filename).__name__} as its file name; write text or None")
    own = {key.lower() for key in headers}
    if content_type is None and "content-type" not in own:
        from mimetypes import guess_type  # reads the system's tables on first use

        content_type = guess_type(filename)[0] or "application/octet-stream"
    part = MultipartPart(
        name=name, filename=filename, content_type=content_type, headers=tuple(headers.items()), content=None
    )
    return part, segment


async def multipart_body(form: FileForm) -> tuple[bytes | SegmentSource, str]:
    """Build the body of a form and the value of its content type; files are measured, not read.

    Cancelling is safe at any time: nothing is open yet.

    Raises:
        OSError: A path cannot be read.
        ValueError: A field or a part's header has characters that it cannot carry.
    """
    boundary = boundary_from(os.urandom(16))
    files = [segment for _, segment in form.parts if not isinstance(segment, bytes)]
    if files:
        await to_thread.run_sync(_measure, files)
    fields = [field_part(name, value) for name, value in form.fields]
    content_type = multipart_content_type(boundary)
    if not files and sum(len(segment) for _, segment in form.parts if isinstance(segment, bytes)) <= IN_MEMORY:
        for part, segment in form.parts:
            part.content = segment if isinstance(segment, bytes) else None
        return encode_multipart([*fields, *(part for part, _ in form.parts)], boundary), content_type
    segments: list[_Segment] = []
    for field in fields:
        segments += (multipart_head(field, boundary), field.content or b"", PART_END)
    for part, segment in form.parts:
        segments += (multipart_head(part, boundary), segment, PART_END)
    segments.append(multipart_end(boundary))
    return SegmentSource(segments), content_type


def _measure(files: Iterable[_File]) -> None:
    for file in files:
        file.measure()


async def content_body(content: object, where: str) -> bytes | SegmentSource | IterableSource:
    """Build the body for `content=`: bytes, text, a path, an open file, or an iterable of bytes.

    Raises:
        TypeError: It is none of these.
        OSError: A path cannot be read.
    """
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if not isinstance(content, os.PathLike) and not hasattr(content, "read"):
        if isinstance(content, AsyncIterable | Iterable) and not isinstance(content, Mapping):
            return IterableSource(cast("Iterable[bytes] | AsyncIterable[bytes]", content))
        raise TypeError(
            f"content= of {where}() must be bytes, text, a path, an open binary file or an iterable of bytes, "
            f"not {type(content).__name__}"
        )
    segment = _file_from(content, f"content= of {where}()")
    if not isinstance(segment, bytes):
        await to_thread.run_sync(_measure, [segment])
    return SegmentSource([segment])
