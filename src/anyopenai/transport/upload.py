"""Sending a request that does not go in one write, while listening: the server may answer before it has read all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from anyio import CancelScope, current_time
from anyio.lowlevel import checkpoint

from .._tasks import grace, open_task_group
from .base import BodySource, TransportFailure
from .failures import is_network_error, timed_out

if TYPE_CHECKING:
    from collections.abc import Generator

    from .base import WireRequest
    from .head import Head
    from .link import Link
    from .parser import ResponseParser

__all__ = ("PIECE", "Upload", "wrong_length")

# Large enough that the loop's own work disappears, small enough for the kernel to take in a few writes.
PIECE: Final = 262144

# A success may start to answer while it still reads; this much of it is kept before we only write on.
_EARLY_BYTES: Final = 1048576


class Upload:
    """One request on its way out.

    An error status ends the upload at once: RFC 9112 section 9.5 has the client watch for exactly that. A success goes
    on being written, because some servers begin to answer while they read; a success that is complete needs no more.
    A failed write is no failure of the exchange yet: the answer may already wait in the socket.

    Attributes:
        error: What made writing impossible; None if nothing did.
        cut: The body was not sent to its end.
        foreign: What the body's own source raised; it belongs to whoever made the source.
    """

    __slots__ = ("_head", "_link", "_parser", "_request", "_where", "_writing", "cut", "error", "foreign")

    def __init__(self, link: Link, parser: ResponseParser, request: WireRequest, head: Head, where: str) -> None:
        self._link = link
        self._parser = parser
        self._request = request
        self._head = head
        self._where = where
        self._writing = CancelScope()
        self.cut: bool = True
        self.error: BaseException | None = None
        self.foreign: BaseException | None = None

    async def run(self, *, begun: bool) -> None:
        """Send until the body's end, the server's verdict, or an error.

        Cancelling cuts the request short: its connection can only be closed then.

        Args:
            begun: All bytes were given to the link already, which kept a rest.

        Raises:
            TransportFailure: The server takes no more within `timeout.write`, or the body is not as long as it said.
            Exception: What the body's source raised (see `foreign`), and what listening brought.
        """
        async with open_task_group() as group:
            group.start_soon(self._listen)
            try:
                with self._writing:
                    try:
                        await self._write(begun=begun)
                    except Exception as error:
                        if error is self.foreign or not is_network_error(error):
                            raise
                        self.error = error
            finally:
                group.cancel_scope.cancel()

    async def _listen(self) -> None:
        """Read while writing, until there is no sense in writing."""
        parser = self._parser
        try:
            while not (parser.complete or parser.error or parser.status >= 300):
                if parser.received > _EARLY_BYTES:
                    return
                data = await self._link.receive()
                if not data:
                    parser.finish()
                    break
                parser.feed(data)
        except Exception as error:
            if not is_network_error(error):
                raise
            self.error = error
        self._writing.cancel()

    async def _write(self, *, begun: bool) -> None:
        request, body = self._request, self._request.body
        if begun:
            request.sent = "partial"
            await self._flush()
        elif isinstance(body, bytes):
            await self._write_bytes(body)
        else:
            await self._write_source(body)
        request.sent = "all"
        self.cut = False

    async def _write_bytes(self, body: bytes) -> None:
        if self._head.chunked:
            await self._send(memoryview(self._head.data + _chunk(body) + b"0\r\n\r\n"))
            return
        await self._send(memoryview(self._head.data + body[:PIECE]))
        view = memoryview(body)
        for start in range(PIECE, len(body), PIECE):
            await self._send(view[start : start + PIECE])
            await checkpoint()

    async def _write_source(self, source: BodySource) -> None:
        """Send a body that is read piece by piece; its first piece travels with the head."""
        chunked, expected = self._head.chunked, self._head.length
        given = 0
        first = True
        with self._blame():
            reader = source.open()
        try:
            while True:
                with self._blame():
                    piece = await reader.read()
                given += len(piece)
                if expected is not None and (given > expected or (not piece and given < expected)):
                    raise wrong_length(given, expected)
                data = piece if not chunked else _chunk(piece) if piece else b"0\r\n\r\n"
                if first:
                    await self._send(memoryview(self._head.data + data))
                elif data:
                    await self._send(memoryview(data))
                first = False
                if not piece:
                    return
        finally:
            with grace(), self._blame():
                await reader.aclose()

    @contextmanager
    def _blame(self) -> Generator[None]:
        """Note what the body's source raises, so that a missing file is not taken for a lost connection."""
        try:
            yield
        except BaseException as error:
            self.foreign = error
            raise

    async def _send(self, data: memoryview) -> None:
        # A view shows no bytes where local variables are printed; the first one has the key in it.
        done = self._link.send_now(data)
        # Not before: a first write that raises has handed over nothing.
        self._request.sent = "partial"
        if not done:
            await self._flush()

    async def _flush(self) -> None:
        seconds = self._request.timeout.write
        if seconds is None:
            await self._link.flush()
            return
        with CancelScope(deadline=current_time() + seconds):
            await self._link.flush()
            return
        raise timed_out(self._where, seconds, phase="write", sent="partial")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def wrong_length(given: int, expected: int) -> TransportFailure:
    """Return the failure for a body that is not as long as it was announced.

    Args:
        given: Bytes that its source has given.
        expected: Bytes that were announced.
    """
    more = "at least " if given > expected else ""
    return TransportFailure(
        f"the request body was announced with {expected} bytes and gave {more}{given}; "
        "a file that changes while it is sent must be copied first",
        kind="input",
        phase="write",
        sent="partial",
    )
