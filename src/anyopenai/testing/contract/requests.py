"""Checks of requests: heads and bodies as the server sees them, and how much is said to have left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..faults import Close, Forever, Receive, Reply, Stall
from .answers import PATTERN
from .bench import SERVING, Bench, BrokenError, check, expect, failure_of, near

__all__ = ("Source",)

# What a transport may add to the fields it is given.
_TRANSPORTS_OWN: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "host", "te", "transfer-encoding"}
)


class Source:
    """A request body in pieces.

    Attributes:
        length: What it announces; None for chunks.
        replayable: It may be read again.
        opened: How often it was begun.
        closed: How often a reading was closed.
    """

    def __init__(self, pieces: Iterable[bytes | Exception], length: int | None) -> None:
        self.pieces: list[bytes | Exception] = list(pieces)
        self.length: int | None = length
        self.replayable: bool = True
        self.opened: int = 0
        self.closed: int = 0

    def open(self) -> Source.Reading:
        """Start one reading."""
        self.opened += 1
        return Source.Reading(self)

    class Reading:
        """One reading."""

        def __init__(self, source: Source) -> None:
            self._source = source
            self._rest = iter(source.pieces)
            self._closed = False

        async def read(self) -> bytes:
            """Return the next piece."""
            piece = next(self._rest, b"")
            if isinstance(piece, Exception):
                raise piece
            return piece

        async def aclose(self) -> None:
            """Count the first close."""
            if not self._closed:
                self._closed = True
                self._source.closed += 1


class _SourceError(Exception):
    """What a body's own source raises."""


@check
async def request_head(bench: Bench) -> None:
    """Method, target and fields arrive as they were given, and nothing else is added but what HTTP needs."""
    target = b"/v1/a%2Fb%20c/%C3%A9?x=%5B1%5D&y=a+b&empty=&q=%22'~!*()"
    given = [
        (b"authorization", b"Bearer key"),
        (b"x-twice", b"1"),
        (b"x-name", "caf\u00e9".encode()),
        (b"x-twice", b"2"),
        (b"user-agent", b"contract/1"),
        (b"accept", b"application/json"),
    ]
    for method in ("GET", "POST", "DELETE", "PATCH", "PUT", "HEAD"):
        async with bench.over((Forever(Receive(), Reply(204)),)) as (transport, server):
            response = await transport.send(bench.request(server, method=method, target=target, headers=given))
            await response.read(100)
            seen = server.requests[0]
            expect(seen.method == method, f"{method} arrived as {seen.method}")
            expect(seen.target.encode() == target, f"the target arrived as {seen.target!r} instead of {target!r}")
            names = {name.decode() for name, _ in given}
            found = [(n.encode(), v.encode("latin-1")) for n, v in seen.headers if n in names]
            expect(found == given, f"the fields arrived as {found!r} instead of {given!r}")
            added = sorted({name for name, _ in seen.headers} - names - _TRANSPORTS_OWN)
            expect(not added, f"the transport added fields that nobody gave: {', '.join(added)}")
            hosts = [value for name, value in seen.headers if name == "host"]
            expect(hosts == [f"{server.host}:{server.port}"], f"the host field arrived as {hosts!r}")
            expect(response.status == 204, f"{method} was answered with {response.status}")


@check
async def nothing_remembered(bench: Bench) -> None:
    """A cookie that an answer sets is not sent with the next request: clients and users share a transport."""
    async with bench.over((Forever(Receive(), Reply(200, b"x", {"set-cookie": "session=1; Path=/"})),)) as (
        transport,
        server,
    ):
        for _ in range(2):
            await bench.fetch(transport, server)
        expect(
            server.requests[1].header("cookie") is None, "the cookie of the first answer came with the second request"
        )


