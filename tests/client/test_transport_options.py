"""Options of a client's own connections: what they build, what they exclude, and how they follow a client around."""

from __future__ import annotations

import math
import pickle
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from anyio import create_task_group, wait_readable

from anyopenai import (
    DEFAULT_CONNECTION_LIMITS,
    APIConnectionError,
    APITimeoutError,
    ConnectionLimits,
    OpenAI,
    OpenAIError,
    ProxyError,
    RetryPolicy,
    Timeout,
)
from anyopenai.testing import FakeTransport, serve
from anyopenai.testing.faults import Forever, Receive, Reply, fault_server, response_bytes
from anyopenai.transport import PoolTransport

MODEL = Reply(
    body=b'{"id": "m", "object": "model", "created": 1, "owned_by": "o"}', headers={"content-type": "application/json"}
)


async def provide_key() -> str:
    """A function that another process can import."""
    return "k"


def options() -> dict[str, Any]:
    """Return a value for every option of the package's own connections."""
    return {
        "http2": False,
        "proxy": None,
        "ssl_context": ssl.create_default_context(),
        "limits": ConnectionLimits(1, 1, 1.0),
    }


@pytest.mark.parametrize("name", list(options()))
def test_a_transport_and_an_option_of_the_own_one_exclude_each_other(name: str) -> None:
    given = {name: options()[name]}
    both = rf"transport= and {name}= exclude each other"
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k", transport=FakeTransport(), **given)
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k").with_options(transport=FakeTransport(), **given)
    with pytest.raises(TypeError, match=both):
        OpenAI(api_key="k", transport=FakeTransport()).with_options(**given)


async def test_limits_bound_the_connections() -> None:
    async with fault_server([Forever(Receive(), MODEL)]) as server:
        client = OpenAI(api_key="k", base_url=server.url, limits=ConnectionLimits(3, 2, 1.0, max_inflight=5))
        async with client:
            await client.models.retrieve("m")
            transport = client._engine.carrier.transport
            assert isinstance(transport, PoolTransport)
            assert (transport._max_connections, transport._max_inflight) == (3, 5)


def limits_of(given: object) -> ConnectionLimits:
    return OpenAI(api_key="k", limits=given)._transport_options.limits  # type: ignore[arg-type]  # wrong ones too


def test_limits_of_httpx_s_shape_are_taken_and_none_is_no_limit() -> None:
    shaped = SimpleNamespace(max_connections=None, max_keepalive_connections=20, keepalive_expiry=None)
    limits = limits_of(shaped)
    assert limits.max_connections > 10**9
    assert (limits.max_keepalive_connections, limits.keepalive_expiry) == (20, math.inf)
    assert limits_of(
        SimpleNamespace(max_connections=5, max_keepalive_connections=None, keepalive_expiry=5)
    ) == ConnectionLimits(5, 5, 5)
    assert OpenAI(api_key="k")._transport_options.limits == DEFAULT_CONNECTION_LIMITS


@pytest.mark.parametrize(
    ("wrong", "error", "named"),
    [
        (100, TypeError, "limits must be a ConnectionLimits"),
        (ConnectionLimits(0, 1, 1), ValueError, "max_connections must be at least 1"),
        (ConnectionLimits(1, -1, 1), ValueError, "max_keepalive_connections"),
        (ConnectionLimits(1, 1, 1, 0), ValueError, "max_inflight must be at least 1"),
        (ConnectionLimits(1, 1, math.nan), ValueError, "keepalive_expiry"),
        (ConnectionLimits("9", 1, 1), TypeError, "max_connections must be a number"),  # type: ignore[arg-type]  # wrong
    ],
    ids=repr,
)
def test_limits_that_are_none_are_refused(wrong: object, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        limits_of(wrong)


def test_a_context_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match=r"ssl_context must be an ssl\.SSLContext, not str"):
        OpenAI(api_key="k", ssl_context="cert.pem")  # type: ignore[arg-type]  # as older clients took it


@pytest.mark.parametrize("wrong", ["yes", 2, ["h2"]], ids=repr)
def test_a_protocol_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match='http2 must be "auto", True or False'):
        OpenAI(api_key="k", http2=wrong)


