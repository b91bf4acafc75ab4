"""What the engine says under the logger `anyopenai`: verbs, paths, statuses, timings; headers, queries and bodies never.

The level comes as a value: the environment (`OPENAI_LOG`) is read in `client.py`.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

__all__ = ("LOGGER", "Log", "level_from", "show_on_stderr")

LOGGER: Final = logging.getLogger("anyopenai")
LOGGER.addHandler(logging.NullHandler())

_FORMAT: Final = "[%(asctime)s - %(name)s - %(levelname)s] %(message)s"
_FILE: Final = __file__


def level_from(value: int | str) -> int:
    """Return a logging level from its number or name.

    Raises:
        ValueError: There is no level of that name.
    """
    if isinstance(value, int):
        return value
    level: object = getattr(logging, value.strip().upper(), None)
    if not isinstance(level, int):
        raise ValueError(f"log_level must be a number or one of debug, info, warning, error, critical, not {value!r}")
    return level


def show_on_stderr(level: int) -> None:
    """Print the package's log on stderr, unless the program has set up handlers of its own."""
    LOGGER.setLevel(level)
    if logging.getLogger().handlers or any(not isinstance(h, logging.NullHandler) for h in LOGGER.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    LOGGER.addHandler(handler)


class Log:
    """A logger with a level of its own, so that one client can say more than another.

    Args:
        logger: Where records go.
        level: The least severe level to pass on; None leaves that to the logger.
    """

    __slots__ = ("level", "logger")

    def __init__(self, logger: logging.Logger = LOGGER, level: int | None = None) -> None:
        self.logger: logging.Logger = logger
        self.level: int | None = level

    def wants(self, level: int) -> bool:
        """Tell whether a record of this level would be passed on."""
        return self.logger.isEnabledFor(level) if self.level is None else level >= self.level

    def debug(self, message: str, *args: object) -> None:
        """Say what only someone who looks for a fault wants to know."""
        if self.wants(logging.DEBUG):
            self._emit(logging.DEBUG, message, args)

    def info(self, message: str, *args: object) -> None:
        """Say what happened."""
        if self.wants(logging.INFO):
            self._emit(logging.INFO, message, args)

    def warning(self, message: str, *args: object) -> None:
        """Say what somebody should look at."""
        if self.wants(logging.WARNING):
            self._emit(logging.WARNING, message, args)

    def failed(self, message: str, *args: object) -> None:
        """Report the exception being handled, with its traceback."""
        if self.wants(logging.ERROR):
            self.logger.error(message, *args, exc_info=True)

    def _emit(self, level: int, message: str, args: tuple[object, ...]) -> None:
        # A client's own level may be below the logger's, so the record goes to the handlers directly.
        self.logger.handle(self.logger.makeRecord(self.logger.name, level, _FILE, 0, message, args, None))
