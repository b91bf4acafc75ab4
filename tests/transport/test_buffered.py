"""`BufferedResponse`: an answer in memory that is read like any other."""

from __future__ import annotations

import gzip

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.testing import Receive, Reply, fault_server
from anyopenai.transport import BufferedResponse, PoolTransport, TransportFailure
from transport.exchanges import request_to


@given(content=st.binary(max_size=300), max_bytes=st.integers(1, 400))
def test_pieces_of_any_size_make_the_body(content: bytes, max_bytes: int) -> None:
    async def read() -> list[bytes]:
        response = BufferedResponse(200, [(b"x-a", b"1")], content)
        pieces = []
        while piece := await response.receive(max_bytes):
            pieces.append(piece)
        assert response.complete
        return pieces

    pieces = anyio.run(read)
    assert b"".join(pieces) == content
    assert all(len(piece) <= max_bytes for piece in pieces)


async def test_the_rest_is_read_within_a_limit() -> None:
    response = BufferedResponse(200, content=b"0123456789")
    assert await response.receive(4) == b"0123"
    assert not response.complete
    assert await response.read(6) == b"456789"
    assert await response.read(6) == b""
    with pytest.raises(TransportFailure) as caught:
        await response.again().read(9)
    assert caught.value.kind == "too_large"


async def test_a_closed_one_is_not_read_any_further_and_its_copy_is() -> None:
    response = BufferedResponse(200, content=b"body")
    await response.aclose()
    with pytest.raises(TransportFailure) as caught:
        await response.receive()
    assert caught.value.kind == "closed"
    assert await response.again().read(4) == b"body"
    other = response.again()
    assert await other.drain(0, 0)
    other.abandon()
    assert other.complete
    assert await other.receive() == b""


async def test_a_coded_answer_is_kept_as_what_it_says() -> None:
    fields = {"content-encoding": "gzip", "x-a": "1"}
    async with fault_server([Receive(), Reply(203, gzip.compress(b"text" * 100), fields)]) as server:
        pool = PoolTransport()
        kept = await BufferedResponse.read_from(await pool.send(request_to(server)))
        await pool.aclose()
    assert kept.content == b"text" * 100
    assert (kept.status, kept.headers, kept.http_version) == (203, [(b"x-a", b"1")], "HTTP/1.1")
    assert repr(kept) == "<BufferedResponse 203, 400 bytes>"
