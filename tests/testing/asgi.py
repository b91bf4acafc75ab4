"""Asks an ASGI application one thing in memory; for tests of what is answered, not of how it travels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import anyio
import anyio.lowlevel
import msgspec

from anyopenai.testing import StandIn

KEY = {"authorization": "Bearer any"}
FORM = KEY | {"content-type": "multipart/form-data; boundary=XX"}


class Reply:
    """What came back: status, headers, body, and the body's events if it is a stream."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]) -> None:
        start, *rest = messages
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.pieces: list[bytes] = [message["body"] for message in rest if message["body"]]
        self.body = b"".join(self.pieces)
        self.ended = bool(rest) and not rest[-1]["more_body"]

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def error(self) -> Any:
        return self.json()["error"]

    def events(self) -> list[tuple[str | None, Any]]:
        """Return each event's name and decoded data (`[DONE]` stays text)."""
        found = []
        for block in self.body.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            data = fields["data"]
            found.append((fields.get("event"), data if data == "[DONE]" else msgspec.json.decode(data)))
        return found

    def __repr__(self) -> str:
        return f"<Reply {self.status} {self.body[:300]!r}>"


async def ask(
    app: StandIn,
    method: str,
    path: str,
    json: object = None,
    *,
    body: bytes | Sequence[bytes] = b"",
    headers: Mapping[str, str] = KEY,
    query: str = "",
    leave_after: int | None = None,
) -> Reply:
    """Send one request and return its answer.

    Args:
        app: The application.
        method: The verb.
        path: The path as it is on the wire.
        json: A body as JSON, unless None.
        body: A body as bytes, or as the pieces it arrives in.
        headers: Request headers.
        query: The query string.
        leave_after: Disconnect once so many body messages of the answer have come.
    """
    pieces = [msgspec.json.encode(json)] if json is not None else [body] if isinstance(body, bytes) else list(body)
    sent: list[Mapping[str, Any]] = []
    gone = anyio.Event()
    incoming = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
        for place, piece in enumerate(pieces)
    ]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if leave_after is not None and len(sent) - 1 >= leave_after:
            gone.set()
            await anyio.lowlevel.checkpoint()

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path, safe="/%").encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    if not sent:
        raise AssertionError(f"{method} {path} was not answered")
    return Reply(sent)


def form(content: bytes, filename: str = "a.jsonl", **fields: str) -> bytes:
    parts = [
        f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    return "".join(parts).encode() + head.encode() + content + b"\r\n--XX--\r\n"


async def upload(app: StandIn, content: bytes = b"{}", **fields: str) -> Any:
    body = form(content, **{"purpose": "batch"} | fields)
    return (await ask(app, "POST", "/v1/files", body=body, headers=FORM)).json()
