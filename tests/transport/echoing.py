"""The application behind the servers that nobody here wrote: it says what it was sent, streams, waits, and counts."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

LEFT: dict[str, int] = {"streams": 0}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve one request."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    _, name, *rest = scope["path"].split("/")
    if name == "echo":
        await echo(scope, receive, send)
    elif name == "bytes":
        await head(send, "application/octet-stream", length=int(rest[0]))
        await body(send, pattern(int(rest[0])))
    elif name == "events":
        await events(receive, send, int(rest[0]))
    elif name == "sleep":
        await asyncio.sleep(float(rest[0]))
        await answer(send, {})
    elif name == "left":
        await answer(send, LEFT)
    elif name == "refuse":
        # Without reading the body.
        await answer(send, {"error": "too large"}, status=413)
    elif name == "hints":
        await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
        await answer(send, {})
    elif name == "nothing":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
    else:
        await answer(send, {"error": "no such path"}, status=404)


def pattern(size: int) -> bytes:
    """Return bytes in which no two places look alike for long."""
    block = hashlib.sha256(b"%d" % size).digest() * 2048
    return (block * (size // len(block) + 1))[:size]


async def head(send: Any, kind: str, *, status: int = 200, length: int | None = None) -> None:
    headers = [(b"content-type", kind.encode())]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def body(send: Any, data: bytes) -> None:
    for start in range(0, len(data), 65536):
        await send({"type": "http.response.body", "body": data[start : start + 65536], "more_body": True})
    await send({"type": "http.response.body"})


async def answer(send: Any, value: object, *, status: int = 200) -> None:
    data = json.dumps(value).encode()
    await head(send, "application/json", status=status, length=len(data))
    await body(send, data)


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    digest, size = hashlib.sha256(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        digest.update(message["body"])
        size += len(message["body"])
        if not message.get("more_body"):
            break
    said = {"method": scope["method"], "bytes": size, "sha256": digest.hexdigest(), "version": scope["http_version"]}
    await answer(send, said)


async def events(receive: Any, send: Any, count: int) -> None:
    """Send events without a pause until there were enough, or the client has gone."""
    await receive()
    gone = asyncio.ensure_future(receive())
    await head(send, "text/event-stream")
    for number in range(count):
        if gone.done():
            LEFT["streams"] += 1
            return
        data = {"choices": [{"index": 0, "delta": {"content": f"{number} "}, "finish_reason": None}]}
        await send(
            {"type": "http.response.body", "body": b"data: %b\n\n" % json.dumps(data).encode(), "more_body": True}
        )
        await asyncio.sleep(0.001)
    gone.cancel()
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
