"""Let a model call Python functions, several at a time, and read its answer as a class."""

from datetime import date

import anyio
from msgspec import Struct

from anyopenai import OpenAI
from anyopenai.tools import ToolCall


class Trip(Struct):
    """A plan for a day."""

    city: str
    rain: bool


async def get_weather(city: str) -> str:
    """Tell the weather of today.

    Args:
        city: The city's name in English.
    """
    await anyio.sleep(0.01)  # here would be a request to a weather service
    return f"sunny in {city}, 21 degrees"


def count_days(start: date, end: date) -> int:
    """Count the days between two dates.

    Args:
        start: The first day.
        end: The last day.
    """
    return (end - start).days  # a plain function runs in a worker thread


async def explain(call: ToolCall, error: Exception) -> str | None:
    """Say what the model is told when a tool fails; without it, the error ends the run."""
    return f"{call.name} does not work today." if isinstance(error, OSError) else None


async def main() -> None:
    async with OpenAI() as client:
        result = await client.chat.completions.run_tools(
            model="gpt-5.5",
            messages=[
                {
                    "role": "user",
                    "content": "How is the weather in Oslo, and how long is it from May 1st to July 1st 2026?",
                }
            ],
            tools=[get_weather, count_days],
            response_format=Trip,
            max_turns=5,
            on_tool_error=explain,
        )
        for message in result.messages:
            if isinstance(message, dict) and message["role"] == "tool":
                print("tool:", message["content"])
        print("plan:", result.parsed)
        print("requests:", result.usage.calls, "tokens:", result.usage.total_tokens)


if __name__ == "__main__":
    anyio.run(main)