@pytest.mark.parametrize(
    ("encrypted", "given", "spoken"),
    [
        (True, {}, "HTTP/2"),
        (True, {"http2": "auto"}, "HTTP/2"),
        (True, {"http2": True}, "HTTP/2"),
        (True, {"http2": False}, "HTTP/1.1"),
        (False, {}, "HTTP/1.1"),
        (False, {"http2": True}, "HTTP/2"),
    ],
)
async def test_the_protocol_is_what_was_asked_for(
    encrypted: bool, given: dict[str, Any], spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    ca.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[object] = []

    def observe(name: str, facts: Mapping[str, object]) -> None:
        if name == "head":
            seen.append(facts["http_version"])

    async with (
        serve(ssl_context=context if encrypted else None) as server,
        OpenAI(api_key="k", base_url=server.base_url, trace=observe, **given) as client,
    ):
        await client.models.list()
        assert seen == [spoken]
        again = pickle.loads(pickle.dumps(OpenAI(api_key=provide_key, **given)))
        assert again._transport_options.http2 == given.get("http2", "auto")


def test_a_view_shares_the_connections_unless_it_has_options_of_its_own() -> None:
    client = OpenAI(api_key="k", limits=ConnectionLimits(7, 7, 7.0))
    assert client.with_options(timeout=1)._engine.carrier is client._engine.carrier
    context = ssl.create_default_context()
    other = client.with_options(ssl_context=context)
    assert other._engine.carrier is not client._engine.carrier
    assert other._transport_options.ssl_context is context
    assert other._transport_options.limits == ConnectionLimits(7, 7, 7.0)
    assert client._transport_options.ssl_context is None


def test_the_environment_names_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/a.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    made = OpenAI(api_key="k")._transport_options
    assert (made.cert_file, made.cert_dir) == ("/a.pem", None)


def test_limits_travel_and_a_context_is_refused_by_name() -> None:
    client = OpenAI(api_key=provide_key, limits=ConnectionLimits(7, 6, 5.0))
    assert pickle.loads(pickle.dumps(client))._transport_options.limits == ConnectionLimits(7, 6, 5.0)
    with pytest.raises(OpenAIError, match=r"ssl_context= cannot be pickled.*make the client where it is used"):
        pickle.dumps(client.with_options(ssl_context=ssl.create_default_context()))


async def test_a_refused_certificate_is_not_tried_again() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with fault_server(tls=context) as server, OpenAI(api_key="k", base_url=server.url) as client:
        with pytest.raises(APIConnectionError, match=r"no trusted connection.*1 attempt\)$") as caught:
            await client.models.retrieve("m")
        assert caught.value.request_sent == "none"
        assert len(server.connections) == 1


# Proxies.

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def way(client: OpenAI, url: str = "https://api.example") -> str | None:
    """Return the proxy that a client's connections to an origin would use."""
    scheme, _, host = url.partition("://")
    proxy = client._transport_options.proxies.proxy_for(scheme, host, 443)
    return None if proxy is None else proxy.shown


def test_the_environment_names_proxies_and_the_argument_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://env.example:3128")
    monkeypatch.setenv("NO_PROXY", "direct.example")
    assert way(OpenAI(api_key="k")) == "http://env.example:3128"
    assert way(OpenAI(api_key="k"), "https://direct.example") is None
    assert way(OpenAI(api_key="k", proxy=None)) is None
    own = OpenAI(api_key="k", proxy="socks5h://mine.example")
    assert way(own) == way(own, "https://direct.example") == "socks5h://mine.example:1080"
    assert way(OpenAI(api_key="k", proxy={"https": "mine.example:1", "all://api.example": None})) is None
    # A view keeps what its client has.
    assert way(own.with_options(timeout=1)) == "socks5h://mine.example:1080"
    assert way(own.with_options(proxy=None)) is None
    assert own.with_options(proxy=None)._engine.carrier is not own._engine.carrier


def test_a_proxy_that_is_none_is_refused_with_its_variable_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "quic://user:s3cret@proxy.example")
    with pytest.raises(OpenAIError, match=r"https_proxy: .*proxy\.example.*pass proxy=None") as caught:
        OpenAI(api_key="k")
    assert "s3cret" not in str(caught.value)
    OpenAI(api_key="k", proxy=None)
    OpenAI(api_key="k", transport=FakeTransport())
    with pytest.raises(ValueError, match="proxy= cannot be used") as wrong:
        OpenAI(api_key="k", proxy="quic://user:s3cret@proxy.example")
    assert "s3cret" not in str(wrong.value)
    with pytest.raises(TypeError, match="a proxy is given as a URL"):
        OpenAI(api_key="k", proxy=7)  # type: ignore[arg-type]  # wrong


async def test_a_request_goes_through_the_environment_s_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fault_server([Forever(Receive(), MODEL)]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:s3cret@{proxy.host}:{proxy.port}")
        async with OpenAI(api_key="k", base_url="http://api.example/v1") as client:
            assert (await client.models.retrieve("m")).id == "m"
            assert "s3cret" not in repr(client._transport_options)
    [request] = proxy.requests
    assert request.target == "http://api.example/v1/models/m"
    assert request.header("proxy-authorization") == "Basic dXNlcjpzM2NyZXQ="
    assert request.header("authorization") == "Bearer k"


async def test_this_machine_is_reached_without_the_environment_s_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with fault_server([Forever(Receive(), MODEL)]) as server, OpenAI(api_key="k", base_url=server.url) as client:
        assert (await client.models.retrieve("m")).id == "m"


@pytest.mark.parametrize(("status", "attempts"), [(407, 1), (403, 1), (503, 3)])
async def test_a_proxy_that_refuses_is_a_typed_error(status: int, attempts: int) -> None:
    policy = RetryPolicy(initial_delay=0)
    async with (
        fault_server([Receive(), Reply(status)]) as proxy,
        OpenAI(
            api_key="k",
            base_url="https://api.example/v1",
            proxy=f"http://user:s3cret@{proxy.host}:{proxy.port}",
            retry_policy=policy,
        ) as client,
    ):
        with pytest.raises(ProxyError) as caught:
            await client.models.retrieve("m")
        error = caught.value
        assert isinstance(error, APIConnectionError)
        assert (error.proxy, error.proxy_status) == (f"http://127.0.0.1:{proxy.port}", status)
        assert error.request_sent == "none"
        assert len(proxy.connections) == attempts
        assert "s3cret" not in f"{error} {error!r} {error.__cause__!r} {error.request}"
        assert b"s3cret" not in pickle.dumps(error)
        again = pickle.loads(pickle.dumps(error))
        assert (again.proxy, again.proxy_status) == (error.proxy, error.proxy_status)


async def test_a_proxy_that_hangs_is_a_timeout_that_names_it() -> None:
    async with (
        fault_server() as proxy,
        OpenAI(
            api_key="k",
            base_url="https://api.example/v1",
            proxy=proxy.url,
            timeout=Timeout(5, connect=0.05),
            max_retries=0,
        ) as client,
    ):
        with pytest.raises(APITimeoutError, match=rf"api\.example:443 through the proxy {proxy.url} within 0\.05 s"):
            await client.models.retrieve("m")


def test_a_proxy_without_credentials_travels_and_one_with_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    client = OpenAI(api_key=provide_key, proxy={"https": "http://p:1", "all://x.example": None})
    assert way(pickle.loads(pickle.dumps(client))) == "http://p:1"
    direct = pickle.dumps(OpenAI(api_key=provide_key, proxy=None))
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@env:1")
    assert way(pickle.loads(direct)) is None
    # What the environment says is not sent along: the other process has its own.
    packed = pickle.dumps(OpenAI(api_key=provide_key))
    assert b"s3cret" not in packed
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    assert way(pickle.loads(packed)) == "http://other:1"
    with pytest.raises(OpenAIError, match=r"user name in proxy=.*set HTTPS_PROXY") as caught:
        pickle.dumps(OpenAI(api_key=provide_key, proxy="http://user:s3cret@p"))
    assert "s3cret" not in str(caught.value)


# Unix sockets.


async def test_a_base_url_may_name_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "server.sock"
    heads: list[bytes] = []

    async def serve(listener: socket.socket) -> None:
        await wait_readable(listener)
        sock, _ = listener.accept()
        with sock:
            sock.setblocking(False)
            while True:
                await wait_readable(sock)
                head = sock.recv(65536)
                if not head:
                    return
                heads.append(head)
                sock.send(response_bytes(body=MODEL.body, headers=MODEL.headers))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.setblocking(False)
        listener.bind(str(path))
        listener.listen()
        url = f"http+unix://{quote(str(path), safe='')}/v1"
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        async with create_task_group() as group, OpenAI(api_key="k") as client:
            group.start_soon(serve, listener)
            assert client.base_url == f"{url}/"
            assert (await client.models.retrieve("m")).id == "m"
            # Another origin gets no key.
            with pytest.raises(APIConnectionError):
                await client.with_options(max_retries=0).get("http://127.0.0.1:1/x", cast_to=dict)
            await client.close()
            group.cancel_scope.cancel()
    assert heads[0].startswith(b"GET /v1/models/m HTTP/1.1\r\nhost: localhost\r\n")
    assert b"authorization: Bearer k\r\n" in heads[0]


@pytest.mark.parametrize(
    "url", ["http+unix:///run/server.sock/v1", "http+unix://run%2Fserver.sock", "http+unix://%2Fa%00"]
)
def test_a_socket_s_path_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(OpenAIError, match=r"http\+unix://%2Frun%2Fserver\.sock/v1"):
        OpenAI(api_key="k", base_url=url)
