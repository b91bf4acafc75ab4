"""Polls: how long they wait, when they end, and what bounds them."""

from __future__ import annotations

import math
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import DeadlineExceeded, InternalServerError, NotFoundError, OpenAI
from anyopenai.jobs.polling import wait_before
from anyopenai.testing import Answer, FakeTransport
from streaming.runs import run


class Clock:
    """A clock that goes on when somebody sleeps, and notes how long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        monkeypatch.setattr("anyopenai.jobs.polling.sleep", self.sleep)
        for module in ("polling", "run_polls"):
            monkeypatch.setattr(f"anyopenai.jobs.{module}.current_time", lambda: self.now)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await checkpoint()


def look(status: str, hint: str | None = None) -> Answer:
    """Answer with a run."""
    return Answer(json=run(status)[1], headers={} if hint is None else {"openai-poll-after-ms": hint})


def client_for(*answers: Any, **options: Any) -> tuple[OpenAI, FakeTransport]:
    transport = FakeTransport(*answers)
    return OpenAI(**{"api_key": "k", "transport": transport, "max_retries": 0, **options}), transport


@pytest.mark.parametrize("status", ["requires_action", "cancelled", "completed", "failed", "expired", "incomplete"])
async def test_a_run_that_does_nothing_more_ends_the_poll(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behaviour 344: any status that needs no more waiting; others, new ones among them, do."""
    clock = Clock(monkeypatch)
    client, transport = client_for(*map(look, ("queued", "in_progress", "cancelling", "brand_new", status)))
    assert (await client.beta.threads.runs.poll("run_1", "thread_1")).status == status
    assert clock.slept == [1.0] * 4
    assert {request.path for request in transport.requests} == {"/v1/threads/thread_1/runs/run_1"}
    headers = transport.requests[0].headers
    assert (headers["openai-beta"], headers["x-stainless-poll-helper"]) == ("assistants=v2", "true")
    assert "x-stainless-custom-poll-interval" not in headers


async def test_a_run_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    client, _ = client_for(look("completed"))
    await client.beta.threads.runs.poll(run_id="run_1", thread_id="thread_1")
    assert clock.slept == []


async def test_the_servers_hint_is_kept_and_the_callers_interval_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    answers = [look("queued", "250"), look("queued", "4000"), look("completed", "9")]
    client, transport = client_for(*answers, *answers)
    await client.beta.threads.runs.poll("run_1", "thread_1")
    assert clock.slept == [0.25, 4.0]
    await client.beta.threads.runs.poll("run_1", "thread_1", poll_interval_ms=40)
    assert clock.slept[2:] == [0.04, 0.04]
    assert transport.requests[-1].headers["x-stainless-custom-poll-interval"] == "40"


def test_waits_without_a_hint_grow_after_ten_looks() -> None:
    waits = [wait_before(looks, None, None) for looks in range(1, 200)]
    assert waits[:10] == [1.0] * 10
    assert waits == sorted(waits)
    assert waits[-1] == 10.0
    # An hour of looking.
    looks = next(count for count in range(len(waits) * 10) if sum(waits[:count]) + 10.0 * max(0, count - 199) > 3600)
    assert looks < 420


@given(
    looks=st.integers(1),
    hint=st.none() | st.text(max_size=20) | st.integers().map(str),
    interval=st.none() | st.floats(-10, 1e6),
)
def test_any_hint_gives_a_wait_that_ends(looks: int, hint: str | None, interval: float | None) -> None:
    seconds = wait_before(looks, hint, interval)
    assert 0 <= seconds <= (60 if interval is None else max(0.0, interval / 1000))
    assert math.isfinite(seconds)


@pytest.mark.parametrize("hint", ["", "soon", "-5", "1.5", "٣"])
def test_a_hint_that_is_no_number_is_none(hint: str) -> None:
    assert wait_before(1, hint, None) == 1.0


