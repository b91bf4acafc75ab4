"""What it costs to begin: import, first use of each namespace, clients and views, first request, first decoding.

    PYTHONPATH=src python benchmarks/start.py [--quick] [--peer PYTHON]

Prints one JSON object, and the same as a table on the error output. openai-python is measured beside, by the same
code, where it is importable: here, or in the interpreter that `--peer` names.

Every figure comes from a process of its own, which loads nothing else before it starts its clock, after a warm-up that
leaves compiled files behind; the contenders take turns within a round, and a figure is the median over the rounds.
The first use of a namespace is that of all within it. `first_cpu` is the first decoding of a type, which builds its
decoder, and `load_cpu` the import of the type before it; the peer has imported its types with the package.
`cpu` is CPU time (user and system) in milliseconds, `us` in microseconds, `wall_ms` what a clock on the wall says,
`rss_mb` the largest resident memory of the whole process in MiB, `bytes` what one more object keeps allocated.
`modules` counts those that were loaded; `others` the namespaces that were loaded without being asked for.
`first_request` begins before the import and ends with the decoded answer of a server in another process. `ratio` is
the peer's first figure over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socketserver
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Figures = dict[str, float]

# Every child begins with this; what it loads itself is nothing that an import of either package would not load.
_CLOCK = """
import sys, time
def peak():
    try:
        import resource
    except ImportError:
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(size / (2**20 if sys.platform == "darwin" else 2**10), 1)
def show(**figures):
    import json
    print(json.dumps(figures))
package, *given = sys.argv[1:]
modules, started, wall = len(sys.modules), time.process_time(), time.perf_counter()
"""

_IMPORT = """
__import__(package)
spent = time.process_time() - started
show(cpu=spent * 1000, rss_mb=peak(), modules=len(sys.modules) - modules)
"""

_NAMESPACES = """
import anyopenai, functools
from anyopenai.resources._namespaces import Namespaces
show(names=[name for name, one in vars(Namespaces).items() if isinstance(one, functools.cached_property)])
"""

_NAMESPACE = """
from functools import cached_property
client = __import__(package).AsyncOpenAI(api_key="k", base_url="http://127.0.0.1:9/v1")
modules, started = set(sys.modules), time.process_time()
def touch(holder):
    for kind in type(holder).__mro__:
        for name, one in vars(kind).items():
            if isinstance(one, cached_property) and not name.startswith("with_"):
                touch(getattr(holder, name))
if not hasattr(type(client), given[0]):
    show()
    raise SystemExit
touch(getattr(client, given[0]))
spent = time.process_time() - started
new = sys.modules.keys() - modules
inside = f"{package}.resources."
found = {name[len(inside):].partition(".")[0] for name in new if name.startswith(inside)}
others = {name for name in found if not name.startswith("_")} - {given[0]}
show(cpu=spent * 1000, modules=len(new), others=len(others))
"""

_OBJECTS = """
import tracemalloc
make = __import__(package).AsyncOpenAI
first = make(api_key="k")
work = (lambda: make(api_key="k")) if given[0] == "client" else (lambda: first.with_options(timeout=3))
count = int(given[1])
work()
started = time.process_time()
kept = [work() for _ in range(count)]
spent = (time.process_time() - started) / count
del kept
tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
kept = [work() for _ in range(50)]
size = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
show(us=spent * 1e6, bytes=size)
"""

_REQUEST = """
openai = __import__(package)
async def main():
    client = openai.AsyncOpenAI(api_key="k", base_url=given[0], max_retries=0)
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content == "Hello."
    spent, passed = time.process_time() - started, time.perf_counter() - wall
    show(cpu=spent * 1000, wall_ms=passed * 1000, rss_mb=peak(), modules=len(sys.modules) - modules)
if given[1] == "asyncio":
    import asyncio
    asyncio.run(main())
else:
    import trio
    trio.run(main)
"""

_DECODER = """
from importlib import import_module
module, _, name = given[0].partition(":")
if package == "anyopenai":
    from anyopenai._codec import decoder_for
else:
    from openai._models import construct_type
started = time.process_time()
try:
    kind = getattr(import_module(f"{package}.{module}"), name)
except (AttributeError, ModuleNotFoundError):
    show()
    raise SystemExit
loaded = time.process_time() - started
def decode():
    if package == "anyopenai":
        return decoder_for(kind).decode(b'{"type": "x"}')
    return construct_type(type_=kind, value={"type": "x"})
