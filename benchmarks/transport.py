"""Client CPU per small request of the transport, beside raw aiohttp's and httpcore's where those are installed.

    PYTHONPATH=src python benchmarks/transport.py [--quick] [--tls]

Prints one JSON object. A server in a process of its own answers a POST of 0.5 KB with 1.1 KB. Each figure is the CPU
time (user and system) of a client process per request, after a warm-up that opens its connections; every client, event
loop and number in flight has a process of its own per round, rounds rotate over them, and where the system allows it
client and server are pinned to different cores. `us_per_request` is the median over the rounds; `ratio` is a peer's
figure over ours on asyncio, the median of the ratios within each round.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

BODY = b'{"model": "gpt-5.5", "messages": [{"role": "user", "content": "' + b"x" * 430 + b'"}]}'
ANSWER = b'{"id": "chatcmpl-1", "choices": [{"message": {"content": "' + b"y" * 1020 + b'"}}]}'
WIRE = (
    b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-type: application/json\r\n"
    b"x-request-id: req_0123456789abcdef0123456789abcdef\r\nopenai-processing-ms: 42\r\n"
    b"x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
)
HEADERS = {
    "accept": "application/json",
    "content-type": "application/json",
    "authorization": "Bearer sk-benchmark",
    "user-agent": "benchmark",
}

Send = Callable[[], Awaitable[None]]


class Answering(asyncio.Protocol):
    """The server: as little work as answering takes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.missing = 0

    def data_received(self, data: bytes) -> None:
        while data:
            if not self.missing:
                head, separator, data = data.partition(b"\r\n\r\n")
                assert separator, "a head came in two reads"
                start = head.lower().index(b"content-length: ") + 16
                self.missing = int(head[start:].split(b"\r\n", 1)[0])
            taken = min(self.missing, len(data))
            self.missing -= taken
            data = data[taken:]
            if not self.missing:
                self.transport.write(WIRE)  # type: ignore[attr-defined]  # a stream transport


async def serve(tls: Path | None) -> None:
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "server.pem")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, ssl=context, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def open_anyopenai(stack: AsyncExitStack, port: int, tls: Path | None) -> Send:
    from anyopenai._timeouts import Timeout
    from anyopenai.transport import PoolTransport, WireRequest

    pool = await stack.enter_async_context(PoolTransport(cert_file=str(tls / "ca.pem") if tls else None))
    scheme, timeout = "https" if tls else "http", Timeout(None)
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def send() -> None:
        request = WireRequest("POST", scheme, "127.0.0.1", port, b"/v1/x", headers, BODY, timeout=timeout)
        response = await pool.send(request)
        assert len(await response.read(1 << 20)) == len(ANSWER)

    return send


async def open_aiohttp(stack: AsyncExitStack, port: int, tls: Path | None) -> Send:
    import aiohttp

    context = ssl.create_default_context(cafile=str(tls / "ca.pem")) if tls else True
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/x"

    async def send() -> None:
        async with session.post(url, data=BODY, headers=HEADERS) as response:
            assert len(await response.read()) == len(ANSWER)

    return send


async def open_httpcore(stack: AsyncExitStack, port: int, tls: Path | None) -> Send:
    import httpcore

    context = ssl.create_default_context(cafile=str(tls / "ca.pem")) if tls else None
    pool = await stack.enter_async_context(httpcore.AsyncConnectionPool(ssl_context=context, max_connections=1000))
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/x"

    async def send() -> None:
        response = await pool.request("POST", url, headers=HEADERS, content=BODY)
        assert len(response.content) == len(ANSWER)

    return send


OPEN: dict[str, Callable[[AsyncExitStack, int, Path | None], Awaitable[Send]]] = {
    "anyopenai": open_anyopenai,
    "aiohttp": open_aiohttp,
    "httpcore": open_httpcore,
}


