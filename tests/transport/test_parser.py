"""The response parser: whole, byte by byte, any cut, any garbage; and what becomes of bytes beyond the end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from httptools import HttpParserError
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.testing.faults import response_bytes
from anyopenai.transport.parser import MAX_FIELDS, MAX_HEAD_BYTES, ResponseError, ResponseParser

TOKENS = st.text("abcdefghij-", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
RESERVED = {"content-length", "transfer-encoding", "connection", "content-encoding", "upgrade"}


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, bool]:
    """Give a response's bytes, and whether it ends with the connection."""
    fields = {name: value for name, value in draw(st.dictionaries(TOKENS, VALUES)).items() if name not in RESERVED}
    early = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nlink: <x>\r\n\r\n"]))
    body = draw(st.binary(max_size=200))
    status = draw(st.sampled_from([200, 201, 301, 404, 429, 500]))
    framing = draw(st.sampled_from(["length", "chunks", "end"]))
    if framing == "chunks":
        pieces = draw(st.lists(st.binary(min_size=1, max_size=50)))
        return early + response_bytes(status, headers=fields, chunks=pieces), False
    wire = early + response_bytes(status, body, fields)
    if framing == "end":
        wire = wire.replace(b"content-length: %d\r\n" % len(body), b"").replace(
            b"\r\ncontent-length: %d\r\n\r\n" % len(body), b"\r\n\r\n"
        )
    return wire, framing == "end"


