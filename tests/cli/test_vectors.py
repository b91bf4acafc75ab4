"""The result files: complete or absent."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from pathlib import Path

import msgspec
import numpy as np
import pytest
from anyio import CancelScope, create_task_group, get_cancelled_exc_class

from anyopenai.cli import vectors
from anyopenai.cli.failures import CommandError
from anyopenai.cli.items import Item
from anyopenai.cli.vectors import ITEMS, VECTORS, VectorFiles

ROWS = [array("f", [1.5, -2.0, 0.1]), [0.25, 1e10, -0.0], array("d", [1, 2, 3])]
NAMES = [Item("a", "erste"), Item(2, "zweite\nZeile"), Item("ü", "dritte")]


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_rows_and_lines_belong_together(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "out"
    async with VectorFiles(directory) as out:
        await out.append(NAMES[:2], ROWS[:2])
        await out.append(NAMES[2:], ROWS[2:])
        assert VECTORS not in files(directory)
        await out.finish()
    assert files(directory) == [ITEMS, VECTORS]
    matrix = np.load(directory / VECTORS)
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [np.asarray(row, np.float32).tolist() for row in ROWS]
    lines = (directory / ITEMS).read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Item) for line in lines] == NAMES


async def test_a_run_without_items_gives_empty_files(tmp_path: Path) -> None:
    async with VectorFiles(tmp_path) as out:
        await out.finish()
    assert np.load(tmp_path / VECTORS).shape == (0, 0)
    assert (tmp_path / ITEMS).read_bytes() == b""


async def test_results_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    async with VectorFiles(tmp_path) as out:
        await out.finish()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", ITEMS, VECTORS)}
    assert len(modes) == 1


async def test_a_run_that_fails_leaves_the_earlier_results(tmp_path: Path) -> None:
    async with VectorFiles(tmp_path) as out:
        await out.append(NAMES, ROWS)
        await out.finish()
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

    async def fail() -> None:
        async with VectorFiles(tmp_path) as out:
            await out.append(NAMES[:1], ROWS[:1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


@pytest.mark.parametrize("directory", ["", "made"])
async def test_a_cancelled_run_leaves_nothing(tmp_path: Path, directory: str) -> None:
    with CancelScope() as scope:
        async with VectorFiles(tmp_path / directory) as out:
            await out.append(NAMES, ROWS)
            scope.cancel()
            await out.finish()
    assert files(tmp_path) == []


async def test_cancelling_while_the_files_open_leaves_nothing(tmp_path: Path) -> None:
    async with create_task_group() as tasks:
        tasks.cancel_scope.cancel()
        with pytest.raises(get_cancelled_exc_class()):
            async with VectorFiles(tmp_path / "out"):
                pytest.fail("entered although cancelled")  # pragma: no cover
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [(ROWS[:2], "sent 2 vectors for 3 texts"), ([[1.0], [1.0, 2.0], [1.0]], "of 2 numbers after vectors of 1")],
)
async def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, rows: list[list[float]], message: str) -> None:
    async with VectorFiles(tmp_path) as out:
        with pytest.raises(CommandError, match=message):
            await out.append(NAMES, rows)


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file") as caught:
        async with VectorFiles(tmp_path / "file" / "out"):
            pytest.fail("a directory was made below a file")  # pragma: no cover
    assert caught.value.errno == errno.ENOTDIR


async def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(vectors.os, "fsync", full)
    async with VectorFiles(tmp_path) as out:
        await out.append(NAMES, ROWS)
        with pytest.raises(OSError, match="cannot be written: No space left on device") as caught:
            await out.finish()
        assert caught.value.filename == str(tmp_path / VECTORS)
    assert files(tmp_path) == []
