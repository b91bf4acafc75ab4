"""Runs that are waited for: the requests that start them and look at them; how long to wait is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from anyio import current_time

from .._contract import Operation
from ..types.beta.threads.run import Run
from .polling import polled

if TYPE_CHECKING:
    from .._contract import Body, Caller, Omit, Query, RequestOptions

__all__ = ("CREATE", "CREATE_WITH_THREAD", "SUBMIT", "started", "wait")

# Whose run does nothing more by itself. What is not known may still be going on.
_AT_REST: Final = frozenset({"cancelled", "completed", "expired", "failed", "incomplete", "requires_action"})


def _operation(name: str, path: str, *, verb: Literal["GET", "POST"] = "POST") -> Operation[Run]:
    return Operation(
        name=name,
        verb=verb,
        path=path,
        returns=Run,
        body="json" if verb == "POST" else "none",
        headers=(("OpenAI-Beta", "assistants=v2"),),
        doc="https://platform.openai.com/docs/api-reference/runs",
    )


CREATE: Final = _operation("beta.threads.runs.create_and_poll", "/threads/{thread_id}/runs")
CREATE_WITH_THREAD: Final = _operation("beta.threads.create_and_run_poll", "/threads/runs")
SUBMIT: Final = _operation(
    "beta.threads.runs.submit_tool_outputs_and_poll", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
)
_LOOK: Final = _operation("beta.threads.runs.poll", "/threads/{thread_id}/runs/{run_id}", verb="GET")


async def wait(
    caller: Caller,
    run_id: str,
    thread_id: str,
    interval_ms: float | Omit,
    options: RequestOptions,
    *,
    began: float | None = None,
) -> Run:
    """Look at a run until it does nothing more by itself, and return it; see `polled`.

    Args:
        caller: Carries the requests out.
        run_id: The run's id.
        thread_id: Its thread's.
        interval_ms: Milliseconds between two looks.
        options: The options of each request; `deadline` bounds all of them together.
        began: When the work began, on the event loop's clock; None for now.
    """
    return await polled(
        caller,
        _LOOK,
        (thread_id, run_id),
        done=lambda run: run.status in _AT_REST,
        interval_ms=interval_ms,
        options=options,
        began=current_time() if began is None else began,
    )


async def started(
    caller: Caller,
    operation: Operation[Run],
    interval_ms: float | Omit,
    *,
    body: Body,
    options: RequestOptions,
    path: tuple[str, ...] = (),
    query: Query | None = None,
) -> Run:
    """Send a request whose answer is a run, and wait for that; see `wait`."""
    began = current_time()
    run: Run = await caller.call(operation, path=path, query=query, body=body, options=options)
    return await wait(caller, run.id, run.thread_id, interval_ms, options, began=began)
