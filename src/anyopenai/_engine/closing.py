"""`Closing`: what everything that users leave has over its `aclose`; how a thing is closed is its own matter."""

from __future__ import annotations

from types import TracebackType
from typing import Self

__all__ = ("Closing",)


class Closing:
    """A thing with an `aclose`, which is an async context manager for that."""

    __slots__ = ()

    async def aclose(self) -> None:
        """Close; safe to repeat, safe when cancelled."""
        raise NotImplementedError

    async def close(self) -> None:
        """Do the same as `aclose`; the name openai-python's users know."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
