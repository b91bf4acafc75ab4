"""The generator is no part of the wheel: where the tests run against the wheel, it is read from the source tree."""

from __future__ import annotations

import sys
from pathlib import Path

_SOURCE = str(Path(__file__).parents[2] / "src")

# At the end: the package under test stays the one that is installed.
if _SOURCE not in sys.path:
    sys.path.append(_SOURCE)
