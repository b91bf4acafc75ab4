"""Rate limits: the arithmetic with a clock of our own, and the answers that carry them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.testing import StandIn
from anyopenai.testing.exchange import Refusal
from anyopenai.testing.limits import RateLimits, duration_text
from testing.asgi import ask

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 6}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_without_limits_nothing_is_told_and_nothing_refused():
    limits = RateLimits()
    assert [limits.take(10**9) for _ in range(3)] == [{}] * 3


def test_requests_are_counted_down_and_come_back_with_time():
    clock = Clock()
    limits = RateLimits(60, clock=clock)
    assert limits.take(1) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
    }
    for _ in range(59):
        limits.take(1)
    clock.now += 0.25
    with pytest.raises(Refusal) as caught:
        limits.take(1)
    assert (caught.value.status, caught.value.error["type"]) == (429, "requests")
    assert caught.value.error["code"] == "rate_limit_exceeded"
    assert caught.value.headers["retry-after-ms"] == "750"
    assert caught.value.headers["retry-after"] == "1"
    clock.now += 0.75
    assert limits.take(1)["x-ratelimit-remaining-requests"] == "0"


def test_tokens_and_requests_are_told_together_and_a_refusal_uses_up_neither():
    clock = Clock()
    limits = RateLimits(10, 600, clock=clock)
    limits.take(500)
    with pytest.raises(Refusal) as caught:
        limits.take(200)
    assert caught.value.error["type"] == "tokens"
    assert caught.value.headers["retry-after-ms"] == "10000"
    assert caught.value.headers["x-ratelimit-remaining-requests"] == "9"
    assert limits.take(100)["x-ratelimit-remaining-tokens"] == "0"


def test_a_request_that_can_never_fit_is_not_to_be_repeated():
    with pytest.raises(Refusal, match="make it smaller") as caught:
        RateLimits(tokens_per_minute=10, clock=Clock()).take(11)
    assert caught.value.headers["x-should-retry"] == "false"
    assert "retry-after" not in caught.value.headers


@settings(max_examples=60)
@given(
    steps=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 100)), min_size=1, max_size=40),
    per_minute=st.integers(100, 1000),
)
def test_no_more_than_the_allowance_passes_and_waiting_as_told_is_enough(
    steps: list[tuple[float, int]], per_minute: int
):
    clock = Clock()
    started = clock.now
    limits = RateLimits(tokens_per_minute=per_minute, clock=clock)
    passed = 0
    for pause, cost in steps:
        clock.now += pause
        try:
            limits.take(cost)
        except Refusal as refusal:
            clock.now += int(refusal.headers["retry-after-ms"]) / 1000
            limits.take(cost)
        passed += cost
        assert passed <= per_minute * (1 + (clock.now - started) / 60) + 1e-3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0171, "18ms"), (1, "1s"), (1.5, "1.5s"), (59.9995, "1m0s"), (60, "1m0s"), (366.25, "6m6.25s")],
)
def test_durations_are_written_as_the_api_writes_them(seconds: float, text: str):
    assert duration_text(seconds) == text


@pytest.mark.parametrize("value", [0, -1])
def test_limits_below_one_are_refused(value: int):
    with pytest.raises(ValueError, match="requests_per_minute must be at least 1"):
        RateLimits(value)


@pytest.mark.parametrize(
    ("path", "body", "tokens"),
    [
        ("/v1/chat/completions", CHAT, 1 + 3 + 6),
        ("/v1/chat/completions", CHAT | {"stream": True, "n": 2}, 1 + 3 + 12),
        ("/v1/completions", {"model": "m", "prompt": "a b", "max_tokens": 5}, 2 + 5),
        ("/v1/responses", {"model": "m", "input": "a b", "max_output_tokens": 20}, 2 + 3 + 20),
        ("/v1/embeddings", {"model": "m", "input": ["a b", "c"]}, 3),
        ("/v1/moderations", {"input": "a b"}, 2),
    ],
)
async def test_costly_requests_carry_what_is_left(path: str, body: dict[str, object], tokens: int):
    app = StandIn(tokens_per_minute=1000, clock=Clock())
    reply = await ask(app, "POST", path, body)
    assert reply.status == 200
    assert reply.headers["x-ratelimit-remaining-tokens"] == str(1000 - tokens)


async def test_above_the_limit_the_answer_is_a_429_of_the_apis_shape():
    app = StandIn(requests_per_minute=1, clock=Clock())
    assert (await ask(app, "POST", "/v1/chat/completions", CHAT)).status == 200
    reply = await ask(app, "POST", "/v1/chat/completions", CHAT)
    assert (reply.status, reply.error["code"]) == (429, "rate_limit_exceeded")
    assert (reply.headers["retry-after"], reply.headers["retry-after-ms"]) == ("60", "60000")
    assert app.stats.rate_limited == 1


async def test_cheap_requests_and_bad_ones_cost_nothing():
    app = StandIn(requests_per_minute=1, clock=Clock())
    await ask(app, "GET", "/v1/models")
    await ask(app, "POST", "/v1/chat/completions", {"model": "m"})
    assert (await ask(app, "POST", "/v1/chat/completions", CHAT)).status == 200


async def test_the_event_loops_clock_is_the_default():
    app = StandIn(requests_per_minute=1)
    assert (await ask(app, "POST", "/v1/chat/completions", CHAT)).status == 200
    assert (await ask(app, "POST", "/v1/chat/completions", CHAT)).status == 429
