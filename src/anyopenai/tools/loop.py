"""`ToolRun`: requests and calls of tools in turn, as an iterator of events; which API is spoken is said by its subclasses.

A run has no task of its own: who asks for its events drives it, and the tools of one turn run as tasks inside the
caller's block. Nothing happens while nobody asks, but for tools that have begun.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, cast

from anyio import CancelScope, current_time

from .._engine.mapping import loop_deadline_error
from .._sansio.usage import Usage, usage_from, usage_of
from .._tasks import grace
from ..errors import OpenAIError, ToolLoopAborted, ToolLoopLimitError
from .loop_calls import TurnCalls
from .loop_events import (
    AbortEvent,
    ConnectEvent,
    EndEvent,
    ErrorEvent,
    FinalFunctionToolCallEvent,
    FinalFunctionToolCallResultEvent,
    FunctionToolCallEvent,
    FunctionToolCallResultEvent,
    TotalUsageEvent,
)

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from .._contract import RequestOptions
    from ..streaming.helper import HelperStream
    from .call import CallOutcome, ToolCall
    from .loop_settings import LimitReached, LoopSettings

__all__ = ("ToolRun",)

EventT = TypeVar("EventT")
AnswerT = TypeVar("AnswerT")
ResultT = TypeVar("ResultT")


# A scope costs two to four times what an event does; with this many events to one it is lost among them, and what an event
# shows of the answer so far is hardly ahead of it.
_BATCH: Final = 16


class ToolRun(ABC, Generic[EventT, AnswerT, ResultT]):
    """A run of requests and tools: an async iterator of its events, inside `async with`."""

    def __init__(self, settings: LoopSettings, group: TaskGroup) -> None:
        self._settings = settings
        self._answers: list[AnswerT] = []
        self._usage = Usage()
        self._outcome: CallOutcome | None = None
        self._call: ToolCall | None = None
        self._ready: deque[EventT] = deque()
        self._stream: HelperStream[Any] | None = None
        # Calls that were announced and have not begun.
        self._waiting: list[ToolCall] = []
        self._calls = TurnCalls(
            group, settings.table.runnable, settings.policy, settings.max_concurrent_calls, self._tell_outcome
        )
        self._begun_at = current_time()
        self._step: CancelScope | None = None
        self._aborted = False
        self._over = False
        self._ended = False
        self._left = False
        self._failure: Exception | None = None

    # -- what users see ------------------------------------------------------------------------------------------------

    @property
    def usage(self) -> Usage:
        """What the answers have cost so far."""
        return self._usage

    @property
    def turns(self) -> int:
        """How many requests have been answered."""
        return len(self._answers)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        """Return the next event; what leads to it is done meanwhile.

        Tools that a `function_tool_call` told of begin when the run is asked for more. Cancelling hangs up and cancels
        the tools.

        Raises:
            StopAsyncIteration: The run is at its end, or was left.
            ToolLoopLimitError: It came to a limit. The events `run_error` and `end` come before.
            ToolLoopAborted: It was ended by `abort()`. The events `abort` and `end` come before.
            Exception: A request failed, or a tool raised. The events `run_error` and `end` come before.
        """
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            if self._ended or self._left:
                raise StopAsyncIteration
            await self._advance()
        return self._ready.popleft()

    async def done(self) -> None:
        """Bring the run to its end; what it raises is raised.

        Raises:
            Exception: What iterating raises, also if it was raised before.
            OpenAIError: The run was left before its end.
        """
        while not (self._ended or self._left or self._failure):
            await self._advance()
            self._ready.clear()
        if self._failure is not None:
            raise self._failure
        if not self._ended:
            raise OpenAIError("the run was left before its end, so it has no result; what had happened is kept")

    async def result(self) -> ResultT:
        """Bring the run to its end and return what came of it.

        Raises:
            Exception: What `done()` raises.
        """
        await self.done()
        return self._result()

    async def final_function_tool_call(self) -> ToolCall | None:
        """Bring the run to its end and return its last call; None if no tool was called."""
        await self.done()
        return self._call

    async def final_function_tool_call_result(self) -> str | None:
        """Bring the run to its end and return what the model was told of its last call; None if no tool was called."""
        await self.done()
        return None if self._outcome is None else self._outcome.text

    async def total_usage(self) -> Usage:
        """Bring the run to its end and return what its answers cost together."""
        await self.done()
        return self._usage

    def abort(self) -> None:
        """End the run: hang up, cancel its tools, and have whoever reads it raise `ToolLoopAborted`.

        What has ended stays as it is. From a worker thread, call it with `anyio.from_thread.run_sync(run.abort)`.
        """
        if self._ended or self._left or self._failure is not None:
            return
        self._aborted = True
        self._ready.clear()
        self._cancel_calls()
        if self._step is not None:
            self._step.cancel()

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end, or failed."""
        return self._ended or self._failure is not None

    @property
    def errored(self) -> bool:
        """Whether the run failed, or was aborted."""
        return self._failure is not None

    @property
    def aborted(self) -> bool:
        """Whether the run was ended by `abort()`, and not by what had failed before."""
        return self._aborted and (self._failure is None or isinstance(self._failure, ToolLoopAborted))

    async def aclose(self) -> None:
        """Leave the run: hang up and cancel its tools; safe to repeat, safe when cancelled."""
        self._left = True
        self._cancel_calls()
        await self._hang_up()

    def __repr__(self) -> str:
        state = "failed" if self._failure is not None else "ended" if self._ended else "running"
        return f"<{type(self).__name__} {state}, {len(self._answers)} turns>"

    # -- steps ---------------------------------------------------------------------------------------------------------

    async def _advance(self) -> None:
        """Do one thing, within the run's time, and note what came of it; only cancellation is raised."""
        if self._step is not None:
            raise OpenAIError(
                "another task is waiting for this run's next event; let one task read it and hand events on"
            )
        try:
            # The scope ends with the step: none is open while the caller has the event.
            with CancelScope(deadline=self._due()) as scope:
                self._step = scope
                await self._do()
            if scope.cancelled_caught:
                raise self._interrupted()
        except Exception as error:
            await self._fail(error)
        except BaseException:
            self._left = True
            self._cancel_calls()
            await self._hang_up()
            raise
        finally:
            self._step = None

    def _due(self) -> float:
        limits = self._settings.limits
        seconds = limits.max_seconds if limits.max_seconds is not None else inf
        if self._stream is None and limits.deadline is not None:
            # A request has its own share of the deadline, and says more about what it was doing.
            calling = self._calls.running or self._waiting
            seconds = min(seconds, limits.deadline) if calling else seconds
        return self._begun_at + seconds

    def _interrupted(self) -> OpenAIError:
        """Return why the step was cancelled: by `abort()`, or because the time has passed."""
        if self._aborted:
            return self._abortion()
        limits = self._settings.limits
        deadline = limits.deadline
        if deadline is not None and (limits.max_seconds is None or deadline < limits.max_seconds):
            return loop_deadline_error(deadline)
        return self._limited(
            limits.out_of_time("while tools ran" if self._calls.running else "while the model answered")
        )

    def _abortion(self) -> ToolLoopAborted:
        return ToolLoopAborted("the run was ended by abort()", **self._so_far())

    def _limited(self, reached: LimitReached) -> ToolLoopLimitError:
        return ToolLoopLimitError(reached.message, limit=reached.limit, value=reached.value, **self._so_far())

    def _so_far(self) -> dict[str, Any]:
        return {"messages": list(self._history()), "answers": list(self._answers), "usage": self._usage}

    async def _do(self) -> None:
        if self._aborted:
            raise self._abortion()
        if self._stream is not None:
            await self._read(self._stream)
        elif self._waiting:
            calls, self._waiting = self._waiting, []
            self._calls.begin(calls)
        elif self._calls.active:
            await self._collect()
        elif self._over:
            self._finish()
        else:
            reached = self._settings.limits.reached(turns=len(self._answers), tokens=self._usage.total_tokens)
            if reached is not None:
                raise self._limited(reached)
            await self._ask()

    async def _ask(self) -> None:
        """Send the next request; with a stream, only until it is open."""
        turn = len(self._answers) + 1
        options = self._options(turn)
        if self._settings.stream:
            self._stream = await self._open(options)
            self._tell(ConnectEvent(turn))
        else:
            answer = await self._send(options)
            self._tell(ConnectEvent(turn))
            self._take(answer)

    def _options(self, turn: int) -> RequestOptions:
        options = self._settings.options.copy()
        deadline = self._settings.limits.deadline
        if deadline is not None:
            # What is left of it; the engine refuses none.
            options["deadline"] = max(self._begun_at + deadline - current_time(), 1e-3)
        key = options.get("idempotency_key")
        if key is not None and turn > 1:
            # Each turn is another request.
            options["idempotency_key"] = f"{key}-{turn}"
        return options

    async def _read(self, stream: HelperStream[Any]) -> None:
        ready = self._ready
        try:
            ready.append(await stream.__anext__())
            # What is there already, so that a scope serves several events.
            while stream.buffered and len(ready) < _BATCH:
                ready.append(await stream.__anext__())
        except StopAsyncIteration:
            answer = await self._final_of(stream)
            self._stream = None
            self._take(answer)

    def _take(self, answer: AnswerT) -> None:
        """Add an answer that is complete, and announce its calls; without any the run is over."""
        self._answers.append(answer)
        usage = usage_of(answer) or usage_from()
        self._usage += usage
        if self._settings.usage is not None:
            self._settings.usage(usage)
        self._waiting = self._add(answer)
        for call in self._waiting:
            self._call = call
            self._tell(FunctionToolCallEvent(call))
        self._over = not self._waiting

    async def _collect(self) -> None:
        """Wait until a call ends; when all have, add what the model is told."""
        calls = self._calls
        while calls.running and not self._ready and calls.failure is None:
            await calls.wait()
        if calls.failure is not None:
            raise calls.failure
        if calls.running or self._ready:
            return
        outcomes = calls.take()
        for outcome in outcomes:
            self._outcome = outcome
            self._add_output(outcome)
        # The call that the caller forced is what the run was for; a model asked again would be forced again.
        forced = self._settings.policy.forced is not None and any(one.error is None for one in outcomes)
        self._over = forced or self._unanswered()

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        self._tell_finals()
        if self._call is not None:
            self._tell(FinalFunctionToolCallEvent(self._call))
        if self._outcome is not None:
            self._tell(FinalFunctionToolCallResultEvent(self._outcome.text, self._outcome.value))
        self._tell(TotalUsageEvent(self._usage))
        self._tell(EndEvent())
        self._ended = True

    async def _fail(self, error: Exception) -> None:
        """End the run with an error: hang up, wait for its tools to end, and have it told and then raised."""
        self._cancel_calls()
        try:
            await self._hang_up()
            while self._calls.running:
                await self._calls.wait()
        finally:
            self._failure = error
        self._tell(AbortEvent(error) if isinstance(error, ToolLoopAborted) else ErrorEvent(error))
        self._tell(EndEvent())

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with grace():
                await stream.aclose()

    def _cancel_calls(self) -> None:
        self._waiting = []
        self._calls.cancel()

    def _tell_outcome(self, outcome: CallOutcome) -> None:
        self._tell(FunctionToolCallResultEvent(outcome))

    def _tell(self, event: object) -> None:
        # The events of every run are among each subclass's.
        self._ready.append(cast("EventT", event))

    # -- which API -----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def _send(self, options: RequestOptions) -> AnswerT: ...

    @abstractmethod
    async def _open(self, options: RequestOptions) -> HelperStream[Any]: ...

    @abstractmethod
    async def _final_of(self, stream: Any) -> AnswerT: ...

    @abstractmethod
    def _add(self, answer: AnswerT) -> list[ToolCall]: ...

    @abstractmethod
    def _add_output(self, outcome: CallOutcome) -> None: ...

    @abstractmethod
    def _unanswered(self) -> bool: ...

    @abstractmethod
    def _tell_finals(self) -> None: ...

    @abstractmethod
    def _result(self) -> ResultT: ...

    @abstractmethod
    def _history(self) -> Sequence[object]: ...