async def drive(name: str, port: int, tls: Path | None, in_flight: int, requests: int) -> float:
    """Return the CPU time of one request in microseconds."""
    import anyio

    async with AsyncExitStack() as stack:
        send = await OPEN[name](stack, port, tls)

        async def work(count: int) -> None:
            for _ in range(count):
                await send()

        async def all_at_once(count: int) -> None:
            async with anyio.create_task_group() as group:
                for _ in range(in_flight):
                    group.start_soon(work, count)

        await all_at_once(3)
        each = max(1, requests // in_flight)
        began = time.process_time_ns()
        await all_at_once(each)
        return (time.process_time_ns() - began) / 1000 / (each * in_flight)


def run_client(arguments: argparse.Namespace) -> None:
    import anyio

    options: dict[str, Any] = {"use_uvloop": True} if arguments.loop == "uvloop" else {}
    backend = "trio" if arguments.loop == "trio" else "asyncio"
    spent = anyio.run(
        drive,
        arguments.client,
        arguments.port,
        arguments.certificates,
        arguments.in_flight,
        arguments.requests,
        backend=backend,
        backend_options=options,
    )
    print(spent)


def cases() -> list[tuple[str, str]]:
    """Every client on every event loop that is installed here."""
    found = [("anyopenai", "asyncio")]
    found += [("anyopenai", loop) for loop in ("uvloop", "trio") if importlib.util.find_spec(loop)]
    found += [(peer, "asyncio") for peer in ("aiohttp", "httpcore") if importlib.util.find_spec(peer)]
    return found


def own_process(*arguments: object, core: int) -> list[str]:
    """The command that runs this file again, pinned to a core where that is possible."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pin = [] if len(cores) < 2 else ["--core", str(cores[core])]
    return [sys.executable, __file__, *map(str, arguments), *pin]


def make_certificates(directory: Path) -> Path:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(directory / "server.pem"))
    return directory


def measure(tls: Path | None, *, quick: bool) -> dict[str, object]:
    rounds, requests = (1, 600) if quick else (7, 12_000)
    certificates = ["--certificates", tls] if tls else []
    spent: dict[tuple[str, str, int], list[float]] = {}
    with subprocess.Popen(own_process("--serve", *certificates, core=0), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            for number in range(rounds):
                for in_flight in (1, 32, 256):
                    found = cases()
                    turn = number % len(found)
                    for name, loop in found[turn:] + found[:turn]:
                        if name == "httpcore" and in_flight > 32:
                            continue  # quadratic: minutes
                        fewer = requests // 6 if name == "httpcore" else requests
                        flags = ["--client", name, "--loop", loop, "--port", port, *certificates]
                        flags += ["--in-flight", in_flight, "--requests", fewer]
                        done = subprocess.run(
                            own_process(*flags, core=1), stdout=subprocess.PIPE, text=True, check=True
                        )
                        spent.setdefault((name, loop, in_flight), []).append(float(done.stdout))
        finally:
            server.kill()
    figures: dict[str, dict[str, float]] = {}
    ratios: dict[str, dict[str, float]] = {}
    for (name, loop, in_flight), values in spent.items():
        figures.setdefault(f"{name}, {loop}", {})[str(in_flight)] = round(statistics.median(values), 1)
        if name != "anyopenai":
            pairs = zip(values, spent["anyopenai", "asyncio", in_flight], strict=True)
            ratios.setdefault(name, {})[str(in_flight)] = round(statistics.median(a / b for a, b in pairs), 2)
    return {
        "benchmark": "transport",
        "python": platform.python_version(),
        "tls": tls is not None,
        "rounds": rounds,
        "requests": requests,
        "us_per_request": figures,
        "ratio": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, rough figures")
    parser.add_argument("--tls", action="store_true", help="over TLS (needs trustme)")
    internal = parser.add_argument_group("for the processes that this program starts")
    internal.add_argument("--serve", action="store_true")
    internal.add_argument("--client", choices=sorted(OPEN))
    internal.add_argument("--loop", default="asyncio")
    internal.add_argument("--port", type=int)
    internal.add_argument("--in-flight", type=int)
    internal.add_argument("--requests", type=int)
    internal.add_argument("--certificates", type=Path)
    internal.add_argument("--core", type=int)
    arguments = parser.parse_args()
    if arguments.core is not None:
        os.sched_setaffinity(0, {arguments.core})
    if arguments.serve:
        asyncio.run(serve(arguments.certificates))
    elif arguments.client:
        run_client(arguments)
    elif arguments.tls:
        with tempfile.TemporaryDirectory() as directory:
            print(json.dumps(measure(make_certificates(Path(directory)), quick=arguments.quick), indent=1))
    else:
        print(json.dumps(measure(None, quick=arguments.quick), indent=1))


if __name__ == "__main__":
    main()
