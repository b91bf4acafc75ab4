"""`openai.lib.decisions_tool_runner` under its own name: the runner of decisions; nothing lives here."""

from __future__ import annotations

from ..tools import (
    AsyncDecisionActionCandidate,
    AsyncDecisionCandidate,
    AsyncDecisionsToolRunner,
    DecisionActionCandidate,
    DecisionCandidate,
    DecisionDoneCandidate,
    DecisionObservation,
    DecisionsRunnerParams,
    DecisionsRunResult,
    DecisionsToolRunner,
    DecisionsToolRunnerCancelledError,
    DecisionsToolRunnerError,
)

__all__ = (
    "AsyncDecisionActionCandidate",
    "AsyncDecisionCandidate",
    "AsyncDecisionsToolRunner",
    "DecisionActionCandidate",
    "DecisionCandidate",
    "DecisionDoneCandidate",
    "DecisionObservation",
    "DecisionsRunResult",
    "DecisionsRunnerParams",
    "DecisionsToolRunner",
    "DecisionsToolRunnerCancelledError",
    "DecisionsToolRunnerError",
)
