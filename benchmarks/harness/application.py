"""What the live server runs: an ASGI application that answers by the first part of the path; no sockets here.

- `/json`: a chat answer.
- `/large/N`: N events in large pieces.
- `/chunks/N`: N events, each a piece of its own.
- `/paced/N/MS`: the same, so many milliseconds apart.
- `/held`: one event, then silence until the client leaves.
- `/upload`: reads the body to its end, then describes a file of that size.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from .documents import CHAT, FINISH, FRAME

__all__ = ("app",)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# As large as what nginx hands over at once.
_PER_PIECE = 100


async def _read(receive: Receive) -> int:
    """Read the body to its end; return its size in bytes."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return size


async def _head(send: Send, kind: bytes, length: int | None = None) -> None:
    headers = [(b"content-type", kind), (b"x-request-id", b"req_0123456789abcdef0123456789abcdef")]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _body(send: Send, data: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _whole(send: Send, data: bytes) -> None:
    await _head(send, b"application/json", len(data))
    await _body(send, data, more=False)


async def _events(send: Send, count: int, per_piece: int, seconds: float) -> None:
    await _head(send, b"text/event-stream")
    while count > 0:
        await _body(send, FRAME * min(count, per_piece), more=True)
        count -= per_piece
        if seconds:
            await asyncio.sleep(seconds)
    await _body(send, FINISH, more=False)


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    mode, *numbers = scope["path"].strip("/").split("/v1/")[0].split("/")
    size = await _read(receive)
    if mode == "json":
        await _whole(send, CHAT)
    elif mode == "large":
        await _events(send, int(numbers[0]), _PER_PIECE, 0)
    elif mode == "chunks":
        await _events(send, int(numbers[0]), 1, 0)
    elif mode == "paced":
        await _events(send, int(numbers[0]), 1, int(numbers[1]) / 1000)
    elif mode == "held":
        await _head(send, b"text/event-stream")
        await _body(send, FRAME, more=True)
        while (await receive())["type"] != "http.disconnect":
            continue
    else:
        facts = {"id": "file-1", "object": "file", "bytes": size, "created_at": 1, "filename": "f", "purpose": "batch"}
        await _whole(send, json.dumps({**facts, "status": "processed"}).encode())
