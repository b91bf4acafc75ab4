"""Every kind of stream on a real connection: read to its end it is used again, left early it is reset, dropped it warns."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from anyopenai import ConnectionLimits, OpenAI
from anyopenai.testing.faults import FaultServer, Peer, fault_server
from anyopenai.testing.http2 import ErrorCodes, Exchange, Http2
from engine.recordings import HELPERS, RECORDINGS, Recording, opened
from engine.support import KEY

EVERY = (*RECORDINGS, *HELPERS)
KINDS = pytest.mark.parametrize("recording", EVERY, ids=lambda recording: recording.name)
PROTOCOLS = pytest.mark.parametrize("http2", [False, True], ids=["h1", "h2"])
ONE = ConnectionLimits(max_connections=1)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Site:
    """A server whose answers are one recorded stream, and a client of one connection.

    Attributes:
        client: The client.
        server: The server.
        http2: Its HTTP/2, if it speaks that.
        pieces: What is sent of the answer, piece by piece.
        whole: Whether the answer ends behind that.
    """

    client: OpenAI
    server: FaultServer

    def __init__(self, recording: Recording, *, http2: bool) -> None:
        self.pieces = [recording.wire]
        self.whole = True
        self.http2 = Http2([self._answer]) if http2 else None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Site]:
        """Serve while the block runs."""
        async with (
            fault_server([self.http2 or self._serve]) as self.server,
            OpenAI(
                api_key=KEY, base_url=self.server.url, http2=self.http2 is not None, limits=ONE, max_retries=0
            ) as self.client,
        ):
            yield self
        assert self.http2 is None or self.http2.violations == []

    async def left(self) -> None:
        """Wait until the server knows that the client wants no more of the first answer."""
        http2 = self.http2
        if http2 is None:
            await self.server.connections[0].hung_up.wait()
            return
        await http2.exchanges[0].gone.wait()
        assert http2.exchanges[0].reset_code == ErrorCodes.CANCEL

    async def _serve(self, peer: Peer) -> None:
        while True:
            await peer.receive_request()
            pieces, whole = self.pieces, self.whole
            await peer.send(HEAD)
            for piece in pieces:
                await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
                for _ in range(4):
                    await checkpoint()
            if not whole:
                # Until the client hangs up.
                while True:
                    await peer.receive_some()
            await peer.send(b"0\r\n\r\n")

    async def _answer(self, exchange: Exchange) -> None:
        await exchange.receive_request()
        pieces, whole = self.pieces, self.whole
        await exchange.send_headers([(":status", "200"), ("content-type", "text/event-stream")])
        for piece in pieces:
            await exchange.send_data(piece)
            for _ in range(4):
                await checkpoint()
        if whole:
            await exchange.send_data(b"", end=True)
        else:
            await exchange.gone.wait()


async def count(recording: Recording, client: OpenAI) -> int:
    """Read a stream to its end; how many events it had."""
    async with opened(recording, client) as stream:
        return len([event async for event in stream])


@KINDS
@PROTOCOLS
async def test_what_follows_the_end_is_read_away_and_the_connection_is_used_again(
    recording: Recording, http2: bool
) -> None:
    """Comments and blank lines come behind the last event, and the end of the body behind them."""
    site = Site(recording, http2=http2)
    site.pieces += [b"\n\n", b": good bye\n\n" * 20]
    async with site.running():
        counts = {await count(recording, site.client) for _ in range(3)}
        assert len(counts) == 1
        assert len(site.server.connections) == 1


@pytest.mark.parametrize(
    "recording",
    [recording for recording in EVERY if not recording.name.startswith("an agent session")],
    ids=lambda recording: recording.name,
)
@PROTOCOLS
async def test_a_body_that_does_not_end_behind_the_last_event_is_given_up_in_bounded_time(
    recording: Recording, http2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not so an agent session, which is as long as its body."""
    monkeypatch.setattr("anyopenai._engine.reader.DRAIN_SECONDS", 0.001)
    site = Site(recording, http2=http2)
    site.whole = False
    async with site.running():
        assert await count(recording, site.client) > 0
        await site.left()
        site.whole = True
        assert await count(recording, site.client) > 0
        assert len(site.server.connections) == (1 if http2 else 2)


@KINDS
@PROTOCOLS
async def test_a_stream_that_is_left_early_is_reset(recording: Recording, http2: bool) -> None:
    """And over HTTP/2 its connection goes on."""
    site = Site(recording, http2=http2)
    site.pieces = [recording.wire[: recording.wire.index(b"\n\n") + 2]]
    site.whole = False
    async with site.running():
        async with opened(recording, site.client) as stream:
            await anext(stream)
        await site.left()
        site.pieces, site.whole = [recording.wire], True
        assert await count(recording, site.client) > 0
        assert len(site.server.connections) == (1 if http2 else 2)


@pytest.mark.parametrize(
    "recording",
    [recording for recording in EVERY if recording.name != "a speech"],
    ids=lambda recording: recording.name,
)
@PROTOCOLS
async def test_a_stream_that_is_dropped_gives_its_connection_back_and_warns(recording: Recording, http2: bool) -> None:
    """Events of a speech come inside of a block, which closes them."""
    site = Site(recording, http2=http2)
    site.pieces = [recording.wire[: recording.wire.index(b"\n\n") + 2]]
    site.whole = False
    async with site.running():
        asked: Any = recording.ask(site.client)
        stream = await (asked.__aenter__() if hasattr(asked, "__aenter__") else asked)
        await anext(stream)
        with pytest.warns(ResourceWarning, match="dropped before its end"):
            del asked, stream
        site.pieces, site.whole = [recording.wire], True
        assert await count(recording, site.client) > 0
        await site.left()
