"""The runner over real sockets, disturbed at every suspension, and streams cut at every byte: nothing is called twice or lost."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
from anyio.lowlevel import checkpoint

from anyopenai import OpenAI
from anyopenai.testing.faults import ReceivedRequest, fault_server
from anyopenai.testing.http2 import Data, Head, Http2, Request, ResetStream
from anyopenai.tools import AsyncResponsesToolLedger, AsyncResponsesToolRunner, ToolRunnerError
from engine.desk import Desk, Reply
from engine.support import MODEL, without_waiting
from tools.runner_turns import answer, call, message, registered, wire_events
from transport.sweeping import ANYWHERE, ASYNCIO_ONLY, sweep

TURNS = (answer(1, [call("a"), call("b"), call("c", "g")]), answer(2, [message("Done.")]))
SSE = {"content-type": "text/event-stream"}


def wire(response: dict[str, Any]) -> bytes:
    """Return a response as a stream."""
    return "".join(f"data: {json.dumps(event)}\n\n" for event in wire_events(response)).encode()


def reply_to(request: ReceivedRequest, _: int) -> Reply:
    """Call three functions, and be done when their outputs come."""
    if request.method == "GET":
        return Reply([json.dumps(MODEL).encode()])
    body = json.loads(request.body)
    whole = TURNS[len(body["input"]) > 1]
    data = wire(whole) if body.get("stream") else json.dumps(whole).encode()
    # The second half begins within the second call.
    middle = data.find(b"function_call_arguments.delta", len(data) // 3) if body.get("stream") else 100
    return Reply([data[:middle], data[middle:]], headers=SSE if body.get("stream") else {})


class Work:
    """A runner with an async function and a plain one, and what is known of its calls afterwards."""

    def __init__(self) -> None:
        self.running = 0
        self.effects: list[str] = []
        self.saved: dict[str, Any] = {"attempted_call_ids": [], "returned_call_ids": []}
        self.runner = AsyncResponsesToolRunner(
            functions=[
                registered("f", self.count, independent=True),
                registered("g", self.add),
            ]
        )

    async def count(self, arguments: object) -> str:
        self.running += 1
        try:
            await checkpoint()
            self.effects.append("count")
            await checkpoint()
            return "ok"
        finally:
            self.running -= 1

    def add(self, arguments: object) -> str:
        self.effects.append("add")
        return "ok"

    async def save(self, found: Any) -> None:
        await checkpoint()
        self.saved = found

    def turns(self, client: OpenAI, **options: Any) -> Any:
        ledger = AsyncResponsesToolLedger("run", self.save)
        return self.runner.iterate(client, {"model": "m", "input": "Hi."}, ledger=ledger, **options)

    def check(self) -> None:
        """What the runner says of its calls is true, and what the ledger says is no less."""
        assert self.running == 0
        attempted, completed = self.runner.attempted_call_ids, self.runner.completed_call_ids
        assert len(completed) <= len(self.effects) <= len(attempted) <= 3
        assert set(self.saved["attempted_call_ids"]) <= set(attempted)
        assert set(self.saved["returned_call_ids"]) == set(completed)
        assert self.runner.close() == {"status": "closed"}


async def played(desk: Desk, **options: Any) -> None:
    work = Work()
    try:
        async with work.turns(desk.client, **options) as turns:
            async for turn in turns:
                last = turn
        assert last.response.output_text == "Done."
        assert work.effects == ["count", "count", "add"]
    finally:
        work.check()


async def a_run(desk: Desk) -> None:
    await played(desk)


async def a_streamed_run(desk: Desk) -> None:
    await played(desk, stream=True)


async def an_eager_run(desk: Desk) -> None:
    await played(desk, stream=True, eager=True)


WORKS = (a_run, a_streamed_run, an_eager_run)
BRIEFLY = {"h1": ("cancel", "task cancel when woken"), "h2": ("cancel",)}


def combinations() -> list[Any]:
    """Give every work, loop, protocol and disturbance that go together; all but a few for `tox -e soak`."""
    found = []
    for backend, modes in (("asyncio", ANYWHERE + ASYNCIO_ONLY), ("trio", ANYWHERE)):
        for work, protocol, mode in product(WORKS, ("h1", "h2"), modes):
            brief = mode in BRIEFLY[protocol] and work is not a_streamed_run
            marks = [] if brief else [pytest.mark.soak]
            name = f"{backend}-{protocol}-{mode}-{work.__name__}"
            found.append(pytest.param(backend, protocol == "h2", mode, work, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("anyio_backend", "http2", "mode", "work"), combinations())
async def test_a_disturbance_anywhere_in_a_run_leaves_true_evidence(
    work: Callable[[Desk], Awaitable[None]], http2: bool, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_waiting(monkeypatch)
    monkeypatch.setattr("engine.desk.reply_to", reply_to)
    desk = Desk(tmp_path, http2=http2)
    async with fault_server([desk.serve]) as desk.server:
        points = await sweep(desk, work, mode, monkeypatch)
    assert points > 5


CUT = wire(answer(1, [call("a"), call("b", "g")]))
STEP = 97
"""Bytes between two cuts: a prime, so that they fall anywhere in events."""


@pytest.mark.parametrize("eager", [False, True])
async def test_an_http2_stream_that_is_cut_mid_turn_is_no_answer(eager: bool) -> None:
    """Wherever it is cut, what was called is what was complete by then, and the runner's evidence says so."""
    ends = [*range(0, len(CUT), STEP)]
    scripts = [
        [Request(), Head(headers=SSE), Data(CUT[:end], end=number % 2 == 0), *([ResetStream()] if number % 2 else [])]
        for number, end in enumerate(ends)
    ]
    http2 = Http2(*cast("Any", scripts))
    async with (
        fault_server([http2]) as server,
        OpenAI(api_key="k", base_url=server.url, max_retries=0, http2=True) as client,
    ):
        most = 0
        for _ in ends:
            work = Work()
            with pytest.raises(ToolRunnerError):
                await anext(work.turns(client, stream=True, eager=eager))
            work.check()
            assert len(work.effects) == len(work.runner.completed_call_ids)
            assert eager or work.effects == []
            most = max(most, len(work.effects))
    assert http2.violations == []
    assert most == (2 if eager else 0)
