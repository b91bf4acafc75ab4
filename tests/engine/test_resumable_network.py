"""Streams of responses in the background over sockets: every way in which a connection goes, HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from anyopenai import APIConnectionError, APITimeoutError, OpenAI, RateLimitError, RetryPolicy, Timeout
from anyopenai.testing.faults import Peer, fault_server
from anyopenai.testing.http2 import ErrorCodes, Exchange, Http2
from engine.background import ASK, BEGUN, FRAMES, ID, NUMBERS, SSE, WIRE, after, numbers, read, without_pauses
from engine.support import KEY, Waits

HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
POLICY: Final = RetryPolicy(max_retries=20, initial_delay=0)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return without_pauses(monkeypatch)


def due(target: str) -> bytes:
    """The bytes that a request asks for."""
    asked = re.search(r"starting_after=(\d+)", target)
    return after(int(asked[1]) if asked else None)


def chunk(body: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


# What becomes of a connection of HTTP/1.1 behind the bytes that it carries.


async def h1_ended(peer: Peer) -> None:
    await peer.send(b"0\r\n\r\n")


async def h1_closed(peer: Peer) -> None:
    await peer.aclose()


async def h1_reset(peer: Peer) -> None:
    peer.break_off()


async def h1_garbage(peer: Peer) -> None:
    await peer.send(b"not-a-size\r\n")


async def h1_silent(peer: Peer) -> None:
    while True:
        await peer.receive_some()


# And of a stream of HTTP/2.


async def h2_ended(exchange: Exchange) -> None:
    await exchange.send_data(b"", end=True)


async def h2_reset(exchange: Exchange) -> None:
    await exchange.reset(ErrorCodes.INTERNAL_ERROR)


async def h2_refused(exchange: Exchange) -> None:
    await exchange.reset(ErrorCodes.REFUSED_STREAM)


async def h2_goaway(exchange: Exchange) -> None:
    """The server says that it does not go on with any stream, and closes the connection."""
    await exchange.session.go_away(0, ErrorCodes.INTERNAL_ERROR)
    exchange.session.peer.break_off()


async def h2_goaway_with_an_error(exchange: Exchange) -> None:
    """The server says that the connection is broken, although this stream was under way."""
    await exchange.session.go_away(None, ErrorCodes.PROTOCOL_ERROR)
    await exchange.session.peer.aclose()


async def h2_closed(exchange: Exchange) -> None:
    exchange.session.peer.break_off()


async def h2_silent(exchange: Exchange) -> None:
    await exchange.gone.wait()


H1: Final = (h1_ended, h1_closed, h1_reset, h1_garbage)
H2: Final = (h2_ended, h2_reset, h2_refused, h2_goaway, h2_goaway_with_an_error, h2_closed)


def h1_server(
    ends: list[int], fault: Callable[[Peer], Awaitable[None]], answer: Callable[[str], bytes]
) -> Callable[[Peer], Awaitable[None]]:
    """Return a connection's script: each answer carries so many bytes, then comes the fault; the last ones are whole."""

    async def serve(peer: Peer) -> None:
        while True:
            body = answer((await peer.receive_request()).target)
            if not ends:
                await peer.send(HEAD + chunk(body) + b"0\r\n\r\n")
                continue
            await peer.send(HEAD + chunk(body[: ends.pop(0)]))
            await fault(peer)
            if fault is not h1_ended:
                return

    return serve


def h2_server(ends: list[int], fault: Callable[[Exchange], Awaitable[None]], answer: Callable[[str], bytes]) -> Http2:
    """Do the same over HTTP/2."""

    async def serve(exchange: Exchange) -> None:
        body = answer((await exchange.receive_request()).target)
        await exchange.send_headers([(":status", "200"), *SSE.items()])
        if ends:
            await exchange.send_data(body[: ends.pop(0)])
            await fault(exchange)
        else:
            await exchange.send_data(body, end=True)

    return Http2([serve])


def serving(fault: Any, ends: list[int], answer: Callable[[str], bytes] = due) -> Any:
    """A connection's script for a fault of either protocol."""
    server: Any = h2_server if fault.__name__.startswith("h2") else h1_server
    return server(ends, fault, answer)


