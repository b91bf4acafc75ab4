"""What it costs to begin: import, first use of each namespace, first decoding, first request; a fresh process each.

The processes load nothing else before their clock starts: so they get their programs as text, and `run` only starts
one. The first use of a namespace is that of all within it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.clients import url_of
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target, Unsupported

_IMPORT: Final = "import"
_BOTH: Final = ("anyopenai", "openai")

# What these lines load themselves is nothing that an import of either package would not load.
_CLOCK = """
import sys, time
def peak():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
def show(cpu_s, **figures):
    import json
    print(json.dumps({"cpu_ms": cpu_s * 1000, **figures}))
package, *given = sys.argv[1:]
modules, started, wall = len(sys.modules), time.process_time(), time.perf_counter()
"""

_PROGRAMS: Final = {
    "import": """
__import__(package)
spent = time.process_time() - started
show(spent, rss_mb=peak(), modules=len(sys.modules) - modules)
""",
    "namespace": """
from functools import cached_property
client = __import__(package).AsyncOpenAI(api_key="k", base_url="http://127.0.0.1:9/v1")
modules, started = set(sys.modules), time.process_time()
def touch(holder):
    for kind in type(holder).__mro__:
        for name, one in vars(kind).items():
            if isinstance(one, cached_property) and not name.startswith("with_"):
                touch(getattr(holder, name))
if not hasattr(type(client), given[0]):
    print('{"unsupported": "it has no such namespace"}')
    raise SystemExit
touch(getattr(client, given[0]))
spent = time.process_time() - started
new = sys.modules.keys() - modules
inside = f"{package}.resources."
found = {name[len(inside):].partition(".")[0] for name in new if name.startswith(inside)}
others = {name for name in found if not name.startswith("_")} - {given[0]}
show(spent, rss_mb=peak(), modules=len(new), other_namespaces=len(others))
""",
    "decoder": """
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
    print('{"unsupported": "it has no such type"}')
    raise SystemExit
loaded = time.process_time() - started
def decode():
    if package == "anyopenai":
        return decoder_for(kind).decode(b'{"type": "x"}')
    return construct_type(type_=kind, value={"type": "x"})
started = time.process_time()
decode()
spent = time.process_time() - started
show(loaded + spent, load_ms=loaded * 1000, build_ms=spent * 1000, rss_mb=peak())
""",
    "request": """
openai = __import__(package)
async def main():
    client = openai.AsyncOpenAI(api_key="k", base_url=given[0], max_retries=0)
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content
    spent, passed = time.process_time() - started, time.perf_counter() - wall
    show(spent, wall_ms=passed * 1000, rss_mb=peak(), modules=len(sys.modules) - modules)
    await client.close()
if given[1] == "trio":
    import trio
    trio.run(main)
else:
    import asyncio
    asyncio.run(main())
""",
}

# Where the peer has no such type, the row says so.
_DECODED: Final = (
    "types.chat:ChatCompletion",
    "types.chat:ChatCompletionChunk",
    "types.responses:Response",
    "types.responses:ResponseStreamEvent",
    "types:CreateEmbeddingResponse",
    "types.beta:AssistantStreamEvent",
    "types.realtime:RealtimeServerEvent",
)


def _namespaces() -> list[str]:
    """Return the client's own namespaces, as the package lists them."""
    from functools import cached_property

    from anyopenai.resources._namespaces import Namespaces

    return [name for name, one in vars(Namespaces).items() if isinstance(one, cached_property)]


def _cases(scale: Scale) -> Sequence[Case]:
    warm = scale.name == "quick"

    def case(name: str, program: str, *given: str, who: Sequence[str] = _BOTH, server: str | None = None) -> Case:
        return Case(name, who, {"program": program, "given": given, "warm": warm}, server)

    names = _namespaces() if scale.name == "full" else ["chat"]
    kinds = _DECODED if scale.name == "full" else _DECODED[:1]
    return [
        case(_IMPORT, "import"),
        case("first request", "request", who=("anyopenai", "anyopenai (trio)", "openai"), server="canned"),
        *(case(f"first use: client.{name}", "namespace", name) for name in names),
        *(case(f"first decoding: {kind.partition(':')[2]}", "decoder", kind) for kind in kinds),
    ]


SCENARIO = Scenario(
    title="Beginning: a fresh process each",
    unit="beginning",
    figure="cpu_ms",
    cases=_cases,
    targets=(
        Target("import: at most 1/4 of openai-python", _IMPORT, 1 / 4, figure="cpu_ms", over=(_IMPORT, "openai")),
        Target("import: under 35 MiB", _IMPORT, 35, figure="rss_mb"),
    ),
    note="`first request` begins before the import and ends with the decoded answer; a first decoding begins before the "
    "import of the type and ends with its decoder built. openai-python has imported its types with the package.",
)


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    given: list[str] = facts["given"]
    if facts["program"] == "request":
        given = [url_of(address, "h1", "json"), contender.loop]
    package = contender.name.partition(" ")[0]
    command = [sys.executable, "-W", "ignore", "-c", _CLOCK + _PROGRAMS[facts["program"]], package, *given]
    if facts["warm"]:
        # Leaves compiled files behind, which the median of several rounds does without.
        subprocess.run(command, capture_output=True, check=False)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{package}: {done.stderr.strip()[-800:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    if "unsupported" in figures:
        raise Unsupported(figures["unsupported"])
    return figures
