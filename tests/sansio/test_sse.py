"""The event-stream decoder: every framing, however the bytes are cut, and nothing but documented errors."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._sansio import sse
from anyopenai._sansio.sse import EventTooLarge, ServerSentEvent, SSEDecoder

Events = list[ServerSentEvent]

# One of everything: byte order mark, all line ends, names, comments, ids, retries, several data lines, split
# characters, line separators that end no line, events without data, and half an event at the end.
WIRE = (
    b"\xef\xbb\xbf"
    b': welcome\r\n\r\ndata: {"n": 1}\r\n\r\n'
    b'event: response.created\rdata:{"n": 2}\r\r'
    b"id: 7\n\nretry: 250\n\nevent: ping\n\ndata:\n\ndata:   \n\n"
    b'data: {"n":\ndata:\ndata: 3}\nid: 8\n\n'
    + 'data: {"text": "é\u2028\u2029\u0085 🎉"}\n\n'.encode()
    + b'unknown: field\nretry: soon\nid: a\0b\n: comment\ndata: {"n": 4}\n\n\n\ndata: [DONE]\n\nevent: late\ndata: {"ha'
)
EVENTS = [
    ServerSentEvent(b'{"n": 1}'),
    ServerSentEvent(b'{"n": 2}', "response.created"),
    ServerSentEvent(b'{"n":\n\n3}', id="8"),
    ServerSentEvent('{"text": "é\u2028\u2029\u0085 🎉"}'.encode(), id="8"),
    ServerSentEvent(b'{"n": 4}', id="8"),
    ServerSentEvent(b"[DONE]", id="8"),
]
REST = b'event: late\ndata: {"ha'


def decode(pieces: list[bytes], limit: int = 2**20) -> tuple[Events, bytes | str]:
    """Feed the pieces; the events, and what was left or which error ended it."""
    decoder = SSEDecoder(limit)
    events: Events = []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        return _agreed(pieces, limit, (events, decoder.finish()))
    except EventTooLarge as error:
        return _agreed(pieces, limit, (events, str(error)))


def _agreed(pieces: list[bytes], limit: int, result: tuple[Events, bytes | str]) -> tuple[Events, bytes | str]:
    """Check that the decoder gives the same as data alone, errors whole."""
    decoder = SSEDecoder(limit)
    taken: list[ServerSentEvent | bytes] = []
    end: bytes | str
    try:
        for piece in pieces:
            taken += decoder.take(piece)
        end = decoder.finish()
    except EventTooLarge as error:
        end = str(error)
    assert end == result[1]
    assert [item if isinstance(item, bytes) else item.data for item in taken] == [event.data for event in result[0]]
    named = [event for event in result[0] if event.event == "error"]
    assert [item for item in taken if isinstance(item, ServerSentEvent) and item.event == "error"] == named
    return result


def split(wire: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at the given places (taken modulo the length)."""
    places = sorted({cut % (len(wire) + 1) for cut in cuts} | {0, len(wire)})
    return [wire[start:end] for start, end in pairwise(places)] or [wire]


def read_slowly(wire: bytes) -> Events:
    """The standard's rules, word for word, on a whole stream: what the fast decoder must agree with."""
    events: Events = []
    data: list[bytes] = []
    name, last_id = "", None
    retry: int | None = None
    *lines, _ = re.split(rb"\r\n|\r|\n", wire.removeprefix(b"\xef\xbb\xbf"))
    for line in lines:
        if not line:
            joined = b"\n".join(data)
            if joined.strip(b" \t\n\r\x0b\x0c"):
                events.append(ServerSentEvent(joined, name, last_id, retry))
            data, name, retry = [], "", None
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            last_id = value.decode("utf-8", "replace")
        elif field == b"retry" and re.fullmatch(rb"[0-9]{1,15}", value):
            retry = int(value)
    return events


def fields() -> st.SearchStrategy[bytes]:
    """Lines as servers send them, and lines that look nearly like it."""
    return st.sampled_from(
        [
            b"",
            b"",
            b'data: {"a": 1}',
            b"data: x",
            b"data:",
            b"data: ",
            b"data:y",
            b"data",
            b"data:  z",
            b"data: \t",
            b"datax: no",
            b"event: response.output_text.delta",
            b"event: ping",
            b"event: error",
            b"event:",
            b"event",
            b": comment",
            b":",
            b"id: 1",
            b"id:",
            b"id: \0",
            b"retry: 10",
            b"retry: x",
            b"\xff\xfe",
            "data: é\u2028".encode(),
            b"what",
        ]
    )


