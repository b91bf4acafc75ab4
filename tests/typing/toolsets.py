# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers make of drivers and policies that users write; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

import anyopenai
from anyopenai import ComputerToolset, OpenAI
from anyopenai.lib.browser import (
    AsyncBrowserToolset,
    BrowserClickDriver,
    BrowserConfirmContext,
    BrowserReadConfirmContext,
    BrowserReadDriver,
    BrowserReadV1,
    BrowserState,
    ClickInput,
    ReadPageInput,
)
from anyopenai.lib.computer import AsyncComputerToolset, Screenshot
from anyopenai.lib.tool_diagnostics import ToolDiagnostic
from anyopenai.tools.lifecycle import CloseStatus
from anyopenai.types.responses import Response, ResponseComputerToolCall, ResponseFunctionToolCall
from anyopenai.types.responses.computer_action import Click, DoubleClick, Drag, Keypress, Move, Scroll, Type, Wait
from anyopenai.types.responses.response_input_item_param import ComputerCallOutput, FunctionCallOutput


class Screen:
    """Inherits from nothing: the methods alone make it a driver."""

    async def click(self, action: Click) -> None:
        assert_type(action.x, int)

    async def double_click(self, action: DoubleClick) -> None: ...
    async def drag(self, action: Drag) -> None:
        for point in action.path:
            assert_type(point.y, int)

    async def keypress(self, action: Keypress) -> None:
        assert_type(action.keys, list[str])

    async def move(self, action: Move) -> None: ...
    async def scroll(self, action: Scroll) -> None: ...
    async def type(self, action: Type) -> None:
        assert_type(action.text, str)

    async def wait(self, action: Wait) -> None: ...
    async def screenshot(self) -> Screenshot:
        return {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}


class PlainScreen(Screen):
    def click(self, action: Click) -> None: ...  # type: ignore[override]


class Pages:
    async def state(self) -> BrowserState:
        return {"tabs": [{"id": "t1", "title": "", "url": "about:blank", "active": True}]}

    async def read_page(self, action: ReadPageInput) -> BrowserReadV1 | str | None:
        assert_type(action["tab_id"], str | None)
        return None

    async def click(self, action: ClickInput) -> None:
        assert_type(action["target"], str)


class NoPages:
    async def click(self, action: ClickInput) -> None: ...


async def approve(subject: object) -> bool:
    return True


def plain(subject: object) -> bool:
    return True


def observe(diagnostic: ToolDiagnostic) -> None:
    assert_type(diagnostic["duration_ms"], float)


async def a_class_with_the_methods_is_a_computer_driver(client: OpenAI, call: ResponseComputerToolCall) -> None:
    toolset = AsyncComputerToolset(Screen())
    assert_type(toolset, AsyncComputerToolset)
    output = await toolset.execute(call, before_action=approve, approve_safety_checks=approve, on_diagnostic=observe)
    assert_type(output, ComputerCallOutput)
    final = await toolset.run(client, {"model": "m", "input": "x"}, max_steps=3, cancelled=lambda: False)
    assert_type(final, Response)
    assert_type(toolset.close(), CloseStatus)
    driver: anyopenai.ComputerDriver = Screen()
    ComputerToolset(driver)

    ComputerToolset(PlainScreen())  # type: ignore[arg-type]
    ComputerToolset(Pages())  # type: ignore[arg-type]
    await toolset.execute(call, before_action=plain)  # type: ignore[arg-type]
    await toolset.run(client, {"model": "m", "inputs": "x"})  # type: ignore[typeddict-unknown-key]


async def actions_only(context: BrowserConfirmContext) -> bool:
    assert_type(context["state"], BrowserState)
    return True


async def reads_too(context: BrowserConfirmContext | BrowserReadConfirmContext) -> bool:
    assert_type(context["state"], BrowserState | None)
    return True


async def may_open(context: BrowserConfirmContext, url: str) -> bool:
    return url.startswith("https://")


async def a_class_with_some_methods_is_a_browser_driver(call: ResponseFunctionToolCall) -> None:
    toolset = AsyncBrowserToolset(Pages(), confirm=actions_only, url_policy=may_open)
    assert_type(await toolset.execute(call, on_diagnostic=observe), FunctionCallOutput)
    assert_type(toolset.members, tuple[str, ...])
    AsyncBrowserToolset(Pages(), confirm=reads_too, confirm_reads=["read_page"])
    reading: BrowserReadDriver = Pages()
    clicking: BrowserClickDriver = Pages()
    AsyncBrowserToolset(reading, members=["read_page"])
    AsyncBrowserToolset(clicking, members=["click"], confirm=actions_only)

    # What is asked about reads has to understand the question.
    AsyncBrowserToolset(Pages(), confirm=actions_only, confirm_reads=["read_page"])  # type: ignore[arg-type]
    AsyncBrowserToolset(NoPages())  # type: ignore[call-overload]
    AsyncBrowserToolset(Pages(), confirm=plain)  # type: ignore[arg-type]


async def tools_are_declared_to_the_api(
    client: OpenAI, toolset: AsyncBrowserToolset, call: ResponseFunctionToolCall
) -> None:
    response = await client.responses.create(model="m", input="x", tools=toolset.tools)
    outputs = [*response.output, await toolset.execute(call)]
    await client.responses.create(model="m", input=outputs, tools=toolset.tools)
