"""Multipart framing: exact lengths, and no name that breaks out of its header."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._sansio.multipart import (
    PART_END,
    MultipartPart,
    boundary_from,
    encode_multipart,
    field_part,
    multipart_content_type,
    multipart_end,
    multipart_head,
    multipart_length,
)

BOUNDARY = boundary_from(bytes(range(16)))


def parse(body: bytes, boundary: str) -> list[tuple[bytes, bytes]]:
    """Split a form as RFC 2046 says: (head, content) of each part."""
    delimiter = b"--" + boundary.encode()
    first, *parts, last = (b"\r\n" + body).split(b"\r\n" + delimiter)
    assert first == b""
    assert last == b"--\r\n"
    result: list[tuple[bytes, bytes]] = []
    for part in parts:
        assert part.startswith(b"\r\n")
        head, _, content = part[2:].partition(b"\r\n\r\n")
        result.append((head, content))
    return result


def test_a_form_is_framed_as_the_standard_says() -> None:
    parts = [
        field_part("purpose", "batch"),
        MultipartPart(name="file", filename="a.jsonl", content=b"{}\n", content_type="application/jsonl"),
        MultipartPart(name="data", filename="b", content=b"", headers=(("X-Part", "1"), ("Content-ID", "<a>"))),
    ]
    assert encode_multipart(parts, "b0") == (
        b'--b0\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n'
        b"Content-Type: application/jsonl\r\n\r\n{}\n\r\n"
        b'--b0\r\nContent-Disposition: form-data; name="data"; filename="b"\r\nX-Part: 1\r\nContent-ID: <a>\r\n\r\n\r\n'
        b"--b0--\r\n"
    )
    assert multipart_length(parts, "b0") == len(encode_multipart(parts, "b0"))


def test_an_empty_form_is_its_end() -> None:
    assert encode_multipart([], "b0") == multipart_end("b0") == b"--b0--\r\n"


def test_a_standard_parser_reads_the_form() -> None:
    parts = [field_part("a[]", "é"), MultipartPart(name="file", filename="x.bin", content=b"\x00\r\n--\xff")]
    head = f"Content-Type: {multipart_content_type(BOUNDARY)}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + encode_multipart(parts, BOUNDARY))
    first, second = message.iter_parts()
    assert first.get_payload(decode=True) == "é".encode()
    assert (second.get_filename(), second.get_payload(decode=True)) == ("x.bin", b"\x00\r\n--\xff")


def test_streamed_parts_are_framed_and_counted_like_those_in_memory() -> None:
    in_memory = MultipartPart(name="file", filename="a", content=b"x" * 1000)
    streamed = MultipartPart(name="file", filename="a", size=1000)
    pieces = multipart_head(streamed, BOUNDARY) + b"x" * 1000 + PART_END + multipart_end(BOUNDARY)
    assert pieces == encode_multipart([in_memory], BOUNDARY)
    assert multipart_length([streamed], BOUNDARY) == len(pieces)


def test_a_part_of_unknown_size_leaves_the_length_unknown() -> None:
    assert multipart_length([field_part("a", "b"), MultipartPart(name="file", filename="a")], BOUNDARY) is None


def test_a_streamed_part_cannot_be_encoded_in_one_go() -> None:
    with pytest.raises(ValueError, match="form part 'file' is streamed"):
        encode_multipart([MultipartPart(name="file", size=3)], BOUNDARY)


# openai-python 3.51.0 sends the same for quotes and line ends; a backslash it leaves alone.
@pytest.mark.parametrize(
    ("filename", "on_the_wire"),
    [
        ("plain.txt", b"plain.txt"),
        ('a"b', b"a%22b"),
        ("a\r\nX-Evil: 1", b"a%0D%0AX-Evil: 1"),
        ("é🎉.txt", "é🎉.txt".encode()),
        ("back\\slash\\", b"back\\\\slash\\\\"),
        ("tab\tnul\0del\x7f", b"tab%09nul%00del%7F"),
        ("100%.txt", b"100%.txt"),
        ("a;b=c, d", b"a;b=c, d"),
        ("\udc80lone", b"?lone"),
        ("", b""),
    ],
)
def test_filenames_are_escaped(filename: str, on_the_wire: bytes) -> None:
    head = multipart_head(MultipartPart(name="file", filename=filename), "b0")
    expected = b'--b0\r\nContent-Disposition: form-data; name="file"; filename="' + on_the_wire + b'"\r\n\r\n'
    assert head == expected


@given(name=st.text(max_size=20), filename=st.text(max_size=40), content=st.binary(max_size=40))
@settings(max_examples=150)
def test_no_filename_breaks_out_of_its_header(name: str, filename: str, content: bytes) -> None:
    body = encode_multipart([MultipartPart(name=name, filename=filename, content=content)], BOUNDARY)
    ((head, arrived),) = parse(body, BOUNDARY)
    assert arrived == content
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r") == 0
    quoted = head.removeprefix(b'Content-Disposition: form-data; name="')
    # Four quotes and no more, none of them behind an odd number of backslashes.
    assert quoted.count(b'"') == 3
    assert all(len(piece) % 2 == 0 for piece in backslashes_before_quotes(quoted))


def backslashes_before_quotes(text: bytes) -> list[bytes]:
    pieces = text.split(b'"')[:-1]
    return [piece[len(piece.rstrip(b"\\")) :] for piece in pieces]


@given(contents=st.lists(st.binary(max_size=60), min_size=1, max_size=4))
@settings(max_examples=60)
def test_any_content_arrives_as_it_was(contents: list[bytes]) -> None:
    contents.append(f"\r\n--{BOUNDARY[:-1]}\r\n\r\n--\r\n".encode())
    parts = [MultipartPart(name="f", filename="f", content=content) for content in contents]
    body = encode_multipart(parts, BOUNDARY)
    assert [content for _, content in parse(body, BOUNDARY)] == contents
    assert multipart_length(parts, BOUNDARY) == len(body)


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\rb", "a\0", "\x7f"])
def test_header_values_with_control_characters_are_refused(value: str) -> None:
    for part in (
        MultipartPart(name="f", content=b"", content_type=value),
        MultipartPart(name="f", content=b"", headers=(("X-A", value),)),
    ):
        with pytest.raises(ValueError, match="has a control character in it") as caught:
            multipart_head(part, BOUNDARY)
        assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é"])
def test_header_names_that_are_no_tokens_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="has a header name that is not allowed"):
        multipart_head(MultipartPart(name="f", content=b"", headers=((name, "1"),)), BOUNDARY)


@pytest.mark.parametrize("boundary", ["", "a b", "é", "x" * 71, 'a"b', "a\r\n"])
def test_boundaries_that_break_the_framing_are_refused(boundary: str) -> None:
    for build in (multipart_content_type, lambda text: multipart_head(field_part("a", ""), text)):
        with pytest.raises(ValueError, match="multipart boundary"):
            build(boundary)


def test_a_boundary_is_made_of_the_random_bytes_given() -> None:
    assert BOUNDARY == "000102030405060708090a0b0c0d0e0f"
    assert multipart_content_type(BOUNDARY) == f"multipart/form-data; boundary={BOUNDARY}"
    assert len(boundary_from(b"x" * 100)) <= 70
    with pytest.raises(ValueError, match="needs 16 random bytes"):
        boundary_from(b"short")


def test_field_text_that_is_not_unicode_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="form field 'a' holds text that is not valid Unicode"):
        field_part("a", "\ud800")
