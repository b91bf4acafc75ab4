"""Tools that models use: toolsets, runners and loops around calls; each name is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .computer import AsyncComputerToolset
    from .computer_actions import ComputerActionInput, ComputerUseError
    from .computer_driver import AsyncComputerDriver
    from .decisions import AsyncDecisionsToolRunner, DecisionsRunnerParams, DecisionsRunResult
    from .decisions_candidates import (
        AsyncDecisionActionCandidate,
        AsyncDecisionCandidate,
        DecisionActionCandidate,
        DecisionCandidate,
        DecisionDoneCandidate,
        DecisionObservation,
    )
    from .decisions_errors import DecisionsStopReason, DecisionsToolRunnerCancelledError, DecisionsToolRunnerError
    from .diagnostics import ToolDiagnostic, ToolDiagnosticObserver, ToolDiagnosticUsage
    from .lifecycle import CloseStatus, ToolsetBusyError, ToolsetClosedError

    DecisionsToolRunner = AsyncDecisionsToolRunner

__all__ = (
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "AsyncDecisionActionCandidate",
    "AsyncDecisionCandidate",
    "AsyncDecisionsToolRunner",
    "CloseStatus",
    "ComputerActionInput",
    "ComputerUseError",
    "DecisionActionCandidate",
    "DecisionCandidate",
    "DecisionDoneCandidate",
    "DecisionObservation",
    "DecisionsRunResult",
    "DecisionsRunnerParams",
    "DecisionsStopReason",
    "DecisionsToolRunner",
    "DecisionsToolRunnerCancelledError",
    "DecisionsToolRunnerError",
    "ToolDiagnostic",
    "ToolDiagnosticObserver",
    "ToolDiagnosticUsage",
    "ToolsetBusyError",
    "ToolsetClosedError",
)

_HOMES = {
    "computer": ("AsyncComputerToolset",),
    "computer_actions": ("ComputerActionInput", "ComputerUseError"),
    "computer_driver": ("AsyncComputerDriver",),
    "decisions": ("AsyncDecisionsToolRunner", "DecisionsRunResult", "DecisionsRunnerParams", "DecisionsToolRunner"),
    "decisions_candidates": (
        "AsyncDecisionActionCandidate",
        "AsyncDecisionCandidate",
        "DecisionActionCandidate",
        "DecisionCandidate",
        "DecisionDoneCandidate",
        "DecisionObservation",
    ),
    "decisions_errors": (
        "DecisionsStopReason",
        "DecisionsToolRunnerCancelledError",
        "DecisionsToolRunnerError",
    ),
    "diagnostics": ("ToolDiagnostic", "ToolDiagnosticObserver", "ToolDiagnosticUsage"),
    "lifecycle": ("CloseStatus", "ToolsetBusyError", "ToolsetClosedError"),
}
_DOORS = {name: f".{home}" for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:
    # Hidden from checkers, for which it would make every name there is.

    def __getattr__(name: str) -> object:
        if name not in _DOORS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_DOORS[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return list(__all__)
