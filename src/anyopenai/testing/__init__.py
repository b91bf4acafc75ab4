"""Public door of the testing tools: every name is loaded on first use, so that a fake transport needs no server extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import StandIn
    from .server import Server, serve
    from .state import Stats
    from .transport import Answer, FakeResponse, FakeTransport, Gate, NoAnswerError, RecordedRequest

__all__ = (
    "Answer",
    "FakeResponse",
    "FakeTransport",
    "Gate",
    "NoAnswerError",
    "RecordedRequest",
    "Server",
    "StandIn",
    "Stats",
    "serve",
)

_HOMES = {
    "Answer": "transport",
    "FakeResponse": "transport",
    "FakeTransport": "transport",
    "Gate": "transport",
    "NoAnswerError": "transport",
    "RecordedRequest": "transport",
    "Server": "server",
    "StandIn": "app",
    "Stats": "state",
    "serve": "server",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
