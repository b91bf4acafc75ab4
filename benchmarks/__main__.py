"""The command: chooses scenarios, runs them, writes JSON, a report and a picture; measures nothing itself."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .harness import machine
from .harness.clock import pin
from .harness.plot import draw
from .harness.report import report
from .harness.rounds import cores, measure
from .harness.scenario import CONTENDERS, OURS, Scale, Scenario, load
from .harness.servers import Servers

_RESULTS = Path(__file__).parent / "results"
_ROUNDS = {"full": 5, "quick": 1, "smoke": 1}


def _listed(known: Sequence[str]) -> Any:
    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return names

    return parse


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What the package costs beside its peers."
    )
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--quick", action="store_const", dest="scale", const="quick", help="within three minutes, rough")
    scale.add_argument(
        "--smoke", action="store_const", dest="scale", const="smoke", help="seconds, to see that it runs"
    )
    names = Scenario.names()
    parser.add_argument("--only", type=_listed(names), default=names, metavar="A,B", help=", ".join(names))
    parser.add_argument(
        "--clients", type=_listed(list(CONTENDERS)), default=(), metavar="A,B", help=", ".join(CONTENDERS)
    )
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--rounds", type=int, help=f"processes of each client for each case; {_ROUNDS['full']} if full")
    parser.add_argument(
        "--out",
        type=Path,
        help="where results go; benchmarks/results, or its folder `quick` for what is quick or a part",
    )
    parser.set_defaults(scale="full")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    given = _arguments()
    scale = Scale(given.scale, given.rounds or _ROUNDS[given.scale])
    # What is not whole must not take the place of what is kept.
    whole = given.scale == "full" and not given.clients and not given.case
    out: Path = given.out or (_RESULTS if whole else _RESULTS / "quick")
    out.mkdir(parents=True, exist_ok=True)
    servers_core, clients_core = cores()
    # What this process starts stays there with it; clients move to the other core themselves.
    pin(servers_core)
    failed = False
    with tempfile.TemporaryDirectory() as directory, Servers(Path(directory)) as servers:
        for name in given.only:
            facts = machine.facts()
            result = measure(name, load(name), scale, servers, clients_core, _tell, given.clients, given.case)
            result["machine"] = {**facts, "load": machine.load()}
            # A peer that fails is a finding, which the table tells; one of ours that fails is an error.
            failed = failed or any(one.startswith(OURS) for case in result["cases"] for one in case["failed"])
            (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    # Everything that lies there, so that one scenario measured again leaves the report whole.
    results = [
        json.loads((out / f"{name}.json").read_text()) for name in Scenario.names() if (out / f"{name}.json").exists()
    ]
    (out / "report.md").write_text(report(results))
    if given.scale != "smoke" and not draw(results, out / "ratios.png"):
        _tell("no picture: matplotlib is not installed, or there is no peer")
    print(report([one for one in results if one["scenario"] in given.only]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
