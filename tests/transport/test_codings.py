"""Content codings: whole, byte by byte, any cut, any garbage; and never more decoded than was asked for."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.transport.codings import CodingError, decoder_for


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    (b"gzip",): gzip.compress,
    (b"x-gzip",): lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:]),
    (b"deflate",): zlib.compress,
    (b"deflate", b"gzip"): lambda data: gzip.compress(zlib.compress(data)),
    (b"gzip", b"deflate"): lambda data: raw_deflate(gzip.compress(data)),
}


def undo(encodings: tuple[bytes, ...], pieces: list[bytes], step: int) -> bytes:
    decoder = decoder_for(encodings)
    assert decoder is not None
    decoded = bytearray()
    for piece in pieces:
        decoder.feed(piece)
        while data := decoder.read(step):
            assert len(data) <= step
            decoded += data
    decoder.finish()
    return bytes(decoded)


@given(st.sampled_from(sorted(CODINGS)), st.binary(max_size=2000), st.lists(st.integers(0, 5000)), st.integers(1, 3000))
def test_a_body_does_not_depend_on_how_its_bytes_are_cut(
    encodings: tuple[bytes, ...], body: bytes, cuts: list[int], step: int
) -> None:
    coded = CODINGS[encodings](body)
    edges = [0, *sorted({place % (len(coded) + 1) for place in cuts}), len(coded)]
    pieces = [coded[start:end] for start, end in pairwise(edges)]
    assert undo(encodings, pieces, step) == body
    assert undo(encodings, [coded[i : i + 1] for i in range(len(coded))], step) == body


@given(st.sampled_from(sorted(CODINGS)), st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=10))
def test_garbage_gives_the_documented_error_only(
    encodings: tuple[bytes, ...], body: bytes, place: int, noise: bytes
) -> None:
    coded = bytearray(CODINGS[encodings](body))
    coded[place % len(coded) : place % len(coded) + len(noise)] = noise
    for data in (bytes(coded), noise + body):
        with suppress(CodingError):
            undo(encodings, [data], 1000)


def test_raw_deflate_is_understood() -> None:
    for data in (b"", b"x", b"hello" * 100):
        assert undo((b"deflate",), [raw_deflate(data)], 50) == data


def test_an_empty_body_needs_no_coding() -> None:
    assert undo((b"gzip",), [], 10) == b""


@pytest.mark.parametrize("encodings", sorted(CODINGS))
def test_data_that_ends_early_is_an_error(encodings: tuple[bytes, ...]) -> None:
    coded = CODINGS[encodings](bytes(range(200)))
    for end in range(1, len(coded) - 1):
        with pytest.raises(CodingError):
            undo(encodings, [coded[:end]], 1000)
        if encodings == (b"x-gzip",):
            break  # the first of two members is whole somewhere in between


def test_padding_after_the_end_is_dropped_and_anything_else_is_an_error() -> None:
    coded = gzip.compress(b"hello")
    assert undo((b"gzip",), [coded, bytes(10)], 100) == b"hello"
    with pytest.raises(CodingError, match="bytes follow the end"):
        undo((b"gzip",), [coded, b"x"], 100)


def test_what_was_compressed_too_well_is_given_in_small_steps() -> None:
    decoder = decoder_for((b"gzip", b"gzip"))
    assert decoder is not None
    decoder.feed(gzip.compress(gzip.compress(bytes(20_000_000))))
    for _ in range(100):
        assert len(decoder.read(1000)) == 1000


def test_unknown_codings_are_not_undone_and_too_many_are_refused() -> None:
    assert decoder_for((b"br",)) is None
    assert decoder_for((b"gzip", b"zstd")) is None
    with pytest.raises(CodingError, match="coded 4 times"):
        decoder_for((b"gzip",) * 4)
