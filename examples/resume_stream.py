"""Stream a response in the background that outlives its connection, and say where to go on if it cannot."""

import anyio

from anyopenai import APIConnectionError, OpenAI


async def main() -> None:
    async with OpenAI(trace=show) as client:
        stream = await client.responses.create(
            model="gpt-5.5", input="Write a long report about queues.", background=True, stream=True, deadline=1800
        )
        try:
            async with stream:
                async for text in stream.text_stream:
                    print(text, end="", flush=True)
        except APIConnectionError as error:
            print("\ngo on later from", error.resume_point)
        else:
            print("\ncomplete", "(the end was polled)" if stream.polled else "(every event was streamed)")


def show(name: str, info: object) -> None:
    """Tell when the stream goes on over another connection."""
    if name == "resume":
        print("\nresumed:", info)


if __name__ == "__main__":
    anyio.run(main)
