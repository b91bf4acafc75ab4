"""Stream a chat answer to the terminal as it arrives."""

import anyio

from anyopenai import OpenAI


async def main() -> None:
    async with OpenAI() as client:
        stream = await client.chat.completions.create(
            model="gpt-5.5",
            messages=[
                {"role": "system", "content": "You answer in one sentence."},
                {"role": "user", "content": "Why is the sky blue?"},
            ],
            stream=True,
        )
        # Leaving this block early (break, an error, cancellation) ends the stream on the server as well.
        async with stream:
            async for chunk in stream:
                for choice in chunk.choices:
                    print(choice.delta.content or "", end="", flush=True)
        print()


if __name__ == "__main__":
    anyio.run(main)
