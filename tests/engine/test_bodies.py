"""Bodies as byte sources: exact lengths, replays, pieces, and what is refused before anything is sent."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import APIConnectionError, OpenAIError
from anyopenai._engine.bodies import PIECE, SegmentSource, content_body, is_replayable
from anyopenai._engine.form import IN_MEMORY, FileForm, form_body
from anyopenai.testing import Answer
from anyopenai.transport.base import BodySource, TransportFailure
from engine.support import client_over, ok, without_waiting


async def read(source: bytes | BodySource) -> bytes:
    if isinstance(source, bytes):
        return source
    reader = source.open()
    pieces: list[bytes] = []
    try:
        while piece := await reader.read():
            pieces.append(piece)
    finally:
        await reader.aclose()
    return b"".join(pieces)


async def form_of(content: Any) -> tuple[bytes | SegmentSource, str]:
    return await form_body(FileForm([("purpose", "batch")], [("file", content)], "files.create"))


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.sampled_from([0, 1, 100, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 2 * PIECE + 3]), max_size=3))
def test_the_length_is_exact_and_every_reading_gives_the_same(sizes: list[int]) -> None:
    async def check() -> None:
        files = [("file[]", (f"{index}.bin", os.urandom(16) * (size // 16 + 1))) for index, size in enumerate(sizes)]
        body, content_type = await form_body(FileForm([("a", "b")], files, "x"))
        first = await read(body)
        assert await read(body) == first
        boundary = content_type.partition("boundary=")[2].encode()
        assert first.endswith(b"--" + boundary + b"--\r\n")
        for _, (_, content) in files:
            assert content in first
        if not isinstance(body, bytes):
            assert body.length == len(first)
            assert body.replayable

    anyio.run(check)


async def test_a_large_path_is_read_in_large_pieces(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(PIECE) * 3 + b"end")
    body, _ = await form_of(path)
    assert isinstance(body, SegmentSource)
    reader = body.open()
    pieces = []
    while piece := await reader.read():
        pieces.append(piece)
    await reader.aclose()
    assert len(pieces) == 4
    assert sum(map(len, pieces)) == body.length
    assert b"".join(pieces).count(path.read_bytes()) == 1


async def test_an_open_file_is_sent_from_its_first_byte_each_time(tmp_path: Path) -> None:
    """As openai-python does it, wherever the caller's reading stood."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        body, _ = await form_of(file)
        assert isinstance(body, SegmentSource)
        for _ in range(2):
            assert b'filename="notes.txt"' in await read(body)
            assert b"\r\n0123456789\r\n" in await read(body)


async def test_a_file_that_cannot_seek_is_sent_once_and_chunked() -> None:
    receiver, sender = os.pipe()
    os.write(sender, b"from a pipe")
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        body, _ = await form_of(pipe)
        assert isinstance(body, SegmentSource)
        assert (body.length, body.replayable) == (None, False)
        assert is_replayable(body)
        assert b"from a pipe" in await read(body)
        assert not is_replayable(body)


async def test_an_asynchronous_file_is_read_like_the_file_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    async with await anyio.open_file(path, "rb") as file:
        body, _ = await form_of(file)
        assert b'filename="a.txt"' in await read(body)
        assert b"\r\nabc\r\n" in await read(body)


async def test_a_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "shrinking.bin"
    path.write_bytes(b"0123456789")
    body, _ = await form_of(path)
    path.write_bytes(b"0123")
    with pytest.raises(OpenAIError, match="became shorter"):
        await read(body)


async def test_a_file_that_grows_is_sent_as_it_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(b"0123")
    body, _ = await form_of(path)
    path.write_bytes(b"0123456789")
    assert isinstance(body, SegmentSource)
    assert len(await read(body)) == body.length


async def test_a_missing_file_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    client, transport = client_over()
    with pytest.raises(FileNotFoundError):
        await client.files.create(file=tmp_path / "none", purpose="batch")
    body, _ = await form_of(tmp_path)
    with pytest.raises(IsADirectoryError):
        await read(body)
    assert transport.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        "path-or-content",
        io.StringIO("text"),
        7,
        ("only-a-name",),
        ("a", io.StringIO("b")),
        ("a", b"b", "c", {}, "e"),
        (1, b"b"),
        None,
    ],
    ids=repr,
)
async def test_what_is_no_file_is_refused(wrong: Any) -> None:
    client, transport = client_over()
    with pytest.raises(TypeError, match="file"):
        await client.files.create(file=wrong, purpose="batch")
    assert transport.requests == []


async def test_a_file_opened_as_text_says_so_when_only_reading_tells() -> None:
    class Texts:
        def read(self, size: int = -1) -> str:
            return "text"

    body, _ = await form_of(Texts())
    with pytest.raises(TypeError, match="binary mode"):
        await read(body)


async def test_a_replayed_upload_is_the_same_and_a_one_shot_one_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_waiting(monkeypatch)
    lost = TransportFailure("reset", kind="lost", phase="head", sent="all")
    client, transport = client_over(lost, ok({"id": "f"}), lost, ok({"id": "f"}))
    await client.files.create(file=io.BytesIO(b"content"), purpose="batch")
    assert transport.requests[0].body == transport.requests[1].body

    class OneShot(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(APIConnectionError):
        await client.files.create(file=OneShot(b"content"), purpose="batch")
    assert len(transport.requests) == 3


async def test_a_one_shot_body_that_nobody_began_to_read_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    refused = TransportFailure("refused", kind="refused", phase="connect")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    client, transport = client_over(refused, ok())
    await client.post("/x", cast_to=object, content=pieces())
    assert transport.requests[1].body == b"once"


async def test_content_may_be_anything_that_gives_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")

    async def asynchronous() -> AsyncIterator[bytes]:
        yield b"a"
        yield b""
        yield b"bc"

    def plain() -> Iterator[bytes]:
        yield b"a"
        yield bytearray(b"bc")

    file: IO[bytes] = io.BytesIO(b"abc")
    for content in (
        b"abc",
        "abc",
        bytearray(b"abc"),
        memoryview(b"abc"),
        path,
        file,
        [b"a", b"bc"],
        asynchronous(),
        plain(),
    ):
        assert await read(await content_body(content, "client.post")) == b"abc"


@pytest.mark.parametrize("wrong", [7, {"a": 1}, [1], ["text"]], ids=repr)
async def test_content_that_gives_no_bytes_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="content="):
        await read(await content_body(wrong, "client.post"))


async def test_an_asynchronous_generator_is_closed_with_the_request() -> None:
    closed: list[bool] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    body = await content_body(pieces(), "client.post")
    assert not isinstance(body, bytes)
    reader = body.open()
    await reader.read()
    await reader.aclose()
    assert closed == [True]


async def test_bytes_as_a_body_warn_where_the_caller_stands() -> None:
    client, transport = client_over(Answer(json={}))
    with pytest.warns(DeprecationWarning, match="content=") as caught:
        await client.post("/x", cast_to=object, body=b"abc")
    assert caught[0].filename == __file__
    assert transport.requests[0].body == b"abc"
