"""`vectors.npy` and `items.jsonl`: written row by row, complete or absent; who makes the vectors is not known here."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import msgspec
import numpy as np
from anyio import to_thread

from .._tasks import grace
from .failures import CommandError
from .items import Item

__all__ = ("ITEMS", "VECTORS", "VectorFiles")

VECTORS: Final = "vectors.npy"
ITEMS: Final = "items.jsonl"


class _Part:
    """One file that is being written under a temporary name beside its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Two runs into one directory do not write into each other's files; the later one wins as a whole.
        self.temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        with self._errors_name_the_file():
            self._file: IO[bytes] = open(self.temporary, "xb")  # noqa: SIM115 - closed by `complete` or `discard`

    def write(self, data: bytes) -> None:
        with self._errors_name_the_file():
            self._file.write(data)

    def rewrite_start(self, data: bytes) -> None:
        with self._errors_name_the_file():
            self._file.seek(0)
            self._file.write(data)

    def complete(self) -> None:
        """Have everything on the disk; the name is still the temporary one."""
        with self._errors_name_the_file():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def publish(self) -> None:
        with self._errors_name_the_file():
            os.replace(self.temporary, self.path)

    def discard(self) -> None:
        with suppress(OSError):  # what could not be written cannot be flushed either
            self._file.close()
        with suppress(OSError):  # published, or its directory is gone
            self.temporary.unlink()

    @contextmanager
    def _errors_name_the_file(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, f"cannot be written: {error.strerror}", str(self.path)) from error


class VectorFiles:
    """The two result files of one run; row i of one belongs to line i of the other.

    Use it with `async with` and end with `finish()`. Until then everything goes to temporary files beside them, which
    leaving the block without `finish()` removes: an interrupted or failed run leaves what an earlier one had written.

    Args:
        directory: Where the files go; made if it does not exist.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rows: int = 0
        self.dimensions: int = 0
        self._made_directory = False
        self._parts: list[_Part] = []

    async def __aenter__(self) -> VectorFiles:
        try:
            await to_thread.run_sync(self._open)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave()

    async def append(self, items: Sequence[Item], vectors: Sequence[Sequence[float]]) -> None:
        """Add one row for each item.

        Cancelling waits for the rows to be written; what they are worth is decided by `finish`.

        Raises:
            CommandError: The vectors are not as many as the items, or not of one length.
            OSError: Writing fails.
        """
        if len(items) != len(vectors):
            raise CommandError(f"the server sent {len(vectors)} vectors for {len(items)} texts")
        await to_thread.run_sync(self._append, items, vectors)

    async def finish(self) -> None:
        """Make the files complete and give them their names.

        Cancelling waits until that is done.

        Raises:
            OSError: Writing fails; the files of an earlier run stay as they were.
        """
        await to_thread.run_sync(self._finish)

    async def _leave(self) -> None:
        with grace():
            await to_thread.run_sync(self._discard)

    def _open(self) -> None:
        self._made_directory = not self.directory.exists()
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in (VECTORS, ITEMS):
            self._parts.append(_Part(self.directory / name))
        self._parts[0].write(self._header())

    def _append(self, items: Sequence[Item], vectors: Sequence[Sequence[float]]) -> None:
        vectors_part, items_part = self._parts
        for vector in vectors:
            self.dimensions = self.dimensions or len(vector)
            if len(vector) != self.dimensions:
                raise CommandError(
                    f"the server sent a vector of {len(vector)} numbers after vectors of {self.dimensions}"
                )
            vectors_part.write(np.asarray(vector, dtype="<f4").tobytes())
        items_part.write(b"".join(msgspec.json.encode(item) + b"\n" for item in items))
        self.rows += len(items)

    def _finish(self) -> None:
        vectors_part, items_part = self._parts
        vectors_part.rewrite_start(self._header())
        for part in self._parts:
            part.complete()
        # Killed between the two renames, a run leaves items without vectors, never vectors of other items.
        with suppress(FileNotFoundError):
            vectors_part.path.unlink()
        items_part.publish()
        vectors_part.publish()

    def _discard(self) -> None:
        for part in self._parts:
            part.discard()
        if self._made_directory:
            with suppress(OSError):  # the results are in it
                self.directory.rmdir()

    def _header(self) -> bytes:
        # NumPy pads its header so that the number of rows can grow: it stays 128 bytes long and is written again at
        # the end. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
        file = BytesIO()
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self.dimensions)}
        )
        return file.getvalue()
