"""A computer that only remembers what was done to it, and the documents of a run that uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyopenai.tools.computer_driver import AsyncComputerDriver
from anyopenai.types.responses import ResponseComputerToolCall
from anyopenai.types.responses.computer_action import Click, DoubleClick, Drag, Keypress, Move, Scroll, Type, Wait
from anyopenai.types.responses.response_computer_tool_call_output_screenshot_param import (
    ResponseComputerToolCallOutputScreenshotParam,
)

SHOT: ResponseComputerToolCallOutputScreenshotParam = {
    "type": "computer_screenshot",
    "image_url": "data:image/png;base64,AAAA",
}
CLICK: dict[str, Any] = {"type": "click", "x": 1, "y": 2, "button": "left"}
ACTIONS: dict[str, dict[str, Any]] = {
    "click": CLICK,
    "double_click": {"type": "double_click", "x": 1, "y": 2, "keys": None},
    "drag": {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
    "keypress": {"type": "keypress", "keys": ["CTRL", "A"]},
    "move": {"type": "move", "x": 1, "y": 2},
    "scroll": {"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": -5},
    "type": {"type": "type", "text": "hello"},
    "wait": {"type": "wait"},
}


class Computer(AsyncComputerDriver):
    """Notes the actions; `during` runs inside each of them, with its name."""

    def __init__(self, during: Callable[[str], Any] | None = None, shot: Any = SHOT) -> None:
        self.done: list[Any] = []
        self.names: list[str] = []
        self._during = during
        self._shot = shot

    async def _do(self, name: str, action: Any) -> None:
        self.names.append(name)
        self.done.append(action)
        if self._during is not None:
            returned = self._during(name)
            if returned is not None:
                await returned

    async def click(self, action: Click) -> None:
        await self._do("click", action)

    async def double_click(self, action: DoubleClick) -> None:
        await self._do("double_click", action)

    async def drag(self, action: Drag) -> None:
        await self._do("drag", action)

    async def keypress(self, action: Keypress) -> None:
        await self._do("keypress", action)

    async def move(self, action: Move) -> None:
        await self._do("move", action)

    async def scroll(self, action: Scroll) -> None:
        await self._do("scroll", action)

    async def type(self, action: Type) -> None:
        await self._do("type", action)

    async def wait(self, action: Wait) -> None:
        await self._do("wait", action)

    async def screenshot(self) -> ResponseComputerToolCallOutputScreenshotParam:
        await self._do("screenshot", None)
        shot: ResponseComputerToolCallOutputScreenshotParam = self._shot
        return shot


def call_document(*actions: object, **members: Any) -> dict[str, Any]:
    return {
        "type": "computer_call",
        "id": "cu_1",
        "call_id": "call_1",
        "status": "completed",
        "pending_safety_checks": [],
        "actions": list(actions),
        **members,
    }


def computer_call(*actions: object, **members: Any) -> ResponseComputerToolCall:
    """Build a call as an answer would bring it: whatever is in it."""
    return ResponseComputerToolCall.model_validate(call_document(*actions, **members))


def message(text: str = "Done.", **members: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        **members,
    }


def response(*output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": None,
        "model": "m",
        "output": list(output),
        "parallel_tool_calls": True,
        "status": "completed",
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        **members,
    }
