"""Public door of the testing tools: every name is loaded on first use, so that a fake transport needs no server extra."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import StandIn
    from .contract import BrokenTransportError, TransportReport, check_transport
    from .faults import (
        BAD_CHUNK,
        MALFORMED_STATUS,
        Close,
        Drip,
        FaultServer,
        Forever,
        HalfClose,
        Peer,
        Receive,
        ReceivedRequest,
        Reply,
        Reset,
        Script,
        Send,
        Set,
        Stall,
        Step,
        Wait,
        fault_server,
        http_date,
        rate_limited,
        response_bytes,
    )
    from .script import Answer, Gate, RecordedRequest
    from .server import Server, serve
    from .state import Stats
    from .transport import FakeResponse, FakeTransport, NoAnswerError

__all__ = (
    "BAD_CHUNK",
    "MALFORMED_STATUS",
    "Answer",
    "BrokenTransportError",
    "Close",
    "Drip",
    "FakeResponse",
    "FakeTransport",
    "FaultServer",
    "Forever",
    "Gate",
    "HalfClose",
    "NoAnswerError",
    "Peer",
    "Receive",
    "ReceivedRequest",
    "RecordedRequest",
    "Reply",
    "Reset",
    "Script",
    "Send",
    "Server",
    "Set",
    "Stall",
    "StandIn",
    "Stats",
    "Step",
    "TransportReport",
    "Wait",
    "check_transport",
    "fault_server",
    "http_date",
    "rate_limited",
    "response_bytes",
    "serve",
)

_NAMES = {
    "app": ("StandIn",),
    "contract": ("BrokenTransportError", "TransportReport", "check_transport"),
    "faults": (
        "BAD_CHUNK",
        "MALFORMED_STATUS",
        "Close",
        "Drip",
        "FaultServer",
        "Forever",
        "HalfClose",
        "Peer",
        "Receive",
        "ReceivedRequest",
        "Reply",
        "Reset",
        "Script",
        "Send",
        "Set",
        "Stall",
        "Step",
        "Wait",
        "fault_server",
        "http_date",
        "rate_limited",
        "response_bytes",
    ),
    "script": ("Answer", "Gate", "RecordedRequest"),
    "server": ("Server", "serve"),
    "state": ("Stats",),
    "transport": ("FakeResponse", "FakeTransport", "NoAnswerError"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
