"""Checks of answers: heads as they were sent, bodies of every framing, content codings, limits."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from anyio import Event

from ..faults import Close, Drip, Forever, Receive, Reply, Send, Step, Wait, response_bytes
from .bench import Bench, ByTarget, check, expect, failure_of, near, pieces_of

__all__ = ("PATTERN",)

PATTERN: Final = bytes(range(256)) * 17
"""Bytes of every value, of a length that is no power of two."""

_BODILESS: Final = (204, 304)


@check
async def statuses(bench: Bench) -> None:
    """Every status is given as it is: nothing is raised, followed or sent again."""
    for status in (200, 201, 202, 204, 302, 304, 307, 400, 401, 404, 407, 429, 500, 503, 599):
        extra = b"" if status in _BODILESS else b"content-length: 0\r\n"
        answer = b"HTTP/1.1 %d Status\r\nlocation: /v1/elsewhere\r\n%b\r\n" % (status, extra)
        async with bench.over((Forever(Receive(), Send(answer)),)) as (transport, server):
            response = await transport.send(bench.request(server))
            expect(response.status == status, f"status {status} came as {response.status}")
            expect(await response.read(100) == b"", f"status {status} had no body, and one was read")
            count = len(server.requests)
            expect(count == 1, f"status {status} led to {count} requests instead of one")


@check
async def answer_headers(bench: Bench) -> None:
    """The fields of an answer come in order, each as often as it was sent, names in lower case, values as bytes."""
    answer = (
        b"HTTP/1.1 200 OK\r\nX-First: 1\r\nSet-Cookie: a=1\r\nX-Raw: caf\xc3\xa9 \xe9\r\n"
        b"Set-Cookie: b=2\r\nContent-Length: 2\r\nX-Last: \r\n\r\n{}"
    )
    async with bench.over((Receive(), Send(answer))) as (transport, server):
        response = await transport.send(bench.request(server))
        wanted = [
            (b"x-first", b"1"),
            (b"set-cookie", b"a=1"),
            (b"x-raw", b"caf\xc3\xa9 \xe9"),
            (b"set-cookie", b"b=2"),
            (b"content-length", b"2"),
            (b"x-last", b""),
        ]
        expect(list(response.headers) == wanted, f"the fields came as {response.headers!r} instead of {wanted!r}")
        expect(response.http_version in ("HTTP/1.1", "HTTP/1.0"), f"HTTP/1.1 came as version {response.http_version!r}")
        await response.read(100)


@check
async def interim_answers(bench: Bench) -> None:
    """Interim answers (1xx) are skipped; the final one is given."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    async with bench.over((Receive(), Send(interim + response_bytes(200, b"final")))) as (transport, server):
        response = await transport.send(bench.request(server))
        body = await response.read(100)
        expect((response.status, body) == (200, b"final"), f"got status {response.status} and {body!r}")


@check
async def bodies(bench: Bench) -> None:
    """A body arrives whole, however it is framed and however its bytes are cut."""
    sized = response_bytes(200, PATTERN)
    chunked = response_bytes(200, chunks=[PATTERN[:1], PATTERN[1:1000], PATTERN[1000:]])
    until_close = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + PATTERN
    short = PATTERN[:40]
    framings: dict[str, tuple[tuple[Step, ...], bytes]] = {
        "of announced length": ((Send(sized),), PATTERN),
        "in chunks": ((Send(chunked),), PATTERN),
        "that ends with the connection": ((Send(until_close), Close()), PATTERN),
        "of length 0": ((Reply(200),), b""),
        "of no chunks": ((Send(response_bytes(200, chunks=[])),), b""),
        "of announced length, byte by byte": ((Drip(response_bytes(200, short)),), short),
        "in chunks, byte by byte": ((Drip(response_bytes(200, chunks=[short, short])),), short * 2),
    }
    for name, (steps, wanted) in framings.items():
        async with bench.over((Receive(), *steps), (Receive(), *steps)) as (transport, server):
            response = await transport.send(bench.request(server))
            body = await response.read(1 << 20)
            expect(body == wanted, f"a body {name} was read with {near(body, wanted)}")
            expect(response.complete, f"after reading a body {name}, complete is false")
            response = await transport.send(bench.request(server, stream=True))
            body = b"".join(await pieces_of(response))
            expect(body == wanted, f"a body {name} was received with {near(body, wanted)}")
            again = await response.receive()
            expect(again == b"", f"after the end of a body {name}, receive() gave {again!r}")
            expect(response.complete, f"after receiving a body {name}, complete is false")


