"""`Stream.text_stream`: the text of every kind of stream, and nothing else."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from anyopenai import OpenAIError, StreamTruncated
from anyopenai.testing import Answer
from engine.recordings import RECORDINGS, Recording, opened
from engine.support import PROMPT, chunk, client_over

SSE = {"content-type": "text/event-stream"}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
async def test_a_stream_gives_its_text_or_says_that_it_has_none(recording: Recording) -> None:
    client, transport = client_over(Answer(pieces=[recording.wire], headers=SSE))
    async with opened(recording, client) as stream:
        partial: Any = recording.partial
        if isinstance(partial, list | bytes):
            with pytest.raises(OpenAIError, match="have no text"):
                stream.text_stream  # noqa: B018 - reading it is what raises
            return
        texts = [text async for text in stream.text_stream]
        assert "".join(texts) == (partial[0] if isinstance(partial, dict) else partial)
        assert all(texts)
    assert transport.responses[0].complete


async def test_a_text_that_breaks_off_raises_what_the_stream_raises() -> None:
    client, _ = client_over(Answer(events=[chunk("Hel"), chunk("lo")]))
    stream = await client.chat.completions.create(**PROMPT, stream=True)
    texts = stream.text_stream
    assert [await anext(texts), await anext(texts)] == ["Hel", "lo"]
    with pytest.raises(StreamTruncated) as caught:
        await anext(texts)
    assert caught.value.partial == "Hello"


async def test_leaving_the_text_early_hangs_up() -> None:
    never = anyio.Event()
    client, transport = client_over(Answer(events=[chunk("Hel"), never, chunk("late")]))
    async with (await client.chat.completions.create(**PROMPT, stream=True)).text_stream as texts:
        assert await anext(texts) == "Hel"
    assert transport.open_responses == 0
    await texts.aclose()
