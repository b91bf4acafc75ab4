"""`openai.lib.tool_diagnostics` under its own name: what tool loops tell their observer; nothing lives here."""

from __future__ import annotations

from ..tools import ToolDiagnostic, ToolDiagnosticObserver, ToolDiagnosticUsage

__all__ = ("ToolDiagnostic", "ToolDiagnosticObserver", "ToolDiagnosticUsage")
