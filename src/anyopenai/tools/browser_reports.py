"""Reports of drivers, checked before a model sees them: tabs, pages, pictures, files; asking for them is done elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, cast

import msgspec

from .._sansio.urls import parse_url
from .browser_fields import Whole, is_text
from .browser_state import (
    BrowserDialogDismissed,
    BrowserDownload,
    BrowserFileCompleted,
    BrowserFileInterrupted,
    BrowserFileOutcome,
    BrowserFileRefused,
    BrowserFileUnknown,
    BrowserNavigationRefused,
    BrowserObservationV1,
    BrowserReadElement,
    BrowserReadV1,
    BrowserReportError,
    BrowserScopedReadV1,
    BrowserState,
    BrowserStateChange,
    BrowserTab,
    BrowserTabChange,
)

if TYPE_CHECKING:
    from ..types.responses.response_input_image_content_param import ResponseInputImageContentParam
    from .browser_members import Result

__all__ = ("checked_image", "checked_result", "checked_state", "origin_of")

T = TypeVar("T")

# Bytes in UTF-8. Names and values are there to be told apart by a model, not to carry documents.
_MAX_TAB_ID: Final = 128
_MAX_REF: Final = 256
_MAX_LABEL: Final = 256
_MAX_VALUE: Final = 512

_COUNT: Final = Whole()
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY: Final = re.compile(r"[A-Za-z]+://([^/?#\\]*)")

_CHANGES: Final[Mapping[str, type]] = {
    **dict.fromkeys(("tab_opened", "tab_closed", "tab_switched", "navigation"), BrowserTabChange),
    "navigation_refused": BrowserNavigationRefused,
    "dialog_dismissed": BrowserDialogDismissed,
    "download": BrowserDownload,
}
_OUTCOMES: Final[Mapping[str, type[BrowserFileOutcome]]] = {
    "completed": BrowserFileCompleted,
    "refused": BrowserFileRefused,
    "unknown": BrowserFileUnknown,
    "interrupted": BrowserFileInterrupted,
}


class _Observation(TypedDict):
    """An observation whose changes are still to be read: which kind each is, is said by its type."""

    version: int
    sequence: int
    dropped_changes: int
    title_truncated: bool
    changes: list[dict[str, object]]


def checked_state(value: object) -> BrowserState:
    """Return what a driver says of its tabs, with the members that are known, and of URLs what a model may see.

    Raises:
        BrowserReportError: It is not a state that can be.
    """
    what = "Browser state report failed"
    given = _mapping(what, value)
    tabs = _converted(what, given.get("tabs"), list[BrowserTab])
    if len({tab["id"] for tab in tabs}) < len(tabs):
        raise BrowserReportError(f"{what}: two tabs have the same id")
    if tabs and sum(tab["active"] for tab in tabs) != 1:
        raise BrowserReportError(f"{what}: one tab must be active")
    for tab in tabs:
        try:
            tab["url"] = origin_of(tab["url"])
        except ValueError as error:
            raise BrowserReportError(f"{what}: the url of tab {tab['id'][:40]!r} cannot be read") from error
    state = BrowserState(tabs=tabs)
    if "observation" in given:
        for tab in tabs:
            _demand(what, "the id of a tab", tab["id"], _MAX_TAB_ID)
        state["observation"] = _checked_observation(what, given["observation"])
    return state


def origin_of(url: str) -> str:
    """Return what of a URL a model sees: scheme, host and port; of other schemes than http and https the scheme.

    Paths, queries and credentials may hold secrets of the person whose browser it is.

    Raises:
        ValueError: It is not an absolute URL.
    """
    if url == "about:blank":
        return url
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ValueError("the URL has no scheme")
    name = scheme[1].lower()
    if name not in ("http", "https"):
        return f"{name}:"
    authority = _AUTHORITY.match(url)
    if authority is None:
        raise ValueError("the URL has no host")
    host = authority[1].rpartition("@")[2]
    return f"{name}://{parse_url(f'{name}://{host}/').authority}"


def checked_result(kind: Result, value: object) -> object:
    """Return what a driver's method gave, as it is told to the model.

    Raises:
        BrowserReportError: It is nothing that such a method gives.
    """
    if kind == "file":
        return _checked_outcome(value)
    if kind == "script":
        if not is_text(value):
            raise BrowserReportError("Browser script result failed: run_script must return text in valid Unicode")
        return value
    if kind in ("scoped", "diagnostics"):
        return _checked_read(kind, value)
    if value is None or isinstance(value, str):
        return value
    if kind in ("read", "page_text"):
        return _checked_read(kind, value)
    raise BrowserReportError(f"Browser actions must return a string or None, not {type(value).__name__}")


def checked_image(value: object) -> ResponseInputImageContentParam:
    """Return what a driver took as a picture.

    Raises:
        BrowserReportError: It is no picture.
    """
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        places = [place for name in ("image_url", "file_id") if (place := given.get(name)) is not None]
        if (
            given.get("type") == "input_image"
            and given.keys() <= {"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"}
            and places
            and all(isinstance(place, str) and place.strip() for place in places)
            and given.get("detail") in (None, "low", "high", "auto", "original")
            and given.get("prompt_cache_breakpoint") in (None, {"mode": "explicit"})
        ):
            return cast("ResponseInputImageContentParam", dict(given))
    raise BrowserReportError("Browser pictures must be an input_image with at least one of image_url and file_id")


def _checked_observation(what: str, value: object) -> BrowserObservationV1:
    given = _converted(what, value, _Observation)
    # No change is missing but the first ones that were dropped, so that a model knows what it has not seen.
    expected = range(given["dropped_changes"] + 1, given["sequence"] + 1)
    if (
        given["version"] != 1
        or not _COUNT.accepts(given["sequence"])
        or not _COUNT.accepts(given["dropped_changes"])
        or given["dropped_changes"] > given["sequence"]
        or [change.get("sequence") for change in given["changes"]] != list(expected[: len(given["changes"]) + 1])
    ):
        raise BrowserReportError(
            f"{what}: an observation has version 1, and its changes are numbered from dropped_changes + 1 up to sequence"
        )
    changes: list[BrowserStateChange] = []
    for change in given["changes"]:
        kind = _CHANGES.get(str(change.get("type")))
        if kind is None:
            raise BrowserReportError(f"{what}: a change has a type that is not known")
        changes.append(cast("BrowserStateChange", _converted(what, change, kind)))
        if (tab := changes[-1]["tab_id"]) is not None:
            _demand(what, "the tab_id of a change", tab, _MAX_TAB_ID)
    return {
        "version": 1,
        "sequence": given["sequence"],
        "dropped_changes": given["dropped_changes"],
        "title_truncated": given["title_truncated"],
        "changes": changes,
    }


def _checked_read(kind: Result, value: object) -> BrowserReadV1:
    what = "Browser read report failed"
    report: BrowserReadV1 = _converted(what, value, BrowserScopedReadV1 if kind == "scoped" else BrowserReadV1)
    if not is_text(report["text"]):
        raise BrowserReportError(f"{what}: text is not valid Unicode")
    if kind in ("page_text", "diagnostics") and report["elements"]:
        raise BrowserReportError(f"{what}: a read of text alone must report no elements")
    _demand_different(what, "reasons in omitted", report["omitted"])
    for element in report["elements"]:
        _check_element(what, element)
    refs = [element["ref"] for element in report["elements"]]
    if kind == "scoped":
        for scope in cast("BrowserScopedReadV1", report)["scopes"]:
            _demand(what, "the ref of a scope", scope["ref"], _MAX_REF)
            _demand(what, "the label of a scope", scope["label"], _MAX_LABEL)
            refs.append(scope["ref"])
    _demand_different(what, "references", refs)
    return report


def _check_element(what: str, element: BrowserReadElement) -> None:
    """Check one element, and take away what its role does not have."""
    _demand(what, "the ref of an element", element["ref"], _MAX_REF)
    _demand(what, "the label of an element", element["label"], _MAX_LABEL)
    _demand(what, "the value of an element", element.get("value", ""), _MAX_VALUE, minimum=0)
    if element["role"] not in ("checkbox", "radio"):
        element.pop("checked", None)
    for option in element.get("options", ()):
        _demand(what, "the label of an option", option["label"], _MAX_LABEL)
        _demand(what, "the value of an option", option["value"], _MAX_VALUE, minimum=0)
        if element["role"] != "listbox":
            option.pop("selected", None)


def _checked_outcome(value: object) -> BrowserFileOutcome:
    what = "Browser file result failed"
    given = _mapping(what, value)
    kind = _OUTCOMES.get(str(given.get("status")))
    if kind is None or given.keys() != kind.__annotations__.keys():
        raise BrowserReportError(f"{what}: return a BrowserFileOutcome with its members and no others")
    return _converted(what, given, kind)


def _mapping(what: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BrowserReportError(f"{what}: expected a mapping, got {type(value).__name__}")
    return cast("Mapping[str, object]", value)


def _converted(what: str, value: object, kind: type[T]) -> T:
    """Build a type out of plain values; what it does not declare is left out, what does not fit is refused."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        # Says which kinds of values were expected and found, and where, but no value.
        raise BrowserReportError(f"{what}: {error}") from error


def _demand(what: str, name: str, value: str, maximum: int, minimum: int = 1) -> None:
    if not is_text(value, minimum, maximum):
        raise BrowserReportError(f"{what}: {name} must be text of {minimum} to {maximum} bytes")


def _demand_different(what: str, name: str, values: Iterable[str]) -> None:
    listed = list(values)
    if len(set(listed)) < len(listed):
        raise BrowserReportError(f"{what}: {name} must be different from one another")
