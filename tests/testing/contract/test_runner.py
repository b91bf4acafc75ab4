"""`check_transport` finds what is wrong with a transport, says it, and passes what is right."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from typing import Any

import pytest
from anyio import CancelScope

from anyopenai import Timeout
from anyopenai.testing import Answer, BrokenTransportError, FakeTransport, RecordedRequest, check_transport
from anyopenai.testing.contract.bench import CHECKS
from anyopenai.transport import PoolTransport, Transport, TransportFailure, WireRequest, WireResponse


class Wrapped:
    """A pool's answer, passed on; subclasses change one thing."""

    def __init__(self, response: WireResponse) -> None:
        self.inner = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
        return await self.inner.receive(max_bytes, timeout=timeout)

    async def read(self, limit: int) -> bytes:
        return await self.inner.read(limit)


class Faulty:
    """A pool with one planted fault; subclasses are the faults."""

    response: Callable[[WireResponse], Any] = staticmethod(lambda response: response)

    def __init__(self, max_connections: int = 100) -> None:
        self.pool = PoolTransport(max_connections=max_connections)

    async def send(self, request: WireRequest) -> WireResponse:
        answer: WireResponse = self.response(await self.pool.send(request))
        return answer

    async def aclose(self) -> None:
        await self.pool.aclose()


class LosesBytes(Faulty):
    class response(Wrapped):  # noqa: N801 - it stands in the place of a function
        async def read(self, limit: int) -> bytes:
            return (await self.inner.read(limit))[:-1]


class HandsOutTooMuch(Faulty):
    class response(Wrapped):  # noqa: N801
        async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
            return await self.inner.receive(65536, timeout=timeout)


class LeaksOnClose(Faulty):
    class response(Wrapped):  # noqa: N801
        async def aclose(self) -> None:
            """Keep the connection."""


class LeaksWhenGivenUp(Faulty):
    class response(Wrapped):  # noqa: N801
        def abandon(self) -> None:
            """Keep the connection."""


class AlwaysComplete(Faulty):
    class response(Wrapped):  # noqa: N801
        complete = True


class LiesAboutDraining(Faulty):
    class response(Wrapped):  # noqa: N801
        async def drain(self, max_bytes: int, seconds: float) -> bool:
            await self.inner.drain(max_bytes, seconds)
            return True


class MergesHeaders(Faulty):
    class response(Wrapped):  # noqa: N801
        def __init__(self, response: WireResponse) -> None:
            super().__init__(response)
            self.headers = list(dict(response.headers).items())


