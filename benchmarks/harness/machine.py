"""Where and with what figures were taken; nothing that names the machine, its user or a path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

__all__ = ("facts", "load")

_PACKAGES = (
    "anyopenai",
    "aiohttp",
    "anyio",
    "h2",
    "httpcore",
    "httpcore2",
    "httptools",
    "httpx2",
    "msgspec",
    "openai",
    "pydantic",
    "trio",
    "uvloop",
)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def facts() -> dict[str, object]:
    """Return the facts that a reader needs to judge figures."""
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "versions": versions,
    }


def load() -> float | None:
    """Return how many processes wanted to run in the last minute: above the number of cores, wall time is worth little."""
    with suppress(OSError):
        return round(os.getloadavg()[0], 1)
    return None
