"""One process's work: pins itself, runs one contender in one case, prints its figures as JSON; loads nothing else.

Its only argument is a JSON object: `scenario`, `contender`, `facts`, `address` and `core`.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

from .harness.clock import pin
from .harness.scenario import CONTENDERS, Unsupported


def main(order: str) -> None:
    given = json.loads(order)
    pin(given["core"])
    module = import_module(f"benchmarks.scenarios.{given['scenario']}")
    try:
        figures = module.run(CONTENDERS[given["contender"]], given["facts"], given["address"])
    except Unsupported as reason:
        figures = {"unsupported": str(reason)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
