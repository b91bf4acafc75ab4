"""`openai.lib.computer` under its own name: the toolset of the computer tool; nothing lives here."""

from __future__ import annotations

from ..tools import (
    AsyncComputerDriver,
    AsyncComputerToolset,
    ComputerActionInput,
    ComputerDriver,
    ComputerToolset,
    ComputerUseError,
)
from ..types.responses.response_computer_tool_call_output_screenshot_param import (
    ResponseComputerToolCallOutputScreenshotParam as Screenshot,
)

__all__ = (
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "ComputerActionInput",
    "ComputerDriver",
    "ComputerToolset",
    "ComputerUseError",
    "Screenshot",
)
