"""Stream answers as events, and take the whole at the end."""

import anyio

from anyopenai import OpenAI


async def main() -> None:
    async with OpenAI() as client:
        # Nothing is sent before the block is entered; leaving it early ends the stream on the server as well.
        async with client.chat.completions.stream(
            model="gpt-5.5",
            messages=[{"role": "user", "content": "Name three rivers."}],
            stream_options={"include_usage": True},
        ) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    print(event.delta, end="", flush=True)
                elif event.type == "content.done":
                    print(f"\ndone: {len(event.content)} characters")
            completion = await stream.get_final_completion()
        if completion.usage is not None:
            print("tokens:", completion.usage.total_tokens)

        async with client.responses.stream(model="gpt-5.5", input="Name three rivers.") as responses:
            async for change in responses:
                if change.type == "response.output_text.delta":
                    print(change.delta, end="", flush=True)
            response = await responses.get_final_response()
        print(f"\n{response.status}: {len(response.output_text)} characters")


if __name__ == "__main__":
    anyio.run(main)
