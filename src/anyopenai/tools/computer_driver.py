"""What an application brings for the computer tool: the protocol of drivers; what calls them is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..types.responses.computer_action import Click, DoubleClick, Drag, Keypress, Move, Scroll, Type, Wait
    from ..types.responses.response_computer_tool_call_output_screenshot_param import (
        ResponseComputerToolCallOutputScreenshotParam,
    )

__all__ = ("AsyncComputerDriver", "ComputerDriver")


class AsyncComputerDriver(Protocol):
    """One method for each action that a model may ask for; the application writes it, owns it and closes it.

    Coordinates are pixels of the screenshots. The driver decides what is permitted, checks bounds and waits for the
    screen to settle; an action that it cannot do must raise. What was approved are the arguments of an action, not the
    screen they were made for: where consent is for a certain target, check the target before acting on it.

    Cancellation reaches a method at its awaits and leaves the driver to the application: make each method leave the
    computer in a state that the next one can start from.
    """

    async def click(self, action: Click) -> None:
        """Press and release a button at a point, with `keys` held down."""
        ...

    async def double_click(self, action: DoubleClick) -> None:
        """Click twice at a point, with `keys` held down."""
        ...

    async def drag(self, action: Drag) -> None:
        """Press at the first point of a path, move along it, release at the last."""
        ...

    async def keypress(self, action: Keypress) -> None:
        """Press keys together and release them."""
        ...

    async def move(self, action: Move) -> None:
        """Move the pointer to a point."""
        ...

    async def scroll(self, action: Scroll) -> None:
        """Scroll at a point, by pixels in either direction."""
        ...

    async def type(self, action: Type) -> None:
        """Type a text where the focus is."""
        ...

    async def wait(self, action: Wait) -> None:
        """Let the screen settle; for how long is the driver's choice."""
        ...

    async def screenshot(self) -> ResponseComputerToolCallOutputScreenshotParam:
        """Take a picture of the screen: `{"type": "computer_screenshot", "image_url": "data:image/png;base64,..."}`."""
        ...


ComputerDriver = AsyncComputerDriver
