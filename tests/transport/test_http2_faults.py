"""HTTP/2 servers that break their promises: each fault is a success or a clear failure, in time, and loses no slot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import pytest
from anyio import create_task_group, fail_after
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Close, HalfClose, Peer, Receive, Reset, Send, Stall, Step, fault_server
from anyopenai.testing.http2 import (
    SERVE,
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    Frames,
    Head,
    HoldStream,
    Http2,
    Request,
    ResetStream,
    SettingCodes,
    Settings,
    StreamScript,
    Trailers,
    frame,
)
from anyopenai.transport import PoolTransport, TransportFailure
from anyopenai.transport.base import Kind
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to

OK: Sequence[Kind] = ()
PATIENCE = Timeout(None, read=10)

Maker: TypeAlias = Callable[[Exchange], Frame | bytes]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Leave out uvloop: what it does differently lies below HTTP/2, and `test_http2` has it."""
    return str(request.param)


class Fault(NamedTuple):
    """What a server does with the first request, and what must come of it.

    Attributes:
        script: What it does.
        kinds: The failure's possible kinds; none for an answer of `{}`.
        words: What its message must say.
        keeps: Whether the connection goes on afterwards; None where either is right.
    """

    script: StreamScript
    kinds: Sequence[Kind] = OK
    words: str = ""
    keeps: bool | None = True


def head(*fields: tuple[str, str], flags: Sequence[str] = ("END_HEADERS",), stream: int | None = None) -> Maker:
    """Make a HEADERS frame past every check."""

    def make(exchange: Exchange) -> Frame:
        number = exchange.id if stream is None else stream
        return HeadersFrame(number, exchange.session.encode(fields), flags=list(flags))

    return make


def answering(*items: Maker | Frame | bytes) -> StreamScript:
    """Send frames when the request has come."""
    return [Request(), Frames(*items)]


def same(make: Callable[[int], Frame | bytes]) -> Maker:
    """Make a frame for the request's own stream."""
    return lambda exchange: make(exchange.id)


def flood(frame: Frame | bytes, times: int) -> bytes:
    """Repeat a frame in one write."""
    return (frame if isinstance(frame, bytes) else frame.serialize()) * times


def bomb(exchange: Exchange) -> bytes:
    """Fill the compression's table with one long value, and name that value a few thousand times: 20 KB for 12 MB."""
    block = b"\x40\x01x\x7f\x81\x1e" + b"v" * 4000 + b"\xbe" * 12_000
    return HeadersFrame(exchange.id, b"\x88" + block, flags=["END_HEADERS"]).serialize()


def hints(exchange: Exchange) -> bytes:
    """Make interim answers, one after the other."""
    early = exchange.session.encode([(":status", "103")])
    return flood(HeadersFrame(exchange.id, early, flags=["END_HEADERS"]), 3000)


def vast(fields: int, size: int) -> Maker:
    """Make a head of so many fields of a size each, as many frames as it takes."""

    def make(exchange: Exchange) -> bytes:
        block = exchange.session.encode([(":status", "200"), *((f"x-{n}", "v" * size) for n in range(fields))])
        parts = [block[start : start + 16384] for start in range(0, len(block), 16384)]
        first = HeadersFrame(exchange.id, parts[0], flags=[] if len(parts) > 1 else ["END_HEADERS"])
        rest = [ContinuationFrame(exchange.id, part) for part in parts[1:]]
        if rest:
            rest[-1].flags.add("END_HEADERS")
        return b"".join(part.serialize() for part in [first, *rest])

    return make


STATUS = (":status", "200")
GOOD = head(STATUS)
BODY = same(lambda stream: DataFrame(stream, b"{}", flags=["END_STREAM"]))

