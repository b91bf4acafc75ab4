"""Forward a stream to a browser: an ASGI application, and a visit to it. `hypercorn forward_stream:app` serves it."""

from typing import Any

import anyio

from anyopenai import EventStreamResponse, Forwarded, OpenAI


def note(end: Forwarded) -> None:
    print(f"forwarded {end.sent} bytes, complete: {end.complete}")
    if end.usage is not None:
        print("tokens:", end.usage.total_tokens)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request with the events of a chat; frameworks take the response as an endpoint's result."""
    async with OpenAI(include_usage=True) as client:
        stream = await client.chat.completions.create(
            model="gpt-5.5", messages=[{"role": "user", "content": "Why is the sky blue?"}], stream=True
        )
        await EventStreamResponse(stream, keep_alive=15, on_end=note)(scope, receive, send)


async def main() -> None:
    """Visit the application as a browser that stays to the end."""

    async def receive() -> dict[str, str]:
        await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        print(message.get("body", b"").decode(), end="")

    await app({"type": "http", "method": "GET", "path": "/"}, receive, send)


if __name__ == "__main__":
    anyio.run(main)
