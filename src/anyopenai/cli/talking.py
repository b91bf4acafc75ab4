"""`anyopenai chat` and `anyopenai respond`: one prompt, or a loop of prompts on a terminal; no API is known here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from anyio import CancelScope

from ..client import OpenAI
from ..errors import OpenAIError
from .connecting import Connecting
from .conversation import ChatConversation, Conversation, ResponsesConversation
from .failures import CommandError, line_from_error
from .lines import Lines
from .screen import notes, say, stream_out

__all__ = ("Cancelling", "ChatConversation", "ResponsesConversation", "answer_once", "converse", "talk")

Cancelling: TypeAlias = Callable[[CancelScope], AbstractContextManager[None]]
"""While the block runs, Ctrl-C cancels that scope instead of the command."""


async def converse(
    open_conversation: Callable[[OpenAI], Conversation],
    prompt: str | None,
    server: Connecting,
    cancelling: Cancelling,
) -> None:
    """Answer a prompt, or what is piped in; without either, on a terminal, ask for prompts.

    Args:
        open_conversation: Chooses the API.
        prompt: The prompt; `"-"` means standard input, None standard input or a loop.
        server: Whom to ask.
        cancelling: Makes Ctrl-C cancel a scope.

    Raises:
        OpenAIError: The only request failed.
        CommandError: The prompt is empty, or the answer is not whole.
    """
    async with OpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        conversation = open_conversation(client)
        if prompt is None and sys.stdin.isatty():
            await talk(conversation, cancelling)
        else:
            await answer_once(conversation, None if prompt == "-" else prompt)


async def answer_once(conversation: Conversation, prompt: str | None) -> None:
    """Answer one prompt on standard output.

    Args:
        conversation: Who answers.
        prompt: The prompt; None reads all of standard input.

    Raises:
        CommandError: The prompt is empty, or the answer is not whole.
    """
    if prompt is None:
        prompt = await _all_of_standard_input()
    if not prompt.strip():
        raise CommandError("the prompt is empty")
    await _answer(conversation, prompt)


async def talk(conversation: Conversation, cancelling: Cancelling) -> None:
    """Ask for prompts on the terminal and answer them, until the end of input or Ctrl-C at the prompt.

    Ctrl-C during an answer ends the answer. A failed request is reported, and the loop goes on.
    """
    notes().print("Ctrl-C ends an answer; Ctrl-C or Ctrl-D at the prompt ends the conversation.", style="dim")
    async with Lines("-") as lines:
        while True:
            prompt: str | None = None
            with CancelScope() as waiting, cancelling(waiting):
                prompt = await _prompt(lines)
            if waiting.cancelled_caught or prompt is None:
                say()
                return
            if not prompt.strip():
                continue
            with CancelScope() as answering, cancelling(answering):
                try:
                    await _answer(conversation, prompt)
                except (CommandError, OpenAIError) as error:
                    notes().print(f"Error: {line_from_error(error)}", style="red")
            if answering.cancelled_caught:
                notes().print("(ended)", style="dim")


async def _prompt(lines: Lines) -> str | None:
    sys.stdout.write("> ")
    sys.stdout.flush()
    arrived = await lines.read()
    if not arrived:
        return None
    # Several at once were pasted: they are one prompt.
    return "\n".join(line.decode("utf-8", "replace") for _, line in arrived)


async def _answer(conversation: Conversation, prompt: str) -> None:
    last = ""

    def write(piece: str) -> None:
        nonlocal last
        last = piece
        stream_out(piece)

    try:
        await conversation.ask(prompt, write)
    finally:
        if last and not last.endswith("\n"):
            stream_out("\n")


async def _all_of_standard_input() -> str:
    pieces: list[bytes] = []
    async with Lines("-") as lines:
        while arrived := await lines.read():
            pieces += [line for _, line in arrived]
    try:
        return b"\n".join(pieces).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"standard input is not UTF-8: {error.reason} at byte {error.start}") from error