async def test_a_run_is_started_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    client, transport = client_for(*[look("queued"), look("in_progress"), look("completed")] * 3)
    threads = client.beta.threads
    include: Any = ["step_details.tool_calls[*].file_search.results[*].content"]
    for work, path, sent in (
        (threads.runs.create_and_poll("t", assistant_id="a", temperature=1, include=include), "/v1/threads/t/runs",
         {"assistant_id": "a", "temperature": 1}),
        (threads.runs.submit_tool_outputs_and_poll("r", thread_id="t", tool_outputs=[]),
         "/v1/threads/t/runs/r/submit_tool_outputs", {"tool_outputs": []}),
        (threads.create_and_run_poll(assistant_id="a", thread={"messages": []}), "/v1/threads/runs",
         {"assistant_id": "a", "thread": {"messages": []}}),
    ):  # fmt: skip
        assert (await work).status == "completed"
        first, *looks = transport.requests
        assert (first.method, first.path, first.json()) == ("POST", path, sent)
        assert first.headers["openai-beta"] == "assistants=v2"
        assert [(one.method, one.path) for one in looks] == [("GET", "/v1/threads/thread_1/runs/run_1")] * 2
        assert first.query == ({"include[]": include} if path.endswith("t/runs") else {})
        transport.requests.clear()


async def test_options_go_with_every_look_and_a_body_only_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    client, transport = client_for(look("queued"), look("queued"), look("completed"))
    await client.beta.threads.runs.create_and_poll(
        "t", assistant_id="a", extra_headers={"x-mine": "1"}, extra_body={"b": 2}, idempotency_key="once"
    )
    assert all(request.headers["x-mine"] == "1" for request in transport.requests)
    assert [request.body != b"" for request in transport.requests] == [True, False, False]
    assert transport.requests[0].json() == {"assistant_id": "a", "b": 2}
    assert [request.headers.get("idempotency-key") == "once" for request in transport.requests] == [True, False, False]


async def test_a_failing_look_is_raised() -> None:
    """Behaviour 340."""
    client, transport = client_for(Answer.error(404))
    with pytest.raises(NotFoundError):
        await client.beta.threads.runs.poll("run_1", "thread_1")
    transport.add(look("queued", "0"), Answer.error(500))
    with pytest.raises(InternalServerError):
        await client.beta.threads.runs.poll("run_1", "thread_1")


async def test_cancelling_stops_at_once() -> None:
    """Behaviour 341."""
    client, transport = client_for(look("queued"))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.beta.threads.runs.poll, "run_1", "thread_1")
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancelled_caught
    assert len(transport.requests) == 1


async def test_the_deadline_bounds_requests_and_waits_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    client, transport = client_for(*[look("in_progress", "4000")] * 9)
    with pytest.raises(DeadlineExceeded, match="10 s passed while what was polled was 'in_progress'"):
        await client.beta.threads.runs.create_and_poll("t", assistant_id="a", deadline=10)
    assert clock.slept == [4.0, 4.0, 2.0]
    assert len(transport.requests) == 4


async def test_a_deadline_that_has_passed_lets_no_request_go(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def slow(request: object) -> Answer:
        clock.now += 60
        return look("queued")

    client, transport = client_for(slow)
    with pytest.raises(DeadlineExceeded):
        await client.beta.threads.runs.create_and_poll("t", assistant_id="a", deadline=10)
    assert len(transport.requests) == 1


async def test_polls_have_no_raw_view() -> None:
    threads: Any = client_for()[0].beta.threads
    raw = threads.runs.with_raw_response
    for work in (
        raw.poll("r", "t"),
        raw.create_and_poll("t", assistant_id="a"),
        raw.submit_tool_outputs_and_poll("r", thread_id="t", tool_outputs=[]),
        threads.with_raw_response.create_and_run_poll(assistant_id="a"),
    ):
        with pytest.raises(TypeError, match="use `retrieve` under it"):
            await work
