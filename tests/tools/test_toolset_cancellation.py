"""A run that is cancelled at any of its suspensions stops there: nothing is done afterwards, and the toolset is free."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from anyio.lowlevel import checkpoint

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools.browser import AsyncBrowserToolset
from anyopenai.tools.computer import AsyncComputerToolset
from anyopenai.tools.diagnostics import ToolDiagnostic
from tools.browsers import Browser, function_call
from tools.computers import ACTIONS, CLICK, Computer, call_document, message, response
from transport.cancelling import cancel_at

CALL = call_document(CLICK, ACTIONS["type"], pending_safety_checks=[{"id": "sc_1"}])


async def yes(*shown: object) -> bool:
    await checkpoint()
    return True


async def each(begin: Callable[[list[str], list[ToolDiagnostic]], tuple[Any, Coroutine[Any, Any, object]]]) -> int:
    """Cancel the same work at each of its suspensions; return at how many."""
    whole: list[str] = []
    told: list[ToolDiagnostic] = []
    await begin(whole, told)[1]
    for k in count(1):
        done: list[str] = []
        diagnostics: list[ToolDiagnostic] = []
        toolset, work = begin(done, diagnostics)
        reached = await cancel_at(work, k)
        assert whole[: len(done)] == done
        assert [one["reason"] for one in diagnostics] == ["completed"] * len(diagnostics)
        assert len(diagnostics) <= len(told)
        assert toolset.close() == {"status": "closed"}
        if not reached:
            assert done == whole
            return k - 1
    raise AssertionError("unreachable")


async def test_a_computer_run_ends_at_any_suspension() -> None:
    def begin(
        done: list[str], diagnostics: list[ToolDiagnostic]
    ) -> tuple[AsyncComputerToolset, Coroutine[Any, Any, object]]:
        async def during(name: str) -> None:
            await checkpoint()
            done.append(name)

        toolset = AsyncComputerToolset(Computer(during))

        async def run() -> None:
            transport = FakeTransport(Answer(json=response(CALL)), Answer(json=response(message())))
            async with OpenAI(api_key="k", transport=transport, max_retries=0) as client:
                await toolset.run(
                    client,
                    {"model": "m", "input": "x"},
                    approve_safety_checks=yes,
                    before_action=yes,
                    on_diagnostic=diagnostics.append,
                )

        return toolset, run()

    assert await each(begin) > 8


async def test_a_call_of_a_browser_ends_at_any_suspension() -> None:
    def begin(
        done: list[str], diagnostics: list[ToolDiagnostic]
    ) -> tuple[AsyncBrowserToolset, Coroutine[Any, Any, object]]:
        async def during(name: str) -> None:
            await checkpoint()
            done.append(name)

        toolset = AsyncBrowserToolset(Browser(during), confirm=yes, url_policy=yes)
        return toolset, toolset.execute(function_call("navigate"), on_diagnostic=diagnostics.append)

    assert await each(begin) >= 5
