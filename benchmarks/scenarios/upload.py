"""A large file uploaded from a path: CPU for each MiB, and how much memory grows meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.clients import url_of
from benchmarks.harness.clock import Meter, forget_peak, peak_mb, resident_mb
from benchmarks.harness.driver import on_loop
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_CASE: Final = "HTTP/1.1"
_TLS: Final = "HTTP/1.1 over TLS"

Upload = Callable[[Path], Awaitable[int]]


def _cases(scale: Scale) -> Sequence[Case]:
    who = ("anyopenai", "anyopenai (uvloop)", "anyopenai (trio)", "openai", "openai + aiohttp", "aiohttp + msgspec")
    size = scale.pick(512, 64, 1)
    found = [
        Case(_CASE, who, {"mib": size, "protocol": "h1"}, "live"),
        Case(_TLS, who, {"mib": size, "protocol": "tls"}, "live, TLS"),
        Case("HTTP/2 over TLS", ("anyopenai", "openai"), {"mib": size, "protocol": "h2"}, "live, TLS"),
    ]
    return found if scale.name == "full" else found[:1]


SCENARIO = Scenario(
    title="Upload of a file of 512 MiB (64 in a quick run): `client.files.create(file=...)`",
    unit="MiB",
    cases=_cases,
    targets=(
        Target("at most 1/1.3 of openai-python", _CASE, 1 / 1.3, over=(_CASE, "openai")),
        Target("over TLS: at most 1/1.3 of openai-python", _TLS, 1 / 1.3, over=(_TLS, "openai")),
        Target("memory flat: under 8 MiB above idle", _CASE, 8, figure="grown_mb"),
    ),
    note="anyopenai is given a path; openai-python and aiohttp an open file, as they read the whole of a path into memory. "
    "The file has no blocks on the disk, so that disks play no part.",
)


async def _open_sdk(stack: AsyncExitStack, contender: Contender, url: str, ca: str | None, http2: bool) -> Upload:
    client: Any
    if contender.name.startswith("anyopenai"):
        from benchmarks.clients.ours import make_client as make_ours

        client = await stack.enter_async_context(make_ours(url, http2))

        async def upload_path(path: Path) -> int:
            size: int = (await client.files.create(file=path, purpose="batch")).bytes
            return size

        return upload_path
    from benchmarks.clients.openai import make_client as make_theirs

    client = await stack.enter_async_context(make_theirs(contender, url, ca, http2))

    async def upload_file(path: Path) -> int:
        with path.open("rb") as file:
            size: int = (await client.files.create(file=file, purpose="batch")).bytes
            return size

    return upload_file


async def _open_aiohttp(stack: AsyncExitStack, url: str, ca: str | None) -> Upload:
    import ssl

    import aiohttp

    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca) if ca else True)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

    async def upload(path: Path) -> int:
        form = aiohttp.FormData()
        form.add_field("purpose", "batch")
        with path.open("rb") as file:
            form.add_field("file", file, filename=path.name)
            async with session.post(url + "/files", data=form) as response:
                size: int = (await response.json())["bytes"]
                return size

    return upload


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    protocol: str = facts["protocol"]
    size: int = facts["mib"] * 2**20
    ca: str | None = address["ca"] if protocol != "h1" else None
    url = url_of(address, protocol, "upload")

    async def main(directory: Path) -> Figures:
        large, small = directory / "large.jsonl", directory / "small.jsonl"
        small.write_bytes(b"x" * 65536)
        with large.open("wb") as file:
            file.truncate(size)
        # The first to read would pay for the page cache, which is not the client's work.
        with large.open("rb") as file:
            while file.read(2**20):
                continue
        async with AsyncExitStack() as stack:
            if contender.name.startswith("aiohttp"):
                upload = await _open_aiohttp(stack, url, ca)
            else:
                upload = await _open_sdk(stack, contender, url, ca, protocol == "h2")
            await upload(small)
            forget_peak()
            before = resident_mb()
            with Meter() as meter:
                seen = await upload(large)
            assert size < seen < size + 4096, seen
            return {**meter.figures(facts["mib"]), "grown_mb": peak_mb() - before}

    with tempfile.TemporaryDirectory() as directory:
        return on_loop(contender.loop, lambda: main(Path(directory)))
