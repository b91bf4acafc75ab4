"""Every program in benchmarks/ runs with `--quick` and prints one JSON object; what the figures are is not tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import anyopenai

BENCHMARKS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py"))

# Where each must have arrived, so that one that measures nothing is told.
EXPECTED = {
    "decode": ("documents", "chat chunk", "us", "anyopenai"),
    "engine": ("trio", "us_per_call", "call"),
    "sse": ("us_per_event",),
    "start": ("first_request", "asyncio", "anyopenai", "cpu"),
    "transport": ("us_per_request", "anyopenai, asyncio", "32"),
}


def test_every_benchmark_says_what_it_measures() -> None:
    assert {path.stem for path in BENCHMARKS} == EXPECTED.keys()


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_runs(path: Path) -> None:
    # The package under test, wherever it was imported from.
    environment = {**os.environ, "PYTHONPATH": str(Path(anyopenai.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(path), "--quick"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-800:]
    found = json.loads(done.stdout)
    for name in EXPECTED[path.stem]:
        found = found[name]
    assert found
