"""Which event loop another library's connections belong to; no requests here."""

from __future__ import annotations

from anyio.lowlevel import current_token

from ..base import TransportFailure

__all__ = ("HomeLoop",)


class HomeLoop:
    """The event loop that a client's connections belong to: the first one that sends a request.

    Another library's connections cannot be dropped without its help, so a second event loop is refused even when the
    first has ended.

    Args:
        library: Whose client it is, for the message.
        asyncio_only: The library has no trio.
    """

    __slots__ = ("_asyncio_only", "_library", "native")

    def __init__(self, library: str, *, asyncio_only: bool = False) -> None:
        self.native: object = None
        self._library = library
        self._asyncio_only = asyncio_only

    def enter(self) -> None:
        """Check that this is the right event loop.

        Raises:
            TransportFailure: It is not (kind `"loop"`).
        """
        native = current_token().native_token
        if native is self.native:
            return
        if self._asyncio_only and not hasattr(native, "call_soon_threadsafe"):
            raise self._refusal(
                f"{self._library} runs on asyncio only, and this is trio; use an httpx client or the package's own transport"
            )
        if self.native is not None:
            raise self._refusal(
                f"the connections of this {self._library} client belong to another event loop; "
                "make a client for each event loop"
            )
        self.native = native

    @staticmethod
    def _refusal(text: str) -> TransportFailure:
        return TransportFailure(text, kind="loop", phase="pool", sent="none")
