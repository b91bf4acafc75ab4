"""Lines of files, pipes and terminals."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from anyio import create_task_group, wait_all_tasks_blocked
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.cli.failures import CommandError
from anyopenai.cli.lines import MAX_LINE, Lines, LineSplitter


def split(pieces: list[bytes], max_line: int = MAX_LINE) -> list[bytes]:
    splitter = LineSplitter(max_line)
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.finish()


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"-").replace(b"\r", b"-")), max_size=8),
    end=st.sampled_from([b"\n", b"\r\n"]),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
def test_lines_do_not_depend_on_how_bytes_are_cut(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    wire = b"".join(line + end for line in lines)
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    pieces = [wire[a:b] for a, b in pairwise(edges)]
    assert split(pieces) == split([wire]) == split([bytes([b]) for b in wire]) == lines


@given(st.binary(max_size=60))
def test_lines_hold_every_byte_but_the_breaks(data: bytes) -> None:
    assert b"\n".join(split([data])).replace(b"\r", b"") == data.removesuffix(b"\n").replace(b"\r", b"")


def test_a_last_line_needs_no_break() -> None:
    assert split([b"a\nb"]) == split([b"a\nb\n"]) == [b"a", b"b"]


@pytest.mark.parametrize("pieces", [[b"ok\n" + b"x" * 9], [b"ok\n", b"x" * 5, b"x" * 4], [b"ok\n" + b"x" * 9 + b"\n"]])
def test_a_line_beyond_the_limit_is_refused_before_it_is_whole(pieces: list[bytes]) -> None:
    splitter = LineSplitter(8)
    with pytest.raises(ValueError, match="longer than 8 bytes"):
        list(map(splitter.feed, pieces))
    assert splitter.lines == 1


async def read_all(source: str) -> list[tuple[int, bytes]]:
    async with Lines(source) as lines:
        found = []
        while arrived := await lines.read():
            found += arrived
        return found


async def test_a_file_gives_its_lines_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"one\r\n\ntwo")
    assert await read_all(str(path)) == [(1, b"one"), (2, b""), (3, b"two")]


async def test_a_file_larger_than_a_piece_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"0123456789abcde\n" * 40_000)
    found = await read_all(str(path))
    assert len(found) == 40_000
    assert found[-1] == (40_000, b"0123456789abcde")


async def test_a_missing_file_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await read_all(str(tmp_path / "none"))


async def test_a_line_too_long_is_reported_with_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"ok\n" + b"x" * (MAX_LINE + 1))
    with pytest.raises(CommandError, match=r"in\.txt, line 2: longer than 8,388,608 bytes"):
        await read_all(str(path))


@contextmanager
def standard_input(fd: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with os.fdopen(fd, "rb", closefd=True) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield


async def test_standard_input_may_be_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a\nb\n")
    os.close(writer)
    with standard_input(reader, monkeypatch):
        assert await read_all("-") == [(1, b"a"), (2, b"b")]


async def test_standard_input_may_be_a_redirected_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"a\nb\n")
    with standard_input(os.open(path, os.O_RDONLY), monkeypatch):
        assert await read_all("-") == [(1, b"a"), (2, b"b")]


async def test_standard_input_may_be_the_null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    with standard_input(os.open(os.devnull, os.O_RDONLY), monkeypatch):
        assert await read_all("-") == []


async def test_a_terminal_gives_each_line_as_it_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with standard_input(theirs, monkeypatch):
        async with Lines("-") as lines:
            os.write(ours, b"hello\n")
            assert await lines.read() == [(1, b"hello")]
            os.write(ours, b"again\n")
            assert await lines.read() == [(2, b"again")]
            os.write(ours, b"\x04")  # Ctrl-D
            assert await lines.read() == []
    os.close(ours)


async def test_waiting_for_a_silent_pipe_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread stays behind in a read: it would hold up the end of the program."""
    reader, writer = os.pipe()
    with standard_input(reader, monkeypatch):
        async with create_task_group() as tasks:
            tasks.start_soon(read_all, "-")
            await wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    os.close(writer)
