"""Where a command prints: results to standard output, everything about them to standard error; no command lives here."""

from __future__ import annotations

import re
import sys
from functools import cache

from rich.console import Console
from rich.text import Text

__all__ = ("notes", "say", "say_item", "stream_out", "without_controls")

# C0 and C1 controls, but tab and line feed: a model's answer must not move the cursor or retitle the window.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@cache
def notes() -> Console:
    """Return the console for progress, notes and errors: standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


@cache
def _results() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str = "", label: str = "") -> None:
    """Print a line of the result.

    Args:
        text: The line.
        label: What the line is about; stands before it, and stands out on a terminal.
    """
    _results().print(Text.assemble((label, "bold"), text))
    sys.stdout.flush()


def say_item(text: str) -> None:
    """Print a line that may be long: a terminal gets what fits on one line."""
    console = _results()
    if console.is_terminal:
        console.print(Text(text), overflow="ellipsis", no_wrap=True, soft_wrap=False)
    else:
        console.print(Text(text))


def stream_out(text: str) -> None:
    """Print a piece of an answer as it arrives."""
    sys.stdout.write(without_controls(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def without_controls(text: str) -> str:
    """Drop what a terminal would act on instead of showing it."""
    return _CONTROLS.sub("", text)
