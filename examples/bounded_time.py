"""Bound a call in time: a deadline for the whole call, or a cancel scope around anything."""

import anyio

from anyopenai import APITimeoutError, OpenAI


async def main() -> None:
    async with OpenAI(max_retries=5) as client:
        try:
            # Twenty seconds for everything: waiting for a connection, all six attempts, the pauses between them.
            response = await client.responses.create(model="gpt-5.5", input="Say hello.", deadline=20.0)
            print(response.output_text)
        except APITimeoutError as error:
            print("gave up:", error)

        # Scopes of anyio (or of trio) cancel any call; the connection is given back or closed, nothing leaks.
        with anyio.move_on_after(20.0) as scope:
            names = [model.id async for model in client.models.list()]
            print(len(names), "models")
        if scope.cancelled_caught:
            print("the list of models took too long")


if __name__ == "__main__":
    anyio.run(main)