@check
async def answers_without_body(bench: Bench) -> None:
    """Answers to HEAD, 204 and 304 have no body, whatever length they announce, and hold nothing up."""
    head = b"HTTP/1.1 %d Status\r\ncontent-length: 5000\r\n\r\n"
    for method, status in (("HEAD", 200), ("HEAD", 404), ("GET", 304)):
        async with bench.over((Forever(Receive(), Send(head % status)),)) as (transport, server):
            for _ in range(2):
                response = await transport.send(bench.request(server, method=method))
                body = await response.read(100)
                expect(body == b"", f"an answer with status {status} to {method} gave {body!r}")
                expect(response.complete, f"an answer with status {status} to {method} is not complete")


@check
async def large_bodies(bench: Bench) -> None:
    """Megabytes arrive unchanged, and no piece is larger than was asked for."""
    body = PATTERN * 500
    for name, answer in (
        ("sized", response_bytes(200, body)),
        ("chunked", response_bytes(200, chunks=[body[i : i + 50_000] for i in range(0, len(body), 50_000)])),
    ):
        async with bench.over((Forever(Receive(), Send(answer)),)) as (transport, server):
            response = await transport.send(bench.request(server, stream=True))
            pieces = await pieces_of(response, 10_007)
            largest = max(map(len, pieces))
            expect(largest <= 10_007, f"a {name} body: receive(10007) gave {largest} bytes")
            found = b"".join(pieces)
            expect(found == body, f"a large {name} body came with {near(found, body)}")
            found = await (await transport.send(bench.request(server))).read(len(body))
            expect(found == body, f"a large {name} body was read with {near(found, body)}")


@check
async def pieces_as_they_come(bench: Bench) -> None:
    """What the server has sent can be received before it sends more."""
    gate = Event()
    start = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
    script = (Receive(), Send(start), Wait(gate), Send(b"3\r\ntwo\r\n0\r\n\r\n"))
    async with bench.over(script) as (transport, server):
        try:
            response = await transport.send(bench.request(server, stream=True))
            first = await response.receive()
            expect(first == b"one", f"the first piece came as {first!r} instead of b'one'")
            expect(not response.complete, "complete is true before the end")
        finally:
            gate.set()
        expect(b"".join(await pieces_of(response)) == b"two", "the second piece is lost")


@check
async def size_limit(bench: Bench) -> None:
    """`read(limit)` gives a body of just that size; one byte more fails with "too_large" and ends the exchange."""
    for name, answer in (
        ("sized", response_bytes(200, PATTERN)),
        ("chunked", response_bytes(200, chunks=[PATTERN])),
    ):
        script = (Forever(ByTarget(answer)),)
        async with bench.over(script, limited=True) as (transport, server):
            response = await transport.send(bench.request(server))
            body = await response.read(len(PATTERN))
            expect(body == PATTERN, f"a {name} body of the limit's size was read with {near(body, PATTERN)}")
            response = await transport.send(bench.request(server))
            failure = await failure_of(response.read(len(PATTERN) - 1), f"a {name} body above the limit")
            expect(failure.kind == "too_large", f"a {name} body above the limit failed with kind {failure.kind!r}")
            await bench.still_usable(transport, server, f"a {name} body above the limit")


@check
async def content_codings(bench: Bench) -> None:
    """Gzip and deflate are undone once, in pieces of the size asked for, and stay listed; broken data fails."""
    flat = bytes(300_000)
    for coding, data in ((b"gzip", gzip.compress(flat)), (b"deflate", zlib.compress(flat))):
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (coding, len(data))
        name = coding.decode()
        async with bench.over((Forever(Receive(), Send(head + data)),)) as (transport, server):
            response = await transport.send(bench.request(server))
            body = await response.read(1 << 20)
            expect(body == flat, f"a body in {name} was read with {near(body, flat)}")
            expect((b"content-encoding", coding) in response.headers, f"{name} is no longer listed in the fields")
            response = await transport.send(bench.request(server))
            pieces = await pieces_of(response, 4096)
            expect(b"".join(pieces) == flat, f"a body in {name} is not whole when it is received in pieces")
            expect(max(map(len, pieces)) <= 4096, f"receive(4096) of a body in {name} gave more than that")
        broken = data[: len(data) // 2] + b"not compressed at all"
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (coding, len(broken))
        async with bench.over((Receive(), Send(head + broken))) as (transport, server):
            response = await transport.send(bench.request(server))
            failure = await failure_of(response.read(1 << 20), f"broken {name} data")
            expect(failure.kind == "decode", f"broken {name} data failed with kind {failure.kind!r}")


@check
async def stacked_codings_in_small_reads(bench: Bench) -> None:
    """A small coded body that decodes to much more is given to its last byte."""
    flat = PATTERN * 300
    data = gzip.compress(flat)
    answer = response_bytes(200, headers={"content-encoding": "gzip"}, chunks=[data])
    async with bench.over((Receive(), Send(answer))) as (transport, server):
        response = await transport.send(bench.request(server))
        first = await response.receive(1000)
        rest = b"".join(await pieces_of(response))
        expect(first + rest == flat, f"{near(first + rest, flat)}")
