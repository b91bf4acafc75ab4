"""Watch what a client does: middleware around each attempt, and a trace of what the transport is at."""

from collections.abc import Awaitable, Callable, Mapping

import anyio

from anyopenai import OpenAI
from anyopenai.transport import WireRequest, WireResponse


async def tag(request: WireRequest, call_next: Callable[[WireRequest], Awaitable[WireResponse]]) -> WireResponse:
    request.headers.append((b"x-team", b"search"))
    response = await call_next(request)
    print("middleware:", request.method, request.target.decode(), "->", response.status)
    return response


def trace(name: str, info: Mapping[str, object]) -> None:
    print("trace:", name, dict(info))


async def main() -> None:
    async with OpenAI(middleware=[tag], trace=trace) as client:
        stream = await client.responses.create(model="gpt-5.5", input="Say hello.", stream=True)
        async with stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    print(event.delta, end="")
        print()


if __name__ == "__main__":
    anyio.run(main)
