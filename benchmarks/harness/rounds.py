"""Runs a scenario: one process for each contender, case and round, in rotating order; medians; no files, no words."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from .scenario import CONTENDERS, OURS, Case, Scale, Scenario, Target
from .servers import Servers

__all__ = ("cores", "judge", "last_error", "measure", "row_of")

_ROOT: Final = Path(__file__).parents[2]
# The slowest takes less than a minute on a busy machine; a client that waits for ever must not end the run.
_ENDS_WITHIN: Final = 180

_ERROR: Final = re.compile(r"[\w.]*(Error|Exception|Timeout|Interrupt)\b")

Samples = dict[tuple[str, str], list[dict[str, float]]]
"""Figures by case and contender, one for each round."""


def cores() -> tuple[int | None, int | None]:
    """Return the core for servers and this process, and the core for clients; None where there is no choice."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[-1]) if len(found) > 1 else (None, None)


def _run_child(name: str, contender: str, case: Case, servers: Servers, core: int | None) -> dict[str, Any]:
    address = {} if case.server is None else servers.address(case.server)
    facts = {**case.facts, "share": CONTENDERS[contender].share}
    order = {"scenario": name, "contender": contender, "facts": facts, "address": address, "core": core}
    environment = {**os.environ, "OPENAI_API_KEY": "sk-benchmark", "PYTHONHASHSEED": "0"}
    # A proxy, an address or a log level from outside would be another measurement.
    for variable in [one for one in environment if one.lower().endswith("_proxy") or one.startswith("OPENAI_BASE")]:
        del environment[variable]
    environment.pop("OPENAI_LOG", None)
    if address:
        environment["SSL_CERT_FILE"] = address["ca"]
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.child", json.dumps(order)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=_ROOT,
            timeout=_ENDS_WITHIN,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"did not end within {_ENDS_WITHIN} s"}
    if done.returncode:
        return {"failed": last_error(done.stderr) or f"exit code {done.returncode}", "words": done.stderr[-3000:]}
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def last_error(stderr: str) -> str:
    """Return the line that names the error in what a process has said, a group's frame left out."""
    lines = [line.strip(" |+-") for line in stderr.splitlines()]
    named = [line for line in lines if _ERROR.match(line)]
    return (named or [line for line in lines if line] or [""])[-1][:200]


def measure(
    name: str,
    scenario: Scenario,
    scale: Scale,
    servers: Servers,
    core: int | None,
    tell: Callable[[str], None],
    only: Iterable[str] = (),
    like: str = "",
) -> dict[str, Any]:
    """Run every case of a scenario and return what was found, ready for JSON.

    Args:
        name: The scenario's module.
        scenario: The scenario.
        scale: How much.
        servers: What clients connect to.
        core: Where clients run; None for anywhere.
        tell: Is told of progress.
        only: Contenders to run; all if empty.
        like: What the names of cases to run contain.
    """
    cases = [case for case in scenario.cases(scale) if like in case.name]
    wanted = set(only)
    skipped: dict[str, dict[str, str]] = {case.name: {} for case in cases}
    failed: dict[str, list[str]] = {case.name: [] for case in cases}
    samples: Samples = {}
    for number in range(scale.rounds):
        for case in cases:
            events = case.facts.get("events")
            if isinstance(events, int):
                servers.provide_events(events)
            left_out = skipped[case.name]
            turn = number % len(case.contenders)
            for contender in [*case.contenders[turn:], *case.contenders[:turn]]:
                if contender in left_out or (wanted and contender not in wanted):
                    continue
                if scale.name == "smoke" and case is not cases[0] and CONTENDERS[contender].loop != "asyncio":
                    continue
                missing = CONTENDERS[contender].missing()
                figures: dict[str, Any] = {"unsupported": missing}
                if not missing:
                    figures = _run_child(name, contender, case, servers, core)
                reason = figures.get("unsupported") or figures.get("failed")
                if reason is not None:
                    left_out[contender] = str(reason)
                    samples.pop((case.name, contender), None)
                    tell(f"{name}: {case.name}: {contender}: {reason}")
                    if "failed" in figures:
                        failed[case.name].append(contender)
                        tell(str(figures.get("words", "")))
                    continue
                samples.setdefault((case.name, contender), []).append(figures)
                shown = figures.get(scenario.figure)
                tell(f"{name} {number + 1}/{scale.rounds}: {case.name}: {contender}: {shown:,.4g}" if shown else name)
    return {
        "scenario": name,
        "title": scenario.title,
        "unit": scenario.unit,
        "figure": scenario.figure,
        "note": scenario.note,
        "scale": scale.name,
        "rounds": scale.rounds,
        "servers": sorted({servers.name(case.server) for case in cases if case.server}),
        "cases": [
            {
                "name": case.name,
                "facts": dict(case.facts),
                "contenders": {
                    one: row_of(samples, case.name, one, scenario.figure)
                    for one in case.contenders
                    if (case.name, one) in samples
                },
                "skipped": skipped[case.name],
                "failed": failed[case.name],
            }
            for case in cases
        ],
        "targets": [judge(target, samples) for target in scenario.targets],
    }


def row_of(samples: Samples, case: str, contender: str, figure: str) -> dict[str, Any]:
    """Return the medians of one contender, every round's figure, and its ratio to ours within the rounds."""
    rounds = samples[case, contender]
    names = list(rounds[0])
    row: dict[str, Any] = {
        "median": {name: _rounded(statistics.median(one[name] for one in rounds)) for name in names},
        "rounds": [_rounded(one[figure]) for one in rounds],
    }
    if contender != OURS and (case, OURS) in samples:
        ratio = _ratio(rounds, samples[case, OURS], figure)
        row["times_ours"] = None if ratio is None else _rounded(ratio)
    return row


def _ratio(above: list[dict[str, float]], below: list[dict[str, float]], figure: str) -> float | None:
    pairs = [(one[figure], other[figure]) for one, other in zip(above, below, strict=False)]
    found = [one / other for one, other in pairs if other > 0]
    return statistics.median(found) if found else None


def _rounded(value: float) -> float:
    """Keep four digits: more would claim what the rounds do not show."""
    return float(f"{value:.4g}")


def judge(target: Target, samples: Samples) -> dict[str, Any]:
    """Return a target with what was measured: `met`, or by which factor it was missed; None where it was not measured."""
    found: float | None = None
    ours = samples.get((target.case, target.ours))
    if ours and target.over is None:
        found = statistics.median(one[target.figure] for one in ours)
    elif ours and target.over in samples:
        found = _ratio(ours, samples[target.over], target.figure)
    over = None if target.over is None else {"case": target.over[0], "contender": target.over[1]}
    return {
        "text": target.text,
        "case": target.case,
        "figure": target.figure,
        "ours": target.ours,
        "over": over,
        "limit": target.limit,
        "measured": None if found is None else _rounded(found),
        "met": None if found is None else found <= target.limit,
    }
