"""Reading `multipart/form-data` bodies: bytes in, parts out; no sockets and no endpoint's rules here."""

from __future__ import annotations

import re
from enum import Enum, auto

__all__ = ("MultipartError", "MultipartParser", "Part")

# A part's header lines together; two of them with a long file name are far below. Many parts are an attack or a bug.
_MAX_HEADER_BYTES = 16 * 1024
_MAX_PARTS = 1000

_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))')
# What form-data writers escape in quoted names: WHATWG's percent triplets, or RFC 9110's backslash.
_ESCAPED = re.compile(r'%(22|0A|0D)|\\(["\\])', re.IGNORECASE)


class MultipartError(ValueError):
    """The body is not the multipart message that its content type announces."""


class Part:
    """One part of a form.

    Attributes:
        name: The field's name.
        filename: The file's name, if the part is a file.
        content_type: The part's own content type, if it has one.
        data: Its bytes.
    """

    __slots__ = ("content_type", "data", "filename", "name")

    def __init__(self, name: str, filename: str | None, content_type: str | None) -> None:
        self.name: str = name
        self.filename: str | None = filename
        self.content_type: str | None = content_type
        self.data: bytearray = bytearray()

    def text(self) -> str:
        """Return the bytes as text; what is not UTF-8 is replaced."""
        return self.data.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<Part {self.name!r} filename={self.filename!r} {len(self.data)} bytes>"


class _State(Enum):
    BOUNDARY = auto()
    HEADERS = auto()
    DATA = auto()
    END = auto()


class MultipartParser:
    """Takes a body piece by piece and collects its parts.

    Args:
        content_type: The request's `content-type`, which names the boundary.

    Raises:
        MultipartError: It is not a multipart form, or names no boundary.

    Source: https://www.rfc-editor.org/rfc/rfc7578
    """

    def __init__(self, content_type: str) -> None:
        match = _BOUNDARY.search(content_type)
        if not content_type.lower().startswith("multipart/form-data") or match is None:
            raise MultipartError(f"the content type is {content_type!r}, not multipart/form-data with a boundary")
        boundary: str = match[1] or match[2]
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first delimiter may stand at the very start: with a line end in front it looks like the others.
        self._buffer = bytearray(b"\r\n")
        self._state = _State.DATA
        self._part: Part | None = None
        self._parts: list[Part] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            MultipartError: They break the form's rules.
        """
        self._buffer += data
        while self._advance():
            pass

    def finish(self) -> list[Part]:
        """Return the parts, in order.

        Raises:
            MultipartError: The body ended before its closing boundary.
        """
        if self._state is not _State.END:
            raise MultipartError("the body ends before its closing boundary")
        return self._parts

    def _advance(self) -> bool:
        """Do one step; return whether another may follow without more bytes."""
        if self._state is _State.DATA:
            return self._take_data()
        if self._state is _State.BOUNDARY:
            return self._take_boundary()
        if self._state is _State.HEADERS:
            return self._take_headers()
        self._buffer.clear()  # The epilogue means nothing.
        return False

    def _take_data(self) -> bool:
        """Move bytes into the open part (before the first delimiter: away) up to the next delimiter."""
        buffer = self._buffer
        place = buffer.find(self._delimiter)
        # Without a delimiter all is data but a tail in which one may have begun.
        end = place if place >= 0 else max(0, len(buffer) - len(self._delimiter) + 1)
        if self._part is not None:
            self._part.data += memoryview(buffer)[:end]
        if place < 0:
            del buffer[:end]
            return False
        del buffer[: place + len(self._delimiter)]
        self._part = None
        self._state = _State.BOUNDARY
        return True

    def _take_boundary(self) -> bool:
        """Read what follows a delimiter: two dashes at the end, else a line end (with white space before it)."""
        buffer = self._buffer
        if buffer.startswith(b"--"):
            self._state = _State.END
            return True
        end = buffer.find(b"\r\n")
        if end < 0:
            if len(buffer) > _MAX_HEADER_BYTES:
                raise MultipartError("a boundary line is too long")
            return False
        if buffer[:end].strip(b" \t"):
            raise MultipartError("a boundary line has more than the boundary")
        del buffer[: end + 2]
        self._state = _State.HEADERS
        return True

    def _take_headers(self) -> bool:
        buffer = self._buffer
        if buffer.startswith(b"\r\n"):
            raise MultipartError("a part has no headers")
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > _MAX_HEADER_BYTES:
                raise MultipartError(f"a part's headers are longer than {_MAX_HEADER_BYTES} bytes")
            return False
        self._part = _part_from_headers(buffer[:end].decode("utf-8", "replace"))
        self._parts.append(self._part)
        if len(self._parts) > _MAX_PARTS:
            raise MultipartError(f"the form has more than {_MAX_PARTS} parts")
        del buffer[: end + 4]
        self._state = _State.DATA
        return True


def _part_from_headers(lines: str) -> Part:
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines.split("\r\n"))
    }
    disposition = fields.get("content-disposition", "")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(disposition):
        quoted, bare = match[2], match[3]
        parameters[match[1].lower()] = _unescaped(quoted) if quoted is not None else bare
    if not disposition.lower().startswith("form-data") or "name" not in parameters:
        raise MultipartError("a part has no content-disposition of form-data with a name")
    return Part(parameters["name"], parameters.get("filename"), fields.get("content-type"))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)
