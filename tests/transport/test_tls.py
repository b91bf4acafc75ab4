"""TLS: whom we trust, what an untrusted or a plain server sees of a request (nothing), and the encrypted link itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from anyio import create_memory_object_stream, create_task_group

from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Close, Forever, Receive, Reply, Reset, Send, Stall, Step, fault_server
from anyopenai.transport import PoolTransport, TransportFailure
from anyopenai.transport import tls as tls_module
from anyopenai.transport.tls import TLSSettings, context_for
from transport.exchanges import Authority, assert_all_free, fetch, request_to

OK = Reply(body=b"{}")
SERVE = [Forever(Receive(), OK)]


async def test_a_large_answer_and_many_small_ones_come_through(authority: Authority) -> None:
    body = bytes(range(256)) * 20_000
    script = [Forever(Receive(), Reply(body=body)), OK]
    async with (
        fault_server(script, tls=authority.server) as server,
        PoolTransport(ssl_context=authority.client) as pool,
    ):
        for _ in range(3):
            assert await fetch(pool, request_to(server)) == body
        assert pool.stats().opened == 1


async def test_an_untrusted_certificate_is_refused_before_anything_is_sent(authority: Authority) -> None:
    async with fault_server(SERVE, tls=authority.server) as server, PoolTransport() as pool:
        request = request_to(server, b"secret")
        with pytest.raises(
            TransportFailure, match=r"certificate of 127\.0\.0\.1:\d+ was refused.*SSL_CERT_FILE"
        ) as caught:
            await fetch(pool, request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("tls", "connect", "none")
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        assert_all_free(pool)
        await server.until(lambda s: s.connections[0].ended.is_set())
        assert server.requests == []
        assert server.connections[0].tls_error


async def test_a_certificate_trusted_through_a_file_is_accepted_and_a_wrong_name_is_not(
    authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.pem)
    async with fault_server(SERVE, tls=authority.server) as server, PoolTransport(cert_file=str(bundle)) as pool:
        assert await fetch(pool, request_to(server)) == b"{}"
        assert await fetch(pool, request_to(server, host="localhost")) == b"{}"
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca = trustme.CA()
    ca.issue_cert("elsewhere.example").configure_cert(other)
    bundle = tmp_path / "other.pem"
    bundle.write_bytes(ca.cert_pem.bytes())
    async with fault_server(SERVE, tls=other) as server, PoolTransport(cert_file=str(bundle)) as pool:
        with pytest.raises(TransportFailure, match="IP address mismatch") as caught:
            await fetch(pool, request_to(server))
        assert caught.value.kind == "tls"
        with pytest.raises(TransportFailure, match=r"[Hh]ostname mismatch"):
            await fetch(pool, request_to(server, host="localhost"))
    assert server.requests == []


async def test_a_certificate_is_found_in_a_directory_of_hashed_names(authority: Authority, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.pem.decode())
    # OpenSSL's own name for a certificate in such a directory is the hash of its subject; try them all out.
    import subprocess

    pem = tmp_path / "ca.pem"
    pem.write_bytes(authority.pem)
    try:
        done = subprocess.run(  # noqa: ASYNC221 - a test, and milliseconds
            ["openssl", "x509", "-hash", "-noout", "-in", str(pem)], capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("needs the openssl command")
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / f"{done.stdout.strip()}.0").write_bytes(authority.pem)
    transport = PoolTransport(cert_dir=str(tmp_path / "certs"))
    async with fault_server(SERVE, tls=authority.server) as server, transport as pool:
        assert await fetch(pool, request_to(server)) == b"{}"


@pytest.mark.parametrize("content", [None, "no certificate in here"])
async def test_a_bundle_that_cannot_be_read_is_named(content: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    async with fault_server([Stall()]) as server, PoolTransport(cert_file=str(bundle)) as pool:
        request = request_to(server)
        request.scheme = "https"
        with pytest.raises(
            TransportFailure, match=r"no trusted certificates.*ca\.pem.*correct SSL_CERT_FILE"
        ) as caught:
            await fetch(pool, request)
        assert (caught.value.kind, caught.value.sent) == ("tls", "none")
        assert_all_free(pool)
        assert server.connections == []


async def test_a_plain_server_behind_https_sees_no_request() -> None:
    seen: list[bytes] = []

    async def answer_plainly(peer: object) -> None:
        seen.append(await peer.receive_some())  # type: ignore[attr-defined]  # a Peer
        await peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")  # type: ignore[attr-defined]

    async with fault_server([answer_plainly]) as server, PoolTransport() as pool:
        request = request_to(server, b"secret", headers=[(b"authorization", b"Bearer secret")])
        request.scheme = "https"
        with pytest.raises(
            TransportFailure, match="does not speak TLS; if it is a plain server, write http://"
        ) as caught:
            await fetch(pool, request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("tls", "connect", "none")
        assert_all_free(pool)
    assert b"secret" not in b"".join(seen)


@pytest.mark.parametrize("ending", [Close(), Reset()])
async def test_a_server_that_leaves_during_the_handshake_is_a_typed_failure(ending: Step) -> None:
    async with fault_server([ending]) as server, PoolTransport() as pool:
        request = request_to(server)
        request.scheme = "https"
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request)
        assert caught.value.kind in ("tls", "refused")
        assert (caught.value.phase, caught.value.sent) == ("connect", "none")
        assert_all_free(pool)


async def test_a_handshake_that_stalls_ends_with_the_connect_limit() -> None:
    async with fault_server([Stall()]) as server, PoolTransport() as pool:
        request = request_to(server, timeout=Timeout(None, connect=0.05))
        request.scheme = "https"
        with pytest.raises(TransportFailure, match=r"could not connect to .* within 0\.05 s") as caught:
            await fetch(pool, request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("timeout", "connect", "none")
        assert_all_free(pool)
        await server.until(lambda s: s.hang_ups == 1)


async def test_a_body_until_the_end_of_an_encrypted_connection_is_read(authority: Authority) -> None:
    script = [Receive(), Send(b"HTTP/1.1 200 OK\r\n\r\nhello"), Close()]
    async with (
        fault_server(script, tls=authority.server) as server,
        PoolTransport(ssl_context=authority.client) as pool,
    ):
        assert await fetch(pool, request_to(server)) == b"hello"
        assert_all_free(pool)


async def test_the_trace_names_the_protocol_that_was_agreed_on(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.pem.decode())
    context.set_alpn_protocols(["http/1.1"])
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").configure_cert(server_context)
    ca.configure_trust(context)
    server_context.set_alpn_protocols(["http/1.1"])
    seen: dict[str, object] = {}
    async with fault_server(SERVE, tls=server_context) as server, PoolTransport(ssl_context=context) as pool:
        await fetch(pool, request_to(server, trace=lambda name, facts: seen.update({name: facts})))
    assert seen["tls"]["alpn"] == "http/1.1"  # type: ignore[index]  # facts are a mapping


async def test_one_context_is_built_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[TLSSettings] = []
    original = tls_module._build

    def build(settings: TLSSettings) -> ssl.SSLContext:
        built.append(settings)
        return original(settings)

    monkeypatch.setattr(tls_module, "_build", build)
    monkeypatch.setattr(tls_module, "_contexts", {})
    send, receive = create_memory_object_stream[ssl.SSLContext](10)

    async def get() -> None:
        send.send_nowait(await context_for(TLSSettings()))

    with send, receive:
        async with create_task_group() as group:
            for _ in range(10):
                group.start_soon(get)
        contexts = {receive.receive_nowait() for _ in range(10)}
    assert len(contexts) == len(built) == 1
    [context] = contexts
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_without_a_system_bundle_certifi_s_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    paths = ssl.get_default_verify_paths()._replace(openssl_cafile=nowhere, openssl_capath=nowhere)
    monkeypatch.setattr(tls_module.ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(tls_module, "_BUNDLES", ())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls_module._load_system_trust(context)
    assert context.cert_store_stats()["x509_ca"] > 100


def test_the_environment_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: Authority
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    context = tls_module._build(TLSSettings())
    assert context.cert_store_stats()["x509_ca"] != 1