async def read_again(client: OpenAI, **options: Any) -> list[Any]:
    """Read the stream of a response whose id is known: a reset may overtake the event that says it."""
    async with await client.responses.retrieve(ID, stream=True, **options) as stream:
        return [event async for event in stream]


@pytest.mark.parametrize("fault", [*H1, *H2], ids=lambda fault: fault.__name__)
async def test_however_a_connection_goes_every_event_comes_once(fault: Any) -> None:
    """At places all over the stream, and in one stream again and again."""
    ends: list[int] = []
    script = serving(fault, ends)
    async with (
        fault_server([script]) as server,
        OpenAI(api_key=KEY, base_url=server.url, http2=fault in H2, retry_policy=POLICY) as client,
    ):
        for end in range(0, len(WIRE), 397):
            ends[:] = [end]
            assert numbers(await read_again(client)) == NUMBERS
            assert not ends
        ends[:] = [50, *[len(max(FRAMES, key=len)) + 10] * 6, 0, 1]
        assert numbers(await read_again(client)) == NUMBERS
        assert not ends
        if fault in (h1_ended, h1_closed, h1_garbage, h2_ended):
            ends[:] = [BEGUN, 100]
            assert numbers(await read(client)) == NUMBERS
            ends[:] = [BEGUN - 1]
            with pytest.raises(APIConnectionError) as caught:
                await read(client)
            assert caught.value.resume_point is None
            assert server.requests[-1].method == "POST"
    assert fault in H1 or script.violations == []


@pytest.mark.parametrize("fault", [h1_silent, h2_silent], ids=lambda fault: fault.__name__)
async def test_a_connection_that_falls_silent_is_left_and_every_event_comes_once(fault: Any) -> None:
    ends = [BEGUN + 1, 0, 900]
    script = serving(fault, ends)
    async with (
        fault_server([script]) as server,
        OpenAI(
            api_key=KEY,
            base_url=server.url,
            http2=fault is h2_silent,
            # A slow machine may be silent more often than the server is, which costs repeats and nothing else.
            retry_policy=RetryPolicy(max_retries=300, initial_delay=0),
            timeout=Timeout(60, idle=0.05, first_event=0.05),
        ) as client,
    ):
        assert numbers(await read_again(client)) == NUMBERS
        ends[:] = [0] * 5
        with pytest.raises(APITimeoutError):
            await read_again(client, max_retries=2)
    if fault is h2_silent:
        assert script.violations == []
        assert any(exchange.reset_code == ErrorCodes.CANCEL for exchange in script.exchanges)


async def test_a_connection_that_ends_in_good_order_is_read_to_its_end() -> None:
    """GOAWAY names the stream, so that it goes on."""

    async def serve(exchange: Exchange) -> None:
        await exchange.receive_request()
        await exchange.send_headers([(":status", "200"), *SSE.items()])
        await exchange.send_data(WIRE[:2000])
        await exchange.session.go_away()
        await exchange.session.acknowledged()
        await exchange.send_data(WIRE[2000:], end=True)

    http2 = Http2([serve])
    async with fault_server([http2]) as server, OpenAI(api_key=KEY, base_url=server.url, http2=True) as client:
        assert numbers(await read(client)) == NUMBERS
        assert len(server.requests) == 1


@pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
async def test_an_error_event_after_going_on_is_raised_and_the_connection_is_used_again(http2: bool) -> None:
    error = b'event: error\ndata: {"error": {"message": "slow", "code": "rate_limit_exceeded"}}\n\n'
    fault: Any = h2_ended if http2 else h1_ended
    ends = [BEGUN]
    answers = iter([due, lambda _: error, due])
    script = serving(fault, ends, lambda target: next(answers)(target))
    async with (
        fault_server([script]) as server,
        OpenAI(api_key=KEY, base_url=server.url, http2=http2, retry_policy=POLICY) as client,
    ):
        stream = await client.responses.create(**ASK, stream=True)
        assert (await anext(stream)).sequence_number == 0
        with pytest.raises(RateLimitError, match="slow") as caught:
            await anext(stream)
        assert (caught.value.events_received, len(server.requests)) == (1, 2)
        assert numbers(await read(client)) == NUMBERS
