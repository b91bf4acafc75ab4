"""The protocol without sockets: what a server may send, what it must not, and where too much of it ends."""

from __future__ import annotations

from contextlib import suppress

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, WindowUpdated
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai._timeouts import Timeout
from anyopenai.transport import WireRequest
from anyopenai.transport.http2_stream import Http2Error, Http2Stream, StreamRefused, StreamReset
from anyopenai.transport.http2_wire import CONNECTION_WINDOW, STREAM_WINDOW, Http2Wire
from transport.h2peer import frame

HEAD = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"x"), (b":path", b"/")]


def request(method: str = "GET") -> WireRequest:
    return WireRequest(method, "http", "x", 80, b"/", [], timeout=Timeout(None))


class Pair:
    """A client's protocol and a server's, without a network between them."""

    def __init__(self) -> None:
        self.wire = Http2Wire()
        self.server = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.server.initiate_connection()
        self.events: list[object] = []
        self.exchange()

    def exchange(self) -> None:
        """Carry what is queued in both directions until nothing is."""
        while True:
            out, back = self.wire.outgoing(), self.server.data_to_send()
            if not out and not back:
                return
            self.events += self.server.receive_data(out)
            if back:
                self.wire.feed(back)

    def ask(self, method: str = "GET", *, end: bool = True) -> Http2Stream:
        """Send a request without a body, or its head only."""
        stream = Http2Stream(request(method), decode=True)
        self.wire.open(stream, HEAD, end=end)
        self.exchange()
        return stream


@pytest.fixture
def pair() -> Pair:
    return Pair()


def answer(pair: Pair, stream: Http2Stream, body: bytes = b"", **fields: bytes) -> bytes:
    """Return a whole answer as bytes, not sent yet."""
    pair.server.send_headers(stream.id, [(b":status", b"200"), *[(k.encode(), v) for k, v in fields.items()]])
    pair.server.send_data(stream.id, body, end_stream=True)
    return pair.server.data_to_send()


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), max_size=20))
def test_an_answer_does_not_depend_on_how_its_bytes_are_cut(body: bytes, cuts: list[int]) -> None:
    pair = Pair()
    first, second = pair.ask(), pair.ask()
    data = answer(pair, first, body) + answer(pair, second, body * 2)
    for cut in cuts:
        pair.wire.feed(data[:cut])
        data = data[cut:]
    pair.wire.feed(data)
    assert (first.complete, b"".join(first.pieces)) == (True, body)
    assert (second.complete, b"".join(second.pieces)) == (True, body * 2)


@given(data=st.binary(max_size=300))
def test_garbage_raises_nothing_but_what_is_documented(data: bytes) -> None:
    pair = Pair()
    pair.ask()
    with suppress(Http2Error):
        pair.wire.feed(data)
    pair.wire.outgoing()


FRAMES = st.builds(
    frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 3, 5, 2]),
    st.one_of(
        st.binary(max_size=30), st.just(b"\x88"), st.just(b"\0\0\0\1"), st.just(b"\0\0\0\x08"), st.just(b"\0" * 8)
    ),
)


@settings(max_examples=300)
@given(frames=st.lists(FRAMES, max_size=12))
def test_frames_that_make_no_sense_raise_nothing_but_what_is_documented(frames: list[bytes]) -> None:
    pair = Pair()
    pair.ask()
    pair.ask("POST", end=False)
    with suppress(Http2Error):
        for data in frames:
            pair.wire.feed(data)
    pair.wire.outgoing()


def test_the_first_bytes_set_large_windows_and_refuse_pushes() -> None:
    server = H2Connection(H2Configuration(client_side=False))
    events = server.receive_data(Http2Wire().outgoing())
    assert server.remote_settings.enable_push == 0
    assert server.remote_settings.initial_window_size == STREAM_WINDOW
    assert server.remote_settings.max_header_list_size == 65536
    assert [event.delta for event in events if isinstance(event, WindowUpdated)] == [CONNECTION_WINDOW - 65535]