STREAM_FAULTS = {
    "refused once": Fault([ResetStream(ErrorCodes.REFUSED_STREAM)]),
    "cancelled": Fault([Request(), ResetStream(ErrorCodes.CANCEL)], ["lost"], "CANCEL"),
    "internal error": Fault([Request(), ResetStream(ErrorCodes.INTERNAL_ERROR)], ["lost"], "INTERNAL_ERROR"),
    "calm": Fault([Request(), ResetStream(ErrorCodes.ENHANCE_YOUR_CALM)], ["lost"], "ENHANCE_YOUR_CALM"),
    "http/1.1 wanted": Fault([Request(), ResetStream(13)], ["protocol"], "pass http2=False"),
    "unknown code": Fault([Request(), ResetStream(0xDEADBEEF)], ["lost"], str(0xDEADBEEF)),
    "no error, and no answer": Fault([Request(), ResetStream(ErrorCodes.NO_ERROR)], ["lost"], "NO_ERROR"),
    "reset in the body": Fault([Request(), Head(), Data(b"{"), ResetStream(2)], ["lost"], "INTERNAL_ERROR"),
    "refused in the body": Fault([Request(), Head(), Data(b"{"), ResetStream(7)], ["lost"], "REFUSED_STREAM) while"),
    "a body too short": Fault([Request(), Answer(headers={"content-length": "9"})], ["protocol"], "2 bytes"),
    "a body too long": Fault([Request(), Answer(headers={"content-length": "1"})], ["protocol"], "1"),
    "a length of none": Fault([Request(), Answer(headers={"content-length": "x"})], ["protocol"], "content-length"),
    "no status": Fault(answering(head(("x", "y")), BODY), ["protocol"], "status"),
    "a status that is none": Fault(answering(head((":status", "2xx")), BODY), ["protocol"], "status"),
    "two statuses": Fault(answering(head(STATUS, STATUS), BODY), ["protocol"], ":status"),
    "a status after fields": Fault(answering(head(("x", "y"), STATUS), BODY), ["protocol"], "status"),
    "a path in the answer": Fault(answering(head(STATUS, (":path", "/")), BODY), ["protocol"], ":path"),
    "upper case": Fault(answering(head(STATUS, ("X-Upper", "y")), BODY), ["protocol"], "X-Upper"),
    "connection": Fault(answering(head(STATUS, ("connection", "close")), BODY), ["protocol"], "connection"),
    "transfer-encoding": Fault(
        answering(head(STATUS, ("transfer-encoding", "chunked")), BODY), ["protocol"], "transfer"
    ),
    "a line break in a value": Fault(answering(head(STATUS, ("x", "a\r\nb: c")), BODY), ["protocol"], "line break"),
    "an empty name": Fault(answering(head(STATUS, ("", "v")), BODY), ["protocol"], "name"),
    "only trailers": Fault([Request(), Head(None, {"x": "y"}, end=True)], ["protocol"], "status"),
    "an interim answer that ends": Fault(
        answering(head((":status", "103"), flags=["END_HEADERS", "END_STREAM"])), ["protocol"], "", None
    ),
    "switching protocols": Fault([Request(), Head(101), Answer()], ["protocol"], "another protocol"),
    "interim answers": Fault([Head(100), Request(), Head(103, {"link": "</a>"}), Head(103), Answer()]),
    "trailers": Fault([Request(), Head(), Data(b"{}"), Trailers({"x-checksum": "1"})]),
    "trailers that do not end": Fault(
        answering(GOOD, same(lambda s: DataFrame(s, b"{}")), head(("x", "y")), BODY), ["protocol"], "", None
    ),
    "trailers with a status": Fault(
        answering(GOOD, same(lambda s: DataFrame(s, b"{}")), head(STATUS, flags=["END_HEADERS", "END_STREAM"]))
    ),
    "an empty frame at the end": Fault([Request(), Head(), Data(b"{}"), Data(b"", end=True)]),
    "padding": Fault(
        answering(GOOD, same(lambda s: DataFrame(s, b"{}", pad_length=200, flags=["PADDED", "END_STREAM"])))
    ),
    "padded fields": Fault(
        answering(
            lambda e: HeadersFrame(e.id, e.session.encode([STATUS]), pad_length=9, flags=["PADDED", "END_HEADERS"]),
            BODY,
        )
    ),
    "priorities": Fault(
        answering(
            lambda e: HeadersFrame(
                e.id, e.session.encode([STATUS]), flags=["PRIORITY", "END_HEADERS"], stream_weight=3
            ),
            BODY,
        )
    ),
    "fields in single bytes": Fault(
        answering(
            same(lambda s: HeadersFrame(s, b"")),
            same(lambda s: ContinuationFrame(s, b"\x88")),
            same(lambda s: ContinuationFrame(s, b"", flags=["END_HEADERS"])),
            BODY,
        )
    ),
    "unknown frames": Fault([Request(), Frames(b"\0\0\1\x42\xff\0\0\0\0?", b"\0\0\0\xee\0\0\0\0\1"), Answer()]),
    "unknown settings": Fault([Request(), Frames(SettingsFrame(0, settings={0x7777: 1})), Answer()]),
    "an overflowing stream window": Fault(
        [Request(body=False), Frames(same(lambda s: WindowUpdateFrame(s, 2**31 - 1)))], ["protocol", "lost"], "", None
    ),
    "a stream window of nothing": Fault(
        [Request(), Frames(same(lambda s: frame("WINDOW_UPDATE", s, bytes(4))))], ["protocol", "lost"], "", None
    ),
    "data after the end": Fault([Request(), Answer(), Frames(same(lambda s: DataFrame(s, b"more")))], keeps=None),
    "fields after the end": Fault([Request(), Answer(), Frames(GOOD)], keeps=None),
    "a reset after the end": Fault([Request(), Answer(), Frames(same(lambda s: RstStreamFrame(s, 0)))], keeps=None),
    "credit after the end": Fault([Request(), Answer(), Frames(same(lambda s: WindowUpdateFrame(s, 1)))]),
    "a body without a head": Fault(answering(BODY), ["protocol"], "before its head", None),
    "settings one after the other": Fault(
        [Request(), *[Settings({SettingCodes.MAX_CONCURRENT_STREAMS: n}) for n in (1, 100, 5)], Answer()]
    ),
    "pings": Fault([Request(), Frames(PingFrame(0, b"abcdefgh"), times=50), Answer()]),
    "empty data": Fault(answering(GOOD, same(lambda s: flood(DataFrame(s, b""), 500)), BODY)),
}

