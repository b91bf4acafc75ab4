"""The marker for "not sent", kept apart so that the codec below the contract can know it; nothing else lives here."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, final

__all__ = ("Omit", "omit")


@final
class Omit:
    """The type of `omit`: an argument that is not sent, where None is sent as null.

    As the value of a header it removes a default header for one request.
    """

    __slots__ = ()
    _instance: ClassVar[Omit | None] = None

    def __new__(cls) -> Omit:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "omit"

    def __reduce__(self) -> tuple[type[Omit], tuple[()]]:
        return Omit, ()


omit: Final = Omit()
"""Says "not sent" for any optional argument."""
