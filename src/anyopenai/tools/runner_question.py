"""One request of a run and its answer: whole or streamed, its proposals inspected, some of them called while it streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from .._tasks import open_task_group
from .diagnostics import emit_tool_diagnostic
from .early import EarlyCalls
from .invocation import is_async
from .proposals import Inspection, InvalidArguments, Proposal
from .request_key import fixed_key
from .runner_calls import CallMaker, CallQueue
from .runner_items import Item, as_list, plain

if TYPE_CHECKING:
    from ..client import OpenAI
    from ..types.responses.response import Response
    from .diagnostics import ToolDiagnosticObserver, ToolDiagnosticReason
    from .runner_params import RunParams
    from .runner_record import RunRecord

__all__ = ("Question", "limit_reached")


class Question:
    """One request of a run.

    Args:
        client: Who sends it.
        params: What each request has.
        record: The run.
        observer: Told how it ends.
    """

    def __init__(
        self, client: OpenAI, params: RunParams, record: RunRecord, observer: ToolDiagnosticObserver | None
    ) -> None:
        self._client = client
        self._params = params
        self._record = record
        self._observer = observer

    async def whole(self, said: Sequence[Item], inspection: Inspection) -> Response:
        """Ask for a whole answer, and inspect it.

        Raises:
            ToolRunnerError: The answer is refused.
            APIError: The request failed.
        """
        started = monotonic()
        create = cast("Callable[..., Awaitable[Response]]", self._client.responses.create)
        options = fixed_key(self._client, self._params.options, self._record.consumed)
        try:
            response = await create(
                **self._params.arguments, input=list(said), tools=self._params.tools, stream=False, **options
            )
        except BaseException as error:
            self._tell("api_failed" if isinstance(error, Exception) else "cancelled", started)
            raise
        self._tell("completed", started, response)
        self._inspect(response, inspection)
        return response

    async def streamed(
        self,
        said: Sequence[Item],
        inspection: Inspection,
        on_event: Callable[..., Any] | None,
    ) -> Response:
        """Ask for a stream, hand out its events, and inspect the answer at its end.

        Raises:
            ToolRunnerError: The answer is refused.
            APIError: The request failed, or the stream broke off.
        """
        started = monotonic()
        try:
            async with self._stream(said) as stream:
                async for event in stream:
                    await _show(on_event, event)
                response: Response = await stream.get_final_response()
        except BaseException as error:
            self._tell("api_failed" if isinstance(error, Exception) else "cancelled", started)
            raise
        self._tell("completed", started, response)
        self._inspect(response, inspection)
        return response

    async def eager(
        self,
        said: Sequence[Item],
        inspection: Inspection,
        on_event: Callable[..., Any] | None,
        early: EarlyCalls,
        maker: CallMaker,
        limit: int,
    ) -> Response:
        """Ask for a stream, and make calls as soon as each is complete and inspected.

        Raises:
            ToolRunnerError: The answer is refused, perhaps after some of its calls were made.
            APIError: The request failed, or the stream broke off.
        """
        started = monotonic()
        try:
            async with open_task_group() as group:
                queue = CallQueue(group, maker, limit, {})
                async with self._stream(said) as stream:
                    async for event in stream:
                        done = event.type == "response.output_item.done"
                        # Before anybody is shown it, who could change it.
                        item = deepcopy(event.item) if done else None
                        await _show(on_event, event)
                        if item is not None:
                            await self._offer(item, inspection, early, queue)
                    response: Response = await stream.get_final_response()
                await queue.drain()
        except BaseException as error:
            self._tell("api_failed" if isinstance(error, Exception) else "cancelled", started)
            raise
        self._tell("completed", started, response)
        inspection.check_streamed(response)
        inspection.finish(response)
        return response

    async def _offer(self, item: Any, inspection: Inspection, early: EarlyCalls, queue: CallQueue) -> None:
        if not inspection.items:
            # From here on a ledger says that an answer was on its way.
            await self._record.proposed([cast("Item", plain(item))], whole=False)
        proposal = self._taken(item, inspection)
        self._record.items = inspection.items
        if proposal is None:
            return
        if not self._record.calls_left:
            raise self._record.evidence.error(limit_reached(self._record))
        if await early.allows(proposal):
            await queue.add(proposal)

    def _stream(self, said: Sequence[Item]) -> Any:
        options = fixed_key(self._client, self._params.options, self._record.consumed)
        # Tools go past the helper, which would read their arguments: this run does, and says which call does not fit.
        more = {**cast("Mapping[str, object]", options.get("extra_body") or {}), "tools": self._params.tools}
        stream = cast("Callable[..., Any]", self._client.responses.stream)
        return stream(**self._params.arguments, input=list(said), **{**options, "extra_body": more})

    def _inspect(self, response: Response, inspection: Inspection) -> None:
        for item in as_list(response.output) or []:
            self._taken(item, inspection)
        inspection.finish(response)

    def _taken(self, item: Any, inspection: Inspection) -> Proposal | None:
        started = monotonic()
        try:
            return inspection.take(item)
        except InvalidArguments as error:
            emit_tool_diagnostic(
                self._observer,
                "responses",
                "arguments",
                "invalid_input",
                started,
                call_id=error.call_id,
                member=error.name,
            )
            raise self._record.evidence.error(
                f"the arguments of the call {error.call_id!r} do not fit {error.name!r}; nothing was called for it"
            ) from error.__cause__

    def _tell(self, reason: ToolDiagnosticReason, started: float, response: Response | None = None) -> None:
        usage = response.usage if response is not None else None
        emit_tool_diagnostic(self._observer, "responses", "request", reason, started, usage=usage)


def limit_reached(record: RunRecord) -> str:
    """Return what is said where another request would be needed, and is not allowed."""
    return f"the run reached max_steps, {record.max_steps} requests, before a last word"


async def _show(on_event: Callable[..., Any] | None, event: Any) -> None:
    """Hand out an event; a plain function is called in place, so that events come in order at little cost."""
    if on_event is None:
        return
    if is_async(on_event):
        await on_event(event)
    else:
        on_event(event)
