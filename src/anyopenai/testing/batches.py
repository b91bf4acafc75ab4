"""`/batches`: records of batches, which the stand-in keeps and does not run, and says so in each record."""

from __future__ import annotations

from .checks import metadata, required
from .exchange import Json, JsonReply, Refusal, Request, Route, invalid
from .files import Files
from .state import Shared, Shelf, new_id, page

__all__ = ("Batches",)

_ENDPOINTS = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
_WINDOW_SECONDS = 24 * 3600
_NOT_RUN = (
    "This is a stand-in: it keeps the record of a batch and does not run it. The status stays validating until the"
    " batch is cancelled or its 24 hours are over."
)


class Batches:
    """Keeps batch records."""

    def __init__(self, shared: Shared, files: Files) -> None:
        self._shared = shared
        self._files = files
        self._batches: Shelf[Json] = Shelf("batch", shared.keep)

    def routes(self) -> list[Route]:
        """Return what this endpoint answers."""
        return [
            ("POST", "/batches", self.create),
            ("GET", "/batches", self.list),
            ("GET", "/batches/{batch_id}", self.retrieve),
            ("POST", "/batches/{batch_id}/cancel", self.cancel),
        ]

    async def create(self, request: Request) -> JsonReply:
        """Keep the record of a batch over an uploaded file."""
        body = await request.json()
        endpoint, window = required(body, "endpoint"), required(body, "completion_window")
        if endpoint not in _ENDPOINTS:
            raise invalid("endpoint", f"'endpoint' must be one of {', '.join(_ENDPOINTS)}, not {endpoint!r}.")
        if window != "24h":
            raise invalid("completion_window", f"'completion_window' must be '24h', not {window!r}.")
        file = self._files.get(str(required(body, "input_file_id")))
        if file["purpose"] != "batch":
            raise invalid("input_file_id", f"The file's purpose is {file['purpose']!r}; it must be 'batch'.")
        created = self._shared.created()
        error: Json = {"code": "not_run", "message": _NOT_RUN, "param": None, "line": None}
        record: Json = {
            "id": new_id("batch_"),
            "object": "batch",
            "endpoint": endpoint,
            "errors": {"object": "list", "data": [error]},
            "input_file_id": file["id"],
            "completion_window": window,
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": created,
            "in_progress_at": None,
            "expires_at": created + _WINDOW_SECONDS,
            "finalizing_at": None,
            "completed_at": None,
            "failed_at": None,
            "expired_at": None,
            "cancelling_at": None,
            "cancelled_at": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": metadata(body),
        }
        self._batches.add(str(record["id"]), record)
        return JsonReply(record)

    async def list(self, request: Request) -> JsonReply:
        """Return a page of the records, newest first."""
        return JsonReply(page([self._current(record) for record in self._batches.values()], request))

    async def retrieve(self, request: Request) -> JsonReply:
        """Return one record."""
        return JsonReply(self._current(self._batches.get(request.args["batch_id"])))

    async def cancel(self, request: Request) -> JsonReply:
        """Cancel a batch that is not over; nothing runs, so it is cancelled at once."""
        record = self._current(self._batches.get(request.args["batch_id"]))
        if record["status"] != "validating":
            raise Refusal(409, f"A batch that is {record['status']} cannot be cancelled.", code="invalid_status")
        now = self._shared.created()
        record.update(status="cancelled", cancelling_at=now, cancelled_at=now)
        return JsonReply(record)

    def _current(self, record: Json) -> Json:
        expires_at = record["expires_at"]
        if record["status"] == "validating" and isinstance(expires_at, int) and expires_at <= self._shared.now():
            record.update(status="expired", expired_at=expires_at)
        return record
