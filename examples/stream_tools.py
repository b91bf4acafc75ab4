"""Show each step of a run of tools while it happens: what the model calls, what it is told, and its answer in pieces."""

import anyio

from anyopenai import OpenAI, ToolLoopLimitError


async def get_weather(city: str) -> dict[str, object]:
    """Tell the weather of today.

    Args:
        city: The city's name in English.
    """
    return {"city": city, "degrees": 21}


def add(numbers: list[float]) -> float:
    """Add numbers.

    Args:
        numbers: What to add.
    """
    return sum(numbers)


async def main() -> None:
    async with (
        OpenAI() as client,
        client.responses.run_tools(
            model="gpt-5.5",
            input="How is the weather in Oslo, and what are 3 and 4 together?",
            tools=[get_weather, add],
            stream=True,
            max_seconds=60,
        ) as run,
    ):
        try:
            async for event in run:
                if event.type == "function_tool_call":
                    print(f"calls {event.name}({event.arguments})")
                elif event.type == "function_tool_call_result":
                    print(f"{event.name} gave {event.content}")
                elif event.type == "response.output_text.delta":
                    print(event.delta, end="")
                elif event.type == "total_usage":
                    print(f"\ntokens: {event.usage.total_tokens}")
        except ToolLoopLimitError as error:
            print(f"stopped by {error.limit} after {error.turns} requests")
            return
        print("items for the next request:", len(run.items))


if __name__ == "__main__":
    anyio.run(main)