def test_the_connections_window_comes_back_on_arrival_and_the_streams_when_it_is_taken(pair: Pair) -> None:
    stream = pair.ask()
    pair.server.send_headers(stream.id, [(b":status", b"200")])
    sent = 0
    while pair.server.local_flow_control_window(stream.id):
        count = min(pair.server.local_flow_control_window(stream.id), 16384)
        pair.server.send_data(stream.id, b"x" * count)
        sent += count
        pair.exchange()
    # Its reader has taken nothing: the stream stops, and holds no more than its window. Its siblings go on.
    assert sent == stream.received == STREAM_WINDOW
    assert pair.server.outbound_flow_control_window >= CONNECTION_WINDOW - CONNECTION_WINDOW // 4
    assert pair.wire.credit(stream)
    pair.exchange()
    assert pair.server.local_flow_control_window(stream.id) == STREAM_WINDOW


def test_data_for_a_stream_that_was_left_counts_for_the_connection_only(pair: Pair) -> None:
    stream = pair.ask()
    pair.server.send_headers(stream.id, [(b":status", b"200")])
    late = pair.server.data_to_send()
    for _ in range(300):
        pair.server.increment_flow_control_window(1, stream.id)
    pair.server.data_to_send()
    assert pair.wire.reset(stream)
    pair.wire.feed(late + frame(0, 0, stream.id, b"x" * 16384) * 300)
    assert not stream.pieces
    out = pair.wire.outgoing()
    assert out.count(b"\0\0\4\x08\0\0\0\0\0") == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(0, 0, 0, b"x"), "stream|DATA|0"),
        (frame(1, 4, 2, b"\x88"), "opened stream 2 by itself"),
        (frame(1, 4, 99, b"\x88"), "opened stream 99 by itself"),
        (frame(5, 4, 1, b"\0\0\0\2\x88"), "push"),
        (frame(1, 0, 1, b"\x88") + frame(0, 0, 1, b"x"), "header block"),
        (frame(9, 4, 1, b"\x88"), ""),
        (b"\xff\xff\xff\0\0\0\0\0\1", "larger than the agreed 16384"),
        (frame(0, 8, 1, b"\x05xx"), "padding"),
        (frame(7, 0, 0, b"\0"), "GOAWAY"),
        (frame(7, 0, 1, b"\0" * 8), "GOAWAY"),
        (frame(4, 0, 0, b"\0\2\0\0\0\1"), ""),
        (frame(4, 0, 0, b"\0\4\xff\xff\xff\xff"), ""),
        (frame(8, 0, 0, b"\0\0\0\0"), ""),
        (frame(1, 4, 1, b"\xff\xff\xff\xff\xff"), ""),
        (frame(1, 5, 1, b"\x08\x03100"), ""),
        (frame(1, 4, 1, b"\x08\x03103") + frame(0, 1, 1, b""), ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "larger than the agreed"),
    ],
)
def test_what_breaks_the_rules_of_the_connection_ends_it_and_the_server_is_told(
    pair: Pair, data: bytes, reason: str
) -> None:
    pair.ask()
    with pytest.raises(Http2Error, match=f"(?i){reason}"):
        pair.wire.feed(data)
    # The last frame out is a GOAWAY.
    assert pair.wire.outgoing()[-17:-8] == b"\0\0\x08\x07\0\0\0\0\0"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(0, 0, 1, b"x"), "came before its head"),
        (frame(1, 4, 1, b"\x88\x00\x01A\x01b"), "not the name"),
        (frame(1, 4, 1, b"\x88\x00\x0aconnection\x05close"), "belongs to HTTP/1.1"),
        (frame(1, 4, 1, b"\x88\x00\x07:status\x03200"), "not the name"),
        (frame(1, 4, 1, b"\x00\x01a\x01b"), "does not begin with a status"),
        (frame(1, 4, 1, b"\x08\x0320x"), "does not begin with a status"),
        (frame(1, 4, 1, b"\x08\x03101"), "another protocol"),
        (frame(1, 4, 1, b"\x88\x0f\x0d\x011\x0f\x0d\x012"), "content-length"),
        (frame(1, 4, 1, b"\x88\x0f\x0d\x02-1"), "content-length"),
        (frame(1, 4, 1, b"\x88\x00\x01a\x03b\nc"), "line break"),
        (frame(1, 4, 1, b"\x88\x0f\x0d\x011") + frame(0, 1, 1, b"xx"), "2 bytes or more"),
        (frame(1, 4, 1, b"\x88\x0f\x0d\x013") + frame(0, 1, 1, b"xx"), "2 bytes or more"),
        (frame(1, 5, 1, b"\x88\x0f\x0d\x013"), "0 bytes or more"),
    ],
)
def test_what_breaks_the_rules_of_one_stream_ends_that_stream(pair: Pair, data: bytes, reason: str) -> None:
    first, second = pair.ask(), pair.ask()
    pair.wire.feed(data)
    assert isinstance(first.error, Http2Error)
    assert reason in str(first.error)
    assert not first.complete
    assert first.id not in pair.wire.streams
    out = pair.wire.outgoing()
    # What has ended on both sides needs no reset.
    assert (frame(3, 0, first.id, b"\0\0\0\1") in out) is ("bytes or more" not in reason)
    pair.wire.feed(frame(1, 5, 3, b"\x88"))
    assert second.complete


