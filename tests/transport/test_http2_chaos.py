"""Everything at once over HTTP/2: random requests, faults and cancellations; what must hold holds afterwards."""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random

import pytest
from anyio import create_task_group, fail_after
from anyio.lowlevel import checkpoint

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import FaultServer, fault_server
from anyopenai.testing.http2 import (
    Answer,
    Data,
    ErrorCodes,
    Exchange,
    GoAway,
    Head,
    HoldStream,
    Http2,
    Request,
    ResetStream,
    SettingCodes,
    Settings,
    ShutDown,
    StreamScript,
    Trailers,
)
from anyopenai.transport import PoolTransport, TransportFailure
from transport.cancelling import cancel_at
from transport.exchanges import Authority, Source, assert_all_free, fetch, request_to


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Leave out uvloop: what it does differently lies below HTTP/2, and `test_http2` has it."""
    return str(request.param)


LARGE = bytes(range(256)) * 1200


async def pause(exchange: Exchange) -> None:
    """Let others go first."""
    for _ in range(5):
        await checkpoint()


async def cut(exchange: Exchange) -> None:
    """End the connection without a word."""
    await exchange.session.peer.aclose()


FATES: dict[str, StreamScript] = {
    "answer": [Request(), Answer(body=b"ok")],
    "large": [Request(), Answer(body=LARGE)],
    "in pieces": [Request(), Head(), pause, Data(LARGE, size=1000), pause, Data(b"", end=True)],
    "trailers": [Request(), Head(), Data(b"ok"), pause, Trailers({"x-sum": "1"})],
    "hints": [Head(103), pause, Request(), Head(103), Answer(body=b"ok")],
    "early": [Request(body=False), Answer(413, b"ok")],
    "early and reset": [Request(body=False), Answer(413, b"ok"), ResetStream(ErrorCodes.NO_ERROR)],
    "cancel": [Request(), ResetStream(ErrorCodes.CANCEL)],
    "reset in the head": [ResetStream(ErrorCodes.INTERNAL_ERROR)],
    "reset in the body": [Request(), Head(), Data(LARGE[:5000]), ResetStream(ErrorCodes.INTERNAL_ERROR)],
    "hold": [HoldStream()],
    "hold in the body": [Request(), Head(), Data(b"ok"), HoldStream()],
    "too short": [Request(), Answer(body=b"ok", headers={"content-length": "3"})],
    "small window": [Settings({SettingCodes.INITIAL_WINDOW_SIZE: 5_000}), Request(), Answer(body=b"ok")],
    "large window": [Settings({SettingCodes.INITIAL_WINDOW_SIZE: 1_000_000}), Request(), Answer(body=b"ok")],
    "few streams": [Settings({SettingCodes.MAX_CONCURRENT_STREAMS: 3}), Request(), Answer(body=b"ok")],
    "many streams": [Settings({SettingCodes.MAX_CONCURRENT_STREAMS: 100}), Request(), Answer(body=b"ok")],
    "goaway in one": [ShutDown(1), Request(), Answer(body=b"ok")],
    "goaway in two": [ShutDown(2), Request(), Answer(body=b"ok")],
    "goaway for others": [GoAway(), Request(), Answer(body=b"ok")],
    "cut": [Request(), cut],
}
RARE = {"goaway in one", "goaway in two", "goaway for others", "cut"}


class Chaos:
    """Makes random requests of a random server.

    Attributes:
        outcomes: What came of them.
    """

    def __init__(self, seed: int, server: FaultServer, pool: PoolTransport) -> None:
        self.outcomes: Counter[str] = Counter()
        self._rand = Random(seed)
        self._server = server
        self._pool = pool

    def _body(self) -> bytes | Source:
        rand = self._rand
        data = LARGE[: rand.choice([0, 1, 100, 16_384, 70_000, len(LARGE)])]
        if rand.random() < 0.6 or not data:
            return data
        size = rand.choice([len(data), 1 + len(data) // 3])
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        return Source(pieces, len(data) if rand.random() < 0.5 else None)

    async def work(self, count: int) -> None:
        """Make some requests, one after the other."""
        rand = self._rand
        for _ in range(count):
            names = list(FATES) if rand.random() < 0.1 else [name for name in FATES if name not in RARE]
            fate = rand.choice(names)
            # A write limit too: a large upload to a small window may take for ever.
            limits = Timeout(None, read=0.05, write=0.05) if "hold" in fate else Timeout(None, read=10, write=10)
            leave = rand.random() < 0.2
            # Cancelled at a random suspension, or never.
            await cancel_at(self._ask(fate, limits, leave), rand.choice([0, 0, 0, *range(1, 10)]))

    async def _ask(self, fate: str, limits: Timeout, leave: bool) -> None:
        headers = [(b"x-fate", fate.encode())]
        request = request_to(self._server, self._body(), headers=headers, timeout=limits, stream=leave)
        try:
            response = await self._pool.send(request)
            if leave:
                await response.receive(1000)
                await response.aclose()
                self.outcomes["left"] += 1
                return
            body = await response.read(1 << 20)
        except TransportFailure as failure:
            # What one request does wrong is no other one's failure; only a lost connection may be shared.
            if failure.kind == "lost" or (failure.kind, fate.split()[0]) in (("timeout", "hold"), ("protocol", "too")):
                self.outcomes[failure.kind] += 1
                return
            raise
        assert body in (b"ok", LARGE), body
        self.outcomes["answered"] += 1


async def run(seed: int, tasks: int, count: int, authority: Authority | None) -> Counter[str]:
    """Let tasks make requests, and look at what is left."""

    async def choose(exchange: Exchange) -> None:
        for step in FATES[exchange.header("x-fate") or "answer"]:
            await step(exchange)

    http2 = Http2([choose], max_streams=50)
    async with (
        fault_server([http2], tls=authority.server if authority else None) as server,
        PoolTransport(http2=True, max_connections=5, ssl_context=authority.client if authority else None) as pool,
    ):
        chaos = Chaos(seed, server, pool)
        async with create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(chaos.work, count)
        assert_all_free(pool)
        with fail_after(10):
            # Nothing is left open on the server, and whoever comes next is served.
            await server.until(lambda _: all(exchange.over.is_set() for exchange in http2.exchanges))
            async with create_task_group() as group:
                for _ in range(20):
                    group.start_soon(partial(fetch, pool, request_to(server, b"x")))
        assert http2.violations == []
        assert_all_free(pool)
        return chaos.outcomes


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_nothing_is_lost_in_120_random_requests(encrypted: bool, h2_authority: Authority) -> None:
    with fail_after(18):
        outcomes = await run(7 + encrypted, 15, 8, h2_authority if encrypted else None)
    assert outcomes["answered"] > 10


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_nothing_is_lost_in_10000_random_requests(encrypted: bool, h2_authority: Authority) -> None:
    for seed in range(5):
        with fail_after(100):
            await run(seed, 40, 50, h2_authority if encrypted else None)
