"""TLS: whom we trust, what an untrusted or a plain server sees of a request (nothing), and the encrypted link itself."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from anyio import create_memory_object_stream, create_task_group
from cryptography.hazmat.primitives import serialization

from anyopenai import OpenAIError
from anyopenai._timeouts import Timeout
from anyopenai.testing.faults import Close, Forever, Peer, Receive, Reply, Reset, Send, Stall, Step, fault_server
from anyopenai.transport import PoolTransport, TransportFailure, tls_context
from anyopenai.transport import tls as tls_module
from anyopenai.transport.connection import Origin
from anyopenai.transport.dialing import Dialing, Http2, open_link
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
        assert caught.value.kind == "refused"
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


# Certificates that are refused, on either side.


class Party(NamedTuple):
    """Files of one certificate, and its authority's."""

    cert: Path
    key: Path
    trust: Path


def party(ca: trustme.CA, folder: Path, name: str) -> Party:
    """Write a certificate of an authority to files."""
    leaf = ca.issue_cert(name)
    made = Party(folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.ca")
    made.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    made.key.write_bytes(leaf.private_key_pem.bytes())
    made.trust.write_bytes(ca.cert_pem.bytes())
    return made


def demanding(ca: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a server's context that demands a certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    return context


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda v: v.name)


@VERSIONS
async def test_a_client_certificate_opens_a_server_that_demands_one(version: ssl.TLSVersion, tmp_path: Path) -> None:
    ca = trustme.CA()
    me = party(ca, tmp_path, "me.example")
    async with fault_server(SERVE, tls=demanding(ca, version)) as server:
        context = tls_context(client_cert=me.cert, client_key=me.key, cert_file=me.trust)
        async with PoolTransport(ssl_context=context) as pool:
            assert await fetch(pool, request_to(server)) == b"{}"


@VERSIONS
@pytest.mark.parametrize("shown", ["no certificate", "a stranger's certificate"])
async def test_a_server_that_refuses_the_client_s_certificate_is_a_final_failure(
    version: ssl.TLSVersion, shown: str, tmp_path: Path
) -> None:
    ca = trustme.CA()
    stranger = party(trustme.CA(), tmp_path, "stranger.example")
    me = party(ca, tmp_path, "me.example")
    context = tls_context(cert_file=me.trust)
    if shown != "no certificate":
        context.load_cert_chain(stranger.cert, stranger.key)
    tls = demanding(ca, version)

    async def refuse(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = tls.wrap_bio(incoming, outgoing, server_side=True)
        refused = False
        while not refused:
            try:
                half.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                refused = True
            # The alert says why: anyio's own server half would keep it to itself.
            await peer.send(outgoing.read())
            if not refused:
                incoming.write(await peer.receive_some())

    async with fault_server([refuse, Stall()]) as server, PoolTransport(ssl_context=context) as pool:
        server.tls = True
        with pytest.raises(TransportFailure, match=r"client certificate that it accepts|handshake failure") as caught:
            await fetch(pool, request_to(server))
        assert caught.value.kind == "tls"
        assert_all_free(pool)
        assert server.requests == []


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    ca = trustme.CA()
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    ca.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(server_context)
    trust = party(ca, tmp_path, "other.example").trust
    async with fault_server(SERVE, tls=server_context) as server, PoolTransport(cert_file=str(trust)) as pool:
        with pytest.raises(TransportFailure, match="was refused: certificate has expired") as caught:
            await fetch(pool, request_to(server))
        assert (caught.value.kind, caught.value.sent) == ("tls", "none")
        assert server.requests == []


def test_a_context_with_a_certificate_has_the_trust_and_the_limits_of_ours(tmp_path: Path) -> None:
    me = party(trustme.CA(), tmp_path, "me.example")
    context = tls_context(client_cert=me.cert, client_key=me.key)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 1


def test_client_certificates_that_cannot_be_loaded_are_named(tmp_path: Path) -> None:
    me = party(trustme.CA(), tmp_path, "me.example")
    other = party(trustme.CA(), tmp_path, "other.example")
    with pytest.raises(OpenAIError, match=r"me\.example\.pem' and .*other\.example\.key.*belong together"):
        tls_context(client_cert=me.cert, client_key=other.key)
    with pytest.raises(OpenAIError, match=r"nowhere\.pem"):
        tls_context(client_cert=tmp_path / "nowhere.pem")
    with pytest.raises(OpenAIError, match="client_key= needs client_cert="):
        tls_context(client_key=me.key)
    with pytest.raises(OpenAIError, match="correct cert_file or cert_dir, or omit them"):
        tls_context(cert_file=me.key)
    encrypted = tmp_path / "encrypted.key"
    key = serialization.load_pem_private_key(me.key.read_bytes(), None)
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"pw")
        )
    )
    with pytest.raises(OpenAIError, match="key is encrypted; pass password="):
        tls_context(client_cert=me.cert, client_key=encrypted)
    with pytest.raises(OpenAIError, match="decrypted by the password"):
        tls_context(client_cert=me.cert, client_key=encrypted, password="wrong")
    tls_context(client_cert=me.cert, client_key=encrypted, password="pw")


async def test_a_context_of_the_caller_s_own_is_used_as_it_is(authority: Authority) -> None:
    """It may serve other connections of the program too, so nothing in it is changed, the protocols offered included."""
    touched: list[object] = []

    class Watched(ssl.SSLContext):
        def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
            touched.append(alpn_protocols)

    watched = Watched(ssl.PROTOCOL_TLS_CLIENT)
    watched.load_verify_locations(cadata=authority.pem.decode())
    async with fault_server(SERVE, tls=authority.server) as server, PoolTransport(ssl_context=watched) as pool:
        assert await fetch(pool, request_to(server)) == b"{}"
    assert touched == []


@pytest.mark.parametrize(("http2", "offered"), [("auto", "h2"), (True, "h2"), (False, "http/1.1")])
async def test_shared_contexts_offer_what_is_asked_for(
    http2: Http2, offered: str, authority: Authority, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.pem)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.set_alpn_protocols(["h2", "http/1.1"])
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").configure_cert(server_context)
    bundle.write_bytes(ca.cert_pem.bytes())
    async with fault_server(tls=server_context) as server:
        opened = await open_link(Origin("https", server.host, server.port), Dialing(str(bundle), http2=http2))
        opened.link.close()
        assert opened.alpn == offered
        opened = await open_link(
            Origin("https", server.host, server.port), Dialing(str(bundle), http2=http2), offer=("http/1.1",)
        )
        opened.link.close()
        assert opened.alpn == "http/1.1"


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
async def test_where_the_system_decides_it_is_asked(
    system: str, monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    import truststore

    monkeypatch.setattr(tls_module.platform, "system", lambda: system)
    context = tls_module._build(TLSSettings())
    assert isinstance(context, truststore.SSLContext)
    assert (context.minimum_version, context.verify_mode) == (ssl.TLSVersion.TLSv1_2, ssl.CERT_REQUIRED)
    # Back on this system, whose truststore asks OpenSSL.
    monkeypatch.undo()
    context.load_verify_locations(cadata=authority.pem.decode())
    async with fault_server(SERVE, tls=authority.server) as server, PoolTransport(ssl_context=context) as pool:
        assert await fetch(pool, request_to(server)) == b"{}"
        assert await fetch(pool, request_to(server, host="localhost")) == b"{}"
