"""Have a model decide, step by step, which of a few actions is next; scripted answers stand for the API here."""

import anyio

from anyopenai import OpenAI
from anyopenai.testing import Answer, FakeTransport
from anyopenai.tools import AsyncDecisionsToolRunner, DecisionCandidate, DecisionObservation


class Cart:
    """What is to be emptied."""

    def __init__(self) -> None:
        self.items = ["a lamp", "a rug"]

    async def observe(self) -> str:
        return f"In the cart: {', '.join(self.items) or 'nothing'}."

    async def candidates(self, seen: DecisionObservation) -> list[DecisionCandidate]:
        return [
            {"id": "remove", "description": "Remove the first item.", "execute": self.remove},
            {"id": "done", "description": "The cart is empty.", "done": True},
        ]

    async def remove(self) -> None:
        print("removed", self.items.pop(0))

    async def verify(self, seen: DecisionObservation) -> bool:
        return not self.items


def chosen(candidate: str) -> Answer:
    """Return what the API answers with."""
    choice = {
        "type": "choice",
        "name": "next_action",
        "choice": candidate,
        "confidence": 0.9,
        "probabilities": [{"value": candidate, "probability": 0.9}],
    }
    usage = {
        "input_tokens": 40,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 41,
    }
    return Answer(json={"model": "gpt-5.5", "answers": [choice], "usage": usage})


async def main() -> None:
    cart = Cart()
    runner = AsyncDecisionsToolRunner(observe=cart.observe, candidates=cart.candidates, verify=cart.verify)
    transport = FakeTransport(chosen("remove"), chosen("remove"), chosen("done"))
    async with OpenAI(api_key="any", transport=transport) as client:
        result = await runner.run(client, {"model": "gpt-5.5", "input": "Empty the cart."}, max_steps=10)
    print(result["status"], "after", len(result["decisions"]), "decisions")


if __name__ == "__main__":
    anyio.run(main, backend="trio")  # or "asyncio", which is the default