class RaisesForStatus(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        response = await self.pool.send(request)
        if response.status >= 400:
            await response.aclose()
            raise RuntimeError(f"status {response.status}")
        return response


class IgnoresCancellation(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        with CancelScope(shield=True):
            return await self.pool.send(request)


class LosesConnectionsOnCancellation(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        response = await self.pool.send(request)
        self.last = response  # so that nobody finalizes it
        await Pause()
        return response


class Pause:
    """One suspension at which nothing is given back."""

    def __await__(self) -> Any:
        from anyio.lowlevel import checkpoint

        return checkpoint().__await__()


class IgnoresTime(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        request.timeout = Timeout(None)
        return await self.pool.send(request)


class AddsHeaders(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        request.headers.append((b"x-powered-by", b"me"))
        return await self.pool.send(request)


class KeepsCookies(Faulty):
    cookie = b""

    async def send(self, request: WireRequest) -> WireResponse:
        if self.cookie:
            request.headers.append((b"cookie", self.cookie))
        response = await self.pool.send(request)
        self.cookie = dict(response.headers).get(b"set-cookie", b"")
        return response


class NormalizesTargets(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        request.target = request.target.replace(b"%2F", b"/")
        return await self.pool.send(request)


class SendsAgain(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        try:
            return await self.pool.send(request)
        except TransportFailure:
            return await self.pool.send(request)


class LetsForeignErrorsOut(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        try:
            return await self.pool.send(request)
        except TransportFailure as failure:
            raise ConnectionError(str(failure)) from failure


class ForgetsWhatWasSent(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        try:
            return await self.pool.send(request)
        except TransportFailure as failure:
            raise TransportFailure(str(failure), kind=failure.kind, phase=failure.phase) from failure


class OpensAPoolForEach(Faulty):
    async def send(self, request: WireRequest) -> WireResponse:
        pools = self.__dict__.setdefault("pools", [])
        pools.append(PoolTransport())
        response: WireResponse = await pools[-1].send(request)
        return response

    async def aclose(self) -> None:
        for pool in self.__dict__.get("pools", []):
            await pool.aclose()


class WorksWhenClosed(Faulty):
    async def aclose(self) -> None:
        await self.pool.aclose()
        self.pool = PoolTransport()


FOUND: list[tuple[type[Faulty], str]] = [
    (LosesBytes, "bodies"),
    (HandsOutTooMuch, "large_bodies"),
    (LeaksOnClose, "closing_early"),
    (LeaksWhenGivenUp, "giving_up"),
    (AlwaysComplete, "pieces_as_they_come"),
    (LiesAboutDraining, "draining"),
    (MergesHeaders, "answer_headers"),
    (RaisesForStatus, "statuses"),
    (IgnoresCancellation, "cancelling_while_waiting"),
    (LosesConnectionsOnCancellation, "cancelling_everywhere"),
    (IgnoresTime, "head_limit"),
    (AddsHeaders, "request_head"),
    (KeepsCookies, "nothing_remembered"),
    (NormalizesTargets, "request_head"),
    (SendsAgain, "lost_before_the_answer"),
    (LetsForeignErrorsOut, "refused_connections"),
    (ForgetsWhatWasSent, "lost_before_the_answer"),
    (OpensAPoolForEach, "nothing_piles_up"),
    (WorksWhenClosed, "closing_the_transport"),
]


@pytest.fixture
def swept() -> Generator[None]:
    """Have what a test leaked finalized while its warnings are still ignored."""
    yield
    gc.collect()


# What leaks here is the fault that was planted.
@pytest.mark.usefixtures("swept")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("fault", "name"), FOUND, ids=[fault.__name__ for fault, _ in FOUND])
async def test_a_planted_fault_is_found(fault: type[Faulty], name: str) -> None:
    with pytest.raises(BrokenTransportError) as caught:
        # What hangs is found by waiting, so not for long.
        await check_transport(fault, limited=lambda: fault(1), only=[name], patience=0.5)
    assert list(caught.value.report.broken) == [name]
    assert f"FAILED {name}: " in str(caught.value)
    del caught  # it refers to everything that was going on
    gc.collect()


async def test_the_packages_own_pool_passes_every_check() -> None:
    report = await check_transport(PoolTransport, limited=lambda: PoolTransport(max_connections=1))
    assert report.broken == report.skipped == {}
    assert report.passed == tuple(item.name for item in CHECKS)


async def test_a_scripted_transport_passes_what_is_about_answers() -> None:
    """`FakeTransport` has no network, so another transport fetches what it is to answer."""

    def make() -> Transport:
        fake = FakeTransport()

        async def relay(request: RecordedRequest) -> Answer:
            pool = PoolTransport()
            wire = request.wire
            try:
                sent = WireRequest(
                    wire.method, wire.scheme, wire.host, wire.port, wire.target, wire.headers, request.body,
                    timeout=wire.timeout,
                )  # fmt: skip
                response = await pool.send(sent)
                pieces: list[Any] = []
                try:
                    while piece := await response.receive():
                        pieces.append(piece)
                except TransportFailure as failure:
                    pieces.append(failure)
                headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
                return Answer(response.status, pieces=pieces, headers=headers)
            finally:
                await pool.aclose()

        fake.route("*", "/**", relay)
        return fake

    applicable = [
        "statuses",
        "interim_answers",
        "bodies",
        "answers_without_body",
        "large_bodies",
        "size_limit",
        "request_bodies",
        "lost_before_the_answer",
        "lost_in_the_answer",
        "ending_twice",
        "many_at_once",
    ]
    report = await check_transport(make, only=applicable)
    assert set(report.passed) == set(applicable)


async def test_one_transport_is_checked_as_it_is_and_stays_open() -> None:
    pool = PoolTransport()
    report = await check_transport(pool, only=["bodies", "statuses"])
    assert report.passed == ("statuses", "bodies")
    assert "closing_the_transport" in report.skipped
    # Still open: a closed one would be refused.
    await check_transport(pool, only=["statuses"])
    await pool.aclose()


async def test_without_a_limited_transport_what_needs_it_is_skipped_with_the_reason() -> None:
    report = await check_transport(PoolTransport, only=["pool_limit"])
    assert report.passed == ()
    assert "limited=" in report.skipped["pool_limit"]
    assert "1 were skipped" not in str(report)
    assert "skipped pool_limit: " in str(report)


async def test_a_check_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="no such checks: nonsense; there are statuses"):
        await check_transport(PoolTransport, only=["nonsense"])
    with pytest.raises(ValueError, match="no such checks: nonsense"):
        await check_transport(PoolTransport, skip=["nonsense"])


def test_every_check_says_what_must_be_true() -> None:
    assert len({item.name for item in CHECKS}) == len(CHECKS)
    assert all(item.claim.endswith(".") and len(item.claim) > 40 for item in CHECKS)
