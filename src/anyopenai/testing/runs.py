"""`/threads/{thread_id}/runs`, whole or as streams, and their steps; what happens in a run stands in `run`."""

from __future__ import annotations

from typing import cast

from .assistants import Assistants
from .chat import ASSUMED_OUTPUT
from .checks import boolean, integer, metadata, number, required, text
from .exchange import Events, Json, JsonReply, Refusal, Reply, Request, Route, invalid
from .models import Models
from .run import Run, Told
from .state import Shared, Shelf, new_id, page
from .threads import Thread, Threads
from .tools import choice_from_body, tools_from_body
from .words import count_tokens

__all__ = ("Runs",)

# A run that nobody takes up is over after ten minutes, says its `expires_at`.
_EXPIRES_SECONDS = 600


class Runs:
    """Runs assistants on threads."""

    def __init__(self, shared: Shared, models: Models, assistants: Assistants, threads: Threads) -> None:
        self._shared = shared
        self._models = models
        self._assistants = assistants
        self._threads = threads
        self._runs: Shelf[Run] = Shelf("run", shared.keep, shared.keep_bytes)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers; before the routes of threads, one of which would take `runs` for an id."""
        runs, one = "/threads/{thread_id}/runs", "/threads/{thread_id}/runs/{run_id}"
        return [
            ("POST", "/threads/runs", self.create_with_thread),
            ("POST", runs, self.create),
            ("GET", runs, self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("POST", f"{one}/cancel", self.cancel),
            ("POST", f"{one}/submit_tool_outputs", self.submit),
            ("GET", f"{one}/steps", self.list_steps),
            ("GET", f"{one}/steps/{{step_id}}", self.retrieve_step),
        ]

    async def create_with_thread(self, request: Request) -> Reply:
        """Open a thread and run an assistant on it."""
        body = await request.json()
        given = body.get("thread") or Json()
        if not isinstance(given, dict):
            raise invalid("thread", "'thread' must be an object.", "invalid_type")
        self._assistants.get(str(required(body, "assistant_id")))
        thread = self._threads.open(cast("Json", given), request.size)
        return self._open(request, body, thread, [("thread.created", thread.record, 0)])

    async def create(self, request: Request) -> Reply:
        """Run an assistant on a thread."""
        thread = self._threads.get(request.args["thread_id"])
        body = await request.json()
        thread.refuse_active("No run can be begun on")
        for message in cast("list[Json]", body.get("additional_messages") or []):
            self._threads.add(thread, message, "additional_messages.")
        return self._open(request, body, thread, [])

    def _open(self, request: Request, body: Json, thread: Thread, told: list[Told]) -> Reply:
        assistant = self._assistants.get(str(required(body, "assistant_id")))
        tools = {"tools": body.get("tools") if body.get("tools") is not None else assistant["tools"]}
        offered = tools_from_body(tools, flat=False)
        choice = choice_from_body(body, offered, flat=False)
        model = self._models.named({"model": body.get("model") or assistant["model"]})
        asked = [str(body.get(name) or "") for name in ("instructions", "additional_instructions")]
        limit = integer(body, "max_completion_tokens", 1, 1 << 20)
        words = " ".join([asked[0] or str(assistant["instructions"] or ""), asked[1]]).strip()
        request.reply_headers.update(self._shared.limits.take(count_tokens(words) + (limit or ASSUMED_OUTPUT)))
        created = self._shared.created()
        record: Json = {
            "id": new_id("run_"),
            "object": "thread.run",
            "created_at": created,
            "thread_id": thread.key,
            "assistant_id": assistant["id"],
            "status": "queued",
            "required_action": None,
            "last_error": None,
            "expires_at": created + _EXPIRES_SECONDS,
            "started_at": None,
            "cancelled_at": None,
            "failed_at": None,
            "completed_at": None,
            "incomplete_details": None,
            "model": model,
            "instructions": words,
            "tools": tools["tools"],
            "metadata": metadata(body) or {},
            "usage": None,
            "temperature": _or(number(body, "temperature", 0, 2), assistant["temperature"]),
            "top_p": _or(number(body, "top_p", 0, 1), assistant["top_p"]),
            "max_prompt_tokens": integer(body, "max_prompt_tokens", 1, 1 << 24),
            "max_completion_tokens": limit,
            "truncation_strategy": body.get("truncation_strategy") or {"type": "auto", "last_messages": None},
            "tool_choice": body.get("tool_choice") or "auto",
            "parallel_tool_calls": choice.parallel,
            "response_format": body.get("response_format") or assistant["response_format"],
        }
        text(body, "instructions")
        run = Run(record, thread, choice, self._shared.tool_rounds, self._shared.created)
        self._runs.add(str(record["id"]), run, request.size)
        if boolean(body, "stream"):
            return Events(run.events([*told, ("thread.run.created", record, 0)]))
        return JsonReply(record)

    async def list(self, request: Request) -> JsonReply:
        """Return a page of a thread's runs, newest first unless asked otherwise."""
        return JsonReply(page(list(self._threads.get(request.args["thread_id"]).runs.values()), request))

    async def retrieve(self, request: Request) -> JsonReply:
        """Return a run; one that is under way goes on with each look."""
        return JsonReply(self._run(request).look())

    async def update(self, request: Request) -> JsonReply:
        """Replace a run's metadata."""
        run = self._run(request)
        return JsonReply(run.change(metadata(await request.json()) or {}))

    async def cancel(self, request: Request) -> JsonReply:
        """End a run that is not over."""
        return JsonReply(self._run(request).cancel())

    async def submit(self, request: Request) -> Reply:
        """Give a run the outputs of what it called."""
        run = self._run(request)
        body = await request.json()
        told = run.submit(required(body, "tool_outputs"))
        return Events(run.events(told)) if boolean(body, "stream") else JsonReply(run.record)

    async def list_steps(self, request: Request) -> JsonReply:
        """Return a page of a run's steps, newest first unless asked otherwise."""
        return JsonReply(page(list(self._steps(request).values()), request))

    async def retrieve_step(self, request: Request) -> JsonReply:
        """Return a step."""
        steps, key = self._steps(request), request.args["step_id"]
        if key not in steps:
            raise Refusal(404, f"The run has no step {key!r}.", code="not_found", param="id")
        return JsonReply(steps[key])

    def _run(self, request: Request) -> Run:
        thread, key = self._threads.get(request.args["thread_id"]), request.args["run_id"]
        if key not in thread.runs:
            raise Refusal(404, f"The thread {thread.key!r} has no run {key!r}.", code="not_found", param="id")
        return self._runs.get(key)

    def _steps(self, request: Request) -> dict[str, Json]:
        run = self._run(request)
        return self._threads.get(request.args["thread_id"]).steps[run.key]


def _or(value: object, default: object) -> object:
    return default if value is None else value
