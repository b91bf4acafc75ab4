"""Reading multipart forms as a server would, by the standard library's own parser; nothing is made here."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesHeaderParser

from behaviour.server import Received


class Part:
    """One part of a form.

    Attributes:
        name: The field's name.
        filename: The file's name; None for a text field.
        headers: The part's header fields.
        content: Its bytes.
    """

    def __init__(self, raw: bytes) -> None:
        head, _, self.content = raw.partition(b"\r\n\r\n")
        self.headers: Message = BytesHeaderParser().parsebytes(head)
        self.head = head
        disposition = dict(self.headers.get_params(header="content-disposition", unquote=True) or [])
        assert "form-data" in disposition
        self.name = disposition["name"]
        self.filename = self.headers.get_filename()

    @property
    def content_type(self) -> str:
        return self.headers.get_content_type()

    @property
    def text(self) -> str:
        return self.content.decode()


def parts_of(request: Received) -> list[Part]:
    """Take a form apart; every byte of it must be accounted for."""
    kind, _, boundary = request["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    assert boundary
    mark = b"--" + boundary.strip('"').encode()
    body = b"\r\n" + request.body
    first, *raw, last = body.split(b"\r\n" + mark)
    assert first == b""
    assert last.strip() == b"--"
    assert all(part.startswith(b"\r\n") for part in raw)
    return [Part(part[2:]) for part in raw]


def fields_of(request: Received) -> list[tuple[str, str]]:
    """The text fields of a form in order."""
    return [(part.name, part.text) for part in parts_of(request) if part.filename is None]


def file_of(request: Received) -> Part:
    """The only file of a form."""
    (part,) = [part for part in parts_of(request) if part.filename is not None]
    return part
