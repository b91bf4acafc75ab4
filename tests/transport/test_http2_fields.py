"""Our HPACK against the one that h2 brings along, both ways, over whole connections of random blocks."""

from __future__ import annotations

import logging

import pytest
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError, OversizedHeaderListError
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.transport.http2_fields import FieldDecoder, FieldEncoder

NAMES = st.sampled_from(
    [b":path", b"authorization", b"content-length", b"content-type", b"x-one", b"x-two", b"cookie", b"date", b"x" * 200]
)
VALUES = st.one_of(
    st.sampled_from([b"", b"/", b"application/json", b"0", b"Tue, 01 Jul 2025 12:00:00 GMT", b"y" * 1500]),
    st.binary(max_size=40),
)
BLOCKS = st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=8), max_size=20)
SIZES = st.lists(st.sampled_from([0, 50, 100, 4096, 65536]), max_size=3)


@given(blocks=BLOCKS, sizes=st.lists(SIZES, max_size=20))
def test_another_decoder_reads_what_is_encoded_whatever_the_sizes_of_the_table(
    blocks: list[list[tuple[bytes, bytes]]], sizes: list[list[int]]
) -> None:
    ours, theirs = FieldEncoder(), Decoder(max_header_list_size=1 << 20)
    theirs.max_allowed_table_size = 1 << 20
    for number, block in enumerate(blocks * 3):
        for size in sizes[number % len(sizes)] if sizes else ():
            ours.header_table_size = size
            # Whoever allows less refuses more, and must be told of the smaller table.
            theirs.max_allowed_table_size = size
        assert [tuple(field) for field in theirs.decode(ours.encode(block), raw=True)] == block


@given(blocks=BLOCKS, huffman=st.booleans(), sizes=SIZES)
def test_what_another_encoder_makes_is_read(
    blocks: list[list[tuple[bytes, bytes]]], huffman: bool, sizes: list[int]
) -> None:
    ours, theirs = FieldDecoder(), Encoder()
    for number, block in enumerate(blocks * 3):
        if sizes and number % 5 == 0:
            theirs.header_table_size = min(4096, sizes[number // 5 % len(sizes)])
        assert ours.decode(theirs.encode(block, huffman=huffman)) == block


@given(data=st.binary(max_size=200))
def test_garbage_is_refused_with_the_errors_that_h2_expects_or_read_as_others_read_it(data: bytes) -> None:
    try:
        expected = [tuple(field) for field in Decoder().decode(data, raw=True)]
    except (HPACKError, IndexError, ValueError):
        with pytest.raises(HPACKError):
            FieldDecoder().decode(data)
    else:
        assert FieldDecoder().decode(data) == expected


@given(blocks=BLOCKS, cut=st.integers(0, 200))
def test_a_block_cut_short_is_refused_or_ends_with_a_whole_field(
    blocks: list[list[tuple[bytes, bytes]]], cut: int
) -> None:
    for block in blocks:
        data = Encoder().encode(block)
        try:
            fields = FieldDecoder().decode(data[:cut])
        except HPACKError:
            continue
        assert fields == block[: len(fields)]


def test_a_block_that_grows_beyond_the_limit_is_refused() -> None:
    encoder, decoder = Encoder(), FieldDecoder()
    decoder.max_header_list_size = 10_000
    bomb = encoder.encode([(b"x", b"y" * 3000)]) + b"\xbe" * 10
    with pytest.raises(OversizedHeaderListError):
        decoder.decode(bomb)


def test_a_table_larger_than_allowed_is_refused() -> None:
    with pytest.raises(HPACKError):
        FieldDecoder().decode(b"\x3f\xe2\x1f")


def test_what_is_sent_again_takes_one_byte_and_secrets_never_enter_the_table() -> None:
    encoder, decoder = FieldEncoder(), Decoder()
    fields = [(b"x-title", b"demo"), (b"authorization", b"Bearer sk-secret")]
    blocks = [encoder.encode(fields) for _ in range(4)]
    for block in blocks:
        decoder.decode(block, raw=True)
    assert blocks[2] == blocks[3]
    assert blocks[3].startswith(b"\xbe\x1f\x08")  # index 62, then "never indexed" with the name of index 23
    assert [name for name, _ in decoder.header_table.dynamic_entries] == [b"x-title"]


def test_no_field_is_written_to_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        block = FieldEncoder().encode([(b"authorization", b"Bearer sk-secret"), (b"x-own", b"also secret")])
        FieldDecoder().decode(block)
    assert not caplog.records
