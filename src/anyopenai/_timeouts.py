"""`Timeout`: how long each part of a request may take; plain numbers, no clock."""

from __future__ import annotations

from typing import Final

__all__ = ("DEFAULT_TIMEOUT", "Seconds", "Timeout", "timeout_from")


class _Unset:
    """Marks an argument that was not given, where None means "no limit"."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "..."


_UNSET: Final = _Unset()
_FIELDS: Final = ("connect", "read", "write", "pool", "first_event", "idle")


class Timeout:
    """How long each part of a request may take, in seconds; None means no limit.

    A single number sets every field; a keyword replaces one. With a JSON body and a JSON answer the attempt as a whole
    is bounded by the largest of the fields that apply; streams, downloads and file uploads are bounded silence by silence.

    Args:
        timeout: Value of every field that is not named; None for no limit.
        connect: Opening a connection, TLS handshake included.
        read: The longest silence while waiting for the answer or its next bytes.
        write: The longest wait to hand bytes to the network.
        pool: Waiting for a free connection.
        first_event: From the request to the first event of a stream; keep-alive comments do not count.
            Defaults to `read`.
        idle: The longest silence between later reads of a stream; keep-alive comments count as life.
            Defaults to `read`.
    """

    __slots__ = ("connect", "first_event", "idle", "pool", "read", "total", "write")

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None
    first_event: float | None
    idle: float | None
    total: float | None

    def __init__(
        self,
        timeout: float | Timeout | None | _Unset = _UNSET,
        *,
        connect: float | None | _Unset = _UNSET,
        read: float | None | _Unset = _UNSET,
        write: float | None | _Unset = _UNSET,
        pool: float | None | _Unset = _UNSET,
        first_event: float | None | _Unset = _UNSET,
        idle: float | None | _Unset = _UNSET,
    ) -> None:
        fields: dict[str, float | _Unset | None]
        if isinstance(timeout, Timeout):
            base = timeout
            fields = {name: getattr(base, name) for name in _FIELDS}
            total = base.total
        else:
            if isinstance(timeout, _Unset):
                given = (connect, read, write, pool)
                if any(isinstance(value, _Unset) for value in given):
                    raise ValueError(
                        "Timeout() needs a number for every field, or all of connect, read, write and pool; "
                        "write Timeout(60.0) or Timeout(60.0, connect=5.0)"
                    )
                total = None
            else:
                total = _checked("timeout", timeout)
            default = None if isinstance(timeout, _Unset) else timeout
            fields = dict.fromkeys(("connect", "read", "write", "pool"), default)
            fields["first_event"] = fields["idle"] = default if isinstance(read, _Unset) else read
        self.total = total
        self.connect = _checked("connect", fields["connect"] if isinstance(connect, _Unset) else connect)
        self.read = _checked("read", fields["read"] if isinstance(read, _Unset) else read)
        self.write = _checked("write", fields["write"] if isinstance(write, _Unset) else write)
        self.pool = _checked("pool", fields["pool"] if isinstance(pool, _Unset) else pool)
        self.first_event = _checked(
            "first_event", fields["first_event"] if isinstance(first_event, _Unset) else first_event
        )
        self.idle = _checked("idle", fields["idle"] if isinstance(idle, _Unset) else idle)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeout):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__slots__))

    def __repr__(self) -> str:
        fields: dict[str, float | None] = {name: getattr(self, name) for name in _FIELDS}
        if len(set(fields.values())) == 1:
            return f"Timeout(timeout={self.connect})"
        return f"Timeout({', '.join(f'{name}={value}' for name, value in fields.items())})"


class Seconds(Timeout):
    """One number (or None) for every field, as a caller gave it; whoever reads the option back gets the number."""

    __slots__ = ()


def _checked(name: str, value: object) -> float | None:
    """Refuse what is not a time: text, booleans, NaN, negative numbers."""
    if value is None:
        return None
    if isinstance(value, _Unset):
        raise ValueError(f"timeout field {name!r} needs a number of seconds or None")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"timeout field {name!r} must be a number of seconds or None, not {value!r}")
    if value != value or value < 0:
        raise ValueError(f"timeout field {name!r} must be zero or more seconds, not {value!r}")
    return float(value)


def timeout_from(value: object) -> Timeout:
    """Read a timeout as callers give it: a number, None, a `Timeout`, or another library's object of the same shape.

    Raises:
        TypeError: It is none of these.
        ValueError: A number is negative or NaN.
    """
    if isinstance(value, Timeout):
        return value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return Seconds(value)
    if all(hasattr(value, name) for name in ("connect", "read", "write", "pool")):
        return Timeout(
            connect=getattr(value, "connect"),  # noqa: B009 - a foreign object, its attributes unknown to the checkers
            read=getattr(value, "read"),  # noqa: B009
            write=getattr(value, "write"),  # noqa: B009
            pool=getattr(value, "pool"),  # noqa: B009
        )
    raise TypeError(f"timeout must be a number of seconds, None or a Timeout, not {value!r}")


DEFAULT_TIMEOUT: Final = Timeout(600.0, connect=5.0)
"""Ten minutes for an answer, five seconds to connect: what openai-python's users are used to."""
