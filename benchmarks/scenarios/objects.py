"""One more client, and one more view of a client: what each costs and keeps."""

from __future__ import annotations

import importlib
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks.harness.clock import Meter
from benchmarks.harness.scenario import Case, Contender, Figures, Scale, Scenario, Target

_CLIENT: Final = "client"
_VIEW: Final = "view by with_options"


def _cases(scale: Scale) -> Sequence[Case]:
    # openai-python's are given a share: an SSLContext each takes 20 ms.
    times = scale.pick(1_000, 200, 10)
    who = ("anyopenai", "openai")
    return [Case(_CLIENT, who, {"times": times}), Case(_VIEW, who, {"times": times, "view": True})]


SCENARIO = Scenario(
    title="One more client",
    unit="object",
    cases=_cases,
    targets=(
        Target("a client: under 0.1 ms", _CLIENT, 100),
        Target("a client: under 10 KiB", _CLIENT, 10 * 1024, figure="bytes"),
        Target("a view: under 0.1 ms", _VIEW, 100),
        Target("a view: under 10 KiB", _VIEW, 10 * 1024, figure="bytes"),
    ),
    note="`bytes` is what one more keeps allocated, as tracemalloc sees it.",
)

_KEPT: Final = 50


def run(contender: Contender, facts: dict[str, Any], address: dict[str, Any]) -> Figures:
    """Measure one contender."""
    make: Any = importlib.import_module(contender.name).AsyncOpenAI
    first = make(api_key="k")
    work: Callable[[], object] = lambda: make(api_key="k")  # noqa: E731  # one of two of the same kind
    if "view" in facts:
        work = lambda: first.with_options(timeout=3)  # noqa: E731
    times = max(1, round(facts["times"] * facts["share"]))
    work()
    with Meter() as meter:
        kept = [work() for _ in range(times)]
    figures = meter.figures(times)
    del kept
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [work() for _ in range(_KEPT)]
    return {**figures, "bytes": (tracemalloc.get_traced_memory()[0] - before) / len(kept)}
