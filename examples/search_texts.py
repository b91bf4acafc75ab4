"""Find the text that is nearest to a question, with NumPy."""

import anyio
import numpy as np

from anyopenai import OpenAI

TEXTS = [
    "Open a file and return a file object.",
    "Return the sine of x, measured in radians.",
    "Parse a date and time from a string in ISO 8601 format.",
    "Send a signal to the process with the given id.",
]
QUESTION = "parse a date and time"


async def main() -> None:
    async with OpenAI() as client:
        answer = await client.embeddings.create(model="text-embedding-3-small", input=[*TEXTS, QUESTION])
    # Each embedding is a block of C numbers: NumPy reads it without converting number by number.
    rows = np.stack([np.asarray(item.embedding) for item in answer.data])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    scores = rows[:-1] @ rows[-1]
    for row in np.argsort(-scores):
        print(f"{scores[row]:.3f}  {TEXTS[row]}")


if __name__ == "__main__":
    anyio.run(main)
