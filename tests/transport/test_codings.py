"""Content codings: whole, byte by byte, any cut, any garbage; and never more decoded than was asked for."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.transport import codings
from anyopenai.transport.codings import ACCEPT_ENCODING, CodingError, decoder_for


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def in_two_frames(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Pack the halves apart, with a frame in between that decoders skip (RFC 8878, section 3.1.2)."""
    return lambda data: compress(data[:3]) + b"\x50\x2a\x4d\x18\x04\0\0\0skip" + compress(data[3:])


CODINGS: dict[tuple[bytes, ...], Callable[[bytes], bytes]] = {
    (b"gzip",): gzip.compress,
    (b"x-gzip",): lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:]),
    (b"deflate",): zlib.compress,
    (b"deflate", b"gzip"): lambda data: gzip.compress(zlib.compress(data)),
    (b"gzip", b"deflate"): lambda data: raw_deflate(gzip.compress(data)),
}
# Where the extra is not installed, neither is tested: nor is it offered then.
brotli: Any = import_module("brotli") if b"br" in ACCEPT_ENCODING else None
zstd: Any = None
if brotli is not None:
    CODINGS[b"br",] = brotli.compress
    CODINGS[b"br", b"gzip"] = lambda data: gzip.compress(brotli.compress(data))
if b"zstd" in ACCEPT_ENCODING:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    CODINGS[b"zstd",] = zstd.compress
    CODINGS[b"gzip", b"zstd"] = lambda data: in_two_frames(zstd.compress)(gzip.compress(data))
needs_extra = pytest.mark.skipif(brotli is None or zstd is None, reason="the extra `compression` is not installed")


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
        if encodings in ((b"x-gzip",), (b"gzip", b"zstd")):
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


@needs_extra
@pytest.mark.parametrize("coding", [b"br", b"zstd"])
def test_what_an_optional_coding_packed_too_well_is_given_in_small_steps(coding: bytes) -> None:
    coded = CODINGS[coding,](bytes(50_000_000))
    assert len(coded) < 5000
    decoder = decoder_for((coding,))
    assert decoder is not None
    decoder.feed(coded)
    size = 0
    for _ in range(100):
        size += len(decoder.read(1000))
    assert 0 < size <= 100_000
    while data := decoder.read(65536):
        assert len(data) <= 65536
        size += len(data)
    decoder.finish()
    assert size == 50_000_000


@needs_extra
def test_a_window_larger_than_http_allows_is_refused() -> None:
    """RFC 9659: a frame may ask for gigabytes before its first byte."""
    greedy = zstd.compress(bytes(100), options={zstd.CompressionParameter.window_log: 24})
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    assert undo((b"zstd",), [greedy], 1000) == bytes(100)  # a small body needs no window
    decoder = decoder_for((b"zstd",))
    assert decoder is not None
    decoder.feed(packer.compress(bytes(100)) + packer.flush(packer.FLUSH_BLOCK))
    with pytest.raises(CodingError, match="the zstd data is broken"):
        decoder.read(1000)


def test_without_the_extra_its_codings_are_neither_offered_nor_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("brotli", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    assert codings._optional_layers() == {}
    # A brotli whose output cannot be bounded is as good as none.
    monkeypatch.setitem(sys.modules, "brotli", type(sys)("brotli"))
    assert codings._optional_layers() == {}
    monkeypatch.setattr(codings, "_OPTIONAL", {})
    assert decoder_for((b"br",)) is None
    assert decoder_for((b"gzip", b"zstd")) is None


def test_unknown_codings_are_not_undone_and_too_many_are_refused() -> None:
    assert decoder_for((b"compress",)) is None
    assert decoder_for((b"gzip", b"aes128gcm")) is None
    with pytest.raises(CodingError, match="coded 4 times"):
        decoder_for((b"gzip",) * 4)
