"""Timeouts as callers give them, and what is refused."""

from __future__ import annotations

import math

import pytest

from anyopenai._timeouts import DEFAULT_TIMEOUT, Timeout, timeout_from


def fields(timeout: Timeout) -> tuple[float | None, ...]:
    """List the six limits."""
    return (timeout.connect, timeout.read, timeout.write, timeout.pool, timeout.first_event, timeout.idle)


def test_a_number_sets_every_field() -> None:
    assert fields(Timeout(3)) == (3.0,) * 6
    assert fields(timeout_from(0.5)) == (0.5,) * 6


def test_none_means_no_limit() -> None:
    assert fields(Timeout(None)) == (None,) * 6
    assert fields(timeout_from(None)) == (None,) * 6


def test_a_keyword_replaces_one_field() -> None:
    assert fields(Timeout(60, connect=5)) == (5.0, 60.0, 60.0, 60.0, 60.0, 60.0)


def test_read_is_the_default_of_first_event_and_idle() -> None:
    assert fields(Timeout(60, read=7)) == (60.0, 7.0, 60.0, 60.0, 7.0, 7.0)
    assert fields(Timeout(60, read=7, idle=30)) == (60.0, 7.0, 60.0, 60.0, 7.0, 30.0)


def test_four_fields_need_no_default() -> None:
    assert fields(Timeout(connect=1, read=2, write=3, pool=4)) == (1.0, 2.0, 3.0, 4.0, 2.0, 2.0)


def test_a_copy_keeps_what_is_not_replaced() -> None:
    base = Timeout(60, connect=5)
    assert Timeout(base) == base
    assert fields(Timeout(base, pool=None)) == (5.0, 60.0, 60.0, None, 60.0, 60.0)


def test_too_few_fields_are_refused_with_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"Timeout\(60\.0, connect=5\.0\)"):
        Timeout(connect=1)


@pytest.mark.parametrize("value", [-1, math.nan, -0.001])
def test_what_is_not_a_length_of_time_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="zero or more seconds"):
        Timeout(value)
    with pytest.raises(ValueError, match="'read'"):
        Timeout(1, read=value)


@pytest.mark.parametrize("value", ["3", True, object()])
def test_what_is_not_a_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="timeout"):
        timeout_from(value)


def test_another_librarys_timeout_of_the_same_shape_is_accepted() -> None:
    class Foreign:
        connect, read, write, pool = 1.0, None, 3.0, 4.0

    assert fields(timeout_from(Foreign())) == (1.0, None, 3.0, 4.0, None, None)


def test_equality_hash_and_repr_show_the_fields() -> None:
    assert Timeout(3) == Timeout(3.0)
    assert hash(Timeout(3)) == hash(Timeout(3.0))
    assert Timeout(3) != Timeout(4)
    assert Timeout(3) != 3
    assert repr(Timeout(3)) == "Timeout(timeout=3.0)"
    assert "connect=5.0" in repr(DEFAULT_TIMEOUT)


def test_the_default_is_ten_minutes_and_five_seconds_to_connect() -> None:
    assert DEFAULT_TIMEOUT.read == 600.0
    assert DEFAULT_TIMEOUT.connect == 5.0
