"""What the pool knows of connections and they of it: `Connection`, `SlotOwner`, `Origin`; no sockets and no protocol here."""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote

if TYPE_CHECKING:
    from .base import Trace, WireRequest, WireResponse

__all__ = ("Connection", "Origin", "SlotOwner", "notify")

_log = getLogger("anyopenai")


class Origin(NamedTuple):
    """Whom a connection leads to: connections are shared between requests to the same origin only."""

    scheme: str
    host: str
    port: int

    @property
    def where(self) -> str:
        """Host and port, or a Unix socket's path, as messages show them."""
        if self.scheme == "http+unix":
            return unquote(self.host)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SlotOwner(Protocol):
    """Who lent a connection, and takes it back."""

    def release(self, connection: Connection, *, reusable: bool) -> None:
        """Take back one exchange's share of a connection, and close it unless it is reusable."""
        ...

    def update(self, connection: Connection) -> None:
        """Learn that a shared connection's capacity has changed."""
        ...

    def discard(self, connection: Connection) -> None:
        """Learn that a shared connection is of no more use; its exchanges give back their shares by themselves."""
        ...

    async def tidy(self) -> None:
        """Finish what closing connections left to await; as a rule there is nothing, and it returns at once."""
        ...

    def abandon(self, connection: Connection) -> None:
        """Take back a connection in use, or what a shared one `shed`s, from a finalizer: any thread, any moment."""
        ...


class Connection(Protocol):
    """A connection as the pool holds it. HTTP/1.1 carries one exchange at a time, HTTP/2 many.

    Attributes:
        origin: Whom it leads to.
        shared: It can carry many exchanges at once, and stays when one of them is given up.
        settled: Its capacity is final as far as anybody knows; a new shared connection carries one until then.
        capacity: Exchanges it can carry at once; may change while it lives, and is 0 once it takes no more.
        active: Exchanges it carries now; kept by the pool.
        idle_since: When it became idle, on the pool's clock; kept by the pool.
    """

    origin: Origin
    shared: bool
    settled: bool
    capacity: int
    active: int
    idle_since: float

    @property
    def answering(self) -> bool:
        """Whether any byte of the last exchange's answer has arrived."""
        ...

    async def exchange(self, request: WireRequest, owner: SlotOwner) -> WireResponse:
        """Carry out one exchange up to the answer's head; gives itself back to its owner, whatever happens."""
        ...

    def is_stale(self) -> bool:
        """Tell whether an idle connection has ended meanwhile."""
        ...

    def shed(self) -> None:
        """End the exchanges that finalizers gave up, on a shared connection."""
        ...

    def close(self) -> bool:
        """Close at once, from the event loop's own thread; False if `aclose` must still be awaited."""
        ...

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        ...

    async def aclose(self) -> None:
        """Finish what `close` could not; bounded, and safe when cancelled."""
        ...


def notify(trace: Trace, name: str, facts: Mapping[str, object]) -> None:
    """Tell an observer; what it raises is logged and does not disturb the exchange."""
    try:
        trace(name, facts)
    except Exception:
        _log.exception("a trace observer failed on %r", name)
