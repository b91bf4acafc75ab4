"""`/threads` and their messages: what a run reads and writes to; runs are elsewhere."""

from __future__ import annotations

from typing import cast

from .checks import metadata, required
from .exchange import Json, JsonReply, Refusal, Request, Route, invalid
from .state import Shared, Shelf, new_id, page
from .words import text_of

__all__ = ("Thread", "Threads", "message_of")


class Thread:
    """One thread.

    Attributes:
        record: What the API shows of it.
        messages: Its messages, oldest first.
        runs: Its runs by id, oldest first.
        steps: Their steps, oldest first, by the run's id.
        active: The run that is not over; None if all are.
    """

    def __init__(self, record: Json) -> None:
        self.record: Json = record
        self.messages: dict[str, Json] = {}
        self.runs: dict[str, Json] = {}
        self.steps: dict[str, dict[str, Json]] = {}
        self.active: str | None = None

    @property
    def key(self) -> str:
        """The thread's id."""
        return str(self.record["id"])

    def refuse_active(self, what: str) -> None:
        """Refuse what cannot be done while a run is not over."""
        if self.active is not None:
            raise invalid("thread_id", f"{what} the thread {self.key!r} while its run {self.active!r} is active.")


class Threads:
    """Keeps threads."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._threads: Shelf[Thread] = Shelf("thread", shared.keep, shared.keep_bytes)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        one, messages = "/threads/{thread_id}", "/threads/{thread_id}/messages"
        return [
            ("POST", "/threads", self.create),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
            ("POST", messages, self.add_message),
            ("GET", messages, self.list_messages),
            ("GET", f"{messages}/{{message_id}}", self.retrieve_message),
            ("POST", f"{messages}/{{message_id}}", self.update_message),
            ("DELETE", f"{messages}/{{message_id}}", self.delete_message),
        ]

    def get(self, key: str) -> Thread:
        """Return a thread.

        Raises:
            Refusal: There is none of that id (404).
        """
        return self._threads.get(key)

    def open(self, body: Json, size: int) -> Thread:
        """Keep a new thread with the messages that it begins with.

        Raises:
            Refusal: A message is not one that the API takes.
        """
        record: Json = {
            "id": new_id("thread_"),
            "object": "thread",
            "created_at": self._shared.created(),
            "tool_resources": body.get("tool_resources") or {},
            "metadata": metadata(body) or {},
        }
        thread = Thread(record)
        messages = body.get("messages") or list[object]()
        if not isinstance(messages, list):
            raise invalid("messages", "'messages' must be a list.", "invalid_type")
        for place, given in enumerate(cast("list[object]", messages)):
            if not isinstance(given, dict):
                raise invalid(f"messages[{place}]", f"'messages[{place}]' must be an object.", "invalid_type")
            self.add(thread, cast("Json", given), f"messages[{place}].")
        self._threads.add(thread.key, thread, size)
        return thread

    def add(self, thread: Thread, body: Json, where: str = "") -> Json:
        """Add a message to a thread.

        Raises:
            Refusal: It is not one that the API takes.
        """
        role = required(body, "role")
        if role not in ("user", "assistant"):
            raise invalid(f"{where}role", f"'{where}role' must be 'user' or 'assistant', not {role!r}.")
        content = required(body, "content")
        text_of(content, f"{where}content")
        parts: list[Json] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else cast("list[Json]", content)
        )
        for place, part in enumerate(parts):
            if part.get("type") == "text" and not isinstance(part.get("text"), str):
                raise invalid(f"{where}content[{place}].text", f"'{where}content[{place}].text' must be a string.")
        created = self._shared.created()
        told: Json = {
            "status": "completed",
            "completed_at": created,
            "content": [
                part | {"text": {"value": part["text"], "annotations": list[Json]()}}
                if part.get("type") == "text"
                else part
                for part in parts
            ],
            "attachments": body.get("attachments") or [],
            "metadata": metadata(body) or {},
        }
        message = message_of(thread.key, created, str(role)) | told
        thread.messages[str(message["id"])] = message
        return message

    async def create(self, request: Request) -> JsonReply:
        """Open a thread."""
        return JsonReply(self.open(await request.json(), request.size).record)

    async def retrieve(self, request: Request) -> JsonReply:
        """Return a thread."""
        return JsonReply(self._thread(request).record)

    async def update(self, request: Request) -> JsonReply:
        """Change a thread's metadata and resources."""
        thread = self._thread(request)
        body = await request.json()
        metadata(body)
        names = ("metadata", "tool_resources")
        thread.record = thread.record | {name: body[name] for name in names if body.get(name) is not None}
        return JsonReply(thread.record)

    async def delete(self, request: Request) -> JsonReply:
        """Forget a thread with its messages and runs."""
        key = self._threads.pop(request.args["thread_id"]).key
        return JsonReply({"id": key, "object": "thread.deleted", "deleted": True})

    async def add_message(self, request: Request) -> JsonReply:
        """Add a message."""
        thread = self._thread(request)
        thread.refuse_active("No message can be added to")
        return JsonReply(self.add(thread, await request.json()))

    async def list_messages(self, request: Request) -> JsonReply:
        """Return a page of the messages, newest first unless asked otherwise."""
        run = request.query_value("run_id")
        rows = [one for one in self._thread(request).messages.values() if run in (None, one["run_id"])]
        return JsonReply(page(rows, request))

    async def retrieve_message(self, request: Request) -> JsonReply:
        """Return a message."""
        return JsonReply(self._message(request)[1])

    async def update_message(self, request: Request) -> JsonReply:
        """Replace a message's metadata."""
        thread, message = self._message(request)
        message = message | {"metadata": metadata(await request.json()) or {}}
        thread.messages[str(message["id"])] = message
        return JsonReply(message)

    async def delete_message(self, request: Request) -> JsonReply:
        """Remove a message."""
        thread, message = self._message(request)
        del thread.messages[str(message["id"])]
        return JsonReply({"id": message["id"], "object": "thread.message.deleted", "deleted": True})

    def _thread(self, request: Request) -> Thread:
        return self.get(request.args["thread_id"])

    def _message(self, request: Request) -> tuple[Thread, Json]:
        thread, key = self._thread(request), request.args["message_id"]
        if key not in thread.messages:
            raise Refusal(404, f"The thread {thread.key!r} has no message {key!r}.", code="not_found", param="id")
        return thread, thread.messages[key]


def message_of(thread_id: str, created: int, role: str) -> Json:
    """Return an empty message of a thread, as it is when it is begun."""
    return {
        "id": new_id("msg_"),
        "object": "thread.message",
        "created_at": created,
        "thread_id": thread_id,
        "status": "in_progress",
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": None,
        "role": role,
        "content": list[Json](),
        "assistant_id": None,
        "run_id": None,
        "attachments": list[Json](),
        "metadata": {},
    }
