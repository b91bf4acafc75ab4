"""Agents' helpers over real sockets, HTTP/1.1 and HTTP/2, disturbed at every suspension: nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from agents.speaking import SESSION, added, call, created, delta, said, session, turn, waits_for, wire
from anyopenai.agents import PreparedAgentFiles
from anyopenai.testing.faults import ReceivedRequest, fault_server
from engine.desk import CONTENT, Desk, Reply
from engine.support import MODEL, without_waiting
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep

CALLS = (call("later", call_id="call_1"), call("plain", call_id="call_2"))
TURN = wire(turn(*map(added, CALLS), waits_for(*CALLS), delta("Hello."), said("Hello.")))
NEW = wire(created(delta("Hello."), said("Hello.")))
SSE = {"content-type": "text/event-stream"}


def reply_to(request: ReceivedRequest, _: int) -> Reply:
    """Be an agents API with one session, which has one artifact."""
    path, method = request.target.partition("?")[0], request.method
    if path.endswith("/content"):
        return Reply([CONTENT[:1000], CONTENT[1000:]], headers={})
    if path.endswith("/artifacts"):
        listed = [{"id": "a1", "path": "/workspace/a", "turn_id": "turn_1", "session_id": SESSION}]
        return Reply([json.dumps({"data": listed, "has_more": False}).encode()])
    if path == "/files":
        return Reply([b'{"id": "file", "object": "file"}'])
    if path.endswith("/events"):
        return Reply([], 202, {}) if method == "POST" else Reply([TURN[:700], TURN[700:]], headers=SSE)
    if path == "/agents/sessions":
        return Reply([NEW[:500], NEW[500:]], headers=SSE)
    return Reply([json.dumps(session() if path.startswith("/agents") else MODEL).encode()])


class AgentsDesk(Desk):
    """Has a connection for a session's events, and one for what it is sent."""

    def __init__(self, folder: Path, *, http2: bool) -> None:
        super().__init__(folder, http2=http2)
        self._options |= {"max_connections": 2, "max_inflight": 2}

    @property
    def agents(self) -> Any:
        return self.client.beta.agents


async def later(_: object) -> str:
    for _ in range(3):
        await checkpoint()
    return "later"


def plain(_: object) -> str:
    return "plain"


async def a_turn_with_calls(desk: AgentsDesk) -> None:
    handlers = {"later": later, "plain": plain}
    async with desk.agents.sessions.stream(SESSION, input="Hi.", tool_handlers=handlers) as stream:
        result = await stream.get_final_result()
    assert result.output_text == "Hello."


async def a_turn_that_is_left(desk: AgentsDesk) -> None:
    async with desk.agents.sessions.stream(SESSION, input="Hi.", tool_handlers={"later": later}) as stream:
        async for event in stream:
            if event.type == "agent.session.requires_action":
                break


async def a_new_session_and_its_file(desk: AgentsDesk) -> None:
    stream = await desk.agents.sessions.create(environment={"type": "none"}, input="Hi.", stream=True)
    async with stream:
        result = await stream.get_final_result()
    await desk.agents.sessions.artifacts.for_result(result).download("/workspace/a", to=desk.folder / "answer.bin")


async def uploads_at_the_same_time(desk: AgentsDesk) -> None:
    into = PreparedAgentFiles()
    files = {f"/workspace/{number}": Path(__file__) for number in range(3)}
    try:
        await desk.agents.environments.files.prepare(files, into=into)
    finally:
        assert len(into.files) == len(into.uploaded_file_ids) <= 3
    assert len(into.files) == 3


WORKS = (a_turn_with_calls, a_turn_that_is_left, a_new_session_and_its_file, uploads_at_the_same_time)
BRIEFLY = {"h1": ("cancel", "fail"), "h2": ("cancel",)}


def combinations() -> list[Any]:
    """Give every work, loop, protocol and disturbance that go together; all but a few for `tox -e soak`."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for work, protocol, mode in product(WORKS, ("h1", "h2"), modes):
            brief = mode in BRIEFLY[protocol] and (mode == "cancel" or work is a_turn_with_calls)
            marks = [] if brief else [pytest.mark.soak]
            name = f"{backend}-{protocol}-{mode}-{work.__name__}"
            found.append(pytest.param(backend, protocol == "h2", mode, work, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("anyio_backend", "http2", "mode", "work"), combinations())
async def test_a_disturbance_anywhere_in_a_helper_leaves_nothing_behind(
    work: Callable[[Desk], Awaitable[None]], http2: bool, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    monkeypatch.setattr("engine.desk.reply_to", reply_to)
    desk = AgentsDesk(tmp_path, http2=http2)
    async with fault_server([desk.serve]) as desk.server:
        points = await sweep(desk, work, mode, monkeypatch)
    assert points > 2