CONNECTION_FAULTS = {
    "a push": Fault(
        answering(
            lambda e: PushPromiseFrame(
                e.id,
                2,
                e.session.encode([(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "h")]),
                flags=["END_HEADERS"],
            )
        ),
        ["protocol"],
    ),
    "an overflowing window": Fault(answering(WindowUpdateFrame(0, 2**31 - 1)), ["protocol"]),
    "a window of nothing": Fault(answering(frame("WINDOW_UPDATE", 0, bytes(4))), ["protocol"]),
    "half a window": Fault(answering(frame("WINDOW_UPDATE", 0, b"123")), ["protocol"]),
    "a continuation of nothing": Fault(
        answering(same(lambda s: ContinuationFrame(s, b"\x88", flags=["END_HEADERS"]))), ["protocol"]
    ),
    "a continuation of another": Fault(
        answering(same(lambda s: HeadersFrame(s, b"\x88")), ContinuationFrame(99, b"")), ["protocol"]
    ),
    "data within fields": Fault(answering(same(lambda s: HeadersFrame(s, b"\x88")), BODY), ["protocol"]),
    "continuations without end": Fault(
        answering(
            same(lambda s: HeadersFrame(s, b"\x88")), same(lambda s: flood(ContinuationFrame(s, b"\0\1x\1y"), 20_000))
        ),
        ["protocol"],
    ),
    "empty continuations without end": Fault(
        answering(same(lambda s: HeadersFrame(s, b"\x88")), same(lambda s: flood(ContinuationFrame(s, b""), 20_000))),
        ["protocol"],
    ),
    "a bomb": Fault(answering(bomb), ["protocol"]),
    "a vast head": Fault(answering(vast(500, 1000)), ["protocol"]),
    "fields that are no fields": Fault(
        answering(same(lambda s: HeadersFrame(s, b"\xff" * 20, flags=["END_HEADERS"]))), ["protocol"]
    ),
    "a field out of the table": Fault(
        answering(same(lambda s: HeadersFrame(s, b"\xfe", flags=["END_HEADERS"]))), ["protocol"]
    ),
    "settings without end": Fault(answering(flood(SettingsFrame(0, settings={1: 4096}), 20_000)), ["protocol"]),
    "pings without end": Fault(answering(flood(PingFrame(0, b"12345678"), 20_000)), ["protocol"]),
    "empty data without end": Fault(answering(GOOD, same(lambda s: flood(DataFrame(s, b""), 20_000))), ["protocol"]),
    "resets without end": Fault(answering(same(lambda s: flood(RstStreamFrame(99, 0), 20_000))), ["protocol"]),
    "priorities without end": Fault(answering(flood(frame("PRIORITY", 1, bytes(5)), 20_000)), ["protocol"]),
    "unknown frames without end": Fault(answering(flood(b"\0\0\0\x42\0\0\0\0\0", 20_000)), ["protocol"]),
    "interim answers without end": Fault(answering(hints), ["protocol"]),
    "a setting that is none": Fault(answering(frame("SETTINGS", 0, b"\0\4\xff\xff\xff\xff")), ["protocol"]),
    "frames too small": Fault(answering(frame("SETTINGS", 0, b"\0\5\0\0\0\1")), ["protocol"]),
    "settings cut": Fault(answering(frame("SETTINGS", 0, b"\0\4\0")), ["protocol"]),
    "settings of a stream": Fault(answering(frame("SETTINGS", 1)), ["protocol"]),
    "settings acknowledged with more": Fault(answering(frame("SETTINGS", 0, bytes(6), flags=1)), ["protocol"]),
    "push allowed": Fault(answering(frame("SETTINGS", 0, b"\0\2\0\0\0\1")), ["protocol"]),
    "a ping of seven": Fault(answering(frame("PING", 0, b"1234567")), ["protocol"]),
    "a ping of a stream": Fault(answering(frame("PING", 1, b"12345678")), ["protocol"]),
    "goaway of a stream": Fault(answering(frame("GOAWAY", 1, bytes(8))), ["protocol"]),
    "half a goaway": Fault(answering(frame("GOAWAY", 0, bytes(7))), ["protocol"]),
    "a reset of nothing": Fault(answering(frame("RST_STREAM", 0, bytes(4))), ["protocol"]),
    "half a reset": Fault(answering(frame("RST_STREAM", 1, bytes(3))), ["protocol"]),
    "fields of nothing": Fault(answering(frame("HEADERS", 0, b"\x88", flags=4)), ["protocol"]),
    "data of nothing": Fault(answering(frame("DATA", 0, b"{}")), ["protocol"]),
    "an answer nobody asked for": Fault(answering(head(STATUS, stream=99)), ["protocol"]),
    "a stream of the server's": Fault(answering(head(STATUS, stream=2)), ["protocol"]),
    "a frame too large": Fault(answering(same(lambda s: frame("DATA", s, bytes(20_000)))), ["protocol"]),
    "more padding than frame": Fault(
        answering(GOOD, same(lambda s: frame("DATA", s, b"\xff{}", flags=8))), ["protocol"]
    ),
    "no http/2 any more": Fault(
        answering(b"HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\n\r\n"), ["protocol"]
    ),
}


