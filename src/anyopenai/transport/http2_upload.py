"""Sending a request over HTTP/2: its head, and its body as flow control and the network allow; no frames here.

The server may answer before it has read all. An error status ends the upload at once, a complete answer does so too; a
success that has only begun goes on being sent, because some servers begin to answer while they read.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio.lowlevel import checkpoint

from .._tasks import grace
from .upload import PIECE, wrong_length

if TYPE_CHECKING:
    from collections.abc import Generator

    from .base import BodySource
    from .http2 import Http2Connection
    from .http2_head import RequestHead
    from .http2_stream import Http2Stream

__all__ = ("send_body",)


async def send_body(connection: Http2Connection, stream: Http2Stream, head: RequestHead) -> None:
    """Send a request until its end, the server's verdict, or an error.

    Cancelling leaves the stream to be reset by the caller.

    Raises:
        TransportFailure: The server takes no more within `timeout.write`, or the body is not as long as it said.
        Exception: What the body's source raised (noted as the stream's `foreign`), and why the stream ended.
    """
    request = stream.request
    body = request.body
    if not isinstance(body, bytes):
        # The first exchange reads the server's settings, for which others wait. A source may take its time.
        connection.push()
        while not connection.wire.settled:
            if connection.error is not None:
                raise connection.error
            await connection.wait(stream, request.timeout.read, "head")
    connection.wire.open(stream, head.fields, end=not body)
    connection.depart(stream)
    if isinstance(body, bytes):
        rest = memoryview(body)
        if rest:
            rest = rest[connection.wire.send(stream, rest[:PIECE], end=len(rest) <= PIECE) :]
        await connection.share_write()
        if rest:
            await _send_piece(connection, stream, rest, end=True)
        return
    await connection.share_write()
    await _send_source(connection, stream, body, head.length)


async def _send_source(
    connection: Http2Connection, stream: Http2Stream, source: BodySource, length: int | None
) -> None:
    """Send a body that is read piece by piece."""
    given = 0
    with _blame(stream):
        reader = source.open()
    try:
        while True:
            with _blame(stream):
                piece = await reader.read()
            given += len(piece)
            if length is not None and (given > length or (not piece and given < length)):
                raise wrong_length(given, length)
            last = not piece or given == length
            if not await _send_piece(connection, stream, memoryview(piece), end=last) or last:
                return
    finally:
        with grace(), _blame(stream):
            await reader.aclose()


@contextmanager
def _blame(stream: Http2Stream) -> Generator[None]:
    """Note what the body's source raises, so that a missing file is not taken for a lost connection."""
    try:
        yield
    except BaseException as error:
        stream.foreign = error
        raise


async def _send_piece(connection: Http2Connection, stream: Http2Stream, data: memoryview, *, end: bool) -> bool:
    """Send the next bytes; False if the server wants no more."""
    sent = 0
    while True:
        if stream.error is not None:
            raise stream.error
        if stream.complete or stream.status >= 300:
            return False
        if connection.error is not None:
            # The answer may be under way, and say why.
            await connection.wait(stream, stream.request.timeout.read, "write")
            continue
        if connection.writable:
            part = data[sent : sent + PIECE]
            count = connection.wire.send(stream, part, end=end and sent + len(part) == len(data))
            sent += count
            if count or stream.local_ended:
                connection.depart(stream)
                connection.push()
                if sent == len(data):
                    return True
                await checkpoint()
                continue
            if sent == len(data):
                return True
        connection.wire.blocked[stream] = None
        try:
            await connection.wait(stream, stream.request.timeout.write, "write")
        finally:
            connection.wire.blocked.pop(stream, None)
