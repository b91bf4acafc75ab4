"""Middleware: what it sees, what it may change, and what it never gets to know."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest
from anyio import CancelScope, Event, create_task_group, wait_all_tasks_blocked

from anyopenai import APIConnectionError, AuthenticationError, InternalServerError, OpenAI, RateLimitError
from anyopenai.testing import Answer, FakeTransport, Forever, Receive, Reply, fault_server
from anyopenai.transport import BufferedResponse, PoolTransport
from anyopenai.transport.base import TransportFailure, WireRequest, WireResponse
from engine.support import CHAT, KEY, MODEL, PROMPT, STREAM, client_over, ok, without_waiting


class Recorder:
    """Takes down what passes."""

    def __init__(self, name: str = "", log: list[str] | None = None) -> None:
        self.name = name
        self.log = [] if log is None else log
        self.requests: list[WireRequest] = []

    async def __call__(self, request: WireRequest, call_next: object) -> WireResponse:
        self.requests.append(request)
        self.log.append(f"{self.name} in")
        response: WireResponse = await call_next(request)  # type: ignore[operator]
        self.log.append(f"{self.name} out")
        return response


async def test_the_first_middleware_is_the_outermost() -> None:
    log: list[str] = []
    client, _ = client_over(ok(), middleware=[Recorder("a", log), Recorder("b", log)])
    await client.models.retrieve("m")
    assert log == ["a in", "b in", "b out", "a out"]


async def test_middleware_never_sees_a_secret() -> None:
    seen = Recorder()
    client, transport = client_over(
        ok(), middleware=[seen], default_headers={"X-Gateway-Token": "default-secret", "X-Team": "red"}
    )
    await client.models.retrieve("m", extra_headers={"x-api-key": "call-secret"})
    sent = transport.requests[0].headers
    assert (sent["authorization"], sent["x-gateway-token"], sent["x-api-key"]) == (
        f"Bearer {KEY}",
        "default-secret",
        "call-secret",
    )
    # Also afterwards: the request it passed on is not the one that was sent.
    shown = b"\n".join(value for _, value in seen.requests[0].headers)
    for secret in (KEY, "default-secret", "call-secret"):
        assert secret.encode() not in shown
    assert (b"x-team", b"red") in seen.requests[0].headers


async def test_middleware_sees_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    seen = Recorder()
    client, _ = client_over(Answer.error(500), Answer.error(500), ok(), middleware=[seen])
    await client.models.retrieve("m")
    assert len(seen.requests) == 3


async def test_middleware_may_change_the_request() -> None:
    async def tag(request: WireRequest, call_next: object) -> WireResponse:
        request.headers.append((b"x-trace", b"1"))
        response: WireResponse = await call_next(request)  # type: ignore[operator]
        return response

    client, transport = client_over(ok(), middleware=[tag])
    await client.models.retrieve("m")
    assert transport.requests[0].headers["x-trace"] == "1"


async def test_a_key_does_not_follow_middleware_to_another_host() -> None:
    async def elsewhere(request: WireRequest, call_next: object) -> WireResponse:
        request.host = "other.example"
        response: WireResponse = await call_next(request)  # type: ignore[operator]
        return response

    client, transport = client_over(ok(), middleware=[elsewhere])
    await client.models.retrieve("m")
    assert transport.requests[0].url.startswith("https://other.example/")
    assert "authorization" not in transport.requests[0].headers


async def test_middleware_may_ask_again_with_nothing_left_open() -> None:
    async def once_more(request: WireRequest, call_next: object) -> WireResponse:
        first: WireResponse = await call_next(request)  # type: ignore[operator]
        if first.status != 401:
            return first
        second: WireResponse = await call_next(request)  # type: ignore[operator]
        return second

    transport = FakeTransport(Answer.error(401), ok())
    client = OpenAI(api_key=KEY, transport=transport, middleware=[once_more])
    assert (await client.models.retrieve("m")).id == "m"
    assert transport.open_responses == 0


async def test_middleware_may_answer_by_itself() -> None:
    class Canned:
        status = 401
        headers = ((b"content-type", b"application/json"),)
        http_version = "HTTP/1.1"
        complete = True

        async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
            return b""

        async def aclose(self) -> None: ...

        def abandon(self) -> None: ...

    async def refuse(request: WireRequest, call_next: object) -> Canned:
        return Canned()

    client, transport = client_over(middleware=[refuse])
    with pytest.raises(AuthenticationError):
        await client.models.retrieve("m")
    assert transport.requests == []


async def test_a_failure_that_middleware_raises_is_retried_like_the_transports(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    failures = [TransportFailure("simulated", kind="lost", phase="head")]

    async def break_once(request: WireRequest, call_next: object) -> WireResponse:
        if failures:
            raise failures.pop()
        response: WireResponse = await call_next(request)  # type: ignore[operator]
        return response

    client, _ = client_over(ok(), middleware=[break_once])
    assert (await client.models.retrieve("m")).id == "m"


async def test_an_exception_of_middleware_reaches_the_caller_and_is_not_retried() -> None:
    calls = 0

    async def broken(request: WireRequest, call_next: object) -> WireResponse:
        nonlocal calls
        calls += 1
        response: WireResponse = await call_next(request)  # type: ignore[operator]
        assert response.status == 200
        raise ZeroDivisionError("a bug")

    client, transport = client_over(ok(), middleware=[broken])
    with pytest.raises(ZeroDivisionError):
        await client.models.retrieve("m")
    assert calls == 1
    assert transport.open_responses == 0


async def test_a_trace_sees_retries_and_its_own_faults_change_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_waiting(monkeypatch)
    events: list[tuple[str, object]] = []

    def trace(name: str, info: object) -> None:
        events.append((name, info))
        raise RuntimeError("the observer's own fault")

    client, _ = client_over(Answer.error(429, headers={"retry-after": "2"}), ok(), trace=trace)
    assert (await client.models.retrieve("m")).id == "m"
    assert [name for name, _ in events] == ["retry"]
    assert events[0][1] == {"after": 2.0, "reason": "status 429", "attempt": 1}
    assert "the trace function raised" in caplog.text


async def test_middleware_may_answer_from_memory() -> None:
    """A cache: the first answer is read, kept, and given again without a request."""
    kept: dict[bytes, BufferedResponse] = {}

    async def cache(request: WireRequest, call_next: Any) -> WireResponse:
        found = kept.get(request.target)
        if found is None:
            found = kept[request.target] = await BufferedResponse.read_from(await call_next(request))
        return found.again()

    client, transport = client_over(ok(), middleware=[cache])
    assert [(await client.models.retrieve("m")).id for _ in range(3)] == ["m"] * 3
    assert len(transport.requests) == 1
    assert transport.open_responses == 0


async def test_a_stream_goes_through_middleware_as_it_comes() -> None:
    class Counting:
        """Wraps an answer, and passes everything on."""

        def __init__(self, response: WireResponse) -> None:
            self._response = response
            self.taken = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._response, name)

        async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
            piece = await self._response.receive(max_bytes, timeout=timeout)
            self.taken += len(piece)
            return piece

    wrapped: list[Counting] = []

    async def count(request: WireRequest, call_next: Any) -> Any:
        wrapped.append(Counting(await call_next(request)))
        return wrapped[0]

    gate = Event()
    client, transport = client_over(Answer(events=[STREAM[0], gate, *STREAM[1:]]), middleware=[count])
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    first = await anext(stream)
    assert first.choices[0].delta.content == "Hel"
    before = wrapped[0].taken
    assert before > 0
    gate.set()
    assert len([event async for event in stream]) == 2
    assert wrapped[0].taken > before
    assert transport.open_responses == 0


async def test_a_cancelled_middleware_leaves_no_answer_open() -> None:
    reached = Event()

    async def wait(request: WireRequest, call_next: Any) -> WireResponse:
        response: WireResponse = await call_next(request)
        reached.set()
        await Event().wait()
        return response

    client, transport = client_over(ok(), middleware=[wait])

    async def call() -> None:
        await client.models.retrieve("m")

    async with create_task_group() as group:
        group.start_soon(call)
        await reached.wait()
        group.cancel_scope.cancel()
    assert transport.open_responses == 0
    assert len(transport.requests) == 1


async def test_middleware_is_bounded_by_the_attempts_time() -> None:
    async def hang(request: WireRequest, call_next: Any) -> WireResponse:
        await Event().wait()
        raise AssertionError

    client, _ = client_over(middleware=[hang], timeout=0.01, max_retries=0)
    with pytest.raises(APIConnectionError) as caught:
        await client.models.retrieve("m")
    assert caught.value.request_sent == "none"


async def test_a_changed_request_does_not_change_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)

    async def tag(request: WireRequest, call_next: Any) -> WireResponse:
        request.headers.append((b"x-tag", b"1"))
        request.target += b"?tagged=1"
        if request.body:
            request.body = b'{"changed": true}'
        response: WireResponse = await call_next(request)
        return response

    client, transport = client_over(Answer.error(500), ok(CHAT), middleware=[tag])
    await client.chat.completions.create(**PROMPT)
    for request in transport.requests:
        assert request.query == {"tagged": ["1"]}
        assert [value for name, value in request.headers.items() if name == "x-tag"] == ["1"]
        assert request.json() == {"changed": True}


async def test_middleware_that_hedges_gets_both_answers() -> None:
    """Two requests at once: the first answer wins, and the other exchange is cancelled by the middleware's own scope."""
    slow = Event()

    async def hedge(request: WireRequest, call_next: Any) -> WireResponse:
        answers: list[WireResponse] = []

        async def one() -> None:
            answers.append(await call_next(request))
            group.cancel_scope.cancel()

        async with create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
        return answers[0]

    client, transport = client_over(Answer(json=MODEL, wait=slow), ok(), middleware=[hedge])
    assert (await client.models.retrieve("m")).id == "m"
    assert len(transport.requests) == 2
    assert transport.open_responses == 0