def wires() -> st.SearchStrategy[bytes]:
    """Streams of such lines with any line ends, a byte order mark or not, and any end."""
    return st.builds(
        lambda bom, lines, tail: bom + b"".join(line + end for line, end in lines) + tail,
        st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\xef\xbb"]),
        st.lists(st.tuples(fields(), st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"])), max_size=30),
        fields(),
    )


def test_a_stream_with_everything_decodes_whole() -> None:
    assert decode([WIRE]) == (EVENTS, REST)


def test_a_stream_with_everything_decodes_byte_by_byte() -> None:
    assert decode([WIRE[i : i + 1] for i in range(len(WIRE))]) == (EVENTS, REST)


def test_a_stream_with_everything_decodes_cut_at_any_byte() -> None:
    for cut in range(len(WIRE) + 1):
        assert decode([WIRE[:cut], WIRE[cut:]]) == (EVENTS, REST), cut


@given(wire=wires(), cuts=st.lists(st.integers(0, 10**6), max_size=12))
@settings(max_examples=150)
def test_events_do_not_depend_on_how_bytes_are_cut(wire: bytes, cuts: list[int]) -> None:
    whole = decode([wire])
    assert whole[0] == read_slowly(wire)
    assert decode(split(wire, cuts)) == whole
    # Line by line, where what an earlier read left is easiest to lose.
    assert decode(wire.splitlines(keepends=True)) == whole


@given(pieces=st.lists(st.binary(max_size=40), max_size=10))
@settings(max_examples=100)
def test_any_garbage_decodes_as_the_standard_says(pieces: list[bytes]) -> None:
    assert decode(pieces)[0] == read_slowly(b"".join(pieces))


@given(
    frames=st.lists(
        st.sampled_from(
            [
                b'data: {"a": 1}\n\n',
                b"event: response.output_text.delta\ndata: {}\n\n",
                b'data: {"a": 1}\r\n\r\n',
                b": ping\n\n",
                b"data: \n\n",
                b"data:x\n\n",
                b"event: new name\ndata: {}\n\n",
                b"id: 4\ndata: {}\n\n",
            ]
        ),
        min_size=2,
        max_size=40,
    ),
    step=st.integers(1, 200),
)
@settings(max_examples=100)
def test_the_fast_paths_agree_with_the_standard(frames: list[bytes], step: int) -> None:
    wire = b"".join(frames)
    assert decode([wire[i : i + step] for i in range(0, len(wire), step)]) == (read_slowly(wire), b"")
    # And where each read is whole frames, as a paced stream's are.
    assert decode(frames) == (read_slowly(wire), b"")


@pytest.mark.parametrize(
    "odd",
    [
        b"event: a\nevent: b\n\n",
        b"event: a\ndata: \n\n",
        b"event: a\ndata:x\n\n",
        b"event: a\n: x\n\n",
        b"event: a\nid: 1\n\n",
        b"event: a\ndata: 1\ndata: 2\n\n",
        b"event: a\n\n\n",
        b"data: 1\nevent: a\n\n",
        b"data: \n\n",
        b"data:x\n\n",
        b"data\n\n",
        b"datax: 1\n\n",
        b"data: 1\ndata: 2\n\n",
        b": x\n\n",
        b"\n\n",
        b"\n",
    ],
)
@pytest.mark.parametrize("usual", [b"data: {}\n\n", b"event: a\ndata: {}\n\n"])
def test_one_odd_frame_among_usual_ones_is_read_as_what_it_is(usual: bytes, odd: bytes) -> None:
    wire = usual * 3 + odd + usual * 3
    assert decode([usual, wire, wire]) == (read_slowly(usual + wire + wire), b"")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", [b"", b"event: x"])
def test_an_event_is_given_out_with_the_read_that_ends_it(end: bytes, name: bytes) -> None:
    decoder = SSEDecoder()
    head = name + end if name else b""
    assert decoder.feed(head + b"data: 1" + end) == []
    # A lone CR may be the first half of CRLF; waiting for the other half would delay the event.
    assert [event.data for event in decoder.feed(end)] == [b"1"]
    assert [event.data for event in decoder.feed(head + b"data: 2" + end + end)] == [b"2"]


@pytest.mark.parametrize("pieces", [[b"event: x\n", b"data: 1\n\n"], [b"event: x\r", b"", b"\ndata: 1\n\n"]])
def test_a_name_waits_for_data_in_a_later_read(pieces: list[bytes]) -> None:
    assert decode(pieces) == ([ServerSentEvent(b"1", "x")], b"")


@pytest.mark.parametrize("pieces", [[b"data: 1\n", b"data: 2\n\n"], [b"data: 1\r", b"", b"\ndata: 2\r\n\r\n"]])
def test_data_waits_for_more_data_in_a_later_read(pieces: list[bytes]) -> None:
    assert decode(pieces) == ([ServerSentEvent(b"1\n2")], b"")


def test_two_thousand_events_in_one_read_are_all_given_out() -> None:
    wire = b"".join(b'data: {"n": %d}\n\n' % n for n in range(2000))
    assert [event.data for event in SSEDecoder().feed(wire)] == [b'{"n": %d}' % n for n in range(2000)]


def test_named_events_in_one_read_keep_their_names() -> None:
    wire = b"".join(b'event: type.%d\ndata: {"n": %d}\n\n' % (n % 7, n) for n in range(500))
    events = SSEDecoder().feed(wire)
    assert [event.event for event in events] == [f"type.{n % 7}" for n in range(500)]
    assert [event.data for event in events] == [b'{"n": %d}' % n for n in range(500)]


def test_usual_events_can_be_had_as_their_data_and_errors_stay_whole() -> None:
    wire = b"".join(b"event: type.%d\ndata: %d\n\n" % (n % 7, n) for n in range(20))
    assert SSEDecoder().take(wire) == [b"%d" % n for n in range(20)]
    decoder = SSEDecoder()
    assert decoder.take(b"data: 1\n\n") == [b"1"]
    assert decoder.take(b"event: error\ndata: 2\n\n") == [ServerSentEvent(b"2", "error")]
    assert decoder.take(b"event: a\ndata: 3\n\n", whole=True) == [ServerSentEvent(b"3", "a")]


def test_a_name_belongs_to_one_event_only() -> None:
    events = SSEDecoder().feed(b"event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\n")
    assert [(event.event, event.data) for event in events] == [("a", b"1"), ("", b"2"), ("", b"3")]


def test_the_last_name_of_an_event_wins() -> None:
    assert SSEDecoder().feed(b"event: a\nevent: b\ndata: 1\n\n") == [ServerSentEvent(b"1", "b")]


def test_names_that_are_not_utf8_are_replaced() -> None:
    assert SSEDecoder().feed(b"event: \xff\ndata: 1\n\n") == [ServerSentEvent(b"1", "\ufffd")]


def test_an_id_stays_with_the_events_after_it_and_with_the_decoder() -> None:
    decoder = SSEDecoder()
    events = decoder.feed(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")
    assert [event.id for event in events] == ["1", "1", ""]
    decoder.feed(b"id: 9\n\n")
    assert decoder.last_event_id == "9"


def test_retry_is_kept_whole_and_anything_else_is_ignored() -> None:
    decoder = SSEDecoder()
    assert decoder.retry is None
    wire = b"retry: 1500\n\nretry: -1\n\nretry: 1.5\n\nretry:\n\nretry: \xd9\xa1\n\nretry: " + b"9" * 5000 + b"\n\n"
    assert decoder.feed(wire) == []
    assert decoder.retry == 1500
    assert decoder.feed(b"retry: 2\ndata: x\n\ndata: y\n\n") == [ServerSentEvent(b"x", retry=2), ServerSentEvent(b"y")]


@pytest.mark.parametrize(
    "wire",
    [
        b": ping\n\n",
        b":\n\n",
        b"id: 1\n\n",
        b"retry: 1000\n\n",
        b"event: ping\n\n",
        b"data\n\n",
        b"data:\n\n",
        b"data: \n\n",
        b"data:\ndata:\n\n",
        b"\n\n\n",
        b"id: 1\n: ping\n\n",
        b"data : x\n\n",
        b" data: x\n\n",
        b"Data: x\n\n",
    ],
)
def test_a_block_without_data_is_no_event(wire: bytes) -> None:
    assert decode([wire]) == ([], b"")
    assert decode([wire * 10]) == ([], b"")
    assert [event.data for event in SSEDecoder().feed(wire + b"data: {}\n\n")] == [b"{}"]


def test_only_the_first_byte_order_mark_is_dropped() -> None:
    assert decode([b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n"])[0] == [ServerSentEvent(b"b")]


@pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb"])
def test_half_a_byte_order_mark_is_no_byte_order_mark(start: bytes) -> None:
    assert decode([start]) == ([], start)
    assert decode([start, b"data: a\n\ndata: b\n\n"])[0] == [ServerSentEvent(b"b")]


@pytest.mark.parametrize(
    ("wire", "rest"),
    [
        (b"", b""),
        (b"data: 1\n\n", b""),
        (b"data: 1\n\n\n: bye", b""),
        (b"data: 1\n\n: bye\n", b""),
        (b"data: 1", b"data: 1"),
        (b"data: 1\n", b"data: 1\n"),
        (b"data: 1\r\n", b"data: 1\n"),
        (b"data: 1\ndata:2\n: x\n", b"data: 1\ndata: 2\n"),
        (b"event: response.completed\n", b"event: response.completed\n"),
        (b'event: a\ndata: {"b"', b'event: a\ndata: {"b"'),
        (b"da", b"da"),
        (b"<html>", b"<html>"),
        (b"\n\n", b""),
    ],
)
def test_finish_returns_what_was_left_unfinished(wire: bytes, rest: bytes) -> None:
    decoder = SSEDecoder()
    decoder.feed(wire)
    assert decoder.finish() == rest
    assert decoder.finish() == b""


def test_one_long_event_in_many_small_reads_is_copied_a_constant_number_of_times() -> None:
    """Growing one buffer: the held line is the same object from read to read."""
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    buffer = decoder._tail
    for _ in range(20_000):
        assert decoder.feed(b"x" * 50) == []
    assert decoder._tail is buffer
    assert [len(event.data) for event in decoder.feed(b"\n\n")] == [10**6]


def test_an_event_above_64_mib_passes() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    piece = b"x" * 2**22
    for _ in range(17):
        assert decoder.feed(piece) == []
    (event,) = decoder.feed(b"\n\n")
    assert len(event.data) == 68 * 2**20


def test_a_long_event_of_many_lines_is_joined_once() -> None:
    decoder = SSEDecoder()
    for _ in range(20_000):
        decoder.feed(b"data: 0123456789,\n")
    (event,) = decoder.feed(b"\n")
    assert event.data == b"\n".join([b"0123456789,"] * 20_000)


def test_ignored_lines_are_not_kept() -> None:
    decoder = SSEDecoder(100)
    for _ in range(1000):
        assert decoder.feed(b": keep-alive\n") == []
    decoder.feed(b": ")
    for _ in range(1000):
        assert decoder.feed(b"a comment without an end") == []
    assert len(decoder._tail) < 200
    assert decoder.feed(b"\ndata: x\n\n") == [ServerSentEvent(b"x")]


def test_an_event_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    wire = b"event: e\ndata: " + b"x" * 84 + b"\n"
    assert len(wire) == 100
    twice = (wire + b"\n") * 2
    for step in (1, 7, 18, 101, 1000):
        pieces = [twice[i : i + step] for i in range(0, len(twice), step)]
        assert len(decode(pieces, 100)[0]) == 2
        events, error = decode(pieces, 99)
        assert events == []
        assert "larger than 99 bytes" in str(error)


@given(wire=wires(), cuts=st.lists(st.integers(0, 10**6), max_size=12), limit=st.integers(1, 60))
@settings(max_examples=150)
def test_the_limit_does_not_depend_on_how_bytes_are_cut(wire: bytes, cuts: list[int], limit: int) -> None:
    whole = decode([wire], limit)
    assert decode(split(wire, cuts), limit) == whole
    assert decode(wire.splitlines(keepends=True), limit) == whole


def test_the_limit_counts_each_event_by_itself() -> None:
    line = b"data: " + b"x" * 53 + b"\n"
    decoder = SSEDecoder(125)
    for _ in range(5):
        # Each read ends the event before it and begins the next one.
        decoder.feed(line)
        decoder.feed(line + b"\n" + b": comment\n" + line)
        decoder.feed(line)
        (event,) = decoder.feed(b"\n")
        assert len(event.data) == 107


def test_a_line_without_an_end_is_refused_as_soon_as_it_is_too_long() -> None:
    decoder = SSEDecoder(100)
    assert decoder.feed(b"data: " + b"x" * 94) == []
    with pytest.raises(EventTooLarge):
        decoder.feed(b"x")


def test_after_an_event_over_the_limit_the_decoder_refuses_everything() -> None:
    decoder = SSEDecoder(20)
    assert decoder.feed(b"data: ok\n\ndata: " + b"x" * 100) == [ServerSentEvent(b"ok")]
    for _ in range(2):
        with pytest.raises(EventTooLarge) as caught:
            decoder.feed(b"data: x\n\n")
        assert caught.value.limit == 20
        with pytest.raises(EventTooLarge):
            decoder.finish()


def test_a_limit_below_one_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="max_event_bytes must be at least 1"):
        SSEDecoder(0)


def test_the_error_of_the_limit_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(EventTooLarge(5)))
    assert (type(error), error.limit) == (EventTooLarge, 5)


def test_invented_names_do_not_grow_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_names", {})
    decoder = SSEDecoder()
    for number in range(2000):
        (event,) = decoder.feed(b"event: invented.%d\ndata: x\n\n" % number)
        assert event.event == f"invented.{number}"
    assert len(sse._names) <= sse._MAX_NAMES
