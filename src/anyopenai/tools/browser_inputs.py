"""What models ask of a browser: the inputs of a driver's methods; which values are permitted is checked elsewhere."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

__all__ = (
    "BrowserFileInput",
    "BrowserPoint",
    "ClickAtInput",
    "ClickInput",
    "DragPathInput",
    "FindInput",
    "HoldKeysInput",
    "HoverAtInput",
    "KeyInput",
    "NavigateInput",
    "NewTabInput",
    "ReadDiagnosticsInput",
    "ReadPageInput",
    "ReadPageScopedInput",
    "RunScriptInput",
    "ScrollInput",
    "SelectOptionInput",
    "SetCheckedInput",
    "TabInput",
    "TypeInput",
    "WaitForInput",
    "ZoomInput",
)


_Modifier: TypeAlias = Literal["Control", "Alt", "Meta", "Shift"]


class TabInput(TypedDict):
    """A tab; None is the one in front."""

    tab_id: str | None


class NavigateInput(TabInput):
    """Where to go."""

    url: str


class NewTabInput(TypedDict):
    """What to open; None is an empty tab."""

    url: str | None


class ReadPageInput(TabInput):
    """Which elements to read."""

    filter: Literal["all", "interactive"]


class ReadPageScopedInput(ReadPageInput):
    """Which part of a page to read, by a reference out of `scopes`, and how deep; None begins at the top."""

    root: str | None
    depth: int


class FindInput(TabInput):
    """What to look for."""

    query: str


class ClickInput(TabInput):
    """The reference of an element."""

    target: str


class TypeInput(TabInput):
    """A text, and the element to fill; None types where the focus is."""

    text: str
    target: str | None


class KeyInput(TabInput):
    """Keys to press together."""

    keys: list[str]


class ScrollInput(TabInput):
    """Where to scroll and how far."""

    direction: Literal["up", "down", "left", "right"]
    amount: int


class SelectOptionInput(TabInput):
    """An element with options, and the values to select."""

    target: str
    values: list[str]


class SetCheckedInput(TabInput):
    """A box, and whether it is to be checked."""

    target: str
    checked: bool


class WaitForInput(TabInput):
    """A text to wait for, and for how many milliseconds at most."""

    text: str
    timeout_ms: int


class ZoomInput(TabInput):
    """A part of the screenshot: left, top, right, bottom, in pixels of the whole."""

    region: list[int]


class HoverAtInput(TabInput):
    """A point in pixels of the screenshot."""

    x: int
    y: int


class ClickAtInput(HoverAtInput):
    """A point, a button, how often, and the modifiers held meanwhile."""

    button: Literal["left", "right", "middle"]
    click_count: Literal[1, 2, 3]
    keys: list[_Modifier]


class BrowserPoint(TypedDict):
    """A point in pixels of the screenshot."""

    x: int
    y: int


class DragPathInput(TabInput):
    """A path to drag along, and the modifiers held meanwhile."""

    path: list[BrowserPoint]
    keys: list[_Modifier]


class HoldKeysInput(TabInput):
    """Keys to hold, and for how many milliseconds."""

    keys: list[str]
    duration_ms: int


class ReadDiagnosticsInput(TabInput):
    """Which messages to read, and how many at most."""

    source: Literal["console", "network"]
    limit: int


class RunScriptInput(TabInput):
    """A script, and how many milliseconds it may take."""

    source: str
    timeout_ms: int


class BrowserFileInput(TypedDict):
    """A grant that the application issued for one file; the model never sees a path."""

    grant_id: str
