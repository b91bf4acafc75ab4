"""What is known of one origin: its connections with room, those being opened, and who waits for them; no limits here."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from anyio import CancelScope, Event, current_time

from .base import TransportFailure
from .waiting import Alarm, Flag

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .connection import Connection, Origin
    from .waiting import Loop

__all__ = ("NEARLY_FULL", "Opening", "Site", "Waiter")

NEARLY_FULL: Final = 0.8
"""A further connection is opened when so much of what a server allows on the others is taken.

The request that does so pays for the handshake, and those after it find room.
"""


class Opening:
    """Holds the slot of a connection that is being opened.

    Attributes:
        origin: Whom it will lead to.
    """

    __slots__ = ("origin",)

    def __init__(self, origin: Origin) -> None:
        self.origin: Origin = origin


class Waiter:
    """One request in line.

    Attributes:
        origin: Whom it needs a connection to.
        fresh: No kept connection will do.
        connect: How long it would wait for a connection to be opened, in seconds.
        gift: What it was given: a connection, or the slot for a new one.
        failure: Why there is nothing to give.
        listed: It also stands in the line for slots, of whichever origin.
        event: Set when there is a gift, or when there will never be one.
    """

    __slots__ = ("_loop", "connect", "event", "failure", "fresh", "gift", "listed", "origin")

    def __init__(self, origin: Origin, *, fresh: bool, connect: float | None = None, loop: Loop | None = None) -> None:
        self.origin: Origin = origin
        self.fresh: bool = fresh
        self.connect: float | None = connect
        self.gift: Connection | Opening | None = None
        self.failure: TransportFailure | None = None
        self.listed: bool = False
        self.event: Event | Flag = Event() if loop is None else Flag(loop)
        self._loop = loop

    def limit(self, seconds: float) -> AbstractContextManager[object]:
        """Return what to wait in: it ends the wait after so many seconds."""
        if self._loop is None:
            return CancelScope(deadline=current_time() + seconds)
        # Tens of thousands may stand in line: the collector walks all that each of them keeps, again and again.
        return Alarm(self._loop, self.event.set, seconds)

    def own_failure(self) -> TransportFailure:
        """Return the failure for this request alone: others that waited for the same connection have one of their own."""
        failure = self.failure
        assert failure is not None
        return TransportFailure(
            failure.message,
            kind=failure.kind,
            phase=failure.phase,
            sent="none",
            proxy=failure.proxy,
            proxy_status=failure.proxy_status,
        )


class Site:
    """What is known of one origin.

    Attributes:
        shares: Its connections carry many exchanges; None while that is not known.
        room: What the last one that said so carries.
        pending: Slots of connections that are being opened, or have not said yet how much they carry.
        roomy: Connections with room; the last one is the one to use next.
        line: Everybody who waits for this origin, the first first.
        unlisted: How many of them wait for what comes of the pending ones, rather than for a slot.
    """

    __slots__ = ("line", "pending", "room", "roomy", "shares", "unlisted")

    def __init__(self, *, shares: bool | None) -> None:
        self.shares: bool | None = shares
        self.room: int = 0
        self.pending: set[Connection | Opening] = set()
        self.roomy: OrderedDict[Connection, None] = OrderedDict()
        self.line: OrderedDict[Waiter, None] = OrderedDict()
        self.unlisted: int = 0

    def may_open(self, spare: int) -> bool:
        """Tell whether a further connection makes sense, rather than waiting for what comes of the pending ones.

        Args:
            spare: How many more exchanges the pool allows at once.
        """
        if self.shares is False or not self.pending:
            return True
        return self.room > 0 and len(self.pending) * self.room <= min(self.unlisted, spare)
