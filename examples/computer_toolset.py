"""Let a model use a computer: here one that is only a sheet of pixels, and a script in the place of the model."""

import base64
import struct
import zlib

import anyio

from anyopenai import AsyncComputerToolset, OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools import ComputerActionInput
from anyopenai.types.responses.computer_action import Click, DoubleClick, Drag, Keypress, Move, Scroll, Type, Wait
from anyopenai.types.responses.response_computer_tool_call_output_screenshot_param import (
    ResponseComputerToolCallOutputScreenshotParam,
)

WIDTH, HEIGHT = 160, 120


class Sheet:
    """A driver has one method for each action; what it cannot do, it refuses by raising."""

    def __init__(self) -> None:
        self.pixels = bytearray(b"\xff" * WIDTH * HEIGHT)

    def dot(self, x: int, y: int) -> None:
        if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
            raise ValueError(f"({x}, {y}) is not on the sheet")
        self.pixels[y * WIDTH + x] = 0

    async def click(self, action: Click) -> None:
        self.dot(action.x, action.y)

    async def double_click(self, action: DoubleClick) -> None:
        self.dot(action.x, action.y)

    async def drag(self, action: Drag) -> None:
        for point in action.path:
            self.dot(point.x, point.y)

    async def keypress(self, action: Keypress) -> None:
        raise NotImplementedError("the sheet has no keyboard")

    async def move(self, action: Move) -> None:
        """There is no pointer to be seen."""

    async def scroll(self, action: Scroll) -> None:
        raise NotImplementedError("the sheet is all in view")

    async def type(self, action: Type) -> None:
        raise NotImplementedError("the sheet has no keyboard")

    async def wait(self, action: Wait) -> None:
        """The sheet is up to date at once."""

    async def screenshot(self) -> ResponseComputerToolCallOutputScreenshotParam:
        rows = b"".join(b"\0" + self.pixels[y * WIDTH : (y + 1) * WIDTH] for y in range(HEIGHT))
        png = b"\x89PNG\r\n\x1a\n"
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        ):
            png += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        return {"type": "computer_screenshot", "image_url": "data:image/png;base64," + base64.b64encode(png).decode()}


async def approve(action: ComputerActionInput) -> bool:
    """Ask a person here; only True lets the action happen."""
    print("the model wants to:", action.type)
    return action.type != "keypress"


def answer(*output: dict[str, object]) -> Answer:
    return Answer(json={"id": "resp", "object": "response", "created_at": 0, "status": "completed", "output": output})


# What a model might say. With a key, leave `transport=` out.
SCRIPT = FakeTransport(
    answer(
        {
            "type": "computer_call",
            "id": "cu_1",
            "call_id": "call_1",
            "status": "completed",
            "pending_safety_checks": [],
            "actions": [
                {"type": "click", "x": 20, "y": 30, "button": "left"},
                {"type": "drag", "path": [{"x": x, "y": 60} for x in range(40, 120)]},
            ],
        }
    ),
    answer(
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "A dot and a line.", "annotations": [], "logprobs": []}],
        }
    ),
)


async def main() -> None:
    sheet = Sheet()
    toolset = AsyncComputerToolset(sheet)
    async with OpenAI(api_key="any", transport=SCRIPT) as client:
        final = await toolset.run(
            client, {"model": "gpt-5.5", "input": "Draw a dot and a line."}, max_steps=5, before_action=approve
        )
    print(final.output_text, "There are", sheet.pixels.count(0), "black pixels.")


if __name__ == "__main__":
    anyio.run(main)
