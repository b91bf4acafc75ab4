"""Timeouts and deadlines: which limit ends what, and what the error says about it; time itself is a fake."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import APITimeoutError, InternalServerError, OpenAI, Timeout
from anyopenai._engine.settings import limits_of
from anyopenai.errors import DeadlineExceeded
from anyopenai.testing import Answer, FakeTransport
from anyopenai.transport.base import TransportFailure
from engine.support import CHAT, KEY, PROMPT, STREAM, chunk, client_over, ok, without_waiting

SECONDS = st.none() | st.floats(0.001, 1000)


class Time:
    """A clock that only tests move, and the engine's scopes, which end when a test says so.

    Attributes:
        now: The time, in seconds.
        deadlines: When each attempt would have been ended.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.deadlines: list[float] = []
        self._scope: anyio.CancelScope | None = None

    def __call__(self) -> float:
        return self.now

    def scope(self, *, deadline: float) -> anyio.CancelScope:
        """Stand in for `CancelScope(deadline=...)`."""
        self.deadlines.append(deadline)
        self._scope = anyio.CancelScope()
        return self._scope

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.now += seconds
        await checkpoint()

    async def wait(self) -> None:
        """Be a gate behind which the attempt's time is over."""
        assert self._scope is not None
        self.now = self.deadlines[-1]
        self._scope.cancel()
        await anyio.sleep_forever()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr("anyopenai._engine.engine.CancelScope", time.scope)
    monkeypatch.setattr("anyopenai._engine.engine.sleep", time.sleep)
    for module in ("engine", "call", "reader"):
        monkeypatch.setattr(f"anyopenai._engine.{module}.current_time", time)
    return time


class Late:
    """A gate at which a silence lasted too long, as the transport finds; time has passed meanwhile."""

    def __init__(self, time: Time, seconds: float, phase: Any = "body") -> None:
        self._time = time
        self._seconds = seconds
        self._phase = phase

    async def wait(self) -> None:
        self._time.now += self._seconds
        raise TransportFailure("silence", kind="timeout", phase=self._phase, sent="all")


def watched(transport: FakeTransport, silences: list[float | None]) -> None:
    """Take down how long every read may take."""
    send = transport.send

    async def watching(request: Any) -> Any:
        response = await send(request)
        receive: Callable[..., Any] = response.receive

        class Watched:
            status, headers, http_version = response.status, response.headers, response.http_version
            drain, aclose, abandon = response.drain, response.aclose, response.abandon
            complete = property(lambda self: response.complete)

            async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
                silences.append(timeout)
                piece: bytes = await receive(max_bytes)
                return piece

        return Watched()

    transport.send = watching  # type: ignore[method-assign]


@given(pool=SECONDS, connect=SECONDS, write=SECONDS, read=SECONDS)
def test_an_attempt_as_a_whole_is_bounded_by_the_largest_field(
    pool: float | None, connect: float | None, write: float | None, read: float | None
) -> None:
    given = Timeout(pool=pool, connect=connect, write=write, read=read)
    _, left, bound, _ = limits_of(given)
    fields = (pool, connect, write, read)
    if None in fields:
        assert (left, bound) == (given, None)
        return
    assert bound == max(value for value in fields if value is not None)
    for name, value in zip(("pool", "connect", "write", "read"), fields, strict=True):
        assert getattr(left, name) == (None if value == bound else value)


async def test_a_json_answer_that_drips_is_bounded_to_its_last_byte(time: Time) -> None:
    """Each piece comes within the timeout; the answer as a whole does not."""
    client, transport = client_over(
        Answer(pieces=[b"{", time], headers={"content-type": "application/json"}), timeout=5, max_retries=0
    )
    with pytest.raises(APITimeoutError, match=r"the answer was not complete within 5 s") as caught:
        await client.models.retrieve("m")
    assert time.deadlines == [1005.0]
    assert caught.value.request_sent == "all"
    # One scope does all of it, so the transport has nothing to watch.
    assert transport.requests[0].wire.timeout == Timeout(None)
    assert transport.open_responses == 0


async def test_a_timeout_says_phase_limit_and_attempts(time: Time) -> None:
    client, _ = client_over(*[ok(wait=time)] * 3, timeout=7)
    with pytest.raises(APITimeoutError) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == "no answer within 7 s after the request was sent; 3 attempts"
    assert caught.value.request is not None
    assert caught.value.request.url == "https://api.openai.com/v1/models/m"


@pytest.mark.parametrize(
    ("phase", "sent", "text"),
    [
        ("pool", "none", "no connection was free within 7 s"),
        ("connect", "none", "no connection to api.openai.com:443 within 3 s"),
        ("write", "partial", "the request could not be sent within 5 s"),
        ("head", "all", "no answer within 9 s after the request was sent"),
    ],
)
async def test_a_transports_own_limit_is_named(phase: Any, sent: Any, text: str) -> None:
    failure = TransportFailure("x", kind="timeout", phase=phase, sent=sent)
    client, _ = client_over(failure, max_retries=0, timeout=Timeout(pool=7, connect=3, write=5, read=9))
    with pytest.raises(APITimeoutError) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == f"{text}; 1 attempt"
    assert caught.value.request_sent == sent
    assert isinstance(caught.value.__cause__, TransportFailure)


async def test_a_deadline_bounds_attempts_and_waits_together(time: Time) -> None:
    again = Answer.error(503, headers={"retry-after": "2"})
    client, transport = client_over(*[again] * 9, max_retries=9)
    with pytest.raises(InternalServerError):
        await client.models.retrieve("m", deadline=5)
    # At 0, 2 and 4 seconds; the next would be past the deadline, so nobody waits for it.
    assert len(transport.requests) == 3
    assert time.now == 1004.0
    assert time.deadlines == [1005.0] * 3


