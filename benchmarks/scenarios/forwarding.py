"""A stream passed on to a browser by an ASGI application: what the application's process spends; no web server in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from benchmarks.clients import url_of
from benchmarks.clients.ours import make_client as our_client
from benchmarks.clients.plain import HEADERS, encode_request
from benchmarks.harness.clock import Meter
from benchmarks.harness.documents import FINISH, FRAME, MESSAGES
from benchmarks.harness.driver import all_of, on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

Message = MutableMapping[str, Any]
Endpoint = Callable[[], Awaitable[Any]]

_LARGE: Final = "one stream, large reads"
_PACED: Final = "100 streams of 50 events/s"
_WHO: Final = ("anyopenai", "anyopenai (uvloop)", "anyopenai (trio)", "openai + starlette", "httpx2 + starlette",
               "aiohttp + starlette")  # fmt: skip
# What servers say of the protocol's version; from 2.4 on Starlette leaves watching for the browser to them.
_SCOPE: Final = {"type": "http", "method": "POST", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}


def _cases(scale: Scale) -> Sequence[Case]:
    events, paced = scale.pick(20_000, 4_000, 40), scale.pick(250, 50, 3)
    large = {"route": f"large/{events}", "count": events, "streams": 1, "events": events}
    return [
        Case(_LARGE, _WHO, large, "canned"),
        Case(_PACED, _WHO, {"route": f"paced/{paced}/20", "count": paced, "streams": scale.pick(100, 100, 3)}, "live"),
    ]


SCENARIO = Scenario(
    title="Forwarding: a stream of the API's passed on by an ASGI application",
    unit="event",
    cases=_cases,
    targets=(
        Target("large reads: at most 1/30 of openai-python", _LARGE, 1 / 30, over=(_LARGE, "openai + starlette")),
        Target("paced: no more than Starlette over raw aiohttp", _PACED, 1, over=(_PACED, "aiohttp + starlette")),
        Target("paced: at most 1/4 of openai-python", _PACED, 1 / 4, over=(_PACED, "openai + starlette")),
    ),
    note="anyopenai's `EventStreamResponse` also watches for errors, the end and the usage. Starlette's "
    "`StreamingResponse` passes aiohttp's and httpx2's bytes on unseen; openai-python has none, so its chunks are "
    "written again as JSON. The application is called in the process that is measured; whoever sends does nothing.",
)


@asynccontextmanager
async def _endpoint(contender: Contender, url: str) -> AsyncIterator[Endpoint]:
    """Give what answers one request: it returns an ASGI application."""
    if contender.name.startswith("anyopenai"):
        from anyopenai import EventStreamResponse

        async with our_client(url, http2=False) as client:

            async def ours() -> Any:
                return EventStreamResponse(
                    await client.chat.completions.create(model="gpt-5.5", messages=MESSAGES, stream=True)
                )

            yield ours
        return
    from starlette.responses import StreamingResponse  # pyright: ignore

    body = encode_request(stream=True)
    if contender.name.startswith("openai"):
        from benchmarks.clients.openai import make_client

        async with make_client(contender, url, None, False) as peer:

            async def written_again() -> AsyncIterator[str]:
                chunks = await peer.chat.completions.create(model="gpt-5.5", messages=MESSAGES, stream=True)
                async for chunk in chunks:
                    yield f"data: {chunk.model_dump_json()}\n\n"
                yield "data: [DONE]\n\n"

            async def openai() -> Any:
                return StreamingResponse(written_again(), media_type="text/event-stream")

            yield openai
    elif contender.name.startswith("httpx2"):
        import httpx2  # pyright: ignore

        async with httpx2.AsyncClient(timeout=600, limits=httpx2.Limits(max_connections=1000)) as http:

            async def passed_on() -> AsyncIterator[bytes]:
                async with http.stream("POST", f"{url}/chat/completions", content=body, headers=HEADERS) as answer:
                    async for data in answer.aiter_raw():
                        yield data

            async def httpx() -> Any:
                return StreamingResponse(passed_on(), media_type="text/event-stream")

            yield httpx
    else:
        import aiohttp  # pyright: ignore

        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000), timeout=timeout) as session:

            async def unseen() -> AsyncIterator[bytes]:
                async with session.post(f"{url}/chat/completions", data=body, headers=HEADERS) as answer:
                    async for data in answer.content.iter_any():
                        yield data

            async def raw() -> Any:
                return StreamingResponse(unseen(), media_type="text/event-stream")

            yield raw


async def _stay() -> Message:
    """Be a browser that never leaves."""
    from anyio import sleep_forever

    await sleep_forever()
    raise AssertionError


async def _ask(endpoint: Endpoint) -> tuple[int, int]:
    """Ask once; the bytes that came, and in how many messages."""
    size = messages = 0

    async def send(message: Message) -> None:
        nonlocal size, messages
        data = message.get("body")
        if data:
            size += len(data)
            messages += 1

    await (await endpoint())(_SCOPE, _stay, send)
    return size, messages


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    streams, count = facts["streams"], facts["count"]
    repeat = 1 if streams > 1 else max(1, round(4 * contender.share))
    whole = len(FRAME) * count + len(FINISH)

    async def main() -> Figures:
        async with _endpoint(contender, url_of(address, "h1", facts["route"])) as endpoint:

            async def read() -> None:
                for _ in range(repeat):
                    size, messages = await _ask(endpoint)
                    # What is written again has other bytes, and a message for each event.
                    assert messages >= count if contender.name.startswith("openai") else size == whole, (size, messages)

            # Builds what is built once. A short stream would do, but the canned server has this one only.
            first = facts["route"] if "events" in facts else "chunks/3"
            async with _endpoint(contender, url_of(address, "h1", first)) as short:
                await _ask(short)
            with Meter() as meter:
                await all_of(contender.loop, streams, read)
            return meter.figures(streams * repeat * (count + 1))

    return on_loop(contender.loop, main)
