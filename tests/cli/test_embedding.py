"""Concurrent batches, in order, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from anyio import Event, create_task_group, wait_all_tasks_blocked
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from anyopenai.cli.embedding import WAITING, ListBatches, embed_in_order
from anyopenai.cli.failures import CommandError
from anyopenai.cli.items import Item
from anyopenai.cli.progress import Meter


class Embeddings:
    """A client whose calls wait to be let go; a text's vector is its length, and its number."""

    def __init__(self) -> None:
        self.embeddings = self
        self.gates: dict[str, Event] = {}
        self.calls: list[dict[str, Any]] = []
        self.most_in_flight = 0
        self.in_flight = 0

    async def create(self, *, model: str, input: list[str], dimensions: int = 2) -> Any:
        self.calls.append({"model": model, "input": input, "dimensions": dimensions})
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            gate = self.gates.get(input[0])
            await (gate.wait() if gate else checkpoint())
        finally:
            self.in_flight -= 1
        data = [
            SimpleNamespace(index=index, embedding=[float(len(text)), float(text)]) for index, text in enumerate(input)
        ]
        return SimpleNamespace(data=data[::-1])


class Rows:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.vectors: list[Sequence[float]] = []

    async def append(self, items: Sequence[Item], vectors: Sequence[Sequence[float]]) -> None:
        await checkpoint()
        self.items += items
        self.vectors += vectors


def numbered(count: int) -> list[Item]:
    return [Item(n, str(n)) for n in range(count)]


async def embed(client: Any, items: list[Item], rows: Rows, *, batch_size: int = 3, concurrency: int = 2) -> Meter:
    meter = Meter(len(items))
    await embed_in_order(client, ListBatches(items, batch_size), rows, model="m", meter=meter, concurrency=concurrency)
    return meter


async def test_every_item_gets_its_own_vector_in_the_order_of_the_input() -> None:
    rows, client = Rows(), Embeddings()
    meter = await embed(client, numbered(10), rows)
    assert rows.items == numbered(10)
    assert rows.vectors == [[1.0, float(n)] for n in range(10)]
    assert (meter.items, meter.in_flight, meter.retries) == (10, 0, 0)
    assert [len(call["input"]) for call in client.calls] == [3, 3, 3, 1]


async def test_a_slow_batch_holds_back_the_rows_and_not_the_calls_after_it() -> None:
    rows, client = Rows(), Embeddings()
    client.gates["0"] = Event()
    async with create_task_group() as tasks:
        tasks.start_soon(embed, client, numbered(12), rows)
        await wait_all_tasks_blocked()
        assert rows.items == []
        assert [call["input"][0] for call in client.calls] == ["0", "3", "6", "9"]
        client.gates["0"].set()
    assert rows.items == numbered(12)


async def test_what_is_held_is_bounded_by_the_concurrency() -> None:
    rows, client = Rows(), Embeddings()
    client.gates["0"] = Event()
    async with create_task_group() as tasks:
        tasks.start_soon(embed, client, numbered(3000), rows)
        await wait_all_tasks_blocked()
        # One place is in the writer's hands, one is about to be queued; the queue holds the rest.
        assert len(client.calls) <= WAITING * 2 + 2
        client.gates["0"].set()
    assert len(rows.items) == 3000
    assert client.most_in_flight == 2


async def test_the_first_failure_cancels_the_rest_and_comes_out_as_itself() -> None:
    rows, client = Rows(), Embeddings()
    client.gates["0"] = Event()
    with pytest.raises(ValueError, match="could not convert string to float: 'x'"):
        await embed(client, [Item(0, "0"), Item(1, "x")], rows, batch_size=1)
    assert client.in_flight == 0
    assert rows.items == []


async def test_a_failing_output_ends_the_job() -> None:
    class Full(Rows):
        async def append(self, items: Sequence[Item], vectors: Sequence[Sequence[float]]) -> None:
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        await embed(Embeddings(), numbered(100), Full())


async def test_an_answer_with_missing_vectors_is_refused() -> None:
    class Short(Embeddings):
        async def create(self, **arguments: Any) -> Any:
            answer = await super().create(**arguments)
            del answer.data[0]
            return answer

    with pytest.raises(CommandError, match=r"vectors numbered \[1, 0\]... for 3 texts"):
        await embed(Short(), numbered(3), Rows())


async def test_dimensions_are_asked_for_only_when_given() -> None:
    client = Embeddings()
    await embed_in_order(
        client,  # type: ignore[arg-type]  # a fake
        ListBatches(numbered(1), 1),
        Rows(),
        model="m",
        meter=Meter(),
        concurrency=1,
        dimensions=5,
    )
    assert client.calls == [{"model": "m", "input": ["0"], "dimensions": 5}]


@settings(max_examples=20)
@given(count=st.integers(0, 40), batch_size=st.integers(1, 7))
async def test_list_batches_hold_every_item_once(count: int, batch_size: int) -> None:
    batches, found = ListBatches(numbered(count), batch_size), []
    while batch := await batches.next_batch():
        assert len(batch) <= batch_size
        found += batch
    assert found == numbered(count)
