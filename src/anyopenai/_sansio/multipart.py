"""Framing of `multipart/form-data`: heads, ends, exact lengths; whoever reads files puts the contents between them.

Source: https://www.rfc-editor.org/rfc/rfc7578 and, for names in quotes,
https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

__all__ = (
    "PART_END",
    "MultipartPart",
    "boundary_from",
    "encode_multipart",
    "field_part",
    "multipart_content_type",
    "multipart_end",
    "multipart_head",
    "multipart_length",
)

PART_END: Final = b"\r\n"
"""What follows the content of every part."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 2046 allows more, such as "=" and "/", which would need quotes in the Content-Type.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'+_.-]{1,70}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MultipartPart(Struct, kw_only=True):
    """One part of a form.

    Attributes:
        name: The field's name.
        content: The bytes, when they are in memory; None when the caller streams them behind the head.
        size: Exact length of streamed content in bytes; None when it is not known.
        filename: The file's name; None for a plain field.
        content_type: The part's media type; None leaves it out.
        headers: More header fields of the part.
    """

    name: str
    content: bytes | None = None
    size: int | None = None
    filename: str | None = None
    content_type: str | None = None
    headers: Sequence[tuple[str, str]] = ()


def field_part(name: str, value: str) -> MultipartPart:
    """Build the part of a text field.

    Raises:
        ValueError: The text is not valid Unicode.
    """
    try:
        return MultipartPart(name=name, content=value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"form field {name!r} holds text that is not valid Unicode (a lone surrogate)") from None


def boundary_from(token: bytes) -> str:
    """Make a boundary out of random bytes: sixteen of them do not turn up in any file by chance."""
    if len(token) < 16:
        raise ValueError(f"a boundary needs 16 random bytes or more, not {len(token)}")
    return token.hex()[:64]


def multipart_content_type(boundary: str) -> str:
    """Return the value of the request's `Content-Type`.

    Raises:
        ValueError: The boundary has other characters than letters, digits and `'+_.-`, or more than 70.
    """
    _check_boundary(boundary)
    return f"multipart/form-data; boundary={boundary}"


def multipart_head(part: MultipartPart, boundary: str) -> bytes:
    """Return what stands before a part's content: its delimiter and header fields.

    Quotes, line ends and other control characters in the name and the filename are escaped, so that neither can end
    the quoted text or the field.

    Raises:
        ValueError: A header name or value that could break the framing.
    """
    _check_boundary(boundary)
    lines = [f"--{boundary}"]
    disposition = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    if part.filename is not None:
        disposition += f'; filename="{_quoted(part.filename)}"'
    lines.append(disposition)
    if part.content_type is not None:
        lines.append(f"Content-Type: {_header_value('Content-Type', part.content_type)}")
    for name, value in part.headers:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"form part {part.name!r} has a header name that is not allowed: {name!r}")
        lines.append(f"{name}: {_header_value(name, value)}")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("utf-8", "replace")


def multipart_end(boundary: str) -> bytes:
    """Return what stands after the last part."""
    return f"--{boundary}--\r\n".encode("ascii")


def multipart_length(parts: Iterable[MultipartPart], boundary: str) -> int | None:
    """Return the exact length of the whole form in bytes; None when a part's length is not known."""
    total = len(multipart_end(boundary))
    for part in parts:
        size = part.size if part.content is None else len(part.content)
        if size is None:
            return None
        total += len(multipart_head(part, boundary)) + size + len(PART_END)
    return total


def encode_multipart(parts: Iterable[MultipartPart], boundary: str) -> bytes:
    """Encode a form whose contents are all in memory.

    Raises:
        ValueError: A part without content, or a header that could break the framing.
    """
    pieces: list[bytes] = []
    for part in parts:
        if part.content is None:
            raise ValueError(f"form part {part.name!r} is streamed and cannot be encoded in one go")
        pieces += (multipart_head(part, boundary), part.content, PART_END)
    pieces.append(multipart_end(boundary))
    return b"".join(pieces)


def _quoted(text: str) -> str:
    """Escape text that stands between double quotes."""
    # Browsers percent-encode the quote, CR and LF and leave a backslash alone; but servers that read it as an escape
    # would take the closing quote into the name, so it is doubled. Guarded by test_no_filename_breaks_out_of_its_header.
    text = text.replace("\\", "\\\\").replace('"', "%22")
    return re.sub(r"[\x00-\x1f\x7f]", lambda match: f"%{ord(match[0]):02X}", text)


def _header_value(name: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"the value of form part header {name!r} has a control character in it")
    return value


def _check_boundary(boundary: str) -> None:
    if not _BOUNDARY.fullmatch(boundary):
        raise ValueError(f"multipart boundary {boundary!r} must be 1 to 70 letters, digits and '+_.-")
