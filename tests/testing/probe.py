"""Minimal clients over anyio's sockets, HTTP/1.1 by hand and HTTP/2 by h2: tests of the server see its bytes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import h2.config
import h2.connection
import h2.events
import msgspec
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream


class Answer:
    """An answer's head and body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Probe:
    """One HTTP/1.1 connection."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self._reader = BufferedByteReceiveStream(stream)

    async def send(self, method: str, path: str, json: object = None, body: bytes = b"", **headers: str) -> None:
        payload = body if json is None else msgspec.json.encode(json)
        fields = {"host": "test", "authorization": "Bearer k", "content-length": str(len(payload))} | headers
        lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
        await self.stream.send("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)

    async def head(self) -> Answer:
        lines = (await self._reader.receive_until(b"\r\n\r\n", 65536)).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        return Answer(int(lines[0].split(" ")[1]), headers)

    async def chunk(self) -> bytes:
        """Return the next chunk of a chunked body, b"" at its end."""
        size = int(await self._reader.receive_until(b"\r\n", 100), 16)
        data = await self._reader.receive_exactly(size) if size else b""
        await self._reader.receive_exactly(2)
        return data

    async def answer(self) -> Answer:
        answer = await self.head()
        if answer.headers.get("transfer-encoding") == "chunked":
            while chunk := await self.chunk():
                answer.body += chunk
        else:
            answer.body = await self._reader.receive_exactly(int(answer.headers["content-length"]))
        return answer

    async def ask(self, method: str, path: str, json: object = None, **headers: str) -> Answer:
        await self.send(method, path, json, **headers)
        return await self.answer()

    async def at_end(self) -> bool:
        """Wait until the server closes; return whether it sent nothing more."""
        try:
            await self._reader.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return True
        return False


@asynccontextmanager
async def probe(base_url: str, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Probe]:
    """Open an HTTP/1.1 connection to a server."""
    async with await _connect(base_url, tls) as stream:
        yield Probe(stream)


async def _connect(base_url: str, tls: ssl.SSLContext | None) -> ByteStream:
    parts = urlsplit(base_url)
    assert parts.hostname
    assert parts.port
    if tls is None:
        return await anyio.connect_tcp(parts.hostname, parts.port)
    return await anyio.connect_tcp(
        parts.hostname, parts.port, tls=True, ssl_context=tls, tls_hostname="127.0.0.1", tls_standard_compatible=False
    )


class Probe2:
    """One HTTP/2 connection; one request at a time reads, several may be open."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.answers: dict[int, Answer] = {}
        self.ended: set[int] = set()

    async def start(self) -> None:
        self.http.initiate_connection()
        await self.flush()

    async def flush(self) -> None:
        await self.stream.send(self.http.data_to_send())

    async def send(self, method: str, path: str, json: object = None) -> int:
        stream_id = self.http.get_next_available_stream_id()
        fields = {":method": method, ":path": path, ":scheme": "http", ":authority": "test"}
        self.http.send_headers(stream_id, [*fields.items(), ("authorization", "Bearer k")], end_stream=json is None)
        if json is not None:
            self.http.send_data(stream_id, msgspec.json.encode(json), end_stream=True)
        await self.flush()
        return stream_id

    async def receive(self) -> None:
        """Take the next bytes."""
        for event in self.http.receive_data(await self.stream.receive()):
            if isinstance(event, h2.events.ResponseReceived):
                headers: dict[str, str] = dict(event.headers)  # type: ignore[arg-type]  # text by header_encoding
                self.answers[event.stream_id] = Answer(int(headers.pop(":status")), headers)
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id].body += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
        if data := self.http.data_to_send():
            await self.stream.send(data)

    async def answer(self, stream_id: int) -> Answer:
        while stream_id not in self.ended:
            await self.receive()
        return self.answers[stream_id]


@asynccontextmanager
async def probe2(base_url: str, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Probe2]:
    """Open an HTTP/2 connection to a server."""
    async with await _connect(base_url, tls) as stream:
        client = Probe2(stream)
        await client.start()
        yield client
