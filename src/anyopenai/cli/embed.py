"""`anyopenai embed`: from a file of texts to the two result files; reading, calling and writing live beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..client import OpenAI
from .connecting import BULK_RETRIES, Connecting
from .embedding import embed_in_order
from .items import Form, ItemReader
from .lines import Lines
from .progress import Meter, shown
from .screen import notes, say
from .vectors import ITEMS, VECTORS, VectorFiles

__all__ = ("EmbedOptions", "embed_file")


@dataclass(frozen=True, kw_only=True)
class EmbedOptions:
    """What the command line chose.

    Attributes:
        source: Path of the input, or `"-"`.
        output: Directory of the results.
        server: Whom to ask.
        model: The embedding model.
        form: How the input is written; None finds out.
        batch_size: Texts in one request.
        concurrency: Requests in flight.
        dimensions: Length of the vectors; None for the model's own.
        max_retries: How often a failed request is repeated.
    """

    source: str
    output: Path
    server: Connecting
    model: str
    form: Form | None = None
    batch_size: int = 64
    concurrency: int = 8
    dimensions: int | None = None
    max_retries: int = BULK_RETRIES


async def embed_file(options: EmbedOptions) -> None:
    """Embed every text of the input; the result files are complete or absent.

    Raises:
        OpenAIError: A request failed for good.
        CommandError: A line of the input is not a text.
        OSError: The input cannot be read, or the results cannot be written.
    """
    meter = Meter()
    async with (
        Lines(options.source) as lines,
        VectorFiles(options.output) as files,
        OpenAI(
            base_url=options.server.base_url,
            api_key=options.server.api_key,
            max_retries=options.max_retries,
            middleware=[meter.middleware],
        ) as client,
    ):
        async with shown(meter, notes(), "Embedding"):
            await embed_in_order(
                client,
                ItemReader(lines, options.batch_size, options.form),
                files,
                model=options.model,
                meter=meter,
                concurrency=options.concurrency,
                dimensions=options.dimensions,
            )
        await files.finish()
    say(f"{options.output / VECTORS}: {files.rows:,} x {files.dimensions:,} float32; {options.output / ITEMS}")
