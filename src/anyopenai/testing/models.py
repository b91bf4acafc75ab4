"""`/models`, and which model names the stand-in takes; every name answers from the same words."""

from __future__ import annotations

from .checks import required
from .exchange import Json, JsonReply, Refusal, Request, Route, invalid
from .state import Shared

__all__ = ("Models",)

_OWNER = "anyopenai-stand-in"

# The day this list was made, 2026-01-01; models of the API carry the day they appeared.
_CREATED = 1_767_225_600

_LISTED = (
    "stand-in-chat",
    "stand-in-instruct",
    "stand-in-embedding-small",
    "stand-in-embedding-large",
    "stand-in-moderation",
)

# Vector sizes: our own ids, and the API's by its reference; other names get the smaller size and may ask for any.
_DIMENSIONS = {
    "stand-in-embedding-small": 1536,
    "stand-in-embedding-large": 3072,
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}


class Models:
    """The list of models, and the check of the `model` member.

    Args:
        shared: What the endpoints share.
        strict: Refuse names that are not listed, as the API does; otherwise any name is taken.
    """

    def __init__(self, shared: Shared, strict: bool) -> None:
        self._shared = shared
        self._strict = strict

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [
            ("GET", "/models", self.list),
            ("GET", "/models/{model}", self.retrieve),
            ("DELETE", "/models/{model}", self.delete),
        ]

    def named(self, body: Json) -> str:
        """Return the `model` of a request.

        Raises:
            Refusal: It is missing (400), or not one the stand-in takes (404).
        """
        name = required(body, "model")
        if not isinstance(name, str) or not name:
            raise invalid("model", "'model' must be a model's name.", "invalid_type")
        self.check(name)
        return name

    def check(self, name: str) -> None:
        """Refuse a name that is not listed, if the server is strict about it.

        Raises:
            Refusal: 404.
        """
        if self._strict:
            _listed(name)

    def dimensions(self, name: str) -> int | None:
        """Return the length of a model's vectors; None for names that have no fixed one."""
        return _DIMENSIONS.get(name)

    async def list(self, request: Request) -> JsonReply:
        """Return the stand-in's own ids; other names are taken too, unless the server is strict."""
        del request
        return JsonReply({"object": "list", "data": [_model(name) for name in _LISTED]})

    async def retrieve(self, request: Request) -> JsonReply:
        """Return one model of the list; a name that other endpoints take is not yet a model."""
        return JsonReply(_listed(request.args["model"]))

    async def delete(self, request: Request) -> JsonReply:
        """Refuse: only models that a caller has fine-tuned can be deleted, and the stand-in tunes none."""
        name = request.args["model"]
        _listed(name)
        raise Refusal(403, f"The model {name!r} is not yours to delete.", code="permission_denied", param="model")


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": _OWNER}


def _listed(name: str) -> Json:
    """Return a model of the list.

    Raises:
        Refusal: It is not one (404).
    """
    if name not in _LISTED:
        raise Refusal(
            404,
            f"There is no model {name!r} here; this stand-in lists {', '.join(_LISTED)}.",
            code="model_not_found",
            param="model",
        )
    return _model(name)