async def test_a_deadline_that_passes_in_an_attempt_says_so(time: Time) -> None:
    client, _ = client_over(ok(wait=time), deadline=3)
    with pytest.raises(DeadlineExceeded) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == "the call's deadline of 3 s passed before the answer began; 1 attempt"
    assert caught.value.request_sent == "all"


async def test_the_shorter_of_timeout_and_deadline_ends_an_attempt(time: Time) -> None:
    client, _ = client_over(ok(wait=time), timeout=2, deadline=30, max_retries=0)
    with pytest.raises(APITimeoutError, match="within 2 s") as caught:
        await client.models.retrieve("m")
    assert not isinstance(caught.value, DeadlineExceeded)
    assert time.deadlines == [1002.0]


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = without_waiting(monkeypatch)
    client, _ = client_over(Answer.error(503, headers={"retry-after": "60"}))
    with pytest.raises(InternalServerError):
        await client.models.retrieve("m", deadline=30)
    assert waits == []


async def test_a_deadline_of_zero_sends_nothing() -> None:
    client, transport = client_over(ok())
    with pytest.raises(DeadlineExceeded, match="before the attempt began"):
        await client.models.retrieve("m", deadline=0)
    assert transport.requests == []


async def test_none_as_a_calls_deadline_lifts_the_clients() -> None:
    client, _ = client_over(ok(), deadline=0)
    assert (await client.models.retrieve("m", deadline=None)).id == "m"


async def test_a_deadline_ends_a_download(time: Time) -> None:
    client, transport = client_over(Answer(pieces=[b"abc", Late(time, 9)]))
    silences: list[float | None] = []
    watched(transport, silences)
    async with client.files.with_streaming_response.content("f", deadline=5, timeout=30) as response:
        pieces = aiter(response.iter_bytes())
        time.now += 2
        assert await anext(pieces) == b"abc"
        with pytest.raises(DeadlineExceeded):
            await anext(pieces)
    assert silences == [3.0, 3.0]
    assert transport.open_responses == 0


async def test_a_download_is_bounded_silence_by_silence() -> None:
    client, transport = client_over(Answer(content=b"abc"), timeout=3)
    await client.files.content("f")
    assert transport.requests[0].wire.timeout == Timeout(3)


async def test_an_upload_is_bounded_silence_by_silence(time: Time) -> None:
    client, transport = client_over(ok({"id": "f"}), timeout=3)
    await client.files.create(file=b"abc", purpose="batch")
    assert transport.requests[0].wire.timeout == Timeout(3)
    assert time.deadlines == []


async def test_the_first_event_of_a_stream_has_a_limit_of_its_own(time: Time) -> None:
    """Comments show that the server lives, and are no event."""
    client, transport = client_over(
        Answer(events=[b": keep-alive\n\n", Late(time, 4)]),
        timeout=Timeout(10, first_event=4, idle=2),
        max_retries=0,
    )
    silences: list[float | None] = []
    watched(transport, silences)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert transport.requests[0].wire.timeout.read == 4
    time.now += 1
    with pytest.raises(APITimeoutError, match=r"no event of the stream within 4 s"):
        await anext(stream)
    # What is left of the four seconds each time.
    assert silences == [3.0, 3.0]
    assert transport.open_responses == 0


async def test_the_silence_after_the_first_event_has_a_limit_of_its_own(time: Time) -> None:
    client, transport = client_over(
        Answer(events=[chunk("a"), Late(time, 2)]), timeout=Timeout(10, first_event=None, idle=2), max_retries=0
    )
    silences: list[float | None] = []
    watched(transport, silences)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    with pytest.raises(APITimeoutError, match=r"went silent: nothing more within 2 s after \d+ bytes"):
        await anext(stream)
    assert silences == [inf, 2]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_deadline_covers_the_stream(time: Time) -> None:
    client, transport = client_over(Answer(events=[chunk("a"), Late(time, 5)]))
    silences: list[float | None] = []
    watched(transport, silences)
    stream = await client.chat.completions.create(**PROMPT, stream=True, deadline=5)
    await anext(stream)
    with pytest.raises(DeadlineExceeded, match="before the stream was complete"):
        await anext(stream)
    assert silences == [5.0, 5.0]


async def test_a_stream_that_keeps_sending_outlives_the_timeout(time: Time) -> None:
    client, transport = client_over(Answer(events=STREAM), timeout=1)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    count = 0
    async for _ in stream:
        count += 1
        time.now += 0.9
    assert count == 3
    assert transport.open_responses == 0


@pytest.mark.parametrize("wrong", ["1", True, float("nan"), -1], ids=repr)
async def test_a_deadline_that_is_none_is_refused(wrong: Any) -> None:
    client, transport = client_over()
    with pytest.raises((TypeError, ValueError), match="deadline must be"):
        await client.models.retrieve("m", deadline=wrong)
    assert transport.requests == []


async def test_a_scope_of_the_caller_ends_a_call() -> None:
    never = anyio.Event()
    transport = FakeTransport(Answer(json=CHAT, wait=never))
    client = OpenAI(api_key=KEY, transport=transport)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_when_blocked, scope)
            await client.chat.completions.create(**PROMPT)
    assert scope.cancelled_caught
    assert len(transport.requests) == 1


async def cancel_when_blocked(scope: anyio.CancelScope) -> None:
    await anyio.wait_all_tasks_blocked()
    scope.cancel()
