"""What both SDKs are asked to do, by the same calls: openai-python's names are ours."""

from __future__ import annotations

from typing import Any

from ..harness.documents import MESSAGES

__all__ = ("SDKChat",)


class SDKChat:
    """A client of either package."""

    def __init__(self, client: Any) -> None:
        self._create = client.chat.completions.create

    async def create(self) -> None:
        answer = await self._create(model="gpt-5.5", messages=MESSAGES)
        assert answer.choices[0].message.content

    async def events(self) -> int:
        count = 0
        stream = await self._create(model="gpt-5.5", messages=MESSAGES, stream=True)
        async for chunk in stream:
            count += len(chunk.choices)
        return count

    async def hold(self) -> object:
        stream = await self._create(model="gpt-5.5", messages=MESSAGES, stream=True)
        events = aiter(stream)
        await anext(events)
        return events, stream
