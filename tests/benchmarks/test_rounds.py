"""How rounds become ratios, and ratios verdicts: arithmetic on made-up figures, no clocks."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.harness.report import report
from benchmarks.harness.rounds import judge, last_error, row_of
from benchmarks.harness.scenario import Target

SAMPLES = {
    ("256", "anyopenai"): [{"cpu_us": 100.0}, {"cpu_us": 200.0}, {"cpu_us": 110.0}],
    ("256", "openai"): [{"cpu_us": 1500.0}, {"cpu_us": 4000.0}, {"cpu_us": 1100.0}],
    ("1000", "anyopenai"): [{"cpu_us": 120.0}, {"cpu_us": 220.0}, {"cpu_us": 154.0}],
}


def test_a_ratio_is_the_median_of_the_ratios_within_rounds() -> None:
    row = row_of(SAMPLES, "256", "openai", "cpu_us")
    # 15, 20 and 10: a round in which all were slow counts like any other.
    assert row["times_ours"] == 15
    assert row["median"] == {"cpu_us": 1500}
    assert row["rounds"] == [1500, 4000, 1100]


def test_our_own_row_has_no_ratio() -> None:
    assert "times_ours" not in row_of(SAMPLES, "256", "anyopenai", "cpu_us")


@pytest.mark.parametrize(
    ("target", "measured", "met"),
    [
        (Target("peer", "256", 1 / 15, over=("256", "openai")), 1 / 15, True),
        (Target("other case", "1000", 1.1, over=("256", "anyopenai")), 1.2, False),
        (Target("as it is", "256", 120), 110, True),
        (Target("not run", "256", 1, over=("256", "aiohttp + msgspec")), None, None),
        (Target("no case", "9", 1), None, None),
    ],
    ids=lambda value: value.text if isinstance(value, Target) else "",
)
def test_a_target_is_met_missed_or_not_measured(target: Target, measured: float | None, met: bool | None) -> None:
    found = judge(target, SAMPLES)
    assert found["measured"] == (None if measured is None else pytest.approx(measured, rel=1e-3))
    assert found["met"] is met


def test_the_report_says_by_how_much_a_target_was_missed() -> None:
    result = {
        "scenario": "requests",
        "title": "Requests",
        "unit": "request",
        "rounds": 3,
        "note": "",
        "servers": ["nginx/1"],
        "machine": {"date": "2026-01-01", "python": "CPython 3", "cores": 2, "processor": "p", "versions": {}},
        "cases": [
            {
                "name": "256",
                "contenders": {"openai": row_of(SAMPLES, "256", "openai", "cpu_us")},
                "skipped": {"aiohttp + msgspec": "not installed: aiohttp"},
            }
        ],
        "targets": [
            judge(Target("at most 1/30", "256", 1 / 30, over=("256", "openai")), SAMPLES),
            judge(Target("at most 1.1", "1000", 1.1, over=("256", "anyopenai")), SAMPLES),
        ],
    }
    text = report([result])
    assert "| requests | at most 1/30 | 1/30 | 1/15 | **missed by 100 %** |" in text
    assert "| requests | at most 1.1 | 1.1 | 1.2 | **missed by 9 %** |" in text
    assert "| 256 | openai | 1,500 | 15 |" in text
    assert "| 256 | aiohttp + msgspec | - | not installed: aiohttp |" in text


def test_the_readme_lists_every_scenario() -> None:
    folder = Path(__file__).parents[2] / "benchmarks"
    listed = set(re.findall(r"^\| `(\w+)` \|", (folder / "README.md").read_text(), re.MULTILINE))
    assert listed == {path.stem for path in (folder / "scenarios").glob("[!_]*.py")}


def test_the_error_of_a_group_is_named_not_its_frame() -> None:
    said = "Traceback\n    | openai.APIConnectionError: Connection error.\n    +---------------\n"
    assert last_error(said) == "openai.APIConnectionError: Connection error."
    assert last_error("Killed\n") == "Killed"
    assert last_error("") == ""
