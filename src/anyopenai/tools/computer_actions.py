"""Computer calls as the model made them, checked: which actions are well formed, which outputs may go back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from ..types.responses.computer_action import (
    Click,
    ComputerAction,
    DoubleClick,
    Drag,
    DragPath,
    Keypress,
    Move,
    Screenshot,
    Scroll,
    Type,
    Wait,
)
from ..types.responses.response import Response
from ..types.responses.response_computer_tool_call import PendingSafetyCheck, ResponseComputerToolCall
from ..types.responses.response_computer_tool_call_output_screenshot_param import (
    ResponseComputerToolCallOutputScreenshotParam,
)

__all__ = (
    "ComputerActionInput",
    "ComputerUseError",
    "checked_actions",
    "checked_safety_checks",
    "checked_screenshot",
    "is_well_formed",
)

ComputerActionInput: TypeAlias = ComputerAction
"""What `before_action` is asked about: an action of a call, or the screenshot that follows the last one."""


class ComputerUseError(RuntimeError):
    """A run of the computer tool ended before it was complete.

    Attributes:
        response: The last response of the model, for whoever wants to look; None before the first.
    """

    def __init__(self, message: str, response: Response | None = None) -> None:
        super().__init__(message)
        self.response: Response | None = response


def _is_int(value: object) -> bool:
    # A bool is an int to isinstance.
    return type(value) is int


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))


def _is_keys(value: object) -> bool:
    return value is None or _is_texts(value)


def _is_button(value: object) -> bool:
    return value in ("left", "right", "wheel", "back", "forward")


def _is_path(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, DragPath) and _is_int(point.x) and _is_int(point.y) for point in cast("list[object]", value)
    )


_POINT: Final = {"x": _is_int, "y": _is_int, "keys": _is_keys}
# Answers are read leniently: a member may be absent or of another kind, which an action must not be.
_MEMBERS: Final[Mapping[type, Mapping[str, Callable[[object], bool]]]] = {
    Click: {"button": _is_button, **_POINT},
    DoubleClick: _POINT,
    Drag: {"path": _is_path, "keys": _is_keys},
    Keypress: {"keys": _is_texts},
    Move: _POINT,
    Screenshot: {},
    Scroll: {"scroll_x": _is_int, "scroll_y": _is_int, **_POINT},
    Type: {"text": _is_text},
    Wait: {},
}


def is_well_formed(action: object) -> bool:
    """Tell whether something is an action of a known kind whose members have the types that the API promises."""
    members = _MEMBERS.get(type(action))
    return members is not None and all(fits(getattr(action, name)) for name, fits in members.items())


def checked_actions(call: ResponseComputerToolCall, response: Response | None = None) -> list[ComputerAction]:
    """Return what a call asks for, in order, each action a copy; nothing is done for a call that is partly wrong.

    Raises:
        ComputerUseError: The call is not complete, has no action, has both `action` and `actions`, or one of them is
            not well formed.
    """
    if not _is_text(call.call_id):
        raise ComputerUseError("Computer call has no call_id that an output could name", response)
    if call.status != "completed":
        raise ComputerUseError(f"Computer call did not complete: its status is {call.status!r}", response)
    given: list[object] = [value for name in ("action", "actions") if (value := getattr(call, name)) is not None]
    if len(given) != 1:
        raise ComputerUseError("Computer call requires exactly one of action or actions", response)
    actions = cast("list[object]", given[0]) if isinstance(given[0], list) else given
    if not actions:
        raise ComputerUseError("Computer call has no actions", response)
    for position, action in enumerate(actions):
        if not is_well_formed(action):
            raise ComputerUseError(
                f"Invalid computer action: number {position + 1} of call {call.call_id!r} is no action that the API "
                "describes",
                response,
            )
    return [action.model_copy(deep=True) for action in cast("list[ComputerAction]", actions)]


def checked_safety_checks(call: ResponseComputerToolCall, response: Response | None = None) -> list[PendingSafetyCheck]:
    """Return what has to be approved before a call is done.

    Raises:
        ComputerUseError: It cannot be read, so that nobody could approve it.
    """
    value = cast("object", call.pending_safety_checks)
    # A server that has none may leave the member out.
    checks = [] if value is None else cast("list[object]", value) if isinstance(value, list) else [value]
    for check in checks:
        if (
            not isinstance(check, PendingSafetyCheck)
            or not _is_text(check.id)
            or not all(said is None or _is_text(said) for said in (check.code, check.message))
        ):
            raise ComputerUseError("Computer call has safety checks that cannot be read", response)
    return cast("list[PendingSafetyCheck]", checks)


def checked_screenshot(
    value: object, response: Response | None = None
) -> ResponseComputerToolCallOutputScreenshotParam:
    """Return what a driver took as a screenshot, with the members that the API knows and no others.

    Raises:
        ComputerUseError: It is no screenshot.
    """
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        places = {name: given[name] for name in ("image_url", "file_id") if given.get(name) is not None}
        if (
            given.get("type") == "computer_screenshot"
            and places
            and all(isinstance(place, str) and place.strip() for place in places.values())
        ):
            shot = {"type": "computer_screenshot", **places}
            return cast("ResponseComputerToolCallOutputScreenshotParam", shot)
    raise ComputerUseError("Driver must return a computer_screenshot with image_url or file_id", response)
