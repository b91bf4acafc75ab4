"""What observers of tool loops are told, and that they cannot disturb what they observe."""

from __future__ import annotations

import logging
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.tools.diagnostics import ToolDiagnostic, emit_tool_diagnostic


def told(**options: Any) -> ToolDiagnostic:
    seen: list[ToolDiagnostic] = []
    emit_tool_diagnostic(seen.append, "browser", "action", "completed", monotonic(), **options)
    return seen[0]


def test_a_diagnostic_says_who_what_how_and_how_long() -> None:
    diagnostic = told(call_id="c1", member="click")
    assert {**diagnostic, "duration_ms": 0} == {
        "api": "browser",
        "stage": "action",
        "reason": "completed",
        "call_id": "c1",
        "member": "click",
        "duration_ms": 0,
        "usage": None,
    }


def test_without_an_observer_nothing_happens() -> None:
    emit_tool_diagnostic(None, "browser", "run", "started", 0.0)


def test_a_beginning_in_the_future_lasts_no_time() -> None:
    seen: list[ToolDiagnostic] = []
    emit_tool_diagnostic(seen.append, "browser", "run", "started", monotonic() + 100)
    assert seen[0]["duration_ms"] == 0.0


def test_a_duration_is_in_milliseconds() -> None:
    seen: list[ToolDiagnostic] = []
    emit_tool_diagnostic(seen.append, "browser", "run", "started", monotonic() - 100)
    assert seen[0]["duration_ms"] >= 100_000


@given(st.lists(st.integers(0), min_size=3, max_size=3))
def test_usage_is_taken_from_an_answers_usage(counts: list[int]) -> None:
    names = ("input_tokens", "output_tokens", "total_tokens")
    assert told(usage=SimpleNamespace(**dict(zip(names, counts, strict=True))))["usage"] == dict(
        zip(names, counts, strict=True)
    )


@given(
    st.lists(st.none() | st.booleans() | st.floats() | st.text() | st.integers(max_value=-1), min_size=3, max_size=3)
)
def test_counts_that_are_none_make_no_usage(counts: list[Any]) -> None:
    usage = SimpleNamespace(input_tokens=counts[0], output_tokens=counts[1], total_tokens=counts[2])
    assert told(usage=usage)["usage"] is None


def test_what_an_observer_raises_is_logged_by_its_class_alone(caplog: pytest.LogCaptureFixture) -> None:
    def observer(diagnostic: ToolDiagnostic) -> None:
        raise ValueError("typed text")

    with caplog.at_level(logging.WARNING, "anyopenai"):
        emit_tool_diagnostic(observer, "computer", "run", "started", 0.0)
    assert "ValueError" in caplog.text
    assert "typed text" not in caplog.text


def test_an_asynchronous_observer_is_refused_in_the_log_and_leaves_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def observer(diagnostic: ToolDiagnostic) -> None:
        raise AssertionError("it was run")

    observed: Any = observer
    with caplog.at_level(logging.WARNING, "anyopenai"):
        emit_tool_diagnostic(observed, "computer", "run", "started", 0.0)
    assert "plain function" in caplog.text


def test_a_request_to_stop_the_program_passes_an_observer() -> None:
    def observer(diagnostic: ToolDiagnostic) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emit_tool_diagnostic(observer, "computer", "run", "started", 0.0)
