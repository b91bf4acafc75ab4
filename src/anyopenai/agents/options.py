"""`SessionOptions`: the options of one helper call as options of the several requests it makes; nothing is sent here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from anyio import current_time

from .._engine.prepare import checked_deadline

if TYPE_CHECKING:
    from .._contract import RequestOptions

__all__ = ("SessionOptions",)

_KEY = "idempotency-key"


class SessionOptions:
    """What a user gave for a helper, for each of its requests.

    `deadline` bounds all of them together, from the first one on; the others hold for each. A key for idempotence and
    members for the body belong to the one request that the user means, the first that is sent with a body.

    Args:
        given: What the user gave.

    Raises:
        TypeError: The deadline is no number.
        ValueError: It is negative.
    """

    __slots__ = ("_deadline", "_due", "_first", "_shared")

    def __init__(self, given: RequestOptions) -> None:
        shared = dict(given)
        first: dict[str, object] = {
            name: shared.pop(name) for name in ("idempotency_key", "extra_body") if name in shared
        }
        headers = given.get("extra_headers")
        if headers:
            own = {name: value for name, value in headers.items() if name.lower() == _KEY}
            if own:
                shared["extra_headers"] = {name: value for name, value in headers.items() if name.lower() != _KEY}
                first["extra_headers"] = headers
        self._deadline = checked_deadline(shared.get("deadline"))
        self._shared = shared
        self._first = first
        self._due: float | None = None

    def start(self) -> None:
        """Let the deadline run."""
        if self._deadline is not None:
            self._due = current_time() + self._deadline

    def remaining(self) -> float | None:
        """Return how long what is left may take, in seconds; None for as long as it likes."""
        return None if self._due is None else max(0.0, self._due - current_time())

    def plain(self) -> RequestOptions:
        """Return the options of a request that is none of the user's own."""
        options = dict(self._shared)
        remaining = self.remaining()
        if remaining is not None:
            options["deadline"] = remaining
        return cast("RequestOptions", options)

    def each(self) -> RequestOptions:
        """Return the options of one of several requests of the same kind; a key would make them one."""
        body = {name: value for name, value in self._first.items() if name == "extra_body"}
        return cast("RequestOptions", {**self.plain(), **body})

    def first(self) -> RequestOptions:
        """Return the options of the request that the user means."""
        return cast("RequestOptions", {**self.plain(), **self._first})

    def keyed(self, key: str) -> RequestOptions:
        """Return the options of a request that has a key of its own."""
        return cast("RequestOptions", {**self.plain(), "idempotency_key": key})
