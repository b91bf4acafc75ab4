"""What the endpoints share: counters, ids, clocks, bounded shelves of objects and their pages; no endpoint's rules here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar
from uuid import uuid4

from .exchange import Json, Refusal, Request, invalid
from .limits import RateLimits

__all__ = ("Shared", "Shelf", "Stats", "new_id", "page")

T = TypeVar("T")


@dataclass
class Stats:
    """Counters of what a stand-in has seen; all of them only grow, but `active_requests`.

    Attributes:
        connections: Connections accepted (0 when another ASGI server runs the application).
        requests: Requests whose head arrived.
        active_requests: Requests being answered now.
        refused: Answers with a status of 400 or more.
        rate_limited: Answers with status 429 among them.
        crashed: Requests that met a defect of the stand-in itself (answered with 500 where that was possible).
        streams: Event streams begun.
        streams_finished: Event streams sent to their end.
        disconnects: Requests whose client went away first, streams left early included.
        tokens: Tokens generated and sent.
    """

    connections: int = 0
    requests: int = 0
    active_requests: int = 0
    refused: int = 0
    rate_limited: int = 0
    crashed: int = 0
    streams: int = 0
    streams_finished: int = 0
    disconnects: int = 0
    tokens: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return the counters by name."""
        return asdict(self)


@dataclass(frozen=True)
class Shared:
    """What every endpoint is given.

    Attributes:
        limits: The rate limits, which every costly request asks.
        stats: The counters.
        now: Seconds since the epoch, for `created` members.
        keep: How many objects of each kind are kept before the oldest is dropped.
        keep_bytes: How many bytes their requests may have had together before the oldest is dropped.
        tool_rounds: How often functions are called before a text comes, where a request leaves that to the model.
        break_off_after: How many events of a response in the background one connection carries; None for all of them.
    """

    limits: RateLimits
    stats: Stats
    now: Callable[[], float] = time.time
    keep: int = 1000
    keep_bytes: int = 64 * 1024 * 1024
    tool_rounds: int = 1
    break_off_after: int | None = None

    def created(self) -> int:
        """Return the time for a `created` member, in whole seconds."""
        return int(self.now())


def new_id(prefix: str) -> str:
    """Return a new object id such as `file-5f0c...`; the prefix brings its own separator."""
    return prefix + uuid4().hex


class Shelf(Generic[T]):
    """Objects by id in the order they came; the oldest go when there are too many, or too large ones.

    Args:
        what: What an object is called in a refusal.
        keep: How many are kept.
        keep_bytes: How large the kept ones may be together; the newest stays whatever its size.
    """

    def __init__(self, what: str, keep: int, keep_bytes: int | None = None) -> None:
        self._what = what
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._items: dict[str, T] = {}
        self._sizes: dict[str, int] = {}
        self._total = 0

    def add(self, key: str, item: T, size: int = 0) -> None:
        """Keep a new object, about `size` bytes large."""
        self._items[key] = item
        self._sizes[key] = size
        self._total += size
        while len(self._items) > self._keep or self._is_heavy():
            self._remove(next(iter(self._items)))

    def replace(self, key: str, item: T) -> None:
        """Put another object in the place of a known one."""
        self._items[key] = item

    def get(self, key: str) -> T:
        """Return an object.

        Raises:
            Refusal: There is none of that id (404).
        """
        try:
            return self._items[key]
        except KeyError:
            raise Refusal(404, f"There is no {self._what} with the id {key!r}.", code="not_found", param="id") from None

    def pop(self, key: str) -> T:
        """Remove an object and return it.

        Raises:
            Refusal: There is none of that id (404).
        """
        item = self.get(key)
        self._remove(key)
        return item

    def values(self) -> Iterable[T]:
        """Return the objects, oldest first."""
        return self._items.values()

    def _is_heavy(self) -> bool:
        return self._keep_bytes is not None and self._total > self._keep_bytes and len(self._items) > 1

    def _remove(self, key: str) -> None:
        del self._items[key]
        self._total -= self._sizes.pop(key)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)


def page(items: Sequence[Json], request: Request, *, limit: int = 20, most: int = 100, order: str = "desc") -> Json:
    """Return one page of a list, as `limit`, `order` and `after` in the query ask for it.

    Args:
        items: Every object, oldest first, each with an `id`.
        request: Whose query is read.
        limit: Page size when the query has none.
        most: Largest page size.
        order: `"asc"` (oldest first) or `"desc"`, when the query has none.

    Raises:
        Refusal: A query parameter is out of range, or `after` names no object of the list.
    """
    size = request.query_int("limit", limit, 1, most)
    wanted = request.query_value("order") or order
    if wanted not in ("asc", "desc"):
        raise invalid("order", f"'order' must be 'asc' or 'desc', not {wanted!r}.")
    rows = list(items) if wanted == "asc" else list(reversed(items))
    after = request.query_value("after")
    if after:
        places = [place for place, row in enumerate(rows) if row["id"] == after]
        if not places:
            raise invalid("after", f"'after' names {after!r}, which is not in this list.")
        rows = rows[places[0] + 1 :]
    data = rows[:size]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(rows) > size,
    }