def test_interim_answers_and_trailers_are_passed_over(pair: Pair) -> None:
    stream = pair.ask()
    pair.server.send_headers(stream.id, [(b":status", b"103"), (b"link", b"</x>")])
    pair.server.send_headers(stream.id, [(b":status", b"200"), (b"x-a", b"1")])
    pair.server.send_data(stream.id, b"body")
    pair.server.send_headers(stream.id, [(b"x-checksum", b"1")], end_stream=True)
    pair.exchange()
    assert (stream.status, stream.fields, b"".join(stream.pieces)) == (200, [(b"x-a", b"1")], b"body")
    assert stream.complete


def test_an_answer_to_head_has_a_length_and_no_body(pair: Pair) -> None:
    stream = pair.ask("HEAD")
    pair.server.send_headers(stream.id, [(b":status", b"200"), (b"content-length", b"500")], end_stream=True)
    pair.exchange()
    assert stream.complete
    assert (b"content-length", b"500") in stream.fields


def test_padding_counts_against_the_windows_and_is_no_body(pair: Pair) -> None:
    stream = pair.ask()
    pair.server.send_headers(stream.id, [(b":status", b"200")])
    pair.server.send_data(stream.id, b"abc", pad_length=50)
    pair.exchange()
    assert stream.pieces == [b"abc"]
    assert stream.uncredited == 54


def test_goaway_refuses_what_is_above_and_keeps_what_is_below(pair: Pair) -> None:
    streams = [pair.ask() for _ in range(3)]
    whole = answer(pair, streams[0], b"x")
    pair.wire.feed(frame(7, 0, 0, b"\x7f\xff\xff\xff" + b"\0\0\0\0"))
    assert pair.wire.goaway is not None
    assert [stream.error for stream in streams] == [None] * 3
    pair.wire.feed(frame(7, 0, 0, b"\0\0\0\1\0\0\0\x0bslow down") + whole)
    assert streams[0].complete
    assert [type(stream.error) for stream in streams[1:]] == [StreamRefused] * 2
    assert "ENHANCE_YOUR_CALM: slow down" in str(streams[1].error)


def test_an_answer_in_one_read_with_the_goaway_after_it_is_whole(pair: Pair) -> None:
    stream = pair.ask()
    pair.wire.feed(answer(pair, stream, b"x") + frame(7, 0, 0, b"\0\0\0\0\0\0\0\0"))
    assert (stream.complete, stream.error) == (True, None)


def test_a_reset_after_the_end_changes_nothing_and_one_before_it_is_an_error(pair: Pair) -> None:
    first, second, third = pair.ask(), pair.ask(), pair.ask()
    pair.wire.feed(answer(pair, first, b"x") + frame(3, 0, first.id, b"\0\0\0\0"))
    assert (first.complete, first.error) == (True, None)
    pair.wire.feed(frame(3, 0, second.id, b"\0\0\0\x02") + frame(3, 0, third.id, b"\0\0\0\x07"))
    assert isinstance(second.error, StreamReset)
    assert str(second.error) == "INTERNAL_ERROR"
    assert isinstance(third.error, StreamRefused)


