"""Reading forms: whole, byte by byte, cut anywhere, and garbage."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.testing.multipart import MultipartError, MultipartParser, Part

TYPE = "multipart/form-data; boundary=XX"
FORM = (
    b"preamble\r\n--XX\r\n"
    b'Content-Disposition: form-data; name="purpose"\r\n\r\n'
    b"batch\r\n--XX  \r\n"
    b'content-disposition: form-data; name="file"; filename="a %22b%22.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"one\r\n--X\r\n\r\n-XX\r\n--XX\r\n"
    b'Content-Disposition: form-data; name=empty; filename="\\"q\\".bin"\r\n\r\n'
    b"\r\n--XX--\r\nepilogue"
)


def parts_of(pieces: list[bytes], content_type: str = TYPE) -> list[tuple[str, str | None, str | None, bytes]]:
    parser = MultipartParser(content_type)
    for piece in pieces:
        parser.feed(piece)
    return [(part.name, part.filename, part.content_type, bytes(part.data)) for part in parser.finish()]


EXPECTED = [
    ("purpose", None, None, b"batch"),
    ("file", 'a "b".txt', "text/plain", b"one\r\n--X\r\n\r\n-XX"),
    ("empty", '"q".bin', None, b""),
]


def test_a_whole_form_gives_its_parts():
    assert parts_of([FORM]) == EXPECTED


def test_a_form_byte_by_byte_gives_the_same_parts():
    assert parts_of([bytes([byte]) for byte in FORM]) == EXPECTED


@settings(max_examples=100)
@given(cuts=st.lists(st.integers(0, len(FORM)), max_size=6))
def test_parts_do_not_depend_on_how_bytes_are_cut(cuts: list[int]):
    places = [0, *sorted(cuts), len(FORM)]
    assert parts_of([FORM[start:end] for start, end in pairwise(places)]) == EXPECTED


@settings(max_examples=100)
@given(data=st.binary(max_size=300), position=st.integers(0, len(FORM)))
def test_garbage_raises_only_the_documented_error(data: bytes, position: int):
    for garbage in (data, FORM[:position] + data, FORM[:position] + data + FORM[position:]):
        with suppress(MultipartError):
            parts_of([garbage])


@settings(max_examples=60)
@given(content=st.binary(max_size=2000).filter(lambda data: b"\r\n--XX" not in b"\r\n" + data))
def test_any_content_without_the_boundary_survives(content: bytes):
    form = b'--XX\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + content + b"\r\n--XX--"
    assert parts_of([form]) == [("f", None, None, content)]


@pytest.mark.parametrize(
    "content_type", ['multipart/form-data; boundary="XX"', "Multipart/Form-Data; BOUNDARY=XX; a=b"]
)
def test_the_boundary_is_found_in_the_content_type(content_type: str):
    assert parts_of([FORM], content_type) == EXPECTED


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=XX"]
)
def test_other_content_types_are_refused(content_type: str):
    with pytest.raises(MultipartError, match="not multipart/form-data"):
        MultipartParser(content_type)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (b"", "ends before"),
        (b"--XX", "ends before"),
        (FORM[:-20], "ends before"),
        (b"--XXY\r\n", "more than the boundary"),
        (b"--XX\r\n\r\n", "no headers"),
        (b"--XX\r\nContent-Type: a\r\n\r\n", "no content-disposition"),
        (b'--XX\r\nContent-Disposition: attachment; name="a"\r\n\r\n', "no content-disposition"),
        (b"--XX\r\nContent-Disposition: form-data\r\n\r\n", "no content-disposition"),
        (b"--XX\r\n" + b"x" * 20000, "longer than"),
        (b"--XX" + b" " * 20000, "too long"),
        (b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 1001, "more than 1000 parts"),
    ],
)
def test_broken_forms_say_what_is_wrong(form: bytes, message: str):
    with pytest.raises(MultipartError, match=message):
        parts_of([form])


def test_a_part_shows_its_name_and_size_and_not_its_content():
    part = Part("file", "a.txt", None)
    part.data += b"secret"
    assert repr(part) == "<Part 'file' filename='a.txt' 6 bytes>"
    assert part.text() == "secret"
