"""How long is waited exactly, on a clock that leaps to the next timer; in memory, because sockets know only real time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import pytest
import trio.testing

from anyopenai import APITimeoutError, DeadlineExceeded, InternalServerError, OpenAI, Timeout
from anyopenai.testing import Answer, FakeTransport
from behaviour.answers import MODEL, PROMPT, delta


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock leaps to the next timer when nothing else is left to do."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, Mapping[str, object]]:
    """Both backends, each with a clock that leaps."""
    if request.param == "asyncio":
        return "asyncio", {"loop_factory": LeapingLoop}
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
def waits() -> None:
    """Attempts wait as they would."""


class After:
    """A gate that opens after some seconds, counted from when the answer comes to it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def wait(self) -> None:
        await anyio.sleep(self.seconds)


NEVER = After(1e9)


def dripping(seconds: float, count: int, *, first: float = 0) -> Answer:
    """A chat stream whose events come every so many seconds."""
    steps: list[Any] = [After(first)]
    for _ in range(count):
        steps += [delta("a"), After(seconds)]
    return Answer(events=[*steps, delta(None, "stop"), "[DONE]"])


async def took(call: Callable[[], Awaitable[object]], expected: type[Exception] | None = None) -> float:
    """Return the seconds that a call took by the leaping clock, to the thousandth."""
    begun = anyio.current_time()
    if expected is None:
        await call()
    else:
        with pytest.raises(expected) as caught:
            await call()
        assert type(caught.value) is expected
    return round(anyio.current_time() - begun, 3)


def client_of(*answers: Answer, **options: Any) -> OpenAI:
    return OpenAI(api_key="k", transport=FakeTransport(*answers), **{"max_retries": 0, **options})


async def stream_through(client: OpenAI, **options: Any) -> int:
    """Count a chat stream's events."""
    stream = await client.chat.completions.create(**PROMPT, stream=True, **options)
    return len([event async for event in stream])


@pytest.mark.parametrize(
    ("client_timeout", "own", "seconds"),
    [
        (7, {}, 7),
        (7, {"timeout": 3}, 3),
        (7, {"timeout": 20}, 20),
        (None, {"timeout": 5}, 5),
        (Timeout(30, read=4), {}, 4),
        (Timeout(connect=1, read=2, write=3, pool=50), {}, 2),
    ],
    ids=repr,
)
async def test_no_answer_is_waited_for_as_long_as_the_timeout_says(
    client_timeout: object, own: Mapping[str, Any], seconds: float
) -> None:
    async with client_of(Answer(json=MODEL, wait=NEVER), timeout=client_timeout) as client:
        assert await took(lambda: client.models.retrieve("m", **own), APITimeoutError) == seconds


async def test_without_a_timeout_of_ones_own_ten_minutes_are_waited() -> None:
    async with client_of(Answer(json=MODEL, wait=After(599)), Answer(json=MODEL, wait=NEVER)) as client:
        assert await took(lambda: client.models.retrieve("m")) == 599
        assert await took(lambda: client.models.retrieve("m"), APITimeoutError) == 600


async def test_no_timeout_waits_for_hours() -> None:
    async with client_of(Answer(json=MODEL, wait=After(86_400)), timeout=None) as client:
        assert await took(lambda: client.models.retrieve("m")) == 86_400


async def test_a_json_answer_is_bounded_to_its_last_byte() -> None:
    drip = Answer(pieces=[b'{"id": ', After(4), b'"m", ', After(4), b'"x": 1', After(4), b"}"])
    async with client_of(drip, timeout=10) as client:
        assert await took(lambda: client.models.retrieve("m"), APITimeoutError) == 10


async def test_a_stream_that_keeps_sending_outlives_the_timeout() -> None:
    async with client_of(dripping(9, 20), timeout=10) as client:
        assert await took(lambda: stream_through(client)) == 180


async def test_a_stream_that_stops_sending_raises_after_the_timeout() -> None:
    async with client_of(dripping(11, 20), timeout=10) as client:
        assert await took(lambda: stream_through(client), APITimeoutError) == 10