@pytest.mark.parametrize(
    "data",
    [
        frame(6, 0, 0, b"12345678"),
        frame(4, 0, 0, b""),
        frame(2, 0, 1, b"\0\0\0\0\1"),
        frame(0, 0, 1, b""),
        frame(3, 0, 99, b"\0\0\0\0"),
        frame(0xEE, 0, 0, b"x"),
        frame(1, 4, 1, b"\x08\x03103"),
    ],
)
def test_a_flood_of_frames_that_carry_nothing_ends_the_connection(pair: Pair, data: bytes) -> None:
    pair.ask()
    if data[3] == 0:
        pair.wire.feed(frame(1, 4, 1, b"\x88"))
    for _ in range(1000):
        pair.wire.feed(data)
    with pytest.raises(Http2Error, match="2000 frames in a row carried nothing forward"):
        pair.wire.feed(data * 1100)


def test_payload_between_them_makes_such_frames_harmless(pair: Pair) -> None:
    pair.ask()
    pair.wire.feed(frame(1, 4, 1, b"\x88"))
    for _ in range(10):
        pair.wire.feed(frame(6, 0, 0, b"12345678") * 1500 + frame(0, 0, 1, b"x"))
        pair.wire.outgoing()


def test_a_block_of_fields_that_never_ends_is_cut_off(pair: Pair) -> None:
    pair.ask()
    pair.wire.feed(frame(1, 0, 1, b"\x88"))
    with pytest.raises(Http2Error, match="went beyond 131072 bytes"):
        pair.wire.feed(frame(9, 0, 1, b"\0" * 16384) * 20)
    pair = Pair()
    pair.ask()
    pair.wire.feed(frame(1, 0, 1, b"\x88"))
    with pytest.raises(Http2Error):
        pair.wire.feed(frame(9, 0, 1, b"") * 100)


def test_fields_that_grow_beyond_the_limit_are_refused(pair: Pair) -> None:
    pair.ask()
    with pytest.raises(Http2Error, match="65536"):
        pair.wire.feed(frame(1, 4, 1, b"\x88\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 100))


@pytest.mark.parametrize("where", ["stream", "connection"])
def test_more_than_a_window_allows_is_refused(pair: Pair, where: str) -> None:
    first = pair.ask()
    pair.wire.feed(frame(1, 4, 1, b"\x88"))
    if where == "stream":
        pair.wire.feed(frame(0, 0, 1, b"x" * 16384) * (STREAM_WINDOW // 16384 + 1))
        assert "stream's window" in str(first.error)
        return
    pair.wire._window = 1000
    with pytest.raises(Http2Error, match="connection's window"):
        pair.wire.feed(frame(0, 0, 1, b"x" * 2000))


def test_a_body_waits_for_windows_that_shrink_below_zero_and_ends_with_its_last_frame(pair: Pair) -> None:
    stream = pair.ask("POST", end=False)
    body = memoryview(b"x" * 100_000)
    sent = pair.wire.send(stream, body, end=True)
    assert sent == 65535
    assert stream in pair.wire.blocked
    pair.exchange()
    pair.server.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
    pair.server.increment_flow_control_window(200_000)
    pair.exchange()
    # 65,535 sent under a window that is 1,000 now.
    assert pair.wire.send(stream, body[sent:], end=True) == 0
    pair.server.increment_flow_control_window(70_000, stream.id)
    pair.exchange()
    assert stream in pair.wire.touched
    room = 70_000 + 1000 - 65535
    assert pair.wire.send(stream, body[sent : sent + room], end=False) == room
    pair.server.increment_flow_control_window(100_000, stream.id)
    pair.exchange()
    assert pair.wire.send(stream, body[sent + room :], end=True) == 100_000 - sent - room
    assert stream.local_ended
    assert not pair.wire.blocked


def test_the_limit_of_streams_follows_the_settings(pair: Pair) -> None:
    assert pair.wire.settled
    pair.server.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 7})
    pair.exchange()
    assert pair.wire.limit == 7
    silent = Http2Wire()
    silent.feed(frame(4, 0, 0))
    assert silent.settled
    assert silent.limit >= 2**31 - 1


def test_hundreds_of_streams_leave_nothing_behind(pair: Pair) -> None:
    for _ in range(500):
        stream = pair.ask()
        pair.wire.feed(answer(pair, stream, b"x"))
        pair.exchange()
    assert not pair.wire.streams
    assert len(pair.wire._h2.streams) <= 65
    asked = [event for event in pair.events if isinstance(event, RequestReceived)]
    assert len(asked) == 500
