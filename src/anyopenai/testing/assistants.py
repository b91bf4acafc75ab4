"""`/assistants`: what a run is told to be, kept and changed; threads and runs are elsewhere."""

from __future__ import annotations

from .checks import metadata, number, text
from .exchange import Json, JsonReply, Request, Route
from .models import Models
from .state import Shared, Shelf, new_id, page
from .tools import tools_from_body

__all__ = ("Assistants",)

_MEMBERS = ("name", "description", "instructions", "tool_resources", "response_format", "reasoning_effort")


class Assistants:
    """Keeps assistants."""

    def __init__(self, shared: Shared, models: Models) -> None:
        self._shared = shared
        self._models = models
        self._assistants: Shelf[Json] = Shelf("assistant", shared.keep, shared.keep_bytes)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        one = "/assistants/{assistant_id}"
        return [
            ("POST", "/assistants", self.create),
            ("GET", "/assistants", self.list),
            ("GET", one, self.retrieve),
            ("POST", one, self.update),
            ("DELETE", one, self.delete),
        ]

    def get(self, key: str) -> Json:
        """Return an assistant.

        Raises:
            Refusal: There is none of that id (404).
        """
        return self._assistants.get(key)

    async def create(self, request: Request) -> JsonReply:
        """Keep a new assistant."""
        body = await request.json()
        self._models.named(body)
        key = new_id("asst_")
        blank: Json = {
            "id": key,
            "object": "assistant",
            "created_at": self._shared.created(),
            "name": None,
            "description": None,
            "instructions": None,
            "tools": [],
            "tool_resources": {},
            "metadata": {},
            "temperature": 1.0,
            "top_p": 1.0,
            "response_format": "auto",
        }
        assistant = _changed(blank, body)
        self._assistants.add(key, assistant, request.size)
        return JsonReply(assistant)

    async def list(self, request: Request) -> JsonReply:
        """Return a page of the assistants, newest first unless asked otherwise."""
        return JsonReply(page(list(self._assistants.values()), request))

    async def retrieve(self, request: Request) -> JsonReply:
        """Return an assistant."""
        return JsonReply(self.get(request.args["assistant_id"]))

    async def update(self, request: Request) -> JsonReply:
        """Change an assistant: the members that are given."""
        key = request.args["assistant_id"]
        assistant = _changed(self.get(key), await request.json())
        self._assistants.replace(key, assistant)
        return JsonReply(assistant)

    async def delete(self, request: Request) -> JsonReply:
        """Forget an assistant."""
        key = request.args["assistant_id"]
        self._assistants.pop(key)
        return JsonReply({"id": key, "object": "assistant.deleted", "deleted": True})


def _changed(assistant: Json, body: Json) -> Json:
    """Return an assistant with the members of a body.

    Raises:
        Refusal: A member is not one that the API takes.
    """
    tools_from_body(body, flat=False)
    number(body, "temperature", 0, 2)
    number(body, "top_p", 0, 1)
    for name in ("model", "name", "description", "instructions"):
        text(body, name)
    metadata(body)
    names = (*_MEMBERS, "model", "tools", "temperature", "top_p", "metadata")
    return assistant | {name: body[name] for name in names if body.get(name) is not None}
