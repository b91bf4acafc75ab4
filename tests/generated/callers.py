"""A caller that carries nothing out: it notes what a namespace asks for, and from which view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anyopenai._contract import Operation
from anyopenai.resources._namespaces import Namespaces


@dataclass
class Call:
    """What a method asked of its caller."""

    operation: Operation[Any]
    paged: bool
    view: str
    path: tuple[str, ...] = ()
    query: dict[str, object] = field(default_factory=dict)
    body: dict[str, object] = field(default_factory=dict)
    headers: dict[str, object] = field(default_factory=dict)
    stream: object = False
    options: dict[str, object] = field(default_factory=dict)


@dataclass
class Opened:
    """What a call through the streaming view gives: something to close."""

    closed: bool = False

    async def aclose(self) -> None:
        self.closed = True


class NotingCaller:
    """Stands for the engine."""

    def __init__(self, calls: list[Call] | None = None, view: str = "plain") -> None:
        self.calls: list[Call] = [] if calls is None else calls
        self.opened: list[Opened] = []
        self._view = view
        self._streamed: NotingCaller | None = None

    @property
    def raw(self) -> NotingCaller:
        return NotingCaller(self.calls, "raw")

    @property
    def streamed(self) -> NotingCaller:
        if self._streamed is None:
            self._streamed = NotingCaller(self.calls, "streamed")
            self._streamed.opened = self.opened
        return self._streamed

    async def call(self, operation: Operation[Any], **asked: Any) -> Any:
        self.calls.append(_noted(operation, False, self._view, asked))
        if self._view == "streamed":
            self.opened.append(Opened())
            return self.opened[-1]
        return operation

    def pages(self, operation: Operation[Any], **asked: Any) -> Any:
        self.calls.append(_noted(operation, True, self._view, asked))
        return _Pages(self)

    async def open(self) -> Opened:
        self.opened.append(Opened())
        return self.opened[-1]


class _Pages:
    def __init__(self, caller: NotingCaller) -> None:
        self._caller = caller

    def __await__(self) -> Any:
        return self._caller.open().__await__()


def _noted(operation: Operation[Any], paged: bool, view: str, asked: dict[str, Any]) -> Call:
    parts = {name: dict(asked[name] or {}) for name in ("query", "body", "headers") if name in asked}
    return Call(
        operation,
        paged,
        view,
        path=asked.get("path", ()),
        stream=asked.get("stream", False),
        options=dict(asked["options"]),
        **parts,
    )


class NotingClient(Namespaces):
    """A client with every namespace and no engine."""

    def __init__(self) -> None:
        self._caller = self.noting = NotingCaller()

    def last(self) -> Call:
        return self.noting.calls[-1]
