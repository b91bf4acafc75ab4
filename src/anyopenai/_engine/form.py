"""Forms with files: what callers may pass as a file becomes parts, and the parts a body; reading files is in `bodies`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, cast

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
from .bodies import Segment, SegmentSource, measure, segment_from

if TYPE_CHECKING:
    from .._files import FileTypes

__all__ = ("FileForm", "form_body")

IN_MEMORY: Final = 2**20
"""Forms up to this size are joined and sent in one write; larger ones are sent piece by piece without a copy."""


class FileForm:
    """A form: text fields, parts that have a media type, and files in the forms that callers give them.

    Args:
        fields: Text fields, already flattened.
        files: Field names and files.
        where: Names the method in error messages.
        typed: Parts whose content is in memory, such as a member that is JSON.

    Raises:
        TypeError: A file is none.
        ValueError: A field's text is not valid Unicode.
    """

    __slots__ = ("fields", "parts")

    def __init__(
        self,
        fields: Iterable[tuple[str, str]],
        files: Iterable[tuple[str, FileTypes]],
        where: str,
        typed: Iterable[MultipartPart] = (),
    ) -> None:
        self.fields: list[MultipartPart] = [*(field_part(name, value) for name, value in fields), *typed]
        self.parts: list[tuple[MultipartPart, Segment]] = [_part(name, file, where) for name, file in files]


def _part(name: str, file: object, where: str) -> tuple[MultipartPart, Segment]:
    """Read one file as callers give it: a content, or a tuple around one."""
    where = f"the file {name!r} given to {where}()"
    filename: object = None
    content_type: str | None = None
    headers: Mapping[str, str] = {}
    content = file
    if isinstance(file, tuple):
        items = cast("Sequence[Any]", file)
        if not 2 <= len(items) <= 4:
            raise TypeError(
                f"{where} is a tuple of {len(items)}; write (file name, content), (file name, content, content type) or "
                "(file name, content, content type, headers)"
            )
        filename, content = items[0], items[1]
        if isinstance(content, str) and filename:
            # Beside a name it is the content; alone it might be meant as a path.
            content = content.encode()
        content_type = items[2] if len(items) > 2 else None
        headers = items[3] if len(items) > 3 and items[3] is not None else {}
    segment = segment_from(content, where)
    if filename is None:
        filename = _name_of(content)
    if not isinstance(filename, str):
        raise TypeError(f"{where} has {type(filename).__name__} as its file name; write text or None")
    if content_type is None and "content-type" not in {key.lower() for key in headers}:
        from mimetypes import guess_type  # reads the system's tables on first use

        content_type = guess_type(filename)[0] or "application/octet-stream"
    return MultipartPart(
        name=name, filename=filename, content_type=content_type, headers=tuple(headers.items())
    ), segment


def _name_of(content: object) -> str:
    """Find a file name: of a path or an open file its own, else one that says nothing."""
    name: object = (
        os.fspath(cast("os.PathLike[str]", content))
        if isinstance(content, os.PathLike)
        else getattr(content, "name", None)
    )
    # A file opened from a descriptor has a number as its name.
    return (PurePath(name).name if isinstance(name, str) else "") or "upload"


async def form_body(form: FileForm) -> tuple[bytes | SegmentSource, str]:
    """Build the body of a form and the value of its content type; files are measured, not read.

    Cancelling is safe at any time: nothing is open yet.

    Raises:
        OSError: A path cannot be read.
        ValueError: A part's header has characters that it cannot carry.
    """
    boundary = boundary_from(os.urandom(16))
    files = [segment for _, segment in form.parts if not isinstance(segment, bytes)]
    if files:
        await to_thread.run_sync(measure, files)
    content_type = multipart_content_type(boundary)
    if not files and sum(len(segment) for _, segment in form.parts if isinstance(segment, bytes)) <= IN_MEMORY:
        for part, segment in form.parts:
            part.content = segment if isinstance(segment, bytes) else None
        return encode_multipart([*form.fields, *(part for part, _ in form.parts)], boundary), content_type
    segments: list[Segment] = []
    for field in form.fields:
        segments += (multipart_head(field, boundary), field.content or b"", PART_END)
    for part, segment in form.parts:
        segments += (multipart_head(part, boundary), segment, PART_END)
    segments.append(multipart_end(boundary))
    return SegmentSource(segments), content_type
