"""CPU, wall and resident memory of this process; nothing about what is measured."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ("Meter", "forget_peak", "peak_mb", "pin", "resident_mb")

_STATUS = Path("/proc/self/status")


class Meter:
    """Measures what happens within `with`; `figures` tells, per unit.

    CPU is user and system time of the whole process, threads included.
    """

    def __enter__(self) -> Meter:
        """Start the clocks."""
        self._wall = time.perf_counter_ns()
        self._cpu = time.process_time_ns()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the clocks."""
        self._cpu = time.process_time_ns() - self._cpu
        self._wall = time.perf_counter_ns() - self._wall

    def figures(self, units: float) -> dict[str, float]:
        """Return CPU and wall in microseconds per unit, and the peak of resident memory in MiB."""
        return {"cpu_us": self._cpu / 1000 / units, "wall_us": self._wall / 1000 / units, "rss_mb": peak_mb()}


def _status_mb(field: str) -> float | None:
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return None


def peak_mb() -> float:
    """Return the largest resident memory so far, in MiB."""
    found = _status_mb("VmHWM:")
    if found is not None:
        return found
    import resource  # where there is no /proc

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def forget_peak() -> None:
    """Let the peak begin anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def resident_mb() -> float:
    """Return the resident memory now, in MiB; the peak where the system does not tell."""
    return _status_mb("VmRSS:") or peak_mb()


def pin(core: int | None) -> None:
    """Keep this process, and what it starts, on one core where the system allows it."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
