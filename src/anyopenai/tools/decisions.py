"""`AsyncDecisionsToolRunner`: observe, have the model choose, act, until it says that the task is complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, Required, TypedDict, cast

from ..types.decision import AnswerAnswerResourceChoice, AnswerAnswerResourceRefusal, Decision, Usage
from .callbacks import is_cancelled
from .decisions_candidates import CheckedCandidate, checked_candidates, detached_observation
from .decisions_errors import DecisionsToolRunnerCancelledError, DecisionsToolRunnerError
from .diagnostics import emit_tool_diagnostic
from .invocation import call_user
from .lifecycle import CloseStatus, ToolLifecycle
from .request_key import fixed_key

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..client import OpenAI
    from .decisions_candidates import DecisionCandidate, DecisionObservation
    from .decisions_errors import DecisionsStopReason
    from .diagnostics import ToolDiagnosticObserver, ToolDiagnosticReason, ToolDiagnosticStage

__all__ = ("AsyncDecisionsToolRunner", "DecisionsRunResult", "DecisionsRunnerParams", "DecisionsToolRunner")

_QUESTION: Final = "next_action"
_INSTRUCTIONS: Final = (
    "Which of these actions brings the task of the first message furthest, given what the last message shows? "
    "If the task is complete, choose the one that says so."
)


class DecisionsRunnerParams(TypedDict, total=False):
    """What a run is about.

    Attributes:
        model: The model's id.
        input: The task.
        safety_identifier: A stable, hashed name of your user, to tell misuse apart.
    """

    model: Required[str]
    input: Required[str]
    safety_identifier: str | None


class DecisionsRunResult(TypedDict):
    """How a run ended.

    Attributes:
        status: `"verified"`: `verify()` saw that the task is complete; `"unverified"`: the model says so, and there is no
            `verify()`; `"refused"`: the model would not decide.
        decisions: The answers of the API, in order.
        attempted_candidate_ids: Whose `execute` was called, in order.
        completed_candidate_ids: Whose `execute` returned.
    """

    status: Literal["verified", "unverified", "refused"]
    decisions: list[Decision]
    attempted_candidate_ids: list[str]
    completed_candidate_ids: list[str]


class AsyncDecisionsToolRunner:
    """Works on a task step by step: each step observes, asks the model which candidate is next, and executes that.

    The callbacks are async functions, or plain ones, which run in a worker thread. One run goes on at a time.

    Args:
        observe: Gives what there is to see: a text, or texts and images.
        candidates: Gives what can be done next, one `done=True` candidate among them, for an observation.
        verify: Tells, for a new observation, whether the task is complete; without it the model's word is taken.
    """

    def __init__(
        self,
        *,
        observe: Callable[[], Awaitable[DecisionObservation]] | Callable[[], DecisionObservation],
        candidates: Callable[[DecisionObservation], Awaitable[list[DecisionCandidate]]]
        | Callable[[DecisionObservation], list[DecisionCandidate]],
        verify: Callable[[DecisionObservation], Awaitable[bool]] | Callable[[DecisionObservation], bool] | None = None,
    ) -> None:
        self._observe: Callable[..., Any] = observe
        self._candidates: Callable[..., Any] = candidates
        self._verify: Callable[..., Any] | None = verify
        self._lifecycle = ToolLifecycle(type(self).__name__)
        self._run: _Run | None = None

    @property
    def attempted_candidate_ids(self) -> tuple[str, ...]:
        """Whose `execute` was called in the latest run, in order; also when the run was cancelled."""
        return tuple(self._run.attempted) if self._run is not None else ()

    @property
    def completed_candidate_ids(self) -> tuple[str, ...]:
        """Whose `execute` returned in the latest run; also when the run was cancelled."""
        return tuple(self._run.completed) if self._run is not None else ()

    def close(self) -> CloseStatus:
        """Refuse further runs; one that goes on is not disturbed. What callbacks hold stays open."""
        return self._lifecycle.close()

    async def run(
        self,
        client: OpenAI,
        params: DecisionsRunnerParams,
        *,
        max_steps: int = 20,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> DecisionsRunResult:
        """Work on a task until the model says that it is complete, and `verify()` does not deny it.

        What is chosen in the last step that `max_steps` allows is not executed, since nothing would look at its effect. An
        observation is copied before it is sent or handed to a callback. Cancelling stops at once and passes through; the
        ids of this runner then say what was done.

        Args:
            client: Who asks; `client.with_options(...)` sets timeouts and the like.
            params: The task and the model.
            max_steps: Most steps, each of one request; at least 1.
            cancelled: Asked between the parts of a step; true ends the run.
            on_diagnostic: Told what each part of a step came to.

        Raises:
            DecisionsToolRunnerCancelledError: `cancelled()` said to stop.
            DecisionsToolRunnerError: The run stopped without a result; `reason` says why.
            ToolsetBusyError: Another run goes on.
            ToolsetClosedError: The runner is closed.

        Source: https://platform.openai.com/docs/api-reference/decisions
        """
        with self._lifecycle.run():
            run = self._run = _Run(client, params, cancelled, on_diagnostic)
            return await run.work(max_steps, self._observe, self._candidates, self._verify)


DecisionsToolRunner = AsyncDecisionsToolRunner


class _Run:
    """One run: what was decided and done so far."""

    def __init__(
        self,
        client: OpenAI,
        params: DecisionsRunnerParams,
        cancelled: Callable[[], bool] | None,
        observer: ToolDiagnosticObserver | None,
    ) -> None:
        self.attempted: list[str] = []
        self.completed: list[str] = []
        self._decisions: list[Decision] = []
        self._client = client
        given: object = params
        self._params: dict[str, Any] = dict(params) if isinstance(given, Mapping) else {}
        self._cancelled = cancelled
        self._observer = observer

    async def work(
        self,
        max_steps: int,
        observe: Callable[..., Any],
        candidates: Callable[..., Any],
        verify: Callable[..., Any] | None,
    ) -> DecisionsRunResult:
        if type(max_steps) is not int or max_steps < 1 or not self._params_are_fit():
            raise self._error("invalid_params")
        with self._mapped():
            for step in range(1, max_steps + 1):
                seen = await self._seen(observe)
                chosen = await self._chosen(candidates, seen, step)
                if chosen is None:
                    return self._result("refused")
                if chosen.execute is not None:
                    if step < max_steps:
                        await self._act(chosen, chosen.execute)
                    continue
                if verify is None:
                    return self._result("unverified")
                if await self._verified(verify, await self._seen(observe), chosen):
                    return self._result("verified")
            self._tell("run", "step_limit", monotonic())
            raise self._error("step_limit")

    def _params_are_fit(self) -> bool:
        params = self._params
        safety = params.get("safety_identifier")
        return (
            params.keys() <= {"model", "input", "safety_identifier"}
            and all(isinstance(params.get(name), str) for name in ("model", "input"))
            and (safety is None or isinstance(safety, str))
        )

    async def _seen(self, observe: Callable[..., Any]) -> str | list[dict[str, object]]:
        self._check()
        seen = detached_observation(await call_user(observe))
        self._check()
        return seen

    async def _chosen(
        self, candidates: Callable[..., Any], seen: str | list[dict[str, object]], step: int
    ) -> CheckedCandidate | None:
        """Have the model choose, and return what it chose; None for a refusal."""
        try:
            known = checked_candidates(await call_user(candidates, detached_observation(seen)))
        except ValueError as error:
            raise self._error("invalid_candidates") from error
        self._check()
        if len(known) == 1:
            # Nothing to be decided: the task is complete, whatever a model would say.
            (only,) = known.values()
            self._tell("selection", "completed", monotonic(), only.id)
            return only
        started = monotonic()
        try:
            decision = await self._ask(known, seen, step)
        except BaseException as error:
            self._tell("request", "api_failed" if isinstance(error, Exception) else "cancelled", started)
            raise
        self._check()
        answer = self._answer(decision, known)
        self._decisions.append(decision)
        self._tell("request", "completed", started, usage=decision.usage)
        self._check()
        chosen = known[answer] if answer is not None else None
        self._tell("selection", "refused" if chosen is None else "completed", started, answer)
        return chosen

    async def _ask(
        self, known: dict[str, CheckedCandidate], seen: str | list[dict[str, object]], step: int
    ) -> Decision:
        choices = [{"value": one.id, "description": one.description} for one in known.values()]
        question = {"type": "choice", "name": _QUESTION, "instructions": _INSTRUCTIONS, "choices": choices}
        arguments: dict[str, Any] = {
            **self._params,
            "input": [{"role": "user", "content": self._params["input"]}, {"role": "user", "content": seen}],
            "questions": [question],
        }
        return await self._client.decisions.create(**arguments, **fixed_key(self._client, {}, step))

    def _answer(self, decision: Decision, known: dict[str, CheckedCandidate]) -> str | None:
        """Return which candidate was chosen; None for a refusal."""
        # An answer is not validated when it is read: a member that is required may be missing.
        found: Any = decision
        listed: object = found.answers
        answers = cast("list[object]", listed) if isinstance(listed, list) else []
        told = isinstance(found.model, str) and isinstance(found.usage, Usage)
        if len(answers) == 1 and told and getattr(answers[0], "name", None) == _QUESTION:
            answer = answers[0]
            if isinstance(answer, AnswerAnswerResourceRefusal):
                return None
            if (
                isinstance(answer, AnswerAnswerResourceChoice)
                and isinstance(answer.choice, str)
                and answer.choice in known
            ):
                return answer.choice
        raise self._error("invalid_answer")

    async def _act(self, chosen: CheckedCandidate, execute: Callable[[], object]) -> None:
        self._check()
        started = monotonic()
        self.attempted.append(chosen.id)
        try:
            await call_user(execute)
        except BaseException as error:
            self._tell("action", "driver_failed" if isinstance(error, Exception) else "cancelled", started, chosen.id)
            raise
        self.completed.append(chosen.id)
        self._tell("action", "completed", started, chosen.id)
        self._check()

    async def _verified(
        self, verify: Callable[..., Any], seen: str | list[dict[str, object]], chosen: CheckedCandidate
    ) -> bool:
        started = monotonic()
        found: object = await call_user(verify, seen)
        self._tell("verification", "completed" if found is True else "refused", started, chosen.id)
        if not isinstance(found, bool):
            raise self._error("invalid_verification")
        self._check()
        return found

    def _check(self) -> None:
        if is_cancelled(self._cancelled):
            raise DecisionsToolRunnerCancelledError(self.attempted, self.completed)

    @contextmanager
    def _mapped(self) -> Generator[None]:
        """Make of what callbacks and the API raise the runner's own error; cancellation passes."""
        try:
            yield
        except DecisionsToolRunnerError:
            raise
        except Exception as error:
            raise self._error("failed") from error

    def _error(self, reason: DecisionsStopReason) -> DecisionsToolRunnerError:
        return DecisionsToolRunnerError(reason, self.attempted, self.completed)

    def _result(self, status: Literal["verified", "unverified", "refused"]) -> DecisionsRunResult:
        return DecisionsRunResult(
            status=status,
            decisions=list(self._decisions),
            attempted_candidate_ids=list(self.attempted),
            completed_candidate_ids=list(self.completed),
        )

    def _tell(
        self,
        stage: ToolDiagnosticStage,
        reason: ToolDiagnosticReason,
        started: float,
        candidate: str | None = None,
        usage: object = None,
    ) -> None:
        emit_tool_diagnostic(self._observer, "decisions", stage, reason, started, call_id=candidate, usage=usage)