async def check(fault: Fault, authority: Authority | None) -> None:
    """Make a request of a faulty server and three of it when it is sane again."""
    http2 = Http2(fault.script, SERVE)
    async with (
        fault_server([http2], [again := Http2()], tls=authority.server if authority else None) as server,
        PoolTransport(http2=True, ssl_context=authority.client if authority else None) as pool,
    ):
        with fail_after(10):
            if fault.kinds:
                with pytest.raises(TransportFailure) as caught:
                    await fetch(pool, request_to(server, b"hello", timeout=PATIENCE))
                assert caught.value.kind in fault.kinds, caught.value
                assert fault.words in caught.value.message
                assert f"{server.host}:{server.port}" in caught.value.message
            else:
                assert await fetch(pool, request_to(server, b"hello", timeout=PATIENCE)) == b"{}"
                # Whatever the server has to say after its answer is there before the next request.
                await http2.exchanges[0].over.wait()
            assert_all_free(pool)
            async with create_task_group() as group:
                for _ in range(3):
                    group.start_soon(fetch, pool, request_to(server, b"next", timeout=PATIENCE))
        assert_all_free(pool)
        if fault.keeps is not None:
            assert len(server.connections) == (1 if fault.keeps else 2)
        assert http2.violations + again.violations == []


@pytest.mark.parametrize("name", STREAM_FAULTS)
async def test_what_goes_wrong_on_a_stream_ends_that_stream_at_most(name: str) -> None:
    await check(STREAM_FAULTS[name], None)


