"""Bodies read step by step, and files that are complete or as they were before."""

from __future__ import annotations

import os
import stat
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai import APIConnectionError, APIResponseValidationError, OpenAIError
from anyopenai._engine.download import ByteIterator, LineIterator, TextIterator, save
from anyopenai._headers import Headers
from anyopenai.testing import Answer
from anyopenai.transport.base import TransportFailure
from engine.support import client_over, names_in

PLAIN = Headers({"content-type": "text/plain; charset=utf-8"})


def bytes_of(pieces: list[bytes], size: int | None = None) -> ByteIterator:
    left = [piece for piece in pieces if piece]

    async def receive() -> bytes:
        return left.pop(0) if left else b""

    return ByteIterator(receive, size)


@given(pieces=st.lists(st.binary(max_size=20)), size=st.none() | st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_pieces_have_their_size_and_nothing_is_lost(pieces: list[bytes], size: int | None) -> None:
    async def check() -> None:
        found = [piece async for piece in bytes_of(pieces, size)]
        assert b"".join(found) == b"".join(pieces)
        assert all(found)
        if size is not None:
            assert all(len(piece) == size for piece in found[:-1])

    anyio.run(check)


@given(text=st.text(alphabet="aä€\n\r\U0001f600", max_size=30), cuts=st.lists(st.integers(0, 90), max_size=6))
@settings(max_examples=80, deadline=None)
def test_text_and_lines_do_not_depend_on_how_bytes_are_cut(text: str, cuts: list[int]) -> None:
    async def check() -> None:
        wire = text.encode()
        edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
        pieces = [wire[start:end] for start, end in pairwise(edges)]
        assert "".join([piece async for piece in TextIterator(bytes_of(pieces), PLAIN)]) == text
        expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not expected[-1]:
            expected.pop()
        assert [line async for line in LineIterator(TextIterator(bytes_of(pieces), PLAIN))] == expected

    anyio.run(check)


async def test_another_character_set_is_read_as_the_content_type_says() -> None:
    latin = Headers({"content-type": "text/plain; charset=ISO-8859-1"})
    assert [piece async for piece in TextIterator(bytes_of([b"caf\xe9"]), latin)] == ["café"]
    unknown = Headers({"content-type": "text/plain; charset=klingon"})
    assert [piece async for piece in TextIterator(bytes_of(["é".encode()]), unknown)] == ["é"]


async def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        bytes_of([], 0)


async def test_a_saved_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "speech.mp3"
    target.write_bytes(b"old")
    await save(target, bytes_of([b"new ", b"content"]))
    assert target.read_bytes() == b"new content"
    assert names_in(tmp_path) == ["speech.mp3"]
    if os.name == "posix":
        other = tmp_path / "other"
        other.write_bytes(b"")
        assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


async def test_a_download_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "speech.mp3"
    target.write_bytes(b"old")
    failure = TransportFailure("reset", kind="lost", phase="body", sent="all")
    client, transport = client_over(Answer(pieces=[b"new", failure]))
    async with client.files.with_streaming_response.content("f") as response:
        with pytest.raises(APIConnectionError, match="reset"):
            await response.stream_to_file(target)
    assert target.read_bytes() == b"old"
    assert names_in(tmp_path) == ["speech.mp3"]
    assert transport.open_responses == 0


async def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    await save(link, bytes_of([b"new"]))
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


async def test_a_device_is_written_to_and_stays_a_device() -> None:
    await save(os.devnull, bytes_of([b"anything"]))
    assert not os.path.isfile(os.devnull)  # noqa: ASYNC240 - a test may block


async def test_a_folder_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await save(tmp_path / "no" / "file", bytes_of([b"x"]))


async def test_a_binary_answer_has_its_bytes_in_every_form(tmp_path: Path) -> None:
    client, _ = client_over(Answer(content="zwei\nZeilen é", headers={"content-type": "text/plain; charset=utf-8"}))
    answer = await client.files.content("f")
    assert answer.content == await answer.aread() == answer.read() == "zwei\nZeilen é".encode()
    assert answer.text == "zwei\nZeilen é"
    assert (answer.encoding, answer.status_code, answer.is_closed) == ("utf-8", 200, True)
    assert next(iter(answer.iter_bytes(4))) == b"zwei"
    assert await anext(aiter(answer.aiter_bytes(5))) == b"zwei\n"
    assert [line async for line in answer.iter_lines()] == ["zwei", "Zeilen é"]
    with pytest.raises(APIResponseValidationError):
        answer.json()
    await answer.aclose()


async def test_a_binary_answer_is_written_with_and_without_await(tmp_path: Path) -> None:
    client, _ = client_over(Answer(content=b"abcdefg"))
    answer = await client.files.content("f")
    answer.write_to_file(tmp_path / "plain")
    await answer.write_to_file(tmp_path / "awaited")
    answer.stream_to_file(tmp_path / "pieces", chunk_size=3)
    await answer.astream_to_file(tmp_path / "thread", chunk_size=3)
    assert [(tmp_path / name).read_bytes() for name in ("plain", "awaited", "pieces", "thread")] == [b"abcdefg"] * 4
    with pytest.raises(ValueError, match="chunk_size"):
        answer.stream_to_file(tmp_path / "never", chunk_size=0)


async def test_a_binary_answer_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    client, _ = client_over(Answer(content=b""))
    answer = await client.files.content("f")
    with pytest.raises(FileNotFoundError):
        answer.write_to_file(tmp_path / "no" / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        answer.write_to_file(tmp_path / "folder")
    assert os.listdir(tmp_path) == ["folder"]


async def test_a_streamed_body_is_read_once_and_then_remembered() -> None:
    client, _ = client_over(Answer(pieces=[b'{"a": ', b"1}"], headers={"content-type": "application/json"}))
    async with client.files.with_streaming_response.content("f") as response:
        assert await response.read() == b'{"a": 1}'
        assert await response.json() == {"a": 1}
        assert await response.text() == '{"a": 1}'
        assert [piece async for piece in response.iter_bytes(3)] == [b'{"a', b'": ', b"1}"]
    assert response.is_closed


async def test_a_streamed_body_cannot_be_read_twice_in_pieces_or_after_its_block() -> None:
    client, transport = client_over(Answer(pieces=[b"a", b"b"]), Answer(pieces=[b"a", b"b"]))
    async with client.files.with_streaming_response.content("f") as response:
        await anext(response.iter_bytes())
        with pytest.raises(OpenAIError, match="in pieces already"):
            await response.read()
    async with client.files.with_streaming_response.content("f") as response:
        pass
    with pytest.raises(OpenAIError, match="inside its `async with` block"):
        await response.read()
    assert transport.open_responses == 0
