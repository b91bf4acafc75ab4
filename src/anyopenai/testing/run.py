"""The life of one run of an assistant: its states, its steps, the message that it writes, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

from .exchange import Json, Step, invalid, named_block
from .state import new_id
from .threads import Thread, message_of
from .tools import Choice, Talk
from .turns import Turn, turn_for
from .words import count_tokens

__all__ = ("Run", "Told")

_OVER = ("completed", "incomplete", "cancelled")

_DONE: Step = (b"event: done\ndata: [DONE]\n\n", 0)

Told: TypeAlias = tuple[str, Json, int]
"""An event: its name, what it tells, and how many tokens it carries."""


class Run:
    """One run.

    Attributes:
        key: Its id.

    Args:
        record: What the API shows of it at first: it is queued.
        thread: What it reads and writes to.
        choice: What it may call.
        rounds: How often functions are called before it says something.
        now: Whole seconds since the epoch.
    """

    def __init__(self, record: Json, thread: Thread, choice: Choice, rounds: int, now: Callable[[], int]) -> None:
        self._thread = thread
        self._choice = choice
        self._rounds = rounds
        self._now = now
        self._talk = Talk()
        for message in thread.messages.values():
            if message["role"] == "user":
                parts = cast("list[Json]", message["content"])
                texts = [str(cast("Json", part["text"])["value"]) for part in parts if part.get("type") == "text"]
                self._talk.ask("\n".join(texts))
        self.key: str = str(record["id"])
        self._waiting: Json | None = None  # the step whose calls have no outputs yet
        thread.steps[self.key] = {}
        self._put(record)

    @property
    def record(self) -> Json:
        """What the API shows of it now."""
        return self._thread.runs[self.key]

    def _put(self, record: Json) -> Json:
        self._thread.runs[self.key] = record
        self._thread.active = None if record["status"] in _OVER else self.key
        return record

    def _set(self, **members: object) -> Json:
        return self._put(self.record | members)

    def look(self) -> Json:
        """Return the record; a run that is under way goes one state further each time, so that no clock is asked."""
        status = self.record["status"]
        if status == "queued":
            return self._set(status="in_progress", started_at=self._now())
        if status == "in_progress":
            list(self._work())
        return self.record

    def change(self, metadata: Json | dict[str, str]) -> Json:
        """Replace its metadata."""
        return self._set(metadata=metadata)

    def cancel(self) -> Json:
        """End it before it is over.

        Raises:
            Refusal: It is over.
        """
        if self.record["status"] in _OVER:
            raise invalid("run_id", f"The run {self.key!r} is {self.record['status']}; it cannot be cancelled.")
        return self._set(status="cancelled", cancelled_at=self._now(), required_action=None)

    def submit(self, given: object) -> list[Told]:
        """Take the outputs of what it called, and return what that ended.

        Raises:
            Refusal: It waits for none, or they are not those of its calls.
        """
        if self._waiting is None or self.record["status"] != "requires_action":
            raise invalid("run_id", f"The run {self.key!r} is {self.record['status']} and waits for no outputs.")
        if not isinstance(given, list):
            raise invalid("tool_outputs", "'tool_outputs' must be a list.", "invalid_type")
        outputs: dict[str, str] = {}
        for place, one in enumerate(cast("list[object]", given)):
            members = cast("Json", one) if isinstance(one, dict) else Json()
            key = members.get("tool_call_id")
            if key not in self._talk.open:
                raise invalid(f"tool_outputs[{place}]", f"No call of the run {self.key!r} has the id {key!r}.")
            outputs[str(key)] = str(members.get("output") or "")
        missing = self._talk.open.keys() - outputs.keys()
        if missing:
            raise invalid("tool_outputs", f"The outputs of these calls are missing: {', '.join(sorted(missing))}.")
        for key, output in outputs.items():
            self._talk.answer(key, output)
        calls = cast("list[Json]", cast("Json", self._waiting["step_details"])["tool_calls"])
        for call in calls:
            call["function"] = cast("Json", call["function"]) | {"output": outputs[str(call["id"])]}
        step = self._end_step(self._waiting)
        self._waiting = None
        self._set(status="queued", required_action=None)
        return [("thread.run.step.completed", step, 0)]

    def events(self, before: list[Told]) -> Iterator[Step]:
        """Give the events from being queued to its end or its next calls.

        What they tell of has happened by then, so that a stream that is left early leaves no run in the middle.

        Args:
            before: What is told first.
        """
        for name, value, tokens in [*before, *self._begin(), *self._work()]:
            yield named_block(name, value), tokens
        yield _DONE

    def _begin(self) -> Iterator[Told]:
        yield "thread.run.queued", self.record, 0
        yield "thread.run.in_progress", self._set(status="in_progress", started_at=self._now()), 0

    def _work(self) -> Iterator[Told]:
        limit = cast("int | None", self.record["max_completion_tokens"])
        form = self.record["response_format"]
        turn = turn_for(self._talk, self._choice, form, "response_format", rounds=self._rounds, max_tokens=limit)
        yield from self._call(turn) if turn.calls else self._say(turn)

    def _call(self, turn: Turn) -> Iterator[Told]:
        whole: list[Json] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
        step = self._begin_step("tool_calls", {"tool_calls": list[Json]()})
        yield from self._told_step(step)
        for place, call in enumerate(turn.calls):
            self._talk.call(call.id, call.name)
            head: Json = {"name": call.name, "arguments": "", "output": None}
            yield self._step_delta(step, {"index": place, "id": call.id, "type": "function", "function": head}, 0)
            for token in call.tokens:
                part: Json = {"index": place, "type": "function", "function": {"arguments": token}}
                yield self._step_delta(step, part, 1)
        known = [one | {"function": cast("Json", one["function"]) | {"output": None}} for one in whole]
        self._waiting = step | {"step_details": {"type": "tool_calls", "tool_calls": known}}
        self._thread.steps[self.key][str(step["id"])] = self._waiting
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": whole}}
        yield "thread.run.requires_action", self._set(status="requires_action", required_action=action), 0

    def _say(self, turn: Turn) -> Iterator[Told]:
        message = message_of(self._thread.key, self._now(), "assistant")
        message |= {"assistant_id": self.record["assistant_id"], "run_id": self.key}
        step = self._begin_step("message_creation", {"message_creation": {"message_id": message["id"]}})
        yield from self._told_step(step)
        yield "thread.message.created", message, 0
        yield "thread.message.in_progress", message, 0
        for place, token in enumerate(turn.tokens):
            text: Json = {"value": token} if place else {"value": token, "annotations": list[Json]()}
            content = [{"index": 0, "type": "text", "text": text}]
            delta = {"id": message["id"], "object": "thread.message.delta", "delta": {"content": content}}
            yield "thread.message.delta", delta, 1
        status, now = "incomplete" if turn.was_cut else "completed", self._now()
        written: Json = {
            "status": status,
            f"{status}_at": now,
            "incomplete_details": {"reason": "max_tokens"} if turn.was_cut else None,
            "content": [{"type": "text", "text": {"value": turn.text, "annotations": list[Json]()}}],
        }
        message = message | written
        self._thread.messages[str(message["id"])] = message
        yield f"thread.message.{status}", message, 0
        yield "thread.run.step.completed", self._end_step(step), 0
        asked = count_tokens(self._talk.prompt)
        usage = {"prompt_tokens": asked, "completion_tokens": turn.count, "total_tokens": asked + turn.count}
        details = {"reason": "max_completion_tokens"} if turn.was_cut else None
        ended = None if turn.was_cut else now
        run = self._set(status=status, completed_at=ended, incomplete_details=details, usage=usage)
        yield f"thread.run.{status}", run, 0

    def _begin_step(self, kind: str, details: Json) -> Json:
        step: Json = {
            "id": new_id("step_"),
            "object": "thread.run.step",
            "created_at": self._now(),
            "assistant_id": self.record["assistant_id"],
            "thread_id": self._thread.key,
            "run_id": self.key,
            "type": kind,
            "status": "in_progress",
            "step_details": {"type": kind} | details,
            "last_error": None,
            "expired_at": None,
            "cancelled_at": None,
            "failed_at": None,
            "completed_at": None,
            "metadata": {},
            "usage": None,
        }
        self._thread.steps[self.key][str(step["id"])] = step
        return step

    def _end_step(self, step: Json) -> Json:
        step = step | {"status": "completed", "completed_at": self._now()}
        self._thread.steps[self.key][str(step["id"])] = step
        return step

    @staticmethod
    def _told_step(step: Json) -> Iterator[Told]:
        yield "thread.run.step.created", step, 0
        yield "thread.run.step.in_progress", step, 0

    @staticmethod
    def _step_delta(step: Json, call: Json, tokens: int) -> Told:
        delta = {"step_details": {"type": "tool_calls", "tool_calls": [call]}}
        return "thread.run.step.delta", {"id": step["id"], "object": "thread.run.step.delta", "delta": delta}, tokens