def cut(wire: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    edges = [0, *sorted({place % (len(wire) + 1) for place in cuts}), len(wire)]
    return [wire[start:end] for start, end in pairwise(edges) if end > start]


def outcome(pieces: list[bytes], *, head_only: bool = False) -> tuple[object, ...]:
    """Parse pieces and give all that can be known afterwards."""
    parser = ResponseParser()
    parser.start(head_only=head_only)
    failure = ""
    for piece in pieces:
        try:
            parser.feed(piece)
        except (ResponseError, HttpParserError) as error:
            failure = type(error).__name__
            break
        if parser.error:
            failure = type(parser.error).__name__
            break
    else:
        parser.finish()
    facts = (parser.status, tuple(parser.fields), parser.http_version, parser.encodings, parser.length)
    known = facts if parser.head_complete else ()
    return (*known, failure, b"".join(parser.pieces), parser.complete, parser.keep_alive and not parser.excess)


@given(responses(), st.lists(st.integers(0, 10_000), max_size=20), st.booleans())
def test_a_response_does_not_depend_on_how_its_bytes_are_cut(
    response: tuple[bytes, bool], cuts: list[int], head_only: bool
) -> None:
    wire, ends = response
    whole = outcome([wire], head_only=head_only)
    assert outcome(cut(wire, cuts), head_only=head_only) == whole
    assert outcome([wire[i : i + 1] for i in range(len(wire))], head_only=head_only) == whole
    if not head_only:
        assert whole[-2] is True
        assert whole[-1] is not ends


@given(st.binary(max_size=300), responses(), st.integers(0, 500), st.integers(0, 255), st.lists(st.integers(0, 999)))
def test_garbage_gives_documented_errors_only_and_the_same_however_it_is_cut(
    garbage: bytes, response: tuple[bytes, bool], place: int, byte: int, cuts: list[int]
) -> None:
    wire = bytearray(response[0])
    wire[place % len(wire)] = byte
    for data in (garbage, b"HTTP/1.1 " + garbage, bytes(wire)):
        assert outcome(cut(data, cuts)) == outcome([data])


def test_bytes_after_the_end_are_not_delivered_and_forbid_another_exchange() -> None:
    for pieces in ([b"hello", b"more"], [b"hellomore"], [b"hello", b"HTTP/1.1 200 OK\r\n"], [b"helloHTTP/1.1 2"]):
        parser = ResponseParser()
        parser.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        for piece in pieces:
            parser.feed(piece)
        assert b"".join(parser.pieces) == b"hello"
        assert parser.complete
        assert parser.excess


def test_one_parser_serves_exchange_after_exchange() -> None:
    parser = ResponseParser()
    for head_only in (False, True, False, True, True, False):
        parser.start(head_only=head_only)
        parser.feed(response_bytes(200, b"" if head_only else b"abc", {"content-length": "3"}))
        assert (parser.complete, parser.keep_alive, parser.excess) == (True, True, False)
        assert b"".join(parser.pieces) == (b"" if head_only else b"abc")


def test_the_good_pieces_before_a_bad_chunk_are_kept() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzzz\r\n")
    assert parser.pieces == [b"ok"]
    assert isinstance(parser.error, HttpParserError)
    assert not parser.complete


@pytest.mark.parametrize("size", [100, 5000])
def test_a_head_without_end_is_given_up(size: int) -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nx-endless: ")
    for _ in range((MAX_HEAD_BYTES - 27) // size):
        parser.feed(b"x" * size)
    with pytest.raises(ResponseError, match="went beyond 65536 bytes"):
        parser.feed(b"x" * size)


def test_too_many_fields_are_given_up() -> None:
    parser = ResponseParser()
    with pytest.raises(ResponseError, match=f"more than {MAX_FIELDS} fields"):
        parser.feed(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (MAX_FIELDS + 1) + b"\r\n")


@pytest.mark.parametrize(
    ("rest", "piece"),
    [
        (b"1\r\nx\r\n0\r\n", b"trailer: endless\r\n"),
        (b"1\r\nx\r\n1;", b"extension=endless;"),
    ],
)
def test_what_brings_no_body_does_not_go_on_for_ever(rest: bytes, piece: bytes) -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + rest)
    for _ in range(20_000):
        parser.feed(piece)
        if parser.error is not None:
            break
    assert isinstance(parser.error, ResponseError)
    assert parser.pieces == [b"x"]


@pytest.mark.parametrize(
    ("start", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, CLOSE\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_whether_a_connection_may_be_used_again_is_read_off_the_head(start: bytes, keep_alive: bool) -> None:
    parser = ResponseParser()
    parser.feed(start + b"content-length: 0\r\n\r\n")
    assert parser.keep_alive is keep_alive


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"x"])
def test_a_transfer_coding_that_was_not_asked_for_is_refused(coding: bytes) -> None:
    parser = ResponseParser()
    with pytest.raises(ResponseError, match="not asked for"):
        parser.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: %b\r\n\r\n" % coding)


def feed_all(parser: ResponseParser, pieces: list[bytes]) -> None:
    """Feed piece after piece."""
    for piece in pieces:
        parser.feed(piece)


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: identity\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\t\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
        b"HTTP/1.1 200 OK\r\na: b\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\na: b\rc: d\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\na: b\r\n\tfolded\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n a: b\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 099 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/0.9 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"RTSP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"ICE/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
)
def test_a_head_that_two_readers_could_read_differently_is_refused(wire: bytes) -> None:
    """Lengths in doubt, folded and bare line ends, other protocols: what response splitting and smuggling are made of."""
    for size in (1, len(wire)):
        parser = ResponseParser()
        with pytest.raises((ResponseError, HttpParserError)):
            feed_all(parser, [wire[start : start + size] for start in range(0, len(wire), size)])
        assert not parser.head_complete
        assert not parser.pieces


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\n0\n\n",
        b"5\r\nhello0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_chunks_of_a_size_in_doubt_are_an_error(body: bytes) -> None:
    for size in (1, 1000):
        parser = ResponseParser()
        parser.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(body), size):
            if parser.error is None:
                parser.feed(body[start : start + size])
        assert isinstance(parser.error, HttpParserError)
        assert not parser.complete


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    parser = ResponseParser()
    parser.feed(
        b"HTTP/1.1 200 OK\r\nA:  b c \t \r\nE: \r\nconnection: close \r\nTransfer-Encoding: Chunked \r\n\r\n" + CHUNKS
    )
    assert parser.fields == [(b"a", b"b c"), (b"e", b""), (b"connection", b"close"), (b"transfer-encoding", b"Chunked")]
    assert parser.pieces == [b"hello"]
    assert parser.complete
    assert not parser.keep_alive


def test_chunks_before_http_1_1_are_read_and_their_connection_is_not_used_again() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS)
    assert (parser.pieces, parser.complete, parser.keep_alive) == ([b"hello"], True, False)


@pytest.mark.parametrize("size", [1, 1000, 65536, 200_000])
@pytest.mark.parametrize(
    "part", [b"HTTP/1.1 200 %b\r\n\r\n", b"HTTP/1.1 200 OK\r\na: %b\r\n\r\n"], ids=["status", "field"]
)
def test_the_limit_of_a_head_does_not_depend_on_how_its_bytes_are_cut(part: bytes, size: int) -> None:
    for excess in (0, 1):
        wire = part % (b"x" * (MAX_HEAD_BYTES + excess - len(part) + 2)) + b"body"
        parser = ResponseParser()
        try:
            for start in range(0, len(wire), size):
                parser.feed(wire[start : start + size])
        except ResponseError:
            assert excess
        else:
            assert not excess
            assert b"".join(parser.pieces) == b"body"


def test_informational_heads_do_not_go_on_for_ever() -> None:
    parser = ResponseParser()
    with pytest.raises(ResponseError, match="went beyond 65536 bytes"):
        feed_all(parser, [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"] * 10_000)
