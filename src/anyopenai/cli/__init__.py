"""The `anyopenai` command: its entry point, which loads nothing heavy until signals are in hand; no command lives here."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from .interrupts import Interrupted, Interrupts

__all__ = ("main",)

_OF_THE_EXTRA = {"click", "numpy", "rich"}


def main() -> NoReturn:
    """Run the command line in `sys.argv` and exit: 0 done, 1 failed, 2 wrong usage, 130 and 143 ended by a signal.

    Raises:
        SystemExit: Always, with that code.
    """
    interrupts = Interrupts()
    try:
        interrupts.install()
        code = _run(interrupts)
        sys.stdout.flush()
    except (Interrupted, KeyboardInterrupt) as interrupted:
        # Between the event loop's end and ours Python's own handler is back for an instant: hence both.
        interrupts.ignore()
        code = interrupted.exit_code if isinstance(interrupted, Interrupted) else 130
        print("\nInterrupted.", file=sys.stderr)  # noqa: T201 - the command line's own last word
    except BrokenPipeError:
        # The reader of our output has left, as `| head` does; there is nobody to tell. What is still buffered would
        # fail again at interpreter exit (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    interrupts.ignore()
    sys.exit(code)


def _run(interrupts: Interrupts) -> int:
    try:
        from .app import run

        return run(interrupts)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _OF_THE_EXTRA:
            raise
        # Nothing that prints better can be loaded.
        print(  # noqa: T201
            f"Error: the command line needs {missing}, which is not installed: pip install 'anyopenai[cli]'",
            file=sys.stderr,
        )
        return 1
