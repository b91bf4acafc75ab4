"""Runs of tools over real sockets, disturbed at every suspension: whatever comes between, nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from anyopenai.testing.faults import ReceivedRequest, fault_server
from engine.desk import Desk, Reply
from engine.support import MODEL, without_waiting
from tools.turns import call, call_item, chunks, completion, message_item, response, response_events
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep

CALLS = (completion(None, call("count", {"to": 3}, "a"), call("add", {"one": 1, "other": 2}, "b")), completion("Done."))
ITEMS = (
    response(call_item("count", {"to": 3}, "a"), call_item("add", {"one": 1, "other": 2}, "b")),
    response(message_item("Done.")),
)


def reply_to(request: ReceivedRequest, _: int) -> Reply:
    """Call two tools, and be done when their outputs come."""
    if request.method == "GET":
        return Reply([json.dumps(MODEL).encode()])
    body = json.loads(request.body)
    chat = "messages" in body
    whole = (CALLS if chat else ITEMS)[len(body["messages" if chat else "input"]) > 1]
    if not body.get("stream"):
        text = json.dumps(whole).encode()
        return Reply([text[:100], text[100:]])
    events = [json.dumps(event) for event in (chunks(whole) if chat else response_events(whole))]
    data = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
    return Reply([data[: len(data) // 2], data[len(data) // 2 :]], headers={"content-type": "text/event-stream"})


class Tools:
    """An async tool and a plain one, and how many of the async ones are running."""

    def __init__(self) -> None:
        self.running = 0

    async def count(self, to: int) -> int:
        """Count."""
        self.running += 1
        try:
            for _ in range(to):
                await checkpoint()
            return to
        finally:
            self.running -= 1

    def add(self, one: int, other: int) -> int:
        """Add two numbers."""
        return one + other


# The works. The limit of time never passes by itself, and is there for a sweep to let it pass.


async def a_run_over_chat(desk: Desk) -> None:
    tools = Tools()
    try:
        result = await desk.client.chat.completions.run_tools(
            model="m", messages=[{"role": "user", "content": "Hi."}], tools=[tools.count, tools.add], max_seconds=3600
        )
        assert (result.content, len(result.messages)) == ("Done.", 5)
    finally:
        assert tools.running == 0


async def a_streamed_run_over_chat(desk: Desk) -> None:
    tools = Tools()
    kinds: list[str] = []
    try:
        async with desk.client.chat.completions.run_tools(
            model="m",
            messages=[{"role": "user", "content": "Hi."}],
            tools=[tools.count, tools.add],
            stream=True,
            max_seconds=3600,
        ) as run:
            async for event in run:
                kinds.append(event.type)
            assert await run.final_content() == "Done."
    finally:
        assert tools.running == 0
    assert kinds[-1] == "end"


async def a_streamed_run_over_responses(desk: Desk) -> None:
    tools = Tools()
    try:
        result = await desk.client.responses.run_tools(
            model="m", input="Hi.", tools=[tools.count, tools.add], stream=True, max_seconds=3600
        )
        assert (result.output_text, len(result.items)) == ("Done.", 6)
    finally:
        assert tools.running == 0


async def a_run_left_while_tools_run(desk: Desk) -> None:
    tools = Tools()
    try:
        async with desk.client.responses.run_tools(
            model="m", input="Hi.", tools=[tools.count, tools.add], max_seconds=3600
        ) as run:
            async for event in run:
                if event.type == "function_tool_call_result":
                    break
    finally:
        assert tools.running == 0


WORKS = (a_run_over_chat, a_streamed_run_over_chat, a_streamed_run_over_responses, a_run_left_while_tools_run)
BRIEFLY = {"h1": ("cancel", "task cancel when woken"), "h2": ("cancel",)}


def combinations() -> list[Any]:
    """Give every work, loop, protocol and disturbance that go together; all but a few for `tox -e soak`."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for work, protocol, mode in product(WORKS, ("h1", "h2"), modes):
            outside = work is a_run_over_chat and mode in {"time out outside", "fail"}
            brief = mode in BRIEFLY[protocol] or (outside and protocol == "h1")
            marks = [] if brief else [pytest.mark.soak]
            name = f"{backend}-{protocol}-{mode}-{work.__name__}"
            found.append(pytest.param(backend, protocol == "h2", mode, work, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("anyio_backend", "http2", "mode", "work"), combinations())
async def test_a_disturbance_anywhere_in_a_run_leaves_nothing_behind(
    work: Callable[[Desk], Awaitable[None]], http2: bool, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    monkeypatch.setattr("engine.desk.reply_to", reply_to)
    desk = Desk(tmp_path, http2=http2)
    async with fault_server([desk.serve]) as desk.server:
        points = await sweep(desk, work, mode, monkeypatch)
    assert points > 5
