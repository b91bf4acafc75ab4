"""One conversation through either API: a prompt goes out, its answer is written as it arrives; no terminal is read here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .failures import CommandError

if TYPE_CHECKING:
    from ..client import OpenAI
    from ..types.chat import ChatCompletionMessageParam
    from ..types.responses import ResponseInputItemParam

__all__ = ("ChatConversation", "Conversation", "ResponsesConversation", "Write")

Write: TypeAlias = Callable[[str], None]
"""Takes each piece of an answer."""


class Conversation(Protocol):
    """Prompts and answers that belong together."""

    async def ask(self, prompt: str, write: Write) -> None:
        """Send a prompt and write the answer as it arrives.

        What the answer says is kept for the prompts after it; a prompt whose answer failed or was cancelled is
        forgotten.

        Raises:
            OpenAIError: The request failed, or the stream broke off.
            CommandError: The model ended without a whole answer.
        """
        ...


class ChatConversation:
    """A conversation through the Chat Completions API, which is sent every earlier message.

    Args:
        client: Makes the calls.
        model: The model's name.
        system: Instructions that come before everything.
    """

    def __init__(self, client: OpenAI, model: str, system: str | None = None) -> None:
        self._client = client
        self._model = model
        self._messages: list[ChatCompletionMessageParam] = []
        if system is not None:
            self._messages.append({"role": "system", "content": system})

    async def ask(self, prompt: str, write: Write) -> None:
        """Send a prompt and write the answer as it arrives."""
        asked: ChatCompletionMessageParam = {"role": "user", "content": prompt}
        stream = await self._client.chat.completions.create(
            model=self._model, messages=[*self._messages, asked], stream=True
        )
        pieces: list[str] = []
        ended: str | None = None
        async with stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    piece = choice.delta.content or choice.delta.refusal
                    if piece:
                        pieces.append(piece)
                        write(piece)
                    ended = choice.finish_reason or ended
        answered: ChatCompletionMessageParam = {"role": "assistant", "content": "".join(pieces)}
        self._messages += (asked, answered)
        if ended == "length":
            raise CommandError("the answer was cut by its length limit")
        if ended == "content_filter":
            raise CommandError("the answer was cut by the content filter")


class ResponsesConversation:
    """A conversation through the Responses API; earlier turns are sent as input, so that nothing need be stored there.

    Args:
        client: Makes the calls.
        model: The model's name.
        system: Instructions that come before everything.
    """

    def __init__(self, client: OpenAI, model: str, system: str | None = None) -> None:
        self._client = client
        self._model = model
        self._system = system
        self._turns: list[ResponseInputItemParam] = []

    async def ask(self, prompt: str, write: Write) -> None:
        """Send a prompt and write the answer as it arrives."""
        asked: ResponseInputItemParam = {"role": "user", "content": prompt}
        stream = await self._client.responses.create(
            model=self._model, input=[*self._turns, asked], instructions=self._system, store=False, stream=True
        )
        pieces: list[str] = []
        async with stream:
            async for event in stream:
                if event.type == "response.output_text.delta" or event.type == "response.refusal.delta":
                    pieces.append(event.delta)
                    write(event.delta)
                elif event.type == "response.incomplete":
                    details = event.response.incomplete_details
                    raise CommandError(f"the answer is incomplete: {details.reason if details else 'no reason given'}")
                elif event.type == "response.failed":
                    failure = event.response.error
                    raise CommandError(f"the model failed: {failure.message if failure else 'no reason given'}")
                elif event.type == "error":
                    raise CommandError(f"the server reports: {event.message}")
        answered: ResponseInputItemParam = {"role": "assistant", "content": "".join(pieces)}
        self._turns += (asked, answered)
