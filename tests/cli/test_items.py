"""Items from lines."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.cli.failures import CommandError
from anyopenai.cli.items import Form, Item, ItemReader, form_of_line, item_from_line
from anyopenai.cli.lines import Lines

ids = st.none() | st.text(st.characters(codec="utf-8")) | st.integers(-(2**63), 2**63)
texts = st.text(st.characters(codec="utf-8"), min_size=1)


@given(id=ids, text=texts, name=st.sampled_from(["text", "input"]))
def test_a_json_line_keeps_its_text_and_its_id(id: str | int | None, text: str, name: str) -> None:
    line = msgspec.json.encode({"id": id, name: text})
    item = item_from_line(line, 7, "jsonl")
    assert item == Item(7 if id is None else id, text)
    assert msgspec.json.decode(msgspec.json.encode(item)) == {"id": 7 if id is None else id, "text": text}


@given(line=st.binary(), form=st.sampled_from(["jsonl", "text"]))
def test_any_line_is_an_item_or_blank_or_a_reasoned_refusal(line: bytes, form: Form) -> None:
    try:
        item = item_from_line(line, 1, form)
    except ValueError as error:
        assert not isinstance(error, UnicodeDecodeError)  # noqa: PT017 - only that it is one of ours is claimed
    else:
        assert item is None or item.text
    assert form_of_line(line) in {"jsonl", "text"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": ', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "a JSON object is needed"),
        (b'{"txt": "a"}', 'neither "text" nor "input"'),
        (b'{"text": null}', 'neither "text" nor "input"'),
        (b'{"text": 3}', '"text" must be a string, not a number'),
        (b'{"input": ["a"]}', '"input" must be a string, not an array'),
        (b'{"text": {}}', '"text" must be a string, not an object'),
        (b'{"text": true}', '"text" must be a string, not a boolean'),
        (b'{"text": ""}', '"text" is empty'),
        (b'{"text": "a", "id": [1]}', '"id" must be a string or a whole number, not an array'),
        (b'{"text": "a", "id": true}', '"id" must be a string or a whole number, not a boolean'),
    ],
)
def test_a_bad_json_line_says_what_is_wrong(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        item_from_line(line, 1, "jsonl")


def test_a_plain_line_must_be_utf8() -> None:
    with pytest.raises(ValueError, match="not UTF-8: invalid start byte at byte 2"):
        item_from_line(b"ab\xff", 1, "text")


@pytest.mark.parametrize(
    ("line", "form"),
    [
        (b'{"text": "a"}', "jsonl"),
        (b'{"id": 1, "input": "a"}', "jsonl"),
        (b"{a set}", "text"),
        (b'"quoted"', "text"),
        (b"12", "text"),
        (b"plain", "text"),
    ],
)
def test_the_first_line_tells_the_form(line: bytes, form: str) -> None:
    assert form_of_line(line) == form


async def batches(path: Path, size: int, form: Form | None = None) -> list[list[Item]]:
    async with Lines(str(path)) as lines:
        reader = ItemReader(lines, size, form)
        found = []
        while batch := await reader.next_batch():
            found.append(batch)
        return found


async def test_batches_are_full_but_the_last(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"\xef\xbb\xbfa\n\n  \nb\nc\n")
    assert await batches(path, 2) == [[Item(1, "a"), Item(4, "b")], [Item(5, "c")]]


async def test_an_input_without_items_has_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"\n\n")
    assert await batches(path, 2) == []


async def test_long_texts_make_smaller_batches(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_text("\n".join(["x" * 250_000] * 5 + ["y" * 700_000]))
    assert [[len(item.text) for item in batch] for batch in await batches(path, 100)] == [
        [250_000, 250_000],
        [250_000, 250_000],
        [250_000],
        [700_000],
    ]


async def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": 1}\n')
    with pytest.raises(CommandError, match=r'in\.jsonl, line 2: "text" must be a string'):
        await batches(path, 8)


async def test_a_given_form_beats_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b'{"text": "a"}\n')
    assert await batches(path, 8, "text") == [[Item(1, '{"text": "a"}')]]
