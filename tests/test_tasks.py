"""Task groups that unwrap a single failure, and shields with a deadline."""

from __future__ import annotations

import pytest
from anyio import CancelScope, Event, fail_after, get_cancelled_exc_class
from anyio.lowlevel import checkpoint

from anyopenai._tasks import grace, open_task_group


async def fail(error: BaseException) -> None:
    await checkpoint()
    raise error


async def test_the_failure_of_one_task_comes_out_as_itself() -> None:
    error, cause = LookupError("one"), ValueError("cause")
    error.__cause__ = cause
    with pytest.raises(LookupError) as caught:
        async with open_task_group() as group:
            group.start_soon(fail, error)
    assert caught.value is error
    assert caught.value.__cause__ is cause


async def test_the_failure_of_the_body_comes_out_as_itself_also_through_two_groups() -> None:
    error = LookupError("body")
    with pytest.raises(LookupError) as caught:
        async with open_task_group(), open_task_group():
            raise error
    assert caught.value is error


async def test_two_failures_stay_a_group() -> None:
    async def fail_when_cancelled(error: Exception) -> None:
        try:
            await Event().wait()
        finally:
            raise error

    async def fail_twice() -> None:
        async with open_task_group() as group:
            group.start_soon(fail_when_cancelled, LookupError())
            group.start_soon(fail, ValueError())

    with pytest.raises(ExceptionGroup) as caught:
        await fail_twice()
    assert {type(error) for error in caught.value.exceptions} == {LookupError, ValueError}


async def test_cancellation_from_outside_passes_through() -> None:
    with CancelScope() as scope:
        scope.cancel()
        with pytest.raises(get_cancelled_exc_class()) as caught:
            async with open_task_group() as group:
                group.start_soon(Event().wait)
        raise caught.value
    assert scope.cancelled_caught


async def test_work_under_grace_goes_on_when_cancelled() -> None:
    steps: list[str] = []
    with CancelScope() as scope:
        scope.cancel()
        with grace():
            await checkpoint()
            steps.append("cleaned up")
        await checkpoint()
        steps.append("never")
    assert steps == ["cleaned up"]


async def test_work_under_grace_that_takes_too_long_is_given_up() -> None:
    with fail_after(5), CancelScope() as outer:
        outer.cancel()
        with grace(0.01) as scope:
            await Event().wait()
        assert scope.cancelled_caught


async def test_two_failures_that_the_body_raises_are_one_group() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with open_task_group():
            raise ExceptionGroup("two", [KeyError(), ValueError()])
    assert [type(error) for error in caught.value.exceptions] == [KeyError, ValueError]
