"""`openai.lib.streaming` under its own name: what reads runs of assistants; streams of other kinds have a module each, nothing lives here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...streaming import AsyncAssistantEventHandler, AsyncAssistantEventHandlerT, AsyncAssistantStreamManager
    from ...streaming import AsyncAssistantStreamManager as AssistantStreamManager

__all__ = (
    "AssistantStreamManager",
    "AsyncAssistantEventHandler",
    "AsyncAssistantEventHandlerT",
    "AsyncAssistantStreamManager",
)


if not TYPE_CHECKING:
    # Hidden from checkers, for which it would make every name there is. Who imports the module of another kind of
    # streams passes here, and does not need what reads runs.

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ... import streaming

        return getattr(streaming, "AsyncAssistantStreamManager" if name == "AssistantStreamManager" else name)


def __dir__() -> list[str]:
    return list(__all__)
