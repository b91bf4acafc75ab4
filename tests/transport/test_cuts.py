"""A server that breaks off after any byte: a typed failure or the complete answer, and never a short one."""

from __future__ import annotations

import gzip
import json
from typing import Final

import pytest

from anyopenai import APIConnectionError, OpenAI
from anyopenai.testing.faults import Close, Receive, Reset, Send, fault_server, response_bytes
from anyopenai.transport import PoolTransport, TransportFailure, WireRequest
from transport.exchanges import Authority, assert_all_free, request_to

BODY: Final = b'{"id": "m", "object": "model", "created": 1, "owned_by": "me"}'
JSON: Final = {"content-type": "application/json"}
PACKED: Final = gzip.compress(BODY, mtime=0)
INTERIM: Final = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"

WIRES: Final = {
    "sized": INTERIM + response_bytes(body=BODY, headers=JSON),
    "chunked": response_bytes(chunks=[BODY[:1], BODY[1:40], BODY[40:]], headers=JSON),
    "gzip": response_bytes(body=PACKED, headers={**JSON, "content-encoding": "gzip"}),
    "chunked gzip": response_bytes(chunks=[PACKED[:20], PACKED[20:]], headers={**JSON, "content-encoding": "gzip"}),
    "gzip to the end": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + PACKED,
}


async def outcome(pool: PoolTransport, request: WireRequest) -> bytes | TransportFailure:
    """Return the whole body, or why there is none."""
    try:
        response = await pool.send(request)
        if not request.stream:
            return await response.read(1000)
        body = b""
        while piece := await response.receive():
            body += piece
        assert response.complete
    except TransportFailure as failure:
        return failure
    return body


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("framing", WIRES)
async def test_an_answer_cut_after_any_byte_is_a_failure_or_complete(
    framing: str, ending: Close | Reset, encrypted: bool, authority: Authority
) -> None:
    wire = WIRES[framing]
    # Every offset on its own connection; over TLS, where a handshake is most of the time, every seventh.
    offsets = range(0, len(wire) + 1, 7 if encrypted else 1)
    scripts = [[Receive(), *([Send(wire[:offset])] if offset else []), ending] for offset in offsets]
    complete = 0
    tls = authority.server if encrypted else None
    async with (
        fault_server(*scripts, tls=tls) as server,
        PoolTransport(ssl_context=authority.client) as pool,
    ):
        for offset in offsets:
            # Read whole and read piece by piece take turns; both see every kind of place.
            body = await outcome(pool, request_to(server, b"{}", stream=offset % 2 == 1))
            if isinstance(body, TransportFailure):
                assert body.kind in ("lost", "decode"), (offset, body)
                assert (body.sent, body.phase in ("head", "body")) == ("all", True)
            else:
                assert body == BODY, offset
                complete += 1
            assert_all_free(pool)
        assert len(server.requests) == len(offsets)
    # A reset is no end, so that an answer which only the end delimits is never complete then.
    assert complete == (not isinstance(ending, Reset) or framing != "gzip to the end") or encrypted


@pytest.mark.parametrize("framing", ["sized", "chunked gzip"])
async def test_a_call_whose_answer_is_cut_after_any_byte_raises_or_gives_all(framing: str) -> None:
    wire = WIRES[framing]
    scripts = [[Receive(), *([Send(wire[:offset])] if offset else []), Close()] for offset in range(len(wire) + 1)]
    async with fault_server(*scripts) as server, OpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
        for _ in wire:
            with pytest.raises(APIConnectionError):
                await client.models.retrieve("m")
        model = await client.models.retrieve("m")
        assert json.loads(BODY) == model.to_dict()
