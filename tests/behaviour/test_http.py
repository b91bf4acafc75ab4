"""HTTP/1.1 as servers and proxies speak it, well and badly, and TLS."""

from __future__ import annotations

import gzip
import json as jsonlib
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path

import anyio
import pytest
import trustme

from anyopenai import APIConnectionError, APIError, APIStatusError, OpenAI, OpenAIError
from anyopenai.testing.faults import Close, Peer, Receive, Wait, fault_server, response_bytes
from behaviour.answers import MODEL, PROMPT, delta, file
from behaviour.clients import KEY, client_for
from behaviour.server import Cut, Reply, Server, chunk, chunked, frame, head, json

BODY = jsonlib.dumps(MODEL).encode()
FIELDS = {"content-type": "application/json", "content-length": str(len(BODY))}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: import_module("brotli").compress(data),
    "zstd": lambda data: zstd_frame(data),
}


def zstd_frame(data: bytes) -> bytes:
    """Return a frame of one raw block (RFC 8878, section 3.1.1), for bodies below 256 bytes."""
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + (len(data) << 3 | 1).to_bytes(3, "little") + data


async def retrieved(server: Server, reply: Reply) -> str:
    """Read one model that is answered so."""
    server.script(reply)
    async with client_for(server, max_retries=0) as client:
        return (await client.models.retrieve("m")).id


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"HTTP/1.1 100 Continue\r\n\r\n" + head(103, {"link": "</x>"}) + head(200, FIELDS) + BODY),
        Reply(
            head(200, {"transfer-encoding": "chunked", "trailer": "x-sum"}),
            b"00A;name=value\r\n" + BODY[:10] + b"\r\n",
            b"%X\r\n" % (len(BODY) - 10) + BODY[10:] + b"\r\n",
            b"0\r\nx-sum: 1\r\n\r\n",
        ),
        Reply(head(200, {"content-type": "application/json", "connection": "close"}) + BODY, Cut.CLOSE),
        Reply(head(200, {"content-type": "application/json"}, version="1.0") + BODY, Cut.CLOSE),
        Reply(head(200, FIELDS, version="1.0") + BODY, Cut.CLOSE),
        Reply(*(bytes([byte]) for byte in head(200, FIELDS)), BODY),
        Reply(head(200, {**FIELDS, **{f"x-{number}": "v" * 1000 for number in range(20)}}) + BODY),
        Reply(head(200, FIELDS).replace(b"\r\nContent", b"\r\ncontent").replace(b": ", b":") + BODY),
        Reply(b"HTTP/1.1 200\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY),
    ],
    ids=[
        "informational responses",
        "chunk extensions, upper case, zeros, trailers",
        "ended by the connection",
        "1.0 without a length",
        "1.0 with a length",
        "a head byte by byte",
        "20 kB of headers",
        "no space after the colon",
        "no reason phrase",
    ],
)
async def test_an_answer_of_any_lawful_form_is_read(server: Server, reply: Reply) -> None:
    assert await retrieved(server, reply) == "m"


async def test_a_connection_that_the_server_gives_up_is_not_used_again(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL, headers={"connection": "close"}))
    for _ in range(3):
        await client.models.retrieve("m")
    assert [request.connection for request in server.requests] == [0, 1, 2]


async def test_the_host_header_is_that_of_the_base_url(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL))
    await client.models.retrieve("m")
    assert server.last.all("host") == [server.url.removeprefix("http://")]


async def test_only_codings_that_can_be_undone_are_asked_for(server: Server, client: OpenAI) -> None:
    server.script(json(MODEL))
    await client.models.retrieve("m")
    asked = {coding.strip().partition(";")[0] for coding in server.last["accept-encoding"].split(",")}
    assert {"gzip", "deflate"} <= asked <= set(PACKERS)
    for coding in asked:
        body = PACKERS[coding](BODY)
        fields = {**FIELDS, "content-encoding": coding, "content-length": str(len(body))}
        assert await retrieved(server, Reply(head(200, fields) + body)) == "m"


