"""Ask for an answer of a class, offer a function as a tool, and send back what it gave."""

from typing import Literal

import anyio
from msgspec import Struct

from anyopenai import OpenAI, function_tool
from anyopenai.types.responses import ResponseInputItemParam


class Event(Struct):
    """Something that is going to happen."""

    name: str
    participants: list[str]
    mood: Literal["cheerful", "serious"]


@function_tool
async def invite(name: str, to: str) -> str:
    """Invite somebody.

    Args:
        name: Who is invited.
        to: The event's name.
    """
    return f"{name} is invited to {to}"


async def main() -> None:
    async with OpenAI() as client:
        response = await client.responses.parse(
            model="gpt-5.5",
            input="Alice and Bob are going to a science fair on Friday.",
            text_format=Event,
            tools=[invite],
        )
        outputs: list[ResponseInputItemParam] = []
        for item in response.output:
            if item.type == "function_call":
                given = await invite.invoke(item.arguments)
                print(given)
                outputs.append({"type": "function_call_output", "call_id": item.call_id, "output": given})
        if outputs:
            response = await client.responses.parse(
                model="gpt-5.5",
                input=outputs,
                previous_response_id=response.id,
                text_format=Event,
            )
        event = response.output_parsed
        if event is not None:
            print("event:", event.name, "-", ", ".join(event.participants), "-", event.mood)


if __name__ == "__main__":
    anyio.run(main)
