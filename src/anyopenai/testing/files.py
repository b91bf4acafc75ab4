"""`/files`: uploads kept in memory, bounded; listing, content and deletion."""

from __future__ import annotations

from .exchange import Json, JsonReply, RawReply, Refusal, Request, Route, invalid
from .multipart import MultipartError, MultipartParser, Part
from .state import Shared, Shelf, new_id, page

__all__ = ("Files",)

_PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")

# The API's bounds of `expires_after[seconds]`: an hour to 30 days.
_SHORTEST, _LONGEST = 3600, 2_592_000

# How many files are kept, and the largest page of a list: https://platform.openai.com/docs/api-reference/files/list
_MOST_FILES = 10_000

# Bytes of content per write.
_PIECE = 65536


class _File:
    """One file: its record, and its bytes."""

    def __init__(self, record: Json, data: bytearray) -> None:
        self.record = record
        self.data = data


class Files:
    """Keeps uploaded files.

    Args:
        shared: What the endpoints share.
        max_bytes: How many bytes all files together may have; an upload above it is refused with 413.
    """

    def __init__(self, shared: Shared, max_bytes: int) -> None:
        self._shared = shared
        self._max_bytes = max_bytes
        self._files: Shelf[_File] = Shelf("file", _MOST_FILES)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [
            ("POST", "/files", self.create),
            ("GET", "/files", self.list),
            ("GET", "/files/{file_id}", self.retrieve),
            ("DELETE", "/files/{file_id}", self.delete),
            ("GET", "/files/{file_id}/content", self.content),
        ]

    async def create(self, request: Request) -> JsonReply:
        """Keep an uploaded file."""
        parts = await self._form(request)
        upload = parts.get("file")
        if upload is None or upload.filename is None:
            raise invalid("file", "The form has no file part called 'file'.", "missing_parameter")
        purpose = parts["purpose"].text() if "purpose" in parts else None
        if purpose is None:
            raise invalid("purpose", "The parameter 'purpose' is missing.", "missing_parameter")
        if purpose not in _PURPOSES:
            raise invalid("purpose", f"'purpose' must be one of {', '.join(_PURPOSES)}, not {purpose!r}.")
        created = self._shared.created()
        record: Json = {
            "id": new_id("file-"),
            "object": "file",
            "bytes": len(upload.data),
            "created_at": created,
            "expires_at": _expiry(parts, created),
            "filename": upload.filename,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        self._files.add(str(record["id"]), _File(record, upload.data))
        return JsonReply(record)

    async def list(self, request: Request) -> JsonReply:
        """Return a page of the files' records, newest first unless asked otherwise."""
        self._drop_expired()
        purpose = request.query_value("purpose")
        rows = [file.record for file in self._files.values() if purpose in (None, file.record["purpose"])]
        return JsonReply(page(rows, request, limit=_MOST_FILES, most=_MOST_FILES))

    async def retrieve(self, request: Request) -> JsonReply:
        """Return a file's record."""
        return JsonReply(self.get(request.args["file_id"]))

    async def delete(self, request: Request) -> JsonReply:
        """Forget a file."""
        key = request.args["file_id"]
        self._drop_expired()
        self._files.pop(key)
        return JsonReply({"id": key, "object": "file", "deleted": True})

    async def content(self, request: Request) -> RawReply:
        """Return a file's bytes."""
        key = request.args["file_id"]
        self._drop_expired()
        data = memoryview(self._files.get(key).data)
        pieces = [bytes(data[start : start + _PIECE]) for start in range(0, len(data), _PIECE)]
        return RawReply(pieces, "application/octet-stream")

    def get(self, key: str) -> Json:
        """Return a file's record.

        Raises:
            Refusal: There is none of that id (404).
        """
        self._drop_expired()
        return self._files.get(key).record

    async def _form(self, request: Request) -> dict[str, Part]:
        """Read the form as it arrives, and stop keeping it where there is no room."""
        self._drop_expired()
        if len(self._files) >= _MOST_FILES:
            raise Refusal(400, f"The stand-in keeps {_MOST_FILES} files; delete some.", code="too_many_files")
        room = self._max_bytes - sum(len(file.data) for file in self._files.values())
        try:
            parser = MultipartParser(request.headers.get("content-type", ""))
            size = 0
            while piece := await request.receive():
                size += len(piece)
                if size > room:
                    raise Refusal(
                        413,
                        f"The stand-in keeps {self._max_bytes} bytes of files in memory and has no room for this one; "
                        "delete some, or start it with a larger `max_file_bytes`.",
                        code="file_too_large",
                    )
                parser.feed(piece)
            return {part.name: part for part in parser.finish()}
        except MultipartError as error:
            raise Refusal(400, f"The form cannot be read: {error}.", code="invalid_multipart") from None

    def _drop_expired(self) -> None:
        now = self._shared.now()
        for file in list(self._files.values()):
            expires_at = file.record["expires_at"]
            if isinstance(expires_at, int) and expires_at <= now:
                self._files.pop(str(file.record["id"]))


def _expiry(parts: dict[str, Part], created: int) -> int | None:
    """Return when a file goes, from the form's `expires_after[...]` fields."""
    given = parts.get("expires_after[seconds]")
    if given is None:
        return None
    text = given.text()
    if not (text.isascii() and text.isdigit() and _SHORTEST <= int(text) <= _LONGEST):
        raise invalid(
            "expires_after.seconds",
            f"'expires_after[seconds]' must be a number from {_SHORTEST} to {_LONGEST}, not {text!r}.",
        )
    return created + int(text)
