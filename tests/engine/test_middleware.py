"""Middleware: what it sees, what it may change, and what it never gets to know."""

from __future__ import annotations

import pytest

from anyopenai import AuthenticationError, InternalServerError, OpenAI, RateLimitError
from anyopenai.testing import Answer, FakeTransport
from anyopenai.transport.base import TransportFailure, WireRequest, WireResponse
from engine.support import KEY, MODEL, client_over, ok, without_waiting


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