async def test_a_compressed_stream_is_decoded_event_by_event(server: Server, client: OpenAI) -> None:
    packer = zlib.compressobj(wbits=31)

    def packed(event: object) -> bytes:
        return packer.compress(frame(event)) + packer.flush(zlib.Z_SYNC_FLUSH)

    gate = anyio.Event()
    first, second = packed(delta("a")), packed(delta("b", "stop"))
    fields = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    server.script(chunked(first, gate, second, packed("[DONE]") + packer.flush(), headers=fields))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    assert (await anext(stream)).choices[0].delta.content == "a"
    gate.set()
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["b"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_broken_coding_raises(server: Server, coding: str) -> None:
    broken = Reply(head(200, {**FIELDS, "content-encoding": coding}) + BODY)
    with pytest.raises(APIError):
        await retrieved(server, broken)


@pytest.mark.parametrize("after", ["closes", "stops reading"])
async def test_an_early_refusal_of_a_large_upload_is_reported(after: str) -> None:
    refusal = response_bytes(413, b'{"error": {"message": "Too large."}}', {"content-type": "application/json"})

    async def answer(peer: Peer) -> None:
        await peer.send(refusal)

    then = Close() if after == "closes" else Wait(anyio.Event())
    async with (
        fault_server([Receive(body=False), answer, then]) as server,
        OpenAI(api_key="k", base_url=server.url, max_retries=0) as client,
    ):
        with pytest.raises(APIStatusError, match="Too large") as caught:
            await client.files.create(file=b"x" * 20_000_000, purpose="assistants")
    assert caught.value.status_code == 413


async def test_what_comes_after_the_body_is_cut_and_the_connection_given_up(server: Server, client: OpenAI) -> None:
    server.script(Reply(head(200, FIELDS) + BODY + b"HTTP/1.1 200 OK\r\n\r\nsmuggled"), json(MODEL))
    assert (await client.models.retrieve("m")).id == "m"
    assert (await client.models.retrieve("m")).id == "m"
    assert [request.connection for request in server.requests] == [0, 1]


async def test_an_event_above_64_mib_passes(server: Server, client: OpenAI) -> None:
    mebibyte = b"0123456789abcdef" * 2**16
    start, end = jsonlib.dumps(delta("@", "stop")).encode().split(b"@")
    server.script(
        chunked(
            b"data: " + start,
            *[mebibyte] * 65,
            end + b"\n\n",
            b"data: [DONE]\n\n",
            headers={"content-type": "text/event-stream"},
        )
    )
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    (only,) = [chunk async for chunk in stream]
    assert len(only.choices[0].delta.content) == 65 * 2**20


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted by way of the environment."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture
async def tls_server(authority: trustme.CA) -> AsyncIterator[Server]:
    async with Server().running(tls=server_context(authority, "127.0.0.1")) as server:
        server.script(json(MODEL))
        yield server


async def test_https_never_talks_plain_text() -> None:
    heard = bytearray()

    async def listen(peer: Peer) -> None:
        while True:
            heard.extend(await peer.receive_some())
            await peer.send(response_bytes(400, b"this is HTTP"))

    async with fault_server([listen]) as server:
        url = server.url.replace("http:", "https:")
        async with OpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
            with pytest.raises(APIConnectionError):
                await client.models.retrieve("m")
    assert KEY.encode() not in heard
    assert not re.search(rb"GET |Bearer|HTTP/1", heard)


async def test_an_untrusted_certificate_is_refused_before_anything_is_sent(tls_server: Server) -> None:
    async with client_for(tls_server) as client:
        with pytest.raises(APIConnectionError, match=r"(?i)certificate"):
            await client.models.retrieve("m")
    assert tls_server.requests == []


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_trusted_by_the_environment_is_accepted(tls_server: Server) -> None:
    async with client_for(tls_server) as client:
        assert (await client.models.retrieve("m")).id == "m"
        stream_reply = chunked(frame(delta("a", "stop")), headers={"content-type": "text/event-stream"})
        tls_server.script(stream_reply)
        assert len([chunk async for chunk in await client.chat.completions.create(**PROMPT, stream=True)]) == 1
    assert len(tls_server.connections) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_of_another_host_is_refused(authority: trustme.CA) -> None:
    async with Server().running(tls=server_context(authority, "elsewhere.test")) as server:
        server.script(json(MODEL))
        async with client_for(server) as client:
            with pytest.raises(APIConnectionError, match=r"(?i)certificate|127\.0\.0\.1"):
                await client.models.retrieve("m")
        assert server.requests == []


@pytest.mark.usefixtures("trusted")
async def test_a_redirect_from_https_to_plain_text_is_not_followed(tls_server: Server) -> None:
    async with Server().running() as plain:
        plain.script(json(MODEL))
        tls_server.script(Reply(head(307, {"location": f"{plain.url}/x", "content-length": "0"})))
        async with client_for(tls_server, max_retries=0) as client:
            with pytest.raises(OpenAIError):
                await client.files.create(file=b"secret content", purpose="assistants")
        assert not [request for request in plain.requests if b"secret" in request.body or "authorization" in request]


@pytest.mark.usefixtures("trusted")
async def test_an_upload_over_tls_arrives(tls_server: Server) -> None:
    tls_server.script(json(file()))
    async with client_for(tls_server) as client:
        await client.files.create(file=b"x" * 300_000, purpose="assistants")
    assert tls_server.last.body.count(b"x" * 300_000) == 1


async def test_a_chunk_with_a_bad_size_raises(server: Server) -> None:
    with pytest.raises(APIConnectionError):
        await retrieved(server, Reply(head(200, {"transfer-encoding": "chunked"}) + chunk(BODY) + b"zz\r\n", Cut.CLOSE))
