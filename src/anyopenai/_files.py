"""What callers may pass as a file, as type aliases, and `file_from_path`; nothing is opened or read here."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import IO, TypeAlias

__all__ = ("BinaryContent", "FileContent", "FileTypes", "RequestFiles", "file_from_path")

FileContent: TypeAlias = IO[bytes] | bytes | bytearray | memoryview | PathLike[str]
"""The content of a file: bytes, an open binary file, or a path that is read while it is sent."""

FileTypes: TypeAlias = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""A file to upload: its content, or a tuple of file name, content, content type and extra headers of its part."""

RequestFiles: TypeAlias = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]
"""The files of a form: by field name, or as pairs where a name repeats."""

BinaryContent: TypeAlias = bytes | bytearray | memoryview | IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]
"""A body that is sent as it is."""


def file_from_path(path: str | PathLike[str]) -> FileTypes:
    """Return a file to upload from a path given as text; its last part becomes the file name.

    Nothing is read yet: the file is read piece by piece while it is sent, in a worker thread.

    Args:
        path: Where the file is.
    """
    found = Path(path)
    return (found.name, found)
