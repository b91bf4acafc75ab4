"""The engine over a transport that answers at once: all between a generated method and the transport, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from benchmarks.harness.clock import Meter
from benchmarks.harness.documents import CHAT, FINISH, FRAME, MESSAGES
from benchmarks.harness.driver import on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario

_WHO: Final = ("anyopenai", "anyopenai (trio)")
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "call": {},
    "call with options": {"timeout": 30.0, "extra_headers": {"x-trace": "1"}, "max_retries": 1},
    "call with a deadline": {"deadline": 30},
}
_PER_READ: Final = {"stream, large reads": 200, "stream, one event per read": 1}


def _cases(scale: Scale) -> Sequence[Case]:
    calls, events = scale.pick(10_000, 2_000, 5), scale.pick(20_000, 4_000, 400)
    names = (*_OPTIONS, "raw call", "call with middleware")[: scale.pick(5, 5, 1)]
    return [
        *(Case(name, _WHO, {"name": name, "times": calls}) for name in names),
        *(Case(name, _WHO, {"name": name, "times": events}) for name in _PER_READ),
    ]


SCENARIO = Scenario(
    title="The engine alone: `create` over a transport that answers at once",
    unit="call (or event)",
    cases=_cases,
)


class Response:
    """An answer that has arrived as a whole."""

    status = 200
    http_version = "HTTP/1.1"

    def __init__(self, pieces: list[bytes], content_type: bytes) -> None:
        self.pieces = pieces
        self.headers = [
            (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"),
            (b"content-type", content_type),
            (b"x-request-id", b"req_0123456789abcdef0123456789abcdef"),
            (b"openai-processing-ms", b"512"),
            (b"x-ratelimit-remaining-requests", b"9999"),
            (b"x-ratelimit-remaining-tokens", b"149999"),
        ]

    async def receive(self, max_bytes: int = 65536, *, timeout: float | None = None) -> bytes:
        return self.pieces.pop() if self.pieces else b""

    async def read(self, limit: int) -> bytes:
        return self.pieces.pop()

    async def drain(self, max_bytes: int, seconds: float) -> bool:
        return True

    async def aclose(self) -> None: ...

    def abandon(self) -> None: ...

    @property
    def complete(self) -> bool:
        return not self.pieces


class Instant:
    """A transport that answers at once."""

    def __init__(self, stream: list[bytes]) -> None:
        self.stream = stream

    async def send(self, request: Any) -> Response:
        request.sent = "all"
        request.phase = "head"
        if request.stream:
            return Response(list(self.stream), b"text/event-stream")
        return Response([CHAT], b"application/json")

    async def aclose(self) -> None: ...


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one of our contenders."""
    from anyopenai import OpenAI

    name: str = facts["name"]
    times: int = facts["times"]
    per_read = _PER_READ.get(name)

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    async def main() -> Figures:
        pieces = [] if per_read is None else [FRAME * per_read] * (times // per_read)
        async with OpenAI(transport=Instant([FINISH, *pieces])) as client:
            if per_read is not None:
                for last in (False, True):
                    seen = 0
                    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
                    with Meter() as meter:
                        async for _ in stream:
                            seen += 1
                    if last:
                        return meter.figures(seen)
            create: Callable[..., Awaitable[object]] = client.chat.completions.create
            if name == "raw call":
                create = client.chat.completions.with_raw_response.create
            elif name == "call with middleware":
                create = client.with_options(middleware=[pass_on]).chat.completions.create
            options = _OPTIONS.get(name, {})
            await create(model="m", messages=MESSAGES, **options)
            with Meter() as meter:
                for _ in range(times):
                    await create(model="m", messages=MESSAGES, **options)
            return meter.figures(times)

    return on_loop(contender.loop, main)
