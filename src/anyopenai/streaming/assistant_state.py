"""Events of a run to what they become: the run, its messages, its steps; which hooks that calls, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..types.beta.threads.message import Message
from ..types.beta.threads.run import Run
from ..types.beta.threads.runs.run_step import RunStep
from .assistant_message import GrowingMessage
from .assistant_step import GrowingStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .assistant_block import GrowingBlock

__all__ = ("GrowingRun", "Happening", "RunSoFar")

Happening = tuple[object, ...]
"""The name of a hook, and what it is called with."""

_NOTHING: Final[Sequence[Happening]] = ()


class RunSoFar(NamedTuple):
    """What there is of a run whose stream broke off.

    Attributes:
        run: The run as the last event of it said; None if none did.
        messages: Its messages, as far as they came.
        steps: Its steps, as far as they came.
    """

    run: Run | None
    messages: list[Message]
    steps: list[RunStep]


class GrowingRun:
    """Puts a run together from its events, at a cost linear in them.

    Attributes:
        run: The run as the last event of it said.
        message: The message that the last event of one was about.
        step: The same of steps, until it ends.
    """

    __slots__ = ("_messages", "_steps", "message", "run", "step")

    def __init__(self) -> None:
        self.run: Run | None = None
        self.message: GrowingMessage | None = None
        self.step: GrowingStep | None = None
        self._messages: dict[str, GrowingMessage] = {}
        self._steps: dict[str, GrowingStep] = {}

    @property
    def messages(self) -> list[Message]:
        """The messages so far."""
        return [message.snapshot() for message in self._messages.values()]

    @property
    def steps(self) -> list[RunStep]:
        """The steps so far."""
        return [step.snapshot() for step in self._steps.values()]

    def partial(self) -> RunSoFar | None:
        """Return what there is; None if nothing has come."""
        found = RunSoFar(self.run, self.messages, self.steps)
        return found if any(found) else None

    # `Any`: events come from a server, and what they lack is handled.
    def take(self, event: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        """Add an event, and return what happens with it, in the order in which it is told.

        Args:
            event: The event.
            wanted: The names of the hooks that somebody listens to; of others nothing is worked out.
        """
        data: Any = getattr(event, "data", None)
        match getattr(event, "event", None):
            case "thread.message.delta":
                return self._message_delta(data, wanted)
            case "thread.run.step.delta":
                return self._step_delta(data, wanted)
            case "thread.message.created":
                return self._message_created(data, wanted)
            case "thread.message.in_progress":
                return self._message_in_progress(data)
            case "thread.message.completed" | "thread.message.incomplete":
                return self._message_ended(data, wanted)
            case "thread.run.step.created":
                return self._step_created(data, wanted)
            case "thread.run.step.in_progress":
                return self._step_in_progress(data)
            case (
                "thread.run.step.cancelled"
                | "thread.run.step.completed"
                | "thread.run.step.expired"
                | "thread.run.step.failed"
            ):
                return self._step_ended(data, wanted)
            case kind:
                return self._run_event(kind, data, wanted)

    def _run_event(self, kind: object, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        if isinstance(data, Run):
            self.run = data
            if kind in _RUN_ENDS and "on_tool_call_done" in wanted:
                return [("on_tool_call_done", call) for step in self._steps.values() for call in step.untold()]
        return _NOTHING

    # -- messages --------------------------------------------------------------------------------------------------

    def _message_created(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        if not isinstance(data, Message):
            return _NOTHING
        self.message = growing = self._messages[data.id] = GrowingMessage(data)
        return [("on_message_created", growing.snapshot())] if "on_message_created" in wanted else _NOTHING

    def _message_in_progress(self, data: Any) -> Sequence[Happening]:
        if isinstance(data, Message):
            self.message = growing = self._messages.get(data.id)
            if growing is None:
                self.message = self._messages[data.id] = GrowingMessage(data)
            else:
                growing.update(data)
        return _NOTHING

    def _message_delta(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        key = _text(getattr(data, "id", None))
        growing = self._messages.get(key)
        if growing is None:
            # Not every server tells beginnings.
            thread = None if self.run is None else self.run.thread_id
            begun: dict[str, object] = {
                "id": key,
                "object": "thread.message",
                "content": [],
                "role": "assistant",
                "status": "in_progress",
            }
            growing = self._messages[key] = GrowingMessage(Message.model_validate({**begun, "thread_id": thread}))
        self.message = growing
        delta = getattr(data, "delta", None)
        pieces = growing.take(delta)
        if not wanted & _MESSAGE_HOOKS:
            if pieces:
                growing.current = pieces[-1][0]
            return _NOTHING
        found: list[Happening] = [
            ("on_text_created", _text_of(block))
            for block, _, begins in pieces
            if begins and block.kind == "text" and "on_text_created" in wanted
        ]
        last = {block: place for place, (block, _, _) in enumerate(pieces)}
        for place, (block, piece, _) in enumerate(pieces):
            text: object = getattr(piece, "text", None)
            if text is not None and block.kind == "text" and "on_text_delta" in wanted:
                found.append(("on_text_delta", text, _text_of(block)))
            before = growing.current
            growing.current = block
            # What this very event goes on with has not ended.
            ended = before is not None and before is not block and last.get(before, -1) < place
            if before is not None and ended and not before.told and not before.reopened:
                before.told = True
                _tell_part(before.snapshot(), found, wanted)
        if "on_message_delta" in wanted:
            found.append(("on_message_delta", delta, growing.snapshot()))
        return found

    def _message_ended(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        if not isinstance(data, Message):
            return _NOTHING
        self.message = growing = self._messages.get(data.id)
        found: list[Happening] = []
        if growing is None:
            # All of it at once: nothing of it was told before, and its parts are not told one by one.
            self.message = growing = self._messages[data.id] = GrowingMessage(data)
            whole = growing.end(data)
        else:
            whole = growing.end(data)
            for part in growing.untold():
                _tell_part(part, found, wanted)
        if "on_message_done" in wanted:
            found.append(("on_message_done", whole))
        return found

    # -- steps -----------------------------------------------------------------------------------------------------

    def _step_created(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        if not isinstance(data, RunStep):
            return _NOTHING
        self.step = growing = self._steps[data.id] = GrowingStep(data)
        return [("on_run_step_created", growing.snapshot())] if "on_run_step_created" in wanted else _NOTHING

    def _step_in_progress(self, data: Any) -> Sequence[Happening]:
        if isinstance(data, RunStep):
            self.step = growing = self._steps.get(data.id)
            if growing is None:
                self.step = self._steps[data.id] = GrowingStep(data)
            else:
                growing.update(data)
        return _NOTHING

    def _step_delta(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        key = _text(getattr(data, "id", None))
        growing = self._steps.get(key)
        if growing is None:
            run = self.run
            facts = (
                {} if run is None else {"run_id": run.id, "thread_id": run.thread_id, "assistant_id": run.assistant_id}
            )
            begun = {"id": key, "object": "thread.run.step", "type": "tool_calls", "status": "in_progress"}
            details: dict[str, object] = {"type": "tool_calls", "tool_calls": []}
            step = RunStep.model_validate({**begun, **facts, "step_details": details})
            growing = self._steps[key] = GrowingStep(step)
        self.step = growing
        delta = getattr(data, "delta", None)
        pieces = growing.take(delta)
        if not wanted & _STEP_HOOKS:
            if pieces:
                growing.current = pieces[-1][0]
            return _NOTHING
        found: list[Happening] = []
        last = {call: place for place, (call, _, _) in enumerate(pieces)}
        for place, (call, piece, begins) in enumerate(pieces):
            before = growing.current
            growing.current = call
            ended = before is not None and before is not call and last.get(before, -1) < place and before.settled
            if before is not None and ended and not before.told and not before.reopened:
                before.told = True
                if "on_tool_call_done" in wanted:
                    found.append(("on_tool_call_done", before.snapshot()))
            if begins and "on_tool_call_created" in wanted:
                found.append(("on_tool_call_created", call.snapshot()))
            elif not begins and "on_tool_call_delta" in wanted:
                found.append(("on_tool_call_delta", piece, call.snapshot()))
        if "on_run_step_delta" in wanted:
            found.append(("on_run_step_delta", delta, growing.snapshot()))
        return found

    def _step_ended(self, data: Any, wanted: frozenset[str]) -> Sequence[Happening]:
        if not isinstance(data, RunStep):
            return _NOTHING
        growing = self._steps.get(data.id)
        found: list[Happening] = []
        if growing is None:
            growing = self._steps[data.id] = GrowingStep(data)
        elif "on_tool_call_done" in wanted:
            found += [("on_tool_call_done", call) for call in growing.untold()]
        whole = growing.end(data)
        if "on_run_step_done" in wanted:
            found.append(("on_run_step_done", whole))
        self.step = growing if found else None
        return found

    def settle(self) -> None:
        """Forget the step at hand if it has ended; called when everybody has been told."""
        if self.step is not None and self.step.ended:
            self.step = None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text_of(block: GrowingBlock) -> object:
    shown: Any = block.snapshot()
    return shown.text


def _tell_part(part: Any, found: list[Happening], wanted: frozenset[str]) -> None:
    """Note the end of a part of a message, if it is one of a kind whose end is told."""
    kind: object = getattr(part, "type", None)
    if kind == "text" and "on_text_done" in wanted:
        found.append(("on_text_done", part.text))
    elif kind == "image_file" and "on_image_file_done" in wanted:
        found.append(("on_image_file_done", part.image_file))


_MESSAGE_HOOKS: Final = frozenset(
    {"on_image_file_done", "on_message_delta", "on_text_created", "on_text_delta", "on_text_done"}
)
_STEP_HOOKS: Final = frozenset({"on_run_step_delta", "on_tool_call_created", "on_tool_call_delta", "on_tool_call_done"})
_RUN_ENDS: Final = frozenset(
    f"thread.run.{status}"
    for status in ("cancelled", "completed", "expired", "failed", "incomplete", "requires_action")
)
