"""Timeouts and deadlines: which limit ends what, and what the error says about it."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import APITimeoutError, InternalServerError, OpenAI, Timeout
from anyopenai._engine.settings import limits_of
from anyopenai.errors import DeadlineExceeded
from anyopenai.testing import Answer, FakeTransport
from anyopenai.transport.base import TransportFailure
from engine.support import CHAT, KEY, PROMPT, chunk, client_over, ok, without_waiting

SECONDS = st.none() | st.floats(0.001, 1000)


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


async def test_a_json_answer_that_drips_is_bounded_to_its_last_byte() -> None:
    """Each piece comes within the timeout; the answer as a whole does not."""
    never = anyio.Event()
    client, transport = client_over(
        Answer(pieces=[b"{", never], headers={"content-type": "application/json"}), timeout=0.05, max_retries=0
    )
    with pytest.raises(APITimeoutError, match=r"the answer was not complete within 0\.05 s") as caught:
        await client.models.retrieve("m")
    assert caught.value.request_sent == "all"
    assert transport.requests[0].wire.timeout == Timeout(None)
    assert transport.open_responses == 0


async def test_a_timeout_says_phase_limit_and_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    never = anyio.Event()
    client, _ = client_over(*[ok(wait=never) for _ in range(3)], timeout=0.02)
    with pytest.raises(APITimeoutError) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == "no answer within 0.02 s after the request was sent; 3 attempts"
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
async def test_a_transports_own_limit_is_named(phase: str, sent: str, text: str) -> None:
    failure = TransportFailure("x", kind="timeout", phase=phase, sent=sent)  # type: ignore[arg-type]
    client, _ = client_over(failure, max_retries=0, timeout=Timeout(pool=7, connect=3, write=5, read=9))
    with pytest.raises(APITimeoutError) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == f"{text}; 1 attempt"
    assert caught.value.request_sent == sent
    assert isinstance(caught.value.__cause__, TransportFailure)


async def test_a_deadline_bounds_attempts_and_waits_together() -> None:
    never = anyio.Event()
    client, transport = client_over(*[ok(wait=never) for _ in range(9)], timeout=0.05, max_retries=9)
    start = anyio.current_time()
    with pytest.raises(APITimeoutError):
        await client.models.retrieve("m", deadline=0.12)
    # Far less than ten attempts of 0.05 s with their waits; the bound is generous for a busy machine.
    assert anyio.current_time() - start < 2
    assert len(transport.requests) < 9


async def test_a_deadline_that_passes_in_an_attempt_says_so() -> None:
    never = anyio.Event()
    client, _ = client_over(ok(wait=never), deadline=0.02)
    with pytest.raises(DeadlineExceeded) as caught:
        await client.models.retrieve("m")
    assert str(caught.value) == "the call's deadline of 0.02 s passed before the answer began; 1 attempt"
    assert caught.value.request_sent == "all"


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


async def test_a_deadline_ends_a_download() -> None:
    never = anyio.Event()
    client, transport = client_over(Answer(pieces=[b"abc", never]))
    async with client.files.with_streaming_response.content("f", deadline=0.05) as response:
        pieces = aiter(response.iter_bytes())
        assert await anext(pieces) == b"abc"
        with pytest.raises(DeadlineExceeded):
            await anext(pieces)
    assert transport.open_responses == 0


async def test_an_upload_is_bounded_silence_by_silence() -> None:
    client, transport = client_over(ok({"id": "f"}), timeout=3)
    await client.files.create(file=b"abc", purpose="batch")
    assert transport.requests[0].wire.timeout == Timeout(3)


async def test_the_first_event_of_a_stream_has_a_limit_of_its_own() -> None:
    """Comments show that the server lives, and are no event."""
    never = anyio.Event()
    client, transport = client_over(
        Answer(events=[b": keep-alive\n\n", never]), timeout=Timeout(10, first_event=0.05), max_retries=0
    )
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    with pytest.raises(APITimeoutError, match=r"no event of the stream within 0\.05 s"):
        await anext(stream)
    assert transport.open_responses == 0
    assert transport.requests[0].wire.timeout.read == 0.05


async def test_the_silence_after_the_first_event_has_a_limit_of_its_own() -> None:
    never = anyio.Event()
    client, _ = client_over(
        Answer(events=[chunk("a"), never]), timeout=Timeout(10, first_event=None, idle=0.05), max_retries=0
    )
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    with pytest.raises(APITimeoutError, match=r"went silent: nothing more within 0\.05 s"):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_deadline_covers_the_stream() -> None:
    never = anyio.Event()
    client, _ = client_over(Answer(events=[chunk("a"), never]))
    stream = await client.chat.completions.create(**PROMPT, stream=True, deadline=0.05)
    await anext(stream)
    with pytest.raises(DeadlineExceeded, match="before the stream was complete"):
        await anext(stream)


@pytest.mark.parametrize("wrong", ["1", True, float("nan"), -1])
async def test_a_deadline_that_is_none_is_refused(wrong: object) -> None:
    client, transport = client_over()
    with pytest.raises((TypeError, ValueError), match="deadline must be"):
        await client.models.retrieve("m", deadline=wrong)
    assert transport.requests == []


async def test_a_scope_of_the_caller_ends_a_call() -> None:
    never = anyio.Event()
    transport = FakeTransport(Answer(json=CHAT, wait=never))
    client = OpenAI(api_key=KEY, transport=transport)
    with anyio.move_on_after(0.02) as scope:
        await client.chat.completions.create(**PROMPT)
    assert scope.cancelled_caught
    assert len(transport.requests) == 1
