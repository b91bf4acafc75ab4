"""Stream an answer of the Responses API, and keep the whole response that ends it."""

import anyio

from anyopenai import OpenAI


async def main() -> None:
    async with OpenAI() as client:
        stream = await client.responses.create(model="gpt-5.5", input="Write a haiku about queues.", stream=True)
        async with stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
                elif event.type == "response.completed":
                    print()
                    usage = event.response.usage
                    print("tokens:", usage.total_tokens if usage else "not told")


if __name__ == "__main__":
    anyio.run(main)
