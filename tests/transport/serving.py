"""Running servers that nobody here wrote: hypercorn, nginx, nghttpx and nghttpd, with settings and ports of a test's own."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from transport.test_foreign_proxies import program
from transport.test_network import free_port

_NGINX = """
daemon off;
master_process on;
worker_processes 1;
pid {place}/pid;
error_log {place}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  {temps}
  upstream app {{ server 127.0.0.1:{app}; keepalive 64; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_read_timeout 60s;
  client_max_body_size 64m;
  ssl_certificate {place}/cert.pem;
  ssl_certificate_key {place}/key.pem;
  {extra}
  server {{ listen 127.0.0.1:{clear} http2; location / {{ proxy_pass http://app; }} {server} }}
  server {{ listen 127.0.0.1:{tls} ssl http2; location / {{ proxy_pass http://app; }} {server} }}
}}
"""


class Keys(NamedTuple):
    """A certificate for 127.0.0.1.

    Attributes:
        cert: Path of the certificate.
        key: Path of its key.
        client: A context that trusts it and offers HTTP/2.
        old: A context that trusts it and offers HTTP/1.1 only.
    """

    cert: Path
    key: Path
    client: ssl.SSLContext
    old: ssl.SSLContext


class Site(NamedTuple):
    """A running server.

    Attributes:
        name: Which one.
        clear: Its port without TLS.
        tls: Its port with TLS.
        context: A client's context that trusts it.
        process: The server.
        error_log: Where it complains; None for nowhere.
    """

    name: str
    clear: int
    tls: int
    context: ssl.SSLContext
    process: subprocess.Popen[bytes]
    error_log: Path | None = None

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)


def make_keys(place: Path) -> Keys:
    """Make a certificate and a context that trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    cert, key = place / "cert.pem", place / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(str(cert), append=number > 0)
    client, old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context, protocols in ((client, ["h2", "http/1.1"]), (old, ["http/1.1"])):
        context.set_alpn_protocols(protocols)
        authority.configure_trust(context)
    return Keys(cert, key, client, old)


@contextmanager
def process(command: Sequence[str | Path], *ports: int, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block is left; it takes connections on every port when the block begins."""
    with subprocess.Popen(
        [str(part) for part in command], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            # None of them says when it listens, so connections are tried until one is taken.
            for port in ports:
                while True:
                    with socket.socket() as probe:
                        if probe.connect_ex(("127.0.0.1", port)) == 0:
                            break
                    with suppress(subprocess.TimeoutExpired):
                        pytest.fail(f"{command[0]} ended with exit code {running.wait(0.02)}")
            yield running
        finally:
            running.terminate()
            try:
                running.wait(3)
            except subprocess.TimeoutExpired:
                running.kill()


@contextmanager
def hypercorn(keys: Keys, *options: str) -> Iterator[Site]:
    """Run hypercorn, which speaks HTTP/1.1 and HTTP/2 on both ports."""
    pytest.importorskip("hypercorn")
    clear, tls = free_port(), free_port()
    command = [sys.executable, "-m", "hypercorn", "--insecure-bind", f"127.0.0.1:{clear}", "--bind", f"127.0.0.1:{tls}"]
    command += [
        "--certfile",
        str(keys.cert),
        "--keyfile",
        str(keys.key),
        "--log-level",
        "CRITICAL",
        "--graceful-timeout",
        "0",
        *options,
    ]
    with process([*command, "echoing:app"], clear, tls, cwd=Path(__file__).parent) as running:
        yield Site("hypercorn", clear, tls, keys.client, running)


@contextmanager
def nginx(keys: Keys, app: int, *, extra: str = "", server: str = "", place: Path) -> Iterator[Site]:
    """Run nginx in front of an application, with further settings for all and for each of its servers."""
    clear, tls = free_port(), free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temps = "".join(f"{kind}_temp_path {place}/{kind};" for kind in kinds)
    for path in (keys.cert, keys.key):
        (place / path.name).write_bytes(path.read_bytes())
    text = _NGINX.format(place=place, temps=temps, app=app, clear=clear, tls=tls, extra=extra, server=server)
    (place / "nginx.conf").write_text(text)
    with process([program("nginx"), "-p", place, "-c", place / "nginx.conf"], clear, tls) as running:
        yield Site("nginx", clear, tls, keys.client, running, place / "error.log")


@contextmanager
def nghttpx(keys: Keys, app: int, *options: str) -> Iterator[Site]:
    """Run nghttpx in front of an application."""
    clear, tls = free_port(), free_port()
    command: list[str | Path] = [
        program("nghttpx"),
        "--conf=/dev/null",
        "--no-ocsp",
        f"-f127.0.0.1,{clear};no-tls",
        f"-f127.0.0.1,{tls}",
    ]
    command += [f"-b127.0.0.1,{app}", "--workers=1", *options, keys.key, keys.cert]
    with process(command, clear, tls) as running:
        yield Site("nghttpx", clear, tls, keys.client, running)


@contextmanager
def nghttpd(keys: Keys, files: Path, *options: str) -> Iterator[Site]:
    """Run nghttpd over a directory of files, encrypted only."""
    tls = free_port()
    command: list[str | Path] = [program("nghttpd"), "-a", "127.0.0.1", "-d", files, *options, str(tls)]
    with process([*command, keys.key, keys.cert], tls) as running:
        yield Site("nghttpd", 0, tls, keys.client, running)
