"""Every scenario in benchmarks/ runs at its smallest, and its files say what was found; what the figures are is not tested."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import anyopenai

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted(path.stem for path in (ROOT / "benchmarks" / "scenarios").glob("[!_]*.py"))
PEERS = {
    "openai": "openai",
    "openai + aiohttp": "openai",
    "aiohttp + msgspec": "aiohttp",
    "httpcore + msgspec": "httpcore",
}
OURS = "anyopenai,anyopenai (trio),anyopenai (uvloop)"


def _run(out: Path, scenario: str, clients: str, case: str = "") -> dict[str, Any]:
    """Measure one scenario at its smallest and return what was written."""
    if importlib.util.find_spec("hypercorn") is None and importlib.util.find_spec("granian") is None:
        pytest.skip("no server for the benchmarks: neither hypercorn (extra `server`) nor granian is installed")
    # The package under test, wherever it was imported from.
    environment = {**os.environ, "PYTHONPATH": str(Path(anyopenai.__file__).parents[1])}
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--smoke",
        "--only",
        scenario,
        "--clients",
        clients,
        "--case",
        case,
        "--out",
        str(out),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads((out / f"{scenario}.json").read_text())
    assert found["title"] in (out / "report.md").read_text()
    return found


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_measures_this_package(scenario: str, tmp_path: Path) -> None:
    found = _run(tmp_path, scenario, OURS)
    assert found["cases"]
    for case in found["cases"]:
        # What this version cannot do yet says so, and nothing else is left out.
        assert "anyopenai" in case["contenders"] or "has no" in case["skipped"]["anyopenai"], case
    for target in found["targets"]:
        assert (target["measured"] is None) == (target["met"] is None)


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_is_measured_beside_it(peer: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(PEERS[peer]) is None:
        pytest.skip(f"{PEERS[peer]} is not installed here; `tox -e bench` has it")
    found = _run(tmp_path, "requests", f"anyopenai,{peer}", "32 in flight")
    case = found["cases"][0]
    assert case["contenders"][peer]["median"]["cpu_us"] > 0
    assert case["contenders"][peer]["times_ours"] > 0