@check
async def request_bodies(bench: Bench) -> None:
    """A body in memory arrives whole with its exact length; an empty one says so where the method expects one."""
    for size in (0, 1, 1000, 3_000_001):
        body = (PATTERN * (size // len(PATTERN) + 1))[:size]
        async with bench.over(SERVING) as (transport, server):
            request = bench.request(server, body, method="POST")
            await (await transport.send(request)).read(100)
            seen = server.requests[0]
            expect(seen.body == body, f"a body of {size} bytes arrived with {near(seen.body, body)}")
            lengths = [value for name, value in seen.headers if name == "content-length"]
            expect(lengths == [str(size)], f"a body of {size} bytes was announced with content-length {lengths}")
            expect(request.sent == "all", f"after a whole exchange, sent is {request.sent!r}")
    async with bench.over(SERVING) as (transport, server):
        await bench.fetch(transport, server)
        framing = {"content-length", "transfer-encoding"} & {name for name, _ in server.requests[0].headers}
        expect(not framing, f"a GET without body was sent with {framing}")


@check
async def streamed_requests(bench: Bench) -> None:
    """A body that is read piece by piece arrives whole, with its length if it has one and in chunks if not."""
    pieces = [PATTERN[:100], PATTERN[100:], PATTERN * 100, b"end"]
    whole = b"".join(pieces)
    for length in (len(whole), None):
        name = "announced" if length is not None else "chunked"
        source = Source(pieces, length)
        async with bench.over(SERVING) as (transport, server):
            await (await transport.send(bench.request(server, source))).read(100)
            seen = server.requests[0]
            expect(seen.body == whole, f"an {name} body arrived with {near(seen.body, whole)}")
            expected = (str(length), None) if length is not None else (None, "chunked")
            found = (seen.header("content-length"), seen.header("transfer-encoding"))
            expect(found == expected, f"an {name} body came with content-length and transfer-encoding {found}")
        expect(source.opened == 1, f"the body's source was opened {source.opened} times for one exchange")
        expect(source.closed == 1, "the body's source was not closed")


@check
async def failing_sources(bench: Bench) -> None:
    """What a body's source raises reaches the caller as it is; a source of a wrong length fails; nothing is left taken."""
    async with bench.over(SERVING, limited=True) as (transport, server):
        error = _SourceError("the file is gone")
        source = Source([PATTERN, error], len(PATTERN) * 2)
        try:
            await transport.send(bench.request(server, source))
        except _SourceError as raised:
            expect(raised is error, "the source's exception came as another one")
        except Exception as raised:
            raise BrokenError(f"the source's exception came as {type(raised).__name__}: {raised}") from raised
        else:
            raise BrokenError("the source raised, and the request was answered")
        expect(source.closed == source.opened, "a source that raised was not closed")
        for name, length in (("less", len(PATTERN) + 7), ("more", len(PATTERN) - 7)):
            source = Source([PATTERN], length)
            await failure_of(transport.send(bench.request(server, source)), f"a source with {name} than it announced")
            expect(source.closed == source.opened, f"a source with {name} than it announced was not closed")
        expect(not server.requests, "the server took a broken body for a whole request")
        await bench.still_usable(transport, server, "failing request bodies")


@check
async def injected_lines(bench: Bench) -> None:
    """A line break in a name, a value or the target is refused, and nothing is sent."""
    for name, changes in (
        ("header value", {"headers": [(b"x-a", b"1\r\nx-evil: 1")]}),
        ("header name", {"headers": [(b"x-a: 1\r\nx-evil", b"1")]}),
        ("lone line feed", {"headers": [(b"x-a", b"1\nx-evil: 1")]}),
    ):
        async with bench.over(SERVING) as (transport, server):
            request = bench.request(server, **changes)  # type: ignore[arg-type]  # one known keyword each
            await failure_of(transport.send(request), f"a line break in a {name}")
            expect(not server.requests, f"a request with a line break in a {name} was sent")


@check
async def early_answer(bench: Bench) -> None:
    """An answer that comes before the body has been sent is not lost."""
    script = (Receive(body=False), Reply(413, b"too much", {"connection": "close"}), Stall())
    async with bench.over(script, (Close(),)) as (transport, server):
        response = await transport.send(bench.request(server, PATTERN * 700))
        body = await response.read(100)
        expect((response.status, body) == (413, b"too much"), f"it came as {response.status} with {body!r}")
