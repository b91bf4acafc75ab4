"""One run at a time, until it is closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.tools.lifecycle import ToolLifecycle, ToolsetBusyError, ToolsetClosedError


def test_a_second_run_is_refused_while_the_first_goes_on() -> None:
    lifecycle = ToolLifecycle("Thing")
    with lifecycle.run():
        with pytest.raises(ToolsetBusyError, match=r"^Thing is busy with another call"), lifecycle.run():
            pass
        # The refused one did not end the other.
        with pytest.raises(ToolsetBusyError):
            lifecycle.enter()
    lifecycle.enter()


def test_closing_refuses_runs_and_says_whether_one_goes_on() -> None:
    lifecycle = ToolLifecycle("Thing")
    lifecycle.enter()
    assert not lifecycle.closed
    assert lifecycle.close() == lifecycle.close() == {"status": "draining"}
    lifecycle.exit()
    assert lifecycle.close() == {"status": "closed"}
    assert lifecycle.closed
    with pytest.raises(ToolsetClosedError, match=r"^Thing is closed"):
        lifecycle.enter()


def test_a_run_ends_when_its_block_fails() -> None:
    lifecycle = ToolLifecycle("Thing")
    with pytest.raises(ValueError, match="inside"), lifecycle.run():
        raise ValueError("inside")
    lifecycle.enter()


def test_both_refusals_are_runtime_errors() -> None:
    assert issubclass(ToolsetBusyError, RuntimeError)
    assert issubclass(ToolsetClosedError, RuntimeError)


@given(st.lists(st.sampled_from(("enter", "exit", "close"))))
def test_any_order_of_calls_follows_the_two_rules(calls: list[str]) -> None:
    lifecycle, running, closed = ToolLifecycle("Thing"), False, False
    for call in calls:
        if call == "enter" and (closed or running):
            with pytest.raises(ToolsetClosedError if closed else ToolsetBusyError):
                lifecycle.enter()
        elif call == "enter":
            lifecycle.enter()
            running = True
        elif call == "exit":
            lifecycle.exit()
            running = False
        else:
            closed = True
            assert lifecycle.close() == {"status": "draining" if running else "closed"}
