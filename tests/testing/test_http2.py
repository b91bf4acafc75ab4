"""HTTP/2 of the fault server, looked at with h2's own client: each step does what it says, and the client is checked."""

from __future__ import annotations

import ssl

import trustme
from anyio import Event, connect_tcp, fail_after
from h2.events import (
    InformationalResponseReceived,
    PushedStreamReceived,
    RemoteSettingsChanged,
    SettingsAcknowledged,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from hyperframe.frame import GoAwayFrame, PingFrame, PushPromiseFrame

from anyopenai.testing.faults import Reset, Send, Set, Wait, fault_server
from anyopenai.testing.http2 import (
    SERVE,
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    Frames,
    GoAway,
    Head,
    HoldStream,
    Http2,
    Request,
    ResetStream,
    Session,
    SettingCodes,
    Settings,
    ShutDown,
    Trailers,
    frame,
)
from testing.h2client import connected

FIELDS = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "h")]
PING = PingFrame(0, b"readthis").serialize()


async def test_a_request_is_recorded_and_answered() -> None:
    http2 = Http2()
    async with fault_server([http2]) as server, connected(server) as client:
        number = await client.ask(b"hello", more=[("x-a", "b")])
        assert await client.answer(number) == ({":status": "200", "content-length": "2"}, b"{}")
        (request,) = server.requests
        assert (request.method, request.target, request.body, request.connection) == ("POST", "/x", b"hello", 0)
        assert request.header("x-a") == "b"
        assert http2.violations == []
        assert http2.sessions[0].received["HEADERS"] == 1
        with fail_after(5):
            await http2.exchanges[0].over.wait()


async def test_tls_with_alpn_is_spoken_with_a_context_that_offers_it() -> None:
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.configure_trust(theirs)
    for context in (ours, theirs):
        context.set_alpn_protocols(["h2"])
    async with fault_server([Http2()], tls=ours) as server, connected(server, theirs) as client:
        assert (await client.answer(await client.ask()))[1] == b"{}"


async def test_each_request_has_its_script_and_the_last_one_serves_the_rest() -> None:
    http2 = Http2([Request(), Answer(404, b"no")], [ResetStream(ErrorCodes.REFUSED_STREAM)], SERVE)
    async with fault_server([http2]) as server, connected(server) as client:
        assert await client.answer(await client.ask()) == ({":status": "404", "content-length": "2"}, b"no")
        await client.ask()
        assert (await client.until(StreamReset)).error_code == ErrorCodes.REFUSED_STREAM
        for _ in range(2):
            assert (await client.answer(await client.ask()))[1] == b"{}"
        assert len(server.requests) == 3


async def test_settings_are_announced_as_said_and_can_change() -> None:
    http2 = Http2([Settings({SettingCodes.INITIAL_WINDOW_SIZE: 7}), *SERVE], max_streams=3, window=9)
    async with fault_server([http2]) as server, connected(server) as client:
        changed = (await client.until(RemoteSettingsChanged)).changed_settings
        assert {code: setting.new_value for code, setting in changed.items()} == {3: 3, 4: 9}
        await client.answer(await client.ask())
        changed = (await client.until(RemoteSettingsChanged, 2)).changed_settings
        assert {code: setting.new_value for code, setting in changed.items()} == {4: 7}
    async with fault_server([Http2()]) as server, connected(server) as client:
        await client.until(SettingsAcknowledged)
        assert client.h2.remote_settings.max_concurrent_streams > 2**31


async def test_a_large_answer_keeps_to_the_clients_windows() -> None:
    body = bytes(range(256)) * 2000
    async with fault_server([Http2([Answer(body=body, size=3000)])]) as server, connected(server) as client:
        assert (await client.answer(await client.ask()))[1] == body


async def test_pieces_of_an_answer_wait_for_gates() -> None:
    gate, begun = Event(), Event()
    script = [Head(103), Head(), Data(b"a"), Set(begun), Wait(gate), Data(b"b"), Trailers({"x-sum": "1"})]
    async with fault_server([Http2(script)]) as server, connected(server) as client:
        number = await client.ask()
        await begun.wait()
        gate.set()
        assert (await client.answer(number))[1] == b"ab"
        assert (await client.until(InformationalResponseReceived)).headers == [(":status", "103")]
        assert (await client.until(TrailersReceived)).headers == [("x-sum", "1")]


async def test_a_reset_by_the_client_ends_the_script_and_is_known() -> None:
    http2 = Http2([Request(), HoldStream()], [Request(), Head(), Data(bytes(200_000))], [Wait(Event())])
    async with fault_server([http2]) as server, connected(server) as client:
        for count in (1, 2, 3):
            number = await client.ask()
            await server.until(lambda _, count=count: len(http2.exchanges) == count)  # type: ignore[misc]  # the default binds it
            client.h2.reset_stream(number, ErrorCodes.CANCEL)
            await client.flush()
            with fail_after(5):
                await http2.exchanges[-1].over.wait()
            assert http2.exchanges[-1].reset_code == ErrorCodes.CANCEL
        assert http2.sessions[0].resets == {1: 8, 3: 8, 5: 8}
        assert http2.violations == []


