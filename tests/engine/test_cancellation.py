"""Cancelling at every point where a call, a stream, a page or a download hands control to the event loop."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.transport.base import TransportFailure
from engine.support import CHAT, KEY, MODEL, PROMPT, STREAM, Work, names_in, ok, without_waiting
from transport.cancelling import cancel_at


async def whole_call(client: OpenAI) -> None:
    await client.chat.completions.create(**PROMPT)


async def stream(client: OpenAI) -> None:
    async with await client.chat.completions.create(**PROMPT, stream=True) as events:
        async for _ in events:
            pass


async def pages(client: OpenAI) -> None:
    async for _ in client.files.list():
        pass


async def upload(client: OpenAI) -> None:
    await client.files.create(file=Path(__file__), purpose="batch")


async def streamed(client: OpenAI) -> None:
    async with client.files.with_streaming_response.content("f") as response:
        await response.read()


def transport_for(work: Work) -> FakeTransport:
    """Script what a piece of work needs: a failed attempt first, then the answer in several pieces."""
    transport = FakeTransport(
        Answer.error(503, headers={"retry-after-ms": "1"}), TransportFailure("x", kind="lost", phase="head")
    )
    if work is whole_call:
        transport.add(Answer(pieces=[b'{"id": "x", ', b'"choices": []}'], headers={"content-type": "application/json"}))
    elif work is stream:
        transport.add(Answer(events=STREAM))
    elif work is pages:
        transport.add(ok({"data": [{"id": "a"}], "has_more": True}), ok({"data": [{"id": "b"}], "has_more": False}))
    elif work is upload:
        transport.add(ok({"id": "f"}))
    else:
        transport.add(Answer(pieces=[b"abc", b"def"]))
    return transport


@pytest.mark.parametrize("work", [whole_call, stream, pages, upload, streamed], ids=lambda work: work.__name__)
async def test_cancelling_anywhere_leaves_no_answer_open(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    without_waiting(monkeypatch)
    k = 0
    reached = True
    while reached:
        k += 1
        transport = transport_for(work)
        client = OpenAI(api_key=KEY, transport=transport)
        reached = await cancel_at(work(client), k)  # type: ignore[arg-type]  # the functions above are coroutines
        assert transport.open_responses == 0, f"cancelled at suspension {k}"
        # The client goes on as if nothing had happened.
        transport.add(ok(MODEL))
        transport._script.rotate(1)
        assert (await client.with_options(max_retries=0).models.retrieve("m")).id == "m"
        await client.close()
    assert k > 4


async def test_a_cancelled_download_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "speech.mp3"
    k = 0
    reached = True
    while reached:
        k += 1
        transport = FakeTransport(Answer(pieces=[b"abc", b"def"]))
        client = OpenAI(api_key=KEY, transport=transport)

        async def download(client: OpenAI = client) -> None:
            async with client.files.with_streaming_response.content("f") as response:
                await response.stream_to_file(target)

        reached = await cancel_at(download(), k)
        assert transport.open_responses == 0
        # Complete or absent, and nothing beside it. Cancellation may come after the file took its place.
        found = names_in(tmp_path)
        assert found in ([], ["speech.mp3"])
        if found:
            assert target.read_bytes() == b"abcdef"
            target.unlink()


async def test_a_cancelled_call_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = anyio.Event()
    transport = FakeTransport(Answer(json=CHAT, wait=gate))
    client = OpenAI(api_key=KEY, transport=transport)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(whole_call, client)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancelled_caught
    assert len(transport.requests) == 1
