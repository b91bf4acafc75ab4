"""Forms with files: every kind of file, names and types, and the fields beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import anyio
import pytest

from anyopenai import OpenAI, omit
from anyopenai._contract import Operation
from behaviour.answers import file
from behaviour.forms import fields_of, file_of, parts_of
from behaviour.server import Server, json

CONTENT = b"The content.\r\n\x00\x7f\n"


@pytest.fixture(autouse=True)
def answered(server: Server) -> None:
    """Every upload is answered."""
    server.script(json(file()))


async def upload(client: OpenAI, given: object, **arguments: object) -> None:
    await client.files.create(**{"file": given, "purpose": "assistants", **arguments})


async def form(client: OpenAI, path: str, files: tuple[str, ...], **members: object) -> None:
    """Send a form to an endpoint whose method is not there yet."""
    operation: Operation[Any] = Operation(
        name="test.form", verb="POST", path=path, returns=object, body="multipart", files=files
    )
    await client._caller.call(operation, body=members, options={})


async def test_bytes_are_a_file_part_beside_the_fields(server: Server, client: OpenAI) -> None:
    await upload(client, CONTENT)
    part = file_of(server.last)
    assert (part.name, part.content) == ("file", CONTENT)
    assert part.filename
    assert fields_of(server.last) == [("purpose", "assistants")]
    assert server.last["content-length"] == str(len(server.last.body))


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("report.txt", lambda path: path),
        ("report.txt", anyio.Path),
        ("given.bin", lambda path: ("given.bin", path)),
        ("given.bin", lambda path: ("given.bin", CONTENT)),
        ("given.bin", lambda path: ("given.bin", BytesIO(CONTENT))),
        # Beside a name it can only be the content.
        ("given.bin", lambda path: ("given.bin", CONTENT.decode("latin-1"))),
    ],
    ids=["Path", "anyio.Path", "(name, path)", "(name, bytes)", "(name, BytesIO)", "(name, text)"],
)
async def test_a_file_arrives_with_its_content_and_name(
    server: Server, client: OpenAI, tmp_path: Path, name: str, wrap: Callable[[Path], object]
) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(CONTENT)
    await upload(client, wrap(path))
    part = file_of(server.last)
    assert (part.filename, part.content) == (name, CONTENT)


async def test_an_open_file_is_sent_with_its_base_name(server: Server, client: OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(CONTENT)
    with path.open("rb") as opened:
        await upload(client, opened)
    async with await anyio.open_file(path, "rb") as opened_too:
        await upload(client, opened_too)
    for request in server.requests:
        part = file_of(request)
        assert (part.filename, part.content) == ("report.txt", CONTENT)


@pytest.mark.parametrize("named", [False, True])
async def test_a_bytesio_is_sent(server: Server, client: OpenAI, named: bool) -> None:
    buffer = BytesIO(CONTENT)
    if named:
        buffer.name = "buffer.pdf"
    await upload(client, buffer)
    part = file_of(server.last)
    assert part.content == CONTENT
    assert not named or part.filename == "buffer.pdf"


async def test_a_tuple_may_say_the_content_type_and_more_headers(server: Server, client: OpenAI) -> None:
    await upload(client, ("a.bin", CONTENT, "application/x-thing"))
    assert file_of(server.last).content_type == "application/x-thing"
    await upload(client, ("a.bin", CONTENT, "application/x-thing", {"X-Part": "yes"}))
    part = file_of(server.last)
    assert (part.content_type, part.headers["x-part"]) == ("application/x-thing", "yes")
    await upload(client, ("a.jsonl", CONTENT, None))
    assert file_of(server.last).content_type


@pytest.mark.parametrize(
    "wrong",
    ["text", StringIO("text"), 17, None, ("name",), ("a", b"b", None, {}, 5), (1, b"x"), {"a": b""}],
    ids=repr,
)
async def test_what_is_no_file_is_refused_before_anything_is_sent(
    server: Server, client: OpenAI, wrong: object
) -> None:
    with pytest.raises(TypeError):
        await upload(client, wrong)
    assert server.requests == []


async def test_a_path_that_is_not_there_is_the_callers_error(server: Server, client: OpenAI, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await upload(client, tmp_path / "absent.txt")
    assert server.requests == []


@pytest.mark.parametrize(
    "name",
    [
        'quo"te.txt',
        "new\nline.txt",
        "cr\r\nX-Injected: 1.txt",
        "snow☃.txt",
        "back\\slash.txt",
        "semi;colon=1.txt",
        "tab\t.txt",
    ],
    ids=repr,
)
async def test_a_file_name_cannot_break_out_of_its_header(server: Server, client: OpenAI, name: str) -> None:
    await upload(client, (name, CONTENT))
    first, second = sorted(parts_of(server.last), key=lambda part: part.name)
    assert (first.name, first.content) == ("file", CONTENT)
    assert second.name == "purpose"
    assert "x-injected" not in first.headers
    assert first.head.count(b"\r\n") <= 2
    assert b"\n" not in first.head.replace(b"\r\n", b"")
    assert re.search(rb'filename="[^"]*"', first.head) or b"filename*=" in first.head


@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
@pytest.mark.parametrize("how", ["bytes", "path"])
async def test_a_file_of_any_size_arrives_intact(
    server: Server, client: OpenAI, tmp_path: Path, size: int, how: str
) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    await upload(client, content if how == "bytes" else path)
    assert file_of(server.last).content == content


async def test_boundary_like_content_arrives_intact(server: Server, client: OpenAI) -> None:
    await upload(client, b"x")
    boundary = server.last["content-type"].partition("boundary=")[2].encode()
    content = b"--" + boundary + b"--\r\n--" + boundary + b"\r\n\r\n--\r\n--boundary--"
    await upload(client, content)
    assert file_of(server.last).content == content


async def test_nested_objects_booleans_and_extra_fields_join_the_form(server: Server, client: OpenAI) -> None:
    await upload(
        client,
        CONTENT,
        expires_after={"anchor": "created_at", "seconds": 3600},
        extra_body={
            "flag": True,
            "off": False,
            "list": ["a", "b"],
            "deep": {"a": {"b": 1}},
            "left": omit,
            "null": None,
        },
    )
    assert fields_of(server.last) == [
        ("purpose", "assistants"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("flag", "true"),
        ("off", "false"),
        ("list[]", "a"),
        ("list[]", "b"),
        ("deep[a][b]", "1"),
    ]


async def test_omitted_fields_are_not_sent(server: Server, client: OpenAI) -> None:
    await upload(client, CONTENT, expires_after=omit)
    assert fields_of(server.last) == [("purpose", "assistants")]


async def test_arrays_in_forms_use_brackets(server: Server, client: OpenAI) -> None:
    await form(client, "/audio/transcriptions", ("file",), file=CONTENT, timestamp_granularities=["word", "segment"])
    assert fields_of(server.last) == [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")]


@pytest.mark.parametrize(
    ("given", "names"),
    [([CONTENT, ("b.png", b"b")], ["image[]", "image[]"]), (CONTENT, ["image"]), (("b.png", b"b"), ["image"])],
    ids=["a list", "one", "one tuple"],
)
async def test_a_list_of_files_uses_brackets_and_a_single_file_does_not(
    server: Server, client: OpenAI, given: object, names: list[str]
) -> None:
    await form(client, "/images/edits", ("image", "mask"), image=given, prompt="x")
    assert [part.name for part in parts_of(server.last) if part.filename is not None] == names


async def test_a_part_of_an_upload_is_sent_under_its_own_name(server: Server, client: OpenAI) -> None:
    await form(client, "/uploads/upload_1/parts", ("data",), data=CONTENT)
    part = file_of(server.last)
    assert (part.name, part.content) == ("data", CONTENT)


async def test_files_can_be_posted_to_any_path(server: Server, client: OpenAI) -> None:
    await client.post("/strange", cast_to=object, body={"a": "1"}, files=[("doc", ("d.txt", CONTENT))])
    part = file_of(server.last)
    assert (part.name, part.filename, part.content) == ("doc", "d.txt", CONTENT)
    assert fields_of(server.last) == [("a", "1")]
