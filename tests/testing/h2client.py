"""A plain HTTP/2 client on h2 that keeps every event: what is sent is right, what comes is only written down."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import EndOfStream, connect_tcp
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded

from anyopenai.testing.faults import FaultServer

E = TypeVar("E", bound=Event)


class Client:
    """One connection.

    Attributes:
        h2: The state machine.
        events: All that has come.
        raw: All that has come, as bytes.
    """

    def __init__(self, stream: ByteStream) -> None:
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.events: list[Event] = []
        self.raw = b""
        self._stream = stream

    async def flush(self) -> None:
        await self._stream.send(self.h2.data_to_send())

    async def send_raw(self, data: bytes) -> None:
        await self._stream.send(self.h2.data_to_send() + data)

    async def ask(self, body: bytes = b"", *, method: str = "POST", more: Sequence[tuple[str, str]] = ()) -> int:
        """Send a request on a new stream; return the stream's number."""
        number = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":path", "/x"), (":scheme", "http"), (":authority", "h"), *more]
        self.h2.send_headers(number, head, end_stream=not body)
        for start in range(0, len(body), 16384):
            piece = body[start : start + 16384]
            self.h2.send_data(number, piece, end_stream=start + len(piece) == len(body))
        await self.flush()
        return number

    async def receive(self) -> None:
        """Take in what comes next."""
        data = await self._stream.receive()
        self.raw += data
        for event in self.h2.receive_data(data):
            self.events.append(event)
            if isinstance(event, DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        await self.flush()

    async def until(self, kind: type[E], number: int = 1) -> E:
        """Read until so many events of a kind have come; return the last one."""
        while len(found := [event for event in self.events if isinstance(event, kind)]) < number:
            await self.receive()
        return found[number - 1]

    async def until_raw(self, data: bytes) -> None:
        """Read, past h2, until some bytes have come."""
        while data not in self.raw:
            self.raw += await self._stream.receive()

    async def end(self) -> None:
        """Read until the server ends the connection."""
        try:
            while data := await self._stream.receive():
                self.raw += data
        except EndOfStream:
            pass

    async def answer(self, number: int) -> tuple[dict[str, str], bytes]:
        """Read until an answer is complete; return its fields and its body."""
        while not any(isinstance(event, StreamEnded) and event.stream_id == number for event in self.events):
            await self.receive()
        mine: list[Any] = [event for event in self.events if getattr(event, "stream_id", 0) == number]
        head = next(event.headers for event in mine if isinstance(event, ResponseReceived))
        return dict(head), b"".join(event.data for event in mine if isinstance(event, DataReceived))


@asynccontextmanager
async def connected(server: FaultServer, context: ssl.SSLContext | None = None) -> AsyncGenerator[Client]:
    """Open a connection and say hello."""
    stream: ByteStream = await connect_tcp(server.host, server.port)
    if context is not None:
        stream = await TLSStream.wrap(stream, hostname=server.host, ssl_context=context, standard_compatible=False)
    async with stream:
        client = Client(stream)
        client.h2.initiate_connection()
        await client.flush()
        yield client