started = time.process_time()
decode()
spent = time.process_time() - started
show(first_cpu=spent * 1000, load_cpu=loaded * 1000)
"""

# Where a package has no such type, the row is left out.
DECODED = (
    "types.chat:ChatCompletion",
    "types.chat:ChatCompletionChunk",
    "types.responses:Response",
    "types.responses:ResponseStreamEvent",
    "types:CreateEmbeddingResponse",
    "types.beta:AssistantStreamEvent",
    "types.realtime:RealtimeServerEvent",
)

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": "Hello.", "refusal": None, "annotations": []},
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


class Answering(socketserver.StreamRequestHandler):
    """The server: one answer to every request of a connection."""

    def handle(self) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
        while True:
            length = 0
            line = self.rfile.readline()
            if not line:
                return
            while line.strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                line = self.rfile.readline()
            self.rfile.read(length)
            self.wfile.write(head + ANSWER)


def serve() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


class Contender:
    """A package, and the interpreter that has it."""

    def __init__(self, package: str, python: str) -> None:
        self.package = package
        self.python = python
        # A key or an address from outside would be another start; the path leads to the package in a source tree.
        kept = ("PATH", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "HOME")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment["PYTHONHASHSEED"] = "0"

    def run(self, code: str, *given: str) -> dict[str, Any]:
        done = subprocess.run(
            [self.python, "-W", "ignore", "-c", _CLOCK + code, self.package, *given],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise RuntimeError(f"{self.package}: {done.stderr.strip()[-800:]}")
        figures: dict[str, Any] = json.loads(done.stdout)
        return figures

    def importable(self) -> bool:
        """Tell whether the package is there; the trial leaves compiled files behind."""
        try:
            self.run(_IMPORT)
        except (OSError, RuntimeError):
            return False
        return True


def compare(contenders: list[Contender], rounds: int, code: str, *given: str, warm: bool = True) -> dict[str, Any]:
    """Run one child of each contender a round; the median of each figure, and the peer's CPU over ours."""
    seen: dict[str, list[dict[str, Any]]] = {one.package: [] for one in contenders}
    for round_ in range(rounds + warm):
        for one in contenders[round_ % len(contenders) :] + contenders[: round_ % len(contenders)]:
            figures = one.run(code, *given)
            if not warm or round_:
                seen[one.package].append(figures)
    row: dict[str, Any] = {
        name: {
            figure: None if found[0][figure] is None else round(statistics.median(one[figure] for one in found), 2)
            for figure in found[0]
        }
        for name, found in seen.items()
        if found[0]
    }
    if len(row) == 2:
        ours, theirs = row["anyopenai"], row["openai"]
        first = next(iter(ours))
        row["ratio"] = round(theirs[first] / ours[first], 1) if ours[first] else None
    return row


def trio_is_there(contender: Contender) -> bool:
    try:
        contender.run("import trio\nshow()")
    except RuntimeError:
        return False
    return True


def measure(contenders: list[Contender], quick: bool) -> dict[str, Any]:
    own = contenders[0]
    rounds = 1 if quick else 5
    count = "20" if quick else "300"
    names: list[str] = own.run(_NAMESPACES)["names"]
    if quick:
        names = [name for name in names if name in ("chat", "models")]
    figures: dict[str, Any] = {"import": compare(contenders, rounds, _IMPORT, warm=False)}
    figures["first_use"] = {name: compare(contenders, rounds, _NAMESPACE, name, warm=not quick) for name in names}
    figures["one_more"] = {
        what: compare(contenders, rounds, _OBJECTS, what, count, warm=False) for what in ("client", "with_options")
    }
    kinds = DECODED[:2] if quick else DECODED
    figures["decoder"] = {kind: compare(contenders, rounds, _DECODER, kind, warm=not quick) for kind in kinds}
    figures["decoder"] = {kind: row for kind, row in figures["decoder"].items() if "anyopenai" in row}
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        figures["first_request"] = {"asyncio": compare(contenders, rounds, _REQUEST, url, "asyncio", warm=not quick)}
        if trio_is_there(own):
            figures["first_request"]["trio"] = compare([own], rounds, _REQUEST, url, "trio", warm=not quick)
    finally:
        server.terminate()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    return figures


def table(figures: dict[str, Any], write: Callable[[str], None]) -> None:
    """Write the figures for a reader."""

    def cells(found: Figures | None) -> str:
        if found is None:
            return "-"
        return "  ".join(f"{name} {value:,.4g}" for name, value in found.items() if value is not None)

    def line(name: str, row: dict[str, Any]) -> None:
        ratio = f"{row['ratio']:>7}x" if row.get("ratio") is not None else " " * 8
        write(f"{name:<38}{ratio}  {cells(row.get('anyopenai')):<58}  {cells(row.get('openai'))}".rstrip())

    write(f"{'':<38}   ratio  {'anyopenai':<58}  {'openai'}")
    line("import", figures["import"])
    for part in ("first_use", "one_more", "decoder", "first_request"):
        for name, row in figures[part].items():
            line(f"{part.replace('_', ' ')}: {name.rpartition(':')[2]}", row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of a few processes, to see that it runs")
    parser.add_argument("--peer", default=sys.executable, metavar="PYTHON", help="an interpreter that has openai")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    own, peer = Contender("anyopenai", sys.executable), Contender("openai", given.peer)
    if not own.importable():
        sys.exit(f"anyopenai is not importable; run with PYTHONPATH={Path(__file__).parents[1] / 'src'}")
    # The path above is ours; the peer's interpreter finds its own packages.
    peer.environment.pop("PYTHONPATH", None)
    contenders = [own, peer] if peer.importable() else [own]
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "peer": "openai" if len(contenders) == 2 else None,
        **measure(contenders, given.quick),
    }
    print(json.dumps(figures, indent=2))
    if len(contenders) == 1:
        print("openai is not importable: no peer (name an interpreter that has it with --peer)", file=sys.stderr)
    table(figures, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    main()
