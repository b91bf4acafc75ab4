"""The servers under the clients: nginx, granian or hypercorn, started on one core; nothing that nobody else wrote serves.

`canned` answers from its configuration and from files: nginx, or the live ones where nginx is not installed. `live` and
`live, TLS` run `application.py`: granian, or hypercorn where granian is not installed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from .documents import CHAT, FINISH, FRAME

__all__ = ("Address", "Servers")

Address = dict[str, Any]
"""Ports by protocol (`h1`, `tls`, `h2c`, `h2`: HTTP/1.1 and HTTP/2, in the clear and encrypted), and `ca`, a file."""

_ROOT: Final = Path(__file__).parents[2]
_STARTS_WITHIN: Final = 20.0

# keepalive_requests: nginx would close a connection, and say GOAWAY, after 1000 requests. 256 streams, not nginx's 128,
# so that peers with one HTTP/2 connection can have that many in flight. lingering_close would hold closed sockets.
_NGINX: Final = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 0;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    http2_max_concurrent_streams 256;
    tcp_nodelay on;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    server {{
        listen 127.0.0.1:{h1} backlog=4096;
        listen 127.0.0.1:{h2c} http2 backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        listen 127.0.0.1:{h2} ssl http2 backlog=4096;
        root {directory};
        add_header x-request-id req_0123456789abcdef0123456789abcdef;
        add_header openai-processing-ms 42;
        add_header x-ratelimit-limit-requests 10000;
        add_header x-ratelimit-remaining-requests 9999;
        location /json/ {{ default_type application/json; return 200 '{chat}'; }}
        location ~ ^/large/(?<events>[0-9]+)/v1/ {{ error_page 418 =200 /files/$events; return 418; }}
        location /files/ {{ internal; default_type text/event-stream; }}
    }}
}}
"""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _nginx() -> str | None:
    # Debian keeps it where only root's PATH leads.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


class Servers:
    """Starts each server when it is first asked for; ends all of them at the end of `with`.

    Args:
        directory: For configuration, certificates and the servers' own words.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._running: dict[str, Address] = {}
        self.names: dict[str, str] = {}

    def __enter__(self) -> Servers:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs."""
        self._stack.close()

    def address(self, kind: str) -> Address:
        """Return the ports of a running server.

        Raises:
            RuntimeError: None is installed, or it does not start.
        """
        if kind == "canned" and _nginx() is None:
            # Certificates go to both.
            return {**self.address("live"), **self.address("live, TLS")}
        if kind not in self._running:
            if kind == "canned":
                self._running[kind] = self._start_nginx()
            else:
                self._running[kind] = self._start_application(encrypted=kind != "live")
        return self._running[kind]

    def name(self, kind: str) -> str:
        """Return the name and version of the server of a kind, once it runs."""
        return self.names.get(kind) or self.names.get("live", "")

    def provide_events(self, count: int) -> None:
        """Have a stream of so many events ready as a file."""
        path = self._directory / "files" / str(count)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(FRAME * count + FINISH)

    def _certificates(self) -> str:
        authority_file = self._directory / "ca.pem"
        if not authority_file.exists():
            import trustme

            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(authority_file))
            leaf = authority.issue_cert("127.0.0.1")
            leaf.private_key_and_cert_chain_pem.write_to_path(str(self._directory / "server.pem"))
            leaf.private_key_pem.write_to_path(str(self._directory / "key.pem"))
        return str(authority_file)

    def _spawn(self, command: list[str], ports: list[int]) -> None:
        log = self._stack.enter_context((self._directory / "server.log").open("ab"))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._directory)
        self._stack.callback(_end, process)
        until = time.monotonic() + _STARTS_WITHIN
        for port in ports:
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                if process.poll() is not None or time.monotonic() > until:
                    said = (self._directory / "server.log").read_text(errors="replace")[-800:]
                    raise RuntimeError(f"{command[0]} does not answer on port {port}: {said}")
                time.sleep(0.02)

    def _start_nginx(self) -> Address:
        program = _nginx()
        assert program is not None
        ca = self._certificates()
        ports = {name: _free_port() for name in ("h1", "h2c", "tls", "h2")}
        configuration = self._directory / "nginx.conf"
        configuration.write_text(_NGINX.format(directory=self._directory, chat=CHAT.decode(), **ports))
        # Files written by this user must be readable for the server, which keeps its user without a master process.
        self._spawn([program, "-c", str(configuration), "-p", str(self._directory)], list(ports.values()))
        told = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
        self.names["canned"] = told.strip().rpartition(" ")[2]
        return {**ports, "ca": ca}

    def _start_application(self, *, encrypted: bool) -> Address:
        ca, port = self._certificates(), _free_port()
        application, key = "benchmarks.harness.application:app", str(self._directory / "key.pem")
        chain = str(self._directory / "server.pem")
        if _installed("granian"):
            name = "granian"
            command = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
            command += ["--backlog", "2048", "--backpressure", "2000", "--no-access-log", "--log-level", "warning"]
            command += ["--ssl-certificate", chain, "--ssl-keyfile", key] if encrypted else []
        elif _installed("hypercorn"):
            name = "hypercorn"
            command = ["--bind", f"127.0.0.1:{port}", "--backlog", "2048"]
            command += ["--certfile", chain, "--keyfile", key] if encrypted else []
        else:
            raise RuntimeError("no server: install granian, or the extra `server`, which has hypercorn")
        self._spawn([sys.executable, "-m", name, *command, application], [port])
        self.names["live"] = f"{name}/{importlib.metadata.version(name)}"
        return {"tls": port, "h2": port, "ca": ca} if encrypted else {"h1": port, "h2c": port, "ca": ca}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