async def test_first_event_and_silence_have_limits_of_their_own() -> None:
    limits = Timeout(60, first_event=30, idle=5)
    async with client_of(dripping(4, 3, first=29), dripping(4, 3, first=31), dripping(6, 3), timeout=limits) as client:
        assert await took(lambda: stream_through(client)) == 29 + 12
        assert await took(lambda: stream_through(client), APITimeoutError) == 30
        assert await took(lambda: stream_through(client), APITimeoutError) == 5


async def test_the_head_of_a_stream_may_take_as_long_as_its_first_event() -> None:
    def late(seconds: float) -> Answer:
        return Answer(wait=After(seconds), events=[delta("a", "stop"), "[DONE]"])

    async with client_of(late(29), late(31), timeout=Timeout(10, first_event=30)) as client:
        assert await took(lambda: stream_through(client)) == 29
        assert await took(lambda: stream_through(client), APITimeoutError) == 30


@pytest.mark.parametrize("limits", [Timeout(10, idle=None), Timeout(None)], ids=repr)
async def test_a_silence_without_a_limit_may_last_for_hours(limits: Timeout) -> None:
    async with client_of(dripping(5000, 3), timeout=limits) as client:
        assert await took(lambda: stream_through(client)) == 15_000


async def test_comments_keep_a_stream_alive_but_are_no_first_event() -> None:
    def comments(count: int) -> Answer:
        return Answer(events=[*[b": ping\n\n", After(4)] * count, delta("a", "stop"), "[DONE]"])

    limits = Timeout(60, first_event=30, idle=5)
    async with client_of(comments(7), comments(8), timeout=limits) as client:
        assert await took(lambda: stream_through(client)) == 28
        assert await took(lambda: stream_through(client), APITimeoutError) == 30


async def test_a_download_is_bounded_silence_by_silence() -> None:
    async with client_of(
        Answer(pieces=[b"x", After(9)] * 5 + [b"x"]), Answer(pieces=[b"x", After(11), b"x"]), timeout=10
    ) as client:
        assert await took(lambda: client.files.content("f")) == 45
        assert await took(lambda: client.files.content("f"), APITimeoutError) == 10


async def test_the_servers_wait_is_waited() -> None:
    async with client_of(
        Answer.error(429, headers={"retry-after": "7"}),
        Answer.error(500, headers={"retry-after-ms": "1500"}),
        Answer(json=MODEL),
        max_retries=2,
    ) as client:
        assert await took(lambda: client.models.retrieve("m")) == 8.5


async def test_a_deadline_bounds_attempts_and_waits_together() -> None:
    async with client_of(*[Answer(json=MODEL, wait=NEVER)] * 9, timeout=3, max_retries=8) as client:
        assert await took(lambda: client.models.retrieve("m", deadline=8), DeadlineExceeded) == 8


async def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    async with client_of(*[Answer.error(500, headers={"retry-after": "5"})] * 9, max_retries=8) as client:
        assert await took(lambda: client.models.retrieve("m", deadline=8), InternalServerError) == 5


async def test_a_deadline_bounds_a_stream_to_its_last_event() -> None:
    async with client_of(dripping(4, 9), dripping(4, 9), timeout=5) as client:
        assert await took(lambda: stream_through(client, deadline=20), DeadlineExceeded) == 20
        assert await took(lambda: stream_through(client, deadline=40)) == 36


async def test_a_clients_deadline_holds_for_each_call() -> None:
    async with client_of(*[Answer(json=MODEL, wait=After(6))] * 3, deadline=10) as client:
        for _ in range(3):
            assert await took(lambda: client.models.retrieve("m")) == 6


async def test_a_callers_own_scope_ends_a_call() -> None:
    async with client_of(Answer(json=MODEL, wait=NEVER)) as client:
        with anyio.move_on_after(2) as scope:
            await client.models.retrieve("m")
        assert scope.cancelled_caught
