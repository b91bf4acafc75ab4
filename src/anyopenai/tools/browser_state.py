"""What drivers of browsers report, what policies are asked, and how both refuse; what is permitted in reports is checked elsewhere."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

__all__ = (
    "BrowserCancelledError",
    "BrowserConfirmContext",
    "BrowserDialogDismissed",
    "BrowserDownload",
    "BrowserError",
    "BrowserFileCompleted",
    "BrowserFileInterrupted",
    "BrowserFileOutcome",
    "BrowserFileRefused",
    "BrowserFileUnknown",
    "BrowserNavigationRefused",
    "BrowserObservationV1",
    "BrowserReadConfirmContext",
    "BrowserReadElement",
    "BrowserReadOption",
    "BrowserReadScope",
    "BrowserReadV1",
    "BrowserReportError",
    "BrowserScopedReadV1",
    "BrowserState",
    "BrowserStateChange",
    "BrowserTab",
    "BrowserTabChange",
    "ReadOmission",
    "ReadRole",
)


class BrowserError(Exception):
    """Something that did not work or was refused, in words for the model: the text is sent as it is.

    Drivers and policies raise it. The text of any other exception stays here.
    """


class BrowserCancelledError(RuntimeError):
    """A call ended before there was an output, as the application asked for; drivers may raise it as well."""


class BrowserReportError(RuntimeError):
    """A driver reported something that cannot be sent to a model: the driver needs to be corrected."""


# What drivers report.


class BrowserTab(TypedDict):
    """One tab. Of its URL a model sees the scheme and the host."""

    id: str
    title: str
    url: str
    active: bool


class BrowserTabChange(TypedDict):
    """A tab came, went, moved to the front, or has another page."""

    type: Literal["tab_opened", "tab_closed", "tab_switched", "navigation"]
    sequence: int
    tab_id: str


class BrowserNavigationRefused(TypedDict):
    """A page was not opened."""

    type: Literal["navigation_refused"]
    sequence: int
    tab_id: str | None
    reason: Literal["policy", "unsupported"]


class BrowserDialogDismissed(TypedDict):
    """A page asked something in a dialog, which was dismissed."""

    type: Literal["dialog_dismissed"]
    sequence: int
    tab_id: str
    kind: Literal["alert", "confirm", "prompt", "beforeunload", "other"]


class BrowserDownload(TypedDict):
    """A page sent a file."""

    type: Literal["download"]
    sequence: int
    tab_id: str | None
    status: Literal["blocked", "started", "completed", "failed"]


BrowserStateChange: TypeAlias = BrowserTabChange | BrowserNavigationRefused | BrowserDialogDismissed | BrowserDownload


class BrowserObservationV1(TypedDict):
    """What happened in a browser by itself, as far as the driver kept it; reading it does not use it up.

    Attributes:
        version: 1.
        sequence: The number of the last change; numbers begin at 1 and have no gaps.
        dropped_changes: How many changes, the first ones, are not in `changes` any more.
        title_truncated: Whether the title of a tab was cut.
        changes: The changes, the last one at the end.
    """

    version: Literal[1]
    sequence: int
    dropped_changes: int
    title_truncated: bool
    changes: list[BrowserStateChange]


class BrowserState(TypedDict):
    """The tabs, one of them active if there are any, and what happened if the driver observes it."""

    tabs: list[BrowserTab]
    observation: NotRequired[BrowserObservationV1]


ReadRole: TypeAlias = Literal["button", "textbox", "combobox", "checkbox", "radio", "slider", "listbox"]

ReadOmission: TypeAlias = Literal[
    "report_limit",
    "text_limit",
    "target_limit",
    "work_limit",
    "frame_limit",
    "unsupported_root",
    "unsupported_control",
    "remote_action",
    "private",
    "value",
    "name_limit",
]


class BrowserReadOption(TypedDict):
    """An option of a list; `selected` is known for list boxes."""

    label: str
    value: str
    selected: NotRequired[bool]


class BrowserReadElement(TypedDict):
    """Something that can be used on a page. `ref` is what actions take as their target; `checked` is for boxes."""

    ref: str
    role: ReadRole
    label: str
    value: NotRequired[str]
    options: NotRequired[list[BrowserReadOption]]
    checked: NotRequired[bool]


class BrowserReadV1(TypedDict):
    """A page as read: its text, what can be used on it, and why something was left out.

    The driver decides what a reference means and what is private.
    """

    version: Literal[1]
    text: str
    elements: list[BrowserReadElement]
    omitted: list[ReadOmission]


class BrowserReadScope(TypedDict):
    """A part of a page that can be read by itself; no target of actions."""

    ref: str
    label: str


class BrowserScopedReadV1(BrowserReadV1):
    """A part of a page as read, with the parts in it that can be read further."""

    scopes: list[BrowserReadScope]


_Cleanup: TypeAlias = Literal["not_started", "pending", "completed"]


class BrowserFileCompleted(TypedDict):
    """The file was passed on."""

    version: Literal[1]
    status: Literal["completed"]
    effect: Literal["completed"]
    cleanup: _Cleanup


class BrowserFileRefused(TypedDict):
    """The file was not touched."""

    version: Literal[1]
    status: Literal["refused"]
    effect: Literal["none"]
    cleanup: _Cleanup


class BrowserFileUnknown(TypedDict):
    """Nobody knows what became of the file."""

    version: Literal[1]
    status: Literal["unknown"]
    effect: Literal["unknown"]
    cleanup: _Cleanup


class BrowserFileInterrupted(TypedDict):
    """Passing the file on was interrupted."""

    version: Literal[1]
    status: Literal["interrupted"]
    effect: Literal["none", "unknown"]
    cleanup: _Cleanup


BrowserFileOutcome: TypeAlias = BrowserFileCompleted | BrowserFileRefused | BrowserFileUnknown | BrowserFileInterrupted


# What policies are asked.


class BrowserConfirmContext(TypedDict):
    """An action to approve. What is approved are these arguments: the page may have changed since `state` was seen.

    Attributes:
        member: The action.
        arguments: What the driver will be given.
        state: The tabs as they were a moment ago.
        call_id: The model's call.
    """

    member: str
    arguments: dict[str, object]
    state: BrowserState
    call_id: str


class BrowserReadConfirmContext(TypedDict):
    """A read to approve, before anything was read: not even the tabs are known."""

    member: str
    arguments: dict[str, object]
    state: None
    call_id: str
    phase: Literal["before_read"]
