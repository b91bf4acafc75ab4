"""`anyopenai demo`: the main job, written as a program that any user could have written; options are read elsewhere."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from anyio import to_thread

from .._version import __version__
from ..client import OpenAI
from ..testing import StandIn, serve
from .connecting import BULK_RETRIES, Connecting
from .conversation import ChatConversation, Conversation, ResponsesConversation
from .docstrings import collect
from .embedding import ListBatches, embed_in_order
from .items import Item
from .progress import Meter, shown
from .screen import notes, say, say_item, stream_out
from .search import Index
from .vectors import ITEMS, VECTORS, VectorFiles

__all__ = ("DemoOptions", "demo")

QUESTIONS = (
    "parse a date and time from a string",
    "join two or more path components",
    "split a string into words as a shell does",
)

CHAT_PROMPT = "In one paragraph: what is structured concurrency good for?"
RESPONSES_PROMPT = "In one paragraph: what does an embedding of a text tell?"

# English text has about four characters for each token:
# https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them
CHARACTERS_PER_TOKEN = 4

# Seconds between the stand-in's tokens, so that an answer is seen to arrive.
TOKEN_DELAY = 0.01


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What the command line chose.

    Attributes:
        backend: Name of the event loop, for the first line.
        output: Directory of the results.
        server: Another server to use; None starts the stand-in.
        model: Model of the two answers.
        embedding_model: Model of the vectors.
        dimensions: Length of the vectors; None for the model's own.
        batch_size: Texts in one request.
        concurrency: Requests in flight.
        limit: Use only so many texts; None for all.
    """

    backend: str
    output: Path
    server: Connecting | None
    model: str
    embedding_model: str
    dimensions: int | None
    batch_size: int
    concurrency: int
    limit: int | None


async def demo(options: DemoOptions) -> None:
    """Embed the standard library's docstrings, search them, stream two answers, and say how fast that was.

    Raises:
        OpenAIError: A request failed for good.
        OSError: The results cannot be written.
    """
    started = perf_counter()
    say(f"anyopenai {__version__} demo: Python {platform.python_version()} on {options.backend}")
    items = (await collect())[: options.limit]
    tokens = sum(len(item.text) for item in items) // CHARACTERS_PER_TOKEN
    say(f"{len(items):,} docstrings of the standard library, about {tokens:,} tokens", "Texts:   ")

    async with AsyncExitStack() as stack:
        server, note = options.server, ""
        if server is None:
            local = await stack.enter_async_context(serve(StandIn(token_delay=TOKEN_DELAY)))
            server = Connecting(base_url=local.base_url, api_key="unused")
            note = ", a stand-in in this process that computes no model"
        meter = Meter(len(items))
        client = await stack.enter_async_context(
            OpenAI(
                base_url=server.base_url,
                api_key=server.api_key,
                max_retries=BULK_RETRIES,
                middleware=[meter.middleware],
            )
        )
        say(f"{client.base_url}{note}", "Server:  ")
        index = await _embed(client, items, meter, options)
        await _search(client, items, index, options)
        await _answer("Chat completion", CHAT_PROMPT, ChatConversation(client, options.model))
        await _answer("Response", RESPONSES_PROMPT, ResponsesConversation(client, options.model))

    say()
    speed = f"{meter.rate:,.0f} items/s, {_counted(meter.retries, 'retry', 'retries')}"
    say(
        f"{len(items):,} texts embedded in {meter.seconds:.1f} s by {_counted(meter.calls, 'request')} ({speed}); "
        f"{len(QUESTIONS)} searches; 2 streamed answers.",
        f"Done in {perf_counter() - started:.1f} s: ",
    )


def _counted(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


async def _embed(client: OpenAI, items: Sequence[Item], meter: Meter, options: DemoOptions) -> Index:
    async with VectorFiles(options.output) as files:
        async with shown(meter, notes(), "Embedding"):
            await embed_in_order(
                client,
                ListBatches(items, options.batch_size),
                files,
                model=options.embedding_model,
                meter=meter,
                concurrency=options.concurrency,
                dimensions=options.dimensions,
            )
        await files.finish()
    shape = f"{files.rows:,} x {files.dimensions:,} float32"
    say(f"{options.output / VECTORS} ({shape}), {options.output / ITEMS}", "Wrote:   ")
    return Index(await to_thread.run_sync(np.load, options.output / VECTORS))


async def _search(client: OpenAI, items: Sequence[Item], index: Index, options: DemoOptions) -> None:
    for question in QUESTIONS:
        if options.dimensions is None:
            answer = await client.embeddings.create(model=options.embedding_model, input=question)
        else:
            answer = await client.embeddings.create(
                model=options.embedding_model, input=question, dimensions=options.dimensions
            )
        say()
        say(question, "Search:  ")
        for row, score in index.nearest(answer.data[0].embedding, 3):
            first_line = items[row].text.partition("\n")[0]
            say_item(f"  {score:.3f}  {items[row].id}: {first_line}")


async def _answer(title: str, prompt: str, conversation: Conversation) -> None:
    say()
    say(prompt, f"{title}: ")
    await conversation.ask(prompt, stream_out)
    say()
