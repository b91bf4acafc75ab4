"""Answers that are bytes: exact content, files, pieces as they arrive, and downloads that fail."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from anyopenai import APIConnectionError, APIError, NotFoundError, OpenAI
from behaviour.server import Cut, Reply, Server, chunked, error, head, whole

OCTETS = {"content-type": "application/octet-stream"}
DATA = bytes(range(256)) * 40


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        b'{"looks": "like json"}',
        b"",
        b"\x00",
        b'{"error": {"message": "only a file about errors"}}',
        b"data: x\n\n",
    ],
    ids=["octets", "json", "empty", "nul", "an error object", "events"],
)
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json", "text/event-stream"])
async def test_a_files_content_is_its_exact_bytes(server: Server, client: OpenAI, data: bytes, kind: str) -> None:
    server.script(whole(data, headers={"content-type": kind}))
    answer = await client.files.content("file-1")
    assert answer.content == answer.read() == data
    assert b"".join(answer.iter_bytes(1000)) == data


async def test_text_and_json_of_a_binary_answer(server: Server, client: OpenAI) -> None:
    server.script(whole('{"größe": 1}'.encode(), headers={"content-type": "application/json"}))
    answer = await client.files.content("file-1")
    assert answer.text == '{"größe": 1}'
    assert answer.json() == {"größe": 1}
    assert answer.response.headers["content-type"] == "application/json"


async def test_a_binary_answer_can_be_written_to_a_file(server: Server, client: OpenAI, tmp_path: Path) -> None:
    server.script(whole(DATA, headers=OCTETS))
    answer = await client.files.content("file-1")
    answer.write_to_file(tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == DATA


async def test_a_streamed_download_can_go_to_a_file(server: Server, client: OpenAI, tmp_path: Path) -> None:
    server.script(chunked(DATA[:100], DATA[100:], headers=OCTETS))
    async with client.files.with_streaming_response.content("file-1") as response:
        await response.stream_to_file(tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == DATA


async def test_a_streamed_download_gives_its_first_piece_before_the_last_is_sent(
    server: Server, client: OpenAI
) -> None:
    gate = anyio.Event()
    server.script(chunked(b"first", gate, b"last", headers=OCTETS))
    async with client.files.with_streaming_response.content("file-1") as response:
        pieces = aiter(response.iter_bytes())
        assert await anext(pieces) == b"first"
        gate.set()
        assert [piece async for piece in pieces] == [b"last"]


async def test_a_json_error_of_a_binary_method_is_a_status_error(server: Server, client: OpenAI) -> None:
    server.script(error(404, "No such file."))
    with pytest.raises(NotFoundError, match="No such file"):
        await client.files.content("file-1")


BROKEN = [
    Reply(head(200, {"content-length": "1000", **OCTETS}) + b"short", Cut.CLOSE),
    Reply(head(200, {"content-length": "1000", **OCTETS}) + b"short", Cut.RESET),
    chunked(b"short", Cut.CLOSE, headers=OCTETS),
    chunked(b"short", Cut.RESET, headers=OCTETS),
]
BROKEN_IDS = ["closed", "reset", "chunked, closed", "chunked, reset"]


@pytest.mark.parametrize("reply", BROKEN, ids=BROKEN_IDS)
async def test_a_download_that_breaks_off_raises(server: Server, client: OpenAI, reply: Reply) -> None:
    server.script(reply)
    with pytest.raises(APIConnectionError):
        await client.files.content("file-1")


@pytest.mark.parametrize("reply", BROKEN, ids=BROKEN_IDS)
async def test_a_streamed_download_that_breaks_off_raises_and_leaves_no_file(
    server: Server, client: OpenAI, tmp_path: Path, reply: Reply
) -> None:
    server.script(reply)
    async with client.files.with_streaming_response.content("file-1") as response:
        with pytest.raises(APIError):
            await response.stream_to_file(tmp_path / "out.bin")
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []
