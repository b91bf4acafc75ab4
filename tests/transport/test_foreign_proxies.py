"""Ways through proxies that nobody here wrote: tinyproxy speaks HTTP, microsocks SOCKS5, each with and without a log-in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from anyopenai.testing.faults import Forever, Receive, Reply, fault_server
from anyopenai.transport import PoolTransport, TransportFailure
from transport.exchanges import Authority, assert_all_free, fetch, request_to
from transport.test_network import free_port

SERVE = [Forever(Receive(), Reply(body=b"{}"))]
LOGIN = "user:p4ssword"


def program(name: str) -> str:
    """Return where a program is; skips without it, unless the run has said that it has them all."""
    # Where distributions put servers, which is not on everybody's PATH.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        assert not os.environ.get("ANYOPENAI_FOREIGN"), f"{name} is to be tested against, and is not installed"
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a proxy until the block is left; it is there when the block begins."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            # It says nowhere that it listens, so connections are tried until one is taken.
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                with suppress(subprocess.TimeoutExpired):
                    pytest.fail(f"{command[0]} ended with exit code {process.wait(0.02)}")
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["http", "http-login", "socks5", "socks5h", "socks5h-login"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a proxy of a kind and give its URL."""
    scheme, _, login = str(request.param).partition("-")
    port = free_port()
    user, _, password = LOGIN.partition(":")
    if scheme == "http":
        conf = tmp_path_factory.mktemp("tinyproxy") / "tinyproxy.conf"
        lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", "LogLevel Error"]
        Path(conf).write_text("\n".join([*lines, *([f"BasicAuth {user} {password}"] if login else []), ""]))
        command = [program("tinyproxy"), "-d", "-c", str(conf)]
    else:
        command = [program("microsocks"), "-i", "127.0.0.1", "-p", str(port)]
        command += ["-u", user, "-P", password] if login else []
    with running(command, port):
        yield f"{scheme}://{LOGIN}@127.0.0.1:{port}" if login else f"{scheme}://127.0.0.1:{port}"


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "tls"])
async def test_requests_go_through_and_keep_their_connection(way: str, encrypted: bool, authority: Authority) -> None:
    async with (
        fault_server(SERVE, tls=authority.server if encrypted else None) as origin,
        PoolTransport(proxy=way, ssl_context=authority.client) as pool,
    ):
        body = bytes(range(256)) * 4000
        hosts = ["127.0.0.1", "localhost", "127.0.0.1"]
        if way.startswith("http:") and not encrypted:
            # tinyproxy hangs up after each request that it hands on, maybe under the next one.
            hosts.pop()
        for host in hosts:
            assert await fetch(pool, request_to(origin, body, host=host)) == b"{}"
        assert [request.body for request in origin.requests] == [body] * len(hosts)
        assert all(request.target == "/v1/things" for request in origin.requests)
        assert all(request.header("proxy-authorization") is None for request in origin.requests)
        assert pool.stats().opened == 2
        assert_all_free(pool)


@pytest.mark.parametrize(
    ("login", "said"), [("user:wr0ng@", "does not accept the user name"), ("", "wants a user name and a password")]
)
async def test_a_wrong_log_in_is_refused(way: str, login: str, said: str, authority: Authority) -> None:
    scheme, _, rest = way.partition("://")
    proxy = f"{scheme}://{login}{rest.rpartition('@')[2]}"
    async with (
        fault_server(SERVE, tls=authority.server) as origin,
        PoolTransport(proxy=proxy, ssl_context=authority.client) as pool,
    ):
        if "@" not in way:
            # It wants none, and takes any.
            assert await fetch(pool, request_to(origin)) == b"{}"
            return
        with pytest.raises(TransportFailure, match=said) as caught:
            await fetch(pool, request_to(origin))
        assert (caught.value.kind, caught.value.sent) == ("proxy", "none")
        assert "wr0ng" not in str(caught.value)
        assert origin.connections == []
        assert_all_free(pool)


async def test_an_origin_that_is_not_there_is_the_proxy_s_passing_trouble(way: str) -> None:
    async with fault_server() as origin, PoolTransport(proxy=way) as pool:
        request = request_to(origin)
        request.scheme, request.port = "https", free_port()
        with pytest.raises(TransportFailure) as caught:
            await fetch(pool, request)
        assert (caught.value.kind, caught.value.phase, caught.value.sent) == ("refused", "connect", "none")
        assert caught.value.proxy_status in (5, 500, 502, 503)
        assert_all_free(pool)