async def test_goaway_disowns_later_streams_and_earlier_ones_go_on() -> None:
    gate = Event()
    http2 = Http2([Request(), Wait(gate), Answer()], [Request(), Wait(Event())], [GoAway(1, debug=b"bye"), Wait(gate)])
    async with fault_server([http2]) as server, connected(server) as client:
        for _ in range(3):
            await client.ask()
        # h2's client would refuse everything after it: only the bytes are looked at.
        await client.until_raw(GoAwayFrame(0, last_stream_id=1, additional_data=b"bye").serialize())
        with fail_after(5):
            for exchange in http2.exchanges[1:]:
                await exchange.over.wait()
        gate.set()
        await server.until(lambda _: http2.exchanges[0].over.is_set())
        assert [exchange.gone.is_set() for exchange in http2.exchanges] == [False] * 3


async def test_a_shutdown_in_two_steps_waits_for_the_client_and_for_what_is_under_way() -> None:
    gate = Event()
    http2 = Http2([Request(), ShutDown(), Wait(gate), Answer()], SERVE)
    async with fault_server([http2]) as server, connected(server) as client:
        await client.ask()
        await client.until_raw(PING)
        # h2's client does not answer it after a GOAWAY.
        await client.send_raw(PingFrame(0, b"readthis", flags=["ACK"]).serialize())
        await server.until(lambda _: http2.sessions[0].limit == 1)
        await client.send_raw(frame("HEADERS", 3, client.h2.encoder.encode(FIELDS), flags=5))
        gate.set()
        await client.end()
        assert [exchange.id for exchange in http2.exchanges] == [1]
        assert GoAwayFrame(0, last_stream_id=2**31 - 1).serialize() in client.raw
        assert GoAwayFrame(0, last_stream_id=1).serialize() in client.raw


async def test_a_request_after_an_acknowledged_goaway_is_a_violation() -> None:
    http2 = Http2([Request(), ShutDown(), HoldStream()])
    async with fault_server([http2]) as server, connected(server) as client:
        await client.ask()
        await client.until_raw(PING)
        await client.send_raw(PingFrame(0, b"readthis", flags=["ACK"]).serialize())
        await server.until(lambda _: http2.sessions[0].limit == 1)
        await client.send_raw(frame("HEADERS", 3, client.h2.encoder.encode(FIELDS), flags=5))
        await client.end()
        assert http2.violations == ["stream 3 was opened after a GOAWAY that the client had acknowledged"]


async def test_more_streams_than_allowed_and_a_broken_frame_are_violations() -> None:
    http2 = Http2([HoldStream()], max_streams=1)
    async with fault_server([http2]) as server:
        head = frame("HEADERS", 3, b"\x82\x84\x86\x41\x01h", flags=5)
        for attack in (head, frame("PING", 0, b"short"), b"GET / HTTP/1.1\r\n"):
            async with connected(server) as client:
                await client.ask()
                await client.until(SettingsAcknowledged)
                await client.send_raw(attack)
                await client.end()
    assert [violation.split(":")[0] for violation in http2.violations] == [
        "HEADERS",
        "PING",
        "a frame of 4670804 bytes",
    ]


async def test_what_is_no_http2_at_all_is_a_violation() -> None:
    http2 = Http2()
    async with fault_server([http2]) as server, await connect_tcp(server.host, server.port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nhost: example\r\n\r\n")
        with fail_after(5):
            await server.until(lambda s: len(s.connections) == 1 and s.open_connections == 0)
    assert http2.violations == ["no HTTP/2 preface, but b'GET / HTTP/1.1\\r\\nhost: ex'"]


async def test_frames_go_out_as_they_are() -> None:
    def promise(exchange: Exchange) -> PushPromiseFrame:
        block = exchange.session.encode([(":method", "GET"), (":path", "/p"), (":scheme", "http"), (":authority", "h")])
        return PushPromiseFrame(exchange.id, promised_stream_id=2, data=block, flags=["END_HEADERS"])

    async with fault_server([Http2([Frames(promise, frame("PING", 0, b"12345678"), times=1), *SERVE])]) as server:
        async with connected(server) as client:
            await client.ask()
            assert (await client.until(PushedStreamReceived)).pushed_stream_id == 2
        async with connected(server) as client:
            await client.ask()
            while PingFrame(0, b"12345678").serialize() not in client.raw:
                await client.receive()


async def test_a_server_may_start_with_nonsense_or_keep_silent() -> None:
    async with fault_server([Http2(first=b"HTTP/1.1 400 Bad Request\r\n\r\n")]) as server, connected(server) as client:
        await client.until_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    silent = Http2([Wait(Event())], first=b"", answer_settings=False, answer_pings=False, credit=False)
    async with fault_server([silent]) as server, connected(server) as client:
        client.h2.ping(b"12345678")
        await client.ask(b"x" * 60_000)
        await server.until(lambda _: silent.sessions[0].received["DATA"] == 4)
        assert client.raw == b""


async def test_windows_are_given_again_unless_said_otherwise() -> None:
    async with fault_server([Http2()]) as server, connected(server) as client:
        await client.ask(b"x" * 60_000)
        await client.until(WindowUpdated)


async def test_steps_after_http2_follow_when_it_ends_and_every_frame_is_counted() -> None:
    counts = []

    async def watch(session: Session) -> None:
        counts.append(session.frames)

    http2 = Http2(on_frame=watch)
    async with fault_server([http2, Send(b"never read"), Reset()]) as server:
        async with connected(server) as client:
            await client.answer(await client.ask(b"1"))
        await server.until(lambda s: s.open_connections == 0)
    # Settings, head and body of the request, head and body of the answer; acknowledgements as the network cut them.
    assert counts[:2] == [1, 2]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) >= 6