@pytest.mark.parametrize("name", CONNECTION_FAULTS)
async def test_what_goes_wrong_on_the_connection_ends_it_and_the_next_one_serves(name: str) -> None:
    await check(CONNECTION_FAULTS[name]._replace(keeps=False), None)


@pytest.mark.parametrize("name", ["refused once", "reset in the body", "trailers"])
async def test_the_same_holds_over_tls_on_a_stream(name: str, h2_authority: Authority) -> None:
    await check(STREAM_FAULTS[name], h2_authority)


@pytest.mark.parametrize("name", ["a push", "a bomb", "pings without end", "no http/2 any more"])
async def test_the_same_holds_over_tls_on_the_connection(name: str, h2_authority: Authority) -> None:
    await check(CONNECTION_FAULTS[name]._replace(keeps=False), h2_authority)


STARTS: dict[str, tuple[list[Step], str]] = {
    "an HTTP/1.1 answer": ([Receive(), Send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")], "HTTP/2"),
    "an HTTP/1.1 answer and the end": ([Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Close()], ""),
    "text": ([Send(b"220 mail.example.com ESMTP\r\n"), Stall()], "HTTP/2"),
    "zeros": ([Send(bytes(100_000)), Stall()], "HTTP/2"),
    "the end": ([Close()], ""),
    "a reset": ([Reset()], ""),
    "half the end": ([HalfClose(), Stall()], "closed"),
    "half its settings": ([Send(b"\0\0\6\4\0\0\0"), Close()], ""),
    "goaway at once": ([Send(frame("GOAWAY", 0, bytes(8))), Close()], "begin"),
    "goaway for load": ([Http2(first=frame("SETTINGS", 0) + frame("GOAWAY", 0, bytes(7) + b"\x0bbusy"))], "busy"),
}


@pytest.mark.parametrize("name", STARTS)
async def test_a_server_that_starts_with_something_else_is_a_clear_failure(name: str) -> None:
    script, words = STARTS[name]
    async with fault_server(script) as server, PoolTransport(http2=True) as pool:
        with fail_after(10):
            with pytest.raises(TransportFailure) as caught:
                await fetch(pool, request_to(server, b"hello", timeout=PATIENCE))
            assert caught.value.kind in ("lost", "protocol"), caught.value
            assert words in caught.value.message
        assert_all_free(pool)


@pytest.mark.parametrize("silence", [[Stall()], [Http2([Request(), HoldStream()], first=b"")]], ids=["stalls", "reads"])
async def test_a_server_that_says_nothing_at_all_is_a_timeout(silence: list[Step]) -> None:
    async with fault_server(silence, [Http2()]) as server, PoolTransport(http2=True) as pool:
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request_to(server, b"hello", timeout=Timeout(None, read=0.05)))
        assert (caught.value.kind, caught.value.phase) == ("timeout", "head")
        assert_all_free(pool)


async def test_settings_and_pings_that_are_not_answered_disturb_nobody() -> None:
    http2 = Http2(answer_settings=False, answer_pings=False)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        for _ in range(3):
            assert await fetch(pool, request_to(server, b"hello")) == b"{}"
        assert len(server.connections) == 1
        assert http2.violations == []


async def test_a_stream_refused_again_and_again_is_given_up_soon() -> None:
    http2 = Http2([ResetStream(ErrorCodes.REFUSED_STREAM)])
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        with fail_after(5), pytest.raises(TransportFailure, match="REFUSED_STREAM") as caught:
            await fetch(pool, request_to(server, b"hello"))
        assert (caught.value.kind, caught.value.sent, caught.value.unprocessed) == ("lost", "none", True)
        assert 2 <= len(http2.exchanges) <= 20
        assert_all_free(pool)


@pytest.mark.parametrize("code", [ErrorCodes.REFUSED_STREAM, ErrorCodes.CANCEL, ErrorCodes.ENHANCE_YOUR_CALM])
async def test_a_storm_of_resets_fails_what_must_fail_and_loses_no_slot(code: int) -> None:
    http2 = Http2(*[[Request(), ResetStream(code)]] * 60, SERVE)
    outcomes: list[str] = []
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:

        async def ask() -> None:
            try:
                outcomes.append((await fetch(pool, request_to(server, b"hello"))).decode())
            except TransportFailure as failure:
                outcomes.append(failure.kind)

        with fail_after(15):
            async with create_task_group() as group:
                for _ in range(100):
                    group.start_soon(ask)
            assert set(outcomes) <= {"{}", "lost"}
            if code != ErrorCodes.REFUSED_STREAM:
                assert outcomes.count("lost") == 60
            assert_all_free(pool)
            assert await fetch(pool, request_to(server)) == b"{}"
        assert http2.violations == []


async def test_an_answer_before_the_upload_ends_is_not_lost() -> None:
    early = [Request(body=False), Answer(413, b"too large"), ResetStream(ErrorCodes.NO_ERROR)]
    http2 = Http2(early, early, SERVE, window=1000)
    async with fault_server([http2]) as server, PoolTransport(http2=True) as pool:
        with fail_after(10):
            for body in (b"x" * 1_000_000, Source([b"x" * 100_000] * 20, 2_000_000)):
                response = await pool.send(request_to(server, body))
                assert response.status == 413
                assert await response.read(100) == b"too large"
            assert await fetch(pool, request_to(server)) == b"{}"
        assert len(server.connections) == 1
        assert http2.violations == []
        assert_all_free(pool)


@pytest.mark.parametrize("end", [Close(), Reset()], ids=["closed", "reset"])
async def test_an_answer_cut_at_any_byte_is_a_clear_failure(end: Step) -> None:
    async def take(peer: Peer) -> None:
        await peer.receive_some()

    whole = frame("SETTINGS", 0) + frame("HEADERS", 1, b"\x88\x5c\x016", flags=4)
    whole += frame("DATA", 1, b"abcd") + frame("DATA", 1, b"ef", flags=1)
    async with fault_server(*[[take, Send(whole[:cut]), end] for cut in range(len(whole))]) as server:
        for cut in range(len(whole)):
            async with PoolTransport(http2=True) as pool:
                with fail_after(5), pytest.raises(TransportFailure) as caught:
                    await fetch(pool, request_to(server, timeout=PATIENCE))
                assert caught.value.kind == "lost", (cut, caught.value)
                assert_all_free(pool)
        assert len(server.connections) == len(whole)
