"""`BinaryResponse`: an answer that is bytes and has been read to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from .arrival import text_of
from .download import Chunks, check_size, pieces_of, save, save_now
from .head import ResponseHead

if TYPE_CHECKING:
    import os
    from collections.abc import Generator

__all__ = ("BinaryResponse", "Written")


class Written:
    """A file that has been written: nothing is left to wait for.

    openai-python's users call `write_to_file` without `await`; who writes `await`, as everywhere else here, is served too.
    """

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


class BinaryResponse(ResponseHead):
    """An answer that is bytes, such as speech or the content of a file; it has been read to its end."""

    __slots__ = ()

    @property
    def response(self) -> Self:
        """The answer itself; openai-python's users look here for its head."""
        return self

    @property
    def content(self) -> bytes:
        """The whole body."""
        return self._arrival.body

    @property
    def text(self) -> str:
        """The body as text, in the character set that its content type names, else UTF-8."""
        return text_of(self.content, self.headers)

    @property
    def encoding(self) -> str:
        """The character set that the content type names, else UTF-8."""
        return self.charset_encoding or "utf-8"

    @property
    def charset_encoding(self) -> str | None:
        """The character set that the content type names."""
        _, mark, rest = self.headers.get("content-type", "").lower().partition("charset=")
        return rest.split(";")[0].strip(" \"'") if mark else None

    def json(self) -> object:
        """Return the body decoded from JSON.

        Raises:
            APIResponseValidationError: It is not JSON.
        """
        return self._arrival.decode(self.content, object)

    def read(self) -> bytes:
        """Return the whole body."""
        return self.content

    async def aread(self) -> bytes:
        """Return the whole body."""
        return self.content

    def iter_bytes(self, chunk_size: int | None = None) -> Chunks[bytes]:
        """Iterate over the body in pieces of `chunk_size` bytes, with `for` or `async for`."""
        return Chunks(pieces_of(self.content, chunk_size))

    def iter_raw(self, chunk_size: int | None = None) -> Chunks[bytes]:
        """Do the same as `iter_bytes`: content codings are undone while receiving."""
        return self.iter_bytes(chunk_size)

    def iter_text(self, chunk_size: int | None = None) -> Chunks[str]:
        """Iterate over the body's text in pieces of `chunk_size` characters, with `for` or `async for`."""
        text = self.text
        size = chunk_size or len(text) or 1
        return Chunks(text[start : start + size] for start in range(0, len(text), size))

    def iter_lines(self) -> Chunks[str]:
        """Iterate over the body's lines without their ends, with `for` or `async for`."""
        return Chunks(self.text.splitlines())

    aiter_bytes = iter_bytes
    aiter_raw = iter_raw
    aiter_text = iter_text
    aiter_lines = iter_lines

    def write_to_file(self, file: str | os.PathLike[str]) -> Written:
        """Write the body to a file before returning; the result may be awaited and need not be.

        The file is complete or as it was before: what is written goes to a file beside it that takes its place. The
        event loop waits for the disk meanwhile; `astream_to_file` writes in a worker thread.

        Args:
            file: Where to; an existing file is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        save_now(file, self.content)
        return Written()

    def stream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> Written:
        """Do the same as `write_to_file`; `chunk_size` is checked and has no other effect on bytes that are here."""
        check_size(chunk_size)
        return self.write_to_file(file)

    async def astream_to_file(self, file: str | os.PathLike[str], *, chunk_size: int | None = None) -> None:
        """Write the body to a file in a worker thread, in pieces of `chunk_size` bytes.

        Cancelling leaves the file as it was before.

        Raises:
            OSError: The file cannot be written.
        """
        await save(file, self.iter_bytes(chunk_size))

    async def aclose(self) -> None:
        """Do nothing: the connection has been given back already."""

    async def close(self) -> None:
        """Do nothing: the connection has been given back already."""
