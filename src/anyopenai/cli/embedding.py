"""Many texts to vectors: batches go out concurrently and come back in order; files, input and screens are not known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from anyio import Event, Semaphore, create_memory_object_stream
from anyio.streams.memory import MemoryObjectReceiveStream

from .._tasks import open_task_group
from .failures import CommandError
from .items import Item
from .progress import Meter

if TYPE_CHECKING:
    from ..client import OpenAI

__all__ = ("Batches", "ListBatches", "Rows", "embed_in_order")

# Finished batches that wait for a slow one before them, as a multiple of the calls in flight. It bounds the memory:
# whatever the input's size, no more than this many batches are held.
WAITING: Final = 2


class Batches(Protocol):
    """Where items come from."""

    async def next_batch(self) -> list[Item]:
        """Return the next items; an empty list at the end."""
        ...


class Rows(Protocol):
    """Where vectors go."""

    async def append(self, items: Sequence[Item], vectors: Sequence[Sequence[float]]) -> None:
        """Take one vector for each item, in the order of the input."""
        ...


class ListBatches:
    """Batches of items that are in memory.

    Args:
        items: All of them.
        batch_size: Most items in one batch.
    """

    def __init__(self, items: Sequence[Item], batch_size: int) -> None:
        self._items = items
        self._batch_size = batch_size
        self._next = 0

    async def next_batch(self) -> list[Item]:
        """Return the next items; an empty list at the end."""
        start, self._next = self._next, self._next + self._batch_size
        return list(self._items[start : self._next])


class _Place:
    """A batch's place in the order, taken when it is read."""

    __slots__ = ("items", "ready", "vectors")

    def __init__(self, items: list[Item]) -> None:
        self.items = items
        self.vectors: Sequence[Sequence[float]] = ()
        self.ready = Event()


async def embed_in_order(
    client: OpenAI,
    batches: Batches,
    rows: Rows,
    *,
    model: str,
    meter: Meter,
    concurrency: int,
    dimensions: int | None = None,
) -> None:
    """Embed every item of `batches` and hand the vectors to `rows` in the order of the input.

    At most `concurrency` calls are in flight; memory is bounded by them, not by the input. The first failure cancels
    the rest and is raised.

    Args:
        client: Makes the calls.
        batches: The input.
        rows: The output; it is never called concurrently.
        model: The embedding model.
        meter: Counts calls and items.
        concurrency: Most calls in flight at once.
        dimensions: Length of the vectors; None for the model's own.

    Raises:
        OpenAIError: A call failed for good.
        CommandError: The input or an answer is not what it must be.
    """
    free = Semaphore(concurrency)

    async def embed(place: _Place) -> None:
        try:
            with meter.call():
                place.vectors = await _vectors(client, model, place.items, dimensions)
        finally:
            free.release()
        place.ready.set()

    send, receive = create_memory_object_stream[_Place](WAITING * concurrency)
    # The receiving end outlives the group: a writer that fails must not make the sender fail as well.
    async with receive, open_task_group() as tasks, send:
        tasks.start_soon(_write, receive, rows, meter)
        while items := await batches.next_batch():
            place = _Place(items)
            await send.send(place)
            await free.acquire()
            tasks.start_soon(embed, place)


async def _vectors(
    client: OpenAI, model: str, items: Sequence[Item], dimensions: int | None
) -> Sequence[Sequence[float]]:
    texts = [item.text for item in items]
    if dimensions is None:
        answer = await client.embeddings.create(model=model, input=texts)
    else:
        answer = await client.embeddings.create(model=model, input=texts, dimensions=dimensions)
    # The numbers count, not the order of the array: the reference promises only them.
    by_index = sorted(answer.data, key=lambda embedding: embedding.index)
    if [embedding.index for embedding in by_index] != list(range(len(items))):
        raise CommandError(
            f"the server sent vectors numbered {[embedding.index for embedding in answer.data][:8]}... "
            f"for {len(items)} texts"
        )
    return [embedding.embedding for embedding in by_index]


async def _write(places: MemoryObjectReceiveStream[_Place], rows: Rows, meter: Meter) -> None:
    async for place in places:
        await place.ready.wait()
        await rows.append(place.items, place.vectors)
        meter.items += len(place.items)