async def test_a_trace_is_told_of_every_step_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    events: list[tuple[str, dict[str, Any]]] = []
    body = b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}'
    script = (Receive(), Reply(500), Forever(Receive(), Reply(200, body, {"content-type": "application/json"})))
    async with fault_server(script) as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "transport": PoolTransport(max_connections=1)}
        async with OpenAI(api_key=KEY, trace=lambda name, info: events.append((name, dict(info))), **options) as client:
            await client.models.retrieve("m")
    once = ["request.sent", "head", "body.end"]
    assert [name for name, _ in events] == ["connect", *once, "retry", *once]
    facts = [info for _, info in events]
    assert facts[1] == {"sent": "all", "fresh": True}
    assert facts[2]["status"] == 500
    assert facts[4]["reason"] == "status 500"
    assert facts[5] == {"sent": "all", "fresh": False}
    assert facts[7] == {"received": len(body)}
    assert KEY not in str(events)


async def test_a_trace_is_told_of_a_wait_for_a_connection() -> None:
    events: list[str] = []
    script = [Forever(Receive(), Reply(200, b'{"id": "m"}', {"content-type": "application/json"}))]
    async with fault_server(script) as server:
        options: dict[str, Any] = {"base_url": f"{server.url}/v1", "transport": PoolTransport(max_connections=1)}
        client = OpenAI(api_key=KEY, trace=lambda name, info: events.append(name), **options)
        async with client, create_task_group() as group:
            group.start_soon(client.models.retrieve, "a")
            group.start_soon(client.models.retrieve, "b")
    assert events.count("pool.wait") == 1
    assert events.count("connect") == 1


