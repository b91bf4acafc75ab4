"""How long a toolset or a runner takes work: one run at a time, until it is closed; what the work is, is not known here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, TypedDict

__all__ = ("CloseStatus", "ToolLifecycle", "ToolsetBusyError", "ToolsetClosedError")


class CloseStatus(TypedDict):
    """What closing found.

    Attributes:
        status: `"closed"`: nothing runs any more; `"draining"`: a run that had begun goes on to its end.
    """

    status: Literal["closed", "draining"]


class ToolsetBusyError(RuntimeError):
    """A toolset or runner was used by two runs at the same time; give each its own, with its own driver."""


class ToolsetClosedError(RuntimeError):
    """A toolset or runner was used after `close()`."""


class ToolLifecycle:
    """Whether a run may begin: not while another goes on, and not after closing.

    Args:
        name: What is used, as errors call it.
    """

    __slots__ = ("_closed", "_name", "_running")

    def __init__(self, name: str) -> None:
        self._name: str = name
        self._running: bool = False
        self._closed: bool = False

    @property
    def closed(self) -> bool:
        """Whether `close()` was called."""
        return self._closed

    def enter(self) -> None:
        """Begin a run; `exit()` ends it.

        Raises:
            ToolsetClosedError: It is closed.
            ToolsetBusyError: Another run goes on.
        """
        if self._closed:
            raise ToolsetClosedError(f"{self._name} is closed; make a new one, the driver can be used again")
        if self._running:
            raise ToolsetBusyError(
                f"{self._name} is busy with another call; wait for that, or give each run a toolset and a driver of its own"
            )
        self._running = True

    def exit(self) -> None:
        """End a run; nothing happens where none goes on."""
        self._running = False

    def close(self) -> CloseStatus:
        """Refuse runs from now on, and say whether one still goes on; closing twice is fine."""
        self._closed = True
        return CloseStatus(status="draining" if self._running else "closed")

    @contextmanager
    def run(self) -> Generator[None]:
        """Be busy for the length of a block, however it ends.

        Raises:
            ToolsetClosedError: It is closed.
            ToolsetBusyError: Another run goes on.
        """
        self.enter()
        try:
            yield
        finally:
            self.exit()
