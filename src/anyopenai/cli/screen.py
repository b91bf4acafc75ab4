"""Where a command prints: results to standard output, everything about them to standard error; no command lives here."""

from __future__ import annotations

import re
import sys
from functools import cache

from rich.console import Console

__all__ = ("notes", "say", "stream_out", "without_controls")

# C0 and C1 controls, but tab and line feed: a model's answer must not move the cursor or retitle the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@cache
def notes() -> Console:
    """Return the console for progress, notes and errors: standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str = "") -> None:
    """Print a line of the result."""
    print(text, flush=True)  # noqa: T201 - a command's result


def stream_out(text: str) -> None:
    """Print a piece of an answer as it arrives."""
    sys.stdout.write(without_controls(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def without_controls(text: str) -> str:
    """Drop what a terminal would act on instead of showing it."""
    return _CONTROLS.sub("", text)