async def test_a_trace_tells_calls_apart_by_their_context() -> None:
    call: ContextVar[str] = ContextVar("call")
    seen: dict[str, list[str]] = {"a": [], "b": []}

    def trace(name: str, info: object) -> None:
        seen[call.get()].append(name)

    script = [Forever(Receive(), Reply(200, b'{"id": "m"}', {"content-type": "application/json"}))]
    async with fault_server(script) as server:
        client = OpenAI(api_key=KEY, base_url=f"{server.url}/v1", trace=trace)

        async def make(name: str) -> None:
            call.set(name)
            await client.models.retrieve(name)

        async with client, create_task_group() as group:
            group.start_soon(make, "a")
            group.start_soon(make, "b")
    assert seen["a"] == seen["b"] == ["connect", "request.sent", "head", "body.end"]


@pytest.mark.parametrize("way", ["read", "closed", "cancelled", "broken"])
async def test_a_trace_is_told_once_how_a_stream_ended(way: str) -> None:
    ends: list[dict[str, Any]] = []

    def trace(name: str, info: Any) -> None:
        if name == "stream.end":
            ends.append(dict(info))

    never = Event()
    events: list[Any] = list(STREAM)
    if way == "cancelled":
        events[1:] = [never]
    elif way == "broken":
        events[1:] = [TransportFailure("gone", kind="lost", phase="body", sent="all")]
    client, _ = client_over(Answer(events=events), trace=trace)
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    await anext(stream)
    if way == "read":
        assert len([event async for event in stream]) == 2
    elif way == "cancelled":
        with CancelScope() as scope:
            async with create_task_group() as group:
                group.start_soon(anext, stream)
                await wait_all_tasks_blocked()
                scope.cancel()
    elif way == "broken":
        with pytest.raises(APIConnectionError):
            await anext(stream)
    await stream.close()
    await stream.close()
    assert [end["events"] for end in ends] == [3 if way == "read" else 1]
    assert ends[0]["complete"] is (way == "read")
    assert ends[0]["bytes"] > 0


async def test_an_exhausted_retry_budget_raises_the_last_error(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = without_waiting(monkeypatch)
    client, transport = client_over(Answer.error(500), Answer.error(429), Answer.error(500, "the last"))
    with pytest.raises(InternalServerError, match="the last"):
        await client.models.retrieve("m")
    assert len(transport.requests) == 3
    assert len(waits) == 2


async def test_a_used_up_quota_is_raised_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = without_waiting(monkeypatch)
    client, _ = client_over(Answer.error(429, code="insufficient_quota"))
    with pytest.raises(RateLimitError):
        await client.models.retrieve("m")
    assert waits == []


async def test_a_model_is_still_a_model() -> None:
    client, _ = client_over(ok(MODEL), middleware=[Recorder()])
    model = await client.models.retrieve("m")
    assert model.owned_by == "me"
