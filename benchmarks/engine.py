"""Client CPU of the engine over a transport that answers at once: per call, per streamed event, per view, per client.

    PYTHONPATH=src python benchmarks/engine.py [--quick]

Prints one JSON object. Figures are CPU time (user and system) of this process in microseconds, the best of several
rounds; bytes are what one more object keeps allocated. `call` is everything between a generated method and the
transport and back: arguments, JSON, headers, limits, decoding.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from anyopenai import OpenAI
from anyopenai.transport.base import WireRequest

CHAT = json.dumps(
    {
        "id": "chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-5.5-2026-01-01",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": "word " * 120, "refusal": None, "annotations": []},
            }
        ],
        "usage": {"prompt_tokens": 19, "completion_tokens": 120, "total_tokens": 139},
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }
).encode()
CHUNK = (
    b'data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"gpt-5.5-2026-01-01","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,'
    b'"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}\n\n'
)
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
MESSAGES = [{"role": "user", "content": "word " * 80}]


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

    def __init__(self, events_per_read: int, events: int) -> None:
        reads = [CHUNK * events_per_read] * (events // events_per_read)
        self.stream = [FINISH, *reads]

    async def send(self, request: WireRequest) -> Response:
        request.sent = "all"
        request.phase = "head"
        if request.stream:
            return Response(list(self.stream), b"text/event-stream")
        return Response([CHAT], b"application/json")

    async def aclose(self) -> None: ...


def microseconds(start: int, count: int) -> float:
    return (time.process_time_ns() - start) / 1000 / count


async def best_of(rounds: int, count: int, work: Callable[[], Awaitable[Any]]) -> float:
    """CPU per piece of work, the best round."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time_ns()
        for _ in range(count):
            await work()
        best = min(best, microseconds(start, count))
    return round(best, 2)


async def calls(rounds: int, count: int) -> dict[str, float]:
    transport = Instant(200, 2000)
    result: dict[str, float] = {}
    async with OpenAI(api_key="k", transport=transport) as client:
        create = client.chat.completions.create
        await create(model="m", messages=MESSAGES)
        result["call"] = await best_of(rounds, count, lambda: create(model="m", messages=MESSAGES))
        options = {"timeout": 30.0, "extra_headers": {"x-trace": "1"}, "max_retries": 1}
        result["call with options"] = await best_of(
            rounds, count, lambda: create(model="m", messages=MESSAGES, **options)
        )
        result["call with a deadline"] = await best_of(
            rounds, count, lambda: create(model="m", messages=MESSAGES, deadline=30)
        )
        raw = client.chat.completions.with_raw_response.create
        result["raw call"] = await best_of(rounds, count, lambda: raw(model="m", messages=MESSAGES))

        async def pass_on(request: Any, call_next: Any) -> Any:
            return await call_next(request)

        wrapped = client.with_options(middleware=[pass_on]).chat.completions.create
        result["call with middleware"] = await best_of(rounds, count, lambda: wrapped(model="m", messages=MESSAGES))
    return result


async def streams(rounds: int, events: int) -> dict[str, float]:
    result: dict[str, float] = {}
    for name, per_read in (("large reads", 200), ("one event per read", 1)):
        async with OpenAI(api_key="k", transport=Instant(per_read, events)) as client:
            best = float("inf")
            for _ in range(rounds):
                stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
                seen = 0
                start = time.process_time_ns()
                async for _ in stream:
                    seen += 1
                best = min(best, microseconds(start, seen))
                assert seen == events + 1
            result[name] = round(best, 3)
    return result


def objects(count: int) -> dict[str, dict[str, float]]:
    result: dict[str, dict[str, float]] = {}
    client = OpenAI(api_key="k", transport=Instant(1, 1))
    makers: dict[str, Callable[[], Any]] = {
        "with_options": lambda: client.with_options(timeout=3),
        "client": lambda: OpenAI(api_key="k"),
    }
    for name, make in makers.items():
        make()
        start = time.process_time_ns()
        for _ in range(count):
            make()
        spent = microseconds(start, count)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = [make() for _ in range(200)]
        size = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
        tracemalloc.stop()
        result[name] = {"us": round(spent, 2), "bytes": round(size)}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fraction of the rounds, to see that it runs")
    quick = parser.parse_args().quick
    rounds, count = (2, 100) if quick else (7, 2000)
    figures: dict[str, Any] = {"python": platform.python_version(), "objects": objects(100 if quick else 2000)}
    for backend in ("asyncio", "trio"):
        figures[backend] = {
            "us_per_call": anyio.run(calls, rounds, count, backend=backend),
            "us_per_event": anyio.run(streams, rounds, 400 if quick else 4000, backend=backend),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
