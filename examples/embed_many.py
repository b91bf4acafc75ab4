"""Embed many texts concurrently: a bounded number of requests in flight, results in order."""

import anyio

from anyopenai import OpenAI

TEXTS = [f"{animal} number {n}" for n in range(50) for animal in ("cat", "dog", "whale", "sparrow")]
BATCH = 25
IN_FLIGHT = 4


async def main() -> None:
    vectors: dict[int, list[float]] = {}
    limiter = anyio.CapacityLimiter(IN_FLIGHT)

    async def embed(client: OpenAI, start: int) -> None:
        async with limiter:
            answer = await client.embeddings.create(
                model="text-embedding-3-small",
                input=TEXTS[start : start + BATCH],
                dimensions=64,
            )
        for item in answer.data:
            vectors[start + item.index] = list(item.embedding)

    # One failed batch cancels the others and comes out of this block; nothing is left running.
    async with OpenAI() as client, anyio.create_task_group() as tasks:
        for start in range(0, len(TEXTS), BATCH):
            tasks.start_soon(embed, client, start)

    ordered = [vectors[n] for n in range(len(TEXTS))]
    print(len(ordered), "vectors of", len(ordered[0]), "numbers")


if __name__ == "__main__":
    anyio.run(main)
